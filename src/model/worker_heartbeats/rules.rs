//! The contract of the heartbeats store: what every call must return, and what
//! it leaves. Sentences in quotation marks are the contract's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    operation::{HeartbeatData, HeartbeatsOp},
    outcome::{HeartbeatsProblem, HeartbeatsSeen},
    place::{older_name, own_name},
};
use crate::{
    model::{
        failure::Failure,
        listing,
        source::RawId,
        subject::{Broken, Moment},
    },
    seam::Instant,
    store::error::Kind,
};

/// The state of the heartbeats store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeartbeatsModel {
    /// The heartbeats of each worker that has one, by worker id.
    pub workers: BTreeMap<Arc<str>, Worker>,
    /// The ids of the records that are nobody's heartbeat.
    pub damaged: BTreeSet<Arc<str>>,
}

/// The heartbeats of a worker, one at least.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Worker {
    /// Under the worker's own name.
    pub own: Option<HeartbeatData>,
    /// In a file of older software.
    pub older: Option<HeartbeatData>,
}

impl Worker {
    /// "When both exist the fresher one counts"; of equals the one under the
    /// worker's own name.
    fn counting(&self) -> Option<&HeartbeatData> {
        match (&self.own, &self.older) {
            (Some(own), Some(older)) if own.last_heartbeat_at < older.last_heartbeat_at => {
                Some(older)
            }
            (own, older) => own.as_ref().or(older.as_ref()),
        }
    }
}

impl HeartbeatsModel {
    /// The heartbeat that counts of a worker.
    pub(super) fn last(&self, worker_id: &str) -> Option<&HeartbeatData> {
        self.workers.get(worker_id).and_then(Worker::counting)
    }

    /// The heartbeat that counts of each worker.
    fn counting(&self) -> BTreeMap<Arc<str>, HeartbeatData> {
        let workers = self.workers.iter();
        workers
            .filter_map(|(id, worker)| Some((Arc::clone(id), worker.counting()?.clone())))
            .collect()
    }

    /// What is damaged under the ids of a worker.
    fn damage_of(&self, worker_id: &str) -> Vec<Arc<str>> {
        if self.damaged.is_empty() {
            return Vec::new();
        }
        let names = [own_name(worker_id), older_name(worker_id)];
        names.iter().filter_map(|name| self.damaged.get(&**name).cloned()).collect()
    }

    /// The heartbeat that the file `<id>.json` is.
    pub(super) fn file(&self, id: &str) -> Option<&HeartbeatData> {
        self.workers.iter().find_map(|(worker_id, worker)| {
            let own = worker.own.as_ref().filter(|_| own_name(worker_id) == id);
            own.or_else(|| worker.older.as_ref().filter(|_| older_name(worker_id) == id))
        })
    }

    /// The file `<id>.json` goes, whatever it is.
    pub(super) fn remove_file(&mut self, id: &str) {
        self.damaged.remove(id);
        self.workers.retain(|worker_id, worker| {
            if own_name(worker_id) == id {
                worker.own = None;
            }
            if worker.older.is_some() && older_name(worker_id) == id {
                worker.older = None;
            }
            worker.counting().is_some()
        });
    }

    /// The file `<id>.json` is written, and is this heartbeat of its worker, or
    /// none of anybody's.
    pub(super) fn write_file(&mut self, id: &str, heartbeat: Option<HeartbeatData>) {
        self.remove_file(id);
        let Some(heartbeat) = heartbeat else {
            self.damaged.insert(Arc::from(id));
            return;
        };
        let worker = self.workers.entry(Arc::clone(&heartbeat.worker_id.0)).or_default();
        let is_own = own_name(&heartbeat.worker_id.0) == id;
        let place = if is_own { &mut worker.own } else { &mut worker.older };
        *place = Some(heartbeat);
    }
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
            let all = model.workers.len();
            model.workers.retain(|_, worker| !is_stale(worker, *before));
            let removed = HeartbeatsSeen::Removed((all - model.workers.len()) as u64);
            gives(
                seen,
                removed,
                "delete_stale removes the workers whose last heartbeat is not after the instant, and counts them",
            )
        }
    }
}

/// "0 on write means now."
fn timed(given: &HeartbeatData, now: Instant) -> HeartbeatData {
    let mut heartbeat = given.clone();
    if heartbeat.last_heartbeat_at == 0 {
        let nanoseconds = i128::from(now.seconds()) * 1_000_000_000 + i128::from(now.nanoseconds());
        heartbeat.last_heartbeat_at =
            i64::try_from(nanoseconds.div_euclid(1_000_000)).unwrap_or_default();
    }
    heartbeat
}

/// "An `upsert` with an older heartbeat than the stored
/// one is ignored as a whole." "An equal `lastHeartbeatAt` replaces." "`upsert`
/// replaces wholly."
fn upsert(model: &mut HeartbeatsModel, given: &HeartbeatData, now: Instant) {
    let heartbeat = timed(given, now);
    if is_ignored(model, &heartbeat) {
        return;
    }
    for damaged in model.damage_of(&given.worker_id.0) {
        model.damaged.remove(&damaged);
    }
    // "An `upsert` replaces the older file in the same commit."
    let worker = Worker { own: Some(heartbeat), older: None };
    model.workers.insert(Arc::clone(&given.worker_id.0), worker);
}

fn is_ignored(model: &HeartbeatsModel, heartbeat: &HeartbeatData) -> bool {
    let stored = model.last(&heartbeat.worker_id.0);
    stored.is_some_and(|stored| stored.last_heartbeat_at > heartbeat.last_heartbeat_at)
}

/// "Those whose last heartbeat is not after `before`."
fn is_stale(worker: &Worker, before: Instant) -> bool {
    worker.counting().is_some_and(|heartbeat| is_not_after(heartbeat, before))
}

fn is_not_after(heartbeat: &HeartbeatData, before: Instant) -> bool {
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
                for next in partial_steps(&state, op, now) {
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

/// What one more removal of `delete_stale` leaves: one stale worker goes. And
/// what lies damaged under a worker's ids is set aside before `upsert` writes.
pub(super) fn partial_steps(
    model: &HeartbeatsModel,
    op: &HeartbeatsOp,
    now: Instant,
) -> Vec<HeartbeatsModel> {
    let mut states = Vec::new();
    match op {
        HeartbeatsOp::DeleteStale { before } => {
            let stale = model.workers.iter().filter(|(_, worker)| is_stale(worker, *before));
            for (worker_id, _) in stale {
                let mut after = model.clone();
                after.workers.remove(worker_id);
                states.push(after);
            }
        }
        HeartbeatsOp::Upsert(given) if !is_ignored(model, &timed(given, now)) => {
            for damaged in model.damage_of(&given.worker_id.0) {
                let mut after = model.clone();
                after.damaged.remove(&damaged);
                states.push(after);
            }
        }
        _ => {}
    }
    states
}

/// A stale worker that was there unchanged throughout was there at the end: it
/// should have been removed.
pub(super) fn judge_removal(
    states: &mut dyn Iterator<Item = &HeartbeatsModel>,
    before: Instant,
    seen: &HeartbeatsSeen,
) -> Verdict {
    let states: Vec<_> = states.map(HeartbeatsModel::counting).collect();
    let nothing = listing::judge(
        states.iter(),
        &[],
        |heartbeat: &HeartbeatData| &heartbeat.worker_id.0,
        |heartbeat| heartbeat.worker_id.clone(),
    );
    let left = nothing.err().unwrap_or_default();
    let left = left.iter().filter(|heartbeat| is_not_after(heartbeat, before)).count() as u64;
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
    let (listed, named, is_list) = match seen {
        HeartbeatsSeen::List { heartbeats, damaged } => {
            (heartbeats.as_slice(), damaged.as_slice(), true)
        }
        _ => (&[][..], &[][..], false),
    };
    let states: Vec<_> = states.collect();
    let counting: Vec<_> = states.iter().map(|state| state.counting()).collect();
    let judged = listing::judge(
        counting.iter(),
        listed,
        |heartbeat| &heartbeat.worker_id.0,
        |heartbeat| heartbeat.worker_id.clone(),
    );
    let damage = listing::judge_damaged(states.iter().map(|state| &state.damaged), named);
    if is_list && judged.is_ok() && damage.is_ok() {
        return Ok(());
    }
    let heartbeats = judged.err().unwrap_or_else(|| listed.to_vec());
    let damaged = damage.err().unwrap_or_else(|| named.to_vec());
    Err(Broken {
        expected: Box::new(HeartbeatsSeen::List { heartbeats, damaged }),
        rule: "list gives each heartbeat that was there unchanged exactly once, by worker id, names what is damaged, and gives nothing that was not there",
    })
}

fn existing<'a>(
    model: &'a HeartbeatsModel,
    worker_id: &RawId,
) -> Result<&'a HeartbeatData, Refusal> {
    if !worker_id.is_legal() {
        return Err(INVALID_ID);
    }
    model.last(&worker_id.0).ok_or_else(|| {
        if model.damage_of(&worker_id.0).is_empty() { NO_SUCH_WORKER } else { DAMAGED }
    })
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
const DAMAGED: Refusal = Refusal {
    problem: HeartbeatsProblem::Storage(Kind::Corrupt),
    rule: "where all that is there of a worker is no heartbeat, that is said",
};
