//! Workspace access, as clients give it and stores return it.

use std::sync::Arc;

use arbitrary::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{members::quoted, source::Source};
use crate::store::{
    document::Document,
    workspace_access::{Grant, WorkspaceAccess},
};

/// Which workspaces a user or an API key may see.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessData {
    /// All of them.
    pub all: bool,
    /// Pairs of a workspace and a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<(Arc<str>, Arc<str>)>>,
}

impl AccessData {
    /// Some access.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn generate(source: &mut Source<'_, '_>) -> Result<Self> {
        let grants = match source.below(3)? {
            0 => None,
            1 => Some(Vec::new()),
            _ => Some(vec![(Arc::from("ops"), Arc::from(*source.choose(&["viewer", ""])?))]),
        };
        Ok(Self { all: source.ratio(1, 2)?, grants })
    }

    /// As a client gives it to a store.
    #[must_use]
    pub fn to_store(&self) -> WorkspaceAccess {
        let grant = |(workspace, role): &(Arc<str>, Arc<str>)| Grant {
            workspace: workspace.to_string(),
            role: role.to_string(),
            unknown: Document::default(),
        };
        WorkspaceAccess {
            all: self.all,
            grants: self.grants.as_ref().map(|grants| grants.iter().map(grant).collect()),
            unknown: Document::default(),
        }
    }

    /// As a store returned it.
    #[must_use]
    pub fn from_store(access: &WorkspaceAccess) -> Self {
        let pair = |grant: &Grant| (Arc::from(&*grant.workspace), Arc::from(&*grant.role));
        Self {
            all: access.all,
            grants: access.grants.as_ref().map(|grants| grants.iter().map(pair).collect()),
        }
    }

    /// Its JSON, as older software wrote it.
    #[must_use]
    pub fn json(&self) -> String {
        let grant = |(workspace, role): &(Arc<str>, Arc<str>)| {
            format!(r#"{{"workspace":{},"role":{}}}"#, quoted(workspace), quoted(role))
        };
        match &self.grants {
            None => format!(r#"{{"all":{}}}"#, self.all),
            Some(grants) => {
                let grants: Vec<_> = grants.iter().map(grant).collect();
                format!(r#"{{"all":{},"grants":[{}]}}"#, self.all, grants.join(","))
            }
        }
    }

    /// The reverse of [`Self::json`], by a reader of the models' own.
    #[must_use]
    pub fn from_json(access: &Value) -> Self {
        Self {
            all: access.get("all").and_then(Value::as_bool).unwrap_or_default(),
            grants: access.get("grants").and_then(Value::as_array).map(|grants| {
                let text = |grant: &Value, name: &str| {
                    Arc::from(grant.get(name).and_then(Value::as_str).unwrap_or_default())
                };
                grants.iter().map(|grant| (text(grant, "workspace"), text(grant, "role"))).collect()
            }),
        }
    }

    /// The access for a table.
    #[must_use]
    pub fn describe(&self) -> String {
        let grants = self.grants.iter().flatten();
        let grants: Vec<_> = grants.map(|(place, role)| format!("{place}:{role}")).collect();
        format!("{}[{}]", if self.all { "all" } else { "" }, grants.join(" "))
    }
}
