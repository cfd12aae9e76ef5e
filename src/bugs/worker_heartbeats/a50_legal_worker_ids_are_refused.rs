//! A50: legal worker ids are refused.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::{Bug, Needs, plant::InStore},
    model::{subject::Subject, worker_heartbeats::WorkerHeartbeatsSubject},
    seam::{Error, Instant},
    store::worker_heartbeats::{Heartbeat, HeartbeatError, HeartbeatList, WorkerHeartbeats},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A50",
    title: "legal worker ids are refused",
    class: "compatibility / over-validation",
    needs: Needs::AdversarialIds,
    description: "An id with `/`, `\\` or `..` is refused, although it was a name in use.",
    planted: &InStore::<WorkerHeartbeatsSubject>::new(|collection, surroundings| {
        Arc::new(Overcautious(WorkerHeartbeatsSubject::open(collection, surroundings)))
    }),
};

/// Refuses ids that look like paths.
struct Overcautious(Arc<dyn WorkerHeartbeats>);

#[async_trait]
impl WorkerHeartbeats for Overcautious {
    async fn upsert(&self, heartbeat: Heartbeat) -> Result<(), HeartbeatError> {
        let id = &heartbeat.worker_id;
        if id.contains(['/', '\\']) || id.contains("..") {
            let error = Error::invalid_id(id, "it looks like a path");
            return Err(HeartbeatError::InvalidWorkerId(error));
        }
        self.0.upsert(heartbeat).await
    }

    async fn get(&self, worker_id: &str) -> Result<Heartbeat, HeartbeatError> {
        self.0.get(worker_id).await
    }

    async fn list(&self) -> Result<HeartbeatList, HeartbeatError> {
        self.0.list().await
    }

    async fn delete_stale(&self, before: Instant) -> Result<u64, HeartbeatError> {
        self.0.delete_stale(before).await
    }
}
