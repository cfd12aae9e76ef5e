//! Which folder of a data directory is which store, and how a record of it is
//! read.
//!
//! **To add a store**: one entry in [`STORES`], and a function that reads a
//! record of it.

use crate::{
    seam::{CollectionSpec, Record, RecordId},
    store::{
        api_keys::{ApiKey, ApiKeyStore},
        document::Document,
        users::{User, UserStore},
        watermark::{CURRENT_VERSION, Watermark, WatermarkStore},
        worker_heartbeats::{Heartbeat, WorkerHeartbeatStore},
    },
};

use super::problem::ProblemKind;

/// A store's place in a data directory.
pub struct Layout {
    /// The store's name, and its member in the document that `export` makes.
    pub name: &'static str,
    /// How its collection is opened, and so where it lies.
    pub spec: fn() -> CollectionSpec,
    /// Whether a record of that id is the store's at all.
    pub(super) holds: fn(&RecordId) -> bool,
    /// What a record of it holds.
    pub(super) read: fn(&Record) -> Result<Entity, Unsound>,
    /// What the document's member is made of.
    pub(super) member: Member,
}

/// What a store's member of the exported document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// A list of all entities.
    List,
    /// A list, in which of several entities of one order only the freshest is.
    FreshestList,
    /// The one entity, or null.
    Single,
}

/// What a sound record holds.
pub(super) struct Entity {
    /// By what lists are ordered.
    pub(super) order: [String; 2],
    /// Which of several entities of one order counts: the highest.
    pub(super) freshness: (i64, bool),
    /// Its JSON, as it is exported.
    pub(super) document: Document,
}

/// Why a record holds nothing of its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsound {
    pub(super) kind: ProblemKind,
    /// Without any content.
    pub(super) message: String,
}

/// Every store, in the order of the exported document.
pub static STORES: &[Layout] = &[
    Layout { name: "users", spec: UserStore::spec, holds: any, read: user, member: Member::List },
    Layout {
        name: "api_keys",
        spec: ApiKeyStore::spec,
        holds: any,
        read: api_key,
        member: Member::List,
    },
    Layout {
        name: "watermark",
        spec: WatermarkStore::spec,
        holds: WatermarkStore::is_state,
        read: watermark,
        member: Member::Single,
    },
    Layout {
        name: "worker_heartbeats",
        spec: WorkerHeartbeatStore::spec,
        holds: any,
        read: heartbeat,
        member: Member::FreshestList,
    },
];

impl Layout {
    /// The folder, below the data directory.
    #[must_use]
    pub fn folder(&self) -> String {
        (self.spec)().directories().collect::<Vec<_>>().join("/")
    }
}

fn any(_: &RecordId) -> bool {
    true
}

impl Entity {
    fn new(id: &str, document: Document) -> Self {
        Self { order: [id.to_owned(), String::new()], freshness: (0, false), document }
    }
}

impl Unsound {
    fn damaged(what: &str, problem: &str) -> Self {
        Self { kind: ProblemKind::Damaged, message: format!("not {what}: {problem}") }
    }
}

fn user(record: &Record) -> Result<Entity, Unsound> {
    let user = User::from_record(record).map_err(|problem| Unsound::damaged("a user", &problem))?;
    Ok(Entity::new(&user.id, user.to_document()))
}

fn api_key(record: &Record) -> Result<Entity, Unsound> {
    let key = ApiKey::from_record(record);
    let key = key.map_err(|problem| Unsound::damaged("an API key", &problem))?;
    Ok(Entity::new(&key.id, key.to_document()))
}

fn watermark(record: &Record) -> Result<Entity, Unsound> {
    let document = Document::parse(record.data.bytes()).unwrap_or_default();
    let is_newer =
        matches!(document.value::<i64>("version"), Ok(Some(version)) if version > CURRENT_VERSION);
    let state = Watermark::from_payload(&record.data).map_err(|problem| {
        let kind = if is_newer { ProblemKind::NewerVersion } else { ProblemKind::Damaged };
        Unsound { kind, ..Unsound::damaged("a watermark that can be used", &problem) }
    })?;
    Ok(Entity::new(record.id.as_str(), state.to_document()))
}

fn heartbeat(record: &Record) -> Result<Entity, Unsound> {
    let (heartbeat, is_own) = Heartbeat::from_record(record)
        .map_err(|problem| Unsound::damaged("a heartbeat", &problem))?;
    let freshness = (heartbeat.last_heartbeat_at, is_own);
    Ok(Entity { freshness, ..Entity::new(&heartbeat.worker_id, heartbeat.to_document()) })
}
