//! Making calls of the users store, and users of older software, from bytes.

use std::sync::Arc;

use arbitrary::Result;

use super::operation::{AccessData, UserData, UsersOp};
use crate::model::{
    entity::{Members, instant, quoted, text, unknown},
    legacy::{LegacyDocument, legacy_ids, modified, object_text},
    source::{RawId, Source},
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[16, 8, 8, 6, 6, 10, 7, 3];

/// Few, so that names collide.
const NAMES: &[&str] = &["ann", "bob", "ann", "bob", "Ann", "山田太郎", "<b>&\u{2028}", ""];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<UsersOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => UsersOp::Create(user(source)?),
        1 => UsersOp::Get { id: source.id()? },
        2 => UsersOp::GetByUsername { username: text(source, NAMES)? },
        3 => UsersOp::GetByOidcIdentity {
            issuer: text(source, &["i", "i", "j", ""])?,
            subject: text(source, &["s", "s", "t", ""])?,
        },
        4 => UsersOp::List,
        5 => UsersOp::Update(user(source)?),
        6 => UsersOp::Delete { id: source.id()? },
        _ => UsersOp::Count,
    })
}

fn user(source: &mut Source<'_, '_>) -> Result<UserData> {
    let mut user = UserData::new(source.id()?, text(source, NAMES)?);
    if source.ratio(1, 2)? {
        user.created_at = instant(source)?;
        user.updated_at = instant(source)?;
    }
    if source.ratio(1, 3)? {
        user.oidc_issuer = Some(text(source, &["i", "i", "j", ""])?);
        user.oidc_subject = Some(text(source, &["s", "s", "t", ""])?);
    }
    if source.ratio(1, 4)? {
        user.password_hash = text(source, &["h1", "h2"])?;
        user.role = text(source, &["admin", "viewer", "a role of tomorrow"])?;
        user.auth_provider = Some(text(source, &["builtin", "oidc", ""])?);
        user.is_disabled = Some(source.ratio(1, 2)?);
    }
    if source.ratio(1, 4)? {
        let grants = match source.below(3)? {
            0 => None,
            1 => Some(Vec::new()),
            _ => Some(vec![(Arc::from("ops"), text(source, &["viewer", ""])?)]),
        };
        user.workspace_access = Some(AccessData { all: source.ratio(1, 2)?, grants });
    }
    user.unknown = unknown(source)?;
    Ok(user)
}

/// Users as older software wrote them, now and then two of one name.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    for id in legacy_ids(source)? {
        let mut user = user(source)?;
        user.id = RawId(Arc::from(&*id));
        let names = NAMES.get(..6).unwrap_or(NAMES);
        user.username = text(source, names)?;
        let members = members(&user);
        let text = object_text(source, &members)?;
        documents.push(LegacyDocument { id, text, modified: modified(source)? });
    }
    Ok(documents)
}

/// The members of a user's JSON object, as older software ordered them.
fn members(user: &UserData) -> Vec<String> {
    let mut members = Members::default();
    members.text("id", Some(&user.id.0));
    members.text("username", Some(&user.username));
    members.text("password_hash", Some(&user.password_hash));
    members.text("role", Some(&user.role));
    members.raw(
        "workspace_access",
        user.workspace_access.as_ref().map(|access| {
            let grant = |(workspace, role): &(Arc<str>, Arc<str>)| {
                format!(r#"{{"workspace":{},"role":{}}}"#, quoted(workspace), quoted(role))
            };
            match &access.grants {
                None => format!(r#"{{"all":{}}}"#, access.all),
                Some(grants) => {
                    let grants: Vec<_> = grants.iter().map(grant).collect();
                    format!(r#"{{"all":{},"grants":[{}]}}"#, access.all, grants.join(","))
                }
            }
        }),
    );
    members.instant("created_at", user.created_at.as_ref());
    members.instant("updated_at", user.updated_at.as_ref());
    members.text("auth_provider", user.auth_provider.as_deref());
    members.text("oidc_issuer", user.oidc_issuer.as_deref());
    members.text("oidc_subject", user.oidc_subject.as_deref());
    members.raw("is_disabled", user.is_disabled.map(|is_disabled| is_disabled.to_string()));
    members.unknown(&user.unknown);
    members.0
}
