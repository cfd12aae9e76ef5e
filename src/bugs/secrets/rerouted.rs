//! Secrets, some calls of which go to another store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::rerouted::{Reroute, Rerouted},
    model::secrets::SecretsSubject,
    store::secrets::{Resolved, Secret, SecretError, SecretList, SecretValue, Secrets},
};

impl Reroute for SecretsSubject {
    fn reroute(stores: Rerouted<dyn Secrets>) -> Arc<dyn Secrets> {
        Arc::new(stores)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Secrets for Rerouted<dyn Secrets> {
    async fn create(&self, secret: Secret, value: Option<SecretValue>) -> Result<(), SecretError> {
        self.of("create").create(secret, value).await
    }

    async fn get(&self, id: &str) -> Result<Secret, SecretError> {
        self.of("get").get(id).await
    }

    async fn get_by_ref(&self, workspace: &str, reference: &str) -> Result<Secret, SecretError> {
        self.of("get_by_ref").get_by_ref(workspace, reference).await
    }

    async fn list(&self, workspace: Option<&str>) -> Result<SecretList, SecretError> {
        self.of("list").list(workspace).await
    }

    async fn update(&self, secret: Secret) -> Result<(), SecretError> {
        self.of("update").update(secret).await
    }

    async fn delete(&self, id: &str) -> Result<(), SecretError> {
        self.of("delete").delete(id).await
    }

    async fn write_value(&self, id: &str, value: SecretValue) -> Result<Secret, SecretError> {
        self.of("write_value").write_value(id, value).await
    }

    async fn current_version(&self, id: &str) -> Result<u64, SecretError> {
        self.of("current_version").current_version(id).await
    }

    async fn resolve(&self, id: &str) -> Result<Resolved, SecretError> {
        self.of("resolve").resolve(id).await
    }
}
