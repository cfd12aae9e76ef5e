//! The calls of the users store, as plain data.

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

/// One call of the users store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum UsersOp {
    Create(UserData),
    Get { id: RawId },
    GetByUsername { username: Arc<str> },
    GetByOidcIdentity { issuer: Arc<str>, subject: Arc<str> },
    List,
    Update(UserData),
    Delete { id: RawId },
    Count,
}

/// The names of the operations, in the order of [`UsersOp`].
pub(super) const OPERATIONS: &[&str] = &[
    "create",
    "get",
    "get_by_username",
    "get_by_oidc_identity",
    "list",
    "update",
    "delete",
    "count",
];

/// A user, as a client gives it and as a store returns it. Instants are
/// compared as instants, all else exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name in the user's JSON")]
pub struct UserData {
    pub id: RawId,
    pub username: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub password_hash: Arc<str>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub role: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_access: Option<AccessData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_provider: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_issuer: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oidc_subject: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
    /// Members that the store does not know: name and JSON text.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub unknown: Members,
}

impl UserData {
    /// A user with nothing but an id and a name.
    #[must_use]
    pub fn new(id: RawId, username: Arc<str>) -> Self {
        Self {
            id,
            username,
            password_hash: Arc::default(),
            role: Arc::default(),
            workspace_access: None,
            created_at: None,
            updated_at: None,
            auth_provider: None,
            oidc_issuer: None,
            oidc_subject: None,
            is_disabled: None,
            unknown: Members::new(),
        }
    }

    /// The external identity: issuer and subject, "where both are non-empty".
    #[must_use]
    pub fn identity(&self) -> Option<(&str, &str)> {
        let part =
            |part: &'_ Option<Arc<str>>| part.as_deref().is_some_and(|part| !part.is_empty());
        if !part(&self.oidc_issuer) || !part(&self.oidc_subject) {
            return None;
        }
        Some((self.oidc_issuer.as_deref()?, self.oidc_subject.as_deref()?))
    }

    /// The user for a table: what differs from [`Self::new`], the hash of the
    /// password hidden.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} {:?}", self.id.describe(), self.username);
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text += &format!(" {name}={value}");
            }
        };
        let quoted = |text: &Option<Arc<str>>| text.as_ref().map(|text| format!("{text:?}"));
        add("password_hash", (!self.password_hash.is_empty()).then(|| "…".to_owned()));
        add("role", (!self.role.is_empty()).then(|| self.role.to_string()));
        add("workspace_access", self.workspace_access.as_ref().map(AccessData::describe));
        add("created_at", self.created_at.as_ref().map(ToString::to_string));
        add("updated_at", self.updated_at.as_ref().map(ToString::to_string));
        add("auth_provider", quoted(&self.auth_provider));
        add("oidc_issuer", quoted(&self.oidc_issuer));
        add("oidc_subject", quoted(&self.oidc_subject));
        add("is_disabled", self.is_disabled.map(|is_disabled| is_disabled.to_string()));
        for (name, value) in &self.unknown {
            add(name, Some(value.to_string()));
        }
        text
    }

    /// Every user that differs from this one in one respect and is simpler in
    /// it.
    fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let mut candidates: Vec<_> = self.id.simpler().map(|id| Self { id, ..now() }).collect();
        candidates.extend(simpler_names(&self.username).map(|username| Self { username, ..now() }));
        let plain = Self::new(self.id.clone(), Arc::clone(&self.username));
        candidates.extend([
            plain.clone(),
            Self { password_hash: plain.password_hash, ..now() },
            Self { role: plain.role, ..now() },
            Self { workspace_access: None, ..now() },
            Self { created_at: None, ..now() },
            Self { updated_at: None, ..now() },
            Self { auth_provider: None, ..now() },
            Self { oidc_issuer: None, oidc_subject: None, ..now() },
            Self { is_disabled: None, ..now() },
            Self { unknown: Members::new(), ..now() },
        ]);
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

/// Simpler names: `ann`, then `bob`.
fn simpler_names(name: &Arc<str>) -> impl Iterator<Item = Arc<str>> + use<> {
    simpler_texts(["ann", "bob"], name)
}

impl Operation for UsersOp {
    fn kind(&self) -> usize {
        match self {
            Self::Create(_) => 0,
            Self::Get { .. } => 1,
            Self::GetByUsername { .. } => 2,
            Self::GetByOidcIdentity { .. } => 3,
            Self::List => 4,
            Self::Update(_) => 5,
            Self::Delete { .. } => 6,
            Self::Count => 7,
        }
    }

    fn is_read(&self) -> bool {
        !matches!(self, Self::Create(_) | Self::Update(_) | Self::Delete { .. })
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        match self {
            Self::Create(user) | Self::Update(user) => format!("{name} {}", user.describe()),
            Self::Get { id } | Self::Delete { id } => format!("{name} {}", id.describe()),
            Self::GetByUsername { username } => format!("{name} {username:?}"),
            Self::GetByOidcIdentity { issuer, subject } => {
                format!("{name} ({issuer:?}, {subject:?})")
            }
            Self::List | Self::Count => name.to_owned(),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Create(user) => user.simpler().into_iter().map(Self::Create).collect(),
            Self::Update(user) => user.simpler().into_iter().map(Self::Update).collect(),
            Self::Get { id } => id.simpler().map(|id| Self::Get { id }).collect(),
            Self::Delete { id } => id.simpler().map(|id| Self::Delete { id }).collect(),
            Self::GetByUsername { username } => {
                simpler_names(username).map(|username| Self::GetByUsername { username }).collect()
            }
            Self::GetByOidcIdentity { .. } | Self::List | Self::Count => Vec::new(),
        }
    }
}
