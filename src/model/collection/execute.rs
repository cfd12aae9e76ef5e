//! Calling a real collection.

use std::sync::Arc;

use super::{
    operation::{
        ActionInput, CollectionOp, ConditionInput, CursorInput, ListInput, Place, SelectionInput,
        WriteInput,
    },
    outcome::CollectionSeen,
};
use crate::{
    model::{payload::PayloadInput, source::RawId},
    seam::{
        Action, Collection, CollectionExt, Condition, Cursor, Error, ListQuery, Record, RecordId,
        Result, Selection, StoredBytes, Write,
    },
};

/// What a client remembers: the cursor of its last page, and what it stands
/// for.
#[derive(Clone, Debug, Default)]
pub struct CollectionMemory {
    next: Option<(Arc<str>, Place)>,
}

/// Does one call.
pub(super) async fn execute(
    store: &dyn Collection,
    op: &mut CollectionOp,
    memory: &mut CollectionMemory,
) -> CollectionSeen {
    match op {
        CollectionOp::List(query) => list(store, query, memory).await,
        CollectionOp::Get { id } => match legal(id) {
            Ok(id) => CollectionSeen::record(store.get(&id).await),
            Err(error) => CollectionSeen::failed(&error),
        },
        CollectionOp::Find { key, parts } => {
            let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
            CollectionSeen::found(store.find(key, &parts).await)
        }
        CollectionOp::Count(selection) => {
            CollectionSeen::count(store.count(&select(selection)).await)
        }
        CollectionOp::Claim(selection) => {
            CollectionSeen::record(store.claim(&select(selection)).await)
        }
        CollectionOp::PurgeExpired => CollectionSeen::count(store.purge_expired().await),
        CollectionOp::Update { id, data } => update(store, id, data).await,
        _ => CollectionSeen::done(write(store, op).await),
    }
}

/// An edit that leaves the record as it is makes the call a mere read.
async fn update(store: &dyn Collection, id: &RawId, data: &PayloadInput) -> CollectionSeen {
    let mut same = false;
    let edit = |record: &Record| -> Result<_> {
        same = record.data == *data.payload();
        Ok((!same).then(|| data.payload().clone()))
    };
    let updated = match legal(id) {
        Ok(id) => store.update(&id, edit).await.map(|_| ()),
        Err(error) => Err(error),
    };
    match updated {
        Ok(()) if same => CollectionSeen::Unchanged,
        updated => CollectionSeen::done(updated),
    }
}

async fn write(store: &dyn Collection, op: &CollectionOp) -> Result<()> {
    match op {
        CollectionOp::Put(input) => store.put(input.to_record()?).await,
        CollectionOp::Create(input) => store.create(input.to_record()?).await,
        CollectionOp::Delete { id } => store.delete(&legal(id)?).await,
        CollectionOp::CompareAndSwap { id, expected, next } => {
            let (expected, next) = (expected.payload().clone(), next.payload().clone());
            store.compare_and_swap(&legal(id)?, expected, next).await
        }
        CollectionOp::CompareAndDelete { id, expected } => {
            store.compare_and_delete(&legal(id)?, expected.payload().clone()).await
        }
        CollectionOp::Commit { writes } => {
            store.commit(writes.iter().map(commit_write).collect::<Result<_>>()?).await
        }
        CollectionOp::Quarantine { id, expected } => {
            store.quarantine(&legal(id)?, expected.payload().bytes()).await
        }
        CollectionOp::Get { .. }
        | CollectionOp::Find { .. }
        | CollectionOp::List(_)
        | CollectionOp::Count(_)
        | CollectionOp::Claim(_)
        | CollectionOp::Update { .. }
        | CollectionOp::PurgeExpired => Ok(()),
    }
}

async fn list(
    store: &dyn Collection,
    query: &mut ListInput,
    memory: &mut CollectionMemory,
) -> CollectionSeen {
    if query.cursor == CursorInput::Next {
        query.cursor = match memory.next.clone() {
            Some((text, after)) => CursorInput::Resumed { text, after },
            None => CursorInput::None,
        };
    }
    let cursor = match &query.cursor {
        CursorInput::None | CursorInput::Next => None,
        CursorInput::Resumed { text, .. } | CursorInput::Text(text) => {
            Some(Cursor::from_text(&**text))
        }
    };
    let request = ListQuery { selection: select(&query.selection), cursor, limit: query.limit };
    match store.list(&request).await {
        Ok(page) => {
            let last_good = page
                .records
                .last()
                .map(|record| Place::Record(record.created_at, record.id.clone()));
            let last_damaged = || page.damaged.last().map(|last| Place::Damaged(last.id.clone()));
            memory.next = match (&page.next_cursor, last_good.or_else(last_damaged)) {
                (Some(cursor), Some(after)) => Some((Arc::from(cursor.as_str()), after)),
                _ => None,
            };
            CollectionSeen::page(page)
        }
        Err(error) => CollectionSeen::failed(&error),
    }
}

fn legal(id: &RawId) -> Result<RecordId, Error> {
    RecordId::new(Arc::clone(&id.0))
}

fn commit_write(input: &WriteInput) -> Result<Write> {
    let action = match &input.action {
        ActionInput::Put(input) => Action::Put(input.to_record()?),
        ActionInput::Replace { id, data } => {
            Action::Replace { id: legal(id)?, data: data.payload().clone() }
        }
        ActionInput::Delete(id) => Action::Delete(legal(id)?),
        ActionInput::Check(id) => Action::Check(legal(id)?),
    };
    let when = match &input.when {
        ConditionInput::Any => Condition::Any,
        ConditionInput::Absent => Condition::Absent,
        ConditionInput::Present => Condition::Present,
        ConditionInput::Data(data) => Condition::Data(data.payload().clone()),
        ConditionInput::Stored(bytes) => {
            Condition::Stored(StoredBytes::new(bytes.payload().bytes()))
        }
    };
    Ok(Write { action, when })
}

fn select(input: &SelectionInput) -> Selection {
    Selection { prefix: input.prefix.clone(), since: input.since, until: input.until }
}
