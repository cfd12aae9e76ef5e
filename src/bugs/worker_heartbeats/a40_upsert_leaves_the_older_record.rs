//! A40: upsert leaves the record of older software.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed, is_older_name},
        plant::InStore,
        rerouted::Rerouted,
    },
    model::{subject::Subject, worker_heartbeats::WorkerHeartbeatsSubject},
    seam::{Action, Collection, CollectionExt, Instant, Result, Selection, Write},
    store::{
        document::Document,
        worker_heartbeats::{Heartbeat, HeartbeatError, HeartbeatList, WorkerHeartbeats},
    },
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A40",
    title: "upsert leaves the record of older software",
    class: "legacy key mapping / duplicate",
    needs: Needs::SeededFiles,
    description: "A worker gets a record under its plain name beside the one under the SHA-256, and \
         list gives every record. (Our list takes the fresher of two; here it trusts that \
         there is one.)",
    planted: &InStore::<WorkerHeartbeatsSubject>::new(|collection, surroundings| {
        let sound = WorkerHeartbeatsSubject::open(Arc::clone(&collection), surroundings);
        let leaving = Flawed::over(Arc::clone(&collection), LeavesOlderNames);
        let flawed = WorkerHeartbeatsSubject::open(leaving, surroundings);
        let stores = Rerouted { sound, flawed, calls: &["upsert"] };
        Arc::new(EveryRecord { collection, stores })
    }),
};

/// A commit does not remove what older software named.
struct LeavesOlderNames;

#[async_trait]
impl Flaw for LeavesOlderNames {
    async fn commit(&self, sound: &dyn Collection, mut writes: Vec<Write>) -> Result<()> {
        writes.retain(|write| match &write.action {
            Action::Delete(id) => !is_older_name(id),
            _ => true,
        });
        sound.commit(writes).await
    }
}

/// A list of all records, whosoever they are.
struct EveryRecord {
    collection: Arc<dyn Collection>,
    stores: Rerouted<dyn WorkerHeartbeats>,
}

#[async_trait]
impl WorkerHeartbeats for EveryRecord {
    async fn upsert(&self, heartbeat: Heartbeat) -> Result<(), HeartbeatError> {
        self.stores.upsert(heartbeat).await
    }

    async fn get(&self, worker_id: &str) -> Result<Heartbeat, HeartbeatError> {
        self.stores.get(worker_id).await
    }

    async fn list(&self) -> Result<HeartbeatList, HeartbeatError> {
        let mut list = self.stores.list().await?;
        let all = self.collection.drain(Selection::all()).await?;
        for record in all.records.iter().filter(|record| is_older_name(&record.id)) {
            let heartbeat = Document::parse(record.data.bytes())
                .and_then(|document| Heartbeat::from_document(document).ok());
            // Its worker is listed already, by another record.
            let is_second = |older: &Heartbeat| {
                list.heartbeats.iter().any(|listed| {
                    listed.worker_id == older.worker_id
                        && listed.last_heartbeat_at > older.last_heartbeat_at
                })
            };
            list.heartbeats.extend(heartbeat.filter(is_second));
        }
        list.heartbeats.sort_by(|a, b| a.worker_id.cmp(&b.worker_id));
        Ok(list)
    }

    async fn delete_stale(&self, before: Instant) -> Result<u64, HeartbeatError> {
        self.stores.delete_stale(before).await
    }
}
