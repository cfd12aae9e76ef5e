//! A whole data directory: what lies in it, what it means, and bringing it to
//! the present format.
//!
//! | file | subject |
//! |---|---|
//! | `layout` | which folder is which store |
//! | `entity` `sealed` | what a record of each store holds, as it is exported; texts with secret values |
//! | `content` | everything in a data directory, read without changing anything |
//! | `outside` | what lies beside the stores' folders |
//! | `problem` | what can be wrong, and what is merely worth knowing |
//! | `inspect` `export` `migrate` | what is made of it |

pub mod content;
mod entity;
pub mod export;
pub mod inspect;
pub mod layout;
pub mod migrate;
mod outside;
pub mod problem;
mod sealed;

use crate::seam;

/// Why nothing can be said of a data directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Something is in it, but nothing of ours.
    #[error("it is no data directory: nothing in it is a folder of a store ({known} are known)")]
    NotADataDirectory {
        /// The folders that are looked for.
        known: String,
    },
    /// The storage failed.
    #[error("{doing}: {source}")]
    Io {
        /// The step that failed, and on what.
        doing: String,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A collection can't be looked at or opened.
    #[error("{folder}: {source}")]
    Collection {
        /// Its folder.
        folder: String,
        /// Why.
        source: seam::Error,
    },
}
