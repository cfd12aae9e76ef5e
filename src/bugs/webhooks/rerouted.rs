//! Webhooks, some calls of which go to another store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::rerouted::{Reroute, Rerouted},
    model::webhooks::WebhooksSubject,
    store::webhooks::{Webhook, WebhookError, WebhookList, Webhooks},
};

impl Reroute for WebhooksSubject {
    fn reroute(stores: Rerouted<dyn Webhooks>) -> Arc<dyn Webhooks> {
        Arc::new(stores)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Webhooks for Rerouted<dyn Webhooks> {
    async fn create(&self, webhook: Webhook) -> Result<(), WebhookError> {
        self.of("create").create(webhook).await
    }

    async fn get(&self, id: &str) -> Result<Webhook, WebhookError> {
        self.of("get").get(id).await
    }

    async fn get_by_dag_name(&self, dag_name: &str) -> Result<Webhook, WebhookError> {
        self.of("get_by_dag_name").get_by_dag_name(dag_name).await
    }

    async fn list(&self) -> Result<WebhookList, WebhookError> {
        self.of("list").list().await
    }

    async fn update(&self, webhook: Webhook) -> Result<(), WebhookError> {
        self.of("update").update(webhook).await
    }

    async fn delete(&self, id: &str) -> Result<(), WebhookError> {
        self.of("delete").delete(id).await
    }

    async fn delete_by_dag_name(&self, dag_name: &str) -> Result<(), WebhookError> {
        self.of("delete_by_dag_name").delete_by_dag_name(dag_name).await
    }

    async fn update_last_used(&self, id: &str) -> Result<(), WebhookError> {
        self.of("update_last_used").update_last_used(id).await
    }
}
