//! Secrets and their values as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        members::{Members, is_empty},
        source::{RawId, simpler_texts},
    },
    store::instant_text::InstantText,
};

/// A secret, as a client gives it and as a store returns it. Instants are
/// compared as instants, all else exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name in the secret's JSON")]
pub struct SecretData {
    pub id: RawId,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub workspace: Arc<str>,
    pub reference: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub description: Arc<str>,
    #[serde(default = "managed", skip_serializing_if = "is_managed")]
    pub provider_type: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub provider_connection_id: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub provider_ref: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub provider_ref_fingerprint: Arc<str>,
    #[serde(default)]
    pub current_version: u64,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub status: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub created_by: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub updated_by: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_checked_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_resolved_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotated_at: Option<InstantText>,
    /// Members that the store does not know: name and JSON text.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub unknown: Members,
}

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name in the driver protocol")]
pub struct ValueData {
    pub value: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub created_by: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<InstantText>,
}

/// The provider that keeps values here.
pub(super) const MANAGED: &str = "dagu-managed";

fn managed() -> Arc<str> {
    Arc::from(MANAGED)
}

fn is_managed(provider: &Arc<str>) -> bool {
    &**provider == MANAGED
}

impl SecretData {
    /// A secret with nothing but an id, a workspace and a reference, whose
    /// values are kept here.
    #[must_use]
    pub fn new(id: RawId, workspace: Arc<str>, reference: Arc<str>) -> Self {
        Self {
            id,
            workspace,
            reference,
            description: Arc::default(),
            provider_type: managed(),
            provider_connection_id: Arc::default(),
            provider_ref: Arc::default(),
            provider_ref_fingerprint: Arc::default(),
            current_version: 0,
            status: Arc::default(),
            created_by: Arc::default(),
            created_at: None,
            updated_by: Arc::default(),
            updated_at: None,
            last_checked_at: None,
            last_resolved_at: None,
            last_rotated_at: None,
            unknown: Members::new(),
        }
    }

    /// The secret for a table: what differs from [`Self::new`].
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text =
            format!("{} ({:?}, {:?})", self.id.describe(), self.workspace, self.reference);
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text += &format!(" {name}={value}");
            }
        };
        let given = |text: &Arc<str>| (!text.is_empty()).then(|| text.to_string());
        let instant = |at: &Option<InstantText>| at.as_ref().map(ToString::to_string);
        let provider =
            (!is_managed(&self.provider_type)).then(|| format!("{:?}", self.provider_type));
        add("description", given(&self.description));
        add("provider_type", provider);
        add("provider_connection_id", given(&self.provider_connection_id));
        add("provider_ref", given(&self.provider_ref));
        add("provider_ref_fingerprint", given(&self.provider_ref_fingerprint));
        let version = (self.current_version > 0).then(|| self.current_version.to_string());
        add("current_version", version);
        add("status", given(&self.status));
        add("created_by", given(&self.created_by));
        add("created_at", instant(&self.created_at));
        add("updated_by", given(&self.updated_by));
        add("updated_at", instant(&self.updated_at));
        add("last_checked_at", instant(&self.last_checked_at));
        add("last_resolved_at", instant(&self.last_resolved_at));
        add("last_rotated_at", instant(&self.last_rotated_at));
        for (name, value) in &self.unknown {
            add(name, Some(value.to_string()));
        }
        text
    }

    /// Every secret that differs from this one in one respect and is simpler in
    /// it.
    pub(super) fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let mut candidates: Vec<_> = self.id.simpler().map(|id| Self { id, ..now() }).collect();
        candidates.extend(
            simpler_workspaces(&self.workspace).map(|workspace| Self { workspace, ..now() }),
        );
        candidates.extend(
            simpler_references(&self.reference).map(|reference| Self { reference, ..now() }),
        );
        let plain =
            Self::new(self.id.clone(), Arc::clone(&self.workspace), Arc::clone(&self.reference));
        candidates.extend([
            plain,
            Self { description: Arc::default(), ..now() },
            Self { provider_type: managed(), ..now() },
            Self { provider_connection_id: Arc::default(), ..now() },
            Self { provider_ref: Arc::default(), ..now() },
            Self { provider_ref_fingerprint: Arc::default(), ..now() },
            Self { current_version: 0, ..now() },
            Self { status: Arc::default(), ..now() },
            Self { created_by: Arc::default(), ..now() },
            Self { created_at: None, ..now() },
            Self { updated_by: Arc::default(), ..now() },
            Self { updated_at: None, ..now() },
            Self { last_checked_at: None, ..now() },
            Self { last_resolved_at: None, ..now() },
            Self { last_rotated_at: None, ..now() },
            Self { unknown: Members::new(), ..now() },
        ]);
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

impl ValueData {
    /// This text, without an author or a time.
    #[must_use]
    pub fn new(value: &str) -> Self {
        Self { value: Arc::from(value), created_by: Arc::default(), created_at: None }
    }

    /// The value for a table, hidden but for whether it is empty.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = String::from(if self.value.is_empty() { "the empty value" } else { "…" });
        if !self.created_by.is_empty() {
            text += &format!(" created_by={}", self.created_by);
        }
        if let Some(created_at) = &self.created_at {
            text += &format!(" created_at={created_at}");
        }
        text
    }

    /// Every value that differs from this one in one respect and is simpler in
    /// it.
    pub(super) fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let mut candidates: Vec<_> =
            simpler_texts(["v", "w"], &self.value).map(|value| Self { value, ..now() }).collect();
        candidates.push(Self { created_by: Arc::default(), ..now() });
        candidates.push(Self { created_at: None, ..now() });
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

/// Simpler workspaces: none, then `ops`.
pub(super) fn simpler_workspaces(text: &Arc<str>) -> impl Iterator<Item = Arc<str>> + use<> {
    simpler_texts(["", "ops"], text)
}

/// Simpler references: `a`, then `b`.
pub(super) fn simpler_references(text: &Arc<str>) -> impl Iterator<Item = Arc<str>> + use<> {
    simpler_texts(["a", "b"], text)
}
