//! Results: as JSON, as text for a terminal, and as CI wants them; joined, and compared.

pub mod annotations;
pub mod baseline;
pub mod bugs;
pub mod directory;
pub mod json;
pub mod junit;
pub mod merge;
pub mod speed;
pub mod terminal;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::speed::Speed;
use crate::check::{
    campaign::WayOfFailing,
    one_line::one_line,
    regression::{Outcome, RegressionResult},
    schema::unreadable_schema,
    totals::Totals,
    trace_hash::mix,
    violation::Violation,
};

/// The version of the format of report.json.
pub const SCHEMA: u64 = 1;

/// What a `check` found, as report.json has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u64,
    /// The version of storeproof.
    pub version: String,
    /// The seed of all cases.
    pub seed: u64,
    /// The profile's name.
    pub profile: String,
    /// Which part of a campaign it is, like `2/5`; none: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// How many cases of each store on each backend were asked for; none: as many as
    /// the profile has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<u64>,
    /// For how many seconds it was to go on; none: for a number of cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// The same for the same seed and the same amount of work, in hexadecimal.
    pub trace_hash: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether it was interrupted before its end.
    pub interrupted: bool,
    /// The bug that was planted in the store; none: it was the sound one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<String>,
    /// The divergences that were permitted.
    pub allowed: Vec<String>,
    /// What came of saved scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressions: Vec<RegressionResult>,
    /// One entry for each store on each backend.
    pub results: Vec<Cell>,
    /// What the campaign has gathered; none: it ran a number of cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corpus: Option<CorpusSize>,
    /// How fast it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
    /// How often each `store.operation:outcome` was reached.
    pub reached: BTreeMap<String, u64>,
    /// Paths of the replay files.
    pub counterexamples: Vec<String>,
}

/// What a campaign has gathered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorpusSize {
    /// How many scenarios are in its corpus.
    pub entries: u64,
    /// How many keys of `check::coverage` were reached, on all backends.
    pub keys: u64,
}

/// What was found of one store on one backend.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cell {
    /// The store.
    pub store: String,
    /// The backend.
    pub backend: String,
    /// How many cases ran.
    pub cases: u64,
    /// What they did.
    #[serde(flatten)]
    pub totals: Totals,
    /// The outcomes that must be reached and were not, as `operation:class`.
    pub missing: Vec<String>,
    /// Of all cases, in hexadecimal: a sum, so that parts of a campaign add up.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_hash: String,
    /// The ways of failing that were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<WayOfFailing>,
}

/// The trace hash of a report, from those of its stores on backends.
#[must_use]
pub fn trace_hash_of(cells: impl Iterator<Item = u64>) -> String {
    format!("{:016x}", cells.fold(0, |sum, cell| mix(sum ^ cell)))
}

/// Whether outcomes that were never reached are a failure: a run of a few cases on
/// purpose can't reach everything.
#[must_use]
pub fn is_demanding(profile: &str, cases: Option<u64>, time: Option<u64>) -> bool {
    profile != "smoke" && cases.is_none() && time.is_none_or(|seconds| seconds >= 60)
}

/// A counterexample, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The store.
    pub store: String,
    /// The backend.
    pub backend: String,
    /// What is broken.
    pub violation: Violation,
    /// Its replay file, as one can type it.
    pub path: String,
    /// What came of making it small, in words.
    pub shrinking: String,
}

/// Why a text is not a report of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is no JSON object, or one without what it needs.
    #[error("not a report: {}", one_line(&.0.to_string()))]
    Malformed(#[from] serde_json::Error),
    /// It has another version.
    #[error(
        "the report has schema version {}; this release of storeproof reads version {SCHEMA}",
        one_line(.0)
    )]
    Schema(String),
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
        match unreadable_schema(text, SCHEMA..=SCHEMA)? {
            None => Ok(serde_json::from_str(text)?),
            Some(found) => Err(ReportError::Schema(found)),
        }
    }

    /// How many cases broke a promise.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.totals().violations
    }

    /// What all cases did.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        self.results.iter().for_each(|cell| sum.add(&cell.totals));
        sum
    }

    /// Whether outcomes that were never reached are a failure of this report: of a
    /// part of a campaign they are none, others may have reached them.
    #[must_use]
    pub fn is_demanding(&self) -> bool {
        self.shard.is_none()
            && !self.interrupted
            && is_demanding(&self.profile, self.cases, self.time)
    }

    /// The saved scenarios that do not hold, or for which there was no time. Those that an
    /// interrupted run did not come to are none of them.
    pub fn failed_regressions(&self) -> impl Iterator<Item = &RegressionResult> {
        self.regressions.iter().filter(|regression| match regression.outcome {
            Outcome::Holds => false,
            Outcome::Broken | Outcome::Stale => true,
            Outcome::NotRun => !self.interrupted,
        })
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations() == 0
            && self.failed_regressions().next().is_none()
            && !(self.is_demanding() && self.is_incomplete())
    }

    /// Whether a store did not reach what it must on some backend.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.results.iter().any(|cell| !cell.missing.is_empty())
    }
}
