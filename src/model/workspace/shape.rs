//! What the entities of each kind look like: the contract's table, read by nobody but
//! the model.

use std::sync::Arc;

use serde_json::Value;

use super::entity::Entity;
use crate::{
    model::members::{Members, quoted},
    store::instant_text::InstantText,
    workspace::kind::Kind,
};

/// What a member of an entity's JSON is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// A text; always there.
    Text,
    /// A text, or missing.
    PerhapsText,
    /// An instant, or missing.
    Instant,
    /// A whole number; always there.
    Number,
    /// `true` or `false`; always there.
    Flag,
    /// Anything; `null` stands for a missing one.
    Json,
    /// Anything, or missing.
    PerhapsJson,
}

/// A key that entities of a kind are looked up by.
#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub unique: bool,
    /// Each part: a member, or a member of a member.
    pub parts: &'static [&'static [&'static str]],
}

/// What the entities of a kind look like.
#[derive(Debug)]
pub(super) struct Shape {
    /// As spans name it.
    pub name: &'static str,
    /// The members that the id is made of.
    pub id: &'static [&'static str],
    pub keys: &'static [Key],
    pub members: &'static [(&'static str, Member)],
}

use Member::{Flag, Instant, Json, Number, PerhapsJson, PerhapsText, Text};

/// A key that many entities may share.
macro_rules! shared {
    ($name:literal, $parts:expr $(,)?) => {
        Key { name: $name, unique: false, parts: $parts }
    };
}

/// The shape of a kind.
pub(super) const fn of(kind: Kind) -> &'static Shape {
    match kind {
        Kind::System => &Shape {
            name: "System",
            id: &["id"],
            keys: &[],
            members: &[
                ("id", Text),
                ("name", Text),
                ("description", PerhapsText),
                ("metadata", PerhapsJson),
                ("workspaceId", Text),
            ],
        },
        Kind::Deployment => &Shape {
            name: "Deployment",
            id: &["id"],
            keys: &[],
            members: &[
                ("id", Text),
                ("name", Text),
                ("slug", Text),
                ("description", PerhapsText),
                ("jobAgentId", PerhapsText),
                ("jobAgentConfig", Json),
                ("jobAgents", PerhapsJson),
                ("metadata", Json),
                ("resourceSelector", PerhapsJson),
            ],
        },
        Kind::Environment => &Shape {
            name: "Environment",
            id: &["id"],
            keys: &[],
            members: &[
                ("id", Text),
                ("name", Text),
                ("description", PerhapsText),
                ("metadata", Json),
                ("resourceSelector", PerhapsJson),
                ("createdAt", Instant),
            ],
        },
        Kind::DeploymentVersion => &Shape {
            name: "DeploymentVersion",
            id: &["id"],
            keys: &[shared!("deployment", &[&["deploymentId"]])],
            members: &[
                ("id", Text),
                ("deploymentId", Text),
                ("name", Text),
                ("tag", Text),
                ("status", Text),
                ("message", PerhapsText),
                ("config", Json),
                ("jobAgentConfig", Json),
                ("metadata", Json),
                ("createdAt", Instant),
            ],
        },
        Kind::DeploymentVariable => &Shape {
            name: "DeploymentVariable",
            id: &["id"],
            keys: &[shared!("deployment", &[&["deploymentId"]])],
            members: &[
                ("id", Text),
                ("deploymentId", Text),
                ("key", Text),
                ("description", PerhapsText),
                ("defaultValue", PerhapsJson),
            ],
        },
        Kind::DeploymentVariableValue => &Shape {
            name: "DeploymentVariableValue",
            id: &["id"],
            keys: &[shared!("deployment_variable", &[&["deploymentVariableId"]])],
            members: &[
                ("id", Text),
                ("deploymentVariableId", Text),
                ("priority", Number),
                ("value", Json),
                ("resourceSelector", PerhapsJson),
            ],
        },
        Kind::JobAgent => &Shape {
            name: "JobAgent",
            id: &["id"],
            keys: &[],
            members: &[
                ("id", Text),
                ("name", Text),
                ("type", Text),
                ("workspaceId", Text),
                ("config", Json),
                ("metadata", PerhapsJson),
            ],
        },
        Kind::Job => &Shape {
            name: "Job",
            id: &["id"],
            keys: &[
                shared!("job_agent", &[&["jobAgentId"]]),
                shared!("release", &[&["releaseId"]]),
            ],
            members: &[
                ("id", Text),
                ("releaseId", Text),
                ("workflowJobId", Text),
                ("jobAgentId", Text),
                ("jobAgentConfig", Json),
                ("status", Text),
                ("message", PerhapsText),
                ("externalId", PerhapsText),
                ("traceToken", PerhapsText),
                ("dispatchContext", PerhapsJson),
                ("metadata", Json),
                ("createdAt", Instant),
                ("updatedAt", Instant),
                ("startedAt", Instant),
                ("completedAt", Instant),
            ],
        },
        Kind::Policy => &Shape {
            name: "Policy",
            id: &["id"],
            keys: &[],
            members: &[
                ("id", Text),
                ("name", Text),
                ("description", PerhapsText),
                ("priority", Number),
                ("enabled", Flag),
                ("selector", Json),
                ("rules", Json),
                ("metadata", Json),
                ("workspaceId", Text),
                ("createdAt", Instant),
            ],
        },
        Kind::Release => &Shape {
            name: "Release",
            id: &["id"],
            keys: &[shared!(
                "release_target",
                &[
                    &["releaseTarget", "resourceId"],
                    &["releaseTarget", "environmentId"],
                    &["releaseTarget", "deploymentId"],
                ],
            )],
            members: &[
                ("id", Text),
                ("version", Json),
                ("releaseTarget", Json),
                ("variables", Json),
                ("encryptedVariables", Json),
                ("createdAt", Instant),
            ],
        },
        Kind::ResourceProvider => &Shape {
            name: "ResourceProvider",
            id: &["id"],
            keys: &[],
            members: &[
                ("id", Text),
                ("name", Text),
                ("workspaceId", Text),
                ("metadata", Json),
                ("createdAt", Instant),
            ],
        },
        Kind::Resource => &Shape {
            name: "Resource",
            id: &["id"],
            keys: &[
                Key { name: "identifier", unique: true, parts: &[&["identifier"]] },
                shared!("provider", &[&["providerId"]]),
            ],
            members: &[
                ("id", Text),
                ("identifier", Text),
                ("name", Text),
                ("kind", Text),
                ("version", Text),
                ("workspaceId", Text),
                ("providerId", PerhapsText),
                ("config", Json),
                ("metadata", Json),
                ("createdAt", Instant),
                ("updatedAt", Instant),
                ("lockedAt", Instant),
                ("deletedAt", Instant),
            ],
        },
        Kind::ResourceVariable => &Shape {
            name: "ResourceVariable",
            id: &["resourceId", "key"],
            keys: &[shared!("resource", &[&["resourceId"]])],
            members: &[("resourceId", Text), ("key", Text), ("value", Json)],
        },
        Kind::UserApprovalRecord => &Shape {
            name: "UserApprovalRecord",
            id: &["versionId", "userId", "environmentId"],
            keys: &[shared!("version_environment", &[&["versionId"], &["environmentId"]])],
            members: &[
                ("versionId", Text),
                ("userId", Text),
                ("environmentId", Text),
                ("status", Text),
                ("reason", PerhapsText),
                ("createdAt", Instant),
            ],
        },
        Kind::Workflow => &Shape {
            name: "Workflow",
            id: &["id"],
            keys: &[],
            members: &[("id", Text), ("name", Text), ("inputs", Json), ("jobs", Json)],
        },
        Kind::WorkflowJobTemplate => &Shape {
            name: "WorkflowJobTemplate",
            id: &["id"],
            keys: &[shared!("workflow", &[&["workflowId"]])],
            members: &[
                ("id", Text),
                ("workflowId", Text),
                ("name", Text),
                ("ref", Text),
                ("config", Json),
                ("if", PerhapsText),
                ("matrix", PerhapsJson),
            ],
        },
        Kind::WorkflowRun => &Shape {
            name: "WorkflowRun",
            id: &["id"],
            keys: &[shared!("workflow", &[&["workflowId"]])],
            members: &[("id", Text), ("workflowId", Text), ("inputs", Json)],
        },
        Kind::WorkflowJob => &Shape {
            name: "WorkflowJob",
            id: &["id"],
            keys: &[shared!("workflow_run", &[&["workflowRunId"]])],
            members: &[
                ("id", Text),
                ("workflowRunId", Text),
                ("ref", Text),
                ("index", Number),
                ("config", Json),
            ],
        },
        Kind::SystemDeployment => &Shape {
            name: "SystemDeployment",
            id: &["systemId", "deploymentId"],
            keys: &[
                shared!("system", &[&["systemId"]]),
                shared!("deployment", &[&["deploymentId"]]),
            ],
            members: &[("systemId", Text), ("deploymentId", Text)],
        },
        Kind::SystemEnvironment => &Shape {
            name: "SystemEnvironment",
            id: &["systemId", "environmentId"],
            keys: &[
                shared!("system", &[&["systemId"]]),
                shared!("environment", &[&["environmentId"]]),
            ],
            members: &[("systemId", Text), ("environmentId", Text)],
        },
    }
}

impl Shape {
    /// The members as they are stored and read again: of each that is known, what it
    /// stands for. None: no such entity.
    pub(super) fn normal(&self, mut members: Members) -> Option<Members> {
        for (name, member) in self.members {
            let given = members.remove(*name);
            let value = given.as_deref().map(parsed);
            let is_null = value.as_ref().is_none_or(Value::is_null);
            let normal = match (member, value) {
                (Text, Some(Value::String(text))) => Some(quoted(&text)),
                (PerhapsText | Instant, _) if is_null => None,
                (PerhapsText, Some(Value::String(text))) => Some(quoted(&text)),
                (Instant, Some(Value::String(text))) => Some(quoted(&instant_of(&text)?)),
                (Number, Some(Value::Number(number))) => Some(number.as_i64()?.to_string()),
                (Flag, Some(Value::Bool(flag))) => Some(flag.to_string()),
                (Json, _) => Some(given.as_deref().map_or("null", str::trim).to_owned()),
                (PerhapsJson, _) => given.as_deref().map(|given| given.trim().to_owned()),
                _ => return None,
            };
            if let Some(normal) = normal {
                members.insert(Arc::from(*name), Arc::from(normal));
            }
        }
        Some(members)
    }

    /// The parts of an entity's id.
    pub(super) fn id_of(&self, members: &Members) -> Vec<Arc<str>> {
        self.id.iter().map(|name| text_of(members, name).unwrap_or_default()).collect()
    }

    /// The key of that name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Key {
    /// "A part that is missing, empty or not a string means no key."
    pub(super) fn value(&self, entity: &Entity) -> Option<Vec<Arc<str>>> {
        let part = |path: &&[&str]| -> Option<Arc<str>> {
            let text = match path {
                [name] => text_of(&entity.members, name)?,
                [outer, inner] => match parsed(entity.members.get(*outer)?).get(*inner)? {
                    Value::String(text) => Arc::from(text.as_str()),
                    _ => return None,
                },
                _ => return None,
            };
            (!text.is_empty()).then_some(text)
        };
        self.parts.iter().map(part).collect()
    }
}

/// The text that a member is.
pub(super) fn text_of(members: &Members, name: &str) -> Option<Arc<str>> {
    match parsed(members.get(name)?) {
        Value::String(text) => Some(Arc::from(text)),
        _ => None,
    }
}

/// The instant that a member is.
pub(super) fn instant_in(members: &Members, name: &str) -> Option<crate::seam::Instant> {
    crate::seam::Instant::parse(&text_of(members, name)?)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// Instants are compared as such, and not as they are written.
fn instant_of(text: &str) -> Option<String> {
    InstantText::parse(text).map(|text| text.instant().to_string())
}
