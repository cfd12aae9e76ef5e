//! The methods of the watermark store.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use super::{
    failure::Failure,
    message::Answer,
    params::Params,
    registry::{Handle, Subject, Surroundings},
    values::{done, entity, result},
};
use crate::{
    seam::Collection,
    store::watermark::{WatermarkError, WatermarkStore, Watermarks},
};

/// The watermark of a scheduler.
pub(super) const WATERMARK: Subject = Subject {
    name: "watermark",
    methods: &["load", "save"],
    spec: |_| Ok(WatermarkStore::spec()),
    serve,
};

fn serve(collection: Arc<dyn Collection>, with: &Surroundings) -> Box<dyn Handle> {
    Box::new(WatermarkHandle(WatermarkStore::new(collection, Arc::clone(&with.clock))))
}

struct WatermarkHandle(WatermarkStore);

impl From<WatermarkError> for Failure {
    fn from(error: WatermarkError) -> Self {
        Self::new(error.kind(), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct One {
    state: Answer,
}

#[async_trait]
impl Handle for WatermarkHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        match method {
            "load" => {
                let loaded = self.0.load().await?;
                result(&One { state: entity(&loaded.state.to_document())? })
            }
            // As it is given: what this release does not know of a state of
            // another version is stored all the same.
            "save" => {
                let state = params.entity("state", |document| Ok(document.to_payload()))?;
                done(self.0.save(state).await)
            }
            other => Err(Failure::unknown_method(other)),
        }
    }
}
