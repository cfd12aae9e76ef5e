//! Replay files: a scenario with what it was saved for, as readable JSON.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    one_line::one_line, scenario::Scenario, schema::unreadable_schema, violation::Violation,
};
use crate::model::subject::Operation;

/// The version of the format that this program writes. It reads all before it,
/// too: version 2 added what older software does and files that are nobody's
/// records; version 3 faults, clocks that differ, schedules by random priorities
/// and of every interleaving, processes that are killed, crashes that leave a part
/// of what was not synced, and what comes after a crash; version 4 faults of databases;
/// version 5 the condition of what is stored, and working sets.
pub const SCHEMA: u64 = 5;

/// A saved scenario for a store with operations `Op`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "Op: Serialize", deserialize = "Op: DeserializeOwned"))]
pub struct Replay<Op> {
    /// [`SCHEMA`], or an earlier one.
    pub schema: u64,
    /// The store's name.
    pub store: String,
    /// The backend's name.
    pub backend: String,
    /// What was wrong when it was saved.
    pub violation: Violation,
    /// The divergences that were permitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The scenario.
    pub scenario: Scenario<Op>,
}

/// What a replay file is about, before its store is known.
#[derive(Clone, Debug)]
pub struct Header {
    /// The store's name.
    pub store: String,
    /// The backend's name.
    pub backend: String,
}

/// Why a text is not a replay file of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It is no JSON object, or one without what it needs.
    #[error("not a replay file: {}", one_line(&.0.to_string()))]
    Malformed(#[from] serde_json::Error),
    /// It has another version.
    #[error(
        "the replay file has schema version {}; this release of storeproof reads versions 1 \
         to {SCHEMA}: use the release that wrote it",
        one_line(found)
    )]
    Schema {
        /// The version that it has.
        found: String,
    },
    /// It permits something that is not in the table.
    #[error(
        "it permits the divergence {}, which there is not (see check --list-divergences)",
        one_line(&format!("{:?}", .0))
    )]
    Divergence(String),
    /// Nobody can run what it says.
    #[error("the scenario can't be run: {0}")]
    Scenario(String),
}

#[derive(Deserialize)]
struct Names {
    store: String,
    backend: String,
}

/// Reads the part of a replay file that says what it is about.
///
/// # Errors
/// When it is not a replay file of the version that this program reads.
pub fn read_header(text: &str) -> Result<Header, ReplayError> {
    if let Some(found) = unreadable_schema(text, 1..=SCHEMA)? {
        return Err(ReplayError::Schema { found });
    }
    let Names { store, backend } = serde_json::from_str(text)?;
    Ok(Header { store, backend })
}

/// Reads what a replay file was saved for, whatever its store is.
///
/// # Errors
/// When it is not a replay file of the version that this program reads.
pub fn read_violation(text: &str) -> Result<(Header, Violation), ReplayError> {
    #[derive(Deserialize)]
    struct Saved {
        violation: Violation,
    }

    let header = read_header(text)?;
    let Saved { violation } = serde_json::from_str(text)?;
    Ok((header, violation))
}

/// Reads a replay file whose store has operations `Op`.
///
/// # Errors
/// When it is not one.
pub fn read<Op: Operation>(text: &str) -> Result<Replay<Op>, ReplayError> {
    read_header(text)?;
    Ok(serde_json::from_str(text)?)
}

/// The text of a replay file.
///
/// # Errors
/// Never, for operations that can be serialised.
pub fn write<Op: Operation>(replay: &Replay<Op>) -> Result<String, ReplayError> {
    let mut text = serde_json::to_string_pretty(replay)?;
    text.push('\n');
    Ok(text)
}
