//! Heartbeats, some calls of which go to another store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::rerouted::{Reroute, Rerouted},
    model::worker_heartbeats::WorkerHeartbeatsSubject,
    seam::Instant,
    store::worker_heartbeats::{Heartbeat, HeartbeatError, HeartbeatList, WorkerHeartbeats},
};

impl Reroute for WorkerHeartbeatsSubject {
    fn reroute(stores: Rerouted<dyn WorkerHeartbeats>) -> Arc<dyn WorkerHeartbeats> {
        Arc::new(stores)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl WorkerHeartbeats for Rerouted<dyn WorkerHeartbeats> {
    async fn upsert(&self, heartbeat: Heartbeat) -> Result<(), HeartbeatError> {
        self.of("upsert").upsert(heartbeat).await
    }

    async fn get(&self, worker_id: &str) -> Result<Heartbeat, HeartbeatError> {
        self.of("get").get(worker_id).await
    }

    async fn list(&self) -> Result<HeartbeatList, HeartbeatError> {
        self.of("list").list().await
    }

    async fn delete_stale(&self, before: Instant) -> Result<u64, HeartbeatError> {
        self.of("delete_stale").delete_stale(before).await
    }
}
