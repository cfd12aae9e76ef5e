//! The SQLite backend under proof.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tempfile::TempDir;

use super::{BackendUnderTest, Capabilities, Storage, World};
use crate::{
    backend::sqlite::{DEFAULT_PAGE_SIZE, SqliteBackend, SqliteOptions},
    check::processes::{Crew, Program},
    fs::Durability,
    seam::{Backend, Clock, Collection, CollectionSpec, Error, Outcome, Result, Site, SystemClock},
    sim::{
        blocking::{Blocking, pass_point},
        clock::SimClock,
        executor::Sim,
    },
};

/// The database of a storage, in its directory.
const FILE: &str = "records.db";
/// Its log, while it is open.
const LOG: &str = "records.db-wal";

/// Databases in directories below a given one.
///
/// Nothing loses its power here, so that waiting for the medium would prove
/// nothing: they are written with [`Durability::Process`].
pub struct Sqlite {
    scratch: PathBuf,
    crew: Option<Crew>,
    /// An empty database of ours: copying it is faster than making one.
    template: Mutex<Option<Arc<[u8]>>>,
    idle: Arc<Directories>,
}

/// Directories that were storages and may be again: a file system takes long to
/// find room for new files where many were removed a moment ago.
type Directories = Mutex<Vec<TempDir>>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sqlite {
    /// What it is called.
    pub const NAME: &str = "sqlite";

    /// Storages are made below `scratch`, each in a directory of its own that
    /// goes with it.
    #[must_use]
    pub fn new(scratch: &Path) -> Self {
        Self {
            scratch: scratch.to_owned(),
            crew: None,
            template: Mutex::default(),
            idle: Arc::default(),
        }
    }

    /// The same, with processes of `program` for clients.
    #[must_use]
    pub fn with_processes(self, program: Program) -> Self {
        Self { crew: Some(Crew::new(program)), ..self }
    }

    fn directory(&self) -> io::Result<TempDir> {
        let idle = locked(&self.idle).pop();
        match idle {
            Some(directory) => Ok(directory),
            None => TempDir::new_in(&self.scratch),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the database is a real file")]
    fn template(&self) -> Result<Arc<[u8]>> {
        let mut template = locked(&self.template);
        if let Some(made) = &*template {
            return Ok(Arc::clone(made));
        }
        let directory = self.directory().map_err(|error| failed(&self.scratch, error))?;
        // Closing it leaves everything in the one file.
        drop(open_database(directory.path(), Arc::new(SystemClock), None)?);
        let path = directory.path().join(FILE);
        let made = std::fs::read(&path).map_err(|error| failed(&path, error))?;
        Ok(Arc::clone(template.insert(made.into())))
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io {
        site: Site::new("make_storage", &Arc::from(""), None),
        doing: format!("making a database in {}", path.display()),
        outcome: Outcome::NotDone,
        source,
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

    #[expect(clippy::disallowed_methods, reason = "the database is a real file")]
    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        let template = self.template()?;
        let directory = self.directory().map_err(|error| failed(&self.scratch, error))?;
        let path = directory.path().join(FILE);
        std::fs::write(&path, &template).map_err(|error| failed(&path, error))?;
        Ok(Box::new(DatabaseStorage {
            directory: Some(directory),
            clock: Arc::new(world.clock.clone()),
            page_size: world.page_size,
            sim: world.sim.clone(),
            idle: Arc::clone(&self.idle),
        }))
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
    Ok(Arc::new(open(directory, clock, page_size)?))
}

fn open(directory: &Path, clock: Arc<dyn Clock>, page_size: Option<u32>) -> Result<SqliteBackend> {
    let options = SqliteOptions {
        durability: Durability::Process,
        page_size: page_size.unwrap_or(DEFAULT_PAGE_SIZE),
        ..SqliteOptions::default()
    };
    SqliteBackend::open(directory.join(FILE), clock, options)
}

/// A handle whose calls let others come in between their transactions.
struct WithPoints {
    backend: SqliteBackend,
    sim: Sim,
}

#[async_trait]
impl Backend for WithPoints {
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>> {
        let inner = self.backend.open(spec).await?;
        Ok(Arc::new(Blocking::new(inner, self.sim.clone())))
    }
}

struct DatabaseStorage {
    /// There until it is dropped.
    directory: Option<TempDir>,
    clock: Arc<SimClock>,
    page_size: Option<u32>,
    sim: Sim,
    idle: Arc<Directories>,
}

impl Storage for DatabaseStorage {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        let clock: Arc<dyn Clock> = Arc::<SimClock>::clone(&self.clock);
        let directory = self.directory().unwrap_or(Path::new(""));
        let backend = open(directory, clock, self.page_size)?.with_witness(pass_point);
        Ok(Arc::new(WithPoints { backend, sim: self.sim.clone() }))
    }

    fn directory(&self) -> Option<&Path> {
        self.directory.as_ref().map(TempDir::path)
    }
}

impl Drop for DatabaseStorage {
    fn drop(&mut self) {
        // Who closes a database last removes its log: where there is one, someone
        // still has it open, or was killed.
        if let Some(directory) = self.directory.take()
            && !directory.path().join(LOG).exists()
        {
            locked(&self.idle).push(directory);
        }
    }
}
