//! What calls of the sessions store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::operation::{MessageData, SessionData, messages_text};
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        subject::Verdict,
    },
    seam::RecordId,
    store::{error::Kind, sessions::SessionError},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionsSeen {
    /// It is done; there is nothing to return.
    Done,
    /// A session, without its messages.
    Session(Box<SessionData>),
    /// Sessions, in order, and what is none.
    List {
        /// The sessions, without their messages.
        sessions: Vec<SessionData>,
        /// The damaged records.
        damaged: Vec<RecordId>,
    },
    /// A session's messages, in order.
    Messages(Vec<MessageData>),
    /// The highest `sequence_id`.
    SequenceId(i64),
    /// An error.
    Failed(SessionsFailure),
}

/// An error.
pub type SessionsFailure = Failure<SessionsProblem>;

/// The errors of the sessions store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in SessionError")]
pub enum SessionsProblem {
    InvalidSessionId,
    InvalidUserId,
    SessionAlreadyExists,
    SessionNotFound,
    /// Of the storage, which may have left older sessions too many.
    Storage(Kind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "session",
    "list",
    "list_empty",
    "list_with_damage",
    "messages",
    "messages_none",
    "sequence_id",
    "sequence_id_zero",
    "invalid_session_id",
    "invalid_user_id",
    "session_already_exists",
    "session_not_found",
    "corrupt",
    "io",
    "other_error",
];

impl SessionsSeen {
    /// An error.
    #[must_use]
    pub fn failed(error: &SessionError) -> Self {
        let (problem, message) = match error {
            SessionError::InvalidSessionId(_) => (SessionsProblem::InvalidSessionId, None),
            SessionError::InvalidUserId(_) => (SessionsProblem::InvalidUserId, None),
            SessionError::SessionAlreadyExists(_) => (SessionsProblem::SessionAlreadyExists, None),
            SessionError::SessionNotFound => (SessionsProblem::SessionNotFound, None),
            SessionError::NotTrimmed(_) | SessionError::Storage(_) => {
                (SessionsProblem::Storage(error.kind()), Some(Arc::from(error.to_string())))
            }
        };
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }
}

impl SessionsProblem {
    fn class(self) -> usize {
        match self {
            Self::InvalidSessionId => 9,
            Self::InvalidUserId => 10,
            Self::SessionAlreadyExists => 11,
            Self::SessionNotFound => 12,
            Self::Storage(Kind::Corrupt) => 13,
            Self::Storage(Kind::Io) => 14,
            Self::Storage(_) => 15,
        }
    }
}

impl Verdict for SessionsSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Session(_) => 1,
            Self::List { damaged, .. } if !damaged.is_empty() => 4,
            Self::List { sessions, .. } if sessions.is_empty() => 3,
            Self::List { .. } => 2,
            Self::Messages(messages) if messages.is_empty() => 6,
            Self::Messages(_) => 5,
            Self::SequenceId(0) => 8,
            Self::SequenceId(_) => 7,
            Self::Failed(failure) => failure.problem.class(),
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(SessionsFailure { unknown: false, .. }))
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(SessionsFailure { unknown: true, .. }))
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        match self {
            Self::Failed(Failure { problem: SessionsProblem::Storage(kind), .. }) => {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Session(session) => session.describe(),
            Self::List { sessions, damaged } => {
                let damaged = damaged.iter().map(|id| format!("damaged {id:?}"));
                let items: Vec<_> =
                    sessions.iter().map(SessionData::describe).chain(damaged).collect();
                format!("[{}]", items.join("; "))
            }
            Self::Messages(messages) => messages_text(messages),
            Self::SequenceId(sequence_id) => format!("#{sequence_id}"),
            Self::Failed(failure) => {
                let class = CLASSES.get(failure.problem.class()).copied().unwrap_or_default();
                failure.describe(class)
            }
        }
    }

    fn digest(&self, into: &mut impl Hasher) {
        into.write_usize(self.class());
        match self {
            Self::Done => {}
            Self::Session(session) => session.hash(into),
            Self::List { sessions, damaged } => {
                sessions.hash(into);
                damaged.hash(into);
            }
            Self::Messages(messages) => messages.hash(into),
            Self::SequenceId(sequence_id) => into.write_i64(*sequence_id),
            Self::Failed(failure) => (failure.problem, failure.unknown).hash(into),
        }
    }
}
