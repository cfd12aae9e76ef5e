//! What the stores have in common that keep one entity a record.

use std::collections::BTreeMap;

use super::error::{DamagedEntity, Kind};
use crate::seam::{
    Action, Collection, CollectionExt, Condition, Error, Record, RecordId, Selection, Write,
};

/// What `list` gives.
pub(super) struct Listed<E> {
    /// The entities, by id.
    pub(super) entities: Vec<E>,
    /// What could not be read as one, by id.
    pub(super) damaged: Vec<DamagedEntity>,
}

/// Every record of the collection as an entity, or named with what keeps `read`
/// from making one of it. An id comes once.
pub(super) async fn list<E>(
    collection: &dyn Collection,
    read: impl Fn(&Record) -> Result<E, (Kind, String)>,
) -> Result<Listed<E>, Error> {
    let all = collection.drain(Selection::all()).await?;
    // A record that was removed and created anew meanwhile, or mended, may have
    // come twice: the later one counts.
    let mut latest = BTreeMap::new();
    for damaged in all.damaged {
        latest.insert(damaged.id, Err((Kind::Corrupt, damaged.message)));
    }
    for record in all.records {
        let entity = read(&record);
        latest.insert(record.id, entity);
    }
    let mut listed = Listed { entities: Vec::new(), damaged: Vec::new() };
    for (id, entity) in latest {
        match entity {
            Ok(entity) => listed.entities.push(entity),
            Err((kind, message)) => listed.damaged.push(DamagedEntity { id, kind, message }),
        }
    }
    Ok(listed)
}

/// Removes the record of an entity. What lies under the id without being one
/// (`is_entity` says so) is quarantined.
///
/// # Errors
/// `NotFound`, also when somebody else is faster.
pub(super) async fn remove(
    collection: &dyn Collection,
    id: &RecordId,
    is_entity: impl Fn(&Record) -> bool,
) -> Result<(), Error> {
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
                remove_this(collection, record, is_entity).await
            }
        };
        match removed {
            Err(Error::Conflict(_)) => {}
            removed => return removed,
        }
    }
}

/// Removes a record if its data are still these.
///
/// # Errors
/// `NotFound`, `Conflict`.
pub(super) async fn remove_this(
    collection: &dyn Collection,
    record: Record,
    is_entity: bool,
) -> Result<(), Error> {
    if is_entity {
        collection.compare_and_delete(&record.id, record.data).await
    } else {
        collection.quarantine(&record.id, record.data.bytes()).await
    }
}
