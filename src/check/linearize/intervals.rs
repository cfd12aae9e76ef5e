//! Calls that go through many records one after the other: judged against all the states
//! between their begin and their end.

use super::{Happened, Search, Window};
use crate::model::subject::Subject;

/// A call that goes through many records one after the other.
#[derive(Clone, Copy)]
pub(super) struct Interval {
    pub(super) call: usize,
    /// Where in `passed` it begins; none: not yet.
    pub(super) begun: Option<usize>,
    /// How many steps it has done.
    pub(super) steps: usize,
    pub(super) judged: bool,
}

impl Interval {
    /// Whether it has begun and is not over.
    pub(super) fn lasts(&self) -> bool {
        self.begun.is_some() && !self.judged
    }
}

impl<S: Subject> Search<'_, S> {
    /// Goes on after a step of the interval at `place`.
    pub(super) fn try_interval_steps(
        &mut self,
        model: &S::Model,
        place: usize,
        low: usize,
        latest: u64,
    ) -> bool {
        let Some(interval) = self.intervals.get(place).copied() else { return false };
        let Some(call) = self.calls.get(interval.call) else { return false };
        let made = call.seen().and_then(|(op, seen)| S::steps_made(op, seen));
        let is_over = interval.judged || latest >= call.returned;
        if is_over || interval.begun.is_none() || made.is_some_and(|made| interval.steps >= made) {
            return false;
        }
        let moment = self.moment(interval.call, call);
        let states = call.partial_steps(0, model, &moment);
        let happened = Happened { call, taken: None, interval: Some(place) };
        self.try_states(model, states, &happened, low, latest)
    }

    /// An interval begins as soon as every call that returned before it is
    /// taken, and lasts as long as the real times allow: a longer one allows
    /// more.
    pub(super) fn begin_intervals(&mut self, window: &Window) {
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
    pub(super) fn begin_after(&mut self, time: u64) {
        let now = self.passed.len();
        for interval in self.intervals.iter_mut().filter(|interval| interval.begun.is_some()) {
            if self.calls.get(interval.call).is_some_and(|call| time < call.invoked) {
                interval.begun = Some(now);
            }
        }
    }

    /// Judges the intervals that ended before `time`.
    pub(super) fn end_intervals(&mut self, model: &S::Model, time: u64) -> bool {
        for place in 0..self.intervals.len() {
            let Some(interval) = self.intervals.get(place).copied() else { continue };
            let Some(call) = self.calls.get(interval.call) else { continue };
            let Some((op, seen)) = call.seen() else { continue };
            if interval.judged || (call.returned >= time && time != u64::MAX) {
                continue;
            }
            if S::steps_made(op, seen).is_some_and(|made| made != interval.steps) {
                let moment = self.moment(interval.call, call);
                if let Err(broken) = S::step(&mut model.clone(), op, seen, &moment) {
                    self.note_failure(interval.call, broken);
                }
                return false;
            }
            let from = interval.begun.unwrap_or(self.passed.len());
            let mut states = self.passed.iter().skip(from).chain(std::iter::once(model));
            let moment = self.moment(interval.call, call);
            if let Err(broken) = S::judge_interval(&mut states, op, seen, &moment) {
                self.note_failure(interval.call, broken);
                return false;
            }
            if let Some(interval) = self.intervals.get_mut(place) {
                interval.judged = true;
            }
        }
        true
    }
}
