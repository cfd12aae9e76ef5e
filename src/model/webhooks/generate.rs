//! Making calls of the webhooks store, and webhooks of older software, from
//! bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::operation::{WebhookData, WebhooksOp};
use crate::model::{
    entity::{Members, instant, text, unknown},
    legacy::{LegacyDocument, legacy_ids, modified, object_text},
    sealed::OLDER,
    source::{RawId, Source},
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
        2 => WebhooksOp::GetByDagName { dag_name: text(source, DAGS)? },
        3 => WebhooksOp::List,
        4 => WebhooksOp::Update(webhook(source)?),
        5 => WebhooksOp::Delete { id: source.id()? },
        6 => WebhooksOp::DeleteByDagName { dag_name: text(source, DAGS)? },
        _ => WebhooksOp::UpdateLastUsed { id: source.id()? },
    })
}

fn webhook(source: &mut Source<'_, '_>) -> Result<WebhookData> {
    let mut webhook = WebhookData::new(source.id()?, text(source, DAGS)?);
    webhook.enabled = source.ratio(1, 2)?;
    if source.ratio(1, 2)? {
        webhook.created_at = instant(source)?;
        webhook.updated_at = instant(source)?;
    }
    if source.ratio(1, 2)? {
        webhook.hmac_secret = Some(text(source, &["s1", "s1", "秘密 <&>\0", ""])?);
    }
    if source.ratio(1, 4)? {
        webhook.auth_mode =
            Some(text(source, &["token_only", "token_and_hmac", "hmac_only", "of tomorrow", ""])?);
        webhook.hmac_enforcement_mode = Some(text(source, &["strict", "observe"])?);
        webhook.hmac_secret_generated_at = instant(source)?;
    }
    if source.ratio(1, 4)? {
        webhook.token_hash = text(source, &["h1", "h2"])?;
        webhook.token_prefix = text(source, &["p1", "p2"])?;
        webhook.created_by = text(source, &["u", "ü"])?;
        webhook.last_used_at = instant(source)?;
    }
    webhook.unknown = unknown(source)?;
    Ok(webhook)
}

/// Webhooks as older software wrote them, now and then two of one DAG, or with
/// a secret that nobody can read any more.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        let mut webhook = webhook(source)?;
        webhook.id = RawId(Arc::from(&*id));
        webhook.dag_name = text(source, DAGS.get(..6).unwrap_or(DAGS))?;
        let ciphertext = match webhook.hmac_secret.take() {
            None => None,
            Some(secret) if secret.is_empty() => Some(""),
            Some(_) => Some(source.choose(OLDER)?.2),
        };
        let text = object_text(source, &members(&webhook, ciphertext))?;
        documents.push(LegacyDocument { id, text, modified: modified(source)? });
    }
    Ok(documents)
}

/// The members of a webhook's JSON object, as older software ordered them.
fn members(webhook: &WebhookData, ciphertext: Option<&str>) -> Vec<String> {
    let mut members = Members::default();
    members.text("id", Some(&webhook.id.0));
    members.text("dagName", Some(&webhook.dag_name));
    members.text("tokenHash", Some(&webhook.token_hash));
    members.text("tokenPrefix", Some(&webhook.token_prefix));
    members.raw("enabled", Some(webhook.enabled.to_string()));
    members.instant("createdAt", webhook.created_at.as_ref());
    members.instant("updatedAt", webhook.updated_at.as_ref());
    members.text("createdBy", Some(&webhook.created_by));
    members.instant("lastUsedAt", webhook.last_used_at.as_ref());
    members.text("authMode", webhook.auth_mode.as_deref());
    members.text("hmacEnforcementMode", webhook.hmac_enforcement_mode.as_deref());
    members.text("hmacSecretEnc", ciphertext);
    members.instant("hmacSecretGeneratedAt", webhook.hmac_secret_generated_at.as_ref());
    members.unknown(&webhook.unknown);
    members.0
}
