//! Which keys a campaign has reached on a backend, on disk: without them, one that goes
//! on would take what its opening reached for something new.

use serde::{Deserialize, Serialize};

use super::entry::{EntryError, SCHEMA, check_head};
use crate::check::coverage::Coverage;

/// The keys that were reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedKeys {
    /// [`SCHEMA`], that of the entries beside it.
    pub schema: u64,
    /// The version of storeproof that wrote it: what keys mean may be another thing to
    /// the next one.
    pub version: String,
    /// The store's name.
    pub store: String,
    /// The backend's name.
    pub backend: String,
    /// The keys, as the numbers of `check::coverage`, in their order.
    pub keys: Vec<u32>,
}

impl ReachedKeys {
    /// Those of a store on a backend.
    #[must_use]
    pub fn of(store: &str, backend: &str, reached: &Coverage) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: store.to_owned(),
            backend: backend.to_owned(),
            keys: reached.keys().collect(),
        }
    }

    /// Reads those of the store of that name.
    ///
    /// # Errors
    /// When the text is none.
    pub fn read(text: &str, store: &'static str) -> Result<Self, EntryError> {
        check_head(text, store)?;
        Ok(serde_json::from_str(text)?)
    }

    /// The text of the file.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Texts and numbers can always be serialised.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}
