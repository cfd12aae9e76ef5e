//! What calls of the users store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::operation::UserData;
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        subject::Verdict,
    },
    seam::RecordId,
    store::{error::Kind, users::UserError},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsersSeen {
    /// It is done; there is nothing to return.
    Done,
    /// A user.
    User(Box<UserData>),
    /// All users, in order, and what is none.
    List {
        /// The users.
        users: Vec<UserData>,
        /// The damaged records.
        damaged: Vec<RecordId>,
    },
    /// A number of users.
    Count(u64),
    /// An error.
    Failed(UsersFailure),
}

/// An error.
pub type UsersFailure = Failure<UsersProblem>;

/// The errors of the users store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in UserError")]
pub enum UsersProblem {
    InvalidUserId,
    InvalidUsername,
    UserAlreadyExists,
    OidcIdentityAlreadyExists,
    UserNotFound,
    OidcIdentityNotFound,
    /// Of the storage.
    Storage(Kind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "user",
    "list",
    "list_empty",
    "list_with_damage",
    "count",
    "count_zero",
    "invalid_user_id",
    "invalid_username",
    "user_already_exists",
    "oidc_identity_already_exists",
    "user_not_found",
    "oidc_identity_not_found",
    "corrupt",
    "io",
    "other_error",
];

impl UsersSeen {
    /// An error.
    #[must_use]
    pub fn failed(error: &UserError) -> Self {
        let (problem, message) = match error {
            UserError::InvalidUserId(_) => (UsersProblem::InvalidUserId, None),
            UserError::InvalidUsername => (UsersProblem::InvalidUsername, None),
            UserError::UserAlreadyExists(_) => (UsersProblem::UserAlreadyExists, None),
            UserError::OidcIdentityAlreadyExists(_) => {
                (UsersProblem::OidcIdentityAlreadyExists, None)
            }
            UserError::UserNotFound => (UsersProblem::UserNotFound, None),
            UserError::OidcIdentityNotFound => (UsersProblem::OidcIdentityNotFound, None),
            UserError::Storage(_) => {
                (UsersProblem::Storage(error.kind()), Some(Arc::from(error.to_string())))
            }
        };
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }

    /// An expected refusal.
    pub(super) fn refused(problem: UsersProblem) -> Self {
        Self::Failed(Failure::refused(problem))
    }
}

impl UsersProblem {
    fn class(self) -> usize {
        match self {
            Self::InvalidUserId => 7,
            Self::InvalidUsername => 8,
            Self::UserAlreadyExists => 9,
            Self::OidcIdentityAlreadyExists => 10,
            Self::UserNotFound => 11,
            Self::OidcIdentityNotFound => 12,
            Self::Storage(Kind::Corrupt) => 13,
            Self::Storage(Kind::Io) => 14,
            Self::Storage(_) => 15,
        }
    }
}

impl Verdict for UsersSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::User(_) => 1,
            Self::List { damaged, .. } if !damaged.is_empty() => 4,
            Self::List { users, .. } if users.is_empty() => 3,
            Self::List { .. } => 2,
            Self::Count(0) => 6,
            Self::Count(_) => 5,
            Self::Failed(failure) => failure.problem.class(),
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(UsersFailure { unknown: false, .. }))
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(UsersFailure { unknown: true, .. }))
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        match self {
            Self::Failed(Failure { problem: UsersProblem::Storage(kind), .. }) => {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::User(user) => user.describe(),
            Self::List { users, damaged } => {
                let damaged = damaged.iter().map(|id| format!("damaged {id:?}"));
                let items: Vec<_> = users.iter().map(UserData::describe).chain(damaged).collect();
                format!("[{}]", items.join("; "))
            }
            Self::Count(count) => format!("count {count}"),
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
            Self::User(user) => user.hash(into),
            Self::List { users, damaged } => {
                users.hash(into);
                damaged.hash(into);
            }
            Self::Count(count) => into.write_u64(*count),
            Self::Failed(failure) => (failure.problem, failure.unknown).hash(into),
        }
    }
}
