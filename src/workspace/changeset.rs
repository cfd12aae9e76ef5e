//! What was changed, in order, until somebody takes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{entity_id::EntityId, kind::Kind};
use crate::{
    backend::turns::{Turn, Turns},
    seam::{Clock, Instant, Payload},
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
    /// When it was recorded.
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
pub(super) struct Changeset {
    clock: Arc<dyn Clock>,
    turns: Turns,
    changes: Mutex<Vec<Change>>,
}

impl Changeset {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, turns: Turns::default(), changes: Mutex::default() }
    }

    /// Waits for the writes that came before.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.turns.everything().await
    }

    /// Records changes that are durable now. The caller has the turn.
    pub(super) fn record(
        &self,
        kind: Kind,
        changes: impl IntoIterator<Item = (EntityId, ChangeAction, Option<Payload>)>,
    ) {
        let at = self.clock.now();
        let recorded =
            changes.into_iter().map(|(id, action, entity)| Change { kind, id, action, entity, at });
        self.changes().extend(recorded);
    }

    /// Hands over what was recorded, and forgets it.
    pub(super) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes())
    }

    fn changes(&self) -> MutexGuard<'_, Vec<Change>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
