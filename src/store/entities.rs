//! What stores of entities do alike with their collection, whatever the
//! entities are.

use std::collections::BTreeMap;

use super::error::{DamagedEntity, Kind};
use crate::seam::{
    Action, Collection, CollectionExt, Condition, Error, ListQuery, Record, RecordId, Result, Write,
};

/// All the entities of a collection, and what could not be read as one.
pub(crate) struct Entities<T> {
    /// Each with its record's id, in no order that callers may rely on.
    pub(crate) entities: BTreeMap<RecordId, T>,
    /// By id.
    pub(crate) damaged: Vec<DamagedEntity>,
    /// Whether one page had all of it, so that all was there at one moment.
    pub(crate) at_once: bool,
}

/// Drains all pages. `read` gives the entity that a record holds, or what is
/// wrong with it, without its content. An id comes once, as the one or as the
/// other.
///
/// # Errors
/// Those of the storage.
pub(crate) async fn drain<T>(
    collection: &dyn Collection,
    read: impl Fn(&Record) -> Result<T, String>,
) -> Result<Entities<T>> {
    let mut all = collection.list(&ListQuery::default()).await?;
    let at_once = all.next_cursor.is_none();
    while all.next_cursor.is_some() {
        let query = ListQuery { cursor: all.next_cursor.take(), ..ListQuery::default() };
        let page = collection.list(&query).await?;
        all.records.extend(page.records);
        all.damaged.extend(page.damaged);
        all.next_cursor = page.next_cursor;
    }
    // One that was removed and created anew meanwhile, or mended, may come
    // twice: the later one counts.
    let mut latest: BTreeMap<_, _> =
        all.damaged.into_iter().map(|damaged| (damaged.id, Err(damaged.message))).collect();
    for record in all.records {
        let entity = read(&record);
        latest.insert(record.id, entity);
    }
    let mut drained = Entities { entities: BTreeMap::new(), damaged: Vec::new(), at_once };
    for (id, entity) in latest {
        match entity {
            Ok(entity) => {
                drained.entities.insert(id, entity);
            }
            Err(message) => {
                drained.damaged.push(DamagedEntity { id, kind: Kind::Corrupt, message });
            }
        }
    }
    Ok(drained)
}

/// Removes the entity of that id. What lies there without being one
/// (`is_entity`) is quarantined.
///
/// # Errors
/// `NotFound`; those of the storage.
pub(crate) async fn delete(
    collection: &dyn Collection,
    id: &RecordId,
    is_entity: impl Fn(&Record) -> bool + Send,
) -> Result<()> {
    loop {
        let removed = match collection.get(id).await {
            // Damaged bytes are quarantined by the seam.
            Err(Error::Corrupt { .. }) => {
                let write = Write { action: Action::Delete(id.clone()), when: Condition::Present };
                collection.commit(vec![write]).await
            }
            Err(error) => Err(error),
            Ok(record) => {
                let is_entity = is_entity(&record);
                delete_this(collection, record, is_entity).await
            }
        };
        match removed {
            Err(Error::Conflict(_)) => {}
            removed => return removed.map_err(|error| error.during("delete")),
        }
    }
}

/// Removes a record if its data are still these; one that is no entity is
/// quarantined.
///
/// # Errors
/// `NotFound`, `Conflict`; those of the storage.
pub(crate) async fn delete_this(
    collection: &dyn Collection,
    record: Record,
    is_entity: bool,
) -> Result<()> {
    if is_entity {
        collection.compare_and_delete(&record.id, record.data).await
    } else {
        collection.quarantine(&record.id, record.data.bytes()).await
    }
}
