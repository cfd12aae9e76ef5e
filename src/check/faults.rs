//! What faults leave open, and no more.
//!
//! "Every error says whether the operation was surely not done or may have been;
//! it is all or nothing in either case. After a failed fsync a handle refuses
//! writes until reopened." A lost connection closes nothing: the handle goes on.
//!
//! So a call under which the storage failed may say so, and then it is as if it
//! had never been called, or as if it may have been; any other answer must be
//! right, and every other call must go on as if nothing had failed. What it did is
//! for the order of the calls to explain.

use super::{
    history::{Call, Deed, PENDING, Phase},
    linearize::{self, Unexplained},
};
use crate::{
    model::{
        divergence::Divergences,
        failure::StorageFailure,
        subject::{Operation, Subject, Verdict},
    },
    sim::faults::Fault,
};

/// A call that says what nothing gave it the right to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unjustified {
    /// Its place in the history.
    pub call: usize,
    /// What is expected of it instead.
    pub expected: &'static str,
    /// The rule that says so.
    pub rule: &'static str,
}

impl Unjustified {
    /// The same in a history with so many calls before.
    pub(super) fn after(self, earlier: usize) -> Self {
        Self { call: self.call + earlier, ..self }
    }
}

/// The first call whose word about the storage is not justified by what failed.
pub(super) fn unjustified<S: Subject>(calls: &[Call<S>]) -> Option<Unjustified> {
    calls.iter().enumerate().find_map(|(place, call)| {
        let (expected, rule) = broken_rule(calls, call)?;
        Some(Unjustified { call: place, expected, rule })
    })
}

fn broken_rule<S: Subject>(
    calls: &[Call<S>],
    call: &Call<S>,
) -> Option<(&'static str, &'static str)> {
    let Deed::Call { op, seen: Some(seen) } = &call.deed else { return None };
    let has_met = call.faults.iter().any(|fault| !fault.kind.is_cancel());
    match seen.storage_failure() {
        None if seen.is_unknown() => Some(LEFT_OPEN),
        Some(StorageFailure::Io) if !has_met && seen.is_unknown() => Some(LEFT_OPEN),
        Some(StorageFailure::Io) if !has_met => Some(FAILS_ALONE),
        Some(_) if op.is_read() && seen.is_unknown() => Some(READS_ARE_SURE),
        Some(_) if has_met && seen.is_unknown() && is_surely_not_done(call, op) => Some(TOLD),
        // So a database's failures are told; and over a working set, what can't be read
        // back is a refusal: it fails because of an earlier write.
        Some(StorageFailure::Refused) if has_met => None,
        Some(StorageFailure::Io) => None,
        Some(StorageFailure::Refused) if op.is_read() => Some(READS_GO_ON),
        Some(StorageFailure::Refused) => {
            (!has_sync_failed(calls, call, |failed| failed.invoked < call.returned))
                .then_some(REFUSES_ALONE)
        }
        None => {
            let writes = !op.is_read()
                && !seen.is_refusal()
                && call.writes().is_none_or(|ids| !ids.is_empty());
            // What began before the failure may have passed it.
            let is_closed =
                || has_sync_failed(calls, call, |failed| failed.returned < call.invoked);
            (writes && is_closed()).then_some(WRITES_ON)
        }
    }
}

/// Whether the call changes something by one step at most, and nothing failed under it
/// that leaves open whether a step was done.
fn is_surely_not_done<S: Subject>(call: &Call<S>, op: &S::Op) -> bool {
    let is_one_step = call.stages() == 1 && !call.is_interval() && !S::sets_aside(op);
    is_one_step && !call.faults.iter().any(Fault::leaves_open)
}

/// Whether a sync failed under a call through the same handle on the same collection for
/// which `when` holds.
fn has_sync_failed<S: Subject>(
    calls: &[Call<S>],
    call: &Call<S>,
    when: impl Fn(&Call<S>) -> bool,
) -> bool {
    calls.iter().any(|other| {
        other.handle == call.handle
            && collection_of(other) == collection_of(call)
            && other.phase != Phase::Afterwards
            && other.faults.iter().any(Fault::fails_a_sync)
            && when(other)
    })
}

/// As [`linearize`](linearize::linearize), for a history with calls that surely
/// were not done because the storage failed: an order must explain all others.
///
/// # Errors
/// The longest explanation, when there is no whole one.
pub(super) fn linearize<S: Subject>(
    calls: &[Call<S>],
    initial: &S::Model,
    divergences: &Divergences,
) -> Result<(), Box<Unexplained<S>>> {
    if !calls.iter().any(Call::has_failed) {
        return linearize::linearize(calls, initial, divergences);
    }
    let kept = calls.iter().enumerate().filter(|(_, call)| !call.has_failed());
    let (kept, places): (Vec<_>, Vec<_>) = kept.map(|(place, call)| (call.clone(), place)).unzip();
    linearize::linearize(&kept, initial, divergences).map_err(|unexplained| {
        let place = |k: usize| places.get(k).copied();
        let failed = (0..calls.len()).filter(|place| places.binary_search(place).is_err());
        let order = unexplained.order.iter().filter_map(|k| place(*k)).chain(failed).collect();
        let stuck = unexplained.stuck.and_then(|(k, broken)| Some((place(k)?, broken)));
        Box::new(Unexplained { order, stuck })
    })
}

/// A commit of several files that failed when it was written down may have its
/// effect when somebody completes it: whoever takes the lock of its collection next,
/// before he sees anything. Older software takes none: its change may come before that
/// effect, and so does every return before the next write there that is acknowledged.
pub(super) fn wait_beside_older<S: Subject>(calls: &mut [Call<S>]) {
    let is_older = |call: &&Call<S>| matches!(call.deed, Deed::Older(_));
    let Some(last) = calls.iter().filter(is_older).map(|call| call.invoked).max() else { return };
    let looks: Vec<_> = calls
        .iter()
        .filter(|call| surely_takes_the_lock(call))
        .map(|call| (collection_of(call), call.invoked, call.returned))
        .collect();
    let open = |call: &&mut Call<S>| call.is_optional() && call.returned < last;
    for call in calls.iter_mut().filter(open) {
        let own = collection_of(call);
        let is_next = |(collection, invoked, _): &&(_, u64, u64)| {
            *collection == own && *invoked > call.returned
        };
        let next = looks.iter().find(is_next);
        call.returned = next.map_or(PENDING, |(_, _, returned)| *returned);
    }
}

/// Whether nothing that others left half done in its collection is so when it returns:
/// it wrote something, or looked at what the run left.
fn surely_takes_the_lock<S: Subject>(call: &Call<S>) -> bool {
    let Deed::Call { op, seen: Some(seen) } = &call.deed else { return false };
    if op.is_read() {
        return call.phase == Phase::Afterwards;
    }
    // One that says that it wrote nothing may not even have looked.
    let wrote = S::writes(op, Some(seen)).is_none_or(|ids| !ids.is_empty());
    wrote && !seen.is_refusal() && !seen.is_unknown()
}

/// Which of the store's collections a call is about.
fn collection_of<S: Subject>(call: &Call<S>) -> Option<usize> {
    match &call.deed {
        Deed::Call { op, .. } => Some(S::collection_of(op)),
        Deed::Older(_) | Deed::Undone(_) => None,
    }
}

type Rule = (&'static str, &'static str);

const LEFT_OPEN: Rule = (
    "done, or surely not done",
    "where the storage does not fail, every call says whether it was done",
);
const TOLD: Rule = (
    "surely not done",
    "a call that the storage undid, or never began, says that it was surely not done",
);
const FAILS_ALONE: Rule =
    ("no failure", "a call under which nothing of the storage failed does not fail");
const READS_ARE_SURE: Rule = ("surely not done", "a read that fails was surely not done");
const READS_GO_ON: Rule =
    ("an answer", "a handle that takes no more writes goes on reading, and says what fails");
const REFUSES_ALONE: Rule =
    ("no refusal", "a handle takes writes as long as no fsync has failed through it");
const WRITES_ON: Rule =
    ("refused", "after a failed fsync a handle refuses writes until it is reopened");
