//! What calls of the webhooks store return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::operation::WebhookData;
use crate::{
    model::{
        failure::{Failure, StorageFailure},
        subject::Verdict,
    },
    seam::RecordId,
    store::{error::Kind, webhooks::WebhookError},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhooksSeen {
    /// It is done; there is nothing to return.
    Done,
    /// A webhook.
    Webhook(Box<WebhookData>),
    /// All webhooks, in order, and what could not be shown.
    List {
        /// The webhooks.
        webhooks: Vec<WebhookData>,
        /// The others, by id, and why.
        damaged: Vec<(RecordId, Kind)>,
    },
    /// An error.
    Failed(Failure<WebhooksProblem>),
}

/// The errors of the webhooks store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the error of its name in WebhookError")]
pub enum WebhooksProblem {
    InvalidWebhookId,
    InvalidDagName,
    WebhookAlreadyExists,
    WebhookNotFound,
    HmacKeyRequired,
    HmacDecryptFailed,
    /// Of the storage.
    Storage(Kind),
}

/// The names of the outcome classes.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "webhook",
    "list",
    "list_empty",
    "list_with_damage",
    "invalid_webhook_id",
    "invalid_dag_name",
    "webhook_already_exists",
    "webhook_not_found",
    "hmac_key_required",
    "hmac_decrypt_failed",
    "corrupt",
    "io",
    "other_error",
];

impl WebhooksSeen {
    /// An error.
    #[must_use]
    pub fn failed(error: &WebhookError) -> Self {
        let problem = match error {
            WebhookError::InvalidWebhookId(_) => WebhooksProblem::InvalidWebhookId,
            WebhookError::InvalidDagName => WebhooksProblem::InvalidDagName,
            WebhookError::WebhookAlreadyExists(_) => WebhooksProblem::WebhookAlreadyExists,
            WebhookError::WebhookNotFound => WebhooksProblem::WebhookNotFound,
            WebhookError::HmacKeyRequired => WebhooksProblem::HmacKeyRequired,
            WebhookError::HmacDecryptFailed => WebhooksProblem::HmacDecryptFailed,
            WebhookError::Storage(_) => WebhooksProblem::Storage(error.kind()),
        };
        let told = matches!(problem, WebhooksProblem::Storage(_));
        let message = told.then(|| Arc::from(error.to_string()));
        Self::Failed(Failure::new(problem, error.outcome(), message))
    }
}

impl WebhooksProblem {
    fn class(self) -> usize {
        match self {
            Self::InvalidWebhookId => 5,
            Self::InvalidDagName => 6,
            Self::WebhookAlreadyExists => 7,
            Self::WebhookNotFound => 8,
            Self::HmacKeyRequired => 9,
            Self::HmacDecryptFailed => 10,
            Self::Storage(Kind::Corrupt) => 11,
            Self::Storage(Kind::Io) => 12,
            Self::Storage(_) => 13,
        }
    }
}

impl Verdict for WebhooksSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Webhook(_) => 1,
            Self::List { damaged, .. } if !damaged.is_empty() => 4,
            Self::List { webhooks, .. } if webhooks.is_empty() => 3,
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
            Self::Failed(Failure { problem: WebhooksProblem::Storage(kind), .. }) => {
                StorageFailure::of(*kind)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Webhook(webhook) => webhook.describe(),
            Self::List { webhooks, damaged } => {
                let damaged = damaged.iter().map(|(id, kind)| format!("{id:?}: {}", kind.name()));
                let items: Vec<_> =
                    webhooks.iter().map(WebhookData::describe).chain(damaged).collect();
                format!("[{}]", items.join("; "))
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
            Self::Webhook(webhook) => webhook.hash(into),
            Self::List { webhooks, damaged } => {
                webhooks.hash(into);
                damaged.hash(into);
            }
            Self::Failed(failure) => failure.hash(into),
        }
    }
}
