//! A17: the expiry of a record is shared.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed},
        plant::InStore,
    },
    model::collection::CollectionSubject,
    seam::{Action, Collection, Instant, Record, RecordId, Result, Write},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A17",
    title: "the expiry of a record is shared",
    class: "aliasing",
    needs: Needs::Sequence,
    description: "The original kept the caller's pointer to the expiry, so that a change of it changed \
         the stored record. Nothing is shared by mistake in Rust: here, all records that were \
         put through one handle expire when the last of them does.",
    planted: &InStore::<CollectionSubject>::new(|collection, _| {
        Flawed::over(collection, SharedExpiry::default())
    }),
};

/// Keeps one expiry for all records that have one.
#[derive(Default)]
struct SharedExpiry(Mutex<Option<Instant>>);

#[async_trait]
impl Flaw for SharedExpiry {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        let mut record = sound.get(id).await?;
        let shared = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if record.expires_at.is_some() && shared.is_some() {
            record.expires_at = shared;
        }
        Ok(record)
    }

    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        let expiry = writes.iter().rev().find_map(|write| match &write.action {
            Action::Put(record) => record.expires_at,
            _ => None,
        });
        sound.commit(writes).await?;
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = expiry.or(*shared);
        Ok(())
    }
}
