//! Which folder of a data directory is which store, and how a record of it is
//! read.
//!
//! **To add a store**: one entry in [`STORES`], and a function in `entity.rs`
//! that reads a record of it.

use crate::{
    seam::{CollectionSpec, Record, RecordId},
    store::{
        api_keys::ApiKeyStore, encryption::EncryptionKey, secrets::SecretStore,
        sessions::SessionStore, users::UserStore, watermark::WatermarkStore,
        webhooks::WebhookStore, worker_heartbeats::WorkerHeartbeatStore,
    },
};

use super::entity::{self, Entity, Unsound};

/// A store's place in a data directory.
pub struct Layout {
    /// The store's name, and its member in the document that `export` makes.
    pub name: &'static str,
    /// How its collection is opened, and so where it lies.
    pub spec: fn() -> CollectionSpec,
    /// Whether a record of that id is the store's at all.
    pub(crate) holds: fn(&RecordId) -> bool,
    /// What a record of it holds; secret values as the key opens them.
    pub(crate) read: fn(&Record, Option<&EncryptionKey>) -> Result<Entity, Unsound>,
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

/// Every store, in the order of the exported document.
pub static STORES: &[Layout] = &[
    Layout {
        name: "users",
        spec: UserStore::spec,
        holds: any,
        read: entity::user,
        member: Member::List,
    },
    Layout {
        name: "api_keys",
        spec: ApiKeyStore::spec,
        holds: any,
        read: entity::api_key,
        member: Member::List,
    },
    Layout {
        name: "webhooks",
        spec: WebhookStore::spec,
        holds: any,
        read: entity::webhook,
        member: Member::List,
    },
    Layout {
        name: "secrets",
        spec: SecretStore::spec,
        holds: any,
        read: entity::secret,
        member: Member::List,
    },
    Layout {
        name: "sessions",
        spec: SessionStore::spec,
        holds: any,
        read: entity::session,
        member: Member::List,
    },
    Layout {
        name: "watermark",
        spec: WatermarkStore::spec,
        holds: WatermarkStore::is_state,
        read: entity::watermark,
        member: Member::Single,
    },
    Layout {
        name: "worker_heartbeats",
        spec: WorkerHeartbeatStore::spec,
        holds: any,
        read: entity::heartbeat,
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
