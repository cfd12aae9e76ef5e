//! The definition of linearizability, tried in full, and histories to try it
//! on.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::registers::{
    Both, Clear, Cleared, Create, Done, Fill, Get, Made, Model, Older, Op, Put, Refused, Registers,
    Scan, Undo, Unknown, Value, Wipe,
};
use crate::{
    check::history::PENDING,
    model::{divergence::Divergences, subject::Subject, testing::moment},
};

/// All orders, all choices: the definition, not an algorithm.
pub(super) fn brute_force(calls: &[Made]) -> bool {
    let stages = vec![0; calls.len()];
    explained(calls, &mut Vec::new(), &stages, &mut vec![[0; 2]])
}

/// Whether it may have had its effect, or not.
fn is_optional(call: &Made) -> bool {
    match call.op {
        Older(..) => false,
        Undo(_) => true,
        _ => call.seen.is_none_or(|seen| seen == Unknown),
    }
}

/// A state that a call may find, and the register that it has as it was before
/// a change by older software, with what that change made of it.
type Found = (Model, Option<(usize, u8)>);

/// The states in which a change by older software has not happened, as `call`
/// may find them: it is the change's undoing, or a write that began before it.
fn without_older(calls: &[Made], order: &[usize], states: &[Model], call: &Made) -> Vec<Found> {
    let now = states[states.len() - 1];
    let mut found = Vec::new();
    for (place, change) in order.iter().map(|k| calls[*k]).enumerate() {
        let Older(key, value) = change.op else { continue };
        let may = match call.op {
            Undo(time) => time == change.invoked && now[key] == value,
            Put(written, _) => written == key && call.invoked < change.invoked,
            Create(written, _) => {
                written == key && call.invoked < change.invoked && call.seen != Some(Refused)
            }
            Fill(_) | Wipe | Clear => call.invoked < change.invoked && call.seen != Some(Refused),
            Get(_) | Scan | Older(..) => false,
        };
        if may {
            let mut state = now;
            state[key] = states[place][key];
            found.push((state, Some((key, now[key]))));
        }
    }
    found
}

/// The state after what a call made of one that it found. What it left alone is
/// as older software made it.
fn beside_older(call: &Made, (found, changed): Found, mut after: Model) -> Model {
    let replaces = |key| matches!(call.op, Put(other, _) | Create(other, _) if other == key);
    if let Some((key, value)) = changed
        && after[key] == found[key]
        && !replaces(key)
        && !matches!(call.op, Undo(_))
    {
        after[key] = value;
    }
    after
}

/// The same where a call set a register to 0: it may have removed what it saw, and not what
/// was written since.
fn left_alone((_, changed): Found, mut after: Model) -> Option<Model> {
    let (key, value) = changed.filter(|(key, _)| after[*key] == 0)?;
    after[key] = value;
    Some(after)
}

/// Whether the steps of `order`, which led through `states`, can be followed by
/// others so that all is explained. `stages` are how many each call has behind
/// it.
fn explained(
    calls: &[Made],
    order: &mut Vec<usize>,
    stages: &[usize],
    states: &mut Vec<Model>,
) -> bool {
    let is_over = |k: &usize| stages[*k] == calls[*k].op.stages();
    let complete = (0..calls.len())
        .filter(|k| !is_over(k))
        .all(|k| is_optional(&calls[k]) || Registers::interval(&calls[k].op));
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
        let without = without_older(calls, order, states, call);
        for found in [(before, None)].into_iter().chain(without) {
            let mut after = found.0;
            let effect = call.op.stage_effect(stages[k], &mut after);
            if !Registers::interval(&call.op) && (is_optional(call) || call.seen == Some(effect)) {
                let mut stages = stages.to_vec();
                stages[k] += 1;
                nexts.extend(left_alone(found, after).map(|after| (stages.clone(), after)));
                nexts.push((stages, beside_older(call, found, after)));
            }
            let partial = call.op.partial_effects(found.0).into_iter();
            let partial = partial.flat_map(|after| {
                [Some(beside_older(call, found, after)), left_alone(found, after)]
            });
            let partial = partial.flatten();
            let partial = partial.filter(|after| *after != before);
            nexts.extend(partial.map(|after| (stages.to_vec(), after)));
        }
        for (stages, after) in nexts {
            order.push(k);
            states.push(after);
            if explained(calls, order, &stages, states) {
                return true;
            }
            order.pop();
            states.pop();
        }
    }
    false
}

/// Whether every scan and clearing agrees with the states from the last call
/// that returned before it began to the first that began after it returned.
fn intervals_hold(calls: &[Made], order: &[usize], states: &[Model]) -> bool {
    let divergences = Divergences::default();
    let intervals = calls.iter().enumerate().filter(|(_, call)| Registers::interval(&call.op));
    intervals.filter(|(_, call)| !is_optional(call)).all(|(k, scan)| {
        let parts = order.iter().filter(|&&part| part == k).count();
        let made = scan.seen.and_then(|seen| Registers::steps_made(&scan.op, &seen));
        let moment = moment(&divergences);
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
pub(super) fn random_history(seed: u64) -> Vec<Made> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |end: u64| (random.next_u64() >> 33) % end;
    let mut running: [Option<Made>; 3] = [None, None, None];
    let mut steps_done = [0; 3];
    let mut state = [0; 2];
    let mut calls = Vec::new();
    let (count, scans, lost, gradual) = (2 + below(5), below(2), below(2), below(2));
    let older = below(2);
    for time in (1..).step_by(4) {
        let client = below(3) as usize;
        match running[client].take() {
            None if calls.len() as u64 + running.iter().flatten().count() as u64 >= count => {
                if running.iter().all(Option::is_none) {
                    break;
                }
            }
            None if older == 1 && below(4) == 0 => {
                let (key, value) = (below(2) as usize, below(3) as u8);
                // At times a simultaneous write undoes it.
                if below(4) > 0 {
                    state[key] = value;
                }
                let seen = Some(Done);
                calls.push(Made { op: Older(key, value), seen, invoked: time, returned: time + 1 });
                if lost == 1 && below(2) == 0 {
                    calls.push(Made {
                        op: Undo(time),
                        seen,
                        invoked: time + 2,
                        returned: time + 3,
                    });
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
                running[client] = Some(Made { op, seen: None, invoked: time, returned: PENDING });
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
                        Put(..) | Fill(_) | Wipe | Older(..) | Undo(_) => Done,
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
