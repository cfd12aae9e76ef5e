//! The calls of the API keys store, as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        access::AccessData,
        members::{Members, is_empty},
        source::{RawId, simpler_texts},
        subject::Operation,
    },
    store::instant_text::InstantText,
};

/// One call of the API keys store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum ApiKeysOp {
    Create(Box<ApiKeyData>),
    Get { id: RawId },
    List,
    Update(Box<ApiKeyData>),
    Delete { id: RawId },
    UpdateLastUsed { id: RawId },
}

/// The names of the operations, in the order of [`ApiKeysOp`].
pub(super) const OPERATIONS: &[&str] =
    &["create", "get", "list", "update", "delete", "update_last_used"];

/// An API key, as a client gives it and as a store returns it. Instants are
/// compared as instants, all else exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name in the key's JSON")]
pub struct ApiKeyData {
    pub id: RawId,
    pub name: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub role: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_access: Option<AccessData>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_surfaces: Vec<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution_class: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_user_id: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_username: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_id: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated_as_service_account: Option<bool>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub key_hash: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub key_prefix: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub created_by: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<InstantText>,
    /// Members that the store does not know: name and JSON text.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub unknown: Members,
}

impl ApiKeyData {
    /// A key with nothing but an id and a name.
    #[must_use]
    pub fn new(id: RawId, name: Arc<str>) -> Self {
        Self {
            id,
            name,
            description: None,
            role: Arc::default(),
            workspace_access: None,
            allowed_surfaces: Vec::new(),
            attribution_class: None,
            owner_user_id: None,
            owner_username: None,
            service_account_id: None,
            service_account_name: None,
            migrated_as_service_account: None,
            key_hash: Arc::default(),
            key_prefix: Arc::default(),
            created_at: None,
            updated_at: None,
            created_by: Arc::default(),
            last_used_at: None,
            unknown: Members::new(),
        }
    }

    /// The key for a table: what differs from [`Self::new`], its hash hidden.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} {:?}", self.id.describe(), self.name);
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text += &format!(" {name}={value}");
            }
        };
        let quoted = |text: &Option<Arc<str>>| text.as_ref().map(|text| format!("{text:?}"));
        let filled = |text: &Arc<str>| (!text.is_empty()).then(|| text.to_string());
        add("description", quoted(&self.description));
        add("role", filled(&self.role));
        add("workspace_access", self.workspace_access.as_ref().map(AccessData::describe));
        let surfaces = (!self.allowed_surfaces.is_empty()).then(|| self.allowed_surfaces.join(","));
        add("allowed_surfaces", surfaces);
        add("attribution_class", quoted(&self.attribution_class));
        add("owner_user_id", quoted(&self.owner_user_id));
        add("owner_username", quoted(&self.owner_username));
        add("service_account_id", quoted(&self.service_account_id));
        add("service_account_name", quoted(&self.service_account_name));
        add("migrated", self.migrated_as_service_account.map(|migrated| migrated.to_string()));
        add("key_hash", filled(&self.key_hash).map(|_| "…".to_owned()));
        add("key_prefix", filled(&self.key_prefix));
        add("created_at", self.created_at.as_ref().map(ToString::to_string));
        add("updated_at", self.updated_at.as_ref().map(ToString::to_string));
        add("created_by", filled(&self.created_by));
        add("last_used_at", self.last_used_at.as_ref().map(ToString::to_string));
        for (name, value) in &self.unknown {
            add(name, Some(value.to_string()));
        }
        text
    }

    /// Every key that differs from this one in one respect and is simpler in
    /// it.
    fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let mut candidates: Vec<_> = self.id.simpler().map(|id| Self { id, ..now() }).collect();
        let names = simpler_texts(["ci", "cd"], &self.name);
        candidates.extend(names.map(|name| Self { name, ..now() }));
        let plain = Self::new(self.id.clone(), Arc::clone(&self.name));
        candidates.extend([
            plain,
            Self { description: None, ..now() },
            Self { role: Arc::default(), ..now() },
            Self { workspace_access: None, ..now() },
            Self { allowed_surfaces: Vec::new(), ..now() },
            Self { attribution_class: None, ..now() },
            Self { owner_user_id: None, owner_username: None, ..now() },
            Self { service_account_id: None, ..now() },
            Self { service_account_name: None, ..now() },
            Self { migrated_as_service_account: None, ..now() },
            Self { key_hash: Arc::default(), key_prefix: Arc::default(), ..now() },
            Self { created_at: None, ..now() },
            Self { updated_at: None, ..now() },
            Self { created_by: Arc::default(), ..now() },
            Self { last_used_at: None, ..now() },
            Self { unknown: Members::new(), ..now() },
        ]);
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

impl Operation for ApiKeysOp {
    fn kind(&self) -> usize {
        match self {
            Self::Create(_) => 0,
            Self::Get { .. } => 1,
            Self::List => 2,
            Self::Update(_) => 3,
            Self::Delete { .. } => 4,
            Self::UpdateLastUsed { .. } => 5,
        }
    }

    fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::List)
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        match self {
            Self::Create(key) | Self::Update(key) => format!("{name} {}", key.describe()),
            Self::Get { id } | Self::Delete { id } | Self::UpdateLastUsed { id } => {
                format!("{name} {}", id.describe())
            }
            Self::List => name.to_owned(),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Create(key) => {
                key.simpler().into_iter().map(Box::new).map(Self::Create).collect()
            }
            Self::Update(key) => {
                key.simpler().into_iter().map(Box::new).map(Self::Update).collect()
            }
            Self::Get { id } => id.simpler().map(|id| Self::Get { id }).collect(),
            Self::Delete { id } => id.simpler().map(|id| Self::Delete { id }).collect(),
            Self::UpdateLastUsed { id } => {
                id.simpler().map(|id| Self::UpdateLastUsed { id }).collect()
            }
            Self::List => Vec::new(),
        }
    }
}
