//! Making calls of the users store, and users of older software, from bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::operation::{UserData, UsersOp};
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
const WEIGHTS: &[u8] = &[16, 8, 8, 6, 6, 10, 7, 3];

/// Few, so that names collide.
const NAMES: &[&str] = &["ann", "bob", "ann", "bob", "Ann", "山田太郎", "<b>&\u{2028}", ""];

/// Mostly the same ones, so that identities collide.
const ISSUERS: &[&str] = &["i", "i", "i", "j", "i", ""];
const SUBJECTS: &[&str] = &["s", "s", "s", "t", "s", ""];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<UsersOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => UsersOp::Create(user(source)?),
        1 => UsersOp::Get { id: source.id()? },
        2 => UsersOp::GetByUsername { username: source.text(NAMES)? },
        3 => UsersOp::GetByOidcIdentity {
            issuer: source.text(ISSUERS)?,
            subject: source.text(SUBJECTS)?,
        },
        4 => UsersOp::List,
        5 => UsersOp::Update(user(source)?),
        6 => UsersOp::Delete { id: source.id()? },
        _ => UsersOp::Count,
    })
}

fn user(source: &mut Source<'_, '_>) -> Result<UserData> {
    let mut user = UserData::new(source.id()?, source.text(NAMES)?);
    if source.ratio(1, 2)? {
        user.created_at = instant_text(source)?;
        user.updated_at = instant_text(source)?;
    }
    if source.ratio(1, 2)? {
        user.oidc_issuer = Some(source.text(ISSUERS)?);
        user.oidc_subject = Some(source.text(SUBJECTS)?);
    }
    if source.ratio(1, 4)? {
        user.password_hash = source.text(&["h1", "h2"])?;
        user.role = source.text(&["admin", "viewer", "a role of tomorrow"])?;
        user.auth_provider = Some(source.text(&["builtin", "oidc", ""])?);
        user.is_disabled = Some(source.ratio(1, 2)?);
    }
    if source.ratio(1, 4)? {
        user.workspace_access = Some(AccessData::generate(source)?);
    }
    user.unknown = generate_unknown(source)?;
    Ok(user)
}

/// Users as older software wrote them, now and then two of one name.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        documents.push(document(source, RawId(Arc::from(id)), false)?);
    }
    Ok(documents)
}

/// A user as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let id = plain_id(source)?;
    document(source, id, true)
}

/// `sound`: surely a user, with its times inside.
fn document(source: &mut Source<'_, '_>, id: RawId, sound: bool) -> Result<LegacyDocument> {
    let mut user = user(source)?;
    user.username = source.text(NAMES.get(..6).unwrap_or(NAMES))?;
    if sound {
        user.created_at = instant_text(source)?;
        user.updated_at = instant_text(source)?;
    }
    user.id = id;
    let mut text = object_text(source, &members(&user))?;
    if !sound {
        text = perhaps_none(source, &user.id, text)?;
    }
    Ok(LegacyDocument { id: user.id.0.to_string(), text, modified: modified(source)? })
}

/// At times a document that is no user of that id, for one reason or another.
fn perhaps_none(source: &mut Source<'_, '_>, id: &RawId, text: String) -> Result<String> {
    if !source.ratio(1, 16)? || !id.0.split('/').all(is_plain) {
        return perhaps_damaged(source, &id.0, text);
    }
    let id = quoted(&id.0);
    Ok(match source.below(4)? {
        0 => format!("{{\"id\":{id}}}"),
        1 => format!("{{\"id\":{id},\"username\":\"\"}}"),
        2 => format!("{{\"id\":{id},\"username\":7}}"),
        _ => "{\"id\":\"another\",\"username\":\"ann\"}".to_owned(),
    })
}

/// The members of a user's JSON object, as older software ordered them.
fn members(user: &UserData) -> Vec<String> {
    let mut members = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        members.extend(value.map(|value| format!("{}: {value}", quoted(name))));
    };
    add("id", Some(quoted(&user.id.0)));
    add("username", Some(quoted(&user.username)));
    add("password_hash", Some(quoted(&user.password_hash)));
    add("role", Some(quoted(&user.role)));
    add("workspace_access", user.workspace_access.as_ref().map(AccessData::json));
    add("created_at", user.created_at.as_ref().map(|at| quoted(at.as_str())));
    add("updated_at", user.updated_at.as_ref().map(|at| quoted(at.as_str())));
    add("auth_provider", user.auth_provider.as_deref().map(quoted));
    add("oidc_issuer", user.oidc_issuer.as_deref().map(quoted));
    add("oidc_subject", user.oidc_subject.as_deref().map(quoted));
    add("is_disabled", user.is_disabled.map(|is_disabled| is_disabled.to_string()));
    for (name, value) in &user.unknown {
        add(name, Some(value.to_string()));
    }
    members
}
