//! A file system that takes a parent's name for the parent.

use std::{future::Future, io};

use crate::{
    fs::{Access, DirEntry, FileTime, Fs, Metadata},
    sim::disk::{SimDir, SimFile, SimFs},
};

/// What the file backend calls a level that is `..`: here it leads up, as it
/// does where an id is joined to a path as it is.
const PARENT: &str = "%2E%2E";

/// A simulated file system on which ids can leave their collection's directory.
#[derive(Clone)]
pub(in crate::bugs) struct NaivePaths(SimFs);

impl NaivePaths {
    pub(in crate::bugs) fn new(sound: SimFs) -> Self {
        Self(sound)
    }
}

/// An open directory, and those that it was reached by.
#[derive(Clone, Debug)]
pub(in crate::bugs) struct Dir {
    above: Vec<SimDir>,
    own: SimDir,
}

#[deny(clippy::missing_trait_methods)]
impl Fs for NaivePaths {
    type Dir = Dir;
    type File = SimFile;

    fn root(&self) -> Dir {
        Dir { above: Vec::new(), own: self.0.root() }
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

    async fn open_dir(&self, parent: &Dir, name: &str) -> io::Result<Dir> {
        let mut above = parent.above.clone();
        if name == PARENT {
            // Above the root is the root.
            let own = above.pop().unwrap_or(parent.own);
            return Ok(Dir { above, own });
        }
        above.push(parent.own);
        Ok(Dir { above, own: self.0.open_dir(&parent.own, name).await? })
    }

    async fn create_dir(&self, parent: &Dir, name: &str) -> io::Result<()> {
        self.0.create_dir(&parent.own, name).await
    }

    async fn remove_dir(&self, parent: &Dir, name: &str) -> io::Result<()> {
        self.0.remove_dir(&parent.own, name).await
    }

    async fn read_dir(&self, dir: &Dir) -> io::Result<Vec<DirEntry>> {
        self.0.read_dir(&dir.own).await
    }

    async fn metadata(&self, dir: &Dir, name: &str) -> io::Result<Metadata> {
        self.0.metadata(&dir.own, name).await
    }

    async fn dir_metadata(&self, dir: &Dir) -> io::Result<Metadata> {
        self.0.dir_metadata(&dir.own).await
    }

    async fn set_dir_modified(&self, dir: &Dir, modified: FileTime) -> io::Result<()> {
        self.0.set_dir_modified(&dir.own, modified).await
    }

    async fn read(&self, dir: &Dir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        self.0.read(&dir.own, name).await
    }

    async fn create_file(&self, dir: &Dir, name: &str) -> io::Result<SimFile> {
        self.0.create_file(&dir.own, name).await
    }

    async fn write(&self, file: &SimFile, bytes: &[u8]) -> io::Result<()> {
        self.0.write(file, bytes).await
    }

    async fn sync_file(&self, file: &SimFile) -> io::Result<()> {
        self.0.sync_file(file).await
    }

    async fn sync_dir(&self, dir: &Dir) -> io::Result<()> {
        self.0.sync_dir(&dir.own).await
    }

    async fn rename(&self, from_dir: &Dir, from: &str, to_dir: &Dir, to: &str) -> io::Result<()> {
        self.0.rename(&from_dir.own, from, &to_dir.own, to).await
    }

    async fn rename_no_replace(
        &self,
        from_dir: &Dir,
        from: &str,
        to_dir: &Dir,
        to: &str,
    ) -> io::Result<()> {
        self.0.rename_no_replace(&from_dir.own, from, &to_dir.own, to).await
    }

    async fn remove_file(&self, dir: &Dir, name: &str) -> io::Result<()> {
        self.0.remove_file(&dir.own, name).await
    }

    async fn open_file(&self, dir: &Dir, name: &str, access: Access) -> io::Result<SimFile> {
        self.0.open_file(&dir.own, name, access).await
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
