//! The reference model of the secrets store.

mod data;
mod execute;
mod generate;
mod operation;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use data::{SecretData, ValueData};
pub use operation::SecretsOp;
pub use outcome::{SecretsProblem, SecretsSeen};
pub use rules::{SecretsModel, Stored, Value};
use serde_json::{Value as Json, value::RawValue};

use super::{
    legacy::LegacyDocument,
    members::unknown_members,
    sealed::{VARIANTS, encryption, older},
    source::{RawId, Source},
    subject::{Broken, Moment, Operation, Reach, Subject, Surroundings, Verdict},
};
use crate::{
    seam::{Collection, CollectionSpec, RecordId},
    store::{
        instant_text::InstantText,
        secrets::{SecretStore, Secrets},
    },
};

/// The secrets store under proof: with the right key, without one, with a wrong
/// one.
#[derive(Clone, Copy, Debug)]
pub struct SecretsSubject;

impl Subject for SecretsSubject {
    const NAME: &'static str = "secrets";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;
    const VARIANTS: u8 = VARIANTS;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let damage = if reach.damage { REQUIRED_WITH_DAMAGE } else { &[] };
        [REQUIRED, damage].concat()
    }

    type Op = SecretsOp;
    type Seen = SecretsSeen;
    type Model = SecretsModel;
    type Store = dyn Secrets;
    type Memory = ();

    fn spec() -> CollectionSpec {
        SecretStore::spec()
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store> {
        let clock = Arc::clone(&surroundings.clock);
        Arc::new(SecretStore::new(collection, clock, encryption(surroundings)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<SecretsOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    fn legacy_written(model: &mut SecretsModel, document: &LegacyDocument) {
        let id = Arc::from(&*document.id);
        model.put(id, legacy_secret(document));
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        legacy_secret(document).is_none()
    }

    fn legacy_removed(model: &mut SecretsModel, id: &str) {
        model.remove(id);
    }

    fn legacy_undone(model: &mut SecretsModel, earlier: &SecretsModel, id: &str) {
        model.remove(id);
        if earlier.holds(id) {
            model.put(Arc::from(id), earlier.secrets.get(id).cloned());
        }
    }

    async fn execute(store: &Self::Store, op: &mut SecretsOp, _memory: &mut ()) -> SecretsSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut SecretsModel,
        op: &SecretsOp,
        seen: &SecretsSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<SecretsSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &SecretsModel,
        op: &SecretsOp,
        moment: &Moment<'_>,
    ) -> Vec<SecretsModel> {
        rules::outcomes_unseen(model, op, moment)
    }

    fn interval(op: &SecretsOp) -> bool {
        matches!(op, SecretsOp::List { .. })
    }

    fn judge_interval(
        states: &mut dyn Iterator<Item = &SecretsModel>,
        op: &SecretsOp,
        seen: &SecretsSeen,
        _moment: &Moment<'_>,
    ) -> Result<(), Broken<SecretsSeen>> {
        let workspace = match op {
            SecretsOp::List { workspace } => workspace.as_ref(),
            _ => None,
        };
        rules::judge_list(states, workspace, seen)
    }

    fn writes(op: &SecretsOp, seen: Option<&SecretsSeen>) -> Option<Vec<RecordId>> {
        if op.is_read() || seen.is_some_and(Verdict::is_refusal) {
            return Some(Vec::new());
        }
        let id = match op {
            SecretsOp::Create { secret, .. } | SecretsOp::Update(secret) => &secret.id,
            SecretsOp::Delete { id }
            | SecretsOp::WriteValue { id, .. }
            | SecretsOp::Resolve { id } => id,
            _ => return None,
        };
        Some(RecordId::new(Arc::clone(&id.0)).into_iter().collect())
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a SecretsOp>) -> Vec<SecretsOp> {
        let (mut ids, mut references) = (BTreeSet::new(), BTreeSet::new());
        for op in ops {
            match op {
                SecretsOp::Create { secret, .. } | SecretsOp::Update(secret) => {
                    ids.insert(&secret.id);
                    references.insert((&secret.workspace, &secret.reference));
                }
                SecretsOp::Get { id }
                | SecretsOp::Delete { id }
                | SecretsOp::WriteValue { id, .. }
                | SecretsOp::CurrentVersion { id }
                | SecretsOp::Resolve { id } => {
                    ids.insert(id);
                }
                SecretsOp::GetByRef { workspace, reference } => {
                    references.insert((workspace, reference));
                }
                SecretsOp::List { .. } => {}
            }
        }
        let mut reads = vec![SecretsOp::List { workspace: None }];
        reads.extend(references.into_iter().map(|(workspace, reference)| SecretsOp::GetByRef {
            workspace: Arc::clone(workspace),
            reference: Arc::clone(reference),
        }));
        reads.extend(ids.into_iter().map(|id| SecretsOp::Get { id: id.clone() }));
        reads
    }

    fn trial() -> Vec<SecretsOp> {
        let id = RawId(Arc::from("trial"));
        let secret = SecretData::new(id.clone(), Arc::default(), Arc::from("trial"));
        vec![
            SecretsOp::Create { secret, value: None },
            SecretsOp::Get { id: id.clone() },
            SecretsOp::Delete { id },
        ]
    }
}

/// A secret that older software left, read with a reader of the model's own.
/// "`created_at`/`updated_at` from the payload where it has them, else the
/// file's modification time."
fn legacy_secret(document: &LegacyDocument) -> Option<Stored> {
    let raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&document.text).ok()?;
    let inner = raw.get("secret")?.get();
    let Json::Object(members) = serde_json::from_str(inner).ok()? else { return None };
    let maybe = |name: &str| members.get(name).and_then(Json::as_str).map(Arc::<str>::from);
    let text = |name: &str| maybe(name).unwrap_or_default();
    let instant = |name: &str| maybe(name).and_then(|text| InstantText::parse(&text));
    let changed = |name: &str| Some(instant(name).unwrap_or_else(|| document.modified.into()));
    // Only a missing text is as good as an empty one.
    if members.get("Ref").is_some_and(|reference| !reference.is_string()) {
        return None;
    }
    // "An older secret's empty workspace `.global`."
    let workspace = maybe("Workspace").filter(|text| !text.is_empty());
    let secret = SecretData {
        description: text("Description"),
        provider_type: text("ProviderType"),
        provider_connection_id: text("ProviderConnectionID"),
        provider_ref: text("ProviderRef"),
        provider_ref_fingerprint: text("ProviderRefFingerprint"),
        current_version: members.get("CurrentVersion").and_then(Json::as_u64).unwrap_or_default(),
        status: text("Status"),
        created_by: text("CreatedBy"),
        created_at: changed("CreatedAt"),
        updated_by: text("UpdatedBy"),
        updated_at: changed("UpdatedAt"),
        last_checked_at: instant("LastCheckedAt"),
        last_resolved_at: instant("LastResolvedAt"),
        last_rotated_at: instant("LastRotatedAt"),
        unknown: unknown_members(inner, KNOWN),
        ..SecretData::new(
            RawId(maybe("ID")?),
            workspace.unwrap_or_else(|| Arc::from(".global")),
            text("Ref"),
        )
    };
    if *secret.id.0 != *document.id {
        return None;
    }
    let versions = raw.get("versions").map_or("[]", |versions| versions.get());
    let versions: Vec<Json> = serde_json::from_str(versions).ok()?;
    let ciphertexts = versions.iter().map(|version| version.get("encrypted_value")?.as_str());
    let value = |ciphertext: Option<&str>| match ciphertext? {
        "" => Some(Value { text: Arc::default(), sealed: None }),
        ciphertext => {
            older(ciphertext).map(|(key, text)| Value { text: Arc::from(text), sealed: Some(key) })
        }
    };
    Some(Stored { secret, values: ciphertexts.map(value).collect::<Option<_>>()? })
}

/// The members of a secret that the store knows.
const KNOWN: &[&str] = &[
    "ID",
    "Workspace",
    "Ref",
    "Description",
    "ProviderType",
    "ProviderConnectionID",
    "ProviderRef",
    "ProviderRefFingerprint",
    "CurrentVersion",
    "Status",
    "CreatedBy",
    "CreatedAt",
    "UpdatedBy",
    "UpdatedAt",
    "LastCheckedAt",
    "LastResolvedAt",
    "LastRotatedAt",
];

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("create", "done"),
    ("create", "invalid_secret_id"),
    ("create", "invalid_workspace"),
    ("create", "invalid_ref"),
    ("create", "invalid_provider_type"),
    ("create", "unsupported_provider"),
    ("create", "key_required"),
    ("create", "secret_already_exists"),
    ("get", "secret"),
    ("get", "invalid_secret_id"),
    ("get", "secret_not_found"),
    ("get_by_ref", "secret"),
    ("get_by_ref", "invalid_workspace"),
    ("get_by_ref", "invalid_ref"),
    ("get_by_ref", "secret_not_found"),
    ("list", "list"),
    ("list", "list_empty"),
    ("list", "invalid_workspace"),
    ("update", "done"),
    ("update", "invalid_secret_id"),
    ("update", "invalid_workspace"),
    ("update", "invalid_ref"),
    ("update", "invalid_provider_type"),
    ("update", "secret_not_found"),
    ("update", "secret_already_exists"),
    ("delete", "done"),
    ("delete", "invalid_secret_id"),
    ("delete", "secret_not_found"),
    ("write_value", "secret"),
    ("write_value", "invalid_secret_id"),
    ("write_value", "key_required"),
    ("write_value", "secret_not_found"),
    ("write_value", "unsupported_provider"),
    ("current_version", "version"),
    ("current_version", "invalid_secret_id"),
    ("current_version", "secret_not_found"),
    ("current_version", "no_value"),
    ("resolve", "value"),
    ("resolve", "invalid_secret_id"),
    ("resolve", "secret_not_found"),
    ("resolve", "disabled"),
    ("resolve", "no_value"),
    ("resolve", "key_required"),
    ("resolve", "decrypt_failed"),
];

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] = &[
    ("get", "corrupt"),
    ("list", "list_with_damage"),
    ("update", "corrupt"),
    ("write_value", "corrupt"),
    ("current_version", "corrupt"),
    ("resolve", "corrupt"),
];
