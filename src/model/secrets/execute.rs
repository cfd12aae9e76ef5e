//! Calling a real secrets store.

use std::sync::Arc;

use super::{
    data::{SecretData, ValueData},
    operation::SecretsOp,
    outcome::SecretsSeen,
};
use crate::{
    model::{
        members::{from_document, to_document},
        source::RawId,
    },
    store::{
        encryption::SecretText,
        secrets::{Secret, SecretError, SecretValue, Secrets},
    },
};

/// Does one call.
pub(super) async fn execute(store: &dyn Secrets, op: &SecretsOp) -> SecretsSeen {
    match op {
        SecretsOp::Create { secret, value } => {
            done(store.create(to_secret(secret), value.as_ref().map(to_value)).await)
        }
        SecretsOp::Get { id } => one(store.get(&id.0).await),
        SecretsOp::GetByRef { workspace, reference } => {
            one(store.get_by_ref(workspace, reference).await)
        }
        SecretsOp::List { workspace } => match store.list(workspace.as_deref()).await {
            Ok(list) => SecretsSeen::List {
                secrets: list.secrets.iter().map(from_secret).collect(),
                damaged: list.damaged.into_iter().map(|other| (other.id, other.kind)).collect(),
            },
            Err(error) => SecretsSeen::failed(&error),
        },
        SecretsOp::Update(secret) => done(store.update(to_secret(secret)).await),
        SecretsOp::Delete { id } => done(store.delete(&id.0).await),
        SecretsOp::WriteValue { id, value } => one(store.write_value(&id.0, to_value(value)).await),
        SecretsOp::CurrentVersion { id } => match store.current_version(&id.0).await {
            Ok(version) => SecretsSeen::Version(version),
            Err(error) => SecretsSeen::failed(&error),
        },
        SecretsOp::Resolve { id } => match store.resolve(&id.0).await {
            Ok(resolved) => SecretsSeen::Value {
                value: Arc::from(resolved.value.expose()),
                version: resolved.version,
            },
            Err(error) => SecretsSeen::failed(&error),
        },
    }
}

fn done(result: Result<(), SecretError>) -> SecretsSeen {
    result.map_or_else(|error| SecretsSeen::failed(&error), |()| SecretsSeen::Done)
}

fn one(result: Result<Secret, SecretError>) -> SecretsSeen {
    match result {
        Ok(secret) => SecretsSeen::Secret(Box::new(from_secret(&secret))),
        Err(error) => SecretsSeen::failed(&error),
    }
}

fn to_value(data: &ValueData) -> SecretValue {
    SecretValue {
        value: SecretText::new(&*data.value),
        created_by: data.created_by.to_string(),
        created_at: data.created_at.clone(),
    }
}

fn to_secret(data: &SecretData) -> Secret {
    Secret {
        description: data.description.to_string(),
        provider_type: data.provider_type.to_string(),
        provider_connection_id: data.provider_connection_id.to_string(),
        provider_ref: data.provider_ref.to_string(),
        provider_ref_fingerprint: data.provider_ref_fingerprint.to_string(),
        current_version: data.current_version,
        status: data.status.to_string(),
        created_by: data.created_by.to_string(),
        created_at: data.created_at.clone(),
        updated_by: data.updated_by.to_string(),
        updated_at: data.updated_at.clone(),
        last_checked_at: data.last_checked_at.clone(),
        last_resolved_at: data.last_resolved_at.clone(),
        last_rotated_at: data.last_rotated_at.clone(),
        unknown: to_document(&data.unknown),
        ..Secret::new(&*data.id.0, &*data.workspace, &*data.reference)
    }
}

fn from_secret(secret: &Secret) -> SecretData {
    let text = |text: &str| Arc::<str>::from(text);
    SecretData {
        description: text(&secret.description),
        provider_type: text(&secret.provider_type),
        provider_connection_id: text(&secret.provider_connection_id),
        provider_ref: text(&secret.provider_ref),
        provider_ref_fingerprint: text(&secret.provider_ref_fingerprint),
        current_version: secret.current_version,
        status: text(&secret.status),
        created_by: text(&secret.created_by),
        created_at: secret.created_at.clone(),
        updated_by: text(&secret.updated_by),
        updated_at: secret.updated_at.clone(),
        last_checked_at: secret.last_checked_at.clone(),
        last_resolved_at: secret.last_resolved_at.clone(),
        last_rotated_at: secret.last_rotated_at.clone(),
        unknown: from_document(&secret.unknown),
        ..SecretData::new(RawId(text(&secret.id)), text(&secret.workspace), text(&secret.reference))
    }
}
