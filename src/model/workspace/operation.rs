//! The calls of a workspace store, as plain data.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{entity::Entity, shape};
use crate::{
    model::{
        members::{Members, as_object},
        payload::shown,
        source::simpler_texts,
        subject::Operation,
    },
    workspace::kind::Kind,
};

/// One call of a workspace store, about entities of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkspaceOp {
    /// The kind.
    pub kind: Kind,
    /// The call.
    pub call: Call,
}

/// The parts of an id.
pub type Id = Vec<Arc<str>>;

/// What is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum Call {
    Upsert {
        id: Id,
        entity: Entity,
    },
    UpsertBatch {
        entities: Vec<Entity>,
    },
    Remove {
        id: Id,
    },
    RemoveBatch {
        ids: Vec<Id>,
    },
    Get {
        id: Id,
    },
    Items,
    By {
        key: Arc<str>,
        values: Vec<Arc<str>>,
    },
    /// Of the whole store.
    TakeChanges,
    /// Of links.
    Link {
        id: Id,
    },
    /// Of links.
    Unlink {
        id: Id,
    },
    /// Of links: the other sides of those that have this value of this key.
    Linked {
        key: Arc<str>,
        value: Arc<str>,
    },
    /// Of resource variables.
    BulkUpdate {
        resource: Arc<str>,
        #[serde(with = "as_object")]
        variables: Members,
    },
    /// Of releases.
    UpsertByContent {
        release: Entity,
    },
    /// Of resources.
    ByIdentifier {
        identifier: Arc<str>,
    },
    /// Of resources.
    Summaries,
    /// Of approval records.
    Approved {
        version: Arc<str>,
        environment: Arc<str>,
    },
}

/// The names of the operations, in the order of [`Call`].
pub(super) const OPERATIONS: &[&str] = &[
    "upsert",
    "upsert_batch",
    "remove",
    "remove_batch",
    "get",
    "items",
    "by",
    "take_changes",
    "link",
    "unlink",
    "linked",
    "bulk_update",
    "upsert_by_content",
    "by_identifier",
    "summaries",
    "approved",
];

/// Whether entities of the kind are links.
pub(super) const fn is_link(kind: Kind) -> bool {
    matches!(kind, Kind::SystemDeployment | Kind::SystemEnvironment)
}

impl WorkspaceOp {
    /// Whether there is such a call for this kind.
    pub(super) fn fits(&self) -> bool {
        match &self.call {
            Call::Upsert { .. }
            | Call::UpsertBatch { .. }
            | Call::Remove { .. }
            | Call::RemoveBatch { .. }
            | Call::Get { .. }
            | Call::Items
            | Call::By { .. }
            | Call::TakeChanges => true,
            Call::Link { id } | Call::Unlink { id } => is_link(self.kind) && id.len() == 2,
            Call::Linked { key, .. } => {
                is_link(self.kind) && shape::of(self.kind).key(key).is_some()
            }
            Call::BulkUpdate { .. } => self.kind == Kind::ResourceVariable,
            Call::UpsertByContent { .. } => self.kind == Kind::Release,
            Call::ByIdentifier { .. } | Call::Summaries => self.kind == Kind::Resource,
            Call::Approved { .. } => self.kind == Kind::UserApprovalRecord,
        }
    }

    /// Whether it goes through all entities of the kind.
    pub(super) fn is_listing(&self) -> bool {
        matches!(self.call, Call::Items | Call::Summaries)
    }

    /// The ids of entities that it names.
    pub(super) fn ids(&self) -> Vec<Id> {
        let of = |entity: &Entity| entity.id(self.kind);
        match &self.call {
            Call::Upsert { id, .. }
            | Call::Remove { id }
            | Call::Get { id }
            | Call::Link { id }
            | Call::Unlink { id } => vec![id.clone()],
            Call::UpsertBatch { entities } => entities.iter().map(of).collect(),
            Call::RemoveBatch { ids } => ids.clone(),
            Call::UpsertByContent { release } => vec![of(release)],
            Call::BulkUpdate { resource, variables } => {
                let id = |name: &Arc<str>| vec![Arc::clone(resource), Arc::clone(name)];
                variables.keys().map(id).collect()
            }
            Call::Items
            | Call::By { .. }
            | Call::TakeChanges
            | Call::Linked { .. }
            | Call::ByIdentifier { .. }
            | Call::Summaries
            | Call::Approved { .. } => Vec::new(),
        }
    }
}

impl Operation for WorkspaceOp {
    fn kind(&self) -> usize {
        match &self.call {
            Call::Upsert { .. } => 0,
            Call::UpsertBatch { .. } => 1,
            Call::Remove { .. } => 2,
            Call::RemoveBatch { .. } => 3,
            Call::Get { .. } => 4,
            Call::Items => 5,
            Call::By { .. } => 6,
            Call::TakeChanges => 7,
            Call::Link { .. } => 8,
            Call::Unlink { .. } => 9,
            Call::Linked { .. } => 10,
            Call::BulkUpdate { .. } => 11,
            Call::UpsertByContent { .. } => 12,
            Call::ByIdentifier { .. } => 13,
            Call::Summaries => 14,
            Call::Approved { .. } => 15,
        }
    }

    fn is_read(&self) -> bool {
        matches!(
            self.call,
            Call::Get { .. }
                | Call::Items
                | Call::By { .. }
                | Call::Linked { .. }
                | Call::ByIdentifier { .. }
                | Call::Summaries
                | Call::Approved { .. }
        )
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        let arguments = match &self.call {
            Call::Upsert { id, entity } => format!("{} {}", described(id), entity.describe()),
            Call::UpsertBatch { entities } => {
                entities.iter().map(Entity::describe).collect::<Vec<_>>().join(" ")
            }
            Call::Remove { id } | Call::Get { id } | Call::Link { id } | Call::Unlink { id } => {
                described(id)
            }
            Call::RemoveBatch { ids } => {
                ids.iter().map(|id| described(id)).collect::<Vec<_>>().join(" ")
            }
            Call::By { key, values } => format!("{key} {}", described(values)),
            Call::Linked { key, value } => format!("{key} {value:?}"),
            Call::BulkUpdate { resource, variables } => {
                let variables = Entity { members: variables.clone() };
                format!("{resource:?} {}", variables.describe())
            }
            Call::UpsertByContent { release } => release.describe(),
            Call::ByIdentifier { identifier } => format!("{identifier:?}"),
            Call::Approved { version, environment } => format!("{version:?} {environment:?}"),
            Call::Items | Call::Summaries => String::new(),
            Call::TakeChanges => return name.to_owned(),
        };
        format!("{}.{name} {arguments}", self.kind).trim_end().to_owned()
    }

    fn simpler(&self) -> Vec<Self> {
        let kind = self.kind;
        let calls: Vec<Call> = match &self.call {
            Call::Upsert { id, entity } => {
                let under = |simpler: Id| Call::Upsert {
                    entity: entity.clone().with_id(kind, &simpler),
                    id: simpler,
                };
                let ids = simpler_ids(id).into_iter().map(under);
                let entities = simpler_entities(kind, entity).into_iter();
                ids.chain(entities.map(|entity| Call::Upsert { id: id.clone(), entity })).collect()
            }
            Call::UpsertBatch { entities } => {
                let single = entities.first().filter(|_| entities.len() == 1);
                let single = single
                    .map(|entity| Call::Upsert { id: entity.id(kind), entity: entity.clone() });
                let fewer = without_one(entities).map(|entities| Call::UpsertBatch { entities });
                single.into_iter().chain(fewer).collect()
            }
            Call::Remove { id } => {
                simpler_ids(id).into_iter().map(|id| Call::Remove { id }).collect()
            }
            Call::RemoveBatch { ids } => {
                let single = ids.first().filter(|_| ids.len() == 1).cloned();
                let single = single.map(|id| Call::Remove { id });
                let fewer = without_one(ids).map(|ids| Call::RemoveBatch { ids });
                single.into_iter().chain(fewer).collect()
            }
            Call::Get { id } => simpler_ids(id).into_iter().map(|id| Call::Get { id }).collect(),
            Call::Link { id } => simpler_ids(id).into_iter().map(|id| Call::Link { id }).collect(),
            Call::Unlink { id } => {
                simpler_ids(id).into_iter().map(|id| Call::Unlink { id }).collect()
            }
            Call::BulkUpdate { resource, variables } => {
                let fewer = variables.keys().map(|name| {
                    let mut variables = variables.clone();
                    variables.remove(name);
                    Call::BulkUpdate { resource: Arc::clone(resource), variables }
                });
                fewer.collect()
            }
            Call::UpsertByContent { release } => simpler_entities(kind, release)
                .into_iter()
                .map(|release| Call::UpsertByContent { release })
                .collect(),
            Call::Summaries => vec![Call::Items],
            Call::Items
            | Call::By { .. }
            | Call::TakeChanges
            | Call::Linked { .. }
            | Call::ByIdentifier { .. }
            | Call::Approved { .. } => Vec::new(),
        };
        calls.into_iter().map(|call| Self { kind, call }).collect()
    }
}

/// An id for a table.
pub(super) fn described(parts: &[Arc<str>]) -> String {
    let parts = parts.iter().map(|part| format!("\"{}\"", shown(part.as_bytes())));
    format!("({})", parts.collect::<Vec<_>>().join(", "))
}

fn without_one<T: Clone>(items: &[T]) -> impl Iterator<Item = Vec<T>> + use<'_, T> {
    (0..items.len()).map(|left_out| {
        let kept = items.iter().enumerate().filter(|(place, _)| *place != left_out);
        kept.map(|(_, item)| item.clone()).collect()
    })
}

fn simpler_ids(id: &Id) -> Vec<Id> {
    let mut simpler = Vec::new();
    for (place, part) in id.iter().enumerate() {
        for text in simpler_texts(["a", "b"], part) {
            let mut id = id.clone();
            if let Some(part) = id.get_mut(place) {
                *part = text;
            }
            simpler.push(id);
        }
    }
    simpler
}

/// The plainest entity of that id, and every one that is so in one more member.
fn simpler_entities(kind: Kind, entity: &Entity) -> Vec<Entity> {
    let plain = plain(kind, &entity.id(kind));
    let mut simpler = vec![plain.clone()];
    for name in entity.members.keys() {
        let mut members: BTreeMap<_, _> = entity.members.clone();
        match plain.members.get(name) {
            Some(json) => members.insert(Arc::clone(name), Arc::clone(json)),
            None => members.remove(name),
        };
        simpler.push(Entity { members });
    }
    simpler.retain(|simpler| simpler != entity);
    simpler
}

/// An entity of a kind that has all members which it may have, and one that no release
/// knows.
#[must_use]
pub fn full(kind: Kind, id: &[Arc<str>]) -> Entity {
    let mut full = Entity { members: Members::new() };
    for (name, member) in shape::of(kind).members {
        match member {
            shape::Member::Text | shape::Member::PerhapsText => {
                full.set_text(name, &format!("the \"{name}\" <ü>\u{2028}"));
            }
            shape::Member::Number => full.set(name, i64::MIN.to_string()),
            shape::Member::Flag => full.set(name, "true"),
            shape::Member::Json | shape::Member::PerhapsJson => {
                full.set(
                    name,
                    format!("{{\"of\":\"{name}\",\"number\":123456789012345678901234567890}}"),
                );
            }
            shape::Member::Instant => full.set_text(name, "2025-11-03T00:15:30.123456789Z"),
        }
    }
    full.set("x", "{\"a\":[null]}");
    full.with_id(kind, id)
}

/// The plainest entity of a kind.
#[must_use]
pub fn plain(kind: Kind, id: &[Arc<str>]) -> Entity {
    let mut plain = Entity { members: Members::new() };
    for (name, member) in shape::of(kind).members {
        match member {
            shape::Member::Text => plain.set_text(name, ""),
            shape::Member::Number => plain.set(name, "0"),
            shape::Member::Flag => plain.set(name, "false"),
            shape::Member::Json => plain.set(name, "null"),
            shape::Member::PerhapsText | shape::Member::Instant | shape::Member::PerhapsJson => {}
        }
    }
    plain.with_id(kind, id)
}
