//! The users of a control plane.

mod user;

use std::sync::Arc;

use async_trait::async_trait;

pub use user::User;

pub use super::workspace_access::{Grant, WorkspaceAccess};
use super::{
    document::Document,
    entities,
    error::{DamagedEntity, Kind, foreign_payload},
};
use crate::seam::{
    self, Clock, Collection, CollectionExt, CollectionSpec, Error, KeySpec, LegacySpec, Payload,
    PayloadId, Record, RecordId, Selection,
};

/// Users by id, by name and by external identity.
///
/// **Uniqueness.** No two users have one id, one name, or one pair of issuer
/// and subject (where both are non-empty). It holds among all clients and
/// processes that share the storage.
///
/// **Consistency.** Everything but `list` is linearizable. `list` gives every
/// user that was there unchanged throughout exactly once, none that was absent
/// throughout, and otherwise values that each was held at some moment of it.
///
/// **Order of judgement.** When several errors apply: input, existence, name,
/// identity.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user. Instants that are not given are now.
    ///
    /// # Errors
    /// `InvalidUserId`, `InvalidUsername`, `UserAlreadyExists` (the id or the
    /// name), `OidcIdentityAlreadyExists`.
    async fn create(&self, user: User) -> Result<(), UserError>;

    /// The user of that id.
    ///
    /// # Errors
    /// `InvalidUserId`, `UserNotFound`; `Corrupt` for what is no user.
    async fn get(&self, id: &str) -> Result<User, UserError>;

    /// The user of that name. Where older software left several, the oldest.
    ///
    /// # Errors
    /// `InvalidUsername`, `UserNotFound`; `Corrupt` for what is no user.
    async fn get_by_username(&self, username: &str) -> Result<User, UserError>;

    /// The user of that external identity.
    ///
    /// # Errors
    /// `OidcIdentityNotFound`, also for an empty part; `Corrupt` for what is no
    /// user.
    async fn get_by_oidc_identity(&self, issuer: &str, subject: &str) -> Result<User, UserError>;

    /// All users, by (`created_at`, id), and what could not be read as one.
    ///
    /// # Errors
    /// Those of the storage.
    async fn list(&self) -> Result<UserList, UserError>;

    /// Replaces what is known of a user: optional fields that are not given
    /// are removed. Fields that this release does not know stay unless given.
    /// `created_at` stays; so does `updated_at` unless given. An instant that
    /// does not change keeps its text.
    ///
    /// # Errors
    /// `InvalidUserId`, `InvalidUsername`, `UserNotFound`, `UserAlreadyExists`
    /// (the name), `OidcIdentityAlreadyExists`; `Corrupt` for what is no user.
    async fn update(&self, user: User) -> Result<(), UserError>;

    /// Removes a user. What lies under the id without being a user is
    /// quarantined.
    ///
    /// # Errors
    /// `InvalidUserId`, `UserNotFound`.
    async fn delete(&self, id: &str) -> Result<(), UserError>;

    /// How many users there are: the records that can be read, whatever their
    /// payload.
    ///
    /// # Errors
    /// Those of the storage.
    async fn count(&self) -> Result<u64, UserError>;
}

/// What `list` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserList {
    /// The users, by (`created_at`, id).
    pub users: Vec<User>,
    /// What could not be read as a user, by id.
    pub damaged: Vec<DamagedEntity>,
}

/// What can go wrong with users.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// The text can't be a user's id.
    #[error("not a user's id: {0}")]
    InvalidUserId(#[source] Error),
    /// The user's name is empty.
    #[error("the user's name is empty; give one")]
    InvalidUsername,
    /// Another user has the id or the name.
    #[error("there is a user of this id or name already: {0}")]
    UserAlreadyExists(#[source] Error),
    /// Another user has the external identity.
    #[error("there is a user of this OIDC identity already: {0}")]
    OidcIdentityAlreadyExists(#[source] Error),
    /// There is no such user.
    #[error("there is no such user")]
    UserNotFound,
    /// No user has that external identity.
    #[error("there is no user of this OIDC identity")]
    OidcIdentityNotFound,
    /// Anything else.
    #[error(transparent)]
    Storage(Error),
}

impl UserError {
    /// The kind on the wire.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidUserId(_) => Kind::InvalidId,
            Self::InvalidUsername => Kind::InvalidArgument,
            Self::UserAlreadyExists(_) | Self::OidcIdentityAlreadyExists(_) => Kind::AlreadyExists,
            Self::UserNotFound | Self::OidcIdentityNotFound => Kind::NotFound,
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

/// What the seam says of a user's record, said of the user.
impl From<Error> for UserError {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound(_) => Self::UserNotFound,
            Error::AlreadyExists(_) => Self::UserAlreadyExists(error),
            Error::InvalidId { .. } => Self::InvalidUserId(error),
            Error::KeyTaken { key, .. } if &**key == USERNAME => Self::UserAlreadyExists(error),
            Error::KeyTaken { key, .. } if &**key == OIDC_IDENTITY => {
                Self::OidcIdentityAlreadyExists(error)
            }
            _ => Self::Storage(error),
        }
    }
}

const USERNAME: &str = "username";
const OIDC_IDENTITY: &str = "oidc_identity";

/// [`Users`] over any collection that was opened with [`UserStore::spec`].
pub struct UserStore {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
}

impl UserStore {
    /// A store on a collection; `clock` gives instants that callers leave out.
    #[must_use]
    pub fn new(collection: Arc<dyn Collection>, clock: Arc<dyn Clock>) -> Self {
        Self { collection, clock }
    }

    /// How the collection is to be opened.
    #[must_use]
    pub fn spec() -> CollectionSpec {
        let mut spec = CollectionSpec::new("users").with_keys([
            KeySpec::unique(USERNAME, &["/username"]),
            KeySpec::unique(OIDC_IDENTITY, &["/oidc_issuer", "/oidc_subject"]),
        ]);
        spec.legacy = LegacySpec {
            id: Some(PayloadId { description: "the user's id", ids_of }),
            created_at: Some("/created_at"),
            updated_at: Some("/updated_at"),
        };
        spec
    }

    fn read(&self, operation: &'static str, record: &Record) -> Result<User, UserError> {
        User::from_record(record).map_err(|problem| self.foreign(operation, record, &problem))
    }

    fn foreign(&self, operation: &'static str, record: &Record, problem: &str) -> UserError {
        let collection = &self.collection.spec().name;
        let problem = format!("not a user: {problem}");
        UserError::Storage(foreign_payload(operation, collection, record, problem))
    }

    /// The owner of a key's value.
    async fn find(
        &self,
        operation: &'static str,
        key: &str,
        value: &[&str],
    ) -> Result<Option<User>, UserError> {
        let found =
            self.collection.find(key, value).await.map_err(|error| error.during(operation))?;
        found.records.first().map(|record| self.read(operation, record)).transpose()
    }
}

fn ids_of(payload: &Payload) -> Vec<String> {
    let document = Document::parse(payload.bytes());
    let id = document.and_then(|document| document.value::<String>("id").ok().flatten());
    id.into_iter().collect()
}

/// "Input" comes first: the id, then the name.
fn judge_input(user: &User) -> Result<RecordId, UserError> {
    let id = RecordId::new(user.id.as_str())?;
    if user.username.is_empty() {
        return Err(UserError::InvalidUsername);
    }
    Ok(id)
}

#[async_trait]
impl Users for UserStore {
    async fn create(&self, mut user: User) -> Result<(), UserError> {
        let id = judge_input(&user)?;
        let now = self.clock.now();
        let created_at = user.created_at.get_or_insert_with(|| now.into()).instant();
        let updated_at = user.updated_at.get_or_insert_with(|| now.into()).instant();
        let mut record = Record::json(id, user.to_document().to_payload(), created_at);
        record.updated_at = updated_at;
        Ok(self.collection.create(record).await?)
    }

    async fn get(&self, id: &str) -> Result<User, UserError> {
        let record = self.collection.get(&RecordId::new(id)?).await?;
        self.read("get", &record)
    }

    async fn get_by_username(&self, username: &str) -> Result<User, UserError> {
        if username.is_empty() {
            return Err(UserError::InvalidUsername);
        }
        let user = self.find("get_by_username", USERNAME, &[username]).await?;
        user.ok_or(UserError::UserNotFound)
    }

    async fn get_by_oidc_identity(&self, issuer: &str, subject: &str) -> Result<User, UserError> {
        let user = self.find("get_by_oidc_identity", OIDC_IDENTITY, &[issuer, subject]).await?;
        user.ok_or(UserError::OidcIdentityNotFound)
    }

    async fn list(&self) -> Result<UserList, UserError> {
        let read = |record: &Record| {
            User::from_record(record).map_err(|problem| format!("not a user: {problem}"))
        };
        let all = entities::drain(&*self.collection, read).await?;
        let mut users: Vec<User> = all.entities.into_values().collect();
        // Stable: ties stay in the order of their ids.
        users.sort_by(|a, b| a.created_at.cmp(&b.created_at));
        Ok(UserList { users, damaged: all.damaged })
    }

    async fn update(&self, user: User) -> Result<(), UserError> {
        let id = judge_input(&user)?;
        let edit = |record: &Record| {
            let next = user.merged_into(record);
            let next = next.map_err(|problem| self.foreign("update", record, &problem))?;
            Ok::<_, UserError>((next != record.data).then_some(next))
        };
        self.collection.update(&id, edit).await.map(|_| ())
    }

    async fn delete(&self, id: &str) -> Result<(), UserError> {
        let id = RecordId::new(id)?;
        let is_user = |record: &Record| User::from_record(record).is_ok();
        Ok(entities::delete(&*self.collection, &id, is_user).await?)
    }

    async fn count(&self) -> Result<u64, UserError> {
        Ok(self.collection.count(&Selection::all()).await?)
    }
}
