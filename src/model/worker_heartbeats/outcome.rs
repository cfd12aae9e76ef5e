//! What calls of the heartbeats store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::operation::HeartbeatData;
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        subject::Verdict,
    },
    seam::RecordId,
    store::{error::Kind, worker_heartbeats::HeartbeatError},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeartbeatsSeen {
    /// It is done; there is nothing to return.
    Done,
    /// A heartbeat.
    Heartbeat(Box<HeartbeatData>),
    /// All heartbeats, in order, and what is none.
    List {
        /// The heartbeats.
        heartbeats: Vec<HeartbeatData>,
        /// The damaged records.
        damaged: Vec<RecordId>,
    },
    /// How many workers were removed.
    Removed(u64),
    /// An error.
    Failed(Failure<HeartbeatsProblem>),
}

/// The errors of the heartbeats store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in HeartbeatError")]
pub enum HeartbeatsProblem {
    InvalidWorkerId,
    HeartbeatNotFound,
    /// Of the storage.
    Storage(Kind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "heartbeat",
    "list",
    "list_empty",
    "list_with_damage",
    "removed",
    "removed_none",
    "invalid_worker_id",
    "heartbeat_not_found",
    "corrupt",
    "io",
    "other_error",
];

impl HeartbeatsSeen {
    /// An error.
    #[must_use]
    pub fn failed(error: &HeartbeatError) -> Self {
        let (problem, message) = match error {
            HeartbeatError::InvalidWorkerId(_) => (HeartbeatsProblem::InvalidWorkerId, None),
            HeartbeatError::HeartbeatNotFound => (HeartbeatsProblem::HeartbeatNotFound, None),
            HeartbeatError::Interrupted { .. }
            | HeartbeatError::OnlySetAside(_)
            | HeartbeatError::Storage(_) => {
                (HeartbeatsProblem::Storage(error.kind()), Some(Arc::from(error.to_string())))
            }
        };
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }
}

impl HeartbeatsProblem {
    fn class(self) -> usize {
        match self {
            Self::InvalidWorkerId => 7,
            Self::HeartbeatNotFound => 8,
            Self::Storage(Kind::Corrupt) => 9,
            Self::Storage(Kind::Io) => 10,
            Self::Storage(_) => 11,
        }
    }
}

impl Verdict for HeartbeatsSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Heartbeat(_) => 1,
            Self::List { damaged, .. } if !damaged.is_empty() => 4,
            Self::List { heartbeats, .. } if heartbeats.is_empty() => 3,
            Self::List { .. } => 2,
            Self::Removed(0) => 6,
            Self::Removed(_) => 5,
            Self::Failed(failure) => failure.problem.class(),
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self, Self::Removed(0) | Self::Failed(Failure { unknown: false, .. }))
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(Failure { unknown: true, .. }))
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        match self {
            Self::Failed(Failure { problem: HeartbeatsProblem::Storage(kind), .. }) => {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Heartbeat(heartbeat) => heartbeat.describe(),
            Self::List { heartbeats, damaged } => {
                let damaged = damaged.iter().map(|id| format!("damaged {id:?}"));
                let items = heartbeats.iter().map(HeartbeatData::describe).chain(damaged);
                format!("[{}]", items.collect::<Vec<_>>().join("; "))
            }
            Self::Removed(count) => format!("removed {count}"),
            Self::Failed(failure) => {
                failure.describe(CLASSES.get(failure.problem.class()).copied().unwrap_or_default())
            }
        }
    }

    fn digest(&self, into: &mut impl Hasher) {
        into.write_usize(self.class());
        match self {
            Self::Done => {}
            Self::Heartbeat(heartbeat) => heartbeat.hash(into),
            Self::List { heartbeats, damaged } => {
                heartbeats.hash(into);
                damaged.hash(into);
            }
            Self::Removed(count) => into.write_u64(*count),
            Self::Failed(failure) => (failure.problem, failure.unknown).hash(into),
        }
    }
}
