//! The entities of one kind, in a collection.

use std::{marker::PhantomData, sync::Arc};

use super::{
    entity::{Entity, id_of_call},
    entity_id::EntityId,
    error::{Error as StoreError, Result},
};
use crate::{
    seam::{
        Action, Clock, Collection, CollectionSpec, Condition, Error, Instant, Record, StoredBytes,
        Write,
    },
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

/// What lies under an id.
pub(super) enum Stored<E> {
    Absent,
    /// An entity, and the record that holds it.
    Entity(E, Record),
    /// What can't be read as one.
    Damaged(StoredBytes),
}

impl<E> Stored<E> {
    /// That it lies there still.
    pub(super) fn is_still_so(&self) -> Condition {
        match self {
            Self::Absent => Condition::Absent,
            Self::Entity(_, record) => Condition::Data(record.data.clone()),
            Self::Damaged(bytes) => Condition::Stored(bytes.clone()),
        }
    }

    /// What a write over it asks for that holds whatever entity is there: damage is still
    /// the one that was seen, so that it is quarantined.
    fn is_still_damaged(&self) -> Condition {
        match self {
            Self::Absent | Self::Entity(..) => Condition::Any,
            Self::Damaged(_) => self.is_still_so(),
        }
    }
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
        Ok(self.read("get", &id_of_call::<E>(id)?).await?.map(|(entity, _)| entity))
    }

    /// The entity and the record that holds it.
    async fn read(&self, operation: &'static str, id: &EntityId) -> Result<Option<(E, Record)>> {
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

    /// What lies there, for a write that depends on it.
    pub(super) async fn stored(&self, operation: &'static str, id: &EntityId) -> Result<Stored<E>> {
        match self.read(operation, id).await {
            Ok(None) => Ok(Stored::Absent),
            Ok(Some((entity, record))) => Ok(Stored::Entity(entity, record)),
            Err(StoreError::Storage(Error::Corrupt { bytes, .. })) => Ok(Stored::Damaged(bytes)),
            Err(error) => Err(error),
        }
    }

    /// Creates the entity, or replaces the one of its id. What can't be read as one is
    /// quarantined first.
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
        loop {
            let now = self.clock.now();
            let mut puts = Vec::with_capacity(entities.len());
            for entity in entities {
                let stored = self.stored("set", &entity.id()?).await?;
                puts.push(Self::put_over(&stored, entity, now)?);
            }
            match self.commit("set", puts).await {
                Err(error) if was_overtaken(&error) => {}
                done => return done,
            }
        }
    }

    /// Removes the entity of that id, if there is one. What can't be read as one is
    /// quarantined.
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
        let ids = ids.iter().map(|id| id_of_call::<E>(id)).collect::<Result<Vec<_>>>()?;
        loop {
            let mut deletes = Vec::with_capacity(ids.len());
            for id in &ids {
                let when = self.stored("remove", id).await?.is_still_damaged();
                deletes.push(Write { action: Action::Delete(id.record().clone()), when });
            }
            match self.commit("remove", deletes).await {
                Err(error) if was_overtaken(&error) => {}
                done => return done,
            }
        }
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

    /// The write that puts the entity in its place, made at that time, if `when` holds.
    pub(super) fn put(entity: &E, now: Instant, when: Condition) -> Result<Write> {
        let id = entity.id()?.record().clone();
        let created_at = entity.created_at().unwrap_or(now);
        let mut record = Record::json(id, entity.to_payload(), created_at);
        record.updated_at = now;
        Ok(Write { action: Action::Put(record), when })
    }

    /// The write that puts the entity in its place, whatever entity is there by then.
    pub(super) fn put_over(stored: &Stored<E>, entity: &E, now: Instant) -> Result<Write> {
        Self::put(entity, now, stored.is_still_damaged())
    }

    /// Several writes, all or none.
    pub(super) async fn commit(&self, operation: &'static str, writes: Vec<Write>) -> Result<()> {
        Ok(self.collection.commit(writes).await.map_err(|error| error.during(operation))?)
    }
}

/// Whether somebody changed a record between reading and writing it.
pub(super) fn was_overtaken(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Storage(Error::Conflict(_) | Error::NotFound(_) | Error::AlreadyExists(_))
    )
}
