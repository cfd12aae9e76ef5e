//! A file system with one of several flaws above a sound one.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex},
};

use storeproof::{
    fs::{Access, DirEntry, EntryKind, FileTime, Fs, Metadata},
    sim::disk::SimFs,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsFlaw {
    /// A lock is given to everyone who asks.
    NoLock,
    /// The content of a file is synced only after the directory that names it.
    NameBeforeContent,
    /// A directory's time of modification never changes, so that nobody notices
    /// what others did in it.
    TimeStandsStill,
    /// Whoever lists a directory removes what looks like a leftover, whoever
    /// left it.
    SweepsEverything,
    /// Whoever reads a flat file writes it anew without line breaks.
    RewritesWhatItReads,
    /// A file whose sync failed is synced again, and that is believed.
    SyncsAgain,
    /// A file is not replaced by renaming: its bytes are written into its place,
    /// one after the other.
    WritesInPlace,
    /// Names that differ in upper and lower case are one.
    FoldsCase,
    /// Names that differ in how an accent is written are one.
    NormalisesNames,
}

pub struct FlawedFs<F: Fs = SimFs> {
    inner: F,
    flaw: FsFlaw,
    /// Files whose sync was put off.
    put_off: Arc<Mutex<Vec<Arc<F::File>>>>,
}

impl<F: Fs> Clone for FlawedFs<F> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), flaw: self.flaw, put_off: Arc::clone(&self.put_off) }
    }
}

impl<F: Fs> FlawedFs<F> {
    pub fn new(inner: F, flaw: FsFlaw) -> Self {
        Self { inner, flaw, put_off: Arc::default() }
    }

    fn flawed(&self, metadata: Metadata) -> Metadata {
        if self.flaw == FsFlaw::TimeStandsStill && metadata.kind == EntryKind::Directory {
            return Metadata { modified: FileTime { seconds: 1, nanoseconds: 1 }, ..metadata };
        }
        metadata
    }
}

impl<F: Fs> Fs for FlawedFs<F> {
    type Dir = F::Dir;
    type File = Arc<F::File>;

    fn root(&self) -> F::Dir {
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

    async fn open_dir(&self, parent: &F::Dir, name: &str) -> io::Result<F::Dir> {
        self.inner.open_dir(parent, name).await
    }

    async fn create_dir(&self, parent: &F::Dir, name: &str) -> io::Result<()> {
        self.inner.create_dir(parent, name).await
    }

    async fn remove_dir(&self, parent: &F::Dir, name: &str) -> io::Result<()> {
        self.inner.remove_dir(parent, name).await
    }

    async fn read_dir(&self, dir: &F::Dir) -> io::Result<Vec<DirEntry>> {
        let entries = self.inner.read_dir(dir).await?;
        let is_leftover = |entry: &&DirEntry| {
            let name = entry.name.to_string_lossy();
            name.starts_with(".tmp-") || name.ends_with(".tmp")
        };
        if self.flaw == FsFlaw::SweepsEverything {
            for leftover in entries.iter().filter(is_leftover) {
                self.inner.remove_file(dir, &leftover.name.to_string_lossy()).await?;
            }
        }
        Ok(entries)
    }

    async fn metadata(&self, dir: &F::Dir, name: &str) -> io::Result<Metadata> {
        let name = match self.flaw {
            FsFlaw::FoldsCase => name.to_lowercase(),
            FsFlaw::NormalisesNames => name.replace("e\u{301}", "\u{e9}"),
            _ => name.to_owned(),
        };
        self.inner.metadata(dir, &name).await.map(|metadata| self.flawed(metadata))
    }

    async fn dir_metadata(&self, dir: &F::Dir) -> io::Result<Metadata> {
        self.inner.dir_metadata(dir).await.map(|metadata| self.flawed(metadata))
    }

    async fn set_dir_modified(&self, dir: &F::Dir, modified: FileTime) -> io::Result<()> {
        self.inner.set_dir_modified(dir, modified).await
    }

    async fn read(&self, dir: &F::Dir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        let (bytes, metadata) = self.inner.read(dir, name).await?;
        if self.flaw == FsFlaw::RewritesWhatItReads && bytes.starts_with(b"{\n") {
            let compact: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'\n').collect();
            let temporary = format!(".storeproof-rewritten-{name}");
            let file = self.inner.create_file(dir, &temporary).await?;
            self.inner.write(&file, &compact).await?;
            self.inner.rename(dir, &temporary, dir, name).await?;
        }
        Ok((bytes, metadata))
    }

    async fn create_file(&self, dir: &F::Dir, name: &str) -> io::Result<Arc<F::File>> {
        self.inner.create_file(dir, name).await.map(Arc::new)
    }

    async fn write(&self, file: &Arc<F::File>, bytes: &[u8]) -> io::Result<()> {
        self.inner.write(file, bytes).await
    }

    async fn sync_file(&self, file: &Arc<F::File>) -> io::Result<()> {
        if self.flaw == FsFlaw::NameBeforeContent {
            self.put_off.lock().unwrap().push(Arc::clone(file));
            return Ok(());
        }
        match self.inner.sync_file(file).await {
            Err(_) if self.flaw == FsFlaw::SyncsAgain => self.inner.sync_file(file).await,
            synced => synced,
        }
    }

    async fn sync_dir(&self, dir: &F::Dir) -> io::Result<()> {
        self.inner.sync_dir(dir).await?;
        let put_off = std::mem::take(&mut *self.put_off.lock().unwrap());
        for file in put_off {
            self.inner.sync_file(&file).await?;
        }
        Ok(())
    }

    async fn rename(
        &self,
        from_dir: &F::Dir,
        from: &str,
        to_dir: &F::Dir,
        to: &str,
    ) -> io::Result<()> {
        if self.flaw == FsFlaw::WritesInPlace {
            let (bytes, _) = self.inner.read(from_dir, from).await?;
            if let Err(error) = self.inner.remove_file(to_dir, to).await
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            let file = self.inner.create_file(to_dir, to).await?;
            for byte in &bytes {
                self.inner.write(&file, std::slice::from_ref(byte)).await?;
            }
            return self.inner.remove_file(from_dir, from).await;
        }
        self.inner.rename(from_dir, from, to_dir, to).await
    }

    async fn rename_no_replace(
        &self,
        from_dir: &F::Dir,
        from: &str,
        to_dir: &F::Dir,
        to: &str,
    ) -> io::Result<()> {
        self.inner.rename_no_replace(from_dir, from, to_dir, to).await
    }

    async fn remove_file(&self, dir: &F::Dir, name: &str) -> io::Result<()> {
        self.inner.remove_file(dir, name).await
    }

    async fn open_file(
        &self,
        dir: &F::Dir,
        name: &str,
        access: Access,
    ) -> io::Result<Arc<F::File>> {
        self.inner.open_file(dir, name, access).await.map(Arc::new)
    }

    async fn read_head(&self, file: &Arc<F::File>) -> io::Result<Vec<u8>> {
        self.inner.read_head(file).await
    }

    async fn write_head(&self, file: &Arc<F::File>, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_head(file, bytes).await
    }

    async fn lock(&self, file: &Arc<F::File>) -> io::Result<()> {
        if self.flaw == FsFlaw::NoLock {
            return Ok(());
        }
        self.inner.lock(file).await
    }

    async fn try_lock(&self, file: &Arc<F::File>) -> io::Result<bool> {
        self.inner.try_lock(file).await
    }
}
