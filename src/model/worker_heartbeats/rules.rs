//! The contract of the heartbeats store: what every call must return, and what
//! it leaves. Sentences in quotation marks are the contract's.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    operation::{HeartbeatData, HeartbeatsOp},
    outcome::{HeartbeatsProblem, HeartbeatsSeen},
};
use crate::{
    model::{
        failure::Failure,
        listing,
        source::RawId,
        subject::{Broken, Moment},
    },
    seam::Instant,
};

/// The state of the heartbeats store: of each worker the heartbeat that counts,
/// by worker id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeartbeatsModel {
    /// The heartbeats.
    pub heartbeats: BTreeMap<Arc<str>, HeartbeatData>,
    /// Of workers that have a file of older software as well, the staler
    /// heartbeat: "the fresher one counts". Whatever removes or replaces the
    /// one removes the other, so that it never shows, but to a list that reads
    /// the one before that and looks for the other after it.
    pub shadowed: BTreeMap<Arc<str>, HeartbeatData>,
}

type Verdict = Result<(), Broken<HeartbeatsSeen>>;

/// An error that a call must return, and the rule that says so.
struct Refusal {
    problem: HeartbeatsProblem,
    rule: &'static str,
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut HeartbeatsModel,
    op: &HeartbeatsOp,
    seen: &HeartbeatsSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match op {
        HeartbeatsOp::Get { worker_id } => match existing(model, worker_id) {
            Err(refusal) => refuse(seen, &refusal),
            Ok(heartbeat) => gives(
                seen,
                HeartbeatsSeen::Heartbeat(Box::new(heartbeat.clone())),
                "get gives the worker's last heartbeat",
            ),
        },
        HeartbeatsOp::List => judge_list(&mut std::iter::once(&*model), seen),
        HeartbeatsOp::Upsert(given) => {
            if !given.worker_id.is_legal() {
                return refuse(seen, &INVALID_ID);
            }
            gives(
                seen,
                HeartbeatsSeen::Done,
                "any record id can be a worker's; an older heartbeat is ignored, not refused",
            )?;
            upsert(model, given, moment.now);
            Ok(())
        }
        HeartbeatsOp::DeleteStale { before } => {
            let HeartbeatsModel { heartbeats, shadowed } = &mut *model;
            let all = heartbeats.len();
            heartbeats.retain(|_, heartbeat| !is_stale(heartbeat, *before));
            shadowed.retain(|worker_id, _| heartbeats.contains_key(worker_id));
            let removed = HeartbeatsSeen::Removed((all - model.heartbeats.len()) as u64);
            gives(
                seen,
                removed,
                "delete_stale removes the workers whose last heartbeat is not after the instant, and counts them",
            )
        }
    }
}

/// "0 on write means now. An `upsert` with an older heartbeat than the stored
/// one is ignored as a whole." "An equal `lastHeartbeatAt` replaces." "`upsert`
/// replaces wholly."
fn upsert(model: &mut HeartbeatsModel, given: &HeartbeatData, now: Instant) {
    let mut heartbeat = given.clone();
    if heartbeat.last_heartbeat_at == 0 {
        let nanoseconds = i128::from(now.seconds()) * 1_000_000_000 + i128::from(now.nanoseconds());
        heartbeat.last_heartbeat_at =
            i64::try_from(nanoseconds.div_euclid(1_000_000)).unwrap_or_default();
    }
    let stored = model.heartbeats.get(&given.worker_id.0);
    if stored.is_none_or(|stored| stored.last_heartbeat_at <= heartbeat.last_heartbeat_at) {
        // "An `upsert` replaces the older file in the same commit."
        model.shadowed.remove(&given.worker_id.0);
        model.heartbeats.insert(Arc::clone(&given.worker_id.0), heartbeat);
    }
}

/// "Those whose last heartbeat is not after `before`."
fn is_stale(heartbeat: &HeartbeatData, before: Instant) -> bool {
    let (at, seconds) = (heartbeat.last_heartbeat_at, before.seconds());
    match at.div_euclid(1_000).cmp(&seconds) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => {
            at.rem_euclid(1_000) * 1_000_000 <= i64::from(before.nanoseconds())
        }
        std::cmp::Ordering::Greater => false,
    }
}

/// The states that a call may leave, if it leaves another one. Of the workers
/// that `delete_stale` finds it may have removed any.
pub(super) fn outcomes_unseen(
    model: &HeartbeatsModel,
    op: &HeartbeatsOp,
    now: Instant,
) -> Vec<HeartbeatsModel> {
    let mut states = Vec::new();
    match op {
        HeartbeatsOp::Upsert(given) if given.worker_id.is_legal() => {
            let mut after = model.clone();
            upsert(&mut after, given, now);
            states.push(after);
        }
        HeartbeatsOp::DeleteStale { .. } => {
            let mut ahead = vec![model.clone()];
            while let Some(state) = ahead.pop() {
                for next in partial_steps(&state, op) {
                    if !states.contains(&next) {
                        states.push(next.clone());
                        ahead.push(next);
                    }
                }
            }
        }
        _ => {}
    }
    states.retain(|state| state != model);
    states
}

/// What one more removal of `delete_stale` leaves: one stale worker goes.
pub(super) fn partial_steps(model: &HeartbeatsModel, op: &HeartbeatsOp) -> Vec<HeartbeatsModel> {
    let HeartbeatsOp::DeleteStale { before } = op else { return Vec::new() };
    let stale = model.heartbeats.iter().filter(|(_, heartbeat)| is_stale(heartbeat, *before));
    stale
        .map(|(worker_id, _)| {
            let mut after = model.clone();
            after.heartbeats.remove(worker_id);
            after.shadowed.remove(worker_id);
            after
        })
        .collect()
}

/// A stale worker that was there unchanged throughout was there at the end: it
/// should have been removed.
pub(super) fn judge_removal(
    states: &mut dyn Iterator<Item = &HeartbeatsModel>,
    before: Instant,
    seen: &HeartbeatsSeen,
) -> Verdict {
    let nothing = listing::judge(
        states.map(|state| &state.heartbeats),
        &[],
        |heartbeat: &HeartbeatData| &heartbeat.worker_id.0,
        |heartbeat| heartbeat.worker_id.clone(),
    );
    let left = nothing.err().unwrap_or_default();
    let left = left.iter().filter(|heartbeat| is_stale(heartbeat, before)).count() as u64;
    match seen {
        HeartbeatsSeen::Removed(_) if left == 0 => Ok(()),
        HeartbeatsSeen::Removed(count) => Err(Broken {
            expected: Box::new(HeartbeatsSeen::Removed(count + left)),
            rule: "delete_stale leaves no stale worker that was there unchanged throughout",
        }),
        _ => Err(Broken {
            expected: Box::new(HeartbeatsSeen::Removed(left)),
            rule: "nothing stands in the way of this call",
        }),
    }
}

/// "Lists are complete, in the order given: heartbeats by id", "a worker is
/// listed once".
pub(super) fn judge_list(
    states: &mut dyn Iterator<Item = &HeartbeatsModel>,
    seen: &HeartbeatsSeen,
) -> Verdict {
    let (listed, is_sound) = match seen {
        HeartbeatsSeen::List { heartbeats, damaged } => (heartbeats.as_slice(), damaged.is_empty()),
        _ => (&[][..], false),
    };
    let states: Vec<_> = states.collect();
    // "Values each held at some moment": by either of a worker's records.
    let is_one_of = |beats: &BTreeMap<Arc<str>, HeartbeatData>, beat: &HeartbeatData| {
        beats.get(&beat.worker_id.0) == Some(beat)
    };
    let is_shadowed = |beat: &&HeartbeatData| {
        states.iter().any(|state| is_one_of(&state.shadowed, beat))
            && !states.iter().any(|state| is_one_of(&state.heartbeats, beat))
    };
    let counting: Vec<_> = listed.iter().filter(|beat| !is_shadowed(beat)).cloned().collect();
    let in_order = listed.is_sorted_by(|a, b| a.worker_id < b.worker_id);
    let judged = listing::judge(
        states.iter().map(|state| &state.heartbeats),
        &counting,
        |heartbeat| &heartbeat.worker_id.0,
        |heartbeat| heartbeat.worker_id.clone(),
    );
    let expected = match judged {
        Ok(()) if is_sound && in_order => return Ok(()),
        judged => judged.err().unwrap_or_default(),
    };
    Err(Broken {
        expected: Box::new(HeartbeatsSeen::List { heartbeats: expected, damaged: Vec::new() }),
        rule: "list gives each heartbeat that was there unchanged exactly once, by worker id, and nothing that was not there",
    })
}

fn existing<'a>(
    model: &'a HeartbeatsModel,
    worker_id: &RawId,
) -> Result<&'a HeartbeatData, Refusal> {
    if !worker_id.is_legal() {
        return Err(INVALID_ID);
    }
    model.heartbeats.get(&worker_id.0).ok_or(NO_SUCH_WORKER)
}

fn gives(seen: &HeartbeatsSeen, expected: HeartbeatsSeen, rule: &'static str) -> Verdict {
    if *seen == expected { Ok(()) } else { Err(Broken { expected: Box::new(expected), rule }) }
}

fn refuse(seen: &HeartbeatsSeen, refusal: &Refusal) -> Verdict {
    gives(seen, HeartbeatsSeen::Failed(Failure::refused(refusal.problem)), refusal.rule)
}

const INVALID_ID: Refusal = Refusal {
    problem: HeartbeatsProblem::InvalidWorkerId,
    rule: "a worker's id is a record id; that is judged first",
};
const NO_SUCH_WORKER: Refusal = Refusal {
    problem: HeartbeatsProblem::HeartbeatNotFound,
    rule: "there is no heartbeat of that worker",
};
