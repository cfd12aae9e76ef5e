//! The seam itself.

use async_trait::async_trait;

use super::{
    error::Result,
    query::{Found, ListQuery, Page, Selection},
    record::Record,
    record_id::RecordId,
    spec::CollectionSpec,
    write::Write,
};

/// A set of records with unique ids and declared keys.
///
/// **Consistency.** `get`, `find`, `count`, one page of `list`, and `commit`
/// are linearizable across tasks, handles and processes that share the
/// storage. Draining pages gives every record that was there unchanged
/// throughout exactly once, none that was absent throughout, and otherwise
/// values that each was held at some moment of the drain; `purge_expired`
/// likewise. A claim's removal is linearizable; its choice may pass over
/// records that an overlapping call creates, changes or claims.
///
/// **Durability.** A write that returned `Ok` survives the process and a loss
/// of power, unless the backend was opened with less on purpose.
///
/// **Failure.** Every operation happens wholly or not at all. The error's
/// [`outcome`](super::Error::outcome) says whether it was surely not done.
///
/// **Expiry.** A record whose `expires_at` is not after now is absent to every
/// operation. Now is read from the injected [`Clock`](super::Clock), once in
/// an operation.
///
/// **Damage.** A stored record that can't be read is `Corrupt` to `get` and to
/// conditions on its data, and there to the condition `Absent`; a put or a
/// delete quarantines its bytes first and then counts as on an absent record, as do those
/// on the condition `Stored` whatever is there;
/// `claim` and `count` pass over it; `list` and `find` name it. One that was
/// written by a newer release is `Corrupt` to every operation that names it
/// but `quarantine`.
///
/// **Order of judgement.** Input is judged before state: an invalid record or
/// argument, then existence, then conflicts, then keys in the spec's order.
#[async_trait]
pub trait Collection: Send + Sync {
    /// What the collection was opened with.
    fn spec(&self) -> &CollectionSpec;

    /// The record of that id.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt`.
    async fn get(&self, id: &RecordId) -> Result<Record>;

    /// The records whose key `key` has these parts, by (`created_at`, id), and
    /// every damaged record. An empty part finds nothing.
    ///
    /// # Errors
    /// `InvalidArgument` for a key that was not declared or a wrong number of
    /// parts.
    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found>;

    /// One page.
    ///
    /// # Errors
    /// `InvalidArgument` for a limit of 0; `InvalidCursor`.
    async fn list(&self, query: &ListQuery) -> Result<Page>;

    /// How many good records are selected.
    ///
    /// # Errors
    /// Those of the storage.
    async fn count(&self, selection: &Selection) -> Result<u64>;

    /// All the writes or none, for readers and across a crash as well. An
    /// empty list does nothing.
    ///
    /// In the order of the list: an id that was named before is
    /// `InvalidArgument`, a put of data that are not what their encoding says
    /// is `InvalidRecord`. Then, in that order again and on the state before
    /// the commit, the first write that fails decides: its condition
    /// (`AlreadyExists`, `NotFound`, `Conflict`, `Corrupt`), or a
    /// [`Replace`](super::Action::Replace) of an absent record (`NotFound`) or
    /// with data that are not what the stored encoding says (`InvalidRecord`).
    /// Then keys: a unique value that the commit gives to a record which did
    /// not hold it before, and that another record would hold afterwards, is
    /// `KeyTaken`, naming the first such key in the spec's order.
    ///
    /// # Errors
    /// As said above.
    async fn commit(&self, writes: Vec<Write>) -> Result<()>;

    /// Removes the selected record with the smallest id (by bytes) and returns
    /// it. No record is ever claimed twice, by anyone.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    async fn claim(&self, selection: &Selection) -> Result<Record>;

    /// Removes what has expired and returns how many records that were.
    ///
    /// # Errors
    /// Those of the storage.
    async fn purge_expired(&self) -> Result<u64>;

    /// Sets a record aside, whether good or damaged, if its data (for a damaged
    /// one its stored bytes, which `Corrupt` hands out) are `expected`: the
    /// bytes are kept, synced, in the collection's quarantine before the record
    /// goes.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the bytes are others.
    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()>;

    /// Ends when no call of this handle goes on whose future was dropped, or that
    /// returned with an unknown outcome: such a call may have happened by then, and does
    /// not happen any more. Where calls end with their futures there is nothing to wait
    /// for; over a network, until the connection of such a call is known to be dead.
    ///
    /// # Errors
    /// When the storage can't tell.
    async fn settle(&self) -> Result<()> {
        Ok(())
    }
}
