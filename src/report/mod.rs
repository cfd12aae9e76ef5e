//! Results: as JSON, and as text for a terminal.

pub mod terminal;

use std::collections::BTreeMap;

use serde::Serialize;

/// The version of the format of report.json.
pub const SCHEMA: u64 = 1;

/// What a `check` found, as report.json has it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u64,
    /// The version of storeproof.
    pub version: String,
    /// The seed of all cases.
    pub seed: u64,
    /// The profile's name.
    pub profile: String,
    /// The same for the same seed and the same amount of work, in hexadecimal.
    pub trace_hash: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether it was interrupted before its end.
    pub interrupted: bool,
    /// The divergences that were permitted.
    pub allowed: Vec<String>,
    /// One entry for each store on each backend.
    pub results: Vec<Cell>,
    /// How often each `store.operation:outcome` was reached.
    pub reached: BTreeMap<String, u64>,
    /// Paths of the replay files.
    pub counterexamples: Vec<String>,
}

/// What was found of one store on one backend.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The store.
    pub store: String,
    /// The backend.
    pub backend: String,
    /// How many cases ran.
    pub cases: u64,
    /// How many calls they made.
    pub operations: u64,
    /// How many interleavings they ran.
    pub schedules: u64,
    /// How many crash images they made, opened and checked.
    pub crash_images: u64,
    /// How many cases broke a promise.
    pub violations: u64,
    /// The outcomes that must be reached and were not, as `operation:class`.
    pub missing: Vec<String>,
}

impl Report {
    /// How many cases broke a promise.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.results.iter().map(|cell| cell.violations).sum()
    }

    /// Whether a store did not reach what it must on some backend.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.results.iter().any(|cell| !cell.missing.is_empty())
    }
}
