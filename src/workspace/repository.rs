//! The entities of one kind, in a collection.

use std::{marker::PhantomData, sync::Arc};

use super::{
    entity::{Entity, id_of_call},
    entity_id::EntityId,
    error::Result,
};
use crate::{
    seam::{Action, Clock, Collection, CollectionSpec, Condition, Error, Instant, Record, Write},
    store::{
        entities::drain,
        error::{DamagedEntity, Kind as ErrorKind, foreign_payload},
    },
};

/// What a listing or a look-up found.
#[derive(Clone, Debug, PartialEq)]
pub struct Items<E> {
    /// The entities.
    pub entities: Vec<E>,
    /// What can't be read as one, by id; in a look-up, all of the kind: any of them might
    /// have been meant.
    pub damaged: Vec<DamagedEntity>,
}

/// The entities of one kind.
///
/// Every call is the seam's: durable when it returns, and one moment's for whoever looks.
pub struct Repository<E> {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Repository<E> {
    /// A repository on a collection that was opened with [`Self::spec`] of some
    /// workspace. `clock` gives the instants of entities that say none.
    #[must_use]
    pub fn new(collection: Arc<dyn Collection>, clock: Arc<dyn Clock>) -> Self {
        Self { collection, clock, entity: PhantomData }
    }

    /// How the collection of a workspace's entities is to be opened: its name is the
    /// kind's, and the workspace's id after it.
    #[must_use]
    pub fn spec(workspace: &str) -> CollectionSpec {
        let name = format!("{}-{workspace}", E::KIND);
        let mut spec = CollectionSpec::new(name).with_keys(E::keys());
        spec.legacy.created_at = Some("/createdAt");
        spec.legacy.updated_at = Some("/updatedAt");
        spec.directory = Some(Arc::from([
            Arc::from("workspaces"),
            Arc::from(workspace),
            Arc::from(E::KIND.name()),
        ]));
        spec
    }

    /// The entity of that id; none: there is none.
    ///
    /// # Errors
    /// `InvalidId`, `WrongParts`; `Corrupt` for what can't be read as one; those of the
    /// storage.
    pub async fn get(&self, id: &[&str]) -> Result<Option<E>> {
        Ok(self.stored("get", &id_of_call::<E>(id)?).await?.map(|(entity, _)| entity))
    }

    /// The entity and the record that holds it.
    pub(super) async fn stored(
        &self,
        operation: &'static str,
        id: &EntityId,
    ) -> Result<Option<(E, Record)>> {
        match self.collection.get(id.record()).await {
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error.during(operation).into()),
            Ok(record) => match E::from_record(&record) {
                Ok(entity) => Ok(Some((entity, record))),
                Err(problem) => {
                    let problem = format!("not a {}: {problem}", E::KIND);
                    let name = &self.collection.spec().name;
                    Err(foreign_payload(operation, name, &record, problem).into())
                }
            },
        }
    }

    /// Creates the entity, or replaces the one of its id.
    ///
    /// # Errors
    /// `InvalidId`; `KeyTaken`; those of the storage.
    pub async fn set(&self, entity: &E) -> Result<()> {
        self.set_batch(std::slice::from_ref(entity)).await
    }

    /// Creates or replaces several, all or none.
    ///
    /// # Errors
    /// As [`Self::set`]; `InvalidArgument` when two have one id.
    pub async fn set_batch(&self, entities: &[E]) -> Result<()> {
        let now = self.clock.now();
        let puts = entities.iter().map(|entity| Self::put(entity, now));
        self.commit("set", puts.collect::<Result<_>>()?).await
    }

    /// Removes the entity of that id, if there is one.
    ///
    /// # Errors
    /// `InvalidId`, `WrongParts`; those of the storage.
    pub async fn remove(&self, id: &[&str]) -> Result<()> {
        self.remove_batch(&[id]).await
    }

    /// Removes several, all at once, those that there are.
    ///
    /// # Errors
    /// As [`Self::remove`]; `InvalidArgument` when one id is named twice.
    pub async fn remove_batch(&self, ids: &[&[&str]]) -> Result<()> {
        let deletes = ids.iter().map(|id| {
            let id = id_of_call::<E>(id)?.record().clone();
            Ok(Write { action: Action::Delete(id), when: Condition::Any })
        });
        self.commit("remove", deletes.collect::<Result<_>>()?).await
    }

    /// All of them, by id.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn items(&self) -> Result<Items<E>> {
        let all = drain(&*self.collection, E::from_record).await;
        let all = all.map_err(|error| error.during("items"))?;
        Ok(Items { entities: all.entities.into_values().collect(), damaged: all.damaged })
    }

    /// Those that have these values of a key of [`Entity::keys`], oldest record first.
    /// An empty value finds nothing.
    ///
    /// # Errors
    /// `InvalidArgument` for another key or number of values; those of the storage.
    pub async fn by(&self, key: &str, values: &[&str]) -> Result<Items<E>> {
        let found = self.collection.find(key, values).await;
        let found = found.map_err(|error| error.during("by"))?;
        let mut items = Items { entities: Vec::new(), damaged: Vec::new() };
        let damaged = |id, message| DamagedEntity { id, kind: ErrorKind::Corrupt, message };
        for record in found.records {
            match E::from_record(&record) {
                Ok(entity) => items.entities.push(entity),
                Err(problem) => items.damaged.push(damaged(record.id, problem)),
            }
        }
        items.damaged.extend(found.damaged.into_iter().map(|item| damaged(item.id, item.message)));
        items.damaged.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(items)
    }

    /// The write that puts the entity in its place, made at that time.
    pub(super) fn put(entity: &E, now: Instant) -> Result<Write> {
        let id = entity.id()?.record().clone();
        let created_at = entity.created_at().unwrap_or(now);
        let mut record = Record::json(id, entity.to_payload(), created_at);
        record.updated_at = now;
        Ok(Write { action: Action::Put(record), when: Condition::Any })
    }

    /// Several writes, all or none.
    pub(super) async fn commit(&self, operation: &'static str, writes: Vec<Write>) -> Result<()> {
        Ok(self.collection.commit(writes).await.map_err(|error| error.during(operation))?)
    }

    /// The write that removes exactly this record.
    pub(super) fn removal(record: &Record) -> Write {
        Write::compare_and_delete(record.id.clone(), record.data.clone())
    }
}

/// Whether somebody changed a record between reading and writing it.
pub(super) fn was_overtaken(error: &super::error::Error) -> bool {
    matches!(
        error,
        super::error::Error::Storage(
            Error::Conflict(_) | Error::NotFound(_) | Error::AlreadyExists(_)
        )
    )
}
