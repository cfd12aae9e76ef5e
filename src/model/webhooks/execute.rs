//! Calling a real webhooks store.

use std::sync::Arc;

use super::{
    operation::{WebhookData, WebhooksOp},
    outcome::WebhooksSeen,
};
use crate::{
    model::{
        members::{from_document, to_document},
        source::RawId,
    },
    store::{
        encryption::SecretText,
        webhooks::{Webhook, WebhookError, Webhooks},
    },
};

/// Does one call.
pub(super) async fn execute(store: &dyn Webhooks, op: &WebhooksOp) -> WebhooksSeen {
    match op {
        WebhooksOp::Create(webhook) => done(store.create(to_webhook(webhook)).await),
        WebhooksOp::Get { id } => one(store.get(&id.0).await),
        WebhooksOp::GetByDagName { dag_name } => one(store.get_by_dag_name(dag_name).await),
        WebhooksOp::List => match store.list().await {
            Ok(list) => WebhooksSeen::List {
                webhooks: list.webhooks.iter().map(from_webhook).collect(),
                damaged: list.damaged.into_iter().map(|other| (other.id, other.kind)).collect(),
            },
            Err(error) => WebhooksSeen::failed(&error),
        },
        WebhooksOp::Update(webhook) => done(store.update(to_webhook(webhook)).await),
        WebhooksOp::Delete { id } => done(store.delete(&id.0).await),
        WebhooksOp::DeleteByDagName { dag_name } => done(store.delete_by_dag_name(dag_name).await),
        WebhooksOp::UpdateLastUsed { id } => done(store.update_last_used(&id.0).await),
    }
}

fn done(result: Result<(), WebhookError>) -> WebhooksSeen {
    result.map_or_else(|error| WebhooksSeen::failed(&error), |()| WebhooksSeen::Done)
}

fn one(result: Result<Webhook, WebhookError>) -> WebhooksSeen {
    match result {
        Ok(webhook) => WebhooksSeen::Webhook(Box::new(from_webhook(&webhook))),
        Err(error) => WebhooksSeen::failed(&error),
    }
}

fn to_webhook(data: &WebhookData) -> Webhook {
    let text = |text: &Option<Arc<str>>| text.as_ref().map(ToString::to_string);
    Webhook {
        token_hash: data.token_hash.to_string(),
        token_prefix: data.token_prefix.to_string(),
        enabled: data.enabled,
        created_at: data.created_at.clone(),
        updated_at: data.updated_at.clone(),
        created_by: data.created_by.to_string(),
        last_used_at: data.last_used_at.clone(),
        auth_mode: text(&data.auth_mode),
        hmac_enforcement_mode: text(&data.hmac_enforcement_mode),
        hmac_secret: data.hmac_secret.as_deref().map(SecretText::new),
        hmac_secret_generated_at: data.hmac_secret_generated_at.clone(),
        unknown: to_document(&data.unknown),
        ..Webhook::new(&*data.id.0, &*data.dag_name)
    }
}

fn from_webhook(webhook: &Webhook) -> WebhookData {
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    WebhookData {
        token_hash: Arc::from(&*webhook.token_hash),
        token_prefix: Arc::from(&*webhook.token_prefix),
        enabled: webhook.enabled,
        created_at: webhook.created_at.clone(),
        updated_at: webhook.updated_at.clone(),
        created_by: Arc::from(&*webhook.created_by),
        last_used_at: webhook.last_used_at.clone(),
        auth_mode: text(&webhook.auth_mode),
        hmac_enforcement_mode: text(&webhook.hmac_enforcement_mode),
        hmac_secret: webhook.hmac_secret.as_ref().map(|secret| Arc::from(secret.expose())),
        hmac_secret_generated_at: webhook.hmac_secret_generated_at.clone(),
        unknown: from_document(&webhook.unknown),
        ..WebhookData::new(RawId(Arc::from(&*webhook.id)), Arc::from(&*webhook.dag_name))
    }
}
