//! Making calls of the webhooks store, and webhooks of older software, from
//! bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::operation::{WebhookData, WebhooksOp};
use crate::{
    model::{
        legacy::{
            LegacyDocument, instant_text, is_plain, legacy_ids, modified, object_text,
            perhaps_damaged, plain_id,
        },
        members::{generate_unknown, quoted},
        sealed::OLDER,
        source::{RawId, Source},
    },
    store::instant_text::InstantText,
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[16, 8, 8, 6, 10, 6, 6, 8];

/// Few, so that they collide.
const DAGS: &[&str] = &["d", "e", "d", "e", "D", "レポート <月次>", "\u{2028}", ""];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<WebhooksOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => WebhooksOp::Create(webhook(source)?),
        1 => WebhooksOp::Get { id: source.id()? },
        2 => WebhooksOp::GetByDagName { dag_name: source.text(DAGS)? },
        3 => WebhooksOp::List,
        4 => WebhooksOp::Update(webhook(source)?),
        5 => WebhooksOp::Delete { id: source.id()? },
        6 => WebhooksOp::DeleteByDagName { dag_name: source.text(DAGS)? },
        _ => WebhooksOp::UpdateLastUsed { id: source.id()? },
    })
}

fn webhook(source: &mut Source<'_, '_>) -> Result<WebhookData> {
    let mut webhook = WebhookData::new(source.id()?, source.text(DAGS)?);
    webhook.enabled = source.ratio(1, 2)?;
    if source.ratio(1, 2)? {
        webhook.created_at = instant_text(source)?;
        webhook.updated_at = instant_text(source)?;
    }
    if source.ratio(1, 2)? {
        webhook.hmac_secret = Some(source.text(&["s1", "s1", "秘密 <&>\0", ""])?);
    }
    if source.ratio(1, 4)? {
        webhook.auth_mode =
            Some(source.text(&["token_only", "token_and_hmac", "hmac_only", "of tomorrow", ""])?);
        webhook.hmac_enforcement_mode = Some(source.text(&["strict", "observe"])?);
        webhook.hmac_secret_generated_at = instant_text(source)?;
    }
    if source.ratio(1, 4)? {
        webhook.token_hash = source.text(&["h1", "h2"])?;
        webhook.token_prefix = source.text(&["p1", "p2"])?;
        webhook.created_by = source.text(&["u", "ü"])?;
        webhook.last_used_at = instant_text(source)?;
    }
    webhook.unknown = generate_unknown(source)?;
    Ok(webhook)
}

/// Webhooks as older software wrote them, now and then two of one DAG, or with
/// a secret that nobody can read any more; some of them damaged.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        documents.push(document(source, RawId(Arc::from(id)), false)?);
    }
    Ok(documents)
}

/// A webhook as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let id = plain_id(source)?;
    document(source, id, true)
}

/// `sound`: surely a webhook, with its times inside.
fn document(source: &mut Source<'_, '_>, id: RawId, sound: bool) -> Result<LegacyDocument> {
    let mut webhook = WebhookData { id, ..webhook(source)? };
    webhook.dag_name = source.text(DAGS.get(..6).unwrap_or(DAGS))?;
    if sound {
        webhook.created_at = instant_text(source)?;
        webhook.updated_at = instant_text(source)?;
    }
    let ciphertext = match webhook.hmac_secret.take() {
        None => None,
        Some(secret) if secret.is_empty() => Some(""),
        Some(_) => Some(source.choose(OLDER)?.2),
    };
    let mut text = object_text(source, &members(&webhook, ciphertext))?;
    if !sound {
        text = perhaps_none(source, &webhook.id, text)?;
    }
    Ok(LegacyDocument { id: webhook.id.0.to_string(), text, modified: modified(source)? })
}

/// At times a document that is no webhook of that id, for one reason or another.
fn perhaps_none(source: &mut Source<'_, '_>, id: &RawId, text: String) -> Result<String> {
    if !source.ratio(1, 16)? || !id.0.split('/').all(is_plain) {
        return perhaps_damaged(source, &id.0, text);
    }
    let id = quoted(&id.0);
    Ok(match source.below(4)? {
        0 => format!("{{\"id\":{id}}}"),
        1 => format!("{{\"id\":{id},\"dagName\":\"\"}}"),
        2 => format!("{{\"id\":{id},\"dagName\":7}}"),
        _ => "{\"id\":\"another\",\"dagName\":\"d\"}".to_owned(),
    })
}

/// The members of a webhook's JSON object, as older software ordered them.
fn members(webhook: &WebhookData, ciphertext: Option<&str>) -> Vec<String> {
    let mut members = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        members.extend(value.map(|value| format!("{}: {value}", quoted(name))));
    };
    let instant = |at: &Option<InstantText>| at.as_ref().map(|at| quoted(at.as_str()));
    add("id", Some(quoted(&webhook.id.0)));
    add("dagName", Some(quoted(&webhook.dag_name)));
    add("tokenHash", Some(quoted(&webhook.token_hash)));
    add("tokenPrefix", Some(quoted(&webhook.token_prefix)));
    add("enabled", Some(webhook.enabled.to_string()));
    add("createdAt", instant(&webhook.created_at));
    add("updatedAt", instant(&webhook.updated_at));
    add("createdBy", Some(quoted(&webhook.created_by)));
    add("lastUsedAt", instant(&webhook.last_used_at));
    add("authMode", webhook.auth_mode.as_deref().map(quoted));
    add("hmacEnforcementMode", webhook.hmac_enforcement_mode.as_deref().map(quoted));
    add("hmacSecretEnc", ciphertext.map(quoted));
    add("hmacSecretGeneratedAt", instant(&webhook.hmac_secret_generated_at));
    for (name, value) in &webhook.unknown {
        add(name, Some(value.to_string()));
    }
    members
}
