//! A file system that leaves out one call site of the file backend, or under which
//! that recovers badly.
//!
//! Sites are told apart by what the calls are about: the kind of file, what was
//! changed in a directory since it was last synced, and whether the handle is
//! being opened. So the backend itself carries no switches.

use std::{
    future::Future,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use storeproof::{
    fs::{Access, DirEntry, FileTime, Fs, Metadata},
    sim::disk::{Event, SimDisk, SimFs, Step},
};

/// Whether a handle is being opened (which recovers), or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Opening,
    Use,
}

/// What a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Record,
    Intent,
    /// A copy in the quarantine.
    SetAside,
    /// A copy that was in the quarantine already.
    SetAsideAgain,
    /// A record that is set aside to be looked at before it goes.
    Aside,
    /// A record that gets its name back.
    PutBack,
    /// A directory that was made.
    Made,
    /// A record, or a directory of older ones, that was removed.
    Removed,
    /// The intent, when it was removed.
    Forgotten,
    /// What others may have changed: this handle did nothing there since it was
    /// last synced.
    Others,
    /// The lock file, to write.
    Writing,
    /// The lock file, to read what must not change meanwhile.
    Reading,
    /// A temporary file that was just made.
    Temporary,
    /// A temporary file that may be left over.
    Leftover,
}

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SyncFile,
    SyncDirectory,
    Rename,
    Lock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    pub kind: Kind,
    pub what: What,
    pub phase: Phase,
}

impl Site {
    pub const fn new(kind: Kind, what: What, phase: Phase) -> Self {
        Self { kind, what, phase }
    }
}

/// A way of recovering badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// While a handle is opened no temporary file is removed.
    SweepsNothing,
    /// While a handle is opened no intent is seen.
    OverlooksIntents,
    /// On a disk that has seen a crash nothing can be renamed.
    CannotWrite,
    /// While a handle is opened on a disk that has seen a crash no directory is
    /// synced.
    SyncsNothing,
}

#[derive(Clone)]
pub struct SiteFs {
    inner: SimFs,
    flaw: Option<Flaw>,
    /// The site that is left out; none: nothing is.
    left_out: Option<Site>,
    /// How often each of the sites was come by, and is counted here.
    come_by: Option<&'static Mutex<Vec<(Site, usize)>>>,
    state: Arc<Mutex<State>>,
    runs: Arc<AtomicUsize>,
}

type Dir = <SimFs as Fs>::Dir;

pub struct File {
    inner: Arc<<SimFs as Fs>::File>,
    kind: FileKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Lock,
    Temporary,
    Leftover,
    SetAside,
    Other,
}

#[derive(Default)]
struct State {
    /// The quarantine's directory.
    quarantine: Vec<Dir>,
    /// What was changed last in a directory that was not synced since.
    changed: Vec<(Dir, What)>,
    /// Temporary files whose sync is put off until it is known what they are
    /// for.
    unsynced: Vec<(String, Arc<<SimFs as Fs>::File>)>,
    /// Whether the present operation began with opening the lock file.
    began_with_the_lock: Option<bool>,
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(".storeproof.") && name.ends_with(".tmp")
}

/// On a new disk the first thing that is done is to make a directory.
fn is_new(disk: &SimDisk) -> bool {
    matches!(disk.trace().first(), Some(Step { event: Event::Create { .. }, .. }))
}

impl SiteFs {
    pub fn new(inner: SimFs, left_out: Option<Site>) -> Self {
        let (state, runs) = Default::default();
        Self { inner, flaw: None, left_out, come_by: None, state, runs }
    }

    pub fn flawed(inner: SimFs, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..Self::new(inner, None) }
    }

    /// Whether it has the flaw, and the handle is being opened.
    fn is_opening_with(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw) && self.runs.load(Ordering::Relaxed) <= 1
    }

    pub fn counting(inner: SimFs, counts: &'static Mutex<Vec<(Site, usize)>>) -> Self {
        Self { come_by: Some(counts), ..Self::new(inner, None) }
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.state.lock().unwrap())
    }

    /// Whether this call is to be left out.
    fn leaves_out(&self, kind: Kind, what: What) -> bool {
        let phase =
            if self.runs.load(Ordering::Relaxed) <= 1 { Phase::Opening } else { Phase::Use };
        let site = Site::new(kind, what, phase);
        if let Some(counts) = self.come_by {
            let mut counts = counts.lock().unwrap();
            match counts.iter_mut().find(|(known, _)| *known == site) {
                Some((_, count)) => *count += 1,
                None => counts.push((site, 1)),
            }
        }
        self.left_out == Some(site)
    }

    fn changed(&self, dir: &Dir, what: What) {
        self.with(|state| {
            state.changed.retain(|(other, _)| other != dir);
            state.changed.push((*dir, what));
        });
    }

    fn is_quarantine(&self, dir: &Dir) -> bool {
        self.with(|state| state.quarantine.contains(dir))
    }

    /// Notes the first call of an operation.
    fn first(&self, is_the_lock: bool) {
        self.with(|state| {
            state.began_with_the_lock.get_or_insert(is_the_lock);
        });
    }
}

impl Fs for SiteFs {
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
        self.with(|state| state.began_with_the_lock = None);
        self.inner.run(operation)
    }

    async fn open_dir(&self, parent: &Dir, name: &str) -> io::Result<Dir> {
        self.first(false);
        let dir = self.inner.open_dir(parent, name).await?;
        if name == ".storeproof.quarantine" {
            self.with(|state| state.quarantine.push(dir));
        }
        Ok(dir)
    }

    async fn create_dir(&self, parent: &Dir, name: &str) -> io::Result<()> {
        self.inner.create_dir(parent, name).await?;
        self.changed(parent, What::Made);
        Ok(())
    }

    async fn remove_dir(&self, parent: &Dir, name: &str) -> io::Result<()> {
        self.inner.remove_dir(parent, name).await?;
        self.changed(parent, What::Removed);
        Ok(())
    }

    async fn read_dir(&self, dir: &Dir) -> io::Result<Vec<DirEntry>> {
        self.first(false);
        self.inner.read_dir(dir).await
    }

    async fn metadata(&self, dir: &Dir, name: &str) -> io::Result<Metadata> {
        self.first(false);
        if name == ".storeproof.intent" && self.is_opening_with(Flaw::OverlooksIntents) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.inner.metadata(dir, name).await
    }

    async fn dir_metadata(&self, dir: &Dir) -> io::Result<Metadata> {
        self.first(false);
        self.inner.dir_metadata(dir).await
    }

    async fn set_dir_modified(&self, dir: &Dir, modified: FileTime) -> io::Result<()> {
        self.inner.set_dir_modified(dir, modified).await
    }

    async fn read(&self, dir: &Dir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        self.first(false);
        if name == ".storeproof.intent" && self.is_opening_with(Flaw::OverlooksIntents) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.inner.read(dir, name).await
    }

    async fn create_file(&self, dir: &Dir, name: &str) -> io::Result<File> {
        let inner = Arc::new(self.inner.create_file(dir, name).await?);
        let kind = match name {
            ".storeproof.lock" => FileKind::Lock,
            name if is_temporary(name) => FileKind::Temporary,
            _ => FileKind::Other,
        };
        if kind == FileKind::Temporary {
            self.with(|state| state.unsynced.push((name.to_owned(), Arc::clone(&inner))));
        }
        Ok(File { inner, kind })
    }

    async fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.inner.write(&file.inner, bytes).await
    }

    async fn sync_file(&self, file: &File) -> io::Result<()> {
        match file.kind {
            // What it is for is told by its rename.
            FileKind::Temporary => Ok(()),
            FileKind::SetAside if self.leaves_out(Kind::SyncFile, What::SetAsideAgain) => Ok(()),
            _ => self.inner.sync_file(&file.inner).await,
        }
    }

    async fn sync_dir(&self, dir: &Dir) -> io::Result<()> {
        if self.is_opening_with(Flaw::SyncsNothing) && !self.inner.with_disk(is_new) {
            return Ok(());
        }
        let what = self.with(|state| {
            let changed = state.changed.iter().position(|(other, _)| other == dir);
            changed.map(|place| state.changed.remove(place).1)
        });
        if self.leaves_out(Kind::SyncDirectory, what.unwrap_or(What::Others)) {
            return Ok(());
        }
        self.inner.sync_dir(dir).await
    }

    async fn rename(&self, from_dir: &Dir, from: &str, to_dir: &Dir, to: &str) -> io::Result<()> {
        if self.flaw == Some(Flaw::CannotWrite) && !self.inner.with_disk(is_new) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let what = match to {
            ".storeproof.intent" => What::Intent,
            to if to.starts_with(".storeproof.aside.") => What::Aside,
            _ if self.is_quarantine(to_dir) => What::SetAside,
            _ => What::Record,
        };
        let unsynced = self.with(|state| {
            let place = state.unsynced.iter().position(|(name, _)| name == from);
            place.map(|place| state.unsynced.remove(place).1)
        });
        if let Some(file) = unsynced.filter(|_| !self.leaves_out(Kind::SyncFile, what)) {
            self.inner.sync_file(&file).await?;
        }
        if self.leaves_out(Kind::Rename, what) {
            return Ok(());
        }
        self.inner.rename(from_dir, from, to_dir, to).await?;
        self.changed(to_dir, what);
        Ok(())
    }

    async fn rename_no_replace(
        &self,
        from_dir: &Dir,
        from: &str,
        to_dir: &Dir,
        to: &str,
    ) -> io::Result<()> {
        if self.leaves_out(Kind::Rename, What::PutBack) {
            return Ok(());
        }
        self.inner.rename_no_replace(from_dir, from, to_dir, to).await?;
        self.changed(to_dir, What::PutBack);
        Ok(())
    }

    async fn remove_file(&self, dir: &Dir, name: &str) -> io::Result<()> {
        if is_temporary(name) && self.is_opening_with(Flaw::SweepsNothing) {
            return Ok(());
        }
        self.inner.remove_file(dir, name).await?;
        match name {
            ".storeproof.intent" => self.changed(dir, What::Forgotten),
            name if is_temporary(name) => {}
            _ => self.changed(dir, What::Removed),
        }
        Ok(())
    }

    async fn open_file(&self, dir: &Dir, name: &str, access: Access) -> io::Result<File> {
        self.first(name == ".storeproof.lock");
        let inner = Arc::new(self.inner.open_file(dir, name, access).await?);
        let kind = match name {
            ".storeproof.lock" => FileKind::Lock,
            name if is_temporary(name) => FileKind::Leftover,
            _ if self.is_quarantine(dir) => FileKind::SetAside,
            _ => FileKind::Other,
        };
        Ok(File { inner, kind })
    }

    async fn read_head(&self, file: &File) -> io::Result<Vec<u8>> {
        self.first(false);
        self.inner.read_head(&file.inner).await
    }

    async fn write_head(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_head(&file.inner, bytes).await
    }

    async fn lock(&self, file: &File) -> io::Result<()> {
        let writes = self.with(|state| state.began_with_the_lock) == Some(true);
        let is_opening = self.runs.load(Ordering::Relaxed) <= 1;
        let what = if writes || is_opening { What::Writing } else { What::Reading };
        if self.leaves_out(Kind::Lock, what) {
            return Ok(());
        }
        self.inner.lock(&file.inner).await
    }

    async fn try_lock(&self, file: &File) -> io::Result<bool> {
        let what = match file.kind {
            FileKind::Leftover => What::Leftover,
            _ => What::Temporary,
        };
        if self.leaves_out(Kind::Lock, what) {
            return Ok(true);
        }
        self.inner.try_lock(&file.inner).await
    }
}
