//! A25: get ignores the name that older software gave a worker.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed, is_older_name},
        plant::InCalls,
    },
    model::worker_heartbeats::WorkerHeartbeatsSubject,
    seam::{Collection, Error, Found, Record, RecordId, Result, Site},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A25",
    title: "get ignores the name that older software gave a worker",
    class: "legacy key mapping",
    needs: Needs::SeededFiles,
    description: "Get looks only for the plain name, not for the SHA-256.",
    planted: &InCalls::<WorkerHeartbeatsSubject>::new(&["get"], |collection| {
        Flawed::over(collection, PlainNamesOnly)
    }),
};

/// A collection in which nothing is found that older software named.
struct PlainNamesOnly;

#[async_trait]
impl Flaw for PlainNamesOnly {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        if is_older_name(id) {
            return Err(Error::NotFound(Site::new("get", &sound.spec().name, Some(id))));
        }
        sound.get(id).await
    }

    async fn find(&self, sound: &dyn Collection, key: &str, parts: &[&str]) -> Result<Found> {
        let mut found = sound.find(key, parts).await?;
        found.records.retain(|record| !is_older_name(&record.id));
        Ok(found)
    }
}
