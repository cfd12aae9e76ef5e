//! The API keys of a control plane.

mod api_key;

use std::sync::Arc;

use async_trait::async_trait;

pub use api_key::{ALL_SURFACES, ApiKey, SERVICE_ACCOUNT};

pub use super::workspace_access::{Grant, WorkspaceAccess};
use super::{
    document::Document,
    entities,
    error::{DamagedEntity, Kind, foreign_payload},
    instant_text::InstantText,
};
use crate::seam::{
    self, Clock, Collection, CollectionExt, CollectionSpec, Error, KeySpec, LegacySpec, Payload,
    PayloadId, Record, RecordId,
};

/// API keys by id.
///
/// **Uniqueness.** No two keys have one id or one name. It holds among all
/// clients and processes that share the storage.
///
/// **Normal form.** What is written and what is read is
/// [normalised](ApiKey::normalised).
///
/// **Consistency.** Everything but `list` is linearizable. `list` gives every
/// key that was there unchanged throughout exactly once, none that was absent
/// throughout, and otherwise values that each was held at some moment of it.
///
/// **Order of judgement.** When several errors apply: input, existence, name.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Adds a key. Instants that are not given are now, but for the last use.
    ///
    /// # Errors
    /// `InvalidApiKeyId`, `InvalidApiKeyName`, `ApiKeyAlreadyExists` (the id or
    /// the name).
    async fn create(&self, key: ApiKey) -> Result<(), ApiKeyError>;

    /// The key of that id.
    ///
    /// # Errors
    /// `InvalidApiKeyId`, `ApiKeyNotFound`; `Corrupt` for what is no key.
    async fn get(&self, id: &str) -> Result<ApiKey, ApiKeyError>;

    /// All keys, by (`created_at`, id), and what could not be read as one.
    ///
    /// # Errors
    /// Those of the storage.
    async fn list(&self) -> Result<ApiKeyList, ApiKeyError>;

    /// Replaces what is known of a key: optional fields that are not given are
    /// removed. Fields that this release does not know stay unless given.
    /// `created_at` and `last_used_at` stay; so does `updated_at` unless given.
    /// An instant that does not change keeps its text.
    ///
    /// # Errors
    /// `InvalidApiKeyId`, `InvalidApiKeyName`, `ApiKeyNotFound`,
    /// `ApiKeyAlreadyExists` (the name); `Corrupt` for what is no key.
    async fn update(&self, key: ApiKey) -> Result<(), ApiKeyError>;

    /// Removes a key. What lies under the id without being a key is
    /// quarantined.
    ///
    /// # Errors
    /// `InvalidApiKeyId`, `ApiKeyNotFound`.
    async fn delete(&self, id: &str) -> Result<(), ApiKeyError>;

    /// Says that the key is used now. Nothing else of it changes.
    ///
    /// # Errors
    /// `InvalidApiKeyId`, `ApiKeyNotFound`; `Corrupt` for what is no key.
    async fn update_last_used(&self, id: &str) -> Result<(), ApiKeyError>;
}

/// What `list` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiKeyList {
    /// The keys, by (`created_at`, id).
    pub keys: Vec<ApiKey>,
    /// What could not be read as a key, by id.
    pub damaged: Vec<DamagedEntity>,
}

/// What can go wrong with API keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The text can't be a key's id.
    #[error("not an API key's id: {0}")]
    InvalidApiKeyId(#[source] Error),
    /// The key's name is empty.
    #[error("the API key's name is empty; give one")]
    InvalidApiKeyName,
    /// Another key has the id or the name.
    #[error("there is an API key of this id or name already: {0}")]
    ApiKeyAlreadyExists(#[source] Error),
    /// There is no such key.
    #[error("there is no such API key")]
    ApiKeyNotFound,
    /// Anything else.
    #[error(transparent)]
    Storage(Error),
}

impl ApiKeyError {
    /// The kind on the wire.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidApiKeyId(_) => Kind::InvalidId,
            Self::InvalidApiKeyName => Kind::InvalidArgument,
            Self::ApiKeyAlreadyExists(_) => Kind::AlreadyExists,
            Self::ApiKeyNotFound => Kind::NotFound,
            Self::Storage(error) => Kind::from(error),
        }
    }

    /// Whether the operation may have happened all the same.
    #[must_use]
    pub fn outcome(&self) -> seam::Outcome {
        match self {
            Self::Storage(error) => error.outcome(),
            _ => seam::Outcome::NotDone,
        }
    }
}

/// What the seam says of a key's record, said of the key.
impl From<Error> for ApiKeyError {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound(_) => Self::ApiKeyNotFound,
            // No two have one name.
            Error::AlreadyExists(_) | Error::KeyTaken { .. } => Self::ApiKeyAlreadyExists(error),
            Error::InvalidId { .. } => Self::InvalidApiKeyId(error),
            _ => Self::Storage(error),
        }
    }
}

const NAME: &str = "name";

/// [`ApiKeys`] over any collection that was opened with [`ApiKeyStore::spec`].
pub struct ApiKeyStore {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
}

impl ApiKeyStore {
    /// A store on a collection; `clock` gives the times of uses, and instants
    /// that callers leave out.
    #[must_use]
    pub fn new(collection: Arc<dyn Collection>, clock: Arc<dyn Clock>) -> Self {
        Self { collection, clock }
    }

    /// How the collection is to be opened.
    #[must_use]
    pub fn spec() -> CollectionSpec {
        let mut spec =
            CollectionSpec::new("api_keys").with_keys([KeySpec::unique(NAME, &["/name"])]);
        spec.directory = Some(Arc::from([Arc::from("apikeys")]));
        spec.legacy = LegacySpec {
            id: Some(PayloadId { description: "the API key's id", ids_of }),
            created_at: Some("/created_at"),
            updated_at: Some("/updated_at"),
        };
        spec
    }

    fn foreign(&self, operation: &'static str, record: &Record, problem: &str) -> ApiKeyError {
        let collection = &self.collection.spec().name;
        let problem = format!("not an API key: {problem}");
        ApiKeyError::Storage(foreign_payload(operation, collection, record, problem))
    }

    /// A read-modify-write.
    async fn edit(
        &self,
        operation: &'static str,
        id: &RecordId,
        edit: impl Fn(&Record) -> Result<Payload, String> + Send + Sync,
    ) -> Result<(), ApiKeyError> {
        let edit = |record: &Record| {
            let next = edit(record).map_err(|problem| self.foreign(operation, record, &problem))?;
            Ok::<_, ApiKeyError>((next != record.data).then_some(next))
        };
        self.collection.update(id, edit).await.map(|_| ())
    }
}

fn ids_of(payload: &Payload) -> Vec<String> {
    let document = Document::parse(payload.bytes());
    let id = document.and_then(|document| document.value::<String>("id").ok().flatten());
    id.into_iter().collect()
}

/// "Input" comes first: the id, then the name.
fn judge_input(key: &ApiKey) -> Result<RecordId, ApiKeyError> {
    let id = RecordId::new(key.id.as_str())?;
    if key.name.is_empty() {
        return Err(ApiKeyError::InvalidApiKeyName);
    }
    Ok(id)
}

#[async_trait]
impl ApiKeys for ApiKeyStore {
    async fn create(&self, key: ApiKey) -> Result<(), ApiKeyError> {
        let id = judge_input(&key)?;
        let mut key = key.normalised();
        let now = self.clock.now();
        let created_at = key.created_at.get_or_insert_with(|| now.into()).instant();
        let updated_at = key.updated_at.get_or_insert_with(|| now.into()).instant();
        let mut record = Record::json(id, key.to_document().to_payload(), created_at);
        record.updated_at = updated_at;
        Ok(self.collection.create(record).await?)
    }

    async fn get(&self, id: &str) -> Result<ApiKey, ApiKeyError> {
        let record = self.collection.get(&RecordId::new(id)?).await?;
        ApiKey::from_record(&record).map_err(|problem| self.foreign("get", &record, &problem))
    }

    async fn list(&self) -> Result<ApiKeyList, ApiKeyError> {
        let read = |record: &Record| {
            ApiKey::from_record(record).map_err(|problem| format!("not an API key: {problem}"))
        };
        let all = entities::drain(&*self.collection, read).await?;
        let mut keys: Vec<ApiKey> = all.entities.into_values().collect();
        // Stable: ties stay in the order of their ids.
        keys.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        Ok(ApiKeyList { keys, damaged: all.damaged })
    }

    async fn update(&self, key: ApiKey) -> Result<(), ApiKeyError> {
        let id = judge_input(&key)?;
        self.edit("update", &id, |record| key.merged_into(record)).await
    }

    async fn delete(&self, id: &str) -> Result<(), ApiKeyError> {
        let id = RecordId::new(id)?;
        let is_key = |record: &Record| ApiKey::from_record(record).is_ok();
        Ok(entities::delete(&*self.collection, &id, is_key).await?)
    }

    async fn update_last_used(&self, id: &str) -> Result<(), ApiKeyError> {
        let id = RecordId::new(id)?;
        let now = InstantText::from(self.clock.now());
        self.edit("update_last_used", &id, |record| ApiKey::used(record, &now)).await
    }
}
