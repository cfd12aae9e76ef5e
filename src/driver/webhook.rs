//! The methods of the webhooks store.

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
    seam::{Collection, RecordId},
    store::{
        error::DamagedEntity,
        webhooks::{Webhook, WebhookError, WebhookStore, Webhooks},
    },
};

/// The webhooks, with their HMAC secrets in plain.
pub(super) const WEBHOOK: Subject = Subject {
    name: "webhook",
    methods: &[
        "create",
        "get",
        "get_by_dag_name",
        "list",
        "update",
        "delete",
        "delete_by_dag_name",
        "update_last_used",
    ],
    spec: |_| Ok(WebhookStore::spec()),
    serve,
};

fn serve(collection: Arc<dyn Collection>, with: &Surroundings) -> Box<dyn Handle> {
    let clock = Arc::clone(&with.clock);
    Box::new(WebhookHandle(WebhookStore::new(collection, clock, with.encryption())))
}

struct WebhookHandle(WebhookStore);

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        Self::new(error.kind(), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct One {
    webhook: Answer,
}

#[derive(Serialize)]
struct Many<'a> {
    webhooks: Vec<Answer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<NotShown<'a>>,
}

/// What a list can't show, and why: damage, or a secret that does not open.
#[derive(Serialize)]
struct NotShown<'a> {
    id: &'a RecordId,
    kind: &'static str,
}

impl<'a> From<&'a DamagedEntity> for NotShown<'a> {
    fn from(damaged: &'a DamagedEntity) -> Self {
        Self { id: &damaged.id, kind: damaged.kind.name() }
    }
}

fn given(params: &Params) -> Result<Webhook, Failure> {
    params.entity("webhook", Webhook::from_document)
}

fn one(webhook: Result<Webhook, WebhookError>) -> Result<Answer, Failure> {
    result(&One { webhook: entity(&webhook?.to_document())? })
}

#[async_trait]
impl Handle for WebhookHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        let webhooks = &self.0;
        match method {
            "create" => done(webhooks.create(given(params)?).await),
            "get" => one(webhooks.get(&params.text("id")?).await),
            "get_by_dag_name" => one(webhooks.get_by_dag_name(&params.text("dag_name")?).await),
            "list" => {
                let list = webhooks.list().await?;
                let all = list.webhooks.iter().map(|webhook| entity(&webhook.to_document()));
                result(&Many {
                    webhooks: all.collect::<Result<_, _>>()?,
                    damaged: list.damaged.iter().map(NotShown::from).collect(),
                })
            }
            "update" => done(webhooks.update(given(params)?).await),
            "delete" => done(webhooks.delete(&params.text("id")?).await),
            "delete_by_dag_name" => {
                done(webhooks.delete_by_dag_name(&params.text("dag_name")?).await)
            }
            "update_last_used" => done(webhooks.update_last_used(&params.text("id")?).await),
            other => Err(Failure::unknown_method(other)),
        }
    }
}
