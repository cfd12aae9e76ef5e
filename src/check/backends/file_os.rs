//! The file backend on the operating system's file system, under proof.

use std::{path::Path, path::PathBuf, sync::Arc};

use tempfile::TempDir;

use super::{BackendUnderTest, Capabilities, Storage, World};
use crate::{
    backend::file::{FileBackend, FileOptions},
    fs::{Durability, OsFs},
    seam::{Backend, Entropy, Error, Outcome, Result, Site},
    sim::{clock::SimClock, entropy::SimEntropy},
};

/// The file backend in directories below a given one.
///
/// Nothing loses its power here (the simulated disk does that), so that
/// waiting for the medium would prove nothing: files are written with
/// [`Durability::Process`].
#[derive(Clone, Debug)]
pub struct FileOs {
    scratch: PathBuf,
}

impl FileOs {
    /// Storages are made below `scratch`, each in a directory of its own that
    /// goes with it.
    #[must_use]
    pub fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_owned() }
    }
}

impl BackendUnderTest for FileOs {
    fn name(&self) -> &'static str {
        "file-os"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { threads: true, ..Capabilities::default() }
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
        }))
    }
}

struct DirectoryStorage {
    directory: TempDir,
    clock: Arc<SimClock>,
    entropy: Arc<dyn Entropy>,
    page_size: Option<u32>,
}

impl Storage for DirectoryStorage {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        let fs = OsFs::open(self.directory.path()).map_err(|source| Error::Io {
            site: Site::new("open", &Arc::from(""), None),
            doing: format!("open {}", self.directory.path().display()),
            outcome: Outcome::NotDone,
            source,
        })?;
        let fs = fs.with_durability(Durability::Process);
        let clock = Arc::clone(&self.clock);
        let mut backend = FileBackend::new(fs, clock, Arc::clone(&self.entropy));
        if let Some(size) = self.page_size {
            backend =
                backend.with_options(FileOptions { page_size: size, ..FileOptions::default() });
        }
        Ok(Arc::new(backend))
    }
}
