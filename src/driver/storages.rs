//! What `open` opens: directories, or memory that lives as long as the process.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{clock::DriverClock, failure::Failure};
use crate::{
    backend::{
        file::{DEFAULT_PAGE_SIZE, FileBackend, FileOptions},
        memory::MemoryBackend,
        sqlite::{SqliteBackend, SqliteOptions},
    },
    fs::{Fs, OsFs, block_on},
    seam::{Backend, Collection, CollectionSpec, Entropy, Error, Outcome, Site},
};

/// Where storages lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendChoice {
    /// In directories of the real file system, with full durability.
    File,
    /// In this process's memory.
    Memory,
    /// In one SQLite database in each data directory, with full durability.
    Sqlite,
}

impl BackendChoice {
    /// Its name on the command line and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        }
    }

    /// The choice of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::File, Self::Memory, Self::Sqlite].into_iter().find(|choice| choice.name() == name)
    }

    /// The protocol's features that it offers.
    pub(super) const fn features(self) -> &'static [&'static str] {
        match self {
            Self::File => &["clock", "shared_path", "durable", "legacy"],
            Self::Memory => &["clock"],
            Self::Sqlite => &["clock", "shared_path", "durable"],
        }
    }
}

/// All storages that were opened.
pub(super) struct Storages {
    clock: Arc<DriverClock>,
    entropy: Arc<dyn Entropy>,
    /// By the directories that they would have as files, so that one path is
    /// the same storage to a store and to a collection of its name.
    memories: BTreeMap<PathBuf, MemoryBackend>,
}

impl Storages {
    pub(super) fn new(clock: Arc<DriverClock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, memories: BTreeMap::new() }
    }

    /// Opens a collection in the data directory `path`, which is made where it
    /// is missing.
    pub(super) fn open(
        &mut self,
        choice: BackendChoice,
        path: &Path,
        page_size: Option<u32>,
        spec: CollectionSpec,
    ) -> Result<Arc<dyn Collection>, Failure> {
        spec.validate()?;
        let page_size = page_size.unwrap_or(DEFAULT_PAGE_SIZE);
        let opened = match choice {
            BackendChoice::File => block_on(self.files(path, page_size, &spec)?.open(spec)),
            BackendChoice::Memory => {
                let place = spec.directories().fold(path.to_owned(), |at, level| at.join(level));
                let clock = Arc::clone(&self.clock);
                let made = || MemoryBackend::new(clock);
                let memory = self.memories.entry(place).or_insert_with(made);
                block_on(memory.clone().with_page_size(page_size).open(spec))
            }
            BackendChoice::Sqlite => block_on(self.database(path, page_size, &spec)?.open(spec)),
        };
        Ok(opened?)
    }

    fn files(
        &self,
        path: &Path,
        page_size: u32,
        spec: &CollectionSpec,
    ) -> Result<FileBackend<OsFs>, Failure> {
        let fs = data_directory(path, spec)?;
        let backend = FileBackend::new(fs, self.clock.clone(), Arc::clone(&self.entropy));
        Ok(backend.with_options(FileOptions { page_size, ..FileOptions::default() }))
    }

    fn database(
        &self,
        path: &Path,
        page_size: u32,
        spec: &CollectionSpec,
    ) -> Result<SqliteBackend, Failure> {
        data_directory(path, spec)?;
        let options = SqliteOptions { page_size, ..SqliteOptions::default() };
        Ok(SqliteBackend::open(path.join(DATABASE), self.clock.clone(), options)?)
    }
}

/// The database in a data directory.
const DATABASE: &str = "storeproof.db";

/// The data directory at `path`, which is made where it is missing.
fn data_directory(path: &Path, spec: &CollectionSpec) -> Result<OsFs, Error> {
    open_or_make(path).map_err(|source| Error::Io {
        site: Site::new("open", &spec.name, None),
        doing: format!("opening the data directory {}", path.display()),
        outcome: Outcome::NotDone,
        source,
    })
}

/// The file system below `path`. Directories that are missing are made, and
/// their names are durable afterwards.
fn open_or_make(path: &Path) -> io::Result<OsFs> {
    let mut missing = Vec::new();
    let mut opened = Err(io::ErrorKind::NotFound.into());
    for place in path.ancestors() {
        opened = OsFs::open(if place.as_os_str().is_empty() { Path::new(".") } else { place });
        match &opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(place),
            _ => break,
        }
    }
    for place in missing.into_iter().rev() {
        let above = opened?;
        let name = place.file_name().and_then(OsStr::to_str);
        block_on(make_in(&above, name.ok_or(io::ErrorKind::InvalidInput)?))?;
        opened = OsFs::open(place);
    }
    opened
}

async fn make_in(above: &OsFs, name: &str) -> io::Result<()> {
    match above.create_dir(&above.root(), name).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        // Whoever made it may have died before its name was durable.
        _ => above.sync_dir(&above.root()).await,
    }
}

#[cfg(test)]
mod tests {
    use super::open_or_make;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test prepares real files")]
    fn a_data_directory_is_made_where_it_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("a/b/c");
        open_or_make(&deep).unwrap();
        open_or_make(&deep).unwrap();
        assert!(deep.is_dir());
        std::fs::write(directory.path().join("file"), "").unwrap();
        for wrong in ["file", "file/below", "missing/../x", "nul\0"] {
            let path = directory.path().join(wrong);
            assert!(open_or_make(&path).is_err(), "{wrong:?} was opened");
        }
    }
}
