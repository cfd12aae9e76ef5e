//! The reference model of the API keys store.

mod execute;
mod generate;
mod operation;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use operation::{ApiKeyData, ApiKeysOp};
pub use outcome::{ApiKeysProblem, ApiKeysSeen};
pub use rules::ApiKeysModel;
use serde_json::Value;

use super::{
    access::AccessData,
    failure::Failure,
    legacy::LegacyDocument,
    members::raw_members,
    source::{RawId, Source},
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::{
    seam::{Collection, CollectionSpec, RecordId},
    store::{
        api_keys::{ApiKeyStore, ApiKeys},
        instant_text::InstantText,
    },
};

/// The API keys store under proof.
#[derive(Clone, Copy, Debug)]
pub struct ApiKeysSubject;

impl Subject for ApiKeysSubject {
    const NAME: &'static str = "api_keys";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let mut required = REQUIRED.to_vec();
        if reach.damage {
            required.extend(REQUIRED_WITH_DAMAGE);
        }
        required
    }

    type Op = ApiKeysOp;
    type Seen = ApiKeysSeen;
    type Model = ApiKeysModel;
    type Store = dyn ApiKeys;
    type Memory = ();

    fn spec() -> CollectionSpec {
        ApiKeyStore::spec()
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store> {
        Arc::new(ApiKeyStore::new(collection, Arc::clone(&surroundings.clock)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<ApiKeysOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    fn legacy_written(model: &mut ApiKeysModel, document: &LegacyDocument) {
        model.remove(&document.id);
        let id = Arc::from(document.id.as_str());
        match legacy_key(document) {
            Some(key) => {
                model.keys.insert(id, key);
            }
            None => {
                model.damaged.insert(id);
            }
        }
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        legacy_key(document).is_none()
    }

    fn legacy_removed(model: &mut ApiKeysModel, id: &str) {
        model.remove(id);
    }

    fn legacy_undone(model: &mut ApiKeysModel, earlier: &ApiKeysModel, id: &str) {
        Self::legacy_removed(model, id);
        let entry = earlier.keys.get_key_value(id);
        model.keys.extend(entry.map(|(id, entry)| (Arc::clone(id), entry.clone())));
        model.damaged.extend(earlier.damaged.get(id).cloned());
    }

    async fn execute(store: &Self::Store, op: &mut ApiKeysOp, _memory: &mut ()) -> ApiKeysSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut ApiKeysModel,
        op: &ApiKeysOp,
        seen: &ApiKeysSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<ApiKeysSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &ApiKeysModel,
        op: &ApiKeysOp,
        moment: &Moment<'_>,
    ) -> Vec<ApiKeysModel> {
        rules::outcomes_unseen(model, op, moment.now)
    }

    fn interval(op: &ApiKeysOp) -> bool {
        matches!(op, ApiKeysOp::List)
    }

    fn judge_interval(
        states: &mut dyn Iterator<Item = &ApiKeysModel>,
        _op: &ApiKeysOp,
        seen: &ApiKeysSeen,
        _moment: &Moment<'_>,
    ) -> Result<(), Broken<ApiKeysSeen>> {
        rules::judge_list(states, seen)
    }

    fn writes(op: &ApiKeysOp, seen: Option<&ApiKeysSeen>) -> Option<Vec<RecordId>> {
        let id = match op {
            ApiKeysOp::Create(key) | ApiKeysOp::Update(key) => Some(&key.id),
            ApiKeysOp::Delete { id } | ApiKeysOp::UpdateLastUsed { id } => Some(id),
            ApiKeysOp::Get { .. } | ApiKeysOp::List => None,
        };
        let refused = matches!(seen, Some(ApiKeysSeen::Failed(Failure { unknown: false, .. })));
        let written = id.filter(|_| !refused).and_then(|id| RecordId::new(Arc::clone(&id.0)).ok());
        Some(written.into_iter().collect())
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a ApiKeysOp>) -> Vec<ApiKeysOp> {
        let mut ids = BTreeSet::new();
        for op in ops {
            match op {
                ApiKeysOp::Create(key) | ApiKeysOp::Update(key) => {
                    ids.insert(&key.id);
                }
                ApiKeysOp::Get { id }
                | ApiKeysOp::Delete { id }
                | ApiKeysOp::UpdateLastUsed { id } => {
                    ids.insert(id);
                }
                ApiKeysOp::List => {}
            }
        }
        let mut reads = vec![ApiKeysOp::List];
        reads.extend(ids.into_iter().map(|id| ApiKeysOp::Get { id: id.clone() }));
        reads
    }

    fn trial() -> Vec<ApiKeysOp> {
        let id = RawId(Arc::from("trial"));
        vec![
            ApiKeysOp::Create(Box::new(ApiKeyData::new(id.clone(), Arc::from("trial")))),
            ApiKeysOp::Get { id: id.clone() },
            ApiKeysOp::Delete { id },
        ]
    }
}

/// A key that older software left, read with a reader of the model's own, and
/// normalised. "`created_at`/`updated_at` from the payload where it has them,
/// else the file's modification time."
fn legacy_key(document: &LegacyDocument) -> Option<ApiKeyData> {
    let Value::Object(mut members) = serde_json::from_str(&document.text).ok()? else {
        return None;
    };
    let mut take = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Some(Arc::<str>::from(text)),
        _ => None,
    };
    let (id, name) = (take("id")?, take("name")?);
    if *id != *document.id || name.is_empty() {
        return None;
    }
    let mut key = ApiKeyData::new(RawId(id), name);
    key.description = take("description");
    key.role = take("role").unwrap_or_default();
    key.attribution_class = take("attribution_class");
    key.owner_user_id = take("owner_user_id");
    key.owner_username = take("owner_username");
    key.service_account_id = take("service_account_id");
    key.service_account_name = take("service_account_name");
    key.key_hash = take("key_hash").unwrap_or_default();
    key.key_prefix = take("key_prefix").unwrap_or_default();
    key.created_by = take("created_by").unwrap_or_default();
    let mut instant = |name| take(name).and_then(|text| InstantText::parse(&text));
    let modified = || Some(document.modified.into());
    key.created_at = instant("created_at").or_else(modified);
    key.updated_at = instant("updated_at").or_else(modified);
    key.last_used_at = instant("last_used_at");
    key.migrated_as_service_account =
        members.remove("migrated_as_service_account").and_then(|value| value.as_bool());
    key.workspace_access =
        members.remove("workspace_access").map(|access| AccessData::from_json(&access));
    if let Some(Value::Array(surfaces)) = members.remove("allowed_surfaces") {
        key.allowed_surfaces = surfaces.iter().filter_map(Value::as_str).map(Arc::from).collect();
    }
    // What is left of the members is unknown.
    key.unknown = raw_members(&document.text);
    key.unknown.retain(|name, _| members.contains_key(&**name));
    Some(rules::normalised(&key))
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("create", "done"),
    ("create", "invalid_api_key_id"),
    ("create", "invalid_api_key_name"),
    ("create", "api_key_already_exists"),
    ("get", "key"),
    ("get", "api_key_not_found"),
    ("get", "invalid_api_key_id"),
    ("list", "list"),
    ("list", "list_empty"),
    ("update", "done"),
    ("update", "invalid_api_key_id"),
    ("update", "invalid_api_key_name"),
    ("update", "api_key_not_found"),
    ("update", "api_key_already_exists"),
    ("delete", "done"),
    ("delete", "invalid_api_key_id"),
    ("delete", "api_key_not_found"),
    ("update_last_used", "done"),
    ("update_last_used", "invalid_api_key_id"),
    ("update_last_used", "api_key_not_found"),
];

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] = &[
    ("get", "corrupt"),
    ("list", "list_with_damage"),
    ("update", "corrupt"),
    ("update_last_used", "corrupt"),
];
