//! Every interleaving of a small scenario, one after the other.

use serde::{Deserialize, Serialize};

use super::{
    run::Run,
    scenario::Scenario,
    statistics::Reached,
    trace_hash::mix,
    verify::{Target, Verified, interleaved, or_endless},
};
use crate::{
    model::subject::Subject,
    seam::Error,
    sim::schedule::{Bounds, Coverage, EveryInterleaving},
};

/// How many scenarios were run in every interleaving, and how much of them that
/// was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    /// Proven: all interleavings of these were run.
    pub whole: u64,
    /// Of these all with so many preemptions as the bound says, or fewer.
    pub bounded: u64,
    /// Of these only the first so many.
    pub cut: u64,
    /// How many interleavings were run, of all of them.
    pub interleavings: u64,
}

impl Scopes {
    fn of(bounds: &Bounds, coverage: &Coverage) -> Self {
        let is_bounded = bounds.preemptions.is_some() && coverage.preemptions == bounds.preemptions;
        Self {
            whole: u64::from(coverage.is_whole),
            bounded: u64::from(!coverage.is_whole && is_bounded),
            cut: u64::from(!coverage.is_whole && !is_bounded),
            interleavings: coverage.interleavings,
        }
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what other cases covered.
    pub fn add(&mut self, other: &Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.whole, other.whole);
        add(&mut self.bounded, other.bounded);
        add(&mut self.cut, other.cut);
        add(&mut self.interleavings, other.interleavings);
    }
}

/// Runs `scenario` in every interleaving within the bounds, each on a storage of
/// its own, until one breaks a promise.
pub(super) fn check<S: Subject>(
    target: &Target<'_, S>,
    scenario: &Scenario<S::Op>,
    bounds: Bounds,
    reached: &mut Reached,
) -> Result<Verified, Error> {
    let mut search = EveryInterleaving::new(bounds);
    let mut whole = Verified::default();
    while let Some(mut decider) = search.next_run() {
        let run = Run::new(target, scenario)?;
        let verified = or_endless(&run, interleaved(&run, &mut decider, reached))?;
        search.was_run(&mut decider);
        whole.operations += verified.operations;
        whole.schedules += verified.schedules;
        whole.digest = mix(whole.digest ^ verified.digest);
        if verified.violation.is_some() {
            whole.violation = verified.violation;
            whole.preemptions = Some(decider.into_taken());
            return Ok(whole);
        }
    }
    whole.scopes = Scopes::of(&bounds, &search.coverage());
    Ok(whole)
}
