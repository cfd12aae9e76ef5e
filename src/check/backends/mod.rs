//! The backends that can be checked, and what each makes possible.

mod file_os;
mod hybrid;
mod layered;
mod memory;
mod older;
mod simulated;
mod sqlite;

use std::{path::Path, sync::Arc};

use file_os::open_directory;
pub use file_os::{FileOs, open_on};
pub use hybrid::{Hybrid, MakeWorkingSet};
pub use layered::{Layer, Layered};
pub use memory::Memory;
pub use older::OlderSoftware;
pub use simulated::Simulated;
pub use sqlite::Sqlite;

use crate::{
    check::{
        processes::{Crew, Program},
        scenario::ForeignFile,
    },
    model::{
        collection::CollectionSubject,
        legacy::LegacyDocument,
        subject::{Reach, Subject},
        working_sets::WorkingSetsSubject,
        workspace::WorkspaceSubject,
    },
    seam::{Backend, Clock, CollectionSpec, Entropy, Error, Result, Site},
    sim::{clock::SimClock, disk::ImageKind, executor::Sim, schedule::Bounds},
};

/// What a backend makes possible: this table is the only place that says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Its calls have scheduling points of their own (every file system call).
    /// One without gets a point before every call of a collection.
    pub has_points: bool,
    /// It may be called from several threads at the same time.
    pub threads: bool,
    /// Its storage can lose the process or the power at any I/O step.
    pub crashes: bool,
    /// Its storage can fail at any call of the file system.
    pub faults: bool,
    /// Its storage begins with what older software left, and older software
    /// may go on writing to it.
    pub older_software: bool,
    /// Its storages are shared by processes: [`BackendUnderTest::crew`] has some.
    pub processes: bool,
    /// Its clock never goes back: what has expired may stay so.
    pub steady_clock: bool,
    /// How much of a small scenario's interleavings is run, where all are to be;
    /// none: it is too slow for that.
    pub every_interleaving: Option<Bounds>,
    /// Which outcomes can be reached.
    pub reach: Reach,
}

/// The surroundings of one scenario.
pub struct World<'a> {
    /// The simulation.
    pub sim: &'a Sim,
    /// The clock.
    pub clock: &'a SimClock,
    /// Decides whatever is random in the backend.
    pub seed: u64,
    /// The default page size; none: the backend's own.
    pub page_size: Option<u32>,
    /// What older software left.
    pub legacy: &'a [LegacyDocument],
    /// Files beside them that are nobody's records.
    pub foreign: &'a [ForeignFile],
    /// The spec of the collection that `legacy` belongs to.
    pub spec: &'a CollectionSpec,
}

/// A backend that can be checked.
pub trait BackendUnderTest: Send + Sync {
    /// Its name on the command line and in reports.
    fn name(&self) -> &'static str;

    /// What it makes possible.
    fn capabilities(&self) -> Capabilities;

    /// A new storage that holds what older software left.
    ///
    /// # Errors
    /// When the surroundings fail: a temporary directory can't be made.
    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>>;

    /// Processes for its clients; none: it has no use for them.
    fn crew(&self) -> Option<&Crew> {
        None
    }
}

impl<B: BackendUnderTest + ?Sized> BackendUnderTest for &B {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        (**self).storage(world)
    }
}

/// One storage, on which any number of handles may be open.
pub trait Storage: Send + Sync {
    /// A handle of its own, as another process would have.
    ///
    /// # Errors
    /// When the storage can't be opened.
    fn handle(&self) -> Result<Arc<dyn Backend>>;

    /// Forgets what handles share that does not outlive their process: those that are
    /// made from now on are of a new one. False: there is no such thing.
    fn restart(&self) -> bool {
        false
    }

    /// How many I/O steps were made so far; 0 where they are not counted.
    fn io_steps(&self) -> usize {
        0
    }

    /// A process of older software on it; none: it never had any.
    fn older_software(&self) -> Option<Arc<dyn OlderSoftware>> {
        None
    }

    /// The bytes of a file, past the simulation. The path leads from the
    /// collection's directory on; it may begin with `../`.
    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        let _ = path;
        None
    }

    /// Whether some file has exactly these bytes, past the simulation.
    fn holds(&self, bytes: &[u8]) -> bool {
        let _ = bytes;
        true
    }

    /// The paths of all files that lie outside the collection's directory, as
    /// [`file`](Self::file) takes them. None where that is not known.
    fn outside(&self) -> Vec<String> {
        Vec::new()
    }

    /// Its directory, for other processes; none: there is no such thing.
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// How many of the I/O steps changed something.
    fn changes(&self) -> usize {
        0
    }

    /// A number that two storages have alike only if whoever has opened them
    /// sees the same from then on, all else being equal; none: it can't be told.
    fn digest(&self) -> Option<u64> {
        None
    }

    /// A file that an interrupted call of ours left, past the simulation: once
    /// the storage was opened there should be none.
    fn leftover(&self) -> Option<String> {
        None
    }

    /// Has the crashes of this storage explored, from before its first I/O step
    /// on. One that can't crash has none.
    fn crashes(&self, explore: &mut dyn FnMut(&mut dyn Crashes)) {
        let _ = explore;
    }
}

/// The moments at which a storage may crash, one after the other, and what is
/// left at each.
pub trait Crashes {
    /// How many I/O steps have happened.
    fn position(&self) -> usize;

    /// Lets one more happen; false when there is none.
    fn advance(&mut self) -> bool;

    /// Whether the next one can make a difference to what a crash leaves.
    fn next_matters(&self) -> bool;

    /// What may be left now, `most` kinds at most; what is not in it was left
    /// out by `seed`.
    fn kinds(&self, most: usize, seed: u64) -> Vec<ImageKind>;

    /// Makes what is left now, and tells it by a number that is the same where
    /// the same is left.
    fn image(&mut self, kind: &ImageKind) -> u64;

    /// What was made last, as a storage; none: it was given away.
    fn storage(&mut self) -> Option<Box<dyn Storage>>;

    /// What is left now, in words.
    fn describe(&self, kind: &ImageKind) -> String;
}

/// How many cases of a store on a backend a smoke run has, by their names. Chosen so that
/// all backends have about the same share of the time, and all stores.
#[must_use]
pub fn share(store: &str, backend: &str) -> u64 {
    match (store, backend) {
        // A case opens collections of several kinds, and each crash leaves all of them to
        // be looked at. The working set is what its kinds differ most by.
        (WorkspaceSubject::NAME, "memory") => 1_200,
        (WorkspaceSubject::NAME, Hybrid::OVER_FILE) => 200,
        (WorkspaceSubject::NAME, "file" | "legacy") => 80,
        (WorkspaceSubject::NAME, Sqlite::NAME) => 40,
        // Who is behind is so on any storage; below some, the durable half is a hybrid.
        (WorkingSetsSubject::NAME, "memory") => 1_200,
        (WorkingSetsSubject::NAME, "file") => 240,
        (WorkingSetsSubject::NAME, "legacy") => 80,
        (WorkingSetsSubject::NAME, Hybrid::OVER_FILE) => 20,
        (WorkingSetsSubject::NAME, Hybrid::OVER_SQLITE) => 10,
        (_, "memory") => 2_400,
        (_, "file") => 660,
        (_, "legacy") => 440,
        // What may happen within its calls is the database's: one store shows it.
        (CollectionSubject::NAME, Sqlite::NAME) => 300,
        (_, Sqlite::NAME) => 45,
        (_, Hybrid::OVER_FILE) => 90,
        (_, Hybrid::OVER_SQLITE) => 25,
        _ => 90,
    }
}

/// Whether so many cases of a store run on a backend that even rare outcomes must be
/// among them. Where not, another backend of the same operations shows that the generators
/// come by them.
#[must_use]
pub fn comes_by_all(store: &str, backend: &str) -> bool {
    let least = match store {
        // Most outcomes are of one of its kinds.
        WorkspaceSubject::NAME => 1_000,
        // Each operation comes through a working set and past it.
        WorkingSetsSubject::NAME => 200,
        _ => 400,
    };
    share(store, backend) >= least
}

/// The same of every kind of fault, each of which comes in a small part of the cases.
#[must_use]
pub fn comes_by_all_faults(store: &str, backend: &str) -> bool {
    share(store, backend) >= 300
}

/// And how many a run of the default profile has.
#[must_use]
pub fn default_cases(store: &str, backend: &str) -> u64 {
    share(store, backend) * DEFAULT_SHARE
}

/// How many times the cases of a smoke run a default run has.
const DEFAULT_SHARE: u64 = 7;

/// Every backend; those on the real file system make their storages below
/// `scratch`. Without processes of their own.
#[must_use]
pub fn all(scratch: &Path) -> Vec<Box<dyn BackendUnderTest>> {
    on_real_files(scratch, FileOs::new(scratch), Sqlite::new(scratch))
}

/// As [`all`], with processes of `program` where several can share a storage.
#[must_use]
pub fn all_with_processes(scratch: &Path, program: &Program) -> Vec<Box<dyn BackendUnderTest>> {
    on_real_files(
        scratch,
        FileOs::new(scratch).with_processes(program.clone()),
        Sqlite::new(scratch).with_processes(program.clone()),
    )
}

fn on_real_files(
    scratch: &Path,
    file_os: FileOs,
    sqlite: Sqlite,
) -> Vec<Box<dyn BackendUnderTest>> {
    vec![
        Box::new(Memory),
        Box::new(Simulated::file()),
        Box::new(file_os),
        Box::new(sqlite),
        Box::new(Hybrid::over_file()),
        Box::new(Hybrid::over_sqlite(scratch)),
        Box::new(Simulated::legacy()),
    ]
}

/// A handle on the storage in a directory, on a backend of that name whose
/// storages are shared by processes.
///
/// # Errors
/// When there is no such backend, or the storage can't be opened.
pub fn open_shared(
    backend: &str,
    directory: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    page_size: Option<u32>,
) -> Result<Arc<dyn Backend>> {
    match backend {
        FileOs::NAME => open_directory(directory, clock, entropy, page_size),
        Sqlite::NAME => sqlite::open_database(directory, clock, page_size),
        _ => Err(Error::InvalidArgument {
            site: Site::new("open", &Arc::from(""), None),
            problem: format!("no processes share a storage of the backend {backend:?}"),
        }),
    }
}
