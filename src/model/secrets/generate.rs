//! Making calls of the secrets store, and secrets of older software, from
//! bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::{
    data::{MANAGED, SecretData, ValueData},
    operation::SecretsOp,
};
use crate::{
    model::{
        legacy::{
            LegacyDocument, instant_text, is_plain, legacy_ids, modified, object_text, offset_text,
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
    if source.ratio(1, 16)? { source.text(others) } else { source.text(legal) }
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
        value.created_by = source.text(&["u", "ü"])?;
        value.created_at = instant_text(source)?;
    }
    Ok(value)
}

fn secret(source: &mut Source<'_, '_>) -> Result<SecretData> {
    let mut secret = SecretData::new(source.id()?, workspace(source)?, reference(source)?);
    if source.ratio(1, 4)? {
        secret.provider_type = mostly(source, PROVIDERS, NO_PROVIDERS)?;
    }
    secret.status = source.text(&["active", "active", "active", "disabled", "of tomorrow", ""])?;
    if source.ratio(1, 2)? {
        secret.created_at = instant_text(source)?;
        secret.updated_at = instant_text(source)?;
    }
    if source.ratio(1, 4)? {
        secret.description = source.text(&["DB <main> & replica", "d"])?;
        secret.created_by = source.text(&["u", "ü"])?;
        secret.updated_by = source.text(&["u", "v"])?;
        secret.last_checked_at = instant_text(source)?;
    }
    if source.ratio(1, 8)? {
        secret.provider_connection_id = source.text(&["c", "d"])?;
        secret.provider_ref = source.text(&["kv/data/x#y", "r"])?;
        secret.provider_ref_fingerprint = source.text(&["fp", "f"])?;
    }
    // What is the store's own, as a stale or a lying copy has it.
    if source.ratio(1, 4)? {
        secret.current_version = *source.choose(&[1, 2, 7])?;
        secret.last_resolved_at = instant_text(source)?;
        secret.last_rotated_at = instant_text(source)?;
    }
    secret.unknown = generate_unknown(source)?;
    Ok(secret)
}

/// Secrets as older software wrote them, now and then two of one reference, or
/// with values that nobody can read any more; some of them damaged.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        documents.push(document(source, RawId(Arc::from(id)), false)?);
    }
    Ok(documents)
}

/// A secret as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let id = plain_id(source)?;
    document(source, id, true)
}

/// `sound`: surely a secret, with its times inside.
fn document(source: &mut Source<'_, '_>, id: RawId, sound: bool) -> Result<LegacyDocument> {
    let mut secret = SecretData { id, ..secret(source)? };
    secret.workspace = source.text(WORKSPACES)?;
    secret.reference = source.text(REFERENCES)?;
    if sound {
        secret.created_at = instant_text(source)?;
        secret.updated_at = instant_text(source)?;
    }
    let mut versions = Vec::new();
    if &*secret.provider_type == MANAGED {
        for number in 1..=source.below(4)? {
            versions.push(version(source, &secret.id, number)?);
        }
    }
    secret.current_version = versions.len() as u64;
    let mut members =
        vec![format!("\"secret\": {}", object_text(source, &inner_members(&secret))?)];
    if !versions.is_empty() {
        members.push(format!("\"versions\": [{}]", versions.join(", ")));
    }
    let mut text = object_text(source, &members)?;
    if !sound {
        text = perhaps_none(source, &secret.id, text)?;
    }
    Ok(LegacyDocument { id: secret.id.0.to_string(), text, modified: modified(source)? })
}

/// At times a document that is no secret of that id, for one reason or another.
fn perhaps_none(source: &mut Source<'_, '_>, id: &RawId, text: String) -> Result<String> {
    if !source.ratio(1, 16)? || !id.0.split('/').all(is_plain) {
        return perhaps_damaged(source, &id.0, text);
    }
    let id = quoted(&id.0);
    Ok(match source.below(4)? {
        0 => "{\"secret\":null,\"versions\":[]}".to_owned(),
        1 => format!("{{\"ID\":{id},\"Ref\":\"a\"}}"),
        2 => format!("{{\"secret\":{{\"ID\":{id},\"Ref\":7}}}}"),
        _ => "{\"secret\":{\"ID\":\"another\",\"Ref\":\"a\"}}".to_owned(),
    })
}

/// One value, encrypted.
fn version(source: &mut Source<'_, '_>, id: &RawId, number: usize) -> Result<String> {
    let ciphertext = if source.ratio(1, 4)? { "" } else { source.choose(OLDER)?.2 };
    let author = if source.ratio(1, 2)? { r#""created_by":"u","# } else { "" };
    let at = offset_text(source.instant()?);
    let id = quoted(&id.0);
    Ok(format!(
        r#"{{"secret_id":{id},"version":{number},"encrypted_value":"{ciphertext}",{author}"created_at":"{at}"}}"#
    ))
}

/// The members of the inner JSON object, as older software ordered them.
fn inner_members(secret: &SecretData) -> Vec<String> {
    let mut members = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        members.extend(value.map(|value| format!("{}: {value}", quoted(name))));
    };
    let instant = |at: &Option<InstantText>| at.as_ref().map(|at| quoted(at.as_str()));
    let or_null = |at: &Option<InstantText>| instant(at).or_else(|| Some("null".to_owned()));
    add("ID", Some(quoted(&secret.id.0)));
    add("Workspace", Some(quoted(&secret.workspace)));
    add("Ref", Some(quoted(&secret.reference)));
    add("Description", Some(quoted(&secret.description)));
    add("ProviderType", Some(quoted(&secret.provider_type)));
    add("ProviderConnectionID", Some(quoted(&secret.provider_connection_id)));
    add("ProviderRef", Some(quoted(&secret.provider_ref)));
    add("ProviderRefFingerprint", Some(quoted(&secret.provider_ref_fingerprint)));
    add("CurrentVersion", Some(secret.current_version.to_string()));
    add("Status", Some(quoted(&secret.status)));
    add("CreatedBy", Some(quoted(&secret.created_by)));
    add("CreatedAt", instant(&secret.created_at));
    add("UpdatedBy", Some(quoted(&secret.updated_by)));
    add("UpdatedAt", instant(&secret.updated_at));
    add("LastCheckedAt", or_null(&secret.last_checked_at));
    add("LastResolvedAt", or_null(&secret.last_resolved_at));
    add("LastRotatedAt", or_null(&secret.last_rotated_at));
    for (name, value) in &secret.unknown {
        add(name, Some(value.to_string()));
    }
    members
}
