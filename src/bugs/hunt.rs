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
pub const MOST_ROUNDS: u64 = 1_000;

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

/// How many cases a backend has in one round.
#[must_use]
pub fn cases_of_a_round(backend: &str) -> u64 {
    (share(backend) / 100).max(1)
}

/// Looks for `bug` in the campaign with that seed, for so many rounds at most.
/// `go_on` is asked between them.
pub fn hunt(
    bug: &Bug,
    backends: &[Box<dyn BackendUnderTest>],
    seed: u64,
    rounds: u64,
    go_on: &dyn Fn() -> bool,
) -> Hunt {
    let mut hunt = Hunt::default();
    let backends = backends.iter().map(AsRef::as_ref);
    let backends: Vec<_> = backends.filter(|backend| bug.planted.can_be_on(*backend)).collect();
    for round in 0..rounds {
        for backend in &backends {
            if !go_on() {
                return hunt;
            }
            let size = cases_of_a_round(backend.name());
            let cases = round * size..(round + 1) * size;
            let (ran, found) = bug.planted.run(*backend, seed, cases.clone());
            *hunt.cases.entry(backend.name()).or_default() += ran;
            if found {
                let case = (cases.start + ran).saturating_sub(1);
                hunt.caught = Some(Caught { backend: backend.name(), case });
                return hunt;
            }
        }
    }
    hunt
}
