//! Calls with several stages, as a history in which each stage is a call.

use super::Unexplained;
use crate::{check::history::Call, model::subject::Subject};

/// A history in which each stage of a call is a call.
pub(super) struct Stages<S: Subject> {
    pub(super) calls: Vec<Call<S>>,
    /// Which stage of its call each one is.
    pub(super) numbers: Vec<usize>,
    /// Of which call.
    origins: Vec<usize>,
}

impl<S: Subject> Stages<S> {
    /// None where every call is one.
    pub(super) fn of(calls: &[Call<S>]) -> Option<Self> {
        if calls.iter().all(|call| call.stages() == 1) {
            return None;
        }
        let mut stages = Self { calls: Vec::new(), numbers: Vec::new(), origins: Vec::new() };
        for (origin, call) in calls.iter().enumerate() {
            for number in 0..call.stages() {
                stages.calls.push(call.clone());
                stages.numbers.push(number);
                stages.origins.push(origin);
            }
        }
        Some(stages)
    }

    /// The same, told of the calls that the stages belong to.
    pub(super) fn told_of_calls(&self, unexplained: Unexplained<S>) -> Box<Unexplained<S>> {
        let origin = |stage: &usize| self.origins.get(*stage).copied();
        let mut order: Vec<usize> = unexplained.order.iter().filter_map(origin).collect();
        order.dedup();
        let stuck = unexplained.stuck.and_then(|(stage, broken)| Some((origin(&stage)?, broken)));
        Box::new(Unexplained { order, stuck })
    }
}
