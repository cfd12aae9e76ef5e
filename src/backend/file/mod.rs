//! Records as files: one file a record, below the collection's directory.
//!
//! | file | subject |
//! |---|---|
//! | `path` `envelope` `stored` | the format: where a record lies, what its bytes say |
//! | `open` | opening a collection: directories, checks, recovery, sweep |
//! | `storage` | what all operations of a handle share; directories and files by path |
//! | `lock` | the lock file, its generation, settling what a dead writer left |
//! | `load` | the files that stand for one record, and which of them counts |
//! | `judge` `plan` `apply` | a commit: whether it may, what it changes, changing it |
//! | `make_way` | older records that lie where another one is to be written |
//! | `atomic` `intent` `quarantine` | one file durably; several at once; bytes set aside |
//! | `aside` | removing a file, but not what older software has made of it meanwhile |
//! | `formats` | the private formats, for the registry that keeps them under review |
//! | `catalog` `walk` | the index in memory, derived from the files; keeping it true |
//! | `query` | what a look-up chooses from the index |
//! | `underway` | the writing calls that go on, whoever waits for them |
//! | `recent` | the file that was read or written last, so that it is not decoded again |
//! | `read` `remove` `collection` | the operations |
//! | `survey` `rewrite` | for data directories: looking at everything without a trace; bringing older files to the present format |
//!
//! **Beside the records** a collection's directory has `.storeproof.lock`
//! (never removed), at times `.storeproof.intent` and
//! `.storeproof.<16 hex digits>.tmp` and `.storeproof.aside.<16 hex digits>.<name>`, and the
//! directory `.storeproof.quarantine`. Whatever else is there is foreign and left alone.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    fs::Fs,
    seam::{Backend, Clock, Collection, CollectionSpec, Entropy, Result},
};

mod apply;
mod aside;
mod atomic;
mod catalog;
mod collection;
pub mod envelope;
#[cfg(feature = "harness")]
pub(crate) mod formats;
mod intent;
mod judge;
mod load;
mod lock;
mod make_way;
mod open;
pub mod path;
mod plan;
mod quarantine;
mod query;
mod read;
mod recent;
mod remove;
pub mod rewrite;
mod storage;
pub mod stored;
pub mod survey;
mod underway;
mod walk;

/// The page size where neither the caller nor [`FileOptions`] says another.
pub const DEFAULT_PAGE_SIZE: u32 = 100;

/// How a [`FileBackend`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// How many records a page has where the caller does not say; at least 1.
    pub page_size: u32,
    /// How many files of a directory may be looked at again, on average, for
    /// one change of our own in it, so that a change that other software made
    /// in the same moment is noticed. A directory of no more files than this
    /// is looked through after every change of our own: there nothing is ever
    /// seen late. In a larger one, what somebody who does not know the lock
    /// renames between our last look and our own rename may be seen late, but
    /// no more than two seconds.
    pub walk_budget: usize,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { page_size: DEFAULT_PAGE_SIZE, walk_budget: 8 }
    }
}

/// Collections as directories of files.
///
/// Several handles, in one process or in many, may share the directories. An
/// operation that has begun runs to its end even if its caller is dropped.
pub struct FileBackend<F: Fs> {
    fs: F,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    options: FileOptions,
}

impl<F: Fs> FileBackend<F> {
    /// Collections below the root of `fs`. `clock` decides what has expired,
    /// `entropy` names temporary files.
    pub fn new(fs: F, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { fs, clock, entropy, options: FileOptions::default() }
    }

    /// With other options, for handles opened from now on.
    #[must_use]
    pub fn with_options(mut self, options: FileOptions) -> Self {
        self.options = FileOptions { page_size: options.page_size.max(1), ..options };
        self
    }

    /// What a handle on the collection `spec` is made of.
    fn parts(&self, spec: CollectionSpec) -> open::Parts<F> {
        open::Parts {
            fs: self.fs.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            options: self.options,
            spec,
        }
    }
}

#[async_trait]
impl<F: Fs> Backend for FileBackend<F> {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        spec.validate()?;
        let storage = self.fs.run(open::open(self.parts(spec))).await?;
        Ok(Arc::new(collection::FileCollection::new(Arc::new(storage))))
    }
}
