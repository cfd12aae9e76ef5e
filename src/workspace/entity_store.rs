//! The entities of one kind in a workspace store: changes are recorded and traced.

use std::sync::Arc;

use super::{
    changeset::{ChangeAction, Changeset},
    entity::{Entity, Mutation, id_of_call, under_id},
    entity_id::EntityId,
    error::Result,
    repository::{Items, Repository, Stored, was_overtaken},
    span::within,
};
use crate::{
    backend::turns::Turn,
    seam::{Action, Clock, Collection, Instant, Payload, Record, Write},
};

/// The entities of one kind.
///
/// A change is durable when its call returns, and then in the changeset of the workspace
/// store; one that fails is not recorded. Changes of one workspace store come one after
/// the other. A call reads the clock once for each time that it tries: what it writes and
/// what it records have the same time.
pub struct EntityStore<E> {
    pub(super) repository: Repository<E>,
    changeset: Arc<Changeset>,
    pub(super) clock: Arc<dyn Clock>,
}

/// A change to be recorded once it is durable.
pub(super) type Recorded = (EntityId, ChangeAction, Option<Payload>);

impl<E: Entity> EntityStore<E> {
    /// On a collection that was opened with [`Repository::spec`] of some workspace; stores
    /// with one changeset are of one workspace store. `clock` tells when things change.
    #[must_use]
    pub fn new(
        collection: Arc<dyn Collection>,
        changeset: Arc<Changeset>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let repository = Repository::new(collection, Arc::clone(&clock));
        Self { repository, changeset, clock }
    }

    /// As [`Repository::get`].
    ///
    /// # Errors
    /// As there.
    pub async fn get(&self, id: &[&str]) -> Result<Option<E>> {
        self.repository.get(id).await
    }

    /// As [`Repository::items`].
    ///
    /// # Errors
    /// As there.
    pub async fn items(&self) -> Result<Items<E>> {
        self.repository.items().await
    }

    /// As [`Repository::by`].
    ///
    /// # Errors
    /// As there.
    pub async fn by(&self, key: &str, values: &[&str]) -> Result<Items<E>> {
        self.repository.by(key, values).await
    }

    /// Creates the entity, or replaces the one of that id. One without an id gets that of
    /// the call. What can't be read as an entity is quarantined first.
    ///
    /// # Errors
    /// `IdMismatch` when it has another one; `InvalidId`, `WrongParts`; `KeyTaken`; those of
    /// the storage.
    pub async fn upsert(&self, id: &[&str], entity: E) -> Result<()> {
        within(E::span(Mutation::Upsert, &id.join("/")), async {
            let entity = under_id(&id_of_call::<E>(id)?, entity)?;
            self.write(&[entity]).await
        })
        .await
    }

    /// Creates or replaces several, all or none, each under its own id.
    ///
    /// # Errors
    /// As [`Self::upsert`]; `InvalidArgument` when two have one id.
    pub async fn upsert_batch(&self, entities: &[E]) -> Result<()> {
        within(E::span(Mutation::BulkUpsert, &count_of(entities.len())), self.write(entities)).await
    }

    /// Removes the entity of that id, and says whether there was one. What can't be read as
    /// one is quarantined.
    ///
    /// # Errors
    /// `InvalidId`, `WrongParts`; those of the storage.
    pub async fn remove(&self, id: &[&str]) -> Result<bool> {
        within(E::span(Mutation::Remove, &id.join("/")), async {
            Ok(self.remove_all(vec![id_of_call::<E>(id)?]).await? > 0)
        })
        .await
    }

    /// Removes several at once, those that there are, and says how many there were.
    ///
    /// # Errors
    /// As [`Self::remove`]; `InvalidArgument` when one id is named twice.
    pub async fn remove_batch(&self, ids: &[&[&str]]) -> Result<usize> {
        within(E::span(Mutation::BulkRemove, &count_of(ids.len())), async {
            let ids = ids.iter().map(|id| id_of_call::<E>(id)).collect::<Result<_>>()?;
            self.remove_all(ids).await
        })
        .await
    }

    async fn write(&self, entities: &[E]) -> Result<()> {
        let _turn = self.changeset.turn().await;
        loop {
            let now = self.clock.now();
            let mut writes = Vec::with_capacity(entities.len());
            let mut changes = Vec::with_capacity(entities.len());
            for entity in entities {
                let id = entity.id()?;
                let write = self.write_of(&id, entity, now).await?;
                if let Action::Put(Record { data, .. }) = &write.action {
                    changes.push((id, ChangeAction::Upsert, Some(data.clone())));
                }
                writes.push(write);
            }
            match self.commit("upsert", now, writes, changes).await {
                Err(error) if was_overtaken(&error) => {}
                done => return done,
            }
        }
    }

    /// The write of an entity, on the condition of what it was prepared by.
    async fn write_of(&self, id: &EntityId, entity: &E, now: Instant) -> Result<Write> {
        let stored = self.repository.stored("upsert", id).await?;
        let Some(prepare) = E::PREPARE else {
            return Repository::put_over(&stored, entity, now);
        };
        let mut entity = entity.clone();
        // Writing over what can't be read is creation.
        let before = match &stored {
            Stored::Entity(before, _) => Some(before),
            Stored::Absent | Stored::Damaged(_) => None,
        };
        prepare(&mut entity, before, now);
        Repository::put(&entity, now, stored.is_still_so())
    }

    async fn remove_all(&self, ids: Vec<EntityId>) -> Result<usize> {
        let _turn = self.changeset.turn().await;
        loop {
            let now = self.clock.now();
            let (mut writes, mut changes) = (Vec::new(), Vec::new());
            for id in &ids {
                let stored = self.repository.stored("remove", id).await?;
                let (record, when) = (id.record().clone(), stored.is_still_so());
                let entity = match stored {
                    // It must be so when the others go.
                    Stored::Absent => {
                        writes.push(Write { action: Action::Check(record), when });
                        continue;
                    }
                    Stored::Entity(_, record) => Some(record.data),
                    Stored::Damaged(_) => None,
                };
                writes.push(Write { action: Action::Delete(record), when });
                changes.push((id.clone(), ChangeAction::Delete, entity));
            }
            let removed = changes.len();
            if ids.len() == 1 && removed == 0 {
                return Ok(0);
            }
            match self.commit("remove", now, writes, changes).await {
                Err(error) if was_overtaken(&error) => {}
                done => return done.map(|()| removed),
            }
        }
    }

    /// Creates the entity where there is none of its id, and says whether it did. Writing
    /// over what can't be read is creation.
    pub(super) async fn ensure(&self, entity: E) -> Result<bool> {
        within(E::span(Mutation::Upsert, &entity.id_parts().join("/")), async {
            let id = entity.id()?;
            let _turn = self.changeset.turn().await;
            loop {
                let stored = self.repository.stored("link", &id).await?;
                if matches!(stored, Stored::Entity(..)) {
                    return Ok(false);
                }
                let now = self.clock.now();
                let write = Repository::put(&entity, now, stored.is_still_so())?;
                let change = (id.clone(), ChangeAction::Upsert, Some(entity.to_payload()));
                match self.commit("link", now, vec![write], vec![change]).await {
                    Err(error) if was_overtaken(&error) => {}
                    done => return done.map(|()| true),
                }
            }
        })
        .await
    }

    /// Does the writes, all or none, and records the changes, made at that time. The
    /// caller has the turn.
    pub(super) async fn commit(
        &self,
        operation: &'static str,
        now: Instant,
        writes: Vec<Write>,
        changes: Vec<Recorded>,
    ) -> Result<()> {
        self.repository.commit(operation, writes).await?;
        self.changeset.record(E::KIND, now, changes);
        Ok(())
    }

    /// Waits for the changes that came before.
    pub(super) async fn turn(&self) -> Turn<'_> {
        self.changeset.turn().await
    }
}

/// What stands in a span for the ids of a batch.
fn count_of(entities: usize) -> String {
    format!("{entities} entities")
}
