//! The contract of the secrets store: what every call must return, and what it
//! leaves. Sentences in quotation marks are the contract's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    data::{MANAGED, SecretData, ValueData},
    operation::SecretsOp,
    outcome::{SecretsProblem, SecretsSeen},
};
use crate::{
    model::{
        failure::Failure,
        listing,
        sealed::{Key, key_of},
        source::RawId,
        subject::{Broken, Moment},
    },
    seam::{Instant, RecordId},
    store::{error::Kind, instant_text::InstantText},
};

/// The state of the secrets store: the secrets by id, with both their instants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SecretsModel {
    /// The secrets.
    pub secrets: BTreeMap<Arc<str>, Stored>,
    /// The ids of the damaged records: what lies there is no secret, and holds no
    /// key.
    pub damaged: BTreeSet<Arc<str>>,
}

impl SecretsModel {
    /// Puts a secret in the place of whatever has the id; none: a damaged record.
    pub(super) fn put(&mut self, id: Arc<str>, stored: Option<Stored>) {
        self.remove(&id);
        match stored {
            Some(stored) => {
                self.secrets.insert(id, stored);
            }
            None => {
                self.damaged.insert(id);
            }
        }
    }

    /// Removes whatever has the id.
    pub(super) fn remove(&mut self, id: &str) {
        self.secrets.remove(id);
        self.damaged.remove(id);
    }

    /// Whether something has the id: "to `create` a damaged record is there".
    pub(super) fn holds(&self, id: &str) -> bool {
        self.secrets.contains_key(id) || self.damaged.contains(id)
    }
}

/// A stored secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// What is known of it.
    pub secret: SecretData,
    /// Its values: number 1 is the first.
    pub values: Vec<Value>,
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    /// The text.
    pub text: Arc<str>,
    /// The key that it was encrypted with. "The empty string encrypts to the
    /// empty string": none.
    pub sealed: Option<Key>,
}

type Verdict = Result<(), Broken<SecretsSeen>>;

/// An error that a call must return, and the rule that says so.
struct Refusal {
    problem: SecretsProblem,
    rule: &'static str,
}

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(
    model: &mut SecretsModel,
    op: &SecretsOp,
    seen: &SecretsSeen,
    moment: &Moment<'_>,
) -> Verdict {
    if let SecretsOp::List { workspace } = op {
        let mut states = std::iter::once(&*model);
        return judge_list(&mut states, workspace.as_ref(), seen);
    }
    let (expected, rule) = match effect(model, op, moment) {
        Err(refusal) => (SecretsSeen::Failed(Failure::refused(refusal.problem)), refusal.rule),
        Ok((change, answer)) if *seen == answer => {
            apply(model, change);
            return Ok(());
        }
        Ok((_, answer)) => (answer, "a call returns what the calls before it left"),
    };
    if *seen == expected { Ok(()) } else { Err(Broken { expected: Box::new(expected), rule }) }
}

/// The state that a call leaves, if it leaves another one.
pub(super) fn outcomes_unseen(
    model: &SecretsModel,
    op: &SecretsOp,
    moment: &Moment<'_>,
) -> Vec<SecretsModel> {
    let Ok((Some(change), _)) = effect(model, op, moment) else { return Vec::new() };
    let mut after = model.clone();
    apply(&mut after, Some(change));
    if after == *model { Vec::new() } else { vec![after] }
}

/// "Lists are complete, in the order given, ties by id." "`list` is ordered by
/// workspace, then ref."
pub(super) fn judge_list(
    states: &mut dyn Iterator<Item = &SecretsModel>,
    workspace: Option<&Arc<str>>,
    seen: &SecretsSeen,
) -> Verdict {
    let only = match workspace.map(workspace_of).transpose() {
        Ok(only) => only,
        Err(Refusal { problem, rule }) => {
            let expected = SecretsSeen::Failed(Failure::refused(problem));
            let right = *seen == expected;
            return if right { Ok(()) } else { Err(Broken { expected: Box::new(expected), rule }) };
        }
    };
    let states: Vec<_> = states.map(|state| listing_of(state, only.as_ref())).collect();
    let given: Vec<_> = match seen {
        SecretsSeen::List { secrets, damaged } => secrets
            .iter()
            .map(Listed::Secret)
            .chain(damaged.iter().map(|(id, kind)| Listed::Damaged(id.as_str(), *kind)))
            .collect(),
        _ => Vec::new(),
    };
    let judged = listing::judge(states.iter(), &given, |one| one.id(), |one| one.place());
    let throughout = match judged {
        Ok(()) if matches!(seen, SecretsSeen::List { .. }) => return Ok(()),
        judged => judged.err().unwrap_or_default(),
    };
    let (mut secrets, mut damaged) = (Vec::new(), Vec::new());
    for item in throughout {
        match item {
            Listed::Secret(secret) => secrets.push(secret.clone()),
            Listed::Damaged(id, kind) => {
                damaged.extend(RecordId::new(id).ok().map(|id| (id, kind)));
            }
        }
    }
    Err(Broken {
        expected: Box::new(SecretsSeen::List { secrets, damaged }),
        rule: "list gives each secret of the workspace that was there unchanged exactly once, by (workspace, ref, id), names all damaged records, and gives nothing that was not there",
    })
}

/// What a listing shows under an id.
#[derive(Clone, Copy, PartialEq)]
enum Listed<'a> {
    Secret(&'a SecretData),
    Damaged(&'a str, Kind),
}

impl<'a> Listed<'a> {
    fn id(&self) -> &'a str {
        match self {
            Self::Secret(secret) => &secret.id.0,
            Self::Damaged(id, _) => id,
        }
    }

    /// The secrets by (workspace, ref, id), then the others by id.
    fn place(&self) -> (bool, &'a str, &'a str, &'a str) {
        match self {
            Self::Secret(secret) => (false, &secret.workspace, &secret.reference, self.id()),
            Self::Damaged(id, _) => (true, "", "", id),
        }
    }
}

/// What a listing of a workspace, or of all, shows of a state, by id. Nobody
/// knows the workspace of what is damaged: it is in every list.
fn listing_of<'a>(
    model: &'a SecretsModel,
    only: Option<&Arc<str>>,
) -> BTreeMap<Arc<str>, Listed<'a>> {
    let secrets = model.secrets.iter().map(|(id, stored)| (id, &stored.secret));
    let secrets = secrets.filter(|(_, secret)| only.is_none_or(|only| secret.workspace == *only));
    let secrets = secrets.map(|(id, secret)| (Arc::clone(id), Listed::Secret(secret)));
    let damaged = model.damaged.iter();
    let damaged = damaged.map(|id| (Arc::clone(id), Listed::Damaged(id, Kind::Corrupt)));
    secrets.chain(damaged).collect()
}

/// What a call leaves under an id; none: it is gone.
type Change = (Arc<str>, Option<Stored>);

/// The change that a call makes, if it is one that does, and what it returns; or
/// why it is refused. In this order: the id, the workspace, the reference, the
/// provider, a value for a foreign provider, a value without a key, existence,
/// the secret's status and provider, the reference's owner.
fn effect(
    model: &SecretsModel,
    op: &SecretsOp,
    moment: &Moment<'_>,
) -> Result<(Option<Change>, SecretsSeen), Refusal> {
    let now = moment.now;
    match op {
        SecretsOp::Create { secret, value } => {
            let secret = judged(secret)?;
            if value.is_some() && &*secret.provider_type != MANAGED {
                return Err(UNSUPPORTED);
            }
            let value = value.as_ref().map(|value| sealed(value, moment.variant)).transpose()?;
            if model.holds(&secret.id.0) {
                return Err(ID_TAKEN);
            }
            unique(model, &secret, None)?;
            // "Missing `created_at` at creation: now." "Store-owned fields at
            // creation are as given, but `CurrentVersion` is 0, or 1 with an
            // initial value."
            let mut stored = Stored { secret, values: Vec::new() };
            stored.secret.current_version = 0;
            stored.secret.created_at.get_or_insert_with(|| now.into());
            stored.secret.updated_at.get_or_insert_with(|| now.into());
            if let Some((value, given)) = value {
                write(&mut stored, value, given, now);
            }
            Ok((changed(stored), SecretsSeen::Done))
        }
        SecretsOp::Update(given) => {
            let mut secret = judged(given)?;
            let stored = existing(model, &secret.id)?;
            unique(model, &secret, Some(&stored.secret))?;
            let before = &stored.secret;
            // "`created_at` never changes after creation."
            secret.created_at = before.created_at.clone();
            // "`updated_at` on update: the caller's, even an earlier one; none
            // given: the stored one."
            if secret.updated_at.is_none() {
                secret.updated_at = before.updated_at.clone();
            }
            // "Store-owned: `CurrentVersion LastResolvedAt LastRotatedAt` and
            // all versions."
            secret.current_version = before.current_version;
            secret.last_resolved_at = before.last_resolved_at.clone();
            secret.last_rotated_at = before.last_rotated_at.clone();
            // "Unknown fields that are stored and not given stay."
            secret.unknown = before.unknown.clone();
            secret.unknown.extend(given.unknown.clone());
            let values = stored.values.clone();
            Ok((changed(Stored { secret, values }), SecretsSeen::Done))
        }
        SecretsOp::Delete { id } => {
            legal(id)?;
            // "`delete` quarantines the bytes of a damaged record first."
            if !model.holds(&id.0) {
                return Err(NO_SUCH_SECRET);
            }
            Ok((Some((Arc::clone(&id.0), None)), SecretsSeen::Done))
        }
        SecretsOp::WriteValue { id, value } => {
            legal(id)?;
            let (value, given) = sealed(value, moment.variant)?;
            let mut stored = existing(model, id)?.clone();
            // "Only `dagu-managed` takes values." "Allowed while disabled."
            if &*stored.secret.provider_type != MANAGED {
                return Err(UNSUPPORTED);
            }
            write(&mut stored, value, given, now);
            let answer = SecretsSeen::Secret(Box::new(stored.secret.clone()));
            Ok((changed(stored), answer))
        }
        SecretsOp::Resolve { id } => {
            legal(id)?;
            let mut stored = existing(model, id)?.clone();
            let version = stored.secret.current_version;
            let value = newest(&stored, moment.variant)?;
            let answer = SecretsSeen::Value { value: Arc::clone(&value.text), version };
            // "`resolve` decrypts the current version, sets `LastResolvedAt` and
            // `UpdatedAt`."
            stored.secret.last_resolved_at = Some(now.into());
            stored.secret.updated_at = Some(now.into());
            Ok((changed(stored), answer))
        }
        SecretsOp::Get { id } => {
            legal(id)?;
            let stored = existing(model, id)?;
            Ok((None, SecretsSeen::Secret(Box::new(stored.secret.clone()))))
        }
        SecretsOp::GetByRef { workspace, reference } => {
            let workspace = workspace_of(workspace)?;
            judge_reference(reference)?;
            let secret = owner(model, &workspace, reference)?;
            Ok((None, SecretsSeen::Secret(Box::new(secret.clone()))))
        }
        SecretsOp::CurrentVersion { id } => {
            legal(id)?;
            match existing(model, id)?.secret.current_version {
                0 => Err(NO_VALUE),
                version => Ok((None, SecretsSeen::Version(version))),
            }
        }
        // Judged by `judge_list`.
        SecretsOp::List { .. } => Ok((None, SecretsSeen::Done)),
    }
}

fn changed(stored: Stored) -> Option<Change> {
    Some((Arc::clone(&stored.secret.id.0), Some(stored)))
}

fn apply(model: &mut SecretsModel, change: Option<Change>) {
    let Some((id, after)) = change else { return };
    match after {
        Some(stored) => model.put(id, Some(stored)),
        None => model.remove(&id),
    }
}

/// "`write_value` appends version `CurrentVersion + 1` and sets `CurrentVersion
/// LastRotatedAt UpdatedBy UpdatedAt`: to the value's `created_at` (else now)
/// and to its `created_by` (else empty)."
fn write(stored: &mut Stored, value: Value, given: &ValueData, now: Instant) {
    stored.values.push(value);
    let at = given.created_at.clone().unwrap_or_else(|| InstantText::from(now));
    stored.secret.current_version += 1;
    stored.secret.last_rotated_at = Some(at.clone());
    stored.secret.updated_at = Some(at);
    stored.secret.updated_by = Arc::clone(&given.created_by);
}

/// A value as a store in this variant encrypts it, which needs a key whatever
/// the value.
fn sealed(given: &ValueData, variant: u8) -> Result<(Value, &ValueData), Refusal> {
    let key = key_of(variant).ok_or(KEY_REQUIRED)?;
    let sealed = (!given.value.is_empty()).then_some(key);
    Ok((Value { text: Arc::clone(&given.value), sealed }, given))
}

/// "`Disabled` when status is `disabled`, `NoValue` without a version."
/// "`resolve` of a foreign provider: `no_value`."
fn newest(stored: &Stored, variant: u8) -> Result<&Value, Refusal> {
    if &*stored.secret.status == "disabled" {
        return Err(DISABLED);
    }
    if &*stored.secret.provider_type != MANAGED {
        return Err(NO_VALUE);
    }
    let value = stored.values.last().ok_or(NO_VALUE)?;
    let key = key_of(variant).ok_or(KEY_REQUIRED)?;
    if value.sealed.is_some_and(|made_with| made_with != key) {
        return Err(DECRYPT_FAILED);
    }
    Ok(value)
}

/// The secret as it is kept, once its input is found right.
fn judged(given: &SecretData) -> Result<SecretData, Refusal> {
    legal(&given.id)?;
    let workspace = workspace_of(&given.workspace)?;
    judge_reference(&given.reference)?;
    let providers = [
        "dagu-managed",
        "vault",
        "kubernetes",
        "gcp-secret-manager",
        "aws-secrets-manager",
        "azure-key-vault",
    ];
    if !providers.contains(&&*given.provider_type) {
        return Err(INVALID_PROVIDER);
    }
    Ok(SecretData { workspace, ..given.clone() })
}

fn legal(id: &RawId) -> Result<(), Refusal> {
    if id.is_legal() { Ok(()) } else { Err(INVALID_ID) }
}

/// "Empty means `.global`; otherwise letters, digits, `_`, `-`, and not `all`,
/// `default`, `global` in any case."
fn workspace_of(text: &Arc<str>) -> Result<Arc<str>, Refusal> {
    match &**text {
        "" | ".global" => return Ok(Arc::from(".global")),
        _ => {}
    }
    let reserved = matches!(&*text.to_lowercase(), "all" | "default" | "global");
    let plain = |c| matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-');
    if reserved || !text.chars().all(plain) { Err(INVALID_WORKSPACE) } else { Ok(text.clone()) }
}

/// "Slash-separated levels of `[a-z0-9][a-z0-9-]*`."
fn judge_reference(text: &str) -> Result<(), Refusal> {
    let level = |level: &str| {
        let plain = |c| matches!(c, 'a'..='z' | '0'..='9' | '-');
        !level.is_empty() && !level.starts_with('-') && level.chars().all(plain)
    };
    if text.split('/').all(level) { Ok(()) } else { Err(INVALID_REF) }
}

/// "Unique: id, (workspace, ref)." A secret that had the reference before keeps
/// it, even where older software gave it to several.
fn unique(
    model: &SecretsModel,
    secret: &SecretData,
    before: Option<&SecretData>,
) -> Result<(), Refusal> {
    let same = |other: &SecretData| {
        (&other.workspace, &other.reference) == (&secret.workspace, &secret.reference)
    };
    let mut others = model.secrets.values().filter(|other| other.secret.id != secret.id);
    if !before.is_some_and(same) && others.any(|other| same(&other.secret)) {
        return Err(REFERENCE_TAKEN);
    }
    Ok(())
}

/// "The oldest (then smallest id) being the owner."
fn owner<'a>(
    model: &'a SecretsModel,
    workspace: &str,
    reference: &str,
) -> Result<&'a SecretData, Refusal> {
    let secrets = model.secrets.values().map(|stored| &stored.secret);
    let having =
        secrets.filter(|secret| (&*secret.workspace, &*secret.reference) == (workspace, reference));
    // The first of equals: secrets come by id.
    having.min_by_key(|secret| secret.created_at.clone()).ok_or(NO_SUCH_SECRET)
}

/// "A stored record that can't be read is `Corrupt`."
fn existing<'a>(model: &'a SecretsModel, id: &RawId) -> Result<&'a Stored, Refusal> {
    if model.damaged.contains(&id.0) {
        return Err(DAMAGED);
    }
    model.secrets.get(&id.0).ok_or(NO_SUCH_SECRET)
}

const INVALID_ID: Refusal = Refusal {
    problem: SecretsProblem::InvalidSecretId,
    rule: "a secret's id is a record id; that is judged first",
};
const INVALID_WORKSPACE: Refusal = Refusal {
    problem: SecretsProblem::InvalidWorkspace,
    rule: "a workspace is empty or made of letters, digits, _ and -, and not all, default or global",
};
const INVALID_REF: Refusal = Refusal {
    problem: SecretsProblem::InvalidRef,
    rule: "a reference is made of levels of [a-z0-9][a-z0-9-]*, separated by /",
};
const INVALID_PROVIDER: Refusal = Refusal {
    problem: SecretsProblem::InvalidProviderType,
    rule: "a provider is one of those that are known",
};
const UNSUPPORTED: Refusal = Refusal {
    problem: SecretsProblem::UnsupportedProvider,
    rule: "only dagu-managed takes values",
};
const KEY_REQUIRED: Refusal = Refusal {
    problem: SecretsProblem::KeyRequired,
    rule: "a store without a key neither writes nor resolves a value",
};
const DECRYPT_FAILED: Refusal = Refusal {
    problem: SecretsProblem::DecryptFailed,
    rule: "a value opens with the key that it was written with alone",
};
const DISABLED: Refusal =
    Refusal { problem: SecretsProblem::Disabled, rule: "a disabled secret is not resolved" };
const NO_VALUE: Refusal =
    Refusal { problem: SecretsProblem::NoValue, rule: "the secret has no value here" };
const ID_TAKEN: Refusal =
    Refusal { problem: SecretsProblem::SecretAlreadyExists, rule: "one id has one secret" };
const REFERENCE_TAKEN: Refusal = Refusal {
    problem: SecretsProblem::SecretAlreadyExists,
    rule: "one reference of a workspace has one secret",
};
const NO_SUCH_SECRET: Refusal =
    Refusal { problem: SecretsProblem::SecretNotFound, rule: "there is no such secret" };
const DAMAGED: Refusal = Refusal {
    problem: SecretsProblem::Storage(Kind::Corrupt),
    rule: "what lies under the id is damaged",
};
