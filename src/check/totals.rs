//! Sums of what cases did.

use serde::{Deserialize, Serialize};

use super::{exhaustive::Scopes, verify::Verified};

/// What the cases of a store on a backend did, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How many calls they made.
    pub operations: u64,
    /// How many interleavings they ran.
    pub schedules: u64,
    /// How many crash images they made, opened and checked.
    pub crash_images: u64,
    /// What was covered of small scopes that were run in every interleaving.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub scopes: Scopes,
    /// How many cases broke a promise.
    pub violations: u64,
}

impl Totals {
    /// Of one case.
    #[must_use]
    pub fn of(verified: &Verified) -> Self {
        Self {
            operations: verified.operations,
            schedules: verified.schedules,
            crash_images: verified.crash_images,
            scopes: verified.scopes,
            violations: u64::from(verified.violation.is_some()),
        }
    }

    /// Adds what other cases did.
    pub fn add(&mut self, other: &Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.operations, other.operations);
        add(&mut self.schedules, other.schedules);
        add(&mut self.crash_images, other.crash_images);
        self.scopes.add(&other.scopes);
        add(&mut self.violations, other.violations);
    }
}
