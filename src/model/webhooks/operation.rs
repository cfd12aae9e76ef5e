//! The calls of the webhooks store, as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        members::{Members, is_empty},
        source::{RawId, simpler_texts},
        subject::Operation,
    },
    store::instant_text::InstantText,
};

/// One call of the webhooks store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum WebhooksOp {
    Create(WebhookData),
    Get { id: RawId },
    GetByDagName { dag_name: Arc<str> },
    List,
    Update(WebhookData),
    Delete { id: RawId },
    DeleteByDagName { dag_name: Arc<str> },
    UpdateLastUsed { id: RawId },
}

/// The names of the operations, in the order of [`WebhooksOp`].
pub(super) const OPERATIONS: &[&str] = &[
    "create",
    "get",
    "get_by_dag_name",
    "list",
    "update",
    "delete",
    "delete_by_dag_name",
    "update_last_used",
];

/// A webhook, as a client gives it and as a store returns it. Instants are
/// compared as instants, all else exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name in the webhook's JSON")]
pub struct WebhookData {
    pub id: RawId,
    pub dag_name: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub token_hash: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub token_prefix: Arc<str>,
    #[serde(default)]
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub created_by: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac_enforcement_mode: Option<Arc<str>>,
    /// In plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac_secret: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac_secret_generated_at: Option<InstantText>,
    /// Members that the store does not know: name and JSON text.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub unknown: Members,
}

impl WebhookData {
    /// A webhook with nothing but an id and a DAG.
    #[must_use]
    pub fn new(id: RawId, dag_name: Arc<str>) -> Self {
        Self {
            id,
            dag_name,
            token_hash: Arc::default(),
            token_prefix: Arc::default(),
            enabled: false,
            created_at: None,
            updated_at: None,
            created_by: Arc::default(),
            last_used_at: None,
            auth_mode: None,
            hmac_enforcement_mode: None,
            hmac_secret: None,
            hmac_secret_generated_at: None,
            unknown: Members::new(),
        }
    }

    /// The webhook for a table: what differs from [`Self::new`], the hash and
    /// the secret hidden.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} {:?}", self.id.describe(), self.dag_name);
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text += &format!(" {name}={value}");
            }
        };
        let quoted = |text: &Option<Arc<str>>| text.as_ref().map(|text| format!("{text:?}"));
        let given = |text: &Arc<str>| (!text.is_empty()).then(|| text.to_string());
        let instant = |at: &Option<InstantText>| at.as_ref().map(ToString::to_string);
        add("token_hash", given(&self.token_hash).map(|_| "…".to_owned()));
        add("token_prefix", given(&self.token_prefix));
        add("enabled", self.enabled.then(|| "true".to_owned()));
        add("created_at", instant(&self.created_at));
        add("updated_at", instant(&self.updated_at));
        add("created_by", given(&self.created_by));
        add("last_used_at", instant(&self.last_used_at));
        add("auth_mode", quoted(&self.auth_mode));
        add("hmac_enforcement_mode", quoted(&self.hmac_enforcement_mode));
        add("hmac_secret", self.hmac_secret.as_ref().map(|_| "…".to_owned()));
        add("hmac_secret_generated_at", instant(&self.hmac_secret_generated_at));
        for (name, value) in &self.unknown {
            add(name, Some(value.to_string()));
        }
        text
    }

    /// Every webhook that differs from this one in one respect and is simpler
    /// in it.
    fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let mut candidates: Vec<_> = self.id.simpler().map(|id| Self { id, ..now() }).collect();
        candidates.extend(simpler_dags(&self.dag_name).map(|dag_name| Self { dag_name, ..now() }));
        let plain = Self::new(self.id.clone(), Arc::clone(&self.dag_name));
        candidates.extend([
            plain.clone(),
            Self { token_hash: plain.token_hash, ..now() },
            Self { token_prefix: plain.token_prefix, ..now() },
            Self { enabled: false, ..now() },
            Self { created_at: None, ..now() },
            Self { updated_at: None, ..now() },
            Self { created_by: plain.created_by, ..now() },
            Self { last_used_at: None, ..now() },
            Self { auth_mode: None, ..now() },
            Self { hmac_enforcement_mode: None, ..now() },
            Self { hmac_secret: None, ..now() },
            Self { hmac_secret_generated_at: None, ..now() },
            Self { unknown: Members::new(), ..now() },
        ]);
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

/// Simpler names of DAGs: `d`, then `e`.
fn simpler_dags(name: &Arc<str>) -> impl Iterator<Item = Arc<str>> + use<> {
    simpler_texts(["d", "e"], name)
}

impl Operation for WebhooksOp {
    fn kind(&self) -> usize {
        match self {
            Self::Create(_) => 0,
            Self::Get { .. } => 1,
            Self::GetByDagName { .. } => 2,
            Self::List => 3,
            Self::Update(_) => 4,
            Self::Delete { .. } => 5,
            Self::DeleteByDagName { .. } => 6,
            Self::UpdateLastUsed { .. } => 7,
        }
    }

    fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::GetByDagName { .. } | Self::List)
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        match self {
            Self::Create(webhook) | Self::Update(webhook) => {
                format!("{name} {}", webhook.describe())
            }
            Self::Get { id } | Self::Delete { id } | Self::UpdateLastUsed { id } => {
                format!("{name} {}", id.describe())
            }
            Self::GetByDagName { dag_name } | Self::DeleteByDagName { dag_name } => {
                format!("{name} {dag_name:?}")
            }
            Self::List => name.to_owned(),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Create(webhook) => webhook.simpler().into_iter().map(Self::Create).collect(),
            Self::Update(webhook) => webhook.simpler().into_iter().map(Self::Update).collect(),
            Self::Get { id } => id.simpler().map(|id| Self::Get { id }).collect(),
            Self::Delete { id } => id.simpler().map(|id| Self::Delete { id }).collect(),
            Self::UpdateLastUsed { id } => {
                id.simpler().map(|id| Self::UpdateLastUsed { id }).collect()
            }
            Self::GetByDagName { dag_name } => {
                simpler_dags(dag_name).map(|dag_name| Self::GetByDagName { dag_name }).collect()
            }
            Self::DeleteByDagName { dag_name } => {
                simpler_dags(dag_name).map(|dag_name| Self::DeleteByDagName { dag_name }).collect()
            }
            Self::List => Vec::new(),
        }
    }
}
