//! Results: as JSON, and as text for a terminal.

pub mod bugs;
pub mod directory;
pub mod json;
pub mod terminal;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::exhaustive::Scopes;

/// The version of the format of report.json.
pub const SCHEMA: u64 = 1;

/// What a `check` found, as report.json has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// What was covered of small scopes that were run in every interleaving.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub scopes: Scopes,
    /// How many cases broke a promise.
    pub violations: u64,
    /// The outcomes that must be reached and were not, as `operation:class`.
    pub missing: Vec<String>,
}

/// Why a text is not a report of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is no JSON object, or one without what it needs.
    #[error("not a report: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It has another version.
    #[error("the report has schema version {0}; this release of storeproof reads version {SCHEMA}")]
    Schema(u64),
}

impl Report {
    /// The text of report.json.
    ///
    /// # Errors
    /// Never: everything in it can be JSON.
    pub fn to_text(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads the text of a report.json. Members that this release does not know
    /// are passed over.
    ///
    /// # Errors
    /// When it is not one of the version that this release writes.
    pub fn read(text: &str) -> Result<Self, ReportError> {
        #[derive(Deserialize)]
        struct SchemaOnly {
            schema: u64,
        }

        match serde_json::from_str(text)? {
            SchemaOnly { schema: SCHEMA } => Ok(serde_json::from_str(text)?),
            SchemaOnly { schema } => Err(ReportError::Schema(schema)),
        }
    }

    /// How many cases broke a promise.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.results.iter().map(|cell| cell.violations).sum()
    }

    /// What was covered of small scopes that were run in every interleaving.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        let mut sum = Scopes::default();
        self.results.iter().for_each(|cell| sum.add(&cell.scopes));
        sum
    }

    /// Whether a store did not reach what it must on some backend.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.results.iter().any(|cell| !cell.missing.is_empty())
    }
}
