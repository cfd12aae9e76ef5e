//! The sessions of agents, with their messages and sub-sessions.

mod locate;
mod message;
mod remove;
mod session;

use std::{cmp::Reverse, sync::Arc};

use async_trait::async_trait;

pub use message::Message;
pub use session::Session;

use self::{locate::Located, session::Stored};
use super::error::{DamagedEntity, Kind, foreign_payload};
use crate::seam::{
    self, Action, Clock, Collection, CollectionExt, CollectionSpec, Condition, Damaged, Error,
    KeySpec, LegacySpec, Payload, PayloadId, Record, RecordId, Write, strings_at,
};

/// Sessions by id, by user and by the session that they belong to.
///
/// **Ids.** Ids of sessions and users are not empty, have at most 1 024 bytes
/// (1 023 together, for a new session), and hold no NUL, `/`, `\` or `..`.
///
/// **Uniqueness.** A new session gets an id that no other one has, whoever's it
/// is; that holds among all clients and processes that share the storage. Only
/// older software may have left several sessions of one id: these stay, each
/// listed for its user. Operations on an id take the one with the smallest
/// (`created_at`, user's id), among those of the user if one is named; no
/// session of that user is as good as none.
///
/// **Consistency.** Everything is linearizable but for what is about several
/// sessions. `list` and `list_sub` give every session that was there unchanged
/// throughout exactly once, none that was absent throughout, and otherwise
/// values that each was held at some moment of it. What `delete` and `create`
/// remove beyond one session goes children first, may go bit by bit, and need
/// not include what was created meanwhile.
///
/// **Order of judgement.** When several errors apply: the session's id, the
/// user's id, existence.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Adds a session. Instants that are not given are now.
    ///
    /// With a limit per user, a new top-level session that is one too many
    /// removes the user's oldest ones, by (`created_at`, id), with their
    /// sub-sessions at every depth, whoever's these are; never itself.
    ///
    /// # Errors
    /// `InvalidSessionId`, `InvalidUserId`, `SessionAlreadyExists`;
    /// `NotTrimmed` when the session is there and older ones may be too many.
    async fn create(&self, session: Session) -> Result<(), SessionError>;

    /// The session of that id, without its messages.
    ///
    /// # Errors
    /// `InvalidSessionId`, `InvalidUserId`, `SessionNotFound`; `Corrupt` for
    /// what is no session.
    async fn get(&self, id: &str, user_id: Option<&str>) -> Result<Session, SessionError>;

    /// A user's sessions, sub-sessions included, the last changed first, then
    /// by id, without their messages; and what could not be read and may be
    /// one.
    ///
    /// # Errors
    /// `InvalidUserId`.
    async fn list(&self, user_id: &str) -> Result<SessionList, SessionError>;

    /// The sub-sessions of a session, whoever's they are and whether or not it
    /// is there; otherwise as [`Self::list`].
    ///
    /// # Errors
    /// `InvalidSessionId`.
    async fn list_sub(&self, parent_id: &str) -> Result<SessionList, SessionError>;

    /// Changes a session's title, which is removed if none is given, and
    /// `updated_at`, if one is given (an earlier one, too); nothing else. An
    /// instant that does not change keeps its text.
    ///
    /// # Errors
    /// `InvalidSessionId`, `InvalidUserId` (of the argument, not of the
    /// session), `SessionNotFound`; `Corrupt` for what is no session.
    async fn update(&self, session: Session, user_id: Option<&str>) -> Result<(), SessionError>;

    /// Removes a session and its sub-sessions at every depth, whoever's they
    /// are. What lies under the user's id without being a session is
    /// quarantined.
    ///
    /// # Errors
    /// `InvalidSessionId`, `InvalidUserId`, `SessionNotFound`; `Corrupt` for
    /// what is no session where no user is named: nobody can tell whose it is,
    /// and the session that is meant may be created in this moment. Then nothing
    /// was removed.
    async fn delete(&self, id: &str, user_id: Option<&str>) -> Result<(), SessionError>;

    /// Adds a message at the end; `updated_at` becomes now. A message of type
    /// `user` with a content gives a session without a title one: the content,
    /// or where that has more than 50 characters (Unicode scalar values) its
    /// first 47 and `...`.
    ///
    /// # Errors
    /// `InvalidSessionId`, `InvalidUserId`, `SessionNotFound`; `Corrupt` for
    /// what is no session.
    async fn add_message(
        &self,
        id: &str,
        user_id: Option<&str>,
        message: Message,
    ) -> Result<(), SessionError>;

    /// A session's messages, by `sequence_id`, ties as they arrived.
    ///
    /// # Errors
    /// `InvalidSessionId`, `InvalidUserId`, `SessionNotFound`; `Corrupt` for
    /// what is no session, or a message that is none.
    async fn messages(&self, id: &str, user_id: Option<&str>)
    -> Result<Vec<Message>, SessionError>;

    /// The highest `sequence_id` among a session's messages; 0 without any.
    ///
    /// # Errors
    /// Those of [`Self::messages`].
    async fn latest_sequence_id(
        &self,
        id: &str,
        user_id: Option<&str>,
    ) -> Result<i64, SessionError>;
}

/// What lists give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionList {
    /// The sessions, the last changed first, then by id.
    pub sessions: Vec<Session>,
    /// What could not be read as a session and may be one of the wanted, by
    /// id.
    pub damaged: Vec<DamagedEntity>,
}

/// What can go wrong with sessions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The text can't be a session's id.
    #[error("not a session's id: {0}")]
    InvalidSessionId(#[source] Error),
    /// The text can't be a user's id.
    #[error("not the id of a session's user: {0}")]
    InvalidUserId(#[source] Error),
    /// Another session has the id.
    #[error("there is a session of this id already: {0}")]
    SessionAlreadyExists(#[source] Error),
    /// There is no such session, or it is another user's.
    #[error("there is no such session")]
    SessionNotFound,
    /// The session was created, but the user's older ones may be too many: the
    /// next one that is created removes them.
    #[error("the session was created, but older ones too many may be left: {0}")]
    NotTrimmed(#[source] Error),
    /// Anything else.
    #[error(transparent)]
    Storage(Error),
}

impl SessionError {
    /// The kind on the wire.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidSessionId(_) | Self::InvalidUserId(_) => Kind::InvalidId,
            Self::SessionAlreadyExists(_) => Kind::AlreadyExists,
            Self::SessionNotFound => Kind::NotFound,
            Self::NotTrimmed(error) | Self::Storage(error) => Kind::from(error),
        }
    }

    /// Whether the operation may have happened all the same.
    #[must_use]
    pub fn outcome(&self) -> seam::Outcome {
        match self {
            Self::Storage(error) => error.outcome(),
            Self::NotTrimmed(_) => seam::Outcome::Unknown,
            _ => seam::Outcome::NotDone,
        }
    }
}

/// What the seam says of a session's record, said of the session.
impl From<Error> for SessionError {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound(_) => Self::SessionNotFound,
            Error::AlreadyExists(_) | Error::KeyTaken { .. } => Self::SessionAlreadyExists(error),
            _ => Self::Storage(error),
        }
    }
}

const ID: &str = "id";
const USER_ID: &str = "user_id";
const PARENT: &str = "parent_session_id";

/// [`Sessions`] over any collection that was opened with
/// [`SessionStore::spec`].
pub struct SessionStore {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
    /// 0: none.
    limit_per_user: usize,
}

impl SessionStore {
    /// A store on a collection; `clock` tells when messages arrive, and gives
    /// instants that callers leave out.
    #[must_use]
    pub fn new(collection: Arc<dyn Collection>, clock: Arc<dyn Clock>) -> Self {
        Self { collection, clock, limit_per_user: 0 }
    }

    /// With so many top-level sessions per user at most; 0 is no limit.
    #[must_use]
    pub fn with_limit_per_user(self, limit_per_user: usize) -> Self {
        Self { limit_per_user, ..self }
    }

    /// How the collection is to be opened.
    #[must_use]
    pub fn spec() -> CollectionSpec {
        let mut spec = CollectionSpec::new("sessions").with_keys([
            KeySpec::unique(ID, &["/id"]),
            KeySpec::shared(USER_ID, &["/user_id"]),
            KeySpec::shared(PARENT, &["/parent_session_id"]),
        ]);
        spec.directory = Some(Arc::from([Arc::from("agent"), Arc::from("sessions")]));
        spec.legacy = LegacySpec {
            id: Some(PayloadId {
                description: "the session's user_id and id, with a slash between, or its id",
                ids_of,
            }),
            created_at: Some("/created_at"),
            updated_at: Some("/updated_at"),
        };
        spec
    }

    fn foreign(&self, operation: &'static str, record: &Record, problem: &str) -> SessionError {
        let collection = &self.collection.spec().name;
        let problem = format!("not a session: {problem}");
        SessionError::Storage(foreign_payload(operation, collection, record, problem))
    }

    /// The session of that id, and the record that holds it.
    async fn existing(
        &self,
        operation: &'static str,
        id: &str,
        user_id: Option<&str>,
    ) -> Result<(Record, Stored), SessionError> {
        let located = self.locate(id, user_id).await.map_err(|error| error.during(operation))?;
        match located {
            Located::Absent => Err(SessionError::SessionNotFound),
            Located::Session(record, stored) => Ok((record, *stored)),
            Located::Foreign(record, problem) => Err(self.foreign(operation, &record, &problem)),
            Located::Damaged(_, error) => Err(SessionError::Storage(error.during(operation))),
        }
    }

    /// The session's messages, in order.
    async fn messages_of(
        &self,
        operation: &'static str,
        id: &str,
        user_id: Option<&str>,
    ) -> Result<Vec<Message>, SessionError> {
        let (record, stored) = self.existing(operation, id, user_id).await?;
        stored.messages().map_err(|problem| self.foreign(operation, &record, &problem))
    }

    /// Replaces what is stored of a session by what `edit` makes of it, if it
    /// changes anything, again and again until nobody came in between.
    async fn change(
        &self,
        operation: &'static str,
        id: &str,
        user_id: Option<&str>,
        edit: impl Fn(&Stored) -> Option<Payload> + Send,
    ) -> Result<(), SessionError> {
        loop {
            let (record, stored) = self.existing(operation, id, user_id).await?;
            let write = match edit(&stored) {
                Some(next) => Write::compare_and_swap(record.id, record.data, next),
                // Somebody may be about to make durable what was read; a commit
                // comes after that.
                None => {
                    let when = Condition::Data(record.data);
                    Write { action: Action::Check(record.id), when }
                }
            };
            match self.collection.commit(vec![write]).await {
                // Somebody changed or removed it: there may be another one.
                Err(Error::Conflict(_) | Error::NotFound(_)) => {}
                changed => return Ok(changed.map_err(|error| error.during(operation))?),
            }
        }
    }

    /// The sessions among what a look-up found; damaged records where `may_be`
    /// says that they may be of those that were looked for.
    fn listed(found: seam::Found, may_be: impl Fn(&RecordId) -> bool) -> SessionList {
        let mut list = SessionList::default();
        for record in found.records {
            match Session::from_record(&record) {
                Ok(session) => list.sessions.push(session),
                Err(problem) => list
                    .damaged
                    .push(damaged_entity(record.id, format!("not a session: {problem}"))),
            }
        }
        let damaged = found.damaged.into_iter().filter(|damaged| may_be(&damaged.id));
        list.damaged.extend(damaged.map(|Damaged { id, message }| damaged_entity(id, message)));
        list.damaged.sort_by(|a, b| a.id.cmp(&b.id));
        list.sessions
            .sort_by(|a, b| (Reverse(&a.updated_at), &a.id).cmp(&(Reverse(&b.updated_at), &b.id)));
        list
    }
}

fn damaged_entity(id: RecordId, message: String) -> DamagedEntity {
    DamagedEntity { id, kind: Kind::Corrupt, message }
}

fn ids_of(payload: &Payload) -> Vec<String> {
    match strings_at(payload.bytes(), &["/user_id", "/id"]).as_slice() {
        [Some(user_id), Some(id)] => vec![format!("{user_id}/{id}"), id.clone()],
        _ => Vec::new(),
    }
}

/// What makes a text unfit to be the id of a session or of a user.
fn problem(text: &str) -> Option<&'static str> {
    let forbidden = || {
        let holds_one = text.contains(['/', '\\']) || text.contains("..");
        holds_one.then_some("it contains /, \\ or ..")
    };
    RecordId::problem(text).or_else(forbidden)
}

fn judge_session_id(id: &str) -> Result<(), SessionError> {
    let invalid = |problem| SessionError::InvalidSessionId(Error::invalid_id(id, problem));
    problem(id).map_or(Ok(()), |problem| Err(invalid(problem)))
}

fn judge_user_id(user_id: &str) -> Result<(), SessionError> {
    let invalid = |problem| SessionError::InvalidUserId(Error::invalid_id(user_id, problem));
    problem(user_id).map_or(Ok(()), |problem| Err(invalid(problem)))
}

/// "Input" comes first: the session's id, then the user's.
fn judge(id: &str, user_id: Option<&str>) -> Result<(), SessionError> {
    judge_session_id(id)?;
    user_id.map_or(Ok(()), judge_user_id)
}

#[async_trait]
impl Sessions for SessionStore {
    async fn create(&self, mut session: Session) -> Result<(), SessionError> {
        judge(&session.id, Some(&session.user_id))?;
        let [place, _] = session.record_ids();
        let id = RecordId::new(place).map_err(SessionError::InvalidSessionId)?;
        let now = self.clock.now();
        let created_at = session.created_at.get_or_insert_with(|| now.into()).instant();
        let updated_at = session.updated_at.get_or_insert_with(|| now.into()).instant();
        let data = session.to_document().to_payload();
        let mut record = Record::json(id.clone(), data, created_at);
        record.updated_at = updated_at;
        self.collection.create(record).await?;
        if self.limit_per_user > 0 && session.is_top_level() {
            let trimmed = self.trim(&id, &session.user_id).await;
            trimmed.map_err(|error| SessionError::NotTrimmed(error.during("create")))?;
        }
        Ok(())
    }

    async fn get(&self, id: &str, user_id: Option<&str>) -> Result<Session, SessionError> {
        judge(id, user_id)?;
        Ok(self.existing("get", id, user_id).await?.1.session)
    }

    async fn list(&self, user_id: &str) -> Result<SessionList, SessionError> {
        judge_user_id(user_id)?;
        let found = self.collection.find(USER_ID, &[user_id]).await;
        let found = found.map_err(|error| error.during("list"))?;
        Ok(Self::listed(found, |place| {
            place.as_str().split_once('/').is_none_or(|(owner, _)| owner == user_id)
        }))
    }

    async fn list_sub(&self, parent_id: &str) -> Result<SessionList, SessionError> {
        judge_session_id(parent_id)?;
        let found = self.collection.find(PARENT, &[parent_id]).await;
        Ok(Self::listed(found.map_err(|error| error.during("list_sub"))?, |_| true))
    }

    async fn update(&self, session: Session, user_id: Option<&str>) -> Result<(), SessionError> {
        judge(&session.id, user_id)?;
        let edit = |stored: &Stored| stored.updated(&session);
        self.change("update", &session.id, user_id, edit).await
    }

    async fn delete(&self, id: &str, user_id: Option<&str>) -> Result<(), SessionError> {
        judge(id, user_id)?;
        loop {
            let located = self.locate(id, user_id).await.map_err(|error| error.during("delete"))?;
            let removed = match (located, user_id) {
                (Located::Absent, _) => return Err(SessionError::SessionNotFound),
                (Located::Session(record, _), _) => self.remove(record).await,
                (Located::Foreign(record, _), Some(_)) => {
                    self.collection.quarantine(&record.id, record.data.bytes()).await
                }
                (Located::Damaged(place, _), Some(user_id)) => {
                    self.remove_damaged(place, id, user_id).await
                }
                (Located::Foreign(record, problem), None) => {
                    return Err(self.foreign("delete", &record, &problem));
                }
                (Located::Damaged(_, error), None) => {
                    return Err(SessionError::Storage(error.during("delete")));
                }
            };
            match removed {
                // Somebody came in between: what is there now?
                Err(Error::Conflict(_) | Error::NotFound(_) | Error::AlreadyExists(_)) => {}
                removed => return Ok(removed.map_err(|error| error.during("delete"))?),
            }
        }
    }

    async fn add_message(
        &self,
        id: &str,
        user_id: Option<&str>,
        message: Message,
    ) -> Result<(), SessionError> {
        judge(id, user_id)?;
        let now = self.clock.now();
        let edit = |stored: &Stored| Some(stored.with_message(&message, now));
        self.change("add_message", id, user_id, edit).await
    }

    async fn messages(
        &self,
        id: &str,
        user_id: Option<&str>,
    ) -> Result<Vec<Message>, SessionError> {
        judge(id, user_id)?;
        self.messages_of("messages", id, user_id).await
    }

    async fn latest_sequence_id(
        &self,
        id: &str,
        user_id: Option<&str>,
    ) -> Result<i64, SessionError> {
        judge(id, user_id)?;
        let messages = self.messages_of("latest_sequence_id", id, user_id).await?;
        Ok(messages.last().map_or(0, Message::sequence_id))
    }
}
