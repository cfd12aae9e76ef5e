//! An entry of a corpus on disk: a scenario, and what it was the first to reach.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    check::{one_line::one_line, scenario::Scenario, schema::unreadable_schema},
    model::subject::Operation,
};

/// The version of the format that this program writes, and the only one that it
/// reads. Its scenarios are those of replay files.
pub const SCHEMA: u64 = 1;

/// An entry, whose store has operations `Op`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "Op: Serialize", deserialize = "Op: DeserializeOwned"))]
pub struct Entry<Op> {
    /// [`SCHEMA`].
    pub schema: u64,
    /// The version of storeproof that wrote it: what its keys mean may be another
    /// thing to the next one.
    pub version: String,
    /// The store's name.
    pub store: String,
    /// The name of the backend on which it was the first.
    pub backend: String,
    /// What it was the first to reach, as the numbers of `check::coverage`.
    pub keys: Vec<u32>,
    /// The scenario.
    pub scenario: Scenario<Op>,
}

/// Why a text is no entry of a corpus.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// It is no JSON object, or one without what it needs.
    #[error("not a file of a corpus: {}", one_line(&.0.to_string()))]
    Malformed(#[from] serde_json::Error),
    /// It has another version.
    #[error(
        "it has schema version {}; this release of storeproof reads version {SCHEMA}",
        one_line(found)
    )]
    Schema {
        /// The version that it has.
        found: String,
    },
    /// It is of another store.
    #[error("it is of the store \"{}\", and not of {expected:?}", one_line(found))]
    Store {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: &'static str,
    },
    /// Nobody can run what it says.
    #[error("the scenario can't be run: {0}")]
    Scenario(String),
}

/// Whether a text is of this version, and of the store of that name.
pub(super) fn check_head(text: &str, store: &'static str) -> Result<(), EntryError> {
    #[derive(Deserialize)]
    struct Names {
        store: String,
    }

    if let Some(found) = unreadable_schema(text, SCHEMA..=SCHEMA)? {
        return Err(EntryError::Schema { found });
    }
    let Names { store: found } = serde_json::from_str(text)?;
    if found != store {
        return Err(EntryError::Store { found, expected: store });
    }
    Ok(())
}

impl<Op: Operation> Entry<Op> {
    /// Reads an entry of the store of that name.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str, store: &'static str) -> Result<Self, EntryError> {
        check_head(text, store)?;
        Ok(serde_json::from_str(text)?)
    }

    /// The text of the entry: one line, as there are thousands of them.
    ///
    /// # Errors
    /// Never, for operations that can be serialised.
    pub fn to_text(&self) -> Result<String, EntryError> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}
