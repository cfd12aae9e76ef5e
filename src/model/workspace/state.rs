//! What a workspace holds, and what its handles have recorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{entity::Entity, outcome::ChangeSeen};
use crate::{seam::Instant, workspace::kind::Kind};

/// The state of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WorkspaceModel {
    /// Shared by the states that a search has at once: a call changes one kind.
    pub(super) kinds: BTreeMap<Kind, Arc<Held>>,
    /// By the numbers of the handles.
    pub(super) handles: BTreeMap<usize, Handle>,
}

/// What is held of one kind, by the ids of the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Held {
    pub entities: BTreeMap<Arc<str>, Arc<Entity>>,
    /// Records that can be read, and are no such entity.
    pub foreign: BTreeSet<Arc<str>>,
    /// Records that can't be read.
    pub damaged: BTreeSet<Arc<str>>,
    /// When the entities were created, which orders them.
    pub created: BTreeMap<Arc<str>, Instant>,
}

/// What one store has done that shows to nobody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Handle {
    /// What it changed and nobody took yet.
    pub changes: Vec<ChangeSeen>,
    /// How many of the last ones are written and not yet recorded.
    pub unrecorded: usize,
    /// What the bulk updates that have not written yet found, by the times at which they
    /// began.
    pub found: BTreeMap<u64, Found>,
}

/// What a bulk update found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Found {
    /// The names of the resource's variables.
    pub names: BTreeSet<Arc<str>>,
    /// It was seen to return. Who gives one up waits for it no longer, and neither does the
    /// next one of this store.
    pub is_awaited: bool,
}

impl WorkspaceModel {
    pub(super) fn of(&self, kind: Kind) -> &Held {
        static NOTHING: Held = Held {
            entities: BTreeMap::new(),
            foreign: BTreeSet::new(),
            damaged: BTreeSet::new(),
            created: BTreeMap::new(),
        };
        self.kinds.get(&kind).map_or(&NOTHING, |held| &**held)
    }

    /// What is held of one kind, to change it.
    pub(super) fn of_mut(&mut self, kind: Kind) -> &mut Held {
        Arc::make_mut(self.kinds.entry(kind).or_default())
    }
}

impl Held {
    /// Whether there is a record that is no such entity.
    pub(super) fn is_damaged(&self, id: &str) -> bool {
        self.foreign.contains(id) || self.damaged.contains(id)
    }

    /// The records that are no such entities, by id.
    pub(super) fn all_damage(&self) -> BTreeSet<Arc<str>> {
        &self.foreign | &self.damaged
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.entities.remove(id);
        self.foreign.remove(id);
        self.damaged.remove(id);
        self.created.remove(id);
    }

    /// "Replacement keeps the stored `created_at`"; "writing over a damaged record is
    /// creation".
    pub(super) fn put(&mut self, id: &Arc<str>, entity: Arc<Entity>, created_at: Instant) {
        let kept = self.created.get(id).copied();
        self.remove(id);
        self.entities.insert(Arc::clone(id), entity);
        self.created.insert(Arc::clone(id), kept.unwrap_or(created_at));
    }

    /// Those for which `has` holds, in the order of `find`: by (`created_at`, id).
    pub(super) fn found(&self, has: impl Fn(&Entity) -> bool) -> Vec<&Arc<Entity>> {
        let mut found: Vec<_> = self.entities.iter().filter(|(_, entity)| has(entity)).collect();
        // Stable: those of one instant stay ordered by id.
        found.sort_by_key(|(id, _)| self.created.get(*id));
        found.into_iter().map(|(_, entity)| entity).collect()
    }
}
