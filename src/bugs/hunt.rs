//! Looking for a planted bug, with nothing to go on.
//!
//! **The rule.** A bug is looked for as `check` looks for any: its store, on
//! every backend that it can be planted on, with the cases of a campaign from
//! number 0 on. Nobody says which backend shows it. They take turns in `check`'s
//! order; in each round every backend runs a hundredth of the cases that it has
//! in `check`'s smoke profile, so that all have about the same time. After as many
//! rounds as there are in its default profile, a bug is missed.

use std::collections::BTreeMap;

use super::Bug;
use crate::check::backends::{BackendUnderTest, share};

/// How many rounds there are: the cases of the default profile.
pub const MOST_ROUNDS: u64 = 700;

/// What came of looking for a bug.
#[derive(Clone, Debug, Default)]
pub struct Hunt {
    /// Where it was found first.
    pub caught: Option<Caught>,
    /// How many cases ran on each backend.
    pub cases: BTreeMap<&'static str, u64>,
}

/// A case that shows a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caught {
    /// On which backend.
    pub backend: &'static str,
    /// The number of the case.
    pub case: u64,
}

impl Hunt {
    /// How many cases ran.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.cases.values().sum()
    }
}

/// How many cases of a store a backend has in one round.
#[must_use]
pub fn cases_of_a_round(store: &str, backend: &str) -> u64 {
    (share(store, backend) / 100).max(1)
}

/// Looks for `bug` in the campaign with that seed, for so many rounds at most.
///
/// `go_on` is asked between the parts of a round. `confirm` is asked whether a case
/// that failed will do: one on threads may not fail again, and shows nothing then.
pub fn hunt(
    bug: &Bug,
    backends: &[Box<dyn BackendUnderTest>],
    seed: u64,
    rounds: u64,
    go_on: &dyn Fn() -> bool,
    confirm: &mut dyn FnMut(&dyn BackendUnderTest, u64) -> bool,
) -> Hunt {
    let mut hunt = Hunt::default();
    let backends = backends.iter().map(AsRef::as_ref);
    let backends: Vec<_> = backends.filter(|backend| bug.planted.can_be_on(*backend)).collect();
    for round in 0..rounds {
        for backend in &backends {
            let size = cases_of_a_round(bug.planted.store(), backend.name());
            let mut cases = round * size..(round + 1) * size;
            while !cases.is_empty() {
                if !go_on() {
                    return hunt;
                }
                let (ran, found) = bug.planted.run(*backend, seed, cases.clone());
                *hunt.cases.entry(backend.name()).or_default() += ran;
                cases.start += ran.max(1);
                let case = cases.start - 1;
                if found && confirm(*backend, case) {
                    hunt.caught = Some(Caught { backend: backend.name(), case });
                    return hunt;
                }
            }
        }
    }
    hunt
}
