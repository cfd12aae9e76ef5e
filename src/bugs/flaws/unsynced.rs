//! A file system on which the content of files is never synced.

use std::{future::Future, io};

use crate::{
    fs::{Access, DirEntry, FileTime, Fs, Metadata},
    sim::disk::{SimDir, SimFile, SimFs},
};

/// A simulated file system that says of every file that it is synced, and does not sync
/// it. Names are synced as they should be.
#[derive(Clone)]
pub(in crate::bugs) struct Unsynced(SimFs);

impl Unsynced {
    pub(in crate::bugs) fn new(sound: SimFs) -> Self {
        Self(sound)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Fs for Unsynced {
    type Dir = SimDir;
    type File = SimFile;

    fn root(&self) -> SimDir {
        self.0.root()
    }

    fn now(&self) -> FileTime {
        self.0.now()
    }

    fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        self.0.run(operation)
    }

    async fn open_dir(&self, parent: &SimDir, name: &str) -> io::Result<SimDir> {
        self.0.open_dir(parent, name).await
    }

    async fn create_dir(&self, parent: &SimDir, name: &str) -> io::Result<()> {
        self.0.create_dir(parent, name).await
    }

    async fn remove_dir(&self, parent: &SimDir, name: &str) -> io::Result<()> {
        self.0.remove_dir(parent, name).await
    }

    async fn read_dir(&self, dir: &SimDir) -> io::Result<Vec<DirEntry>> {
        self.0.read_dir(dir).await
    }

    async fn metadata(&self, dir: &SimDir, name: &str) -> io::Result<Metadata> {
        self.0.metadata(dir, name).await
    }

    async fn dir_metadata(&self, dir: &SimDir) -> io::Result<Metadata> {
        self.0.dir_metadata(dir).await
    }

    async fn set_dir_modified(&self, dir: &SimDir, modified: FileTime) -> io::Result<()> {
        self.0.set_dir_modified(dir, modified).await
    }

    async fn read(&self, dir: &SimDir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        self.0.read(dir, name).await
    }

    async fn create_file(&self, dir: &SimDir, name: &str) -> io::Result<SimFile> {
        self.0.create_file(dir, name).await
    }

    async fn write(&self, file: &SimFile, bytes: &[u8]) -> io::Result<()> {
        self.0.write(file, bytes).await
    }

    async fn sync_file(&self, _: &SimFile) -> io::Result<()> {
        Ok(())
    }

    async fn sync_dir(&self, dir: &SimDir) -> io::Result<()> {
        self.0.sync_dir(dir).await
    }

    async fn rename(
        &self,
        from_dir: &SimDir,
        from: &str,
        to_dir: &SimDir,
        to: &str,
    ) -> io::Result<()> {
        self.0.rename(from_dir, from, to_dir, to).await
    }

    async fn rename_no_replace(
        &self,
        from_dir: &SimDir,
        from: &str,
        to_dir: &SimDir,
        to: &str,
    ) -> io::Result<()> {
        self.0.rename_no_replace(from_dir, from, to_dir, to).await
    }

    async fn remove_file(&self, dir: &SimDir, name: &str) -> io::Result<()> {
        self.0.remove_file(dir, name).await
    }

    async fn open_file(&self, dir: &SimDir, name: &str, access: Access) -> io::Result<SimFile> {
        self.0.open_file(dir, name, access).await
    }

    async fn read_head(&self, file: &SimFile) -> io::Result<Vec<u8>> {
        self.0.read_head(file).await
    }

    async fn write_head(&self, file: &SimFile, bytes: &[u8]) -> io::Result<()> {
        self.0.write_head(file, bytes).await
    }

    async fn lock(&self, file: &SimFile) -> io::Result<()> {
        self.0.lock(file).await
    }

    async fn try_lock(&self, file: &SimFile) -> io::Result<bool> {
        self.0.try_lock(file).await
    }
}
