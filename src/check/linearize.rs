//! Whether a concurrent history has a sequential explanation.
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent
//! objects", 1993) with the memoisation of Lowe ("Testing for
//! linearizability", 2017), and three additions. Calls that change nothing are
//! taken as soon as they agree with the state, without ever trying anything
//! else: moved to the front of any explanation they still agree. A call whose
//! outcome was never seen may be taken, or left out. And a call that reads many
//! records one after the other is judged against all the states between its
//! begin and its end.

#[expect(clippy::disallowed_types, reason = "the memo is only asked, never iterated")]
use std::collections::HashSet;

use super::history::Call;
use crate::{
    model::{
        divergence::Divergences,
        subject::{Broken, Moment, Operation, Overlap, Subject, Verdict},
    },
    seam::RecordId,
};

/// Why a history has no explanation, as far as one got.
#[derive(Debug)]
pub struct Unexplained<S: Subject> {
    /// The calls of the longest explanation, in its order.
    pub order: Vec<usize>,
    /// A call that could not follow, and what the model expected of it there.
    pub stuck: Option<(usize, Broken<S::Seen>)>,
}

/// Searches an order of `calls` that the model agrees with, beginning in
/// `initial`, in which no call comes before one that had returned when it
/// began.
///
/// # Errors
/// The longest explanation, when there is no whole one.
pub fn linearize<S: Subject>(
    calls: &[Call<S>],
    initial: &S::Model,
    divergences: &Divergences,
) -> Result<(), Box<Unexplained<S>>> {
    if in_order_of_return(calls, initial, divergences) {
        return Ok(());
    }
    Search::new(calls, divergences).run(initial)
}

/// Most histories are explained by the order in which the calls returned: a
/// pass over them costs no more than a sequential run.
fn in_order_of_return<S: Subject>(
    calls: &[Call<S>],
    initial: &S::Model,
    divergences: &Divergences,
) -> bool {
    let mut order: Vec<&Call<S>> = calls.iter().filter(|call| !is_optional(call)).collect();
    order.sort_unstable_by_key(|call| call.returned);
    let mut model = initial.clone();
    order.into_iter().all(|call| {
        let moment = Moment { now: call.now, divergences, overlap: Overlap::Ids(&[]) };
        call.seen.as_ref().is_some_and(|seen| S::step(&mut model, &call.op, seen, &moment).is_ok())
    })
}

/// Whether the call may have had its effect, or not.
fn is_optional<S: Subject>(call: &Call<S>) -> bool {
    call.seen.as_ref().is_none_or(Verdict::is_unknown)
}

struct Search<'a, S: Subject> {
    calls: &'a [Call<S>],
    divergences: &'a Divergences,
    overlaps: Vec<Option<Vec<RecordId>>>,
    has_intervals: bool,
    /// Calls by time of return, those that never returned last.
    by_return: Vec<usize>,
    #[expect(clippy::disallowed_types, reason = "the memo is only asked, never iterated")]
    visited: HashSet<(Box<[u64]>, S::Model)>,
    best: Option<Unexplained<S>>,
}

/// The end of a partial explanation.
struct Node<S: Subject> {
    taken: Box<[u64]>,
    order: Vec<usize>,
    /// The latest beginning among the calls taken.
    latest_invoked: u64,
    model: S::Model,
    /// The states that the calls taken went through, for interval calls; the
    /// present one is not among them.
    passed: Vec<S::Model>,
    /// For each call: where in `passed` its interval begins.
    begun: Vec<Option<usize>>,
}

impl<'a, S: Subject> Search<'a, S> {
    fn new(calls: &'a [Call<S>], divergences: &'a Divergences) -> Self {
        let mut by_return: Vec<usize> = (0..calls.len()).collect();
        by_return.sort_by_key(|&k| calls.get(k).map(|call| (is_optional(call), call.returned)));
        Self {
            calls,
            divergences,
            overlaps: calls.iter().map(|call| overlap(calls, call)).collect(),
            has_intervals: calls.iter().any(|call| S::interval(&call.op)),
            by_return,
            visited: HashSet::default(),
            best: None,
        }
    }

    fn run(mut self, initial: &S::Model) -> Result<(), Box<Unexplained<S>>> {
        let node = Node {
            taken: vec![0; self.calls.len().div_ceil(64)].into_boxed_slice(),
            order: Vec::new(),
            latest_invoked: 0,
            model: initial.clone(),
            passed: Vec::new(),
            begun: vec![None; self.calls.len()],
        };
        if self.explore(node) {
            return Ok(());
        }
        let nowhere = Unexplained { order: Vec::new(), stuck: None };
        Err(Box::new(self.best.unwrap_or(nowhere)))
    }

    /// Whether this partial explanation can be completed.
    fn explore(&mut self, mut node: Node<S>) -> bool {
        self.take_what_changes_nothing(&mut node);
        if self.calls_left(&node).all(|k| self.call(k).is_some_and(is_optional)) {
            return self.end_intervals(&mut node, u64::MAX);
        }
        if !self.has_intervals && !self.visited.insert((node.taken.clone(), node.model.clone())) {
            return false;
        }
        let horizon = self.horizon(&node);
        let candidates: Vec<usize> =
            self.by_return.iter().copied().filter(|&k| self.may_be_next(&node, k, horizon)).collect();
        candidates.into_iter().any(|k| self.try_next(&node, k))
    }

    fn call(&self, k: usize) -> Option<&'a Call<S>> {
        self.calls.get(k)
    }

    /// The calls not taken that are taken at one moment.
    fn calls_left<'n>(&'n self, node: &'n Node<S>) -> impl Iterator<Item = usize> + 'n {
        (0..self.calls.len())
            .filter(|&k| !is_taken(&node.taken, k))
            .filter(|&k| self.call(k).is_some_and(|call| !S::interval(&call.op)))
    }

    /// The earliest return among the calls left: whatever began later must
    /// wait.
    fn horizon(&self, node: &Node<S>) -> u64 {
        self.calls_left(node)
            .filter_map(|k| self.call(k))
            .filter(|call| !is_optional(call))
            .map(|call| call.returned)
            .min()
            .unwrap_or(u64::MAX)
    }

    fn may_be_next(&self, node: &Node<S>, k: usize, horizon: u64) -> bool {
        let Some(call) = self.call(k) else { return false };
        !is_taken(&node.taken, k)
            && !S::interval(&call.op)
            && call.invoked < horizon
            && (!is_optional(call) || node.latest_invoked < call.returned)
    }

    fn moment(&self, k: usize, call: &Call<S>) -> Moment<'_> {
        let overlap = match self.overlaps.get(k) {
            Some(Some(ids)) => Overlap::Ids(ids),
            _ => Overlap::Any,
        };
        Moment { now: call.now, divergences: self.divergences, overlap }
    }

    fn take_what_changes_nothing(&mut self, node: &mut Node<S>) {
        loop {
            let horizon = self.horizon(node);
            // Taking a call closes the time of those whose outcome was not
            // seen and that must have happened before it, if at all.
            let closes = self
                .calls_left(node)
                .filter_map(|k| self.call(k))
                .filter(|call| is_optional(call))
                .map(|call| call.returned)
                .min()
                .unwrap_or(u64::MAX);
            let next = self.by_return.iter().copied().find(|&k| {
                self.may_be_next(node, k, horizon)
                    && self.call(k).is_some_and(|call| {
                        call.invoked < closes && self.agrees_unchanged(&node.model, k, call)
                    })
            });
            let Some(k) = next else { return };
            let Some(call) = self.call(k) else { return };
            if !self.end_intervals(node, call.invoked) {
                return;
            }
            self.mark_taken(node, k, call);
        }
    }

    fn agrees_unchanged(&self, model: &S::Model, k: usize, call: &Call<S>) -> bool {
        let Some(seen) = call.seen.as_ref().filter(|_| !is_optional(call)) else { return false };
        (call.op.is_read() || seen.is_refusal())
            && S::step(&mut model.clone(), &call.op, seen, &self.moment(k, call)).is_ok()
    }

    fn mark_taken(&self, node: &mut Node<S>, k: usize, call: &Call<S>) {
        set_taken(&mut node.taken, k);
        node.order.push(k);
        node.latest_invoked = node.latest_invoked.max(call.invoked);
    }

    /// Takes call `k` next and goes on; whether that led to a whole
    /// explanation.
    fn try_next(&mut self, node: &Node<S>, k: usize) -> bool {
        let Some(call) = self.call(k) else { return false };
        let mut states = Vec::new();
        if let Some(seen) = call.seen.as_ref().filter(|_| !is_optional(call)) {
            let mut model = node.model.clone();
            match S::step(&mut model, &call.op, seen, &self.moment(k, call)) {
                Ok(()) => states.push(model),
                Err(broken) => self.note_failure(&node.order, k, broken),
            }
        } else {
            states = S::outcomes_unseen(&node.model, &call.op, &self.moment(k, call));
            states.retain(|state| *state != node.model);
        }
        for model in states {
            let mut next = Node {
                taken: node.taken.clone(),
                order: node.order.clone(),
                latest_invoked: node.latest_invoked,
                model: node.model.clone(),
                passed: node.passed.clone(),
                begun: node.begun.clone(),
            };
            if !self.end_intervals(&mut next, call.invoked) {
                continue;
            }
            if self.has_intervals {
                next.passed.push(std::mem::replace(&mut next.model, model));
            } else {
                next.model = model;
            }
            self.mark_taken(&mut next, k, call);
            if self.explore(next) {
                return true;
            }
        }
        false
    }

    /// Begins every interval that may have begun by now, and judges those that
    /// ended before `time`: an interval lasts as long as the real times allow,
    /// because a longer one allows more.
    fn end_intervals(&mut self, node: &mut Node<S>, time: u64) -> bool {
        if !self.has_intervals {
            return true;
        }
        let horizon = self.horizon(node);
        for k in self.by_return.clone() {
            let Some(call) = self.call(k).filter(|call| S::interval(&call.op)) else { continue };
            if is_taken(&node.taken, k) {
                continue;
            }
            let begun = node.begun.get(k).copied().flatten();
            if begun.is_none() && (call.invoked < horizon || call.returned < time) {
                if let Some(slot) = node.begun.get_mut(k) {
                    *slot = Some(node.passed.len());
                }
            }
            if call.returned >= time && time != u64::MAX {
                continue;
            }
            let Some(seen) = call.seen.as_ref().filter(|_| !is_optional(call)) else { continue };
            let from = node.begun.get(k).copied().flatten().unwrap_or(node.passed.len());
            let states = node.passed.iter().skip(from).chain(std::iter::once(&node.model));
            if let Err(broken) = S::judge_interval(&mut { states }, &call.op, seen) {
                self.note_failure(&node.order, k, broken);
                return false;
            }
            set_taken(&mut node.taken, k);
            node.order.push(k);
        }
        true
    }

    fn note_failure(&mut self, order: &[usize], stuck: usize, broken: Broken<S::Seen>) {
        if self.best.as_ref().is_none_or(|best| order.len() > best.order.len()) {
            self.best = Some(Unexplained { order: order.to_vec(), stuck: Some((stuck, broken)) });
        }
    }
}

/// The ids that calls overlapping with `call` may write; none: any.
fn overlap<S: Subject>(calls: &[Call<S>], call: &Call<S>) -> Option<Vec<RecordId>> {
    let mut ids = Vec::new();
    for other in calls {
        let overlaps = other.invoked < call.returned && call.invoked < other.returned;
        if overlaps && other.invoked != call.invoked {
            ids.extend(S::writes(&other.op, other.seen.as_ref())?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Some(ids)
}

fn is_taken(taken: &[u64], k: usize) -> bool {
    taken.get(k / 64).is_some_and(|word| word >> (k % 64) & 1 == 1)
}

fn set_taken(taken: &mut [u64], k: usize) {
    if let Some(word) = taken.get_mut(k / 64) {
        *word |= 1 << (k % 64);
    }
}
