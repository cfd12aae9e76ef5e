//! How the workspace speaks of errors.

use super::kind::Kind;
use crate::{seam, store::error::Kind as ErrorKind};

/// A result of the workspace.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Messages name the kind and the id, and never any content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The entity has another id than the one that it was to be written under.
    #[error("the {kind} has the id {entity:?}, and was to be written as {call:?}: give it one id")]
    IdMismatch {
        /// The kind of the entity.
        kind: Kind,
        /// The id of the call, as a record's.
        call: String,
        /// The id that the entity has.
        entity: String,
    },
    /// The parts make no id.
    #[error(transparent)]
    InvalidId(seam::Error),
    /// The id has another number of parts than the kind's ids.
    #[error("the id of a {kind} has {expected} parts, not {given}")]
    WrongParts {
        /// The kind of the entity.
        kind: Kind,
        /// How many parts its ids have.
        expected: usize,
        /// How many there were.
        given: usize,
    },
    /// The collection refused or failed.
    #[error(transparent)]
    Storage(#[from] seam::Error),
}

impl Error {
    /// Which kind of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::IdMismatch { .. } | Self::WrongParts { .. } => ErrorKind::InvalidArgument,
            Self::InvalidId(_) => ErrorKind::InvalidId,
            Self::Storage(error) => ErrorKind::from(error),
        }
    }

    /// Whether the call may have happened all the same.
    #[must_use]
    pub fn outcome(&self) -> seam::Outcome {
        match self {
            Self::Storage(error) => error.outcome(),
            _ => seam::Outcome::NotDone,
        }
    }
}
