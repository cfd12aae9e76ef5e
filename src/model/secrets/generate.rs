//! Making calls of the secrets store, and secrets of older software, from
//! bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::{
    data::{MANAGED, SecretData, ValueData},
    operation::SecretsOp,
};
use crate::model::{
    entity::{Members, instant, text, unknown},
    legacy::{LegacyDocument, legacy_ids, modified, object_text},
    sealed::OLDER,
    source::{RawId, Source},
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[16, 6, 6, 6, 9, 5, 12, 5, 12];

/// Few, so that they collide.
const WORKSPACES: &[&str] = &["", "ops", "", "ops", ".global", "Ops"];
const NO_WORKSPACES: &[&str] = &["ALL", "default", "gLobal", "a b", ".ops", "é", "a/b"];
const REFERENCES: &[&str] = &["a", "b", "a", "prod/db-password", "0/a"];
const NO_REFERENCES: &[&str] = &["", "A", "a//b", "-a", "a/", "a_b", "é"];
const PROVIDERS: &[&str] = &[
    MANAGED,
    MANAGED,
    MANAGED,
    "vault",
    "kubernetes",
    "gcp-secret-manager",
    "aws-secrets-manager",
    "azure-key-vault",
];
const NO_PROVIDERS: &[&str] = &["", "Vault", "of tomorrow"];
const VALUES: &[&str] = &["v", "w", "v", "", "third\nline\0nul", "二番目の値 <&> \" \\ 🙂"];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<SecretsOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => SecretsOp::Create {
            secret: secret(source)?,
            value: if source.ratio(1, 2)? { Some(value(source)?) } else { None },
        },
        1 => SecretsOp::Get { id: source.id()? },
        2 => SecretsOp::GetByRef { workspace: workspace(source)?, reference: reference(source)? },
        3 => SecretsOp::List {
            workspace: if source.ratio(1, 2)? { Some(workspace(source)?) } else { None },
        },
        4 => SecretsOp::Update(secret(source)?),
        5 => SecretsOp::Delete { id: source.id()? },
        6 => SecretsOp::WriteValue { id: source.id()?, value: value(source)? },
        7 => SecretsOp::CurrentVersion { id: source.id()? },
        _ => SecretsOp::Resolve { id: source.id()? },
    })
}

/// Mostly one of `legal`, at times one of the others.
fn mostly(source: &mut Source<'_, '_>, legal: &[&str], others: &[&str]) -> Result<Arc<str>> {
    if source.ratio(1, 16)? { text(source, others) } else { text(source, legal) }
}

fn workspace(source: &mut Source<'_, '_>) -> Result<Arc<str>> {
    mostly(source, WORKSPACES, NO_WORKSPACES)
}

fn reference(source: &mut Source<'_, '_>) -> Result<Arc<str>> {
    mostly(source, REFERENCES, NO_REFERENCES)
}

fn value(source: &mut Source<'_, '_>) -> Result<ValueData> {
    let mut value = ValueData::new(source.choose(VALUES)?);
    if source.ratio(1, 3)? {
        value.created_by = text(source, &["u", "ü"])?;
        value.created_at = instant(source)?;
    }
    Ok(value)
}

fn secret(source: &mut Source<'_, '_>) -> Result<SecretData> {
    let mut secret = SecretData::new(source.id()?, workspace(source)?, reference(source)?);
    if source.ratio(1, 4)? {
        secret.provider_type = mostly(source, PROVIDERS, NO_PROVIDERS)?;
    }
    secret.status = text(source, &["active", "active", "active", "disabled", "of tomorrow", ""])?;
    if source.ratio(1, 2)? {
        secret.created_at = instant(source)?;
        secret.updated_at = instant(source)?;
    }
    if source.ratio(1, 4)? {
        secret.description = text(source, &["DB <main> & replica", "d"])?;
        secret.created_by = text(source, &["u", "ü"])?;
        secret.updated_by = text(source, &["u", "v"])?;
        secret.last_checked_at = instant(source)?;
    }
    if source.ratio(1, 8)? {
        secret.provider_connection_id = text(source, &["c", "d"])?;
        secret.provider_ref = text(source, &["kv/data/x#y", "r"])?;
        secret.provider_ref_fingerprint = text(source, &["fp", "f"])?;
    }
    // What is the store's own, as a stale or a lying copy has it.
    if source.ratio(1, 4)? {
        secret.current_version = *source.choose(&[1, 2, 7])?;
        secret.last_resolved_at = instant(source)?;
        secret.last_rotated_at = instant(source)?;
    }
    secret.unknown = unknown(source)?;
    Ok(secret)
}

/// Secrets as older software wrote them, now and then two of one reference, or
/// with values that nobody can read any more.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        let mut secret = secret(source)?;
        secret.id = RawId(Arc::from(&*id));
        secret.workspace = text(source, WORKSPACES)?;
        secret.reference = text(source, REFERENCES)?;
        let mut versions = Vec::new();
        if &*secret.provider_type == MANAGED {
            for number in 1..=source.below(4)? {
                versions.push(version(source, &secret.id, number)?);
            }
        }
        secret.current_version = versions.len() as u64;
        let mut members = Members::default();
        members.raw("secret", Some(object_text(source, &inner_members(&secret))?));
        let versions = (!versions.is_empty()).then(|| format!("[{}]", versions.join(", ")));
        members.raw("versions", versions);
        let text = object_text(source, &members.0)?;
        documents.push(LegacyDocument { id, text, modified: modified(source)? });
    }
    Ok(documents)
}

/// One value, encrypted.
fn version(source: &mut Source<'_, '_>, id: &RawId, number: usize) -> Result<String> {
    let ciphertext = if source.ratio(1, 4)? { "" } else { source.choose(OLDER)?.2 };
    let mut members = Members::default();
    members.text("secret_id", Some(&id.0));
    members.raw("version", Some(number.to_string()));
    members.text("encrypted_value", Some(ciphertext));
    if source.ratio(1, 2)? {
        members.text("created_by", Some("u"));
    }
    members.instant("created_at", instant(source)?.as_ref());
    Ok(members.object())
}

/// The members of the inner JSON object, as older software ordered them.
fn inner_members(secret: &SecretData) -> Vec<String> {
    let mut members = Members::default();
    let or_null = |at: &Option<crate::store::instant_text::InstantText>| {
        Some(at.as_ref().map_or("null".to_owned(), |at| format!("\"{at}\"")))
    };
    members.text("ID", Some(&secret.id.0));
    members.text("Workspace", Some(&secret.workspace));
    members.text("Ref", Some(&secret.reference));
    members.text("Description", Some(&secret.description));
    members.text("ProviderType", Some(&secret.provider_type));
    members.text("ProviderConnectionID", Some(&secret.provider_connection_id));
    members.text("ProviderRef", Some(&secret.provider_ref));
    members.text("ProviderRefFingerprint", Some(&secret.provider_ref_fingerprint));
    members.raw("CurrentVersion", Some(secret.current_version.to_string()));
    members.text("Status", Some(&secret.status));
    members.text("CreatedBy", Some(&secret.created_by));
    members.instant("CreatedAt", secret.created_at.as_ref());
    members.text("UpdatedBy", Some(&secret.updated_by));
    members.instant("UpdatedAt", secret.updated_at.as_ref());
    members.raw("LastCheckedAt", or_null(&secret.last_checked_at));
    members.raw("LastResolvedAt", or_null(&secret.last_resolved_at));
    members.raw("LastRotatedAt", or_null(&secret.last_rotated_at));
    members.unknown(&secret.unknown);
    members.0
}
