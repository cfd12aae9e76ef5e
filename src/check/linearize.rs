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
//!
//! A call that changes many records one after the other may be several calls to
//! the search, its stages, which are taken in their order; and as long as a
//! stage is not taken, the steps that it may already have done are tried, too.

#[cfg(test)]
mod tests;

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

/// Searches an order of `calls`, which are sorted by time of beginning, that
/// the model agrees with, starting in `initial`, and in which no call comes
/// before one that had returned when it began.
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
    let Some(stages) = Stages::of(calls) else {
        return Search::new(calls, &[], divergences).run(initial);
    };
    let explained = Search::new(&stages.calls, &stages.numbers, divergences).run(initial);
    explained.map_err(|unexplained| stages.told_of_calls(*unexplained))
}

/// A history in which each stage of a call is a call.
struct Stages<S: Subject> {
    calls: Vec<Call<S>>,
    /// Which stage of its call each one is.
    numbers: Vec<usize>,
    /// Of which call.
    origins: Vec<usize>,
}

impl<S: Subject> Stages<S> {
    /// None where every call is one.
    fn of(calls: &[Call<S>]) -> Option<Self> {
        let counts: Vec<usize> = calls.iter().map(stage_count).collect();
        if counts.iter().all(|count| *count == 1) {
            return None;
        }
        let mut stages = Self { calls: Vec::new(), numbers: Vec::new(), origins: Vec::new() };
        for (origin, (call, count)) in calls.iter().zip(counts).enumerate() {
            for number in 0..count {
                stages.calls.push(call.clone());
                stages.numbers.push(number);
                stages.origins.push(origin);
            }
        }
        Some(stages)
    }

    fn told_of_calls(&self, unexplained: Unexplained<S>) -> Box<Unexplained<S>> {
        let origin = |stage: &usize| self.origins.get(*stage).copied();
        let mut order: Vec<usize> = unexplained.order.iter().filter_map(origin).collect();
        order.dedup();
        let stuck = unexplained.stuck.and_then(|(stage, broken)| Some((origin(&stage)?, broken)));
        Box::new(Unexplained { order, stuck })
    }
}

fn stage_count<S: Subject>(call: &Call<S>) -> usize {
    let is_refused = call.seen.as_ref().is_some_and(Verdict::is_refusal);
    if is_refused { 1 } else { S::stages(&call.op, call.variant).max(1) }
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
        let moment = Moment {
            now: call.now,
            variant: call.variant,
            divergences,
            overlap: Overlap::Ids(&[]),
        };
        call.seen.as_ref().is_some_and(|seen| S::step(&mut model, &call.op, seen, &moment).is_ok())
    })
}

/// Whether the call may have had its effect, or not.
fn is_optional<S: Subject>(call: &Call<S>) -> bool {
    call.seen.as_ref().is_none_or(Verdict::is_unknown)
}

struct Search<'a, S: Subject> {
    calls: &'a [Call<S>],
    /// Which stage of a call each one is; empty: none has several.
    stages: &'a [usize],
    divergences: &'a Divergences,
    overlaps: Vec<Option<Vec<RecordId>>>,
    /// Bit *k*: call *k* is taken.
    taken: Vec<u64>,
    /// The calls taken, in order.
    order: Vec<usize>,
    intervals: Vec<Interval>,
    /// For intervals: the states that the calls taken went through; the
    /// present one is not among them.
    passed: Vec<S::Model>,
    /// What was seen to lead nowhere. Filled from the first step back on: a
    /// search that never goes back needs none.
    #[expect(clippy::disallowed_types, reason = "the memo is only asked, never iterated")]
    dead_ends: HashSet<(Box<[u64]>, u64, S::Model)>,
    went_back: bool,
    best: Option<Unexplained<S>>,
}

/// A call that reads many records one after the other.
#[derive(Clone, Copy)]
struct Interval {
    call: usize,
    /// Where in `passed` it begins; none: not yet.
    begun: Option<usize>,
    judged: bool,
}

/// What must be put back when an attempt led nowhere.
struct Mark {
    order: usize,
    passed: usize,
    intervals: Vec<Interval>,
}

impl<'a, S: Subject> Search<'a, S> {
    fn new(calls: &'a [Call<S>], stages: &'a [usize], divergences: &'a Divergences) -> Self {
        let intervals = calls.iter().enumerate().filter(|(_, call)| S::interval(&call.op));
        Self {
            calls,
            stages,
            divergences,
            overlaps: calls.iter().map(|call| overlap(calls, call)).collect(),
            taken: vec![0; calls.len().div_ceil(64)],
            order: Vec::with_capacity(calls.len()),
            intervals: intervals
                .map(|(call, _)| Interval { call, begun: None, judged: false })
                .collect(),
            passed: Vec::new(),
            dead_ends: HashSet::default(),
            went_back: false,
            best: None,
        }
    }

    fn run(mut self, initial: &S::Model) -> Result<(), Box<Unexplained<S>>> {
        if self.explore(initial.clone(), 0, 0) {
            return Ok(());
        }
        let nowhere = Unexplained { order: Vec::new(), stuck: None };
        Err(Box::new(self.best.unwrap_or(nowhere)))
    }

    /// Whether the explanation so far, which led to `model`, can be completed.
    /// All calls before `low` are taken; the latest beginning among those
    /// taken is `latest`. Leaves the search as it was where not.
    fn explore(&mut self, model: S::Model, mut low: usize, mut latest: u64) -> bool {
        let mark = self.mark();
        let found = self.explore_from(model, &mut low, &mut latest);
        if !found {
            self.went_back = true;
            self.go_back(mark);
        }
        found
    }

    fn explore_from(&mut self, model: S::Model, low: &mut usize, latest: &mut u64) -> bool {
        let candidates = loop {
            while *low < self.calls.len() && self.is_done(*low) {
                *low += 1;
            }
            let window = self.window(*low, *latest);
            self.begin_intervals(&window);
            let Some(k) = self.first_that_changes_nothing(&window, &model) else {
                break window.candidates;
            };
            let Some(call) = self.calls.get(k) else { return false };
            if !self.end_intervals(&model, call.invoked) {
                return false;
            }
            self.take(k);
            *latest = (*latest).max(call.invoked);
        };
        if self.calls_left(*low).all(is_optional) {
            let mark = self.mark();
            if self.end_intervals(&model, u64::MAX) {
                return true;
            }
            // An interval may have read what one of the calls left wrote.
            self.go_back(mark);
        }
        if self.went_back && self.intervals.is_empty() {
            let state = (self.taken.clone().into_boxed_slice(), *latest, model.clone());
            if !self.dead_ends.insert(state) {
                return false;
            }
        }
        candidates.iter().any(|k| self.try_next(&model, *k, *low, *latest))
            || candidates.iter().any(|k| self.try_partial_steps(&model, *k, *low, *latest))
    }

    fn mark(&self) -> Mark {
        Mark {
            order: self.order.len(),
            passed: self.passed.len(),
            intervals: self.intervals.clone(),
        }
    }

    fn go_back(&mut self, mark: Mark) {
        for k in self.order.drain(mark.order..) {
            if let Some(word) = self.taken.get_mut(k / 64) {
                *word &= !(1 << (k % 64));
            }
        }
        self.passed.truncate(mark.passed);
        self.intervals = mark.intervals;
    }

    fn take(&mut self, k: usize) {
        if let Some(word) = self.taken.get_mut(k / 64) {
            *word |= 1 << (k % 64);
        }
        self.order.push(k);
    }

    fn is_taken(&self, k: usize) -> bool {
        self.taken.get(k / 64).is_some_and(|word| word >> (k % 64) & 1 == 1)
    }

    /// Which stage of its call `k` is.
    fn stage(&self, k: usize) -> usize {
        self.stages.get(k).copied().unwrap_or(0)
    }

    /// Whether the stage before `k`, if there is one, is taken.
    fn is_its_turn(&self, k: usize) -> bool {
        self.stage(k) == 0 || self.is_taken(k - 1)
    }

    /// Whether call `k` needs no looking at any more: taken, or an interval,
    /// which has no place of its own in the order.
    fn is_done(&self, k: usize) -> bool {
        self.is_taken(k) || self.calls.get(k).is_some_and(|call| S::interval(&call.op))
    }

    fn calls_left(&self, low: usize) -> impl Iterator<Item = &'a Call<S>> {
        let calls = self.calls;
        (low..calls.len()).filter(|&k| !self.is_done(k)).filter_map(|k| calls.get(k))
    }

    /// The calls that may be next: those that began before any of the calls
    /// left returned.
    fn window(&self, low: usize, latest: u64) -> Window {
        let mut window = Window { candidates: Vec::new(), horizon: u64::MAX, closes: u64::MAX };
        for k in low..self.calls.len() {
            let Some(call) = self.calls.get(k).filter(|_| !self.is_done(k)) else { continue };
            if call.invoked > window.horizon {
                break;
            }
            if !is_optional(call) {
                window.horizon = window.horizon.min(call.returned);
                window.candidates.push(k);
            } else if latest < call.returned {
                window.closes = window.closes.min(call.returned);
                window.candidates.push(k);
            }
        }
        for interval in self.intervals.iter().filter(|interval| !interval.judged) {
            if let Some(call) = self.calls.get(interval.call).filter(|call| !is_optional(call)) {
                window.closes = window.closes.min(call.returned);
            }
        }
        let horizon = window.horizon;
        let call = |k: &usize| self.calls.get(*k);
        window.candidates.retain(|k| call(k).is_some_and(|call| call.invoked < horizon));
        window.candidates.retain(|k| self.is_its_turn(*k));
        window.candidates.sort_by_key(|k| call(k).map(|call| (is_optional(call), call.returned)));
        window
    }

    fn moment(&self, k: usize, call: &Call<S>) -> Moment<'_> {
        let overlap = match self.overlaps.get(k) {
            Some(Some(ids)) => Overlap::Ids(ids),
            _ => Overlap::Any,
        };
        Moment { now: call.now, variant: call.variant, divergences: self.divergences, overlap }
    }

    /// A call that changes nothing and agrees with the state. It must not be
    /// one whose taking would close the time of a call whose outcome was never
    /// seen, or of an interval: another one may be needed first.
    fn first_that_changes_nothing(&self, window: &Window, model: &S::Model) -> Option<usize> {
        window.candidates.iter().copied().find(|&k| {
            self.calls.get(k).is_some_and(|call| {
                let Some(seen) = call.seen.as_ref().filter(|_| !is_optional(call)) else {
                    return false;
                };
                (call.op.is_read() || seen.is_refusal())
                    && call.invoked < window.closes
                    && S::step(&mut model.clone(), &call.op, seen, &self.moment(k, call)).is_ok()
            })
        })
    }

    /// Takes call `k` next and goes on; whether that led to a whole
    /// explanation.
    fn try_next(&mut self, model: &S::Model, k: usize, low: usize, latest: u64) -> bool {
        let Some(call) = self.calls.get(k) else { return false };
        let mut states = Vec::new();
        if let Some(seen) = call.seen.as_ref().filter(|_| !is_optional(call)) {
            let mut next = model.clone();
            let moment = self.moment(k, call);
            match S::step_stage(self.stage(k), &mut next, &call.op, seen, &moment) {
                Ok(()) => states.push(next),
                Err(broken) => self.note_failure(k, broken),
            }
        } else {
            states = S::stage_unseen(self.stage(k), model, &call.op, &self.moment(k, call));
            // One that changes nothing may be left out, but for the stage after.
            let has_next = self.stage(k + 1) > 0;
            states.retain(|state| has_next || state != model);
        }
        self.try_states(model, states, Some(k), call, low, latest)
    }

    /// Goes on after a step that call `k`, which is not over, may have done.
    fn try_partial_steps(&mut self, model: &S::Model, k: usize, low: usize, latest: u64) -> bool {
        let Some(call) = self.calls.get(k) else { return false };
        if call.op.is_read() || call.seen.as_ref().is_some_and(Verdict::is_refusal) {
            return false;
        }
        let states = S::partial_steps(self.stage(k), model, &call.op, &self.moment(k, call));
        self.try_states(model, states, None, call, low, latest)
    }

    /// Goes on from each of the states that `call` may make of `model`, having
    /// taken `taken`; whether that led to a whole explanation.
    fn try_states(
        &mut self,
        model: &S::Model,
        states: Vec<S::Model>,
        taken: Option<usize>,
        call: &Call<S>,
        low: usize,
        latest: u64,
    ) -> bool {
        for next in states {
            let mark = self.mark();
            if self.end_intervals(model, call.invoked) {
                if !self.intervals.is_empty() {
                    self.passed.push(model.clone());
                    self.begin_after(call.returned);
                }
                if let Some(k) = taken {
                    self.take(k);
                }
                if self.explore(next, low, latest.max(call.invoked)) {
                    return true;
                }
            }
            self.go_back(mark);
        }
        false
    }

    /// An interval begins as soon as every call that returned before it is
    /// taken, and lasts as long as the real times allow: a longer one allows
    /// more.
    fn begin_intervals(&mut self, window: &Window) {
        let now = self.passed.len();
        for interval in self.intervals.iter_mut().filter(|interval| interval.begun.is_none()) {
            let began = self.calls.get(interval.call).map(|call| call.invoked);
            if began.is_some_and(|began| began < window.horizon) {
                interval.begun = Some(now);
            }
        }
    }

    /// A call is taken that returned at `time`: the intervals that began later
    /// begin after it. Only one whose outcome was never seen comes so late.
    fn begin_after(&mut self, time: u64) {
        let now = self.passed.len();
        for interval in self.intervals.iter_mut().filter(|interval| interval.begun.is_some()) {
            if self.calls.get(interval.call).is_some_and(|call| time < call.invoked) {
                interval.begun = Some(now);
            }
        }
    }

    /// Judges the intervals that ended before `time`.
    fn end_intervals(&mut self, model: &S::Model, time: u64) -> bool {
        for place in 0..self.intervals.len() {
            let Some(interval) = self.intervals.get(place).copied() else { continue };
            let Some(call) = self.calls.get(interval.call) else { continue };
            let Some(seen) = call.seen.as_ref().filter(|_| !is_optional(call)) else { continue };
            if interval.judged || (call.returned >= time && time != u64::MAX) {
                continue;
            }
            let from = interval.begun.unwrap_or(self.passed.len());
            let mut states = self.passed.iter().skip(from).chain(std::iter::once(model));
            let moment = self.moment(interval.call, call);
            if let Err(broken) = S::judge_interval(&mut states, &call.op, seen, &moment) {
                self.note_failure(interval.call, broken);
                return false;
            }
            if let Some(interval) = self.intervals.get_mut(place) {
                interval.judged = true;
            }
        }
        true
    }

    fn note_failure(&mut self, stuck: usize, broken: Broken<S::Seen>) {
        if self.best.as_ref().is_none_or(|best| self.order.len() > best.order.len()) {
            self.best =
                Some(Unexplained { order: self.order.clone(), stuck: Some((stuck, broken)) });
        }
    }
}

/// What may come next.
struct Window {
    /// By time of return, those whose outcome was never seen last.
    candidates: Vec<usize>,
    /// The earliest return among the calls left.
    horizon: u64,
    /// The earliest time by which a call whose outcome was never seen must
    /// have happened, if at all, or at which an interval is judged.
    closes: u64,
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
