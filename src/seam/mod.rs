//! The contract of the persistence layer: [`Backend`] → [`Collection`] →
//! [`Record`].
//!
//! Everything that stores would otherwise each have to get right about races,
//! crashes and other processes (conditions, unique keys, commits of several
//! records) is part of this seam, so that it is written, modelled and checked
//! once per backend.

mod backend;
mod clock;
mod collection;
mod cursor;
mod entropy;
mod error;
mod instant;
mod keys;
mod payload;
mod query;
mod record;
mod record_id;
mod spec;
mod sugar;
mod write;

pub use backend::Backend;
pub use clock::{Clock, SystemClock};
pub use collection::Collection;
pub use cursor::{Cursor, Position};
pub use entropy::{Entropy, OsEntropy};
pub use error::{Error, ErrorKind, Outcome, Result, Site, StoredBytes};
pub use instant::Instant;
pub use keys::{KeyPart, KeySpec, KeyValue};
pub(crate) use keys::{object_members, strings_at};
pub use payload::Payload;
pub use query::{Damaged, Found, ListQuery, Page, Selection};
pub use record::{Encoding, Record};
pub use record_id::RecordId;
pub use spec::{CollectionSpec, LegacySpec, PayloadId};
pub use sugar::CollectionExt;
pub use write::{Action, Condition, Write};
