//! The errors of stores as the models compare them.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{seam::Outcome, store::error::Kind};

/// How the storage failed a call: no model expects it, and only a fault explains
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageFailure {
    /// The storage failed under the call.
    Io,
    /// The handle takes no more writes, because the storage failed before; or a database
    /// failed under the call, which errors of the same kind say.
    Refused,
}

impl StorageFailure {
    /// What errors of this kind say.
    #[must_use]
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Io => Some(Self::Io),
            // Among others, the store's word for a closed handle, and for a database that
            // fails.
            Kind::Internal => Some(Self::Refused),
            _ => None,
        }
    }
}

/// An error. Two are the same if they are the same problem with the same
/// outcome, whatever their messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure<P> {
    /// Which.
    pub problem: P,
    /// Whether the operation may have happened all the same.
    pub unknown: bool,
    /// The message, of errors whose name does not say it all. Not compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Arc<str>>,
}

impl<P> Failure<P> {
    /// An error that a store returned.
    #[must_use]
    pub fn new(problem: P, outcome: Outcome, message: Option<Arc<str>>) -> Self {
        Self { problem, unknown: outcome == Outcome::Unknown, message }
    }

    /// An expected refusal.
    #[must_use]
    pub fn refused(problem: P) -> Self {
        Self { problem, unknown: false, message: None }
    }

    /// The failure for a table, given the name of its class.
    #[must_use]
    pub fn describe(&self, class: &str) -> String {
        let mut text = class.to_owned();
        if self.unknown {
            text += " (outcome unknown)";
        }
        if let Some(message) = &self.message {
            text += &format!(": {message}");
        }
        text
    }
}

impl<P: PartialEq> PartialEq for Failure<P> {
    fn eq(&self, other: &Self) -> bool {
        self.problem == other.problem && self.unknown == other.unknown
    }
}

impl<P: Hash> Hash for Failure<P> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.problem, self.unknown).hash(state);
    }
}
