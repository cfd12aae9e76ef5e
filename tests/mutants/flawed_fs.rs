//! A file system with one of several flaws above a simulated one.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex},
};

use storeproof::{
    fs::{Access, DirEntry, FileTime, Fs, Metadata},
    sim::disk::SimFs,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsFlaw {
    /// A lock is given to everyone who asks.
    NoLock,
    /// The content of a file is synced only after the directory that names it.
    NameBeforeContent,
}

#[derive(Clone)]
pub struct FlawedFs {
    inner: SimFs,
    flaw: FsFlaw,
    /// Files whose sync was put off.
    put_off: Arc<Mutex<Vec<File>>>,
}

type Dir = <SimFs as Fs>::Dir;
type File = Arc<<SimFs as Fs>::File>;

impl FlawedFs {
    pub fn new(inner: SimFs, flaw: FsFlaw) -> Self {
        Self { inner, flaw, put_off: Arc::default() }
    }
}

impl Fs for FlawedFs {
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
        self.inner.metadata(dir, name).await
    }

    async fn dir_metadata(&self, dir: &Dir) -> io::Result<Metadata> {
        self.inner.dir_metadata(dir).await
    }

    async fn set_dir_modified(&self, dir: &Dir, modified: FileTime) -> io::Result<()> {
        self.inner.set_dir_modified(dir, modified).await
    }

    async fn read(&self, dir: &Dir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        self.inner.read(dir, name).await
    }

    async fn create_file(&self, dir: &Dir, name: &str) -> io::Result<File> {
        self.inner.create_file(dir, name).await.map(Arc::new)
    }

    async fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.inner.write(file, bytes).await
    }

    async fn sync_file(&self, file: &File) -> io::Result<()> {
        if self.flaw == FsFlaw::NameBeforeContent {
            self.put_off.lock().unwrap().push(Arc::clone(file));
            return Ok(());
        }
        self.inner.sync_file(file).await
    }

    async fn sync_dir(&self, dir: &Dir) -> io::Result<()> {
        self.inner.sync_dir(dir).await?;
        let put_off = std::mem::take(&mut *self.put_off.lock().unwrap());
        for file in put_off {
            self.inner.sync_file(&file).await?;
        }
        Ok(())
    }

    async fn rename(&self, from_dir: &Dir, from: &str, to_dir: &Dir, to: &str) -> io::Result<()> {
        self.inner.rename(from_dir, from, to_dir, to).await
    }

    async fn remove_file(&self, dir: &Dir, name: &str) -> io::Result<()> {
        self.inner.remove_file(dir, name).await
    }

    async fn open_file(&self, dir: &Dir, name: &str, access: Access) -> io::Result<File> {
        self.inner.open_file(dir, name, access).await.map(Arc::new)
    }

    async fn read_head(&self, file: &File) -> io::Result<Vec<u8>> {
        self.inner.read_head(file).await
    }

    async fn write_head(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_head(file, bytes).await
    }

    async fn lock(&self, file: &File) -> io::Result<()> {
        match self.flaw {
            FsFlaw::NoLock => Ok(()),
            FsFlaw::NameBeforeContent => self.inner.lock(file).await,
        }
    }

    async fn try_lock(&self, file: &File) -> io::Result<bool> {
        self.inner.try_lock(file).await
    }
}
