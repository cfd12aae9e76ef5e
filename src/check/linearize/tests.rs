use std::sync::Arc;

use arbitrary::Result as Arbitrary;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::linearize;
use crate::{
    check::history::{Call, PENDING, Phase},
    model::{
        divergence::Divergences,
        legacy::LegacyDocument,
        source::Source,
        subject::{Broken, Moment, Operation, Overlap, Reach, Subject, Surroundings, Verdict},
    },
    seam::{Collection, CollectionSpec, Instant, RecordId},
};

/// Two registers, which begin with 0.
#[derive(Debug)]
struct Registers;

type Model = [u8; 2];

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Op {
    Put(usize, u8),
    Get(usize),
    /// Sets a register that holds 0; refused otherwise.
    Create(usize, u8),
    /// Reads one register, and some time later the other.
    Scan,
    /// Sets the registers that do not hold 0 to 0, one after the other, and
    /// tells how many. One that is put meanwhile may be left out.
    Clear,
    /// Sets the first register, and some time later the other.
    Fill(u8),
    /// Sets both to 0, at once or one after the other.
    Wipe,
}

use Op::{Clear, Create, Fill, Get, Put, Scan, Wipe};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    Done,
    Value(u8),
    Refused,
    Both(u8, u8),
    Cleared(usize),
    /// The connection broke.
    Unknown,
}

use Seen::{Both, Cleared, Done, Refused, Unknown, Value};

impl Op {
    fn effect(self, model: &mut Model) -> Seen {
        match self {
            Put(key, value) => model[key] = value,
            Get(key) => return Value(model[key]),
            Create(key, _) if model[key] != 0 => return Refused,
            Create(key, value) => model[key] = value,
            Scan => return Both(model[0], model[1]),
            Clear => {
                let cleared = model.iter().filter(|value| **value != 0).count();
                *model = [0; 2];
                return Cleared(cleared);
            }
            Fill(value) => *model = [value; 2],
            Wipe => *model = [0; 2],
        }
        Done
    }

    fn stages(self) -> usize {
        if matches!(self, Fill(_)) { 2 } else { 1 }
    }

    fn stage_effect(self, stage: usize, model: &mut Model) -> Seen {
        match self {
            Fill(value) => model[stage] = value,
            _ => return self.effect(model),
        }
        Done
    }

    /// What one step of a clearing or wiping may leave.
    fn partial_effects(self, model: Model) -> Vec<Model> {
        let steps = (0..2).filter(|key| matches!(self, Clear | Wipe) && model[*key] != 0);
        let without = |key: usize| {
            let mut after = model;
            after[key] = 0;
            after
        };
        steps.map(without).collect()
    }
}

impl Subject for Registers {
    const NAME: &'static str = "registers";
    const OPERATIONS: &'static [&'static str] =
        &["put", "get", "create", "scan", "clear", "fill", "wipe"];
    const CLASSES: &'static [&'static str] =
        &["done", "value", "refused", "both", "unknown", "cleared"];

    type Op = Op;
    type Seen = Seen;
    type Model = Model;
    type Store = ();
    type Memory = ();

    fn required(_: &Reach) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn spec() -> CollectionSpec {
        CollectionSpec::new("registers")
    }

    fn open(_: Arc<dyn Collection>, _: &Surroundings) -> Arc<()> {
        Arc::new(())
    }

    fn generate(_: &mut Source<'_, '_>) -> Arbitrary<Op> {
        Ok(Scan)
    }

    fn generate_legacy(_: &mut Source<'_, '_>) -> Arbitrary<Vec<LegacyDocument>> {
        Ok(Vec::new())
    }

    fn generate_legacy_write(_: &mut Source<'_, '_>) -> Arbitrary<LegacyDocument> {
        Err(arbitrary::Error::EmptyChoose)
    }

    /// Older software writes a register as a file of its number.
    fn legacy_written(model: &mut Model, document: &LegacyDocument) {
        model[document.id.parse::<usize>().unwrap()] = document.text.parse().unwrap();
    }

    fn legacy_removed(model: &mut Model, id: &str) {
        model[id.parse::<usize>().unwrap()] = 0;
    }

    async fn execute((): &(), _: &mut Op, (): &mut ()) -> Seen {
        Unknown
    }

    fn step(model: &mut Model, op: &Op, seen: &Seen, _: &Moment<'_>) -> Result<(), Broken<Seen>> {
        let expected = op.effect(model);
        if expected == *seen {
            return Ok(());
        }
        Err(Broken { expected: Box::new(expected), rule: "registers hold what was put last" })
    }

    fn outcomes_unseen(model: &Model, op: &Op, _: &Moment<'_>) -> Vec<Model> {
        let mut after = *model;
        op.effect(&mut after);
        vec![after]
    }

    fn interval(op: &Op) -> bool {
        matches!(op, Scan | Clear)
    }

    /// Each value was there at some time, the first one not after the second.
    /// No value is left that was there throughout a clearing.
    fn judge_interval(
        states: &mut dyn Iterator<Item = &Model>,
        op: &Op,
        seen: &Seen,
        _: &Moment<'_>,
    ) -> Result<(), Broken<Seen>> {
        if *op == Clear {
            let states: Vec<_> = states.collect();
            let left = |key: usize| states.iter().all(|s| s[key] == states[0][key] && s[key] != 0);
            return if left(0) || left(1) {
                Err(Broken { expected: Box::new(Cleared(2)), rule: "a clearing leaves nothing" })
            } else {
                Ok(())
            };
        }
        let Both(first, second) = *seen else { panic!("a scan sees {seen:?}") };
        let mut first_seen = false;
        for state in states {
            first_seen |= state[0] == first;
            if first_seen && state[1] == second {
                return Ok(());
            }
        }
        Err(Broken { expected: Box::new(Both(0, 0)), rule: "a scan reads what was there" })
    }

    fn stages(op: &Op, _: u8) -> usize {
        op.stages()
    }

    fn step_stage(
        stage: usize,
        model: &mut Model,
        op: &Op,
        seen: &Seen,
        _: &Moment<'_>,
    ) -> Result<(), Broken<Seen>> {
        let expected = op.stage_effect(stage, model);
        if expected == *seen {
            return Ok(());
        }
        Err(Broken { expected: Box::new(expected), rule: "registers hold what was put last" })
    }

    fn stage_unseen(stage: usize, model: &Model, op: &Op, _: &Moment<'_>) -> Vec<Model> {
        let mut after = *model;
        op.stage_effect(stage, &mut after);
        vec![after]
    }

    fn partial_steps(_: usize, model: &Model, op: &Op, _: &Moment<'_>) -> Vec<Model> {
        op.partial_effects(*model)
    }

    fn steps_made(_: &Op, seen: &Seen) -> Option<usize> {
        if let Cleared(count) = seen { Some(*count) } else { None }
    }

    fn writes(_: &Op, _: Option<&Seen>) -> Option<Vec<RecordId>> {
        Some(Vec::new())
    }

    fn observations<'a>(_: impl Iterator<Item = &'a Op>) -> Vec<Op> {
        vec![Get(0), Get(1)]
    }
}

impl Operation for Op {
    fn kind(&self) -> usize {
        match self {
            Put(..) => 0,
            Get(_) => 1,
            Create(..) => 2,
            Scan => 3,
            Clear => 4,
            Fill(_) => 5,
            Wipe => 6,
        }
    }

    fn is_read(&self) -> bool {
        matches!(self, Get(_) | Scan)
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn simpler(&self) -> Vec<Self> {
        Vec::new()
    }
}

impl Verdict for Seen {
    fn class(&self) -> usize {
        match self {
            Done => 0,
            Value(_) => 1,
            Refused => 2,
            Both(..) => 3,
            Unknown => 4,
            Cleared(_) => 5,
        }
    }

    fn is_refusal(&self) -> bool {
        *self == Refused
    }

    fn is_unknown(&self) -> bool {
        *self == Unknown
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn digest(&self, _: &mut impl std::hash::Hasher) {}
}

/// A call that began and returned at these times.
fn call(op: Op, seen: Option<Seen>, invoked: u64, returned: u64) -> Call<Registers> {
    Call {
        phase: Phase::Clients,
        client: 0,
        action: 0,
        op,
        seen,
        now: Instant::UNIX_EPOCH,
        variant: 0,
        invoked,
        returned,
        io_invoked: 0,
        io_returned: 0,
    }
}

fn seen(op: Op, seen: Seen, invoked: u64, returned: u64) -> Call<Registers> {
    call(op, Some(seen), invoked, returned)
}

fn holds(mut calls: Vec<Call<Registers>>) -> bool {
    calls.sort_by_key(|call| call.invoked);
    linearize(&calls, &[0; 2], &Divergences::default()).is_ok()
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
        vec![create.clone(), refused, seen(Put(0, 0), Done, 4, 5), seen(Get(0), Value(last), 6, 7)]
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
    let told = linearize(&calls, &[0; 2], &Divergences::default()).unwrap_err();
    assert_eq!(told.order, [0, 1]);
    let (stuck, broken) = told.stuck.expect("a call that could not follow");
    assert_eq!((stuck, *broken.expected), (2, Value(2)));
}

#[test]
fn a_call_that_changes_many_records_changes_each_at_a_moment_of_its_own() {
    let begin = || vec![seen(Put(0, 1), Done, 1, 2), seen(Put(1, 1), Done, 3, 4)];
    let with = |more: Vec<Call<Registers>>| holds([begin(), more].concat());
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
    let with = |reads: &[Call<Registers>], fill: Call<Registers>| {
        holds(reads.iter().cloned().chain([fill]).collect())
    };
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
    let told = linearize(
        &[seen(Fill(1), Done, 1, 2), seen(Put(1, 2), Done, 3, 4), seen(Get(1), Value(1), 5, 6)],
        &[0; 2],
        &Divergences::default(),
    );
    let told = told.unwrap_err();
    assert_eq!((told.order, told.stuck.map(|(stuck, _)| stuck)), (vec![0, 1], Some(2)));
}

#[test]
fn steps_of_a_stage_may_be_seen_before_it_is_over() {
    let fill = || seen(Fill(1), Done, 1, 2);
    let reads =
        |first, second| [seen(Get(0), Value(first), 5, 6), seen(Get(1), Value(second), 7, 8)];
    let with = |wipe: Call<Registers>, reads: [Call<Registers>; 2]| {
        holds([fill(), wipe].into_iter().chain(reads).collect())
    };
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

/// All orders, all choices: the definition, not an algorithm.
fn brute_force(calls: &[Call<Registers>]) -> bool {
    let stages = vec![0; calls.len()];
    explained(calls, &mut Vec::new(), stages, &mut vec![[0; 2]])
}

fn optional(call: &Call<Registers>) -> bool {
    call.seen.is_none_or(|seen| seen == Unknown)
}

/// Whether the steps of `order`, which led through `states`, can be followed by
/// others so that all is explained. `stages` are how many each call has behind
/// it.
fn explained(
    calls: &[Call<Registers>],
    order: &mut Vec<usize>,
    stages: Vec<usize>,
    states: &mut Vec<Model>,
) -> bool {
    let is_over = |k: &usize| stages[*k] == calls[*k].op.stages();
    let complete = (0..calls.len())
        .filter(|k| !is_over(k))
        .all(|k| optional(&calls[k]) || Registers::interval(&calls[k].op));
    if complete && intervals_hold(calls, order, states) {
        return true;
    }
    for k in 0..calls.len() {
        let call = &calls[k];
        if is_over(&k) || order.iter().any(|&earlier| call.returned < calls[earlier].invoked) {
            continue;
        }
        let before = states[states.len() - 1];
        let mut nexts = Vec::new();
        let mut after = before;
        let effect = call.op.stage_effect(stages[k], &mut after);
        if !Registers::interval(&call.op) && (optional(call) || call.seen == Some(effect)) {
            let mut stages = stages.clone();
            stages[k] += 1;
            nexts.push((stages, after));
        }
        let partial = call.op.partial_effects(before).into_iter();
        nexts.extend(partial.map(|after| (stages.clone(), after)));
        for (stages, after) in nexts {
            order.push(k);
            states.push(after);
            if explained(calls, order, stages, states) {
                return true;
            }
            order.pop();
            states.pop();
        }
    }
    false
}

/// Whether every scan and clearing agrees with the states from the last call that returned before it began
/// to the first that began after it returned.
fn intervals_hold(calls: &[Call<Registers>], order: &[usize], states: &[Model]) -> bool {
    let divergences = Divergences::default();
    let intervals = calls.iter().enumerate().filter(|(_, call)| Registers::interval(&call.op));
    intervals.filter(|(_, call)| !optional(call)).all(|(k, scan)| {
        let parts = order.iter().filter(|&&part| part == k).count();
        let made = scan.seen.and_then(|seen| Registers::steps_made(&scan.op, &seen));
        let moment = Moment {
            now: scan.now,
            variant: scan.variant,
            divergences: &divergences,
            overlap: Overlap::Any,
        };
        let before = |&k: &usize| calls[k].returned < scan.invoked;
        let after = |&k: &usize| calls[k].invoked > scan.returned;
        let begin = order.iter().rposition(before).map_or(0, |place| place + 1);
        let end = order.iter().position(after).unwrap_or(order.len());
        begin <= end
            && made.is_none_or(|made| made == parts)
            && Registers::judge_interval(
                &mut states[begin..=end].iter(),
                &scan.op,
                &scan.seen.unwrap(),
                &moment,
            )
            .is_ok()
    })
}

/// A random history of at most six calls by three clients; what they saw is
/// often what they must have seen.
fn random_history(seed: u64) -> Vec<Call<Registers>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |end: u64| (random.next_u64() >> 33) % end;
    let mut running: [Option<Call<Registers>>; 3] = [None, None, None];
    let mut steps_done = [0; 3];
    let mut state = [0; 2];
    let mut calls = Vec::new();
    let (count, scans, lost, gradual) = (2 + below(5), below(2), below(2), below(2));
    for time in 1.. {
        let client = below(3) as usize;
        match running[client].take() {
            None if calls.len() as u64 + running.iter().flatten().count() as u64 >= count => {
                if running.iter().all(Option::is_none) {
                    break;
                }
            }
            None => {
                let (key, value) = (below(2) as usize, below(3) as u8);
                let op = match below(8 + scans * 2 + gradual * 4) {
                    0..3 => Put(key, value),
                    3..6 => Get(key),
                    6 | 7 => Create(key, value),
                    8 if scans == 1 => Scan,
                    9 if scans == 1 => Clear,
                    kind if kind % 2 == 0 => Fill(value),
                    _ => Wipe,
                };
                steps_done[client] = 0;
                running[client] = Some(call(op, None, time, PENDING));
            }
            Some(mut begun) if steps_done[client] < steps(begun.op) => {
                let step = steps_done[client];
                steps_done[client] += 1;
                if lost == 0 || below(4) > 0 {
                    begun.seen = Some(match (begun.op, begun.seen) {
                        (Fill(_), _) => begun.op.stage_effect(step, &mut state),
                        (Wipe, _) if step == 0 => {
                            state[below(2) as usize] = 0;
                            Done
                        }
                        (Clear, None) => {
                            let key = below(2) as usize;
                            Cleared(usize::from(std::mem::take(&mut state[key]) != 0))
                        }
                        (Clear, Some(Cleared(before))) => {
                            let after = begun.op.effect(&mut state);
                            let Cleared(more) = after else { panic!("{after:?}") };
                            Cleared(before + more)
                        }
                        (op, _) => op.effect(&mut state),
                    });
                } else {
                    // It was cut short.
                    steps_done[client] = usize::MAX;
                    begun.seen = None;
                }
                running[client] = Some(begun);
            }
            Some(mut done) => {
                if done.seen.is_some() && below(12) == 0 {
                    done.seen = Some(match done.op {
                        Scan => Both(below(3) as u8, below(3) as u8),
                        Clear => Cleared(below(3) as usize),
                        Get(_) => Value(below(3) as u8),
                        Create(..) => [Done, Refused][below(2) as usize],
                        Put(..) | Fill(_) | Wipe => Done,
                    });
                }
                if done.seen.is_some() || below(2) == 0 {
                    done.returned = time;
                    if done.seen.is_none() || (lost == 1 && below(8) == 0) {
                        done.seen = Some(Unknown);
                    }
                }
                calls.push(done);
            }
        }
    }
    calls.sort_by_key(|call| call.invoked);
    calls
}

/// In how many steps a random call takes effect.
fn steps(op: Op) -> usize {
    if matches!(op, Clear | Fill(_) | Wipe) { 2 } else { 1 }
}

#[test]
fn the_search_agrees_with_all_permutations() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..100_000 {
        let calls = random_history(seed);
        let expected = brute_force(&calls);
        let found = linearize(&calls, &[0; 2], &Divergences::default()).is_ok();
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
