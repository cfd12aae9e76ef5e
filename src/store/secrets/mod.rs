//! The secrets that jobs use: what is known of each, and its values, encrypted
//! and numbered.

mod secret;
mod stored;

use std::{fmt, sync::Arc};

use async_trait::async_trait;

pub use secret::{DISABLED, GLOBAL, MANAGED, PROVIDERS, Secret};

use super::{
    document::Document,
    encryption::{Encryption, EncryptionError, SecretText},
    entities,
    error::{DamagedEntity, Kind, foreign_payload},
    fields::updated,
    instant_text::InstantText,
};
use crate::seam::{
    Clock, Collection, CollectionExt, CollectionSpec, Error, KeySpec, LegacySpec, Outcome, Payload,
    PayloadId, Record, RecordId, Site,
};
use secret::{is_reference, workspace};
pub(crate) use stored::Stored;

/// Secrets by id and by (workspace, reference), and their values.
///
/// **Uniqueness.** No two secrets have one id or one pair of workspace and
/// reference. It holds among all clients and processes that share the storage.
/// The numbers of a secret's values are consecutive from 1 and never used again.
///
/// **Consistency.** Everything but `list` is linearizable. `list` gives every
/// secret that was there unchanged throughout exactly once, none that was
/// absent throughout, and otherwise values that each was held at some moment of
/// it.
///
/// **Values** are encrypted at rest. A store without a key neither writes nor
/// resolves one; everything else needs no key.
///
/// **Order of judgement.** When several errors apply: input (the id, the
/// workspace, the reference, the provider, a value for a foreign provider, a
/// value without a key), existence, the secret's provider and status, the
/// reference's owner.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Adds a secret, at once with its first value if one is given, which is
    /// noted in it as by [`write_value`](Self::write_value). Instants that are
    /// not given are now; `current_version` is 0 or 1, whatever is given.
    ///
    /// # Errors
    /// `InvalidSecretId`, `InvalidWorkspace`, `InvalidRef`,
    /// `InvalidProviderType`; for a value `UnsupportedProvider`, `KeyRequired`;
    /// `SecretAlreadyExists` (the id or the reference).
    async fn create(&self, secret: Secret, value: Option<SecretValue>) -> Result<(), SecretError>;

    /// The secret of that id.
    ///
    /// # Errors
    /// `InvalidSecretId`, `SecretNotFound`; `Corrupt` for what is no secret.
    async fn get(&self, id: &str) -> Result<Secret, SecretError>;

    /// The secret of that reference in that workspace; the empty one is
    /// `.global`. Where older software left several, the oldest.
    ///
    /// # Errors
    /// `InvalidWorkspace`, `InvalidRef`, `SecretNotFound`; `Corrupt` for what is
    /// no secret.
    async fn get_by_ref(&self, workspace: &str, reference: &str) -> Result<Secret, SecretError>;

    /// All secrets, or those of one workspace (the empty one is `.global`), by
    /// (workspace, reference, id), and everything that could not be read as one.
    ///
    /// # Errors
    /// `InvalidWorkspace`; those of the storage.
    async fn list(&self, workspace: Option<&str>) -> Result<SecretList, SecretError>;

    /// Replaces what is known of a secret: `last_checked_at` is removed unless
    /// given. Fields that this release does not know stay unless given.
    /// `created_at`, `current_version`, `last_resolved_at`, `last_rotated_at`
    /// and the values stay; so does `updated_at` unless given. An instant that
    /// does not change keeps its text.
    ///
    /// # Errors
    /// `InvalidSecretId`, `InvalidWorkspace`, `InvalidRef`,
    /// `InvalidProviderType`, `SecretNotFound`, `SecretAlreadyExists` (the
    /// reference); `Corrupt` for what is no secret.
    async fn update(&self, secret: Secret) -> Result<(), SecretError>;

    /// Removes a secret with its values. What lies under the id without being a
    /// secret is quarantined.
    ///
    /// # Errors
    /// `InvalidSecretId`, `SecretNotFound`.
    async fn delete(&self, id: &str) -> Result<(), SecretError>;

    /// Adds a secret's next value, also while the secret is disabled, and gives
    /// the secret as it then is: `current_version` is the value's number,
    /// `last_rotated_at` and `updated_at` are the value's `created_at`,
    /// `updated_by` is its author.
    ///
    /// # Errors
    /// `InvalidSecretId`, `KeyRequired`, `SecretNotFound`,
    /// `UnsupportedProvider`; `Corrupt` for what is no secret.
    async fn write_value(&self, id: &str, value: SecretValue) -> Result<Secret, SecretError>;

    /// The number of a secret's newest value.
    ///
    /// # Errors
    /// `InvalidSecretId`, `SecretNotFound`, `NoValue`; `Corrupt` for what is no
    /// secret.
    async fn current_version(&self, id: &str) -> Result<u64, SecretError>;

    /// A secret's newest value, in plain. Notes in the secret that it is
    /// resolved and changed now; where that can't be noted, the value is not
    /// given.
    ///
    /// # Errors
    /// `InvalidSecretId`, `SecretNotFound`, `Disabled`, `NoValue` (also for a
    /// foreign provider), `KeyRequired`, `DecryptFailed`; `Corrupt` for what is
    /// no secret; those of the storage.
    async fn resolve(&self, id: &str) -> Result<Resolved, SecretError>;
}

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretValue {
    /// The value itself; the empty one is a value, too.
    pub value: SecretText,
    /// Who wrote it.
    pub created_by: String,
    /// When it was written; none given: now.
    pub created_at: Option<InstantText>,
}

impl SecretValue {
    /// A value that is written now by nobody in particular.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: SecretText::new(value), created_by: String::new(), created_at: None }
    }

    /// Reads a value's JSON object as programs exchange it: `value`,
    /// `created_by` and `created_at`.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub fn from_document(document: &Document) -> Result<Self, String> {
        Ok(Self {
            value: SecretText::new(document.required_text("value")?),
            created_by: document.text("created_by")?.unwrap_or_default(),
            created_at: document.instant("created_at")?,
        })
    }
}

/// A value in plain, and its number.
#[derive(Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The value.
    pub value: SecretText,
    /// Its number.
    pub version: u64,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What `list` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretList {
    /// The secrets, by (workspace, reference, id).
    pub secrets: Vec<Secret>,
    /// What could not be read as a secret, by id, whatever its workspace.
    pub damaged: Vec<DamagedEntity>,
}

/// What can go wrong with secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The text can't be a secret's id.
    #[error("not a secret's id: {0}")]
    InvalidSecretId(#[source] Error),
    /// The text can't be a workspace.
    #[error(
        "not a workspace: letters, digits, _ and - are expected, but not all, default or global; nothing means .global"
    )]
    InvalidWorkspace,
    /// The text can't be a reference.
    #[error(
        "not a secret's reference: levels of lower-case letters, digits and - are expected, separated by /, none of them empty or beginning with -"
    )]
    InvalidRef,
    /// There is no such provider.
    #[error("not a provider of secrets: one of {} is expected", PROVIDERS.join(", "))]
    InvalidProviderType,
    /// Another secret has the id or the reference.
    #[error("there is a secret of this id or reference already: {0}")]
    SecretAlreadyExists(#[source] Error),
    /// There is no such secret.
    #[error("there is no such secret")]
    SecretNotFound,
    /// The secret's provider keeps its values itself.
    #[error("only secrets of the provider {MANAGED} have values here: write it at its provider")]
    UnsupportedProvider,
    /// The secret is disabled.
    #[error("the secret is disabled: enable it to resolve it")]
    Disabled,
    /// The secret has no value.
    #[error("the secret has no value: write one")]
    NoValue,
    /// A secret's value is concerned, and the store has no key.
    #[error("the store has no encryption key for secret values: open it with one")]
    KeyRequired,
    /// The value does not open with the store's key.
    #[error(
        "the secret's value does not open with the store's encryption key: open the store with the key that it was written with, or write the value anew"
    )]
    DecryptFailed,
    /// Anything else.
    #[error(transparent)]
    Storage(Error),
}

impl SecretError {
    /// The kind on the wire.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidSecretId(_) => Kind::InvalidId,
            Self::InvalidWorkspace | Self::InvalidRef | Self::InvalidProviderType => {
                Kind::InvalidArgument
            }
            Self::SecretAlreadyExists(_) => Kind::AlreadyExists,
            Self::SecretNotFound => Kind::NotFound,
            Self::UnsupportedProvider => Kind::UnsupportedProvider,
            Self::Disabled => Kind::Disabled,
            Self::NoValue => Kind::NoValue,
            Self::KeyRequired => Kind::KeyRequired,
            Self::DecryptFailed => Kind::DecryptFailed,
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

/// What the seam says of a secret's record, said of the secret.
impl From<Error> for SecretError {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound(_) => Self::SecretNotFound,
            // No two have one reference.
            Error::AlreadyExists(_) | Error::KeyTaken { .. } => Self::SecretAlreadyExists(error),
            Error::InvalidId { .. } => Self::InvalidSecretId(error),
            _ => Self::Storage(error),
        }
    }
}

const REFERENCE: &str = "ref";

/// [`Secrets`] over any collection that was opened with [`SecretStore::spec`].
pub struct SecretStore {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
    encryption: Encryption,
}

impl SecretStore {
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
        let reference = KeySpec::unique(REFERENCE, &["/secret/Workspace", "/secret/Ref"]);
        let mut spec =
            CollectionSpec::new("secrets").with_keys([reference.with_default(0, GLOBAL)]);
        spec.legacy = LegacySpec {
            id: Some(PayloadId { description: "the secret's ID", ids_of }),
            created_at: Some("/secret/CreatedAt"),
            updated_at: Some("/secret/UpdatedAt"),
        };
        spec
    }

    fn encrypt(&self, operation: &'static str, value: &SecretValue) -> Result<String, SecretError> {
        let ciphertext = self.encryption.encrypt(&value.value);
        ciphertext.map_err(|error| self.not_encrypted(operation, &error))
    }

    fn not_encrypted(&self, operation: &'static str, error: &EncryptionError) -> SecretError {
        match error {
            EncryptionError::KeyRequired => SecretError::KeyRequired,
            EncryptionError::DecryptFailed(_) => SecretError::DecryptFailed,
            EncryptionError::Entropy(_) => SecretError::Storage(Error::Backend {
                site: Site::new(operation, &self.collection.spec().name, None),
                problem: error.to_string(),
                outcome: Outcome::NotDone,
            }),
        }
    }

    fn read(&self, operation: &'static str, record: &Record) -> Result<Stored, SecretError> {
        Stored::from_record(record).map_err(|problem| self.foreign(operation, record, &problem))
    }

    fn foreign(&self, operation: &'static str, record: &Record, problem: &str) -> SecretError {
        let collection = &self.collection.spec().name;
        let problem = format!("not a secret: {problem}");
        SecretError::Storage(foreign_payload(operation, collection, record, problem))
    }

    /// The newest value of a secret that may be resolved.
    fn newest(&self, record: &Record, stored: &Stored) -> Result<Resolved, SecretError> {
        let secret = &stored.secret;
        if secret.status == DISABLED {
            return Err(SecretError::Disabled);
        }
        if secret.provider_type != MANAGED || secret.current_version == 0 {
            return Err(SecretError::NoValue);
        }
        let version = secret.current_version;
        let ciphertext = stored.ciphertext(version).ok_or_else(|| {
            self.foreign("resolve", record, "its \"CurrentVersion\" is not among its \"versions\"")
        })?;
        let value = self.encryption.decrypt(ciphertext);
        let value = value.map_err(|error| self.not_encrypted("resolve", &error))?;
        Ok(Resolved { value, version })
    }
}

fn ids_of(payload: &Payload) -> Vec<String> {
    let inner = Document::parse(payload.bytes())
        .and_then(|document| document.value::<Document>("secret").ok().flatten());
    let id = inner.and_then(|inner| inner.value::<String>("ID").ok().flatten());
    id.into_iter().collect()
}

/// "Input" comes first: the id, the workspace, the reference, the provider.
fn judge_input(secret: &mut Secret) -> Result<RecordId, SecretError> {
    let id = RecordId::new(secret.id.as_str())?;
    secret.workspace =
        workspace(&secret.workspace).ok_or(SecretError::InvalidWorkspace)?.to_owned();
    if !is_reference(&secret.reference) {
        return Err(SecretError::InvalidRef);
    }
    if !PROVIDERS.contains(&&*secret.provider_type) {
        return Err(SecretError::InvalidProviderType);
    }
    Ok(id)
}

#[async_trait]
impl Secrets for SecretStore {
    async fn create(
        &self,
        mut secret: Secret,
        value: Option<SecretValue>,
    ) -> Result<(), SecretError> {
        let id = judge_input(&mut secret)?;
        if value.is_some() && secret.provider_type != MANAGED {
            return Err(SecretError::UnsupportedProvider);
        }
        let ciphertext = value.as_ref().map(|value| self.encrypt("create", value)).transpose()?;
        let now = self.clock.now();
        secret.current_version = 0;
        let created_at = secret.created_at.get_or_insert_with(|| now.into()).instant();
        secret.updated_at.get_or_insert_with(|| now.into());
        let mut stored = Stored::new(secret);
        if let (Some(mut value), Some(ciphertext)) = (value, ciphertext) {
            value.created_at.get_or_insert_with(|| now.into());
            stored.append(1, &value, &ciphertext);
        }
        let mut record = Record::json(id, stored.to_payload(), created_at);
        let updated_at = stored.secret.updated_at.as_ref();
        record.updated_at = updated_at.map_or(now, InstantText::instant);
        Ok(self.collection.create(record).await?)
    }

    async fn get(&self, id: &str) -> Result<Secret, SecretError> {
        let record = self.collection.get(&RecordId::new(id)?).await?;
        Ok(self.read("get", &record)?.secret)
    }

    async fn get_by_ref(&self, space: &str, reference: &str) -> Result<Secret, SecretError> {
        let workspace = workspace(space).ok_or(SecretError::InvalidWorkspace)?;
        if !is_reference(reference) {
            return Err(SecretError::InvalidRef);
        }
        let found = self.collection.find(REFERENCE, &[workspace, reference]).await;
        let found = found.map_err(|error| error.during("get_by_ref"))?;
        let record = found.records.first().ok_or(SecretError::SecretNotFound)?;
        Ok(self.read("get_by_ref", record)?.secret)
    }

    async fn list(&self, space: Option<&str>) -> Result<SecretList, SecretError> {
        let only =
            space.map(|space| workspace(space).ok_or(SecretError::InvalidWorkspace)).transpose()?;
        let read = |record: &Record| match Stored::from_record(record) {
            Ok(stored) => Ok(stored.secret),
            Err(problem) => Err(format!("not a secret: {problem}")),
        };
        let all = entities::drain(&*self.collection, read).await?;
        let mut secrets: Vec<Secret> = all.entities.into_values().collect();
        secrets.retain(|secret| only.is_none_or(|only| secret.workspace == only));
        // Stable: ties stay in the order of their ids.
        secrets.sort_by(|a, b| (&a.workspace, &a.reference).cmp(&(&b.workspace, &b.reference)));
        Ok(SecretList { secrets, damaged: all.damaged })
    }

    async fn update(&self, mut secret: Secret) -> Result<(), SecretError> {
        let id = judge_input(&mut secret)?;
        let edit = |record: &Record| {
            let mut stored = self.read("update", record)?;
            stored.secret = secret.merged_with(&stored.secret);
            let next = stored.to_payload();
            Ok::<_, SecretError>((next != record.data).then_some(next))
        };
        self.collection.update(&id, edit).await.map(|_| ())
    }

    async fn delete(&self, id: &str) -> Result<(), SecretError> {
        let is_secret = |record: &Record| Stored::from_record(record).is_ok();
        Ok(entities::delete(&*self.collection, &RecordId::new(id)?, is_secret).await?)
    }

    async fn write_value(&self, id: &str, mut value: SecretValue) -> Result<Secret, SecretError> {
        let id = RecordId::new(id)?;
        let ciphertext = self.encrypt("write_value", &value)?;
        let now = self.clock.now();
        value.created_at.get_or_insert_with(|| now.into());
        let mut written = None;
        let edit = |record: &Record| {
            let mut stored = self.read("write_value", record)?;
            if stored.secret.provider_type != MANAGED {
                return Err(SecretError::UnsupportedProvider);
            }
            let number = stored.next_version().ok_or_else(|| {
                self.foreign("write_value", record, "its \"CurrentVersion\" is the last there is")
            })?;
            stored.append(number, &value, &ciphertext);
            let next = stored.to_payload();
            written = Some(stored.secret);
            Ok(Some(next))
        };
        self.collection.update(&id, edit).await?;
        written.ok_or(SecretError::SecretNotFound)
    }

    async fn current_version(&self, id: &str) -> Result<u64, SecretError> {
        let record = self.collection.get(&RecordId::new(id)?).await?;
        match self.read("current_version", &record)?.secret.current_version {
            0 => Err(SecretError::NoValue),
            version => Ok(version),
        }
    }

    async fn resolve(&self, id: &str) -> Result<Resolved, SecretError> {
        let id = RecordId::new(id)?;
        let now = self.clock.now();
        let mut resolved = None;
        let edit = |record: &Record| {
            let mut stored = self.read("resolve", record)?;
            resolved = Some(self.newest(record, &stored)?);
            let secret = &mut stored.secret;
            secret.last_resolved_at = updated(Some(now.into()), secret.last_resolved_at.take());
            secret.updated_at = updated(Some(now.into()), secret.updated_at.take());
            let next = stored.to_payload();
            Ok::<_, SecretError>((next != record.data).then_some(next))
        };
        self.collection.update(&id, edit).await?;
        resolved.ok_or(SecretError::SecretNotFound)
    }
}
