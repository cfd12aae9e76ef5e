//! What all operations of a handle share, and how they reach directories and
//! files.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    fs::{EntryKind, Fs, Metadata},
    seam::{Clock, CollectionSpec, Entropy, Error, Outcome, RecordId, Result, Site},
};

use super::{FileOptions, catalog::Catalog, path::RecordPath, recent::Recent, underway::Underway};

/// One handle on a collection.
pub(super) struct Storage<F: Fs> {
    pub(super) fs: F,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) spec: CollectionSpec,
    pub(super) options: FileOptions,
    /// The collection's directory.
    pub(super) root: F::Dir,
    /// The lock file, for reading its head.
    pub(super) head: F::File,
    catalog: Mutex<Catalog>,
    recent: Mutex<Option<Arc<Recent>>>,
    /// Why writes are refused, if they are.
    refusal: Mutex<Option<String>>,
    /// Directories whose names this handle knows to be durable.
    durable: Mutex<BTreeSet<String>>,
    /// How many directory stamps this handle has made.
    stamps: AtomicU64,
    pub(super) underway: Underway,
}

/// No mutex here guards a state that a panic could leave half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Fs> Storage<F> {
    /// A handle on the directory `root`, whose lock file is `head`.
    pub(super) fn new(parts: super::open::Parts<F>, root: F::Dir, head: F::File) -> Self {
        let catalog = Mutex::new(Catalog::new(&parts.spec));
        Self {
            fs: parts.fs,
            clock: parts.clock,
            entropy: parts.entropy,
            spec: parts.spec,
            options: parts.options,
            root,
            head,
            catalog,
            recent: Mutex::default(),
            refusal: Mutex::default(),
            durable: Mutex::default(),
            stamps: AtomicU64::new(0),
            underway: Underway::default(),
        }
    }

    /// Forgets that the name of a directory was durable, because it is gone.
    pub(super) fn forget_directory(&self, path: &str) {
        locked(&self.durable).remove(path);
    }

    /// The catalog, for a moment: never across an await.
    pub(super) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        locked(&self.catalog)
    }

    /// The file that was read or written last.
    pub(super) fn recent(&self) -> Option<Arc<Recent>> {
        locked(&self.recent).clone()
    }

    /// Remembers the file that was read or is to be written.
    pub(super) fn set_recent(&self, recent: Arc<Recent>) {
        *locked(&self.recent) = Some(recent);
    }

    /// Nanoseconds for a stamp that no other one has within the same second,
    /// but for an accident of one in a thousand million.
    pub(super) fn unique_nanoseconds(&self, generation: u64) -> u32 {
        nanoseconds_of(generation, self.stamps.fetch_add(1, Ordering::Relaxed))
    }
}

/// From 1 to 999 999 999: nothing would look like a file system that keeps none.
fn nanoseconds_of(generation: u64, count: u64) -> u32 {
    // The finisher of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    let mut mixed = generation.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(count);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    u32::try_from((mixed ^ (mixed >> 31)) % 999_999_999 + 1).unwrap_or(1)
}

/// The names on the way to a directory; none to the collection's own, whose
/// path is empty.
pub(super) fn levels_of(path: &str) -> impl Iterator<Item = &str> + Send {
    path.split('/').filter(|level| !level.is_empty())
}

/// One call of an operation: what errors say of it.
pub(super) struct Call<'a, F: Fs> {
    pub(super) storage: &'a Storage<F>,
    pub(super) operation: &'static str,
    pub(super) id: Option<&'a RecordId>,
}

impl<F: Fs> Clone for Call<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Fs> Copy for Call<'_, F> {}

/// What a name in the collection turned out to be.
pub(super) enum Place<T> {
    /// What was looked for.
    Found(T),
    /// Nothing has the name, or one of the directories on the way is missing.
    Absent,
    /// Something of another kind has it: a link, a directory instead of a file.
    Foreign,
}

impl<'a, F: Fs> Call<'a, F> {
    pub(super) fn new(
        storage: &'a Storage<F>,
        operation: &'static str,
        id: Option<&'a RecordId>,
    ) -> Self {
        Self { storage, operation, id }
    }

    /// The same call, where it is about the record `id`.
    pub(super) fn about(self, id: &'a RecordId) -> Self {
        Self { id: Some(id), ..self }
    }

    pub(super) fn site(&self) -> Site {
        Site::new(self.operation, &self.storage.spec.name, self.id)
    }

    /// A failure of the storage in the step `doing` on `path`.
    pub(super) fn failed(
        &self,
        doing: &str,
        path: &str,
        outcome: Outcome,
        source: io::Error,
    ) -> Error {
        let doing = format!("{doing} {path:?}");
        Error::Io { site: self.site(), doing, outcome, source }
    }

    /// A failure of the storage while nothing had changed yet.
    pub(super) fn not_done(&self, doing: &str, path: &str, source: io::Error) -> Error {
        self.failed(doing, path, Outcome::NotDone, source)
    }

    /// A failed fsync: what the system kept of the changes is not known from
    /// now on, so the handle takes no more.
    pub(super) fn sync_failed(
        &self,
        doing: &str,
        path: &str,
        outcome: Outcome,
        source: io::Error,
    ) -> Error {
        *locked(&self.storage.refusal) = Some(format!("{doing} {path:?} failed earlier"));
        self.failed(doing, path, outcome, source)
    }

    /// Refuses writes once an fsync has failed.
    pub(super) fn must_take_writes(&self) -> Result<()> {
        match &*locked(&self.storage.refusal) {
            None => Ok(()),
            Some(problem) => Err(Error::Closed { site: self.site(), problem: problem.clone() }),
        }
    }

    pub(super) fn backend(&self, problem: String) -> Error {
        Error::Backend { site: self.site(), problem, outcome: Outcome::NotDone }
    }

    /// The place of a record is taken by what is none of ours to replace.
    pub(super) fn occupied(&self, path: &str) -> Error {
        self.backend(format!(
            "{path:?} is a link, a directory or a device, not a regular file; move it away"
        ))
    }

    /// Opens a directory below the collection's.
    pub(super) async fn open_directory(
        &self,
        levels: impl Iterator<Item = &str> + Send,
    ) -> Result<Place<F::Dir>> {
        let fs = &self.storage.fs;
        let mut dir = self.storage.root.clone();
        for level in levels {
            dir = match fs.open_dir(&dir, level).await {
                Ok(opened) => opened,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Absent),
                // What has the name now may be another thing already.
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                    return Ok(Place::Foreign);
                }
                Err(error) => {
                    return match fs.metadata(&dir, level).await {
                        Ok(other) if other.kind != EntryKind::Directory => Ok(Place::Foreign),
                        _ => Err(self.not_done("opening the directory", level, error)),
                    };
                }
            };
        }
        Ok(Place::Found(dir))
    }

    /// Opens the directory `path` below the collection's, making what is
    /// missing of it. The names of all its levels are durable afterwards.
    pub(super) async fn make_directory(&self, path: &str) -> Result<F::Dir> {
        let fs = &self.storage.fs;
        let mut dir = self.storage.root.clone();
        let mut so_far = String::new();
        for level in levels_of(path) {
            if !so_far.is_empty() {
                so_far.push('/');
            }
            so_far.push_str(level);
            let mut durable = locked(&self.storage.durable).contains(&so_far);
            let mut opened = fs.open_dir(&dir, level).await;
            if matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                durable = false;
                match fs.create_dir(&dir, level).await {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(self.not_done("making the directory", &so_far, error));
                    }
                    _ => opened = fs.open_dir(&dir, level).await,
                }
            }
            let opened =
                match opened {
                    Ok(opened) => opened,
                    Err(error) => {
                        return match fs.metadata(&dir, level).await {
                            Ok(other) if other.kind != EntryKind::Directory => Err(self
                                .backend(format!("{so_far:?} is not a directory; move it away"))),
                            _ => Err(self.not_done("opening the directory", &so_far, error)),
                        };
                    }
                };
            if !durable {
                // Also when somebody else made it: they may not have synced.
                if let Err(error) = fs.sync_dir(&dir).await {
                    let doing = "syncing the directory above";
                    return Err(self.sync_failed(doing, &so_far, Outcome::NotDone, error));
                }
                locked(&self.storage.durable).insert(so_far.clone());
            }
            dir = opened;
        }
        Ok(dir)
    }

    /// Reads the file at `path`.
    pub(super) async fn read_path(&self, path: &RecordPath) -> Result<Place<(Vec<u8>, Metadata)>> {
        match self.open_directory(path.directories()).await? {
            Place::Found(dir) => self.read_file(&dir, path.file_name(), path.as_str()).await,
            Place::Absent => Ok(Place::Absent),
            Place::Foreign => Ok(Place::Foreign),
        }
    }

    /// Reads the file `name` in an open directory; `path` is for messages.
    pub(super) async fn read_file(
        &self,
        dir: &F::Dir,
        name: &str,
        path: &str,
    ) -> Result<Place<(Vec<u8>, Metadata)>> {
        match self.storage.fs.read(dir, name).await {
            Ok(content) => Ok(Place::Found(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::Absent),
            // A name that the file system can't have names no file of ours.
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => Ok(Place::Absent),
            // What has the name now may be another thing already.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Ok(Place::Foreign),
            Err(error) => match self.storage.fs.metadata(dir, name).await {
                Ok(other) if other.kind != EntryKind::File => Ok(Place::Foreign),
                _ => Err(self.not_done("reading", path, error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::nanoseconds_of;

    #[test]
    fn nanoseconds_of_stamps_are_some_and_others_each_time() {
        assert_eq!(nanoseconds_of(0, 0), 1, "none would be no stamp");
        let generations = (0..100).flat_map(|generation| (0..100).map(move |n| (generation, n)));
        let all: BTreeSet<u32> = generations.map(|(g, n)| nanoseconds_of(g, n)).collect();
        assert_eq!(all.len(), 10_000, "no two are alike");
        assert!(all.iter().all(|nanoseconds| (1..1_000_000_000).contains(nanoseconds)));
    }
}
