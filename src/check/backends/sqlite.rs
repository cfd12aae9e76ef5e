//! The SQLite backend under proof.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tempfile::TempDir;

use super::{BackendUnderTest, Capabilities, Storage, World};
use crate::{
    backend::sqlite::{DEFAULT_PAGE_SIZE, SqliteBackend, SqliteOptions},
    check::processes::{Crew, Program},
    fs::Durability,
    seam::{Backend, Clock, Error, Outcome, Result, Site, SystemClock},
    sim::clock::SimClock,
};

/// The database of a storage, in its directory.
const FILE: &str = "records.db";

/// Databases in directories below a given one.
///
/// Nothing loses its power here, so that waiting for the medium would prove
/// nothing: they are written with [`Durability::Process`].
pub struct Sqlite {
    scratch: PathBuf,
    crew: Option<Crew>,
    /// An empty database of ours: copying it takes a tenth of the time that
    /// making one does.
    template: Mutex<Option<Arc<TempDir>>>,
}

impl Sqlite {
    /// What it is called.
    pub const NAME: &str = "sqlite";

    /// Storages are made below `scratch`, each in a directory of its own that
    /// goes with it.
    #[must_use]
    pub fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_owned(), crew: None, template: Mutex::default() }
    }

    /// The same, with processes of `program` for clients.
    #[must_use]
    pub fn with_processes(self, program: Program) -> Self {
        Self { crew: Some(Crew::new(program)), ..self }
    }

    fn directory(&self, site: &Site) -> Result<TempDir> {
        TempDir::new_in(&self.scratch).map_err(|source| Error::Io {
            site: site.clone(),
            doing: format!("make a directory in {}", self.scratch.display()),
            outcome: Outcome::NotDone,
            source,
        })
    }

    fn template(&self, site: &Site) -> Result<Arc<TempDir>> {
        let mut template = self.template.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*template {
            return Ok(Arc::clone(made));
        }
        let directory = self.directory(site)?;
        // Closing it leaves everything in the one file.
        drop(open_database(directory.path(), Arc::new(SystemClock), None)?);
        Ok(Arc::clone(template.insert(Arc::new(directory))))
    }
}

impl BackendUnderTest for Sqlite {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn capabilities(&self) -> Capabilities {
        let processes = self.crew.is_some();
        Capabilities { threads: true, processes, ..Capabilities::default() }
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        let site = Site::new("make_storage", &world.spec.name, None);
        let template = self.template(&site)?;
        let directory = self.directory(&site)?;
        std::fs::copy(template.path().join(FILE), directory.path().join(FILE)).map_err(
            |source| Error::Io {
                site,
                doing: format!("copy a database to {}", directory.path().display()),
                outcome: Outcome::NotDone,
                source,
            },
        )?;
        let clock = Arc::new(world.clock.clone());
        Ok(Box::new(DatabaseStorage { directory, clock, page_size: world.page_size }))
    }

    fn crew(&self) -> Option<&Crew> {
        self.crew.as_ref()
    }
}

/// A handle on the database in a directory.
///
/// # Errors
/// When it can't be opened.
pub(super) fn open_database(
    directory: &Path,
    clock: Arc<dyn Clock>,
    page_size: Option<u32>,
) -> Result<Arc<dyn Backend>> {
    let options = SqliteOptions {
        durability: Durability::Process,
        page_size: page_size.unwrap_or(DEFAULT_PAGE_SIZE),
        ..SqliteOptions::default()
    };
    Ok(Arc::new(SqliteBackend::open(directory.join(FILE), clock, options)?))
}

struct DatabaseStorage {
    directory: TempDir,
    clock: Arc<SimClock>,
    page_size: Option<u32>,
}

impl Storage for DatabaseStorage {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        let clock: Arc<dyn Clock> = Arc::<SimClock>::clone(&self.clock);
        open_database(self.directory.path(), clock, self.page_size)
    }

    fn directory(&self) -> Option<&Path> {
        Some(self.directory.path())
    }
}
