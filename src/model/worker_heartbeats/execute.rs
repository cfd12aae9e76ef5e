//! Calling a real heartbeats store.

use std::sync::Arc;

use super::{
    operation::{HeartbeatData, HeartbeatsOp},
    outcome::HeartbeatsSeen,
};
use crate::{
    model::{
        members::{from_document, to_document},
        source::RawId,
    },
    store::worker_heartbeats::{Heartbeat, WorkerHeartbeats},
};

/// Does one call.
pub(super) async fn execute(store: &dyn WorkerHeartbeats, op: &HeartbeatsOp) -> HeartbeatsSeen {
    let seen = match op {
        HeartbeatsOp::Upsert(heartbeat) => {
            store.upsert(to_heartbeat(heartbeat)).await.map(|()| HeartbeatsSeen::Done)
        }
        HeartbeatsOp::Get { worker_id } => store
            .get(&worker_id.0)
            .await
            .map(|heartbeat| HeartbeatsSeen::Heartbeat(Box::new(from_heartbeat(&heartbeat)))),
        HeartbeatsOp::List => store.list().await.map(|list| HeartbeatsSeen::List {
            heartbeats: list.heartbeats.iter().map(from_heartbeat).collect(),
            damaged: list.damaged.into_iter().map(|damaged| damaged.id).collect(),
        }),
        HeartbeatsOp::DeleteStale { before } => {
            store.delete_stale(*before).await.map(HeartbeatsSeen::Removed)
        }
    };
    seen.unwrap_or_else(|error| HeartbeatsSeen::failed(&error))
}

fn to_heartbeat(data: &HeartbeatData) -> Heartbeat {
    let mut heartbeat = Heartbeat::new(&*data.worker_id.0, data.last_heartbeat_at);
    heartbeat.labels = data.labels.as_ref().map(to_document);
    heartbeat.stats = data.stats.as_ref().map(to_document);
    heartbeat.unknown = to_document(&data.unknown);
    heartbeat
}

fn from_heartbeat(heartbeat: &Heartbeat) -> HeartbeatData {
    HeartbeatData {
        worker_id: RawId(Arc::from(&*heartbeat.worker_id)),
        labels: heartbeat.labels.as_ref().map(from_document),
        stats: heartbeat.stats.as_ref().map(from_document),
        last_heartbeat_at: heartbeat.last_heartbeat_at,
        unknown: from_document(&heartbeat.unknown),
    }
}
