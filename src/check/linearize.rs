//! Whether a concurrent history has a sequential explanation.
//!
//! The search is that of Wing and Gong ("Testing and verifying concurrent
//! objects", 1993) with the memoisation of Lowe ("Testing for
//! linearizability", 2017), and four additions. Calls that change nothing are
//! taken as soon as they agree with the state, without ever trying anything
//! else: moved to the front of any explanation they still agree. A call whose
//! outcome was never seen may be taken, or left out. A call that goes through
//! many records one after the other is judged against all the states between
//! its begin and its end. And a call that changes many records one after the
//! other has a place in the order for each of its changes: it may be several
//! calls to the search, its stages, which are taken in their order, and each
//! may do some of its steps before it is taken.

mod intervals;
mod older;
mod stages;
#[cfg(test)]
mod tests;

use intervals::Interval;
use older::Part;
use stages::Stages;

#[expect(clippy::disallowed_types, reason = "the memo is only asked, never iterated")]
use std::{collections::HashSet, hash::BuildHasherDefault};

use super::{
    history::{Call, Deed},
    trace_hash::TraceHasher,
};
use crate::{
    model::{
        divergence::Divergences,
        legacy::OlderAction,
        subject::{Broken, Moment, Overlap, Subject},
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
    match Stages::of(calls) {
        None => Search::new(calls, &[], divergences).run(initial),
        Some(stages) => Search::new(&stages.calls, &stages.numbers, divergences)
            .run(initial)
            .map_err(|unexplained| stages.told_of_calls(*unexplained)),
    }
}

/// Most histories are explained by the order in which the calls returned: a
/// pass over them costs no more than a sequential run.
fn in_order_of_return<S: Subject>(
    calls: &[Call<S>],
    initial: &S::Model,
    divergences: &Divergences,
) -> bool {
    let mut order: Vec<&Call<S>> = Vec::with_capacity(calls.len());
    order.extend(calls.iter().filter(|call| !call.is_optional()));
    order.sort_unstable_by_key(|call| call.returned);
    let mut model = initial.clone();
    order
        .into_iter()
        .all(|call| call.step(&mut model, &call.moment(divergences, Overlap::Ids(&[]))).is_ok())
}

#[expect(clippy::disallowed_types, reason = "the memo is only asked, never iterated")]
type DeadEnds<Model> = HashSet<DeadEnd<Model>, BuildHasherDefault<TraceHasher>>;

/// All that matters to how the search goes on, while no interval lasts. When one begins
/// follows from the calls that are taken, and when it is judged from the latest beginning.
#[derive(PartialEq, Eq, Hash)]
struct DeadEnd<Model> {
    taken: Box<[u64]>,
    latest: u64,
    model: Model,
    before_older: Box<[(usize, Model)]>,
}

struct Search<'a, S: Subject> {
    calls: &'a [Call<S>],
    /// Which stage of a call each one is; empty: none has several.
    stages: &'a [usize],
    divergences: &'a Divergences,
    /// What the search asks of each call again and again, close together.
    spans: Vec<Span>,
    overlaps: Vec<Option<Vec<RecordId>>>,
    /// Bit *k*: call *k* is taken.
    taken: Vec<u64>,
    /// The calls taken, in order.
    order: Vec<usize>,
    /// What may come next, at each step of the present attempt: a step's own
    /// begin at its [`Window::from`].
    candidates: Vec<usize>,
    intervals: Vec<Interval>,
    /// For intervals: the states that the calls taken went through; the
    /// present one is not among them.
    passed: Vec<S::Model>,
    /// The changes by older software that are taken, and the state before each.
    before_older: Vec<(usize, S::Model)>,
    /// What was seen to lead nowhere. Filled from the first step back on: a
    /// search that never goes back needs none.
    dead_ends: DeadEnds<S::Model>,
    went_back: bool,
    best: Option<Unexplained<S>>,
}

/// When a call ran, and of what sort it is.
#[derive(Clone, Copy)]
struct Span {
    invoked: u64,
    returned: u64,
    /// It may have had its effect, or not.
    optional: bool,
    /// It has no place of its own in the order.
    interval: bool,
}

/// What must be put back when an attempt led nowhere.
struct Mark {
    order: usize,
    candidates: usize,
    passed: usize,
    before_older: usize,
    intervals: Vec<Interval>,
}

impl<'a, S: Subject> Search<'a, S> {
    fn new(calls: &'a [Call<S>], stages: &'a [usize], divergences: &'a Divergences) -> Self {
        let spans = calls.iter().map(|call| Span {
            invoked: call.invoked,
            returned: call.returned,
            optional: call.is_optional(),
            interval: call.is_interval(),
        });
        let spans: Vec<Span> = spans.collect();
        let intervals = spans.iter().enumerate().filter(|(_, span)| span.interval);
        Self {
            calls,
            stages,
            divergences,
            overlaps: calls.iter().map(|call| overlap(calls, call)).collect(),
            candidates: Vec::with_capacity(calls.len()),
            taken: vec![0; calls.len().div_ceil(64)],
            order: Vec::with_capacity(calls.len()),
            intervals: intervals
                .map(|(call, _)| Interval { call, begun: None, steps: 0, judged: false })
                .collect(),
            spans,
            passed: Vec::new(),
            before_older: Vec::new(),
            dead_ends: Default::default(),
            went_back: false,
            best: None,
        }
    }

    fn run(mut self, initial: &S::Model) -> Result<(), Box<Unexplained<S>>> {
        if self.explore(initial, 0, 0) {
            return Ok(());
        }
        let nowhere = Unexplained { order: Vec::new(), stuck: None };
        Err(Box::new(self.best.unwrap_or(nowhere)))
    }

    /// Whether the explanation so far, which led to `model`, can be completed.
    /// All calls before `low` are taken; the latest beginning among those
    /// taken is `latest`. Leaves the search as it was where not.
    fn explore(&mut self, model: &S::Model, mut low: usize, mut latest: u64) -> bool {
        let mark = self.mark();
        let found = self.explore_from(model, &mut low, &mut latest);
        if !found {
            self.went_back = true;
            self.go_back(mark);
        }
        found
    }

    fn explore_from(&mut self, model: &S::Model, low: &mut usize, latest: &mut u64) -> bool {
        let from = self.candidates.len();
        loop {
            while *low < self.calls.len() && self.is_done(*low) {
                *low += 1;
            }
            self.candidates.truncate(from);
            let window = self.window(*low, *latest);
            self.begin_intervals(&window);
            let Some(k) = self.first_that_changes_nothing(&window, model) else { break };
            let Some(span) = self.spans.get(k).copied() else { return false };
            if !self.end_intervals(model, span.invoked) {
                return false;
            }
            self.take(k);
            *latest = (*latest).max(span.invoked);
        }
        if self.left(*low).all(|span| span.optional) {
            let mark = self.mark();
            if self.end_intervals(model, u64::MAX) {
                return true;
            }
            // An interval may have read what one of the calls left wrote.
            self.go_back(mark);
        }
        // What was passed on the way matters to an interval that lasts.
        if self.went_back && !self.intervals.iter().any(Interval::lasts) {
            let here = DeadEnd {
                taken: self.taken.as_slice().into(),
                latest: *latest,
                model: model.clone(),
                before_older: self.before_older.as_slice().into(),
            };
            if !self.dead_ends.insert(here) {
                return false;
            }
        }
        let places = from..self.candidates.len();
        places.clone().any(|place| self.try_next(model, place, *low, *latest))
            || places.into_iter().any(|place| self.try_stage_steps(model, place, *low, *latest))
            || (0..self.intervals.len())
                .any(|place| self.try_interval_steps(model, place, *low, *latest))
    }

    fn mark(&self) -> Mark {
        Mark {
            order: self.order.len(),
            candidates: self.candidates.len(),
            passed: self.passed.len(),
            before_older: self.before_older.len(),
            intervals: self.intervals.clone(),
        }
    }

    fn go_back(&mut self, mark: Mark) {
        for k in self.order.drain(mark.order..) {
            if let Some(word) = self.taken.get_mut(k / 64) {
                *word &= !(1 << (k % 64));
            }
        }
        self.candidates.truncate(mark.candidates);
        self.passed.truncate(mark.passed);
        self.before_older.truncate(mark.before_older);
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

    /// Whether call `k` needs no looking at any more: taken, or an interval,
    /// which has no place of its own in the order.
    fn is_done(&self, k: usize) -> bool {
        self.is_taken(k) || self.spans.get(k).is_some_and(|span| span.interval)
    }

    fn left(&self, low: usize) -> impl Iterator<Item = &Span> {
        let spans = self.spans.iter().enumerate().skip(low);
        spans.filter(|(k, _)| !self.is_done(*k)).map(|(_, span)| span)
    }

    /// The calls that may be next: those that began before any of the calls
    /// left returned.
    fn window(&mut self, low: usize, latest: u64) -> Window {
        let from = self.candidates.len();
        let mut window = Window { from, horizon: u64::MAX, closes: u64::MAX };
        for (k, span) in self.spans.iter().enumerate().skip(low) {
            if self.is_done(k) {
                continue;
            }
            if span.invoked > window.horizon {
                break;
            }
            if !span.optional {
                window.horizon = window.horizon.min(span.returned);
                self.candidates.push(k);
            } else if latest < span.returned {
                window.closes = window.closes.min(span.returned);
                self.candidates.push(k);
            }
        }
        for interval in self.intervals.iter().filter(|interval| !interval.judged) {
            let span = self.spans.get(interval.call);
            if let Some(span) = span.filter(|span| !span.optional || latest < span.returned) {
                window.closes = window.closes.min(span.returned);
            }
        }
        // Calls are sorted by time of beginning: those that began after a
        // return which was found later are the last ones.
        let began_late =
            |k: &usize| self.spans.get(*k).is_some_and(|span| span.invoked > window.horizon);
        let late = self.candidates.iter().skip(from).rev().take_while(|k| began_late(k)).count();
        self.candidates.truncate(self.candidates.len() - late);
        self.leave_out_later_stages(from);
        let spans = &self.spans;
        if let Some(own) = self.candidates.get_mut(from..) {
            own.sort_by_key(|k| spans.get(*k).map(|span| (span.optional, span.returned)));
        }
        window
    }

    /// A stage's turn comes when the one before it is taken.
    fn leave_out_later_stages(&mut self, from: usize) {
        if self.stages.is_empty() {
            return;
        }
        for place in (from..self.candidates.len()).rev() {
            let Some(k) = self.candidates.get(place).copied() else { continue };
            if self.stage(k) > 0 && !self.is_taken(k - 1) {
                self.candidates.remove(place);
            }
        }
    }

    fn moment(&self, k: usize, call: &Call<S>) -> Moment<'_> {
        let overlap = match self.overlaps.get(k) {
            Some(Some(ids)) => Overlap::Ids(ids),
            _ => Overlap::Any,
        };
        call.moment(self.divergences, overlap)
    }

    /// A call that changes nothing and agrees with the state, which does not even
    /// remember it. It must not be one whose taking would close the time of a call whose
    /// outcome was never seen, or of an interval: another one may be needed first.
    fn first_that_changes_nothing(&self, window: &Window, model: &S::Model) -> Option<usize> {
        let own = self.candidates.get(window.from..).unwrap_or_default();
        own.iter().copied().find(|&k| {
            self.calls.get(k).is_some_and(|call| {
                let changes_nothing = call.changes_nothing() && !call.is_optional();
                changes_nothing && call.invoked < window.closes && {
                    let mut after = model.clone();
                    call.step(&mut after, &self.moment(k, call)).is_ok() && after == *model
                }
            })
        })
    }

    /// Takes the candidate at `place` next and goes on; whether that led to a
    /// whole explanation.
    fn try_next(&mut self, model: &S::Model, place: usize, low: usize, latest: u64) -> bool {
        let Some((k, call)) = self.candidate(place) else { return false };
        let mut states = match call.after_stage(self.stage(k), model, &self.moment(k, call)) {
            Ok(states) => states,
            Err(broken) => {
                self.note_failure(k, broken);
                Vec::new()
            }
        };
        states.extend(self.undone(call, model));
        states.extend(self.beside_older(call, model, Part::Whole, |without| {
            match call.after_stage(self.stage(k), without, &self.moment(k, call)) {
                // It may have written again what was there.
                Ok(after) if after.is_empty() => vec![without.clone()],
                after => after.unwrap_or_default(),
            }
        }));
        if self.spans.get(k).is_some_and(|span| span.optional) {
            // One that changes nothing may be left out, but for the stage after.
            let has_next = self.stage(k + 1) > 0;
            states.retain(|state| has_next || state != model);
        }
        let happened = Happened { call, taken: Some(k), interval: None };
        self.try_states(model, states, &happened, low, latest)
    }

    /// Goes on after a step that the candidate at `place` may have done.
    fn try_stage_steps(&mut self, model: &S::Model, place: usize, low: usize, latest: u64) -> bool {
        let Some((k, call)) = self.candidate(place) else { return false };
        let (stage, moment) = (self.stage(k), self.moment(k, call));
        let mut states = call.partial_steps(stage, model, &moment);
        states.extend(self.beside_older(call, model, Part::Step, |without| {
            call.partial_steps(stage, without, &moment)
        }));
        // Beside older software, a step that is done already can be done again.
        states.retain(|state| state != model);
        let happened = Happened { call, taken: None, interval: None };
        self.try_states(model, states, &happened, low, latest)
    }

    fn candidate(&self, place: usize) -> Option<(usize, &'a Call<S>)> {
        let k = self.candidates.get(place).copied()?;
        Some((k, self.calls.get(k)?))
    }

    /// Goes on from each of the states that what happened may make of `model`;
    /// whether that led to a whole explanation.
    fn try_states(
        &mut self,
        model: &S::Model,
        states: Vec<S::Model>,
        happened: &Happened<'_, S>,
        low: usize,
        latest: u64,
    ) -> bool {
        let Happened { call, taken, interval } = *happened;
        for next in states {
            let mark = self.mark();
            if self.end_intervals(model, call.invoked) {
                if !self.intervals.is_empty() {
                    self.passed.push(model.clone());
                    if let Deed::Older(OlderAction::Write(document)) = &call.deed {
                        self.passed.push(S::legacy_meanwhile(model, document));
                    }
                    self.begin_after(call.returned);
                }
                if let Some(k) = taken {
                    if matches!(call.deed, Deed::Older(_)) {
                        self.before_older.push((k, model.clone()));
                    }
                    self.take(k);
                }
                if let Some(interval) = interval.and_then(|place| self.intervals.get_mut(place)) {
                    interval.steps += 1;
                }
                if self.explore(&next, low, latest.max(call.invoked)) {
                    return true;
                }
            }
            self.go_back(mark);
        }
        false
    }

    fn note_failure(&mut self, stuck: usize, broken: Broken<S::Seen>) {
        if self.best.as_ref().is_none_or(|best| self.order.len() > best.order.len()) {
            self.best =
                Some(Unexplained { order: self.order.clone(), stuck: Some((stuck, broken)) });
        }
    }
}

/// A call, or a step of one, that comes next.
struct Happened<'a, S: Subject> {
    call: &'a Call<S>,
    /// The call that is taken by it, in [`Search::calls`].
    taken: Option<usize>,
    /// The interval whose step it is, in [`Search::intervals`].
    interval: Option<usize>,
}

/// What may come next.
struct Window {
    /// Where its calls begin in [`Search::candidates`]: by time of return,
    /// those whose outcome was never seen last.
    from: usize,
    /// The earliest return among the calls left.
    horizon: u64,
    /// The earliest time by which a call whose outcome was never seen must
    /// have happened, if at all, or at which an interval is judged.
    closes: u64,
}

/// The ids that calls overlapping with `call` may write; none: any.
fn overlap<S: Subject>(calls: &[Call<S>], call: &Call<S>) -> Option<Vec<RecordId>> {
    let mut ids = Vec::new();
    // Sorted by time of beginning.
    for other in calls.iter().take_while(|other| other.invoked < call.returned) {
        if call.invoked < other.returned && other.invoked != call.invoked {
            ids.extend(other.writes()?);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Some(ids)
}
