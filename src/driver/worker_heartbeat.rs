//! The methods of the heartbeats store.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use super::{
    failure::Failure,
    message::Answer,
    params::Params,
    registry::{Handle, Subject, Surroundings},
    values::{DamagedOut, counted, done, entity, result},
};
use crate::{
    seam::Collection,
    store::worker_heartbeats::{Heartbeat, HeartbeatError, WorkerHeartbeatStore, WorkerHeartbeats},
};

/// The heartbeats of workers.
pub(super) const WORKER_HEARTBEAT: Subject = Subject {
    name: "worker_heartbeat",
    methods: &["upsert", "get", "list", "delete_stale"],
    spec: |_| Ok(WorkerHeartbeatStore::spec()),
    serve,
};

fn serve(collection: Arc<dyn Collection>, with: &Surroundings) -> Box<dyn Handle> {
    Box::new(HeartbeatHandle(WorkerHeartbeatStore::new(collection, Arc::clone(&with.clock))))
}

struct HeartbeatHandle(WorkerHeartbeatStore);

impl From<HeartbeatError> for Failure {
    fn from(error: HeartbeatError) -> Self {
        Self::new(error.kind(), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct One {
    heartbeat: Answer,
}

#[derive(Serialize)]
struct Many<'a> {
    heartbeats: Vec<Answer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<DamagedOut<'a>>,
}

#[async_trait]
impl Handle for HeartbeatHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        let heartbeats = &self.0;
        match method {
            "upsert" => {
                let given = params.entity("heartbeat", Heartbeat::from_document)?;
                done(heartbeats.upsert(given).await)
            }
            "get" => {
                let heartbeat = heartbeats.get(&params.text("worker_id")?).await?;
                result(&One { heartbeat: entity(&heartbeat.to_document())? })
            }
            "list" => {
                let list = heartbeats.list().await?;
                let all = list.heartbeats.iter().map(|heartbeat| entity(&heartbeat.to_document()));
                result(&Many {
                    heartbeats: all.collect::<Result<_, _>>()?,
                    damaged: list.damaged.iter().map(DamagedOut::from).collect(),
                })
            }
            "delete_stale" => counted(heartbeats.delete_stale(params.instant("before")?).await),
            other => Err(Failure::unknown_method(other)),
        }
    }
}
