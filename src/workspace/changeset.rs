//! What was changed, in order, until somebody takes it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{entity_id::EntityId, kind::Kind};
use crate::{
    backend::turns::{Turn, Turns},
    seam::{Instant, Payload},
};

/// One change that is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What kind of entity.
    pub kind: Kind,
    /// Which.
    pub id: EntityId,
    /// Whether it was written or removed.
    pub action: ChangeAction,
    /// The entity's JSON: as it is now, or as it was when it was removed; none: what was
    /// removed could not be read.
    pub entity: Option<Payload>,
    /// When: what the clock showed to the call that made the change.
    pub at: Instant,
}

/// What was done to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAction {
    /// It was created or replaced.
    Upsert,
    /// It was removed.
    Delete,
}

/// The changes of a workspace store that nobody took yet, in the order of the writes.
///
/// Writes that are recorded come one after the other, so that the order is theirs; what
/// failed, or whose outcome nobody knows, is not recorded.
#[derive(Default)]
pub struct Changeset {
    turns: Turns,
    changes: Mutex<Vec<Change>>,
}

impl Changeset {
    /// Waits for the writes that came before.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.turns.everything().await
    }

    /// Records changes that are durable now, made at that time. The caller has the turn.
    pub(crate) fn record(
        &self,
        kind: Kind,
        at: Instant,
        changes: impl IntoIterator<Item = (EntityId, ChangeAction, Option<Payload>)>,
    ) {
        let recorded =
            changes.into_iter().map(|(id, action, entity)| Change { kind, id, action, entity, at });
        self.changes().extend(recorded);
    }

    /// Hands over what was recorded, and forgets it.
    #[must_use]
    pub fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes())
    }

    fn changes(&self) -> MutexGuard<'_, Vec<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
