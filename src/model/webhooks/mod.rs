//! The reference model of the webhooks store.

mod execute;
mod generate;
mod operation;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use operation::{WebhookData, WebhooksOp};
pub use outcome::{WebhooksProblem, WebhooksSeen};
pub use rules::{Stored, WebhooksModel};
use serde_json::Value;

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
        webhooks::{WebhookStore, Webhooks},
    },
};

/// The webhooks store under proof: with the right key, without one, with a
/// wrong one.
#[derive(Clone, Copy, Debug)]
pub struct WebhooksSubject;

impl Subject for WebhooksSubject {
    const NAME: &'static str = "webhooks";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;
    const VARIANTS: u8 = VARIANTS;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let damage = if reach.damage { REQUIRED_WITH_DAMAGE } else { &[] };
        [REQUIRED, damage].concat()
    }

    type Op = WebhooksOp;
    type Seen = WebhooksSeen;
    type Model = WebhooksModel;
    type Store = dyn Webhooks;
    type Memory = ();

    fn spec() -> CollectionSpec {
        WebhookStore::spec()
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store> {
        let clock = Arc::clone(&surroundings.clock);
        Arc::new(WebhookStore::new(collection, clock, encryption(surroundings)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<WebhooksOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    fn legacy_written(model: &mut WebhooksModel, document: &LegacyDocument) {
        let id = Arc::from(&*document.id);
        model.put(id, legacy_webhook(document));
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        legacy_webhook(document).is_none()
    }

    fn legacy_removed(model: &mut WebhooksModel, id: &str) {
        model.remove(id);
    }

    fn legacy_undone(model: &mut WebhooksModel, earlier: &WebhooksModel, id: &str) {
        model.remove(id);
        if earlier.holds(id) {
            model.put(Arc::from(id), earlier.webhooks.get(id).cloned());
        }
    }

    async fn execute(store: &Self::Store, op: &mut WebhooksOp, _memory: &mut ()) -> WebhooksSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut WebhooksModel,
        op: &WebhooksOp,
        seen: &WebhooksSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<WebhooksSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(
        model: &WebhooksModel,
        op: &WebhooksOp,
        moment: &Moment<'_>,
    ) -> Vec<WebhooksModel> {
        rules::outcomes_unseen(model, op, moment)
    }

    fn interval(op: &WebhooksOp) -> bool {
        matches!(op, WebhooksOp::List)
    }

    fn judge_interval(
        states: &mut dyn Iterator<Item = &WebhooksModel>,
        _op: &WebhooksOp,
        seen: &WebhooksSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<WebhooksSeen>> {
        rules::judge_list(states, seen, moment.variant)
    }

    fn writes(op: &WebhooksOp, seen: Option<&WebhooksSeen>) -> Option<Vec<RecordId>> {
        if op.is_read() || seen.is_some_and(Verdict::is_refusal) {
            return Some(Vec::new());
        }
        let id = match op {
            WebhooksOp::Create(webhook) | WebhooksOp::Update(webhook) => &webhook.id,
            WebhooksOp::Delete { id } | WebhooksOp::UpdateLastUsed { id } => id,
            _ => return None,
        };
        Some(RecordId::new(Arc::clone(&id.0)).into_iter().collect())
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a WebhooksOp>) -> Vec<WebhooksOp> {
        let (mut ids, mut dags) = (BTreeSet::new(), BTreeSet::new());
        for op in ops {
            match op {
                WebhooksOp::Create(webhook) | WebhooksOp::Update(webhook) => {
                    ids.insert(&webhook.id);
                    dags.insert(&webhook.dag_name);
                }
                WebhooksOp::Get { id }
                | WebhooksOp::Delete { id }
                | WebhooksOp::UpdateLastUsed { id } => {
                    ids.insert(id);
                }
                WebhooksOp::GetByDagName { dag_name }
                | WebhooksOp::DeleteByDagName { dag_name } => {
                    dags.insert(dag_name);
                }
                WebhooksOp::List => {}
            }
        }
        let mut reads = vec![WebhooksOp::List];
        reads.extend(ids.into_iter().map(|id| WebhooksOp::Get { id: id.clone() }));
        reads.extend(
            dags.into_iter().map(|dag| WebhooksOp::GetByDagName { dag_name: Arc::clone(dag) }),
        );
        reads
    }

    fn trial() -> Vec<WebhooksOp> {
        let id = RawId(Arc::from("trial"));
        vec![
            WebhooksOp::Create(WebhookData::new(id.clone(), Arc::from("trial"))),
            WebhooksOp::Get { id: id.clone() },
            WebhooksOp::Delete { id },
        ]
    }
}

/// A webhook that older software left, read with a reader of the model's own.
/// "`created_at`/`updated_at` from the payload where it has them, else the
/// file's modification time."
fn legacy_webhook(document: &LegacyDocument) -> Option<Stored> {
    let Value::Object(members) = serde_json::from_str(&document.text).ok()? else {
        return None;
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(Arc::<str>::from);
    let instant = |name: &str| text(name).and_then(|text| InstantText::parse(&text));
    let changed = |name: &str| Some(instant(name).unwrap_or_else(|| document.modified.into()));
    let secret = text("hmacSecretEnc").and_then(|ciphertext| older(&ciphertext));
    let webhook = WebhookData {
        token_hash: text("tokenHash").unwrap_or_default(),
        token_prefix: text("tokenPrefix").unwrap_or_default(),
        enabled: members.get("enabled").and_then(Value::as_bool).unwrap_or_default(),
        created_at: changed("createdAt"),
        updated_at: changed("updatedAt"),
        created_by: text("createdBy").unwrap_or_default(),
        last_used_at: instant("lastUsedAt"),
        auth_mode: text("authMode"),
        hmac_enforcement_mode: text("hmacEnforcementMode"),
        hmac_secret: secret.map(|(_, plain)| Arc::from(plain)),
        hmac_secret_generated_at: instant("hmacSecretGeneratedAt"),
        unknown: unknown_members(&document.text, KNOWN),
        ..WebhookData::new(RawId(text("id")?), text("dagName").filter(|name| !name.is_empty())?)
    };
    let is_its_own = *webhook.id.0 == *document.id;
    is_its_own.then(|| Stored { webhook, sealed: secret.map(|(key, _)| key) })
}

/// The members of a webhook that the store knows.
const KNOWN: &[&str] = &[
    "id",
    "dagName",
    "tokenHash",
    "tokenPrefix",
    "enabled",
    "createdAt",
    "updatedAt",
    "createdBy",
    "lastUsedAt",
    "authMode",
    "hmacEnforcementMode",
    "hmacSecretEnc",
    "hmacSecretGeneratedAt",
];

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("create", "done"),
    ("create", "invalid_webhook_id"),
    ("create", "invalid_dag_name"),
    ("create", "hmac_key_required"),
    ("create", "webhook_already_exists"),
    ("get", "webhook"),
    ("get", "invalid_webhook_id"),
    ("get", "webhook_not_found"),
    ("get", "hmac_key_required"),
    ("get", "hmac_decrypt_failed"),
    ("get_by_dag_name", "webhook"),
    ("get_by_dag_name", "invalid_dag_name"),
    ("get_by_dag_name", "webhook_not_found"),
    ("get_by_dag_name", "hmac_key_required"),
    ("get_by_dag_name", "hmac_decrypt_failed"),
    ("list", "list"),
    ("list", "list_empty"),
    ("list", "list_with_damage"),
    ("update", "done"),
    ("update", "invalid_webhook_id"),
    ("update", "invalid_dag_name"),
    ("update", "hmac_key_required"),
    ("update", "webhook_not_found"),
    ("update", "webhook_already_exists"),
    ("delete", "done"),
    ("delete", "invalid_webhook_id"),
    ("delete", "webhook_not_found"),
    ("delete_by_dag_name", "done"),
    ("delete_by_dag_name", "invalid_dag_name"),
    ("delete_by_dag_name", "webhook_not_found"),
    ("update_last_used", "done"),
    ("update_last_used", "invalid_webhook_id"),
    ("update_last_used", "webhook_not_found"),
];

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] =
    &[("get", "corrupt"), ("update", "corrupt"), ("update_last_used", "corrupt")];
