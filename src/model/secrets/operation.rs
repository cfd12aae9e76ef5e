//! The calls of the secrets store, as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::data::{SecretData, ValueData, simpler_references, simpler_workspaces};
use crate::model::{source::RawId, subject::Operation};

/// One call of the secrets store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum SecretsOp {
    Create {
        secret: SecretData,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<ValueData>,
    },
    Get {
        id: RawId,
    },
    GetByRef {
        workspace: Arc<str>,
        reference: Arc<str>,
    },
    List {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workspace: Option<Arc<str>>,
    },
    Update(SecretData),
    Delete {
        id: RawId,
    },
    WriteValue {
        id: RawId,
        value: ValueData,
    },
    CurrentVersion {
        id: RawId,
    },
    Resolve {
        id: RawId,
    },
}

/// The names of the operations, in the order of [`SecretsOp`].
pub(super) const OPERATIONS: &[&str] = &[
    "create",
    "get",
    "get_by_ref",
    "list",
    "update",
    "delete",
    "write_value",
    "current_version",
    "resolve",
];

impl Operation for SecretsOp {
    fn kind(&self) -> usize {
        match self {
            Self::Create { .. } => 0,
            Self::Get { .. } => 1,
            Self::GetByRef { .. } => 2,
            Self::List { .. } => 3,
            Self::Update(_) => 4,
            Self::Delete { .. } => 5,
            Self::WriteValue { .. } => 6,
            Self::CurrentVersion { .. } => 7,
            Self::Resolve { .. } => 8,
        }
    }

    /// Resolving a secret notes so in it.
    fn is_read(&self) -> bool {
        matches!(
            self,
            Self::Get { .. }
                | Self::GetByRef { .. }
                | Self::List { .. }
                | Self::CurrentVersion { .. }
        )
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        match self {
            Self::Create { secret, value: None } | Self::Update(secret) => {
                format!("{name} {}", secret.describe())
            }
            Self::Create { secret, value: Some(value) } => {
                format!("{name} {} with {}", secret.describe(), value.describe())
            }
            Self::Get { id }
            | Self::Delete { id }
            | Self::CurrentVersion { id }
            | Self::Resolve { id } => format!("{name} {}", id.describe()),
            Self::GetByRef { workspace, reference } => {
                format!("{name} ({workspace:?}, {reference:?})")
            }
            Self::List { workspace: None } => name.to_owned(),
            Self::List { workspace: Some(workspace) } => format!("{name} {workspace:?}"),
            Self::WriteValue { id, value } => {
                format!("{name} {} {}", id.describe(), value.describe())
            }
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Create { secret, value } => {
                let with = |secret| Self::Create { secret, value: value.clone() };
                let mut candidates: Vec<_> = secret.simpler().into_iter().map(with).collect();
                if let Some(value) = value {
                    let with = |value| Self::Create { secret: secret.clone(), value };
                    candidates.push(with(None));
                    candidates.extend(value.simpler().into_iter().map(Some).map(with));
                }
                candidates
            }
            Self::Update(secret) => secret.simpler().into_iter().map(Self::Update).collect(),
            Self::Get { id } => id.simpler().map(|id| Self::Get { id }).collect(),
            Self::Delete { id } => id.simpler().map(|id| Self::Delete { id }).collect(),
            Self::CurrentVersion { id } => {
                id.simpler().map(|id| Self::CurrentVersion { id }).collect()
            }
            Self::Resolve { id } => id.simpler().map(|id| Self::Resolve { id }).collect(),
            Self::GetByRef { workspace, reference } => {
                let places = simpler_workspaces(workspace).map(|workspace| Self::GetByRef {
                    workspace,
                    reference: Arc::clone(reference),
                });
                let references = simpler_references(reference).map(|reference| Self::GetByRef {
                    workspace: Arc::clone(workspace),
                    reference,
                });
                places.chain(references).collect()
            }
            Self::List { workspace: None } => Vec::new(),
            Self::List { workspace: Some(_) } => vec![Self::List { workspace: None }],
            Self::WriteValue { id, value } => {
                let with_id = |id| Self::WriteValue { id, value: value.clone() };
                let with_value = |value| Self::WriteValue { id: id.clone(), value };
                let mut candidates: Vec<_> = id.simpler().map(with_id).collect();
                candidates.extend(value.simpler().into_iter().map(with_value));
                candidates
            }
        }
    }
}
