//! The methods of the API keys store.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use super::{
    failure::Failure,
    message::Answer,
    params::Params,
    registry::{Handle, Subject, Surroundings},
    values::{DamagedOut, done, entity, result},
};
use crate::{
    seam::Collection,
    store::api_keys::{ApiKey, ApiKeyError, ApiKeyStore, ApiKeys},
};

/// The API keys.
pub(super) const API_KEY: Subject = Subject {
    name: "api_key",
    methods: &["create", "get", "list", "update", "delete", "update_last_used"],
    spec: |_| Ok(ApiKeyStore::spec()),
    serve,
};

fn serve(collection: Arc<dyn Collection>, with: &Surroundings) -> Box<dyn Handle> {
    Box::new(ApiKeyHandle(ApiKeyStore::new(collection, Arc::clone(&with.clock))))
}

struct ApiKeyHandle(ApiKeyStore);

impl From<ApiKeyError> for Failure {
    fn from(error: ApiKeyError) -> Self {
        Self::new(error.kind(), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct One {
    api_key: Answer,
}

#[derive(Serialize)]
struct Many<'a> {
    api_keys: Vec<Answer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<DamagedOut<'a>>,
}

fn given(params: &Params) -> Result<ApiKey, Failure> {
    params.entity("api_key", ApiKey::from_document)
}

#[async_trait]
impl Handle for ApiKeyHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        let keys = &self.0;
        match method {
            "create" => done(keys.create(given(params)?).await),
            "get" => {
                let key = keys.get(&params.text("id")?).await?;
                result(&One { api_key: entity(&key.to_document())? })
            }
            "list" => {
                let list = keys.list().await?;
                let all = list.keys.iter().map(|key| entity(&key.to_document()));
                result(&Many {
                    api_keys: all.collect::<Result<_, _>>()?,
                    damaged: list.damaged.iter().map(DamagedOut::from).collect(),
                })
            }
            "update" => done(keys.update(given(params)?).await),
            "delete" => done(keys.delete(&params.text("id")?).await),
            "update_last_used" => done(keys.update_last_used(&params.text("id")?).await),
            other => Err(Failure::unknown_method(other)),
        }
    }
}
