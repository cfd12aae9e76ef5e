//! The file system, as a trait that a simulation can stand in for.

mod block_on;
mod name;
mod os;

use std::{ffi::OsString, future::Future, io};

pub use os::{Durability, OsDir, OsFile, OsFs};

#[cfg(feature = "harness")]
pub use block_on::block_on;
#[cfg(feature = "harness")]
pub(crate) use name::check_name;

/// What a directory entry is. Links are never followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, a device, a socket: never ours.
    Other,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The name, as the file system has it.
    pub name: OsString,
    /// What it names.
    pub kind: EntryKind,
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading alone: works where nothing may be written.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// How many bytes [`Fs::read_head`] and [`Fs::write_head`] are about.
pub const HEAD_BYTES: usize = 64;

/// A file system's own time stamp: seconds since the Unix epoch and
/// nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime {
    /// Whole seconds.
    pub seconds: i64,
    /// Nanoseconds after them.
    pub nanoseconds: u32,
}

/// What tells two states of a file or directory apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metadata {
    /// What it is.
    pub kind: EntryKind,
    /// The inode's number; may be used again once the file is gone.
    pub inode: u64,
    /// The length in bytes.
    pub length: u64,
    /// When the content was last changed, as coarse as the file system keeps
    /// it.
    pub modified: FileTime,
}

/// A file system.
///
/// Everything is addressed by a directory handle and one name in it (never a
/// path), so that nothing can lead outside, and no symbolic link is followed.
/// Errors are the system's: `NotFound`, `AlreadyExists`, `NotADirectory` and so
/// on as [`io::ErrorKind`]; what is not a regular file where one is expected
/// (a link, a directory) is `InvalidInput`-like and never `NotFound`.
///
/// **Durability** is what POSIX and the journalling file systems promise, and
/// no more: content after [`sync_file`](Self::sync_file), a name (created,
/// renamed or removed) after [`sync_dir`](Self::sync_dir) of its directory.
///
/// The operating system's implementation is always ready: its futures never
/// wait but by blocking the thread. A simulation is pending at every call.
pub trait Fs: Clone + Send + Sync + 'static {
    /// An open directory; stays valid when the directory is renamed.
    type Dir: Clone + Send + Sync + 'static;
    /// An open regular file; closed, and its lock released, when dropped.
    type File: Send + Sync + 'static;

    /// The directory that everything lies in.
    fn root(&self) -> Self::Dir;

    /// The time that the file system would stamp on a change now: the clock
    /// and the coarseness of [`Metadata::modified`]. No later change is stamped
    /// with an earlier time.
    fn now(&self) -> FileTime;

    /// Runs a whole operation, to its end even if the caller is dropped once
    /// it has begun.
    fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send;

    /// Opens the directory `name`.
    fn open_dir(
        &self,
        parent: &Self::Dir,
        name: &str,
    ) -> impl Future<Output = io::Result<Self::Dir>> + Send;

    /// Makes the directory `name` with mode 0750; `AlreadyExists` when
    /// anything has that name.
    fn create_dir(
        &self,
        parent: &Self::Dir,
        name: &str,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Removes the directory `name`, which must be empty: `DirectoryNotEmpty`
    /// otherwise, and `NotADirectory` when something else has the name. Who has
    /// it open finds it empty and can make nothing in it.
    fn remove_dir(
        &self,
        parent: &Self::Dir,
        name: &str,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// All entries but `.` and `..`, in no order.
    fn read_dir(&self, dir: &Self::Dir) -> impl Future<Output = io::Result<Vec<DirEntry>>> + Send;

    /// What `name` is, a link itself and not what it points to.
    fn metadata(
        &self,
        dir: &Self::Dir,
        name: &str,
    ) -> impl Future<Output = io::Result<Metadata>> + Send;

    /// What the directory itself is.
    fn dir_metadata(&self, dir: &Self::Dir) -> impl Future<Output = io::Result<Metadata>> + Send;

    /// Sets the directory's time of modification.
    fn set_dir_modified(
        &self,
        dir: &Self::Dir,
        modified: FileTime,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// The whole content of the regular file `name`, and its metadata at that
    /// time.
    fn read(
        &self,
        dir: &Self::Dir,
        name: &str,
    ) -> impl Future<Output = io::Result<(Vec<u8>, Metadata)>> + Send;

    /// Makes the regular file `name` with mode 0600 and opens it for reading and
    /// writing; `AlreadyExists` when anything has that name.
    fn create_file(
        &self,
        dir: &Self::Dir,
        name: &str,
    ) -> impl Future<Output = io::Result<Self::File>> + Send;

    /// Appends all of `bytes`.
    fn write(&self, file: &Self::File, bytes: &[u8])
    -> impl Future<Output = io::Result<()>> + Send;

    /// Makes the file's content durable (`fsync`).
    fn sync_file(&self, file: &Self::File) -> impl Future<Output = io::Result<()>> + Send;

    /// Makes the names in the directory durable (`fsync`).
    fn sync_dir(&self, dir: &Self::Dir) -> impl Future<Output = io::Result<()>> + Send;

    /// Gives `from` the name `to`, in place of whatever regular file had it:
    /// every reader sees the one or the other.
    fn rename(
        &self,
        from_dir: &Self::Dir,
        from: &str,
        to_dir: &Self::Dir,
        to: &str,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// As [`rename`](Self::rename), but only if nothing has the name `to`:
    /// `AlreadyExists` otherwise, in one step.
    fn rename_no_replace(
        &self,
        from_dir: &Self::Dir,
        from: &str,
        to_dir: &Self::Dir,
        to: &str,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Removes the name of a file or link.
    fn remove_file(
        &self,
        dir: &Self::Dir,
        name: &str,
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Opens the existing regular file `name`.
    fn open_file(
        &self,
        dir: &Self::Dir,
        name: &str,
        access: Access,
    ) -> impl Future<Output = io::Result<Self::File>> + Send;

    /// The first bytes of the file, [`HEAD_BYTES`] at most, as one
    /// [`write_head`](Self::write_head) left them.
    fn read_head(&self, file: &Self::File) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// Overwrites the first bytes of the file, [`HEAD_BYTES`] at most, in one
    /// step for every reader.
    fn write_head(
        &self,
        file: &Self::File,
        bytes: &[u8],
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Waits for the exclusive lock on the open file. It excludes every other
    /// opening of that file, also one of the same process, and is held until
    /// `file` is dropped or its process dies.
    fn lock(&self, file: &Self::File) -> impl Future<Output = io::Result<()>> + Send;

    /// Takes that lock if it is free now, and says whether it was.
    fn try_lock(&self, file: &Self::File) -> impl Future<Output = io::Result<bool>> + Send;
}
