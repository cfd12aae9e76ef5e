//! The operating system's file system.

use std::{
    ffi::OsStr,
    future::Future,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    sync::Arc,
};

use rustix::{
    buffer::spare_capacity,
    fs::{
        self as sys, AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, SeekFrom, Stat,
        Timespec, Timestamps, UTIME_OMIT,
    },
    io::{Errno, pread, pwrite, retry_on_intr},
    time::{ClockId, clock_gettime},
};

use super::{
    Access, DirEntry, EntryKind, FileTime, Fs, HEAD_BYTES, Metadata, block_on::block_on,
    name::check_name,
};

/// What [`OsFs`] makes sure of when it is asked to sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// `fsync`: what was synced survives power loss.
    #[default]
    Full,
    /// Nothing: what was written survives the death of the process, because
    /// the kernel has it, and is lost with the power.
    Process,
}

/// The operating system's file system below one directory.
///
/// Every name is looked up in an open directory and no symbolic link is
/// followed. Files are made with mode 0600 and directories with 0750, whatever
/// the umask. An interrupted call is repeated, a short write continued; after a
/// failed write part of the bytes may be in the file, and removing it is the
/// caller's.
///
/// [`now`](Fs::now) is `CLOCK_REALTIME_COARSE`, the clock that Linux stamps
/// changes with: no later change is stamped with an earlier time. Since Linux
/// 6.13 a stamp may be finer and ahead of it, by one tick at most.
///
/// Written for Linux.
#[derive(Clone, Debug)]
pub struct OsFs {
    root: OsDir,
    durability: Durability,
}

/// An open directory.
#[derive(Clone, Debug)]
pub struct OsDir(Arc<OwnedFd>);

/// An open regular file. Dropping it closes it, which releases its lock.
#[derive(Debug)]
pub struct OsFile(OwnedFd);

impl OsFs {
    /// The file system below the existing directory `path`, which may itself be
    /// reached through symbolic links. Syncs with [`Durability::Full`].
    ///
    /// # Errors
    /// The system's, when `path` is no directory or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = retry_on_intr(|| sys::open(path, flags, Mode::empty()))?;
        Ok(Self { root: OsDir(Arc::new(root)), durability: Durability::Full })
    }

    /// The same file system with another durability.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    fn sync(&self, descriptor: &OwnedFd) -> io::Result<()> {
        match self.durability {
            Durability::Full => Ok(retry_on_intr(|| sys::fsync(descriptor))?),
            Durability::Process => Ok(()),
        }
    }
}

/// Flags for every name that is opened. `NONBLOCK`: a FIFO in the place of a
/// file must not hold us; it means nothing to regular files.
fn open_flags() -> OFlags {
    OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY
}

fn open_at(dir: &OwnedFd, name: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    check_name(name)?;
    Ok(retry_on_intr(|| sys::openat(dir, name, flags | open_flags(), mode))?)
}

/// Opens an existing regular file and says what it is.
fn open_regular(dir: &OwnedFd, name: &str, access: Access) -> io::Result<(OwnedFd, Stat)> {
    let flags = match access {
        Access::Read => OFlags::RDONLY,
        Access::ReadWrite => OFlags::RDWR,
    };
    let descriptor = open_at(dir, name, flags, Mode::empty())?;
    let stat = sys::fstat(&descriptor)?;
    match kind_of(&stat) {
        EntryKind::File => Ok((descriptor, stat)),
        EntryKind::Directory => Err(Errno::ISDIR.into()),
        EntryKind::Other => Err(Errno::INVAL.into()),
    }
}

/// Gives a new file or directory the permissions that the umask took away.
fn set_permissions(descriptor: &OwnedFd, wanted: Mode) -> io::Result<()> {
    let mode = Mode::from_raw_mode(sys::fstat(descriptor)?.st_mode);
    let permissions = Mode::RWXU | Mode::RWXG | Mode::RWXO;
    if mode & permissions != wanted {
        // Set-group-id, which a directory inherits, stays.
        retry_on_intr(|| sys::fchmod(descriptor, (mode - permissions) | wanted))?;
    }
    Ok(())
}

fn entry_kind(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        _ => EntryKind::Other,
    }
}

fn kind_of(stat: &Stat) -> EntryKind {
    entry_kind(FileType::from_raw_mode(stat.st_mode))
}

#[expect(clippy::useless_conversion, reason = "the types of the fields depend on the architecture")]
fn metadata_of(stat: &Stat) -> Metadata {
    Metadata {
        kind: kind_of(stat),
        inode: stat.st_ino.into(),
        length: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: FileTime {
            seconds: i64::try_from(stat.st_mtime).unwrap_or_default(),
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or_default(),
        },
    }
}

fn create_dir(parent: &OwnedFd, name: &str) -> io::Result<()> {
    check_name(name)?;
    let mode = Mode::RWXU | Mode::RGRP | Mode::XGRP;
    retry_on_intr(|| sys::mkdirat(parent, name, mode))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    match open_at(parent, name, flags, Mode::empty()) {
        Ok(made) => set_permissions(&made, mode),
        // Somebody has taken the name away already: it was made all the same.
        Err(error)
            if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::NOTDIR)) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn read_dir(dir: &OwnedFd) -> io::Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    // A descriptor of its own: the position of `dir` is everybody's.
    for entry in sys::Dir::read_from(dir)? {
        let entry = entry?;
        let bytes = entry.file_name().to_bytes();
        if matches!(bytes, b"." | b"..") {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                match sys::statat(dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => kind_of(&stat),
                    // Removed since it was listed.
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            known => entry_kind(known),
        };
        entries.push(DirEntry { name: OsStr::from_bytes(bytes).to_owned(), kind });
    }
    Ok(entries)
}

fn metadata(dir: &OwnedFd, name: &str) -> io::Result<Metadata> {
    check_name(name)?;
    Ok(metadata_of(&retry_on_intr(|| sys::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW))?))
}

fn set_dir_modified(dir: &OwnedFd, modified: FileTime) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: modified.seconds,
            tv_nsec: modified.nanoseconds.into(),
        },
    };
    Ok(retry_on_intr(|| sys::futimens(dir, &times))?)
}

fn read(dir: &OwnedFd, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
    let (file, stat) = open_regular(dir, name, Access::Read)?;
    let mut metadata = metadata_of(&stat);
    let expected = usize::try_from(metadata.length).map_err(|_| Errno::FBIG)?;
    let mut bytes = Vec::new();
    // One byte more, so that the end shows without a further call. The length
    // is only what the file says of itself: it must not end the process.
    bytes.try_reserve_exact(expected.saturating_add(1)).map_err(|_| Errno::NOMEM)?;
    loop {
        if bytes.len() == bytes.capacity() {
            bytes.try_reserve(bytes.len().max(4_096)).map_err(|_| Errno::NOMEM)?;
        }
        let count = retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut bytes)))?;
        if count == 0 || bytes.len() == expected {
            break;
        }
    }
    if bytes.len() != expected {
        // It changed since it was opened.
        metadata = metadata_of(&sys::fstat(&file)?);
        metadata.length = bytes.len().try_into().unwrap_or(u64::MAX);
    }
    Ok((bytes, metadata))
}

fn create_file(dir: &OwnedFd, name: &str) -> io::Result<OsFile> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = open_at(dir, name, flags, mode)?;
    set_permissions(&file, mode)?;
    Ok(OsFile(file))
}

/// Writes all of `bytes` from `offset` on.
fn write_at(file: &OwnedFd, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = retry_on_intr(|| pwrite(file, bytes, offset))?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(count..).unwrap_or_default();
        offset = offset.saturating_add(count.try_into().unwrap_or(u64::MAX));
    }
    Ok(())
}

fn append(file: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    // Not O_APPEND: under it Linux appends with pwrite(2) too, and
    // `write_head` could not go back.
    let end = sys::seek(file, SeekFrom::End(0))?;
    write_at(file, bytes, end)
}

fn rename(from_dir: &OwnedFd, from: &str, to_dir: &OwnedFd, to: &str) -> io::Result<()> {
    check_name(from)?;
    check_name(to)?;
    Ok(retry_on_intr(|| sys::renameat(from_dir, from, to_dir, to))?)
}

fn rename_no_replace(from_dir: &OwnedFd, from: &str, to_dir: &OwnedFd, to: &str) -> io::Result<()> {
    check_name(from)?;
    check_name(to)?;
    let renamed =
        retry_on_intr(|| sys::renameat_with(from_dir, from, to_dir, to, RenameFlags::NOREPLACE));
    match renamed {
        // Not every file system knows the flag: link(2) replaces nothing either.
        Err(refused @ (Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => {
            match retry_on_intr(|| sys::linkat(from_dir, from, to_dir, to, AtFlags::empty())) {
                // Of a directory, say, which can't be moved into itself either.
                Err(Errno::PERM) => Err(refused.into()),
                linked => {
                    linked?;
                    Ok(retry_on_intr(|| sys::unlinkat(from_dir, from, AtFlags::empty()))?)
                }
            }
        }
        renamed => Ok(renamed?),
    }
}

fn remove_file(dir: &OwnedFd, name: &str) -> io::Result<()> {
    check_name(name)?;
    Ok(retry_on_intr(|| sys::unlinkat(dir, name, AtFlags::empty()))?)
}

fn remove_dir(parent: &OwnedFd, name: &str) -> io::Result<()> {
    check_name(name)?;
    Ok(retry_on_intr(|| sys::unlinkat(parent, name, AtFlags::REMOVEDIR))?)
}

fn read_head(file: &OwnedFd) -> io::Result<Vec<u8>> {
    // ext4 lets a buffered read overlap a write. No two readings in a row are
    // torn alike, unless the writer stands still within the one copy.
    let mut head = read_head_once(file)?;
    loop {
        let again = read_head_once(file)?;
        if again == head {
            return Ok(head);
        }
        head = again;
    }
}

fn read_head_once(file: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD_BYTES];
    let mut length = 0;
    while let Some(rest) = head.get_mut(length..).filter(|rest| !rest.is_empty()) {
        let offset = length.try_into().unwrap_or(u64::MAX);
        match retry_on_intr(|| pread(file, &mut *rest, offset))? {
            0 => break,
            count => length += count,
        }
    }
    head.truncate(length);
    Ok(head)
}

fn write_head(file: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    if bytes.len() > HEAD_BYTES {
        return Err(Errno::INVAL.into());
    }
    write_at(file, bytes, 0)
}

fn try_lock(file: &OwnedFd) -> io::Result<bool> {
    match retry_on_intr(|| sys::flock(file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Fs for OsFs {
    type Dir = OsDir;
    type File = OsFile;

    fn root(&self) -> OsDir {
        self.root.clone()
    }

    fn now(&self) -> FileTime {
        let now = clock_gettime(ClockId::RealtimeCoarse);
        FileTime { seconds: now.tv_sec, nanoseconds: now.tv_nsec.try_into().unwrap_or_default() }
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = T> + Send + 'static,
    ) -> T {
        block_on(operation)
    }

    async fn open_dir(&self, parent: &OsDir, name: &str) -> io::Result<OsDir> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        Ok(OsDir(Arc::new(open_at(&parent.0, name, flags, Mode::empty())?)))
    }

    async fn create_dir(&self, parent: &OsDir, name: &str) -> io::Result<()> {
        create_dir(&parent.0, name)
    }

    async fn remove_dir(&self, parent: &OsDir, name: &str) -> io::Result<()> {
        remove_dir(&parent.0, name)
    }

    async fn read_dir(&self, dir: &OsDir) -> io::Result<Vec<DirEntry>> {
        read_dir(&dir.0)
    }

    async fn metadata(&self, dir: &OsDir, name: &str) -> io::Result<Metadata> {
        metadata(&dir.0, name)
    }

    async fn dir_metadata(&self, dir: &OsDir) -> io::Result<Metadata> {
        Ok(metadata_of(&sys::fstat(&dir.0)?))
    }

    async fn set_dir_modified(&self, dir: &OsDir, modified: FileTime) -> io::Result<()> {
        set_dir_modified(&dir.0, modified)
    }

    async fn read(&self, dir: &OsDir, name: &str) -> io::Result<(Vec<u8>, Metadata)> {
        read(&dir.0, name)
    }

    async fn create_file(&self, dir: &OsDir, name: &str) -> io::Result<OsFile> {
        create_file(&dir.0, name)
    }

    async fn write(&self, file: &OsFile, bytes: &[u8]) -> io::Result<()> {
        append(&file.0, bytes)
    }

    async fn sync_file(&self, file: &OsFile) -> io::Result<()> {
        self.sync(&file.0)
    }

    async fn sync_dir(&self, dir: &OsDir) -> io::Result<()> {
        self.sync(&dir.0)
    }

    async fn rename(
        &self,
        from_dir: &OsDir,
        from: &str,
        to_dir: &OsDir,
        to: &str,
    ) -> io::Result<()> {
        rename(&from_dir.0, from, &to_dir.0, to)
    }

    async fn rename_no_replace(
        &self,
        from_dir: &OsDir,
        from: &str,
        to_dir: &OsDir,
        to: &str,
    ) -> io::Result<()> {
        rename_no_replace(&from_dir.0, from, &to_dir.0, to)
    }

    async fn remove_file(&self, dir: &OsDir, name: &str) -> io::Result<()> {
        remove_file(&dir.0, name)
    }

    async fn open_file(&self, dir: &OsDir, name: &str, access: Access) -> io::Result<OsFile> {
        Ok(OsFile(open_regular(&dir.0, name, access)?.0))
    }

    async fn read_head(&self, file: &OsFile) -> io::Result<Vec<u8>> {
        read_head(&file.0)
    }

    async fn write_head(&self, file: &OsFile, bytes: &[u8]) -> io::Result<()> {
        write_head(&file.0, bytes)
    }

    async fn lock(&self, file: &OsFile) -> io::Result<()> {
        Ok(retry_on_intr(|| sys::flock(&file.0, FlockOperation::LockExclusive))?)
    }

    async fn try_lock(&self, file: &OsFile) -> io::Result<bool> {
        try_lock(&file.0)
    }
}
