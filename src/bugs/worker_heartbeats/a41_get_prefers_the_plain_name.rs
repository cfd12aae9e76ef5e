//! A41: get prefers a stale heartbeat under the plain name.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed, is_older_name},
        plant::InCalls,
    },
    model::worker_heartbeats::WorkerHeartbeatsSubject,
    seam::{Collection, Found, Result},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A41",
    title: "get prefers a stale heartbeat under the plain name",
    class: "legacy key mapping / stale read",
    needs: Needs::SeededFiles,
    description: "Where a worker has both names the plain one is taken, although an older process goes \
         on writing the other.",
    planted: &InCalls::<WorkerHeartbeatsSubject>::new(&["get"], |collection| {
        Flawed::over(collection, PlainNameFirst)
    }),
};

/// What older software named is found only where there is nothing else.
struct PlainNameFirst;

#[async_trait]
impl Flaw for PlainNameFirst {
    async fn find(&self, sound: &dyn Collection, key: &str, parts: &[&str]) -> Result<Found> {
        let mut found = sound.find(key, parts).await?;
        if found.records.iter().any(|record| !is_older_name(&record.id)) {
            found.records.retain(|record| !is_older_name(&record.id));
        }
        Ok(found)
    }
}
