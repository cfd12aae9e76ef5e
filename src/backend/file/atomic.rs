//! Changing one file so that every reader, and every crash, sees the old one
//! or the new one.

use std::io;

use crate::{
    fs::{FileTime, Fs},
    seam::{Error, Outcome, Result},
};

use super::storage::Call;

const PREFIX: &str = ".storeproof.";
const SUFFIX: &str = ".tmp";

/// Whether a name is one of our temporary files'.
pub(super) fn is_temporary(name: &str) -> bool {
    name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).is_some_and(|random| {
        random.len() == 16 && random.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn temporary_name<F: Fs>(call: &Call<'_, F>) -> Result<String> {
    let mut random = [0; 8];
    let entropy = &call.storage.entropy;
    entropy
        .fill(&mut random)
        .map_err(|error| call.not_done("naming a temporary file in", "", error))?;
    Ok(format!("{PREFIX}{:016x}{SUFFIX}", u64::from_le_bytes(random)))
}

/// A directory that is being changed under the lock, and whether we can still
/// tell that nobody else changed it since the catalog was made from it.
///
/// Our own changes would make the directory's time of modification say nothing
/// for a tick of the file system's clock. So after each change of a large
/// directory we stamp it with a time of our own, unique and in the past: any
/// later change by somebody else gives another one. Only what others do between
/// our look and our stamp is not told by it.
pub(super) struct Watched<F: Fs> {
    pub(super) dir: F::Dir,
    /// Its path below the collection's, for messages and the catalog.
    pub(super) path: String,
    /// The generation of this change: no other has stamps with it. None: the
    /// directory is not stamped.
    generation: Option<u64>,
    /// The time of modification that it must still have.
    expected: Option<FileTime>,
}

/// How far back our stamps lie, in seconds: more than any file system's
/// coarseness.
const STAMP_AGE: i64 = 3;

impl<F: Fs> Watched<F> {
    /// Watches a directory of records, as far as the catalog thinks it worth.
    pub(super) fn new(call: &Call<'_, F>, dir: F::Dir, path: &str, generation: u64) -> Self {
        let budget = call.storage.options.walk_budget;
        let worth = call.storage.catalog().worth_watching(path, budget);
        Self {
            dir,
            path: path.to_owned(),
            generation: worth.stamped.then_some(generation),
            expected: worth.known,
        }
    }

    /// A directory that no catalog has to know about.
    pub(super) fn unwatched(dir: F::Dir, path: &str) -> Self {
        Self { dir, path: path.to_owned(), generation: None, expected: None }
    }

    /// The time that the directory must have if only we changed it; none when
    /// that can't be told.
    pub(super) fn modified(&self) -> Option<FileTime> {
        self.expected
    }

    /// Somebody else may have changed it.
    pub(super) fn forget(&mut self) {
        self.expected = None;
    }

    /// To be called right before each change.
    pub(super) async fn enter(&mut self, call: &Call<'_, F>) {
        if let Some(expected) = self.expected {
            let now = call.storage.fs.dir_metadata(&self.dir).await;
            if now.map_or(true, |now| now.modified != expected) {
                self.expected = None;
            }
        }
    }

    /// To be called right after each change.
    pub(super) async fn leave(&mut self, call: &Call<'_, F>) {
        let Some(generation) = self.generation else {
            self.expected = None;
            return;
        };
        let fs = &call.storage.fs;
        let stamp = FileTime {
            seconds: fs.now().seconds.saturating_sub(STAMP_AGE),
            nanoseconds: call.storage.unique_nanoseconds(generation),
        };
        let stamped = fs.set_dir_modified(&self.dir, stamp).await.is_ok();
        self.expected = self.expected.filter(|_| stamped).map(|_| stamp);
    }
}

/// Puts `bytes` under `name`, in place of whatever file had it. The content is
/// durable, the name is so after [`sync`].
///
/// # Errors
/// `Unknown` only when the new file may be visible.
pub(super) async fn replace<F: Fs>(
    call: &Call<'_, F>,
    watched: &mut Watched<F>,
    name: &str,
    bytes: &[u8],
) -> Result<()> {
    let fs = &call.storage.fs;
    watched.enter(call).await;
    let (temporary, file) = create_temporary(call, &watched.dir).await?;
    watched.leave(call).await;
    let written = match fs.write(&file, bytes).await {
        Err(error) => Err(call.not_done("writing", name, error)),
        Ok(()) => match fs.sync_file(&file).await {
            Err(error) => Err(call.sync_failed("syncing", name, Outcome::NotDone, error)),
            Ok(()) => Ok(()),
        },
    };
    watched.enter(call).await;
    let renamed = match written {
        Err(error) => Err(error),
        Ok(()) => match fs.rename(&watched.dir, &temporary, &watched.dir, name).await {
            Ok(()) => Ok(()),
            Err(error) => Err(rename_failed(call, watched, &temporary, name, error).await),
        },
    };
    if matches!(&renamed, Err(error) if error.outcome() == Outcome::NotDone) {
        // If this fails too, the next sweep removes it.
        let _ = fs.remove_file(&watched.dir, &temporary).await;
    }
    watched.leave(call).await;
    renamed
}

/// A name of 64 random bits is taken once; twice says that they are not random.
const NAMES_TRIED: usize = 16;

async fn create_temporary<F: Fs>(call: &Call<'_, F>, dir: &F::Dir) -> Result<(String, F::File)> {
    let fs = &call.storage.fs;
    for _ in 0..NAMES_TRIED {
        let name = temporary_name(call)?;
        match fs.create_file(dir, &name).await {
            // Somebody's leftover.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(call.not_done("creating", &name, error)),
            // The lock tells sweepers that it is in use. Should one of them
            // have it already, it takes the file away: then another name.
            Ok(file) => match fs.try_lock(&file).await {
                Ok(true) => return Ok((name, file)),
                Ok(false) => {}
                Err(error) => {
                    let _ = fs.remove_file(dir, &name).await;
                    return Err(call.not_done("locking", &name, error));
                }
            },
        }
    }
    Err(call.backend("every name for a temporary file is taken; is the entropy any?".to_owned()))
}

/// Whether a rename that failed may have happened: not while the temporary
/// file still has its name.
async fn rename_failed<F: Fs>(
    call: &Call<'_, F>,
    watched: &Watched<F>,
    temporary: &str,
    name: &str,
    error: io::Error,
) -> Error {
    let outcome = match call.storage.fs.metadata(&watched.dir, temporary).await {
        Ok(_) => Outcome::NotDone,
        Err(_) => Outcome::Unknown,
    };
    call.failed("renaming a temporary file to", name, outcome, error)
}

/// Removes `name`; durable after [`sync`].
///
/// # Errors
/// `Unknown` only when it may be gone.
pub(super) async fn remove<F: Fs>(
    call: &Call<'_, F>,
    watched: &mut Watched<F>,
    name: &str,
) -> Result<()> {
    let fs = &call.storage.fs;
    watched.enter(call).await;
    let removed = match fs.remove_file(&watched.dir, name).await {
        Ok(()) => Ok(()),
        // Other software was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let outcome = match fs.metadata(&watched.dir, name).await {
                Ok(_) => Outcome::NotDone,
                Err(_) => Outcome::Unknown,
            };
            Err(call.failed("removing", name, outcome, error))
        }
    };
    watched.leave(call).await;
    removed
}

/// Removes the directory `name`, which should be empty, and says whether it was;
/// durable after [`sync`].
///
/// # Errors
/// `Unknown` only when it may be gone.
pub(super) async fn remove_directory<F: Fs>(
    call: &Call<'_, F>,
    watched: &mut Watched<F>,
    name: &str,
) -> Result<bool> {
    let fs = &call.storage.fs;
    watched.enter(call).await;
    let removed = match fs.remove_dir(&watched.dir, name).await {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            // Other software was faster.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(true),
            io::ErrorKind::DirectoryNotEmpty => Ok(false),
            _ => {
                let outcome = match fs.metadata(&watched.dir, name).await {
                    Ok(_) => Outcome::NotDone,
                    Err(_) => Outcome::Unknown,
                };
                Err(call.failed("removing the directory", name, outcome, error))
            }
        },
    };
    watched.leave(call).await;
    removed
}

/// Makes durable what was renamed and removed in the directory.
///
/// # Errors
/// Always `Unknown`.
pub(super) async fn sync<F: Fs>(call: &Call<'_, F>, dir: &F::Dir, path: &str) -> Result<()> {
    call.storage
        .fs
        .sync_dir(dir)
        .await
        .map_err(|error| call.sync_failed("syncing the directory", path, Outcome::Unknown, error))
}

#[cfg(test)]
mod tests {
    use super::is_temporary;

    #[test]
    fn only_our_own_pattern_is_a_temporary_file() {
        assert!(is_temporary(".storeproof.0123456789abcdef.tmp"));
        for name in [
            ".storeproof.lock",
            ".storeproof.intent",
            ".storeproof.0123456789ABCDEF.tmp",
            ".storeproof.0123456789abcde.tmp",
            ".storeproof..tmp",
            "storeproof.0123456789abcdef.tmp",
            ".tmp-123",
            "x.json.tmp.9",
        ] {
            assert!(!is_temporary(name), "{name} was taken for ours");
        }
    }
}
