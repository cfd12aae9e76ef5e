//! A file system under which the file backend recovers badly in one of several
//! ways.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use storeproof::{
    fs::{Access, DirEntry, FileTime, Fs, Metadata},
    sim::disk::{Event, SimDisk, SimFs, Step},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// While a handle is opened no temporary file is removed.
    SweepsNothing,
    /// While a handle is opened no intent is seen.
    OverlooksIntents,
    /// On a disk that has seen a crash nothing can be renamed.
    CannotWrite,
    /// While a handle is opened no directory is synced.
    SyncsNothing,
}

#[derive(Clone)]
pub struct BadRecovery {
    inner: SimFs,
    flaw: Flaw,
    runs: Arc<AtomicUsize>,
}

type Dir = <SimFs as Fs>::Dir;
type File = <SimFs as Fs>::File;

impl BadRecovery {
    pub fn new(inner: SimFs, flaw: Flaw) -> Self {
        Self { inner, flaw, runs: Arc::default() }
    }

    /// Whether it has the flaw, and the handle is being opened.
    fn is_opening_with(&self, flaw: Flaw) -> bool {
        self.flaw == flaw && self.runs.load(Ordering::Relaxed) <= 1
    }
}

impl Fs for BadRecovery {
    type Dir = Dir;
    type File = File;

    fn root(&self) -> Dir {
        self.inner.root()
    }

    fn now(&self) -> FileTime {
        self.inner.now()
    }

    fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.inner.run(operation)
    }

    async fn open_dir(&self, parent: &Dir, name: &str) -> io::Result<Dir> {
        self.inner.open_dir(parent, name).await
    }

    async fn create_dir(&self, parent: &Dir, name: &str) -> io::Result<()> {
        self.inner.create_dir(parent, name).await
    }

    async fn remove_dir(&self, parent: &Dir, name: &str) -> io::Result<()> {
        self.inner.remove_dir(parent, name).await
    }

    async fn read_dir(&self, dir: &Dir) -> io::Result<Vec<DirEntry>> {
        self.inner.read_dir(dir).await
    }

    async fn metadata(&self, dir: &Dir, name: &str) -> io::Result<Metadata> {
        if name == ".storeproof.intent" && self.is_opening_with(Flaw::OverlooksIntents) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.inner.metadata(dir, name).await
    }

    async fn dir_metadata(&self, dir: &Dir) -> io::Result<Metadata> {
        self.inner.dir_metadata(dir).await
    }

    async fn set_dir_modified(&self, dir: &Dir, modified: FileTime) -> io::Result<()> {
        self.inner.set_dir_modified(dir, modified).await
    }

    async fn read(&self, dir: &Dir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        if name == ".storeproof.intent" && self.is_opening_with(Flaw::OverlooksIntents) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.inner.read(dir, name).await
    }

    async fn create_file(&self, dir: &Dir, name: &str) -> io::Result<File> {
        self.inner.create_file(dir, name).await
    }

    async fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.inner.write(file, bytes).await
    }

    async fn sync_file(&self, file: &File) -> io::Result<()> {
        self.inner.sync_file(file).await
    }

    async fn sync_dir(&self, dir: &Dir) -> io::Result<()> {
        if self.is_opening_with(Flaw::SyncsNothing) {
            return Ok(());
        }
        self.inner.sync_dir(dir).await
    }

    async fn rename(&self, from_dir: &Dir, from: &str, to_dir: &Dir, to: &str) -> io::Result<()> {
        // On a new disk the first thing that is done is to make a directory.
        let is_new = |disk: &SimDisk| {
            matches!(disk.trace().first(), Some(Step { event: Event::Create { .. }, .. }))
        };
        if self.flaw == Flaw::CannotWrite && !self.inner.with_disk(is_new) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        self.inner.rename(from_dir, from, to_dir, to).await
    }

    async fn rename_no_replace(
        &self,
        from_dir: &Dir,
        from: &str,
        to_dir: &Dir,
        to: &str,
    ) -> io::Result<()> {
        self.inner.rename_no_replace(from_dir, from, to_dir, to).await
    }

    async fn remove_file(&self, dir: &Dir, name: &str) -> io::Result<()> {
        if name.ends_with(".tmp") && self.is_opening_with(Flaw::SweepsNothing) {
            return Ok(());
        }
        self.inner.remove_file(dir, name).await
    }

    async fn open_file(&self, dir: &Dir, name: &str, access: Access) -> io::Result<File> {
        self.inner.open_file(dir, name, access).await
    }

    async fn read_head(&self, file: &File) -> io::Result<Vec<u8>> {
        self.inner.read_head(file).await
    }

    async fn write_head(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_head(file, bytes).await
    }

    async fn lock(&self, file: &File) -> io::Result<()> {
        self.inner.lock(file).await
    }

    async fn try_lock(&self, file: &File) -> io::Result<bool> {
        self.inner.try_lock(file).await
    }
}
