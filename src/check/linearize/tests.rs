mod brute_force;
mod registers;

use brute_force::{brute_force, random_history};
use registers::{
    Both, Clear, Cleared, Create, Done, Fill, Get, Made, Older, Op, Put, Refused, Registers, Scan,
    Seen, Undo, Unknown, Value, Wipe, judged,
};

use super::{Unexplained, linearize};
use crate::{check::history::PENDING, model::divergence::Divergences};

/// A call that began and returned at these times.
fn call(op: Op, seen: Option<Seen>, invoked: u64, returned: u64) -> Made {
    Made { op, seen, invoked, returned }
}

fn seen(op: Op, seen: Seen, invoked: u64, returned: u64) -> Made {
    call(op, Some(seen), invoked, returned)
}

fn holds(mut calls: Vec<Made>) -> bool {
    calls.sort_by_key(|call| call.invoked);
    explained(&calls).is_ok()
}

fn explained(calls: &[Made]) -> Result<(), Box<Unexplained<Registers>>> {
    let calls: Vec<_> = calls.iter().map(|call| call.call()).collect();
    linearize(&calls, &[0; 2], &Divergences::default())
}

#[test]
fn calls_one_after_the_other_keep_their_order() {
    assert!(holds(vec![]));
    assert!(holds(vec![seen(Put(0, 1), Done, 1, 2), seen(Get(0), Value(1), 3, 4)]));
    assert!(
        !holds(vec![seen(Put(0, 1), Done, 1, 2), seen(Get(0), Value(0), 3, 4)]),
        "a stale read"
    );
    assert!(!holds(vec![seen(Get(0), Value(1), 1, 2), seen(Put(0, 1), Done, 3, 4)]), "a prophecy");
}

#[test]
fn overlapping_calls_may_come_in_either_order() {
    for value in [0, 1] {
        assert!(holds(vec![seen(Put(0, 1), Done, 1, 4), seen(Get(0), Value(value), 2, 3)]));
        assert!(holds(vec![seen(Get(0), Value(value), 1, 4), seen(Put(0, 1), Done, 2, 3)]));
    }
    assert!(!holds(vec![seen(Put(0, 1), Done, 1, 4), seen(Get(0), Value(2), 2, 3)]));
}

#[test]
fn later_reads_do_not_go_back() {
    let put = || seen(Put(0, 1), Done, 1, 10);
    assert!(holds(vec![put(), seen(Get(0), Value(0), 2, 3), seen(Get(0), Value(1), 4, 5)]));
    assert!(!holds(vec![put(), seen(Get(0), Value(1), 2, 3), seen(Get(0), Value(0), 4, 5)]));
}

#[test]
fn an_order_other_than_that_of_return_is_found() {
    // The puts return in one order, and took effect in the other.
    let puts = || vec![seen(Put(0, 1), Done, 1, 3), seen(Put(0, 2), Done, 2, 4)];
    for value in [1, 2] {
        let mut calls = puts();
        calls.push(seen(Get(0), Value(value), 5, 6));
        assert!(holds(calls), "{value} may be the last");
    }
    let mut calls = puts();
    calls.extend([seen(Get(0), Value(1), 5, 6), seen(Get(0), Value(2), 7, 8)]);
    assert!(!holds(calls), "not both are the last");
}

#[test]
fn a_refusal_needs_its_reason() {
    let first = || seen(Create(0, 1), Done, 1, 2);
    assert!(holds(vec![first(), seen(Create(0, 2), Refused, 3, 4)]));
    assert!(!holds(vec![first(), seen(Create(0, 2), Done, 3, 4)]));
    assert!(!holds(vec![seen(Create(0, 2), Refused, 1, 2), seen(Create(0, 1), Done, 3, 4)]));
    assert!(holds(vec![seen(Create(0, 2), Refused, 1, 4), seen(Create(0, 1), Done, 2, 3)]));
}

#[test]
fn a_call_without_outcome_may_have_happened_or_not() {
    for (outcome, returned) in [(None, PENDING), (Some(Unknown), 3)] {
        let put = || call(Put(0, 1), outcome, 1, returned);
        for value in [0, 1] {
            assert!(holds(vec![put(), seen(Get(0), Value(value), 4, 5)]), "{value}");
        }
        assert!(!holds(vec![put(), seen(Get(0), Value(2), 4, 5)]));
        let back = vec![put(), seen(Get(0), Value(1), 4, 5), seen(Get(0), Value(0), 6, 7)];
        assert!(!holds(back), "it does not come undone");
        let early = vec![seen(Get(0), Value(1), 0, 1), call(Put(0, 1), outcome, 2, returned)];
        assert!(!holds(early), "not before it began");
    }
}

#[test]
fn a_call_without_outcome_happens_within_its_time() {
    let late = |returned| {
        let put = call(Put(0, 1), Some(Unknown), 1, returned);
        vec![put, seen(Get(0), Value(0), 4, 5), seen(Get(0), Value(1), 6, 7)]
    };
    assert!(!holds(late(3)), "it is over before the first read");
    assert!(holds(late(PENDING)) && holds(late(8)), "between the reads");
}

#[test]
fn a_call_without_outcome_may_be_needed_once_only() {
    let create = call(Create(0, 1), None, 1, PENDING);
    let calls = |last| {
        let refused = seen(Create(0, 2), Refused, 2, 3);
        vec![create, refused, seen(Put(0, 0), Done, 4, 5), seen(Get(0), Value(last), 6, 7)]
    };
    assert!(holds(calls(0)));
    assert!(!holds(calls(1)), "having explained the refusal it can't come again");
}

#[test]
fn a_long_call_is_judged_by_all_states_during_it() {
    let puts = || vec![seen(Put(0, 1), Done, 2, 3), seen(Put(1, 2), Done, 4, 5)];
    let with = |scan| {
        let mut calls = puts();
        calls.push(scan);
        holds(calls)
    };
    // No single moment shows the old first and the new second register.
    assert!(with(seen(Scan, Both(0, 2), 1, 6)), "the first was read before, the second after");
    assert!(with(seen(Scan, Both(0, 0), 1, 6)) && with(seen(Scan, Both(1, 2), 1, 6)));
    assert!(!with(seen(Scan, Both(2, 0), 1, 6)), "that was never there");
    assert!(!with(seen(Scan, Both(0, 0), 6, 7)), "it began too late for that");
    assert!(!with(seen(Scan, Both(1, 2), 0, 1)), "it ended too early for that");
}

#[test]
fn the_longest_explanation_is_told() {
    let calls =
        [seen(Put(0, 1), Done, 1, 2), seen(Put(0, 2), Done, 3, 4), seen(Get(0), Value(1), 5, 6)];
    let told = explained(&calls).unwrap_err();
    assert_eq!(told.order, [0, 1]);
    let (stuck, broken) = told.stuck.expect("a call that could not follow");
    assert_eq!((stuck, *broken.expected), (2, Value(2)));
}

#[test]
fn a_call_that_changes_many_records_changes_each_at_a_moment_of_its_own() {
    let begin = || vec![seen(Put(0, 1), Done, 1, 2), seen(Put(1, 1), Done, 3, 4)];
    let with = |more: Vec<Made>| holds([begin(), more].concat());
    let clear = |count| seen(Clear, Cleared(count), 10, 20);
    assert!(with(vec![clear(2)]));
    for key in [0, 1] {
        let one_is_gone =
            vec![seen(Get(key), Value(0), 11, 12), seen(Get(1 - key), Value(1), 13, 14)];
        assert!(with([one_is_gone, vec![clear(2)]].concat()), "{key} may go first");
    }
    assert!(!with(vec![clear(1)]), "the other one was there throughout");
    assert!(!with(vec![clear(3)]), "so many were never there");
    let put = || seen(Put(0, 2), Done, 11, 12);
    assert!(with(vec![put(), clear(1), seen(Get(0), Value(2), 30, 31)]), "one put meanwhile stays");
    assert!(with(vec![put(), clear(2), seen(Get(0), Value(2), 30, 31)]), "or was cleared before");
    assert!(with(vec![put(), clear(2), seen(Get(0), Value(0), 30, 31)]), "or after");
    assert!(!with(vec![put(), clear(1), seen(Get(0), Value(1), 30, 31)]));
    assert!(!with(vec![clear(2), seen(Get(0), Value(1), 30, 31)]), "what is gone stays gone");
    assert!(!with(vec![seen(Get(0), Value(0), 5, 6), clear(2)]), "nothing goes before it begins");
    assert!(!with(vec![clear(2), seen(Scan, Both(1, 1), 30, 31)]), "nor after it returned");
}

#[test]
fn a_call_that_was_killed_may_have_changed_some_records() {
    let begin = || vec![seen(Put(0, 1), Done, 1, 2), seen(Put(1, 1), Done, 3, 4)];
    for outcome in [None, Some(Unknown)] {
        for (first, second) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let after = vec![
                call(Clear, outcome, 10, 20),
                seen(Get(0), Value(first), 30, 31),
                seen(Get(1), Value(second), 32, 33),
            ];
            assert!(holds([begin(), after].concat()), "{first} and {second} may be left");
        }
        let not_once = vec![
            call(Clear, outcome, 10, 20),
            seen(Get(0), Value(1), 30, 31),
            seen(Get(0), Value(0), 32, 33),
        ];
        assert!(!holds([begin(), not_once].concat()), "nothing happens after the recovery");
    }
}

#[test]
fn stages_are_taken_in_their_order_at_moments_of_their_own() {
    let with = |reads: &[Made], fill: Made| holds(reads.iter().cloned().chain([fill]).collect());
    let reads =
        |first, second| [seen(Get(0), Value(first), 2, 3), seen(Get(1), Value(second), 4, 5)];
    let fill = || seen(Fill(1), Done, 1, 6);
    for (first, second) in [(0, 0), (1, 0), (1, 1), (0, 1)] {
        assert!(with(&reads(first, second), fill()), "{first} {second}");
    }
    let backwards = [seen(Get(1), Value(1), 2, 3), seen(Get(0), Value(0), 4, 5)];
    assert!(!with(&backwards, fill()), "the first is set first");
    assert!(!with(&reads(1, 0), seen(Fill(1), Done, 0, 1)), "it was over before");
    assert!(with(&reads(1, 0), call(Fill(1), None, 0, PENDING)), "it may have been cut short");
    let told = explained(&[
        seen(Fill(1), Done, 1, 2),
        seen(Put(1, 2), Done, 3, 4),
        seen(Get(1), Value(1), 5, 6),
    ]);
    let told = told.unwrap_err();
    assert_eq!((told.order, told.stuck.map(|(stuck, _)| stuck)), (vec![0, 1], Some(2)));
}

#[test]
fn steps_of_a_stage_may_be_seen_before_it_is_over() {
    let fill = || seen(Fill(1), Done, 1, 2);
    let reads =
        |first, second| [seen(Get(0), Value(first), 5, 6), seen(Get(1), Value(second), 7, 8)];
    let with =
        |wipe: Made, reads: [Made; 2]| holds([fill(), wipe].into_iter().chain(reads).collect());
    for (first, second) in [(0, 0), (1, 0), (1, 1), (0, 1)] {
        assert!(with(seen(Wipe, Done, 4, 9), reads(first, second)), "{first} {second}");
        let unseen = call(Wipe, None, 4, PENDING);
        assert!(with(unseen, reads(first, second)), "cut short: {first} {second}");
    }
    assert!(!with(seen(Wipe, Done, 3, 4), reads(0, 1)), "both are 0 when it is over");
    let after = [seen(Get(1), Value(1), 10, 11)];
    let calls = || [fill(), seen(Wipe, Done, 4, 9)].into_iter();
    assert!(!holds(calls().chain(after).collect()), "it has to come to its end");
    let both = [seen(Get(0), Value(0), 5, 6), seen(Get(0), Value(1), 7, 8)];
    assert!(!holds(calls().chain(both).collect()), "what is gone stays gone");
    let refused = seen(Wipe, Refused, 4, 9);
    assert!(!with(refused, reads(0, 1)), "a refused call does nothing");
}

#[test]
fn older_software_changes_a_register_at_one_moment_and_may_lose_against_a_write() {
    let older = |value| seen(Older(0, value), Done, 4, 5);
    let get = |value| seen(Get(0), Value(value), 8, 9);
    assert!(holds(vec![older(1), get(1)]) && !holds(vec![older(1), get(0)]));
    assert!(holds(vec![seen(Get(0), Value(0), 1, 2), older(1), get(1)]));
    assert!(!holds(vec![seen(Get(0), Value(1), 1, 2), older(1), get(1)]), "a prophecy");
    let put = |begin, end| seen(Put(0, 2), Done, begin, end);
    assert!(holds(vec![put(1, 2), older(1), get(1)]) && !holds(vec![put(1, 2), older(1), get(2)]));
    for value in [1, 2] {
        assert!(holds(vec![put(3, 6), older(1), get(value)]), "{value} is the last one");
    }
    let create = seen(Create(0, 2), Done, 3, 6);
    assert!(holds(vec![create, older(1), get(2)]), "it replaced what it had not seen");
    let between = seen(Get(0), Value(1), 6, 7);
    let create = seen(Create(0, 2), Done, 3, 8);
    let after = seen(Get(0), Value(2), 9, 10);
    assert!(holds(vec![create, older(1), between, after]), "and what others had seen");
    assert!(!holds(vec![older(1), seen(Create(0, 2), Done, 6, 7)]), "it was there before");
    assert!(!holds(vec![seen(Put(1, 2), Done, 3, 6), older(1), get(0)]), "another register");
    let undo = || seen(Undo(4), Done, 6, 7);
    for value in [0, 1] {
        assert!(holds(vec![older(1), undo(), get(value)]), "the power was lost");
    }
    let puts = || (2..5).map(|value| seen(Put(0, value), Done, u64::from(value) - 2, 3));
    for value in 1..5 {
        let calls = puts().chain([older(1), undo(), get(value)]);
        assert!(holds(calls.collect()), "{value} may have been the one before");
    }
    let put = seen(Put(0, 2), Done, 5, 6);
    let undo = seen(Undo(4), Done, 7, 8);
    assert!(!holds(vec![older(1), put, undo, seen(Get(0), Value(0), 9, 10)]), "no longer its own");
}

/// Eight calls at once have 40 320 orders, and 256 sets.
#[test]
fn what_leads_nowhere_is_tried_once_however_it_came_about() {
    let puts = (0..8).map(|k| seen(Put(0, 1), Done, 10 + k, 20 + k));
    let impossible = seen(Get(0), Value(2), 30, 31);
    let history: Vec<Made> = puts.chain([impossible]).collect();
    let beside = [
        ("nothing", None),
        ("older software before", Some(seen(Older(1, 1), Done, 1, 2))),
        ("older software meanwhile", Some(seen(Older(0, 1), Done, 18, 19))),
        ("a scan before", Some(seen(Scan, Both(0, 0), 1, 2))),
        ("a scan afterwards", Some(seen(Scan, Both(1, 0), 32, 33))),
    ];
    for (what, other) in beside {
        let before = judged();
        let calls = history.iter().copied().chain(other).collect();
        assert!(!holds(calls), "nobody put what was read, beside {what}");
        let judged = judged() - before;
        assert!(judged < 20_000, "{judged} calls were judged, beside {what}");
    }
}

#[test]
fn the_search_agrees_with_all_permutations() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..100_000 {
        let calls = random_history(seed);
        let expected = brute_force(&calls);
        let found = explained(&calls).is_ok();
        let told: Vec<_> = calls
            .iter()
            .map(|call| {
                format!("{}..{} {:?} {:?}", call.invoked, call.returned, call.op, call.seen)
            })
            .collect();
        assert_eq!(found, expected, "history {seed}:\n{}", told.join("\n"));
        if expected { valid += 1 } else { invalid += 1 }
    }
    assert!(valid > 30_000 && invalid > 6_000, "{valid} valid and {invalid} invalid histories");
}
