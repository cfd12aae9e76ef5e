//! The contract of the webhooks store: what every call must return, and what it
//! leaves. Sentences in quotation marks are the contract's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    operation::{WebhookData, WebhooksOp},
    outcome::{WebhooksProblem, WebhooksSeen},
};
use crate::{
    model::{
        failure::Failure,
        listing,
        sealed::{Key, key_of},
        source::RawId,
        subject::{Broken, Moment},
    },
    seam::RecordId,
    store::error::Kind,
};

/// The state of the webhooks store: the webhooks by id, with both their
/// instants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WebhooksModel {
    /// The webhooks.
    pub webhooks: BTreeMap<Arc<str>, Stored>,
    /// The ids of the damaged records: what lies there is no webhook, and holds no
    /// key.
    pub damaged: BTreeSet<Arc<str>>,
}

impl WebhooksModel {
    /// Puts a webhook in the place of whatever has the id; none: a damaged record.
    pub(super) fn put(&mut self, id: Arc<str>, stored: Option<Stored>) {
        self.remove(&id);
        match stored {
            Some(stored) => {
                self.webhooks.insert(id, stored);
            }
            None => {
                self.damaged.insert(id);
            }
        }
    }

    /// Removes whatever has the id.
    pub(super) fn remove(&mut self, id: &str) {
        self.webhooks.remove(id);
        self.damaged.remove(id);
    }

    fn record(&self, id: &str) -> Record<'_> {
        match self.webhooks.get(id) {
            Some(stored) => Record::Webhook(stored),
            None if self.damaged.contains(id) => Record::Damaged,
            None => Record::Absent,
        }
    }

    /// Whether something has the id: "to `create` a damaged record is there".
    pub(super) fn holds(&self, id: &str) -> bool {
        self.webhooks.contains_key(id) || self.damaged.contains(id)
    }
}

/// A stored webhook.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// What a store gives that can decrypt it.
    pub webhook: WebhookData,
    /// The key that its secret was encrypted with; none where it has none.
    pub sealed: Option<Key>,
}

/// What lies under an id.
#[derive(Clone, Copy, PartialEq)]
enum Record<'a> {
    Absent,
    Damaged,
    Webhook(&'a Stored),
}

type Verdict = Result<(), Broken<WebhooksSeen>>;

/// An error that a call must return, and the rule that says so.
struct Refusal {
    problem: WebhooksProblem,
    rule: &'static str,
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut WebhooksModel,
    op: &WebhooksOp,
    seen: &WebhooksSeen,
    moment: &Moment<'_>,
) -> Verdict {
    match op {
        WebhooksOp::Get { id } => {
            let stored = legal(id).and_then(|()| existing(model, id));
            match stored.and_then(|stored| shown(stored, moment.variant)) {
                Ok(webhook) => gives(seen, webhook, "get gives the webhook as last written"),
                Err(refusal) => refuse(seen, &refusal),
            }
        }
        WebhooksOp::GetByDagName { dag_name } => {
            let stored = named(dag_name).and_then(|()| owner(model, dag_name));
            match stored.and_then(|stored| shown(stored, moment.variant)) {
                Ok(webhook) => gives(seen, webhook, "a DAG finds the one webhook that has it"),
                Err(refusal) => refuse(seen, &refusal),
            }
        }
        WebhooksOp::List => judge_list(&mut std::iter::once(&*model), seen, moment.variant),
        _ => match effect(model, op, moment) {
            Err(refusal) => refuse(seen, &refusal),
            Ok(change) if *seen == WebhooksSeen::Done => {
                apply(model, change);
                Ok(())
            }
            Ok(_) => Err(Broken {
                expected: Box::new(WebhooksSeen::Done),
                rule: "nothing stands in the way of this call",
            }),
        },
    }
}

/// The state that a call leaves, if it leaves another one.
pub(super) fn outcomes_unseen(
    model: &WebhooksModel,
    op: &WebhooksOp,
    moment: &Moment<'_>,
) -> Vec<WebhooksModel> {
    let Ok(change) = effect(model, op, moment) else { return Vec::new() };
    let mut after = model.clone();
    apply(&mut after, change);
    if after == *model { Vec::new() } else { vec![after] }
}

/// "Lists are complete, in the order given, ties by id: webhooks by
/// (`created_at`, id)." "`list` names what it could not decrypt instead of
/// dropping it."
pub(super) fn judge_list(
    states: &mut dyn Iterator<Item = &WebhooksModel>,
    seen: &WebhooksSeen,
    variant: u8,
) -> Verdict {
    let (webhooks, damaged, is_list) = match seen {
        WebhooksSeen::List { webhooks, damaged } => (&**webhooks, &**damaged, true),
        _ => (&[][..], &[][..], false),
    };
    let states: Vec<_> = states.collect();
    let listings: Vec<BTreeMap<Arc<str>, &WebhookData>> = states
        .iter()
        .map(|state| {
            let shown = state.webhooks.values().filter_map(|stored| shown(stored, variant).ok());
            shown.map(|webhook| (Arc::clone(&webhook.id.0), webhook)).collect()
        })
        .collect();
    let given: Vec<_> = webhooks.iter().collect();
    let judged = listing::judge(
        listings.iter(),
        &given,
        |webhook| &webhook.id.0,
        |webhook| (webhook.created_at.clone(), webhook.id.clone()),
    );
    let not_shown = judge_not_shown(&states, damaged, variant);
    let none_twice =
        webhooks.iter().all(|one| damaged.iter().all(|(id, _)| id.as_str() != &*one.id.0));
    if is_list && none_twice && judged.is_ok() && not_shown.is_ok() {
        return Ok(());
    }
    let webhooks = judged.err().unwrap_or(given).into_iter().cloned().collect();
    let damaged = not_shown.err().unwrap_or_else(|| damaged.to_vec());
    Err(Broken {
        expected: Box::new(WebhooksSeen::List { webhooks, damaged }),
        rule: "list gives each webhook that was there unchanged exactly once, by (created_at, id), names what it can't decrypt, and gives nothing that was not there",
    })
}

/// Judges what a list names instead of showing it, by the drain's rule, "by id".
/// What a record is named for does not tell whether it changed: that is for the
/// record itself to say.
///
/// # Errors
/// What the list must name at least, in order.
fn judge_not_shown(
    states: &[&WebhooksModel],
    named: &[(RecordId, Kind)],
    variant: u8,
) -> Result<(), Vec<(RecordId, Kind)>> {
    let kind = |record: Record<'_>| match record {
        Record::Absent => None,
        Record::Damaged => Some(Kind::Corrupt),
        Record::Webhook(stored) => match shown(stored, variant) {
            Ok(_) => None,
            Err(refusal) if refusal.problem == WebhooksProblem::HmacKeyRequired => {
                Some(Kind::KeyRequired)
            }
            Err(_) => Some(Kind::DecryptFailed),
        },
    };
    let was_named = |id: &RecordId, given: Kind| {
        states.iter().any(|state| kind(state.record(id.as_str())) == Some(given))
    };
    let mut throughout = Vec::new();
    if let Some((first, others)) = states.split_first() {
        let ids: BTreeSet<_> = first.webhooks.keys().chain(&first.damaged).collect();
        for id in ids {
            let before = first.record(id);
            let Some(kind) = kind(before) else { continue };
            if others.iter().all(|state| state.record(id) == before) {
                throughout.extend(RecordId::new(Arc::clone(id)).ok().map(|id| (id, kind)));
            }
        }
    }
    let each_was_held = named.iter().all(|(id, kind)| was_named(id, *kind));
    let in_order = named.is_sorted_by(|(one, _), (other, _)| one < other);
    let none_missing = throughout.iter().all(|pair| named.contains(pair));
    if each_was_held && in_order && none_missing { Ok(()) } else { Err(throughout) }
}

/// What a call leaves under an id; none: it is gone.
type Change = (Arc<str>, Option<Stored>);

/// The change that a call makes, if it is one that does, or why it is refused. In this order: the id,
/// the DAG, a secret without a key, existence, the DAG's owner.
fn effect(
    model: &WebhooksModel,
    op: &WebhooksOp,
    moment: &Moment<'_>,
) -> Result<Option<Change>, Refusal> {
    let now = moment.now;
    match op {
        WebhooksOp::Create(given) => {
            legal(&given.id)?;
            named(&given.dag_name)?;
            let (mut webhook, sealed) = sealed(given, moment.variant)?;
            if model.holds(&given.id.0) {
                return Err(ID_TAKEN);
            }
            // "Missing `created_at` at creation: now." "Store-owned fields at
            // creation are as given."
            webhook.created_at.get_or_insert_with(|| now.into());
            webhook.updated_at.get_or_insert_with(|| now.into());
            unique(model, &webhook, None)?;
            Ok(Some((Arc::clone(&given.id.0), Some(Stored { webhook, sealed }))))
        }
        WebhooksOp::Update(given) => {
            legal(&given.id)?;
            named(&given.dag_name)?;
            // "`hmacSecret` missing or empty in an update removes the secret."
            let (mut webhook, sealed) = sealed(given, moment.variant)?;
            let stored = &existing(model, &given.id)?.webhook;
            // "`created_at` never changes after creation."
            webhook.created_at = stored.created_at.clone();
            // "`updated_at` on update: the caller's, even an earlier one; none
            // given: the stored one."
            if webhook.updated_at.is_none() {
                webhook.updated_at = stored.updated_at.clone();
            }
            // "Store-owned: `lastUsedAt`."
            webhook.last_used_at = stored.last_used_at.clone();
            // "Unknown fields that are stored and not given stay."
            webhook.unknown = stored.unknown.clone();
            webhook.unknown.extend(given.unknown.clone());
            unique(model, &webhook, Some(stored))?;
            Ok(Some((Arc::clone(&given.id.0), Some(Stored { webhook, sealed }))))
        }
        WebhooksOp::UpdateLastUsed { id } => {
            legal(id)?;
            // "`update_last_used` touches nothing but its field."
            let mut stored = existing(model, id)?.clone();
            stored.webhook.last_used_at = Some(now.into());
            Ok(Some((Arc::clone(&id.0), Some(stored))))
        }
        WebhooksOp::DeleteByDagName { dag_name } => {
            named(dag_name)?;
            Ok(Some((Arc::clone(&owner(model, dag_name)?.webhook.id.0), None)))
        }
        WebhooksOp::Delete { id } => {
            legal(id)?;
            // "`delete` quarantines the bytes of a damaged record first."
            if !model.holds(&id.0) {
                return Err(NO_SUCH_WEBHOOK);
            }
            Ok(Some((Arc::clone(&id.0), None)))
        }
        WebhooksOp::Get { .. } | WebhooksOp::GetByDagName { .. } | WebhooksOp::List => Ok(None),
    }
}

fn apply(model: &mut WebhooksModel, change: Option<Change>) {
    let Some((id, after)) = change else { return };
    match after {
        Some(stored) => model.put(id, Some(stored)),
        None => model.remove(&id),
    }
}

/// "A store without a key refuses to write one (`HmacKeyRequired`)." An empty
/// secret is none.
fn sealed(given: &WebhookData, variant: u8) -> Result<(WebhookData, Option<Key>), Refusal> {
    let mut webhook = given.clone();
    webhook.hmac_secret = webhook.hmac_secret.filter(|secret| !secret.is_empty());
    if webhook.hmac_secret.is_none() {
        return Ok((webhook, None));
    }
    let key = key_of(variant).ok_or(KEY_REQUIRED)?;
    Ok((webhook, Some(key)))
}

/// What a store shows of a webhook. "Asked for a webhook that has one, says the
/// same; a wrong key is `HmacDecryptFailed`."
fn shown(stored: &Stored, variant: u8) -> Result<&WebhookData, Refusal> {
    match (stored.sealed, key_of(variant)) {
        (None, _) => Ok(&stored.webhook),
        (Some(_), None) => Err(KEY_REQUIRED),
        (Some(made_with), Some(key)) if made_with == key => Ok(&stored.webhook),
        (Some(_), Some(_)) => Err(DECRYPT_FAILED),
    }
}

/// "Unique: id, dagName." A webhook that had the DAG before keeps it, even where
/// older software gave it to several.
fn unique(
    model: &WebhooksModel,
    webhook: &WebhookData,
    before: Option<&WebhookData>,
) -> Result<(), Refusal> {
    let kept = before.is_some_and(|before| before.dag_name == webhook.dag_name);
    let mut others = model.webhooks.values().filter(|other| other.webhook.id != webhook.id);
    if !kept && others.any(|other| other.webhook.dag_name == webhook.dag_name) {
        return Err(DAG_TAKEN);
    }
    Ok(())
}

/// "The oldest (then smallest id) being the owner."
fn owner<'a>(model: &'a WebhooksModel, dag_name: &str) -> Result<&'a Stored, Refusal> {
    let having = model.webhooks.values().filter(|stored| &*stored.webhook.dag_name == dag_name);
    // The first of equals: webhooks come by id.
    having.min_by_key(|stored| stored.webhook.created_at.clone()).ok_or(NO_SUCH_WEBHOOK)
}

/// "A stored record that can't be read is `Corrupt`."
fn existing<'a>(model: &'a WebhooksModel, id: &RawId) -> Result<&'a Stored, Refusal> {
    if model.damaged.contains(&id.0) {
        return Err(DAMAGED);
    }
    model.webhooks.get(&id.0).ok_or(NO_SUCH_WEBHOOK)
}

fn legal(id: &RawId) -> Result<(), Refusal> {
    if id.is_legal() { Ok(()) } else { Err(INVALID_ID) }
}

fn named(dag_name: &str) -> Result<(), Refusal> {
    if dag_name.is_empty() { Err(EMPTY_DAG) } else { Ok(()) }
}

fn gives(seen: &WebhooksSeen, webhook: &WebhookData, rule: &'static str) -> Verdict {
    if matches!(seen, WebhooksSeen::Webhook(seen) if **seen == *webhook) {
        return Ok(());
    }
    Err(Broken { expected: Box::new(WebhooksSeen::Webhook(Box::new(webhook.clone()))), rule })
}

fn refuse(seen: &WebhooksSeen, refusal: &Refusal) -> Verdict {
    let expected = WebhooksSeen::Failed(Failure::refused(refusal.problem));
    if *seen == expected {
        return Ok(());
    }
    Err(Broken { expected: Box::new(expected), rule: refusal.rule })
}

const INVALID_ID: Refusal = Refusal {
    problem: WebhooksProblem::InvalidWebhookId,
    rule: "a webhook's id is a record id; that is judged first",
};
const EMPTY_DAG: Refusal = Refusal {
    problem: WebhooksProblem::InvalidDagName,
    rule: "the name of a webhook's DAG is not empty, in look-ups too",
};
const KEY_REQUIRED: Refusal = Refusal {
    problem: WebhooksProblem::HmacKeyRequired,
    rule: "a store without a key neither writes nor gives a webhook with a secret",
};
const DECRYPT_FAILED: Refusal = Refusal {
    problem: WebhooksProblem::HmacDecryptFailed,
    rule: "a secret opens with the key that it was written with alone",
};
const ID_TAKEN: Refusal =
    Refusal { problem: WebhooksProblem::WebhookAlreadyExists, rule: "one id has one webhook" };
const DAG_TAKEN: Refusal =
    Refusal { problem: WebhooksProblem::WebhookAlreadyExists, rule: "one DAG has one webhook" };
const NO_SUCH_WEBHOOK: Refusal =
    Refusal { problem: WebhooksProblem::WebhookNotFound, rule: "there is no such webhook" };
const DAMAGED: Refusal = Refusal {
    problem: WebhooksProblem::Storage(Kind::Corrupt),
    rule: "what lies under the id is damaged",
};
