//! The contract of the users store: what every call must return, and what it
//! leaves. Sentences in quotation marks are the contract's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    operation::{UserData, UsersOp},
    outcome::{UsersFailure, UsersProblem, UsersSeen},
};
use crate::{
    model::{
        listing,
        source::RawId,
        subject::{Broken, Moment},
    },
    seam::Instant,
    store::error::Kind,
};

/// The state of the users store: the users by id, with both their instants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UsersModel {
    /// The users.
    pub users: BTreeMap<Arc<str>, UserData>,
    /// The ids of the records that can't be read at all.
    pub damaged: BTreeSet<Arc<str>>,
    /// The ids of those that can, and are no user. They hold no name and no
    /// identity.
    pub foreign: BTreeSet<Arc<str>>,
}

impl UsersModel {
    /// Whether a record that is no user lies under the id.
    fn is_damaged(&self, id: &str) -> bool {
        self.damaged.contains(id) || self.foreign.contains(id)
    }

    /// Whatever lies under the id goes.
    pub(super) fn remove(&mut self, id: &str) {
        self.users.remove(id);
        self.damaged.remove(id);
        self.foreign.remove(id);
    }
}

type Verdict = Result<(), Broken<UsersSeen>>;

/// An error that a call must return, and the rule that says so.
struct Refusal {
    problem: UsersProblem,
    rule: &'static str,
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut UsersModel,
    op: &UsersOp,
    seen: &UsersSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match op {
        UsersOp::Get { id } => match legal(id).and_then(|()| existing(model, id)) {
            Ok(user) => gives(seen, user, "get gives the user as it was last written"),
            Err(refusal) => refuse(seen, &refusal),
        },
        UsersOp::GetByUsername { username } => {
            if username.is_empty() {
                return refuse(seen, &EMPTY_NAME);
            }
            match oldest(model, |user| user.username == *username) {
                Some(user) => gives(seen, user, "a name finds the one user that has it"),
                None => refuse(seen, &NO_SUCH_USER),
            }
        }
        UsersOp::GetByOidcIdentity { issuer, subject } => {
            match oldest(model, |user| user.identity() == Some((issuer, subject))) {
                Some(user) => gives(seen, user, "an identity finds the one user that has it"),
                None => refuse(seen, &NO_SUCH_IDENTITY),
            }
        }
        UsersOp::List => judge_list(&mut std::iter::once(&*model), seen),
        UsersOp::Count => {
            // Of the damaged ones, those that can be read: the rest is passed
            // over.
            let count = (model.users.len() + model.foreign.len()) as u64;
            if *seen == UsersSeen::Count(count) {
                return Ok(());
            }
            let rule = "count gives the number of users, and passes over what can't be read";
            Err(Broken { expected: Box::new(UsersSeen::Count(count)), rule })
        }
        UsersOp::Create(_) | UsersOp::Update(_) | UsersOp::Delete { .. } => {
            match effect(model, op, moment.now) {
                Err(refusal) => refuse(seen, &refusal),
                Ok(next) if *seen == UsersSeen::Done => {
                    apply(model, op, next);
                    Ok(())
                }
                Ok(_) => Err(Broken {
                    expected: Box::new(UsersSeen::Done),
                    rule: "nothing stands in the way of this call",
                }),
            }
        }
    }
}

/// The state that a call leaves, if it leaves another one.
pub(super) fn outcomes_unseen(model: &UsersModel, op: &UsersOp, now: Instant) -> Vec<UsersModel> {
    let mut after = model.clone();
    match effect(model, op, now) {
        Ok(next) => apply(&mut after, op, next),
        Err(_) => return Vec::new(),
    }
    if after == *model { Vec::new() } else { vec![after] }
}

/// "Lists are complete, in the order given, ties by id: users by
/// (`created_at`, id)."
pub(super) fn judge_list(
    states: &mut dyn Iterator<Item = &UsersModel>,
    seen: &UsersSeen,
) -> Verdict {
    let (listed, named, is_list) = match seen {
        UsersSeen::List { users, damaged } => (users.as_slice(), damaged.as_slice(), true),
        _ => (&[][..], &[][..], false),
    };
    let states: Vec<_> = states.collect();
    let judged = listing::judge(
        states.iter().map(|state| &state.users),
        listed,
        |user| &user.id.0,
        |user| (user.created_at.clone(), user.id.clone()),
    );
    let all_damage = |state: &&UsersModel| &state.damaged | &state.foreign;
    let damage: Vec<_> = states.iter().map(all_damage).collect();
    let damage = listing::judge_damaged(damage.iter(), named);
    if is_list && judged.is_ok() && damage.is_ok() {
        return Ok(());
    }
    let users = judged.err().unwrap_or_else(|| listed.to_vec());
    let damaged = damage.err().unwrap_or_else(|| named.to_vec());
    Err(Broken {
        expected: Box::new(UsersSeen::List { users, damaged }),
        rule: "list gives each user that was there unchanged exactly once, by (created_at, id), names what is damaged, and gives nothing that was not there",
    })
}

/// The user that a call leaves under its id (none: it is gone), or why it is
/// refused. "When several apply, in this order: input, existence, username,
/// identity."
fn effect(model: &UsersModel, op: &UsersOp, now: Instant) -> Result<Option<UserData>, Refusal> {
    match op {
        UsersOp::Create(given) => {
            legal(&given.id)?;
            named(given)?;
            // "To `create` it is there."
            if model.users.contains_key(&given.id.0) || model.is_damaged(&given.id.0) {
                return Err(ID_TAKEN);
            }
            let mut user = given.clone();
            // "Missing `created_at` at creation: now."
            user.created_at.get_or_insert_with(|| now.into());
            user.updated_at.get_or_insert_with(|| now.into());
            unique(model, &user, None)?;
            Ok(Some(user))
        }
        UsersOp::Update(given) => {
            legal(&given.id)?;
            named(given)?;
            let stored = existing(model, &given.id)?;
            // "`update` merges at the top level: known optional fields that
            // are not given are removed."
            let mut user = given.clone();
            // "`created_at` never changes after creation."
            user.created_at = stored.created_at.clone();
            // "`updated_at` on update: the caller's, even an earlier one; none
            // given: the stored one."
            if user.updated_at.is_none() {
                user.updated_at = stored.updated_at.clone();
            }
            // "Unknown fields that are stored and not given stay."
            user.unknown = stored.unknown.clone();
            user.unknown.extend(given.unknown.clone());
            unique(model, &user, Some(stored))?;
            Ok(Some(user))
        }
        UsersOp::Delete { id } => {
            legal(id)?;
            // "`delete` quarantines its bytes first."
            if !model.is_damaged(&id.0) {
                existing(model, id)?;
            }
            Ok(None)
        }
        UsersOp::Get { id } => {
            legal(id)?;
            existing(model, id).cloned().map(Some)
        }
        UsersOp::GetByUsername { .. }
        | UsersOp::GetByOidcIdentity { .. }
        | UsersOp::List
        | UsersOp::Count => Ok(None),
    }
}

fn apply(model: &mut UsersModel, op: &UsersOp, next: Option<UserData>) {
    match (op, next) {
        (UsersOp::Create(_) | UsersOp::Update(_), Some(user)) => {
            model.users.insert(Arc::clone(&user.id.0), user);
        }
        (UsersOp::Delete { id }, _) => {
            model.remove(&id.0);
        }
        _ => {}
    }
}

/// "Unique: id, username, (issuer, subject) where both are non-empty." A user
/// that had the value before keeps it, even where older software gave it to
/// several.
fn unique(model: &UsersModel, user: &UserData, before: Option<&UserData>) -> Result<(), Refusal> {
    let mut others = model.users.values().filter(|other| other.id != user.id);
    let kept = before.is_some_and(|before| before.username == user.username);
    if !kept && others.clone().any(|other| other.username == user.username) {
        return Err(NAME_TAKEN);
    }
    let identity = user.identity();
    let kept = before.is_some_and(|before| before.identity() == identity);
    if identity.is_some() && !kept && others.any(|other| other.identity() == identity) {
        return Err(IDENTITY_TAKEN);
    }
    Ok(())
}

/// "The oldest (then smallest id) being the owner."
fn oldest(model: &UsersModel, has: impl Fn(&UserData) -> bool) -> Option<&UserData> {
    // The first of equals: users come by id.
    model.users.values().filter(|user| has(user)).min_by_key(|user| user.created_at.clone())
}

fn existing<'a>(model: &'a UsersModel, id: &RawId) -> Result<&'a UserData, Refusal> {
    model.users.get(&id.0).ok_or_else(
        || {
            if model.is_damaged(&id.0) { DAMAGED } else { NO_SUCH_USER }
        },
    )
}

fn legal(id: &RawId) -> Result<(), Refusal> {
    if id.is_legal() { Ok(()) } else { Err(INVALID_ID) }
}

fn named(user: &UserData) -> Result<(), Refusal> {
    if user.username.is_empty() { Err(EMPTY_NAME) } else { Ok(()) }
}

fn gives(seen: &UsersSeen, user: &UserData, rule: &'static str) -> Verdict {
    if matches!(seen, UsersSeen::User(seen) if **seen == *user) {
        return Ok(());
    }
    Err(Broken { expected: Box::new(UsersSeen::User(Box::new(user.clone()))), rule })
}

fn refuse(seen: &UsersSeen, refusal: &Refusal) -> Verdict {
    if let UsersSeen::Failed(UsersFailure { problem, unknown: false, .. }) = seen
        && *problem == refusal.problem
    {
        return Ok(());
    }
    let expected = Box::new(UsersSeen::refused(refusal.problem));
    Err(Broken { expected, rule: refusal.rule })
}

const INVALID_ID: Refusal = Refusal {
    problem: UsersProblem::InvalidUserId,
    rule: "a user's id is a record id; that is judged first",
};
const EMPTY_NAME: Refusal = Refusal {
    problem: UsersProblem::InvalidUsername,
    rule: "a user's name is not empty, in look-ups too",
};
const ID_TAKEN: Refusal =
    Refusal { problem: UsersProblem::UserAlreadyExists, rule: "one id has one user" };
const NAME_TAKEN: Refusal =
    Refusal { problem: UsersProblem::UserAlreadyExists, rule: "one name has one user" };
const IDENTITY_TAKEN: Refusal = Refusal {
    problem: UsersProblem::OidcIdentityAlreadyExists,
    rule: "one external identity has one user",
};
const NO_SUCH_USER: Refusal =
    Refusal { problem: UsersProblem::UserNotFound, rule: "there is no such user" };
const DAMAGED: Refusal = Refusal {
    problem: UsersProblem::Storage(Kind::Corrupt),
    rule: "a record that is no user is corrupt, but to create and to delete",
};
const NO_SUCH_IDENTITY: Refusal = Refusal {
    problem: UsersProblem::OidcIdentityNotFound,
    rule: "no user has that identity; an empty part is nobody's",
};
