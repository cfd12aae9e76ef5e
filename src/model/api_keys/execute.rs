//! Calling a real API keys store.

use std::sync::Arc;

use super::{
    operation::{ApiKeyData, ApiKeysOp},
    outcome::ApiKeysSeen,
};
use crate::{
    model::{
        access::AccessData,
        members::{from_document, to_document},
        source::RawId,
    },
    store::api_keys::{ApiKey, ApiKeyError, ApiKeys},
};

/// Does one call.
pub(super) async fn execute(store: &dyn ApiKeys, op: &ApiKeysOp) -> ApiKeysSeen {
    match op {
        ApiKeysOp::Create(key) => done(store.create(to_key(key)).await),
        ApiKeysOp::Get { id } => match store.get(&id.0).await {
            Ok(key) => ApiKeysSeen::Key(Box::new(from_key(&key))),
            Err(error) => ApiKeysSeen::failed(&error),
        },
        ApiKeysOp::List => match store.list().await {
            Ok(list) => ApiKeysSeen::List {
                keys: list.keys.iter().map(from_key).collect(),
                damaged: list.damaged.into_iter().map(|damaged| damaged.id).collect(),
            },
            Err(error) => ApiKeysSeen::failed(&error),
        },
        ApiKeysOp::Update(key) => done(store.update(to_key(key)).await),
        ApiKeysOp::Delete { id } => done(store.delete(&id.0).await),
        ApiKeysOp::UpdateLastUsed { id } => done(store.update_last_used(&id.0).await),
    }
}

fn done(result: Result<(), ApiKeyError>) -> ApiKeysSeen {
    result.map_or_else(|error| ApiKeysSeen::failed(&error), |()| ApiKeysSeen::Done)
}

fn to_key(data: &ApiKeyData) -> ApiKey {
    let text = |text: &Option<Arc<str>>| text.as_ref().map(ToString::to_string);
    let mut key = ApiKey::new(&*data.id.0, &*data.name);
    key.description = text(&data.description);
    key.role = data.role.to_string();
    key.workspace_access = data.workspace_access.as_ref().map(AccessData::to_store);
    key.allowed_surfaces = data.allowed_surfaces.iter().map(ToString::to_string).collect();
    key.attribution_class = text(&data.attribution_class);
    key.owner_user_id = text(&data.owner_user_id);
    key.owner_username = text(&data.owner_username);
    key.service_account_id = text(&data.service_account_id);
    key.service_account_name = text(&data.service_account_name);
    key.migrated_as_service_account = data.migrated_as_service_account;
    key.key_hash = data.key_hash.to_string();
    key.key_prefix = data.key_prefix.to_string();
    key.created_at = data.created_at.clone();
    key.updated_at = data.updated_at.clone();
    key.created_by = data.created_by.to_string();
    key.last_used_at = data.last_used_at.clone();
    key.unknown = to_document(&data.unknown);
    key
}

fn from_key(key: &ApiKey) -> ApiKeyData {
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    let mut data = ApiKeyData::new(RawId(Arc::from(&*key.id)), Arc::from(&*key.name));
    data.description = text(&key.description);
    data.role = Arc::from(&*key.role);
    data.workspace_access = key.workspace_access.as_ref().map(AccessData::from_store);
    data.allowed_surfaces = key.allowed_surfaces.iter().map(|text| Arc::from(&**text)).collect();
    data.attribution_class = text(&key.attribution_class);
    data.owner_user_id = text(&key.owner_user_id);
    data.owner_username = text(&key.owner_username);
    data.service_account_id = text(&key.service_account_id);
    data.service_account_name = text(&key.service_account_name);
    data.migrated_as_service_account = key.migrated_as_service_account;
    data.key_hash = Arc::from(&*key.key_hash);
    data.key_prefix = Arc::from(&*key.key_prefix);
    data.created_at = key.created_at.clone();
    data.updated_at = key.updated_at.clone();
    data.created_by = Arc::from(&*key.created_by);
    data.last_used_at = key.last_used_at.clone();
    data.unknown = from_document(&key.unknown);
    data
}
