//! What calls of the secrets store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::data::SecretData;
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        subject::Verdict,
    },
    seam::RecordId,
    store::{error::Kind, secrets::SecretError},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretsSeen {
    /// It is done; there is nothing to return.
    Done,
    /// A secret.
    Secret(Box<SecretData>),
    /// Secrets, in order, and what is none.
    List {
        /// The secrets.
        secrets: Vec<SecretData>,
        /// The damaged records, by id, and what kind of damage it is.
        damaged: Vec<(RecordId, Kind)>,
    },
    /// The number of the newest value.
    Version(u64),
    /// The newest value, in plain.
    Value {
        /// The value.
        value: Arc<str>,
        /// Its number.
        version: u64,
    },
    /// An error.
    Failed(Failure<SecretsProblem>),
}

/// The errors of the secrets store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in SecretError")]
pub enum SecretsProblem {
    InvalidSecretId,
    InvalidWorkspace,
    InvalidRef,
    InvalidProviderType,
    SecretAlreadyExists,
    SecretNotFound,
    UnsupportedProvider,
    Disabled,
    NoValue,
    KeyRequired,
    DecryptFailed,
    /// Of the storage.
    Storage(Kind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "secret",
    "list",
    "list_empty",
    "list_with_damage",
    "version",
    "value",
    "invalid_secret_id",
    "invalid_workspace",
    "invalid_ref",
    "invalid_provider_type",
    "secret_already_exists",
    "secret_not_found",
    "unsupported_provider",
    "disabled",
    "no_value",
    "key_required",
    "decrypt_failed",
    "corrupt",
    "io",
    "other_error",
];

impl SecretsSeen {
    /// An error.
    #[must_use]
    pub fn failed(error: &SecretError) -> Self {
        let problem = match error {
            SecretError::InvalidSecretId(_) => SecretsProblem::InvalidSecretId,
            SecretError::InvalidWorkspace => SecretsProblem::InvalidWorkspace,
            SecretError::InvalidRef => SecretsProblem::InvalidRef,
            SecretError::InvalidProviderType => SecretsProblem::InvalidProviderType,
            SecretError::SecretAlreadyExists(_) => SecretsProblem::SecretAlreadyExists,
            SecretError::SecretNotFound => SecretsProblem::SecretNotFound,
            SecretError::UnsupportedProvider => SecretsProblem::UnsupportedProvider,
            SecretError::Disabled => SecretsProblem::Disabled,
            SecretError::NoValue => SecretsProblem::NoValue,
            SecretError::KeyRequired => SecretsProblem::KeyRequired,
            SecretError::DecryptFailed => SecretsProblem::DecryptFailed,
            SecretError::Storage(_) => SecretsProblem::Storage(error.kind()),
        };
        let told = matches!(problem, SecretsProblem::Storage(_));
        let message = told.then(|| Arc::from(error.to_string()));
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }
}

impl SecretsProblem {
    fn class(self) -> usize {
        match self {
            Self::InvalidSecretId => 7,
            Self::InvalidWorkspace => 8,
            Self::InvalidRef => 9,
            Self::InvalidProviderType => 10,
            Self::SecretAlreadyExists => 11,
            Self::SecretNotFound => 12,
            Self::UnsupportedProvider => 13,
            Self::Disabled => 14,
            Self::NoValue => 15,
            Self::KeyRequired => 16,
            Self::DecryptFailed => 17,
            Self::Storage(Kind::Corrupt) => 18,
            Self::Storage(Kind::Io) => 19,
            Self::Storage(_) => 20,
        }
    }
}

impl Verdict for SecretsSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Secret(_) => 1,
            Self::List { damaged, .. } if !damaged.is_empty() => 4,
            Self::List { secrets, .. } if secrets.is_empty() => 3,
            Self::List { .. } => 2,
            Self::Version(_) => 5,
            Self::Value { .. } => 6,
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
            Self::Failed(Failure { problem: SecretsProblem::Storage(kind), .. }) => {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Secret(secret) => secret.describe(),
            Self::List { secrets, damaged } => {
                let damaged = damaged.iter().map(|(id, kind)| format!("{id:?}: {}", kind.name()));
                let items: Vec<_> =
                    secrets.iter().map(SecretData::describe).chain(damaged).collect();
                format!("[{}]", items.join("; "))
            }
            Self::Version(version) => format!("version {version}"),
            Self::Value { value, version } => {
                let which = if value.is_empty() { "the empty one" } else { "…" };
                format!("value {version}: {which}")
            }
            Self::Failed(failure) => {
                failure.describe(CLASSES.get(self.class()).copied().unwrap_or_default())
            }
        }
    }

    fn digest(&self, into: &mut impl Hasher) {
        into.write_usize(self.class());
        match self {
            Self::Done => {}
            Self::Secret(secret) => secret.hash(into),
            Self::List { secrets, damaged } => {
                secrets.hash(into);
                damaged.hash(into);
            }
            Self::Version(version) => into.write_u64(*version),
            Self::Value { value, version } => (value, version).hash(into),
            Self::Failed(failure) => failure.hash(into),
        }
    }
}
