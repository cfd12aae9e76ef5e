//! A process whose calls of the file system meet a fate: they fail, never return, or
//! somebody else does something right before them.

use std::{
    future::{Future, pending},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use storeproof::{
    fs::{Access, DirEntry, FileTime, Fs, Metadata},
    sim::disk::SimFs,
};

/// What somebody else does to the disk in a directory of that name.
pub(crate) type Deed = fn(&SimFs, &str);

/// What somebody else does to the disk, and in which directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act {
    pub(crate) directory: &'static str,
    pub(crate) run: Deed,
}

/// What somebody else does right before a call of that name.
pub(crate) type Before = (&'static str, fn(&SimFs));

/// What happens at one of the next calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Nothing.
    Live,
    /// From the call after so many on, none ever returns.
    DieAfter(usize),
    /// The call after so many fails, and has no effect.
    FailAfter(usize),
    /// The call after so many is done, and says that it failed.
    LieAfter(usize),
    /// Something happens right before the next call of that name.
    Before(&'static str, fn(&SimFs)),
    /// Something happens right before each call of one of these names.
    BeforeEach(&'static [Before]),
    /// Something happens right before the call after so many.
    ActAfter(usize, Act),
}

/// One process's view of the disk.
#[derive(Clone)]
pub(crate) struct Process {
    disk: SimFs,
    fate: Arc<Mutex<Fate>>,
    /// The name of the call that failed.
    failed: Arc<Mutex<Option<&'static str>>>,
    /// How many calls were made.
    calls: Arc<AtomicUsize>,
}

enum Turn {
    Do,
    Die,
    Fail,
    Lie,
}

impl Process {
    pub(crate) fn new(disk: SimFs) -> Self {
        let fate = Arc::new(Mutex::new(Fate::Live));
        Self { disk, fate, failed: Arc::default(), calls: Arc::default() }
    }

    pub(crate) fn meets(&self, fate: Fate) {
        *self.fate.lock().unwrap() = fate;
        *self.failed.lock().unwrap() = None;
    }

    /// Whether it has come to what this process was to meet.
    pub(crate) fn has_met_its_fate(&self) -> bool {
        matches!(*self.fate.lock().unwrap(), Fate::Live)
    }

    pub(crate) fn failed(&self) -> Option<&'static str> {
        *self.failed.lock().unwrap()
    }

    /// How many calls were made so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn turn(&self, call: &'static str) -> Turn {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut fate = self.fate.lock().unwrap();
        let (left, next, turn): (_, fn(usize) -> Fate, _) = match *fate {
            Fate::Live => return Turn::Do,
            Fate::DieAfter(left) => (left, Fate::DieAfter, Turn::Die),
            Fate::FailAfter(left) => (left, Fate::FailAfter, Turn::Fail),
            Fate::LieAfter(left) => (left, Fate::LieAfter, Turn::Lie),
            Fate::Before(name, act) => {
                if name == call {
                    *fate = Fate::Live;
                    act(&self.disk);
                }
                return Turn::Do;
            }
            Fate::BeforeEach(acts) => {
                for (_, act) in acts.iter().filter(|(name, _)| *name == call) {
                    act(&self.disk);
                }
                return Turn::Do;
            }
            Fate::ActAfter(0, act) => {
                *fate = Fate::Live;
                (act.run)(&self.disk, act.directory);
                return Turn::Do;
            }
            Fate::ActAfter(left, act) => {
                *fate = Fate::ActAfter(left - 1, act);
                return Turn::Do;
            }
        };
        if left > 0 {
            *fate = next(left - 1);
            return Turn::Do;
        }
        if !matches!(turn, Turn::Die) {
            *fate = Fate::Live;
            *self.failed.lock().unwrap() = Some(call);
        }
        turn
    }

    async fn call<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = io::Result<T>> + Send,
    ) -> io::Result<T> {
        let failure = || io::Error::other("an injected failure");
        match self.turn(name) {
            Turn::Do => call.await,
            Turn::Die => pending().await,
            Turn::Fail => Err(failure()),
            Turn::Lie => call.await.and(Err(failure())),
        }
    }
}

impl Fs for Process {
    type Dir = <SimFs as Fs>::Dir;
    type File = <SimFs as Fs>::File;

    fn root(&self) -> Self::Dir {
        self.disk.root()
    }

    fn now(&self) -> FileTime {
        self.disk.now()
    }

    fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        operation
    }

    async fn open_dir(&self, parent: &Self::Dir, name: &str) -> io::Result<Self::Dir> {
        self.call("open_dir", self.disk.open_dir(parent, name)).await
    }

    async fn create_dir(&self, parent: &Self::Dir, name: &str) -> io::Result<()> {
        self.call("create_dir", self.disk.create_dir(parent, name)).await
    }

    async fn remove_dir(&self, parent: &Self::Dir, name: &str) -> io::Result<()> {
        self.call("remove_dir", self.disk.remove_dir(parent, name)).await
    }

    async fn read_dir(&self, dir: &Self::Dir) -> io::Result<Vec<DirEntry>> {
        self.call("read_dir", self.disk.read_dir(dir)).await
    }

    async fn metadata(&self, dir: &Self::Dir, name: &str) -> io::Result<Metadata> {
        self.call("metadata", self.disk.metadata(dir, name)).await
    }

    async fn dir_metadata(&self, dir: &Self::Dir) -> io::Result<Metadata> {
        self.call("dir_metadata", self.disk.dir_metadata(dir)).await
    }

    async fn set_dir_modified(&self, dir: &Self::Dir, modified: FileTime) -> io::Result<()> {
        self.call("set_dir_modified", self.disk.set_dir_modified(dir, modified)).await
    }

    async fn read(&self, dir: &Self::Dir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        self.call("read", self.disk.read(dir, name)).await
    }

    async fn create_file(&self, dir: &Self::Dir, name: &str) -> io::Result<Self::File> {
        self.call("create_file", self.disk.create_file(dir, name)).await
    }

    async fn write(&self, file: &Self::File, bytes: &[u8]) -> io::Result<()> {
        self.call("write", self.disk.write(file, bytes)).await
    }

    async fn sync_file(&self, file: &Self::File) -> io::Result<()> {
        self.call("sync_file", self.disk.sync_file(file)).await
    }

    async fn sync_dir(&self, dir: &Self::Dir) -> io::Result<()> {
        self.call("sync_dir", self.disk.sync_dir(dir)).await
    }

    async fn rename(
        &self,
        from_dir: &Self::Dir,
        from: &str,
        to_dir: &Self::Dir,
        to: &str,
    ) -> io::Result<()> {
        self.call("rename", self.disk.rename(from_dir, from, to_dir, to)).await
    }

    async fn rename_no_replace(
        &self,
        from_dir: &Self::Dir,
        from: &str,
        to_dir: &Self::Dir,
        to: &str,
    ) -> io::Result<()> {
        let renamed = self.disk.rename_no_replace(from_dir, from, to_dir, to);
        self.call("rename_no_replace", renamed).await
    }

    async fn remove_file(&self, dir: &Self::Dir, name: &str) -> io::Result<()> {
        self.call("remove_file", self.disk.remove_file(dir, name)).await
    }

    async fn open_file(
        &self,
        dir: &Self::Dir,
        name: &str,
        access: Access,
    ) -> io::Result<Self::File> {
        self.call("open_file", self.disk.open_file(dir, name, access)).await
    }

    async fn read_head(&self, file: &Self::File) -> io::Result<Vec<u8>> {
        self.call("read_head", self.disk.read_head(file)).await
    }

    async fn write_head(&self, file: &Self::File, bytes: &[u8]) -> io::Result<()> {
        self.call("write_head", self.disk.write_head(file, bytes)).await
    }

    async fn lock(&self, file: &Self::File) -> io::Result<()> {
        self.call("lock", self.disk.lock(file)).await
    }

    async fn try_lock(&self, file: &Self::File) -> io::Result<bool> {
        self.call("try_lock", self.disk.try_lock(file)).await
    }
}
