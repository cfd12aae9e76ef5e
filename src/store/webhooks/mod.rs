//! The webhooks that start DAGs from outside.

mod webhook;

use std::sync::Arc;

use async_trait::async_trait;

pub use webhook::Webhook;

use super::{
    document::Document,
    encryption::{Encryption, EncryptionError, SecretText},
    entities,
    error::{DamagedEntity, Kind, foreign_payload},
};
use crate::seam::{
    Clock, Collection, CollectionExt, CollectionSpec, Error, KeySpec, LegacySpec, Outcome, Payload,
    PayloadId, Record, RecordId, Site,
};

/// Webhooks by id and by DAG.
///
/// **Uniqueness.** No two webhooks have one id or one DAG. It holds among all
/// clients and processes that share the storage.
///
/// **Consistency.** Everything but `list` is linearizable. `list` gives every
/// webhook that was there unchanged throughout exactly once, none that was
/// absent throughout, and otherwise values that each was held at some moment of
/// it.
///
/// **Secrets.** A webhook's HMAC secret is encrypted at rest. A store without a
/// key refuses to write one, and can't give a webhook that has one; everything
/// else needs no key.
///
/// **Order of judgement.** When several errors apply: input (the id, the DAG,
/// a secret without a key), existence, the DAG.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Adds a webhook. Instants that are not given are now.
    ///
    /// # Errors
    /// `InvalidWebhookId`, `InvalidDagName`, `HmacKeyRequired`,
    /// `WebhookAlreadyExists` (the id or the DAG).
    async fn create(&self, webhook: Webhook) -> Result<(), WebhookError>;

    /// The webhook of that id, its secret in plain.
    ///
    /// # Errors
    /// `InvalidWebhookId`, `WebhookNotFound`, `HmacKeyRequired`,
    /// `HmacDecryptFailed`; `Corrupt` for what is no webhook.
    async fn get(&self, id: &str) -> Result<Webhook, WebhookError>;

    /// The webhook of that DAG. Where older software left several, the oldest.
    ///
    /// # Errors
    /// `InvalidDagName`, `WebhookNotFound`, `HmacKeyRequired`,
    /// `HmacDecryptFailed`; `Corrupt` for what is no webhook.
    async fn get_by_dag_name(&self, dag_name: &str) -> Result<Webhook, WebhookError>;

    /// All webhooks, by (`created_at`, id), and what could not be read or
    /// decrypted.
    ///
    /// # Errors
    /// Those of the storage.
    async fn list(&self) -> Result<WebhookList, WebhookError>;

    /// Replaces what is known of a webhook: optional fields that are not given
    /// are removed, the secret too. Fields that this release does not know stay
    /// unless given. `created_at` and `last_used_at` stay; so does `updated_at`
    /// unless given. An instant that does not change keeps its text.
    ///
    /// # Errors
    /// `InvalidWebhookId`, `InvalidDagName`, `HmacKeyRequired` (for a secret that
    /// is given), `WebhookNotFound`, `WebhookAlreadyExists` (the DAG); `Corrupt`
    /// for what is no webhook.
    async fn update(&self, webhook: Webhook) -> Result<(), WebhookError>;

    /// Removes a webhook. What lies under the id without being a webhook is
    /// quarantined.
    ///
    /// # Errors
    /// `InvalidWebhookId`, `WebhookNotFound`.
    async fn delete(&self, id: &str) -> Result<(), WebhookError>;

    /// Removes the webhook of that DAG: the one that
    /// [`get_by_dag_name`](Self::get_by_dag_name) finds.
    ///
    /// # Errors
    /// `InvalidDagName`, `WebhookNotFound`.
    async fn delete_by_dag_name(&self, dag_name: &str) -> Result<(), WebhookError>;

    /// Notes that a webhook is used now, and touches nothing else of it.
    ///
    /// # Errors
    /// `InvalidWebhookId`, `WebhookNotFound`; `Corrupt` for what is no webhook.
    async fn update_last_used(&self, id: &str) -> Result<(), WebhookError>;
}

/// What `list` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookList {
    /// The webhooks, by (`created_at`, id).
    pub webhooks: Vec<Webhook>,
    /// What could not be read as a webhook or not be decrypted, by id.
    pub damaged: Vec<DamagedEntity>,
}

/// What can go wrong with webhooks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The text can't be a webhook's id.
    #[error("not a webhook's id: {0}")]
    InvalidWebhookId(#[source] Error),
    /// The DAG's name is empty.
    #[error("the name of the webhook's DAG is empty; give one")]
    InvalidDagName,
    /// Another webhook has the id or the DAG.
    #[error("there is a webhook of this id or DAG already: {0}")]
    WebhookAlreadyExists(#[source] Error),
    /// There is no such webhook.
    #[error("there is no such webhook")]
    WebhookNotFound,
    /// The webhook has an HMAC secret, and the store no key.
    #[error("the webhook has an HMAC secret, and the store no encryption key: open it with one")]
    HmacKeyRequired,
    /// The HMAC secret does not open with the store's key.
    #[error(
        "the webhook's HMAC secret does not open with the store's encryption key: open the store with the key that the secret was written with, or update the webhook with a new one"
    )]
    HmacDecryptFailed,
    /// Anything else.
    #[error(transparent)]
    Storage(Error),
}

impl WebhookError {
    /// The kind on the wire.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidWebhookId(_) => Kind::InvalidId,
            Self::InvalidDagName => Kind::InvalidArgument,
            Self::WebhookAlreadyExists(_) => Kind::AlreadyExists,
            Self::WebhookNotFound => Kind::NotFound,
            Self::HmacKeyRequired => Kind::KeyRequired,
            Self::HmacDecryptFailed => Kind::DecryptFailed,
            Self::Storage(error) => Kind::from(error),
        }
    }

    /// Whether the operation may have happened all the same.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Storage(error) => error.outcome(),
            _ => Outcome::NotDone,
        }
    }
}

/// What the seam says of a webhook's record, said of the webhook.
impl From<Error> for WebhookError {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound(_) => Self::WebhookNotFound,
            // A workflow has one webhook.
            Error::AlreadyExists(_) | Error::KeyTaken { .. } => Self::WebhookAlreadyExists(error),
            Error::InvalidId { .. } => Self::InvalidWebhookId(error),
            _ => Self::Storage(error),
        }
    }
}

const DAG_NAME: &str = "dag_name";

/// [`Webhooks`] over any collection that was opened with
/// [`WebhookStore::spec`].
pub struct WebhookStore {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
    encryption: Encryption,
}

impl WebhookStore {
    /// A store on a collection; `clock` gives instants that callers leave out.
    #[must_use]
    pub fn new(
        collection: Arc<dyn Collection>,
        clock: Arc<dyn Clock>,
        encryption: Encryption,
    ) -> Self {
        Self { collection, clock, encryption }
    }

    /// How the collection is to be opened.
    #[must_use]
    pub fn spec() -> CollectionSpec {
        let mut spec =
            CollectionSpec::new("webhooks").with_keys([KeySpec::unique(DAG_NAME, &["/dagName"])]);
        spec.legacy = LegacySpec {
            id: Some(PayloadId { description: "the webhook's id", ids_of }),
            created_at: Some("/createdAt"),
            updated_at: Some("/updatedAt"),
        };
        spec
    }

    /// What is to be stored of a secret.
    fn encrypt(
        &self,
        operation: &'static str,
        webhook: &Webhook,
    ) -> Result<Option<String>, WebhookError> {
        let secret = webhook.hmac_secret.as_ref().filter(|secret| !secret.is_empty());
        let ciphertext = secret.map(|secret| self.encryption.encrypt(secret)).transpose();
        ciphertext.map_err(|error| self.not_encrypted(operation, &error))
    }

    fn not_encrypted(&self, operation: &'static str, error: &EncryptionError) -> WebhookError {
        match error {
            EncryptionError::KeyRequired => WebhookError::HmacKeyRequired,
            EncryptionError::DecryptFailed(_) => WebhookError::HmacDecryptFailed,
            EncryptionError::Entropy(_) => WebhookError::Storage(Error::Backend {
                site: Site::new(operation, &self.collection.spec().name, None),
                problem: error.to_string(),
                outcome: Outcome::NotDone,
            }),
        }
    }

    /// The webhook that a record holds, its secret in plain.
    fn read(&self, operation: &'static str, record: &Record) -> Result<Webhook, WebhookError> {
        let (webhook, ciphertext) = self.stored(operation, record)?;
        self.opened(operation, webhook, ciphertext.as_deref())
    }

    /// The webhook with its secret in plain.
    fn opened(
        &self,
        operation: &'static str,
        mut webhook: Webhook,
        ciphertext: Option<&str>,
    ) -> Result<Webhook, WebhookError> {
        webhook.hmac_secret = ciphertext
            .map(|ciphertext| self.encryption.decrypt(ciphertext))
            .transpose()
            .map_err(|error| self.not_encrypted(operation, &error))?;
        Ok(webhook)
    }

    fn stored(
        &self,
        operation: &'static str,
        record: &Record,
    ) -> Result<(Webhook, Option<String>), WebhookError> {
        Webhook::from_record(record).map_err(|problem| self.foreign(operation, record, &problem))
    }

    fn foreign(&self, operation: &'static str, record: &Record, problem: &str) -> WebhookError {
        let collection = &self.collection.spec().name;
        let problem = format!("not a webhook: {problem}");
        WebhookError::Storage(foreign_payload(operation, collection, record, problem))
    }

    /// The record of a DAG's webhook.
    async fn find(&self, operation: &'static str, dag_name: &str) -> Result<Record, WebhookError> {
        if dag_name.is_empty() {
            return Err(WebhookError::InvalidDagName);
        }
        let found = self.collection.find(DAG_NAME, &[dag_name]).await;
        let found = found.map_err(|error| error.during(operation))?;
        found.records.into_iter().next().ok_or(WebhookError::WebhookNotFound)
    }

    /// The ciphertext to keep: the stored one where it holds the same secret.
    fn kept(
        &self,
        given: Option<&SecretText>,
        fresh: Option<&str>,
        stored: Option<String>,
    ) -> Option<String> {
        let same = |stored: &String| {
            given.is_some() && self.encryption.decrypt(stored).ok().as_ref() == given
        };
        stored.filter(same).or_else(|| fresh.map(str::to_owned))
    }
}

fn ids_of(payload: &Payload) -> Vec<String> {
    let document = Document::parse(payload.bytes());
    let id = document.and_then(|document| document.value::<String>("id").ok().flatten());
    id.into_iter().collect()
}

fn is_webhook(record: &Record) -> bool {
    Webhook::from_record(record).is_ok()
}

/// "Input" comes first: the id, then the DAG.
fn judge_input(webhook: &Webhook) -> Result<RecordId, WebhookError> {
    let id = RecordId::new(webhook.id.as_str())?;
    if webhook.dag_name.is_empty() {
        return Err(WebhookError::InvalidDagName);
    }
    Ok(id)
}

#[async_trait]
impl Webhooks for WebhookStore {
    async fn create(&self, mut webhook: Webhook) -> Result<(), WebhookError> {
        let id = judge_input(&webhook)?;
        let ciphertext = self.encrypt("create", &webhook)?;
        let now = self.clock.now();
        let created_at = webhook.created_at.get_or_insert_with(|| now.into()).instant();
        let updated_at = webhook.updated_at.get_or_insert_with(|| now.into()).instant();
        let mut record = Record::json(id, webhook.to_payload(ciphertext.as_deref()), created_at);
        record.updated_at = updated_at;
        Ok(self.collection.create(record).await?)
    }

    async fn get(&self, id: &str) -> Result<Webhook, WebhookError> {
        let record = self.collection.get(&RecordId::new(id)?).await?;
        self.read("get", &record)
    }

    async fn get_by_dag_name(&self, dag_name: &str) -> Result<Webhook, WebhookError> {
        let record = self.find("get_by_dag_name", dag_name).await?;
        self.read("get_by_dag_name", &record)
    }

    async fn list(&self) -> Result<WebhookList, WebhookError> {
        let read = |record: &Record| {
            Webhook::from_record(record).map_err(|problem| format!("not a webhook: {problem}"))
        };
        let all = entities::drain(&*self.collection, read).await?;
        let mut list = WebhookList { webhooks: Vec::new(), damaged: all.damaged };
        for (id, (webhook, ciphertext)) in all.entities {
            match self.opened("list", webhook, ciphertext.as_deref()) {
                Ok(webhook) => list.webhooks.push(webhook),
                Err(error) => {
                    let (kind, message) = (error.kind(), error.to_string());
                    list.damaged.push(DamagedEntity { id, kind, message });
                }
            }
        }
        // Stable: ties stay in the order of their ids.
        list.webhooks.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        list.damaged.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(list)
    }

    async fn update(&self, webhook: Webhook) -> Result<(), WebhookError> {
        let id = judge_input(&webhook)?;
        let fresh = self.encrypt("update", &webhook)?;
        let edit = |record: &Record| {
            let (stored, ciphertext) = self.stored("update", record)?;
            let kept = self.kept(webhook.hmac_secret.as_ref(), fresh.as_deref(), ciphertext);
            let next = webhook.merged_into(record, stored, kept.as_deref());
            let next = next.map_err(|problem| self.foreign("update", record, &problem))?;
            Ok::<_, WebhookError>((next != record.data).then_some(next))
        };
        self.collection.update(&id, edit).await.map(|_| ())
    }

    async fn delete(&self, id: &str) -> Result<(), WebhookError> {
        Ok(entities::delete(&*self.collection, &RecordId::new(id)?, is_webhook).await?)
    }

    async fn delete_by_dag_name(&self, dag_name: &str) -> Result<(), WebhookError> {
        loop {
            let record = self.find("delete_by_dag_name", dag_name).await?;
            let is_webhook = is_webhook(&record);
            match entities::delete_this(&*self.collection, record, is_webhook).await {
                // It changed or went: the DAG may have another one by now.
                Err(Error::Conflict(_) | Error::NotFound(_)) => {}
                removed => {
                    return removed.map_err(|error| error.during("delete_by_dag_name").into());
                }
            }
        }
    }

    async fn update_last_used(&self, id: &str) -> Result<(), WebhookError> {
        let id = RecordId::new(id)?;
        let now = self.clock.now();
        let edit = |record: &Record| {
            let (stored, _) = self.stored("update_last_used", record)?;
            if stored.last_used_at.as_ref().is_some_and(|last| last.instant() == now) {
                return Ok(None);
            }
            Ok::<_, WebhookError>(Some(stored.used_at(record, now)))
        };
        let updated = self.collection.update(&id, edit).await;
        updated.map(|_| ())
    }
}
