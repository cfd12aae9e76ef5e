//! Access to workspaces, as a part of users and API keys.

use serde_json::{Map, Value, json};

use super::value;
use crate::store::{
    document::Document,
    users::{Grant, WorkspaceAccess},
};

pub(super) fn value_of(access: &WorkspaceAccess) -> Value {
    let mut members = Map::from_iter([("all".to_owned(), json!(access.all))]);
    if let Some(grants) = &access.grants {
        members.insert("grants".to_owned(), grants.iter().map(grant_value).collect());
    }
    value::with_unknown(members, &access.unknown)
}

fn grant_value(grant: &Grant) -> Value {
    let members = [("workspace", &grant.workspace), ("role", &grant.role)];
    let members = members.map(|(name, text)| (name.to_owned(), json!(text)));
    value::with_unknown(Map::from_iter(members), &grant.unknown)
}

pub(super) fn grant(workspace: &str, role: &str) -> Grant {
    Grant { workspace: workspace.to_owned(), role: role.to_owned(), ..Grant::default() }
}

/// To these workspaces alone, or to all.
pub(super) fn access(
    all: bool,
    grants: Option<Vec<Grant>>,
    unknown: Document,
) -> Option<WorkspaceAccess> {
    Some(WorkspaceAccess { all, grants, unknown })
}
