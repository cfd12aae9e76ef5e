//! Read-modify-writes without a lock: what was read is written back, whatever
//! has happened to the record meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use super::Flaw;
use crate::seam::{Action, Collection, Condition, Error, Found, Record, RecordId, Result, Write};

/// What a write that depends on an earlier reading no longer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forgotten {
    Changes,
    Deletions,
    Everything,
}

/// A get and a put of the whole record in place of a compare-and-swap.
pub(in crate::bugs) struct Unguarded {
    forgotten: Forgotten,
    /// The records that were read, to be written back whole.
    read: Mutex<BTreeMap<RecordId, Record>>,
}

impl Unguarded {
    /// What somebody changed since it was read is overwritten. What somebody
    /// deleted stays deleted.
    pub(in crate::bugs) fn against_changes() -> Self {
        Self::new(Forgotten::Changes)
    }

    /// What somebody deleted since it was read is written again. What somebody
    /// changed is read again.
    pub(in crate::bugs) fn against_deletions() -> Self {
        Self::new(Forgotten::Deletions)
    }

    /// Both; and what is deleted goes whatever it is by now, also when it has
    /// gone already.
    pub(in crate::bugs) fn against_anything() -> Self {
        Self::new(Forgotten::Everything)
    }

    fn new(forgotten: Forgotten) -> Self {
        Self { forgotten, read: Mutex::default() }
    }

    fn remember<'r>(&self, records: impl IntoIterator<Item = &'r Record>) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.extend(records.into_iter().map(|record| (record.id.clone(), record.clone())));
    }

    /// The record as it was read, with other data.
    fn read_with(&self, write: &Write) -> Option<Record> {
        let Action::Replace { id, data } = &write.action else { return None };
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Record { data: data.clone(), ..read.get(id)?.clone() })
    }

    /// The write without its guard.
    fn without_guard(&self, mut write: Write) -> Write {
        if !matches!(write.when, Condition::Data(_)) {
            return write;
        }
        if self.forgotten == Forgotten::Changes {
            write.when = Condition::Present;
            return write;
        }
        match self.read_with(&write) {
            Some(record) => Write::put(record),
            None => Write { when: Condition::Any, ..write },
        }
    }
}

#[async_trait]
impl Flaw for Unguarded {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        let record = sound.get(id).await?;
        self.remember([&record]);
        Ok(record)
    }

    async fn find(&self, sound: &dyn Collection, key: &str, parts: &[&str]) -> Result<Found> {
        let found = sound.find(key, parts).await?;
        self.remember(&found.records);
        Ok(found)
    }

    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        let is_replacement = |write: &Write| matches!(write.action, Action::Replace { .. });
        if self.forgotten != Forgotten::Deletions {
            let unguarded = writes.into_iter().map(|write| self.without_guard(write));
            return sound.commit(unguarded.collect()).await;
        }
        match sound.commit(writes.clone()).await {
            Err(Error::NotFound(_)) if writes.iter().all(is_replacement) => {
                let unguarded = writes.into_iter().map(|write| self.without_guard(write));
                sound.commit(unguarded.collect()).await
            }
            committed => committed,
        }
    }
}
