//! The file backend on the operating system's file system, under proof.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::{BackendUnderTest, Capabilities, Storage, World};
use crate::{
    backend::file::{
        FileBackend, FileOptions,
        survey::{OtherFile, OtherKind, survey},
    },
    check::processes::{Crew, Program},
    fs::{Durability, Fs, OsFs},
    seam::{Backend, Clock, CollectionSpec, Entropy, Error, Outcome, Result, Site},
    sim::{clock::SimClock, entropy::SimEntropy, single::run_alone},
};

/// The file backend in directories below a given one.
///
/// Nothing loses its power here (the simulated disk does that), so that
/// waiting for the medium would prove nothing: files are written with
/// [`Durability::Process`].
pub struct FileOs {
    scratch: PathBuf,
    crew: Option<Crew>,
}

impl FileOs {
    /// What it is called.
    pub const NAME: &str = "file-os";

    /// Storages are made below `scratch`, each in a directory of its own that
    /// goes with it.
    #[must_use]
    pub fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_owned(), crew: None }
    }

    /// The same, with processes of `program` for clients.
    #[must_use]
    pub fn with_processes(self, program: Program) -> Self {
        Self { crew: Some(Crew::new(program)), ..self }
    }
}

impl BackendUnderTest for FileOs {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let processes = self.crew.is_some();
        Capabilities { threads: true, processes, ..Capabilities::default() }
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        let directory = TempDir::new_in(&self.scratch).map_err(|source| Error::Io {
            site: Site::new("make_storage", &world.spec.name, None),
            doing: format!("make a directory in {}", self.scratch.display()),
            outcome: Outcome::NotDone,
            source,
        })?;
        Ok(Box::new(DirectoryStorage {
            directory,
            clock: Arc::new(world.clock.clone()),
            entropy: Arc::new(SimEntropy::new(world.seed)),
            page_size: world.page_size,
            spec: world.spec.clone(),
        }))
    }

    fn crew(&self) -> Option<&Crew> {
        self.crew.as_ref()
    }
}

/// The operating system's file system below a directory.
fn open_fs(directory: &Path) -> Result<OsFs> {
    let fs = OsFs::open(directory).map_err(|source| Error::Io {
        site: Site::new("open", &Arc::from(""), None),
        doing: format!("open {}", directory.display()),
        outcome: Outcome::NotDone,
        source,
    })?;
    Ok(fs.with_durability(Durability::Process))
}

/// A handle on the storage in a directory.
///
/// # Errors
/// When the directory can't be opened.
pub(super) fn open_directory(
    directory: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    page_size: Option<u32>,
) -> Result<Arc<dyn Backend>> {
    Ok(open_on(open_fs(directory)?, clock, entropy, page_size))
}

/// A handle on the storage that is the root of a file system.
pub fn open_on<F: Fs>(
    fs: F,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    page_size: Option<u32>,
) -> Arc<dyn Backend> {
    let backend = FileBackend::new(fs, clock, entropy);
    match page_size {
        Some(page_size) => {
            Arc::new(backend.with_options(FileOptions { page_size, ..FileOptions::default() }))
        }
        None => Arc::new(backend),
    }
}

struct DirectoryStorage {
    directory: TempDir,
    clock: Arc<SimClock>,
    entropy: Arc<dyn Entropy>,
    page_size: Option<u32>,
    spec: CollectionSpec,
}

impl Storage for DirectoryStorage {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        let clock: Arc<dyn Clock> = Arc::<SimClock>::clone(&self.clock);
        open_directory(self.directory.path(), clock, Arc::clone(&self.entropy), self.page_size)
    }

    fn directory(&self) -> Option<&Path> {
        Some(self.directory.path())
    }

    fn leftover(&self) -> Option<String> {
        let Ok(fs) = open_fs(self.directory.path()) else { return None };
        let looked = run_alone(0, survey(&fs, self.spec.clone(), Arc::new(|_| true)));
        let Some(Ok(survey)) = looked else {
            return Some("a directory that can't be looked at".to_owned());
        };
        if survey.intent.is_some() {
            return Some("an interrupted commit".to_owned());
        }
        let temporary = |other: &OtherFile| other.kind == OtherKind::Temporary;
        survey.others.into_iter().find(temporary).map(|other| other.path)
    }
}
