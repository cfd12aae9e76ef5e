//! Bugs that are in no catalogue, of kinds that it has none of: whoever looks for bugs of
//! such a kind can be measured by them.

use super::{Bug, Needs, flaws::Unsynced, plant::InFileSystem};
use crate::model::collection::CollectionSubject;

/// A file's name is durable, and what is in it is not.
pub static CONTENT_IS_NOT_SYNCED: Bug = Bug {
    id: "content-is-not-synced",
    title: "the content of a record's file is not synced",
    class: "durability",
    needs: Needs::Fault,
    description: "A temporary file is written and renamed, and its directory is synced; the file \
         itself is not. After a loss of power the name leads to nothing.",
    planted: &InFileSystem::<CollectionSubject, _>::new(Unsynced::new),
};
