//! What a parent and its processes say to each other: one line of JSON for each
//! request and for each answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::seam::Instant;

/// The first line of a process: what comes before it is not ours.
pub(super) const GREETING: &str = "storeproof client 1";

/// What the parent wants.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Open a store; what was open is closed first.
    Open(Opening),
    /// Do an operation on it.
    Call {
        /// The operation, as replay files have it.
        op: Box<RawValue>,
        /// What the clock shows meanwhile.
        now: Instant,
    },
}

/// What a process is to open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// The store's name.
    pub store: String,
    /// The name of the backend that the storage is of.
    pub backend: String,
    /// The storage's directory.
    pub directory: String,
    /// The default page size; none: the backend's own.
    pub page_size: Option<u32>,
    /// Decides whatever is random in the process.
    pub seed: u64,
    /// In which variant of the store.
    pub variant: u8,
    /// The further collections that the store lives in.
    #[serde(default)]
    pub further: Vec<Arc<str>>,
    /// What the clock shows meanwhile.
    pub now: Instant,
}

/// What a process answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The store is open.
    Opened,
    /// The operation was done.
    Seen {
        /// The operation, with everything resolved.
        op: Box<RawValue>,
        /// What came of it.
        seen: Box<RawValue>,
    },
    /// It panicked.
    Panicked(String),
    /// The request could not be carried out.
    Failed(String),
}
