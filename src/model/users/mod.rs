//! The reference model of the users store.

mod execute;
mod generate;
mod operation;
mod outcome;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

pub use operation::{UserData, UsersOp};
pub use outcome::{UsersFailure, UsersProblem, UsersSeen};
pub use rules::UsersModel;
use serde_json::Value;

use super::{
    access::AccessData,
    legacy::LegacyDocument,
    members::raw_members,
    source::{RawId, Source},
    subject::{Broken, Moment, Reach, Subject, Surroundings},
};
use crate::{
    seam::{Collection, CollectionSpec, RecordId},
    store::{
        instant_text::InstantText,
        users::{UserStore, Users},
    },
};

/// The users store under proof.
#[derive(Clone, Copy, Debug)]
pub struct UsersSubject;

impl Subject for UsersSubject {
    const NAME: &'static str = "users";
    const OPERATIONS: &'static [&'static str] = operation::OPERATIONS;
    const CLASSES: &'static [&'static str] = outcome::CLASSES;

    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)> {
        let mut required = REQUIRED.to_vec();
        if reach.damage {
            required.extend(REQUIRED_WITH_DAMAGE);
        }
        required
    }

    type Op = UsersOp;
    type Seen = UsersSeen;
    type Model = UsersModel;
    type Store = dyn Users;
    type Memory = ();

    fn spec() -> CollectionSpec {
        UserStore::spec()
    }

    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store> {
        Arc::new(UserStore::new(collection, Arc::clone(&surroundings.clock)))
    }

    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<UsersOp> {
        generate::operation(source)
    }

    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>> {
        generate::legacy(source)
    }

    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument> {
        generate::legacy_write(source)
    }

    fn legacy_written(model: &mut UsersModel, document: &LegacyDocument) {
        model.remove(&document.id);
        let id = Arc::from(document.id.as_str());
        match legacy_user(document) {
            Some(user) => {
                model.users.insert(id, user);
            }
            None if has_id(document) => {
                model.foreign.insert(id);
            }
            None => {
                model.damaged.insert(id);
            }
        }
    }

    fn is_damage(document: &LegacyDocument) -> bool {
        legacy_user(document).is_none()
    }

    fn legacy_removed(model: &mut UsersModel, id: &str) {
        model.remove(id);
    }

    fn legacy_undone(model: &mut UsersModel, earlier: &UsersModel, id: &str) {
        Self::legacy_removed(model, id);
        let entry = earlier.users.get_key_value(id);
        model.users.extend(entry.map(|(id, entry)| (Arc::clone(id), entry.clone())));
        model.damaged.extend(earlier.damaged.get(id).cloned());
        model.foreign.extend(earlier.foreign.get(id).cloned());
    }

    async fn execute(store: &Self::Store, op: &mut UsersOp, _memory: &mut ()) -> UsersSeen {
        execute::execute(store, op).await
    }

    fn step(
        model: &mut UsersModel,
        op: &UsersOp,
        seen: &UsersSeen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<UsersSeen>> {
        rules::step(model, op, seen, moment)
    }

    fn outcomes_unseen(model: &UsersModel, op: &UsersOp, moment: &Moment<'_>) -> Vec<UsersModel> {
        rules::outcomes_unseen(model, op, moment.now)
    }

    fn interval(op: &UsersOp) -> bool {
        matches!(op, UsersOp::List)
    }

    fn judge_interval(
        states: &mut dyn Iterator<Item = &UsersModel>,
        _op: &UsersOp,
        seen: &UsersSeen,
        _moment: &Moment<'_>,
    ) -> Result<(), Broken<UsersSeen>> {
        rules::judge_list(states, seen)
    }

    fn writes(op: &UsersOp, seen: Option<&UsersSeen>) -> Option<Vec<RecordId>> {
        let id = match op {
            UsersOp::Create(user) | UsersOp::Update(user) => Some(&user.id),
            UsersOp::Delete { id } => Some(id),
            _ => None,
        };
        let refused = matches!(seen, Some(UsersSeen::Failed(failure)) if !failure.unknown);
        let written = id.filter(|_| !refused).and_then(|id| RecordId::new(Arc::clone(&id.0)).ok());
        Some(written.into_iter().collect())
    }

    fn observations<'a>(ops: impl Iterator<Item = &'a UsersOp>) -> Vec<UsersOp> {
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut identities = BTreeSet::new();
        for op in ops {
            match op {
                UsersOp::Create(user) | UsersOp::Update(user) => {
                    ids.insert(&user.id);
                    names.insert(&user.username);
                    identities.extend(user.identity());
                }
                UsersOp::Get { id } | UsersOp::Delete { id } => {
                    ids.insert(id);
                }
                _ => {}
            }
        }
        let mut reads = vec![UsersOp::List, UsersOp::Count];
        reads.extend(ids.into_iter().map(|id| UsersOp::Get { id: id.clone() }));
        reads.extend(
            names.into_iter().map(|name| UsersOp::GetByUsername { username: Arc::clone(name) }),
        );
        reads.extend(identities.into_iter().map(|(issuer, subject)| UsersOp::GetByOidcIdentity {
            issuer: Arc::from(issuer),
            subject: Arc::from(subject),
        }));
        reads
    }

    fn trial() -> Vec<UsersOp> {
        let id = RawId(Arc::from("trial"));
        vec![
            UsersOp::Create(UserData::new(id.clone(), Arc::from("trial"))),
            UsersOp::Get { id: id.clone() },
            UsersOp::Delete { id },
        ]
    }
}

/// Whether a file of older software is a JSON object with the id that its name
/// stands for: others are damaged.
fn has_id(document: &LegacyDocument) -> bool {
    serde_json::from_str::<Value>(&document.text)
        .is_ok_and(|value| value.get("id").and_then(Value::as_str) == Some(&document.id))
}

/// A user that older software left, read with a reader of the model's own.
/// "`created_at`/`updated_at` from the payload where it has them, else the
/// file's modification time."
fn legacy_user(document: &LegacyDocument) -> Option<UserData> {
    let Value::Object(mut members) = serde_json::from_str(&document.text).ok()? else {
        return None;
    };
    let mut take = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Some(Arc::<str>::from(text)),
        _ => None,
    };
    let (id, username) = (take("id")?, take("username")?);
    if *id != *document.id || username.is_empty() {
        return None;
    }
    let mut user = UserData::new(RawId(id), username);
    user.password_hash = take("password_hash").unwrap_or_default();
    user.role = take("role").unwrap_or_default();
    let mut instant = |name| {
        let given = take(name).and_then(|text| InstantText::parse(&text));
        Some(given.unwrap_or_else(|| document.modified.into()))
    };
    user.created_at = instant("created_at");
    user.updated_at = instant("updated_at");
    user.auth_provider = take("auth_provider");
    user.oidc_issuer = take("oidc_issuer");
    user.oidc_subject = take("oidc_subject");
    user.is_disabled = members.remove("is_disabled").and_then(|value| value.as_bool());
    user.workspace_access =
        members.remove("workspace_access").map(|access| AccessData::from_json(&access));
    // What is left of the members is unknown.
    user.unknown = raw_members(&document.text);
    user.unknown.retain(|name, _| members.contains_key(&**name));
    Some(user)
}

/// What every campaign must have reached.
const REQUIRED: &[(&str, &str)] = &[
    ("create", "done"),
    ("create", "invalid_user_id"),
    ("create", "invalid_username"),
    ("create", "user_already_exists"),
    ("create", "oidc_identity_already_exists"),
    ("get", "user"),
    ("get", "user_not_found"),
    ("get", "invalid_user_id"),
    ("get_by_username", "user"),
    ("get_by_username", "user_not_found"),
    ("get_by_username", "invalid_username"),
    ("get_by_oidc_identity", "user"),
    ("get_by_oidc_identity", "oidc_identity_not_found"),
    ("list", "list"),
    ("list", "list_empty"),
    ("update", "done"),
    ("update", "invalid_username"),
    ("update", "user_not_found"),
    ("update", "user_already_exists"),
    ("update", "oidc_identity_already_exists"),
    ("delete", "done"),
    ("delete", "user_not_found"),
    ("count", "count"),
    ("count", "count_zero"),
];

/// What a campaign with damaged records must have reached besides.
const REQUIRED_WITH_DAMAGE: &[(&str, &str)] =
    &[("get", "corrupt"), ("list", "list_with_damage"), ("update", "corrupt")];
