//! Making calls of the API keys store, and keys of older software, from bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::operation::{ApiKeyData, ApiKeysOp};
use crate::model::{
    access::AccessData,
    legacy::{
        LegacyDocument, instant_text, is_plain, legacy_ids, modified, object_text, perhaps_damaged,
        plain_id,
    },
    members::{generate_unknown, quoted},
    source::{RawId, Source},
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[16, 10, 6, 12, 7, 10];

/// Few, so that names collide.
const NAMES: &[&str] = &["ci", "cd", "ci", "cd", "CI", "キー 二", "<b>&\u{2028}", ""];

const SURFACES: &[&str] = &["rest_api", "mcp", "mcp", "a surface of tomorrow"];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<ApiKeysOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => ApiKeysOp::Create(Box::new(key(source)?)),
        1 => ApiKeysOp::Get { id: source.id()? },
        2 => ApiKeysOp::List,
        3 => ApiKeysOp::Update(Box::new(key(source)?)),
        4 => ApiKeysOp::Delete { id: source.id()? },
        _ => ApiKeysOp::UpdateLastUsed { id: source.id()? },
    })
}

fn perhaps(source: &mut Source<'_, '_>, texts: &[&str]) -> Result<Option<Arc<str>>> {
    if source.ratio(1, 2)? { source.text(texts).map(Some) } else { Ok(None) }
}

fn key(source: &mut Source<'_, '_>) -> Result<ApiKeyData> {
    let mut key = ApiKeyData::new(source.id()?, source.text(NAMES)?);
    if source.ratio(1, 2)? {
        key.created_at = instant_text(source)?;
        key.updated_at = instant_text(source)?;
    }
    if source.ratio(1, 2)? {
        let classes = ["service_account", "service_account", "user_owned", "", "of tomorrow"];
        key.attribution_class = perhaps(source, &classes)?;
        key.service_account_id = perhaps(source, &["s1", "s2", ""])?;
        key.service_account_name = perhaps(source, &["n1", ""])?;
        key.migrated_as_service_account =
            if source.ratio(1, 4)? { Some(source.ratio(1, 2)?) } else { None };
    }
    if source.ratio(1, 3)? {
        for _ in 0..source.below(4)? {
            key.allowed_surfaces.push(source.text(SURFACES)?);
        }
    }
    if source.ratio(1, 4)? {
        key.last_used_at = instant_text(source)?;
    }
    if source.ratio(1, 4)? {
        key.description = perhaps(source, &["d", ""])?;
        key.role = source.text(&["admin", "viewer", "a role of tomorrow"])?;
        key.owner_user_id = perhaps(source, &["u1", ""])?;
        key.owner_username = perhaps(source, &["ann", ""])?;
        key.key_hash = source.text(&["h1", "h2"])?;
        key.key_prefix = source.text(&["p1", "p2"])?;
        key.created_by = source.text(&["ann", ""])?;
    }
    if source.ratio(1, 4)? {
        key.workspace_access = Some(AccessData::generate(source)?);
    }
    key.unknown = generate_unknown(source)?;
    Ok(key)
}

/// Keys as older software wrote them, now and then two of one name.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        documents.push(document(source, RawId(Arc::from(id)), false)?);
    }
    Ok(documents)
}

/// A key as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let id = plain_id(source)?;
    document(source, id, true)
}

/// `sound`: surely a key, with its times inside.
fn document(source: &mut Source<'_, '_>, id: RawId, sound: bool) -> Result<LegacyDocument> {
    let mut key = key(source)?;
    key.name = source.text(NAMES.get(..6).unwrap_or(NAMES))?;
    if sound {
        key.created_at = instant_text(source)?;
        key.updated_at = instant_text(source)?;
    }
    key.id = id;
    let mut text = object_text(source, &members(&key))?;
    if !sound {
        text = perhaps_none(source, &key.id, text)?;
    }
    Ok(LegacyDocument { id: key.id.0.to_string(), text, modified: modified(source)? })
}

/// At times a document that is no key of that id, for one reason or another.
fn perhaps_none(source: &mut Source<'_, '_>, id: &RawId, text: String) -> Result<String> {
    if !source.ratio(1, 16)? || !id.0.split('/').all(is_plain) {
        return perhaps_damaged(source, &id.0, text);
    }
    let id = quoted(&id.0);
    Ok(match source.below(4)? {
        0 => format!("{{\"id\":{id}}}"),
        1 => format!("{{\"id\":{id},\"name\":\"\"}}"),
        2 => format!("{{\"id\":{id},\"name\":7}}"),
        _ => "{\"id\":\"another\",\"name\":\"ci\"}".to_owned(),
    })
}

/// The members of a key's JSON object, as older software ordered them.
fn members(key: &ApiKeyData) -> Vec<String> {
    let mut members = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        members.extend(value.map(|value| format!("{}: {value}", quoted(name))));
    };
    let surfaces: Vec<_> = key.allowed_surfaces.iter().map(|surface| quoted(surface)).collect();
    add("id", Some(quoted(&key.id.0)));
    add("name", Some(quoted(&key.name)));
    add("description", key.description.as_deref().map(quoted));
    add("role", Some(quoted(&key.role)));
    add("workspace_access", key.workspace_access.as_ref().map(AccessData::json));
    add("allowed_surfaces", (!surfaces.is_empty()).then(|| format!("[{}]", surfaces.join(","))));
    add("attribution_class", key.attribution_class.as_deref().map(quoted));
    add("owner_user_id", key.owner_user_id.as_deref().map(quoted));
    add("owner_username", key.owner_username.as_deref().map(quoted));
    add("service_account_id", key.service_account_id.as_deref().map(quoted));
    add("service_account_name", key.service_account_name.as_deref().map(quoted));
    let migrated = key.migrated_as_service_account;
    add("migrated_as_service_account", migrated.map(|migrated| migrated.to_string()));
    add("key_hash", Some(quoted(&key.key_hash)));
    add("key_prefix", Some(quoted(&key.key_prefix)));
    add("created_at", key.created_at.as_ref().map(|at| quoted(at.as_str())));
    add("updated_at", key.updated_at.as_ref().map(|at| quoted(at.as_str())));
    add("created_by", Some(quoted(&key.created_by)));
    add("last_used_at", key.last_used_at.as_ref().map(|at| quoted(at.as_str())));
    for (name, value) in &key.unknown {
        add(name, Some(value.to_string()));
    }
    members
}
