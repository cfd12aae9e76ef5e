//! What calls of the watermark store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::operation::StateData;
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        subject::Verdict,
    },
    store::{error::Kind, watermark::WatermarkError},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatermarkSeen {
    /// It is done; there is nothing to return.
    Done,
    /// A state.
    State {
        /// The state.
        state: Box<StateData>,
        /// Whether it was said that what is stored can't be used.
        unusable: bool,
    },
    /// An error.
    Failed(Failure<WatermarkProblem>),
}

/// The errors of the watermark store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in WatermarkError")]
pub enum WatermarkProblem {
    InvalidState,
    /// Of the storage.
    Storage(Kind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "state",
    "state_empty",
    "state_unusable",
    "invalid_state",
    "corrupt",
    "io",
    "other_error",
];

impl WatermarkSeen {
    /// An error.
    #[must_use]
    pub fn failed(error: &WatermarkError) -> Self {
        let (problem, message) = match error {
            WatermarkError::InvalidState => (WatermarkProblem::InvalidState, None),
            WatermarkError::OnlySetAside(_) | WatermarkError::Storage(_) => {
                (WatermarkProblem::Storage(error.kind()), Some(Arc::from(error.to_string())))
            }
        };
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }
}

impl WatermarkProblem {
    fn class(self) -> usize {
        match self {
            Self::InvalidState => 4,
            Self::Storage(Kind::Corrupt) => 5,
            Self::Storage(Kind::Io) => 6,
            Self::Storage(_) => 7,
        }
    }
}

impl Verdict for WatermarkSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::State { unusable: true, .. } => 3,
            Self::State { state, .. } if state.is_empty() => 2,
            Self::State { .. } => 1,
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
            Self::Failed(Failure { problem: WatermarkProblem::Storage(kind), .. }) => {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::State { state, unusable: false } => state.describe(),
            Self::State { state, unusable: true } => {
                format!("{}; what is stored can't be used", state.describe())
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
            Self::State { state, .. } => state.hash(into),
            Self::Failed(failure) => (failure.problem, failure.unknown).hash(into),
        }
    }
}
