//! What stores of entities do alike with their collection, whatever the
//! entities are.

use std::collections::BTreeMap;

use super::error::DamagedEntity;
use crate::seam::{
    Action, Collection, CollectionExt, Condition, Damaged, Error, ListQuery, Record, RecordId,
    Result, Write,
};

/// All the entities of a collection, and what could not be read as one.
pub(super) struct Entities<T> {
    /// Each with its record's id, in no order that callers may rely on. None
    /// comes twice.
    pub(super) entities: BTreeMap<RecordId, T>,
    /// By id.
    pub(super) damaged: Vec<DamagedEntity>,
    /// Whether one page had all of it, so that all was there at one moment.
    pub(super) at_once: bool,
}

/// Drains all pages. `read` gives the entity that a record holds, or what is
/// wrong with it, without its content.
///
/// # Errors
/// Those of the storage.
pub(super) async fn drain<T>(
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
    let mut entities = BTreeMap::new();
    let named = |damaged: Damaged| DamagedEntity { id: damaged.id, message: damaged.message };
    let mut damaged: Vec<_> = all.damaged.into_iter().map(named).collect();
    for record in all.records {
        match read(&record) {
            // One that was removed and created anew meanwhile may come twice:
            // the later one counts.
            Ok(entity) => {
                entities.insert(record.id, entity);
            }
            Err(message) => damaged.push(DamagedEntity { id: record.id, message }),
        }
    }
    damaged.sort_by(|a, b| a.id.cmp(&b.id));
    damaged.dedup_by(|a, b| a.id == b.id);
    Ok(Entities { entities, damaged, at_once })
}

/// Removes the entity of that id. What lies there without being one
/// (`is_entity`) is quarantined.
///
/// # Errors
/// `NotFound`; those of the storage.
pub(super) async fn delete(
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
            Ok(record) if is_entity(&record) => {
                collection.compare_and_delete(id, record.data).await
            }
            Ok(record) => collection.quarantine(id, record.data.bytes()).await,
        };
        match removed {
            Err(Error::Conflict(_)) => {}
            removed => return removed.map_err(|error| error.during("delete")),
        }
    }
}
