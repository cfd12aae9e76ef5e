//! API keys, some calls of which go to another store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::rerouted::{Reroute, Rerouted},
    model::api_keys::ApiKeysSubject,
    store::api_keys::{ApiKey, ApiKeyError, ApiKeyList, ApiKeys},
};

impl Reroute for ApiKeysSubject {
    fn reroute(stores: Rerouted<dyn ApiKeys>) -> Arc<dyn ApiKeys> {
        Arc::new(stores)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ApiKeys for Rerouted<dyn ApiKeys> {
    async fn create(&self, key: ApiKey) -> Result<(), ApiKeyError> {
        self.of("create").create(key).await
    }

    async fn get(&self, id: &str) -> Result<ApiKey, ApiKeyError> {
        self.of("get").get(id).await
    }

    async fn list(&self) -> Result<ApiKeyList, ApiKeyError> {
        self.of("list").list().await
    }

    async fn update(&self, key: ApiKey) -> Result<(), ApiKeyError> {
        self.of("update").update(key).await
    }

    async fn delete(&self, id: &str) -> Result<(), ApiKeyError> {
        self.of("delete").delete(id).await
    }

    async fn update_last_used(&self, id: &str) -> Result<(), ApiKeyError> {
        self.of("update_last_used").update_last_used(id).await
    }
}
