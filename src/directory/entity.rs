//! What a record of each store holds, as it is exported.

use crate::{
    seam::Record,
    store::{
        api_keys::ApiKey,
        document::Document,
        encryption::EncryptionKey,
        secrets::Stored as StoredSecret,
        sessions::Session,
        users::User,
        watermark::{CURRENT_VERSION, Watermark},
        webhooks::Webhook,
        worker_heartbeats::Heartbeat,
    },
};

use super::{
    problem::ProblemKind,
    sealed::{SealedText, joined, opened, with_member},
};

/// What a sound record holds.
pub(crate) struct Entity {
    /// By what lists are ordered.
    pub(crate) order: [String; 2],
    /// Which of several entities of one order counts: the highest.
    pub(super) freshness: (i64, bool),
    /// Its JSON, as it is exported.
    pub(crate) text: SealedText,
    /// What the key should have opened and did not, in words.
    pub(super) undecryptable: Option<&'static str>,
}

/// Why a record holds nothing of its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsound {
    pub(super) kind: ProblemKind,
    /// Without any content.
    pub(super) message: String,
}

type Key<'a> = Option<&'a EncryptionKey>;

impl Entity {
    fn new(id: &str, text: SealedText) -> Self {
        let order = [id.to_owned(), String::new()];
        Self { order, freshness: (0, false), text, undecryptable: None }
    }

    fn of(id: &str, document: &Document) -> Self {
        Self::new(id, SealedText::new(document.to_text()))
    }
}

impl Unsound {
    fn damaged(what: &str, problem: &str) -> Self {
        Self { kind: ProblemKind::Damaged, message: format!("not {what}: {problem}") }
    }
}

pub(super) fn user(record: &Record, _: Key<'_>) -> Result<Entity, Unsound> {
    let user = User::from_record(record).map_err(|problem| Unsound::damaged("a user", &problem))?;
    Ok(Entity::of(&user.id, &user.to_document()))
}

pub(super) fn api_key(record: &Record, _: Key<'_>) -> Result<Entity, Unsound> {
    let key = ApiKey::from_record(record);
    let key = key.map_err(|problem| Unsound::damaged("an API key", &problem))?;
    Ok(Entity::of(&key.id, &key.to_document()))
}

/// With `hmacSecret`, in plain, in place of `hmacSecretEnc`.
pub(super) fn webhook(record: &Record, key: Key<'_>) -> Result<Entity, Unsound> {
    let webhook = Webhook::from_record(record);
    let (webhook, stored) = webhook.map_err(|problem| Unsound::damaged("a webhook", &problem))?;
    let text = webhook.to_document().to_text();
    let Some(stored) = stored else { return Ok(Entity::new(&webhook.id, SealedText::new(text))) };
    let (value, failed) = opened(&stored, key);
    let undecryptable = failed.then_some("its HMAC secret does not open with the key");
    let text = with_member(&text, "hmacSecret", &value);
    Ok(Entity { undecryptable, ..Entity::new(&webhook.id, text) })
}

/// `{"secret":{…},"versions":[{version, created_by, created_at, value}]}`, the
/// versions by number.
pub(super) fn secret(record: &Record, key: Key<'_>) -> Result<Entity, Unsound> {
    let damaged = |problem: &str| Unsound::damaged("a secret", problem);
    let stored = StoredSecret::from_record(record).map_err(|problem| damaged(&problem))?;
    let mut versions = Vec::new();
    let mut any_failed = false;
    for (version, ciphertext) in stored.values().map_err(|problem| damaged(&problem))? {
        let (value, failed) = opened(ciphertext, key);
        any_failed |= failed;
        versions.push(with_member(&version.to_text(), "value", &value));
    }
    let secret = stored.secret.to_document().to_text();
    let mut parts = vec!["{\"secret\":", &secret, ",\"versions\":["];
    for (place, version) in versions.iter().enumerate() {
        parts.extend([if place == 0 { "" } else { "," }, version]);
    }
    parts.push("]}");
    let undecryptable = any_failed.then_some("a value of it does not open with the key");
    Ok(Entity { undecryptable, ..Entity::new(&stored.secret.id, joined(&parts)) })
}

/// With its messages.
pub(super) fn session(record: &Record, _: Key<'_>) -> Result<Entity, Unsound> {
    let session = Session::with_messages(record);
    let session = session.map_err(|problem| Unsound::damaged("a session", &problem))?;
    let order = [session.id.clone(), session.user_id.clone()];
    Ok(Entity { order, ..Entity::of(&session.id, &session.to_document()) })
}

pub(super) fn watermark(record: &Record, _: Key<'_>) -> Result<Entity, Unsound> {
    let document = Document::parse(record.data.bytes()).unwrap_or_default();
    let is_newer =
        matches!(document.value::<i64>("version"), Ok(Some(version)) if version > CURRENT_VERSION);
    let state = Watermark::from_payload(&record.data).map_err(|problem| {
        let kind = if is_newer { ProblemKind::NewerVersion } else { ProblemKind::Damaged };
        Unsound { kind, ..Unsound::damaged("a watermark that can be used", &problem) }
    })?;
    Ok(Entity::of(record.id.as_str(), &state.to_document()))
}

pub(super) fn heartbeat(record: &Record, _: Key<'_>) -> Result<Entity, Unsound> {
    let (heartbeat, is_own) = Heartbeat::from_record(record)
        .map_err(|problem| Unsound::damaged("a heartbeat", &problem))?;
    let freshness = (heartbeat.last_heartbeat_at, is_own);
    Ok(Entity { freshness, ..Entity::of(&heartbeat.worker_id, &heartbeat.to_document()) })
}
