//! The contract of the API keys store: what every call must return, and what
//! it leaves. Sentences in quotation marks are the contract's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    operation::{ApiKeyData, ApiKeysOp},
    outcome::{ApiKeysProblem, ApiKeysSeen},
};
use crate::{
    model::{
        failure::Failure,
        listing,
        source::RawId,
        subject::{Broken, Moment},
    },
    seam::Instant,
    store::error::Kind,
};

/// The state of the API keys store: the keys by id, normal, with both their
/// instants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ApiKeysModel {
    /// The keys.
    pub keys: BTreeMap<Arc<str>, ApiKeyData>,
    /// The ids of the records that are no key. They hold no name.
    pub damaged: BTreeSet<Arc<str>>,
}

impl ApiKeysModel {
    /// Whatever lies under the id goes.
    pub(super) fn remove(&mut self, id: &str) {
        self.keys.remove(id);
        self.damaged.remove(id);
    }
}

type Verdict = Result<(), Broken<ApiKeysSeen>>;

/// An error that a call must return, and the rule that says so.
struct Refusal {
    problem: ApiKeysProblem,
    rule: &'static str,
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut ApiKeysModel,
    op: &ApiKeysOp,
    seen: &ApiKeysSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match op {
        ApiKeysOp::Get { id } => match legal(id).and_then(|()| existing(model, id)) {
            Ok(key) => gives(seen, key, "get gives the key as it was last written, normalised"),
            Err(refusal) => refuse(seen, &refusal),
        },
        ApiKeysOp::List => judge_list(&mut std::iter::once(&*model), seen),
        ApiKeysOp::Create(_)
        | ApiKeysOp::Update(_)
        | ApiKeysOp::Delete { .. }
        | ApiKeysOp::UpdateLastUsed { .. } => match effect(model, op, moment.now) {
            Err(refusal) => refuse(seen, &refusal),
            Ok(next) if *seen == ApiKeysSeen::Done => {
                apply(model, op, next);
                Ok(())
            }
            Ok(_) => Err(Broken {
                expected: Box::new(ApiKeysSeen::Done),
                rule: "nothing stands in the way of this call",
            }),
        },
    }
}

/// The state that a call leaves, if it leaves another one.
pub(super) fn outcomes_unseen(
    model: &ApiKeysModel,
    op: &ApiKeysOp,
    now: Instant,
) -> Vec<ApiKeysModel> {
    let mut after = model.clone();
    match effect(model, op, now) {
        Ok(next) => apply(&mut after, op, next),
        Err(_) => return Vec::new(),
    }
    if after == *model { Vec::new() } else { vec![after] }
}

/// "Lists are complete, in the order given, ties by id: api keys by
/// (`created_at`, id)."
pub(super) fn judge_list(
    states: &mut dyn Iterator<Item = &ApiKeysModel>,
    seen: &ApiKeysSeen,
) -> Verdict {
    let (listed, named, is_list) = match seen {
        ApiKeysSeen::List { keys, damaged } => (keys.as_slice(), damaged.as_slice(), true),
        _ => (&[][..], &[][..], false),
    };
    let states: Vec<_> = states.collect();
    let judged = listing::judge(
        states.iter().map(|state| &state.keys),
        listed,
        |key| &key.id.0,
        |key| (key.created_at.clone(), key.id.clone()),
    );
    let damage = listing::judge_damaged(states.iter().map(|state| &state.damaged), named);
    if is_list && judged.is_ok() && damage.is_ok() {
        return Ok(());
    }
    let keys = judged.err().unwrap_or_else(|| listed.to_vec());
    let damaged = damage.err().unwrap_or_else(|| named.to_vec());
    Err(Broken {
        expected: Box::new(ApiKeysSeen::List { keys, damaged }),
        rule: "list gives each key that was there unchanged exactly once, by (created_at, id), names what is damaged, and gives nothing that was not there",
    })
}

/// What a call leaves under its id.
enum Next {
    Key(Box<ApiKeyData>),
    Gone,
    /// The call only reads.
    Same,
}

/// What a call leaves, or why it is refused: "input, existence, name".
fn effect(model: &ApiKeysModel, op: &ApiKeysOp, now: Instant) -> Result<Next, Refusal> {
    match op {
        ApiKeysOp::Create(given) => {
            legal(&given.id)?;
            named(given)?;
            // "To `create` it is there."
            if model.keys.contains_key(&given.id.0) || model.damaged.contains(&given.id.0) {
                return Err(ID_TAKEN);
            }
            let mut key = normalised(given);
            // "Missing `created_at` at creation: now." "Store-owned fields at
            // creation are as given."
            key.created_at.get_or_insert_with(|| now.into());
            key.updated_at.get_or_insert_with(|| now.into());
            unique(model, &key, None)?;
            Ok(Next::Key(Box::new(key)))
        }
        ApiKeysOp::Update(given) => {
            legal(&given.id)?;
            named(given)?;
            let stored = existing(model, &given.id)?;
            // "`update` merges at the top level: known optional fields that
            // are not given are removed." "On reading and writing": what is
            // then missing is filled in.
            let mut key = normalised(given);
            // "`created_at` never changes after creation."
            key.created_at = stored.created_at.clone();
            // "Store-owned: `last_used_at`": "an `update` with a stale copy
            // leaves them alone".
            key.last_used_at = stored.last_used_at.clone();
            // "`updated_at` on update: the caller's, even an earlier one; none
            // given: the stored one."
            if key.updated_at.is_none() {
                key.updated_at = stored.updated_at.clone();
            }
            // "Unknown fields that are stored and not given stay."
            key.unknown = stored.unknown.clone();
            key.unknown.extend(given.unknown.clone());
            unique(model, &key, Some(stored))?;
            Ok(Next::Key(Box::new(key)))
        }
        ApiKeysOp::UpdateLastUsed { id } => {
            legal(id)?;
            // "`update_last_used` touches nothing but its field." "Instants
            // that a store sets itself are simply now."
            let stored = existing(model, id)?.clone();
            Ok(Next::Key(Box::new(ApiKeyData { last_used_at: Some(now.into()), ..stored })))
        }
        ApiKeysOp::Delete { id } => {
            legal(id)?;
            // "`delete` quarantines its bytes first."
            if !model.damaged.contains(&id.0) {
                existing(model, id)?;
            }
            Ok(Next::Gone)
        }
        ApiKeysOp::Get { .. } | ApiKeysOp::List => Ok(Next::Same),
    }
}

fn apply(model: &mut ApiKeysModel, op: &ApiKeysOp, next: Next) {
    match (next, op) {
        (Next::Key(key), _) => {
            model.keys.insert(Arc::clone(&key.id.0), *key);
        }
        (Next::Gone, ApiKeysOp::Delete { id }) => {
            model.remove(&id.0);
        }
        (Next::Gone | Next::Same, _) => {}
    }
}

/// "No attribution class means `service_account` with
/// `migrated_as_service_account` true; a service account without id gets
/// `api_key:<id>`, without name gets the key's name; no surfaces means both;
/// doubled surfaces are dropped." An empty text is none.
pub(super) fn normalised(given: &ApiKeyData) -> ApiKeyData {
    let mut key = given.clone();
    let missing = |text: &Option<Arc<str>>| text.as_deref().unwrap_or_default().is_empty();
    if missing(&key.attribution_class) {
        key.attribution_class = Some(Arc::from("service_account"));
        key.migrated_as_service_account = Some(true);
    }
    let is_service = key.attribution_class.as_deref() == Some("service_account");
    if is_service && missing(&key.service_account_id) {
        key.service_account_id = Some(Arc::from(format!("api_key:{}", key.id.0)));
    }
    if is_service && missing(&key.service_account_name) {
        key.service_account_name = Some(Arc::clone(&key.name));
    }
    if key.allowed_surfaces.is_empty() {
        key.allowed_surfaces = vec![Arc::from("rest_api"), Arc::from("mcp")];
    }
    let all = std::mem::take(&mut key.allowed_surfaces);
    for (place, surface) in all.iter().enumerate() {
        if all.iter().position(|other| other == surface) == Some(place) {
            key.allowed_surfaces.push(Arc::clone(surface));
        }
    }
    key
}

/// "Unique: id, name." A key that had the name before keeps it, even where
/// older software gave it to several.
fn unique(
    model: &ApiKeysModel,
    key: &ApiKeyData,
    before: Option<&ApiKeyData>,
) -> Result<(), Refusal> {
    let kept = before.is_some_and(|before| before.name == key.name);
    let mut others = model.keys.values().filter(|other| other.id != key.id);
    if !kept && others.any(|other| other.name == key.name) {
        return Err(NAME_TAKEN);
    }
    Ok(())
}

fn existing<'a>(model: &'a ApiKeysModel, id: &RawId) -> Result<&'a ApiKeyData, Refusal> {
    model
        .keys
        .get(&id.0)
        .ok_or_else(|| if model.damaged.contains(&id.0) { DAMAGED } else { NO_SUCH_KEY })
}

fn legal(id: &RawId) -> Result<(), Refusal> {
    if id.is_legal() { Ok(()) } else { Err(INVALID_ID) }
}

fn named(key: &ApiKeyData) -> Result<(), Refusal> {
    if key.name.is_empty() { Err(EMPTY_NAME) } else { Ok(()) }
}

fn gives(seen: &ApiKeysSeen, key: &ApiKeyData, rule: &'static str) -> Verdict {
    if matches!(seen, ApiKeysSeen::Key(seen) if **seen == *key) {
        return Ok(());
    }
    Err(Broken { expected: Box::new(ApiKeysSeen::Key(Box::new(key.clone()))), rule })
}

fn refuse(seen: &ApiKeysSeen, refusal: &Refusal) -> Verdict {
    let expected = ApiKeysSeen::Failed(Failure::refused(refusal.problem));
    if *seen == expected {
        return Ok(());
    }
    Err(Broken { expected: Box::new(expected), rule: refusal.rule })
}

const INVALID_ID: Refusal = Refusal {
    problem: ApiKeysProblem::InvalidApiKeyId,
    rule: "an API key's id is a record id; that is judged first",
};
const EMPTY_NAME: Refusal =
    Refusal { problem: ApiKeysProblem::InvalidApiKeyName, rule: "an API key's name is not empty" };
const ID_TAKEN: Refusal =
    Refusal { problem: ApiKeysProblem::ApiKeyAlreadyExists, rule: "one id has one API key" };
const NAME_TAKEN: Refusal =
    Refusal { problem: ApiKeysProblem::ApiKeyAlreadyExists, rule: "one name has one API key" };
const NO_SUCH_KEY: Refusal =
    Refusal { problem: ApiKeysProblem::ApiKeyNotFound, rule: "there is no such API key" };
const DAMAGED: Refusal = Refusal {
    problem: ApiKeysProblem::Storage(Kind::Corrupt),
    rule: "a record that is no key is corrupt, but to create and to delete",
};
