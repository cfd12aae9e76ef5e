//! What calls of the API keys store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::operation::ApiKeyData;
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        subject::Verdict,
    },
    seam::RecordId,
    store::{api_keys::ApiKeyError, error::Kind},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeysSeen {
    /// It is done; there is nothing to return.
    Done,
    /// A key.
    Key(Box<ApiKeyData>),
    /// All keys, in order, and what is none.
    List {
        /// The keys.
        keys: Vec<ApiKeyData>,
        /// The damaged records.
        damaged: Vec<RecordId>,
    },
    /// An error.
    Failed(Failure<ApiKeysProblem>),
}

/// The errors of the API keys store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in ApiKeyError")]
pub enum ApiKeysProblem {
    InvalidApiKeyId,
    InvalidApiKeyName,
    ApiKeyAlreadyExists,
    ApiKeyNotFound,
    /// Of the storage.
    Storage(Kind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "key",
    "list",
    "list_empty",
    "list_with_damage",
    "invalid_api_key_id",
    "invalid_api_key_name",
    "api_key_already_exists",
    "api_key_not_found",
    "corrupt",
    "io",
    "other_error",
];

impl ApiKeysSeen {
    /// An error.
    #[must_use]
    pub fn failed(error: &ApiKeyError) -> Self {
        let (problem, message) = match error {
            ApiKeyError::InvalidApiKeyId(_) => (ApiKeysProblem::InvalidApiKeyId, None),
            ApiKeyError::InvalidApiKeyName => (ApiKeysProblem::InvalidApiKeyName, None),
            ApiKeyError::ApiKeyAlreadyExists(_) => (ApiKeysProblem::ApiKeyAlreadyExists, None),
            ApiKeyError::ApiKeyNotFound => (ApiKeysProblem::ApiKeyNotFound, None),
            ApiKeyError::Storage(_) => {
                (ApiKeysProblem::Storage(error.kind()), Some(Arc::from(error.to_string())))
            }
        };
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }
}

impl ApiKeysProblem {
    fn class(self) -> usize {
        match self {
            Self::InvalidApiKeyId => 5,
            Self::InvalidApiKeyName => 6,
            Self::ApiKeyAlreadyExists => 7,
            Self::ApiKeyNotFound => 8,
            Self::Storage(Kind::Corrupt) => 9,
            Self::Storage(Kind::Io) => 10,
            Self::Storage(_) => 11,
        }
    }
}

impl Verdict for ApiKeysSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Key(_) => 1,
            Self::List { damaged, .. } if !damaged.is_empty() => 4,
            Self::List { keys, .. } if keys.is_empty() => 3,
            Self::List { .. } => 2,
            Self::Failed(failure) => failure.problem.class(),
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(Failure { unknown: false, .. }))
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(Failure { unknown: true, .. }))
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        match self {
            Self::Failed(Failure { problem: ApiKeysProblem::Storage(kind), .. }) => {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Key(key) => key.describe(),
            Self::List { keys, damaged } => {
                let damaged = damaged.iter().map(|id| format!("damaged {id:?}"));
                let items: Vec<_> = keys.iter().map(ApiKeyData::describe).chain(damaged).collect();
                format!("[{}]", items.join("; "))
            }
            Self::Failed(failure) => {
                failure.describe(CLASSES.get(failure.problem.class()).copied().unwrap_or_default())
            }
        }
    }

    fn digest(&self, into: &mut impl Hasher) {
        into.write_usize(self.class());
        match self {
            Self::Done => {}
            Self::Key(key) => key.hash(into),
            Self::List { keys, damaged } => {
                keys.hash(into);
                damaged.hash(into);
            }
            Self::Failed(failure) => (failure.problem, failure.unknown).hash(into),
        }
    }
}
