//! Removing a record's file without harm to what older software has written
//! since.
//!
//! Older software takes no lock: between the look at a file and its removal it
//! may have renamed a fresh one into its place, which nobody has judged. So the
//! file is renamed aside, read again, and removed only if it still is what was
//! judged; otherwise it gets its name back, as if it had been written right
//! after the removal. Who removes a file so tells readers first that several
//! changes make one ([`Held::begin`](super::lock::Held::begin)): in between the
//! record seems to be gone.
//!
//! What a writer that died has left aside gets its name back, too: its removal
//! was not acknowledged.

use std::io;

use crate::{
    fs::{EntryKind, Fs},
    seam::{Outcome, Result},
};

use super::{
    atomic::Watched,
    catalog::join,
    path::RecordPath,
    quarantine,
    storage::{Call, Place},
};

const PREFIX: &str = ".storeproof.aside.";

/// The longest name that file systems take.
const MAX_NAME_BYTES: usize = 255;

/// The name that the file `name` has while it is aside; none: it would be too
/// long, and the file is removed at once.
pub(super) fn aside_of(name: &str) -> Option<String> {
    (PREFIX.len() + name.len() <= MAX_NAME_BYTES).then(|| format!("{PREFIX}{name}"))
}

/// The record's file that lies aside under this name in the directory
/// `directory`; none: it is no such file.
pub(super) fn original_of(directory: &str, name: &str) -> Option<RecordPath> {
    RecordPath::parse(&join(directory, name.strip_prefix(PREFIX)?))
}

/// Removes the file at `path` if its content is what was judged; durable after
/// [`sync`](super::atomic::sync). A file that is gone already, or another one by
/// now, is no error: somebody was faster, or will have been later.
///
/// # Errors
/// `Unknown` only when the name may be gone.
pub(super) async fn remove<F: Fs>(
    call: &Call<'_, F>,
    watched: &mut Watched<F>,
    path: &RecordPath,
    is_judged: impl FnOnce(&[u8]) -> bool + Send,
) -> Result<()> {
    let Some(aside) = aside_of(path.file_name()) else {
        return super::atomic::remove(call, watched, path.file_name()).await;
    };
    watched.enter(call).await;
    let removed = remove_by_way_of(call, &watched.dir, path, &aside, is_judged).await;
    watched.leave(call).await;
    if !matches!(removed, Ok(Removed::Gone)) {
        watched.forget();
    }
    removed.map(drop)
}

enum Removed {
    Gone,
    /// Something that nobody has judged has its name back.
    PutBack,
}

async fn remove_by_way_of<F: Fs>(
    call: &Call<'_, F>,
    dir: &F::Dir,
    path: &RecordPath,
    aside: &str,
    is_judged: impl FnOnce(&[u8]) -> bool + Send,
) -> Result<Removed> {
    let (fs, name) = (&call.storage.fs, path.file_name());
    match fs.rename(dir, name, dir, aside).await {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Removed::Gone),
        Err(error) => {
            let outcome = match fs.metadata(dir, name).await {
                Ok(_) => Outcome::NotDone,
                Err(_) => Outcome::Unknown,
            };
            return Err(call.failed("renaming aside", name, outcome, error));
        }
    }
    let failed = |doing, error| call.failed(doing, aside, Outcome::Unknown, error);
    match call.read_file(dir, aside, aside).await.map_err(super::apply::unknown)? {
        Place::Found((bytes, _)) if is_judged(&bytes) => {
            fs.remove_file(dir, aside).await.map_err(|error| failed("removing", error))?;
            Ok(Removed::Gone)
        }
        Place::Absent => Ok(Removed::Gone),
        Place::Found(_) | Place::Foreign => {
            put_back(call, dir, path, aside).await?;
            Ok(Removed::PutBack)
        }
    }
}

/// Gives what is aside its name back, unless something has the name by now:
/// that was written later, and replaced it.
///
/// # Errors
/// `Unknown`: it is still aside.
pub(super) async fn put_back<F: Fs>(
    call: &Call<'_, F>,
    dir: &F::Dir,
    path: &RecordPath,
    aside: &str,
) -> Result<()> {
    let (fs, name) = (&call.storage.fs, path.file_name());
    let failed = |doing: &'static str, error| call.failed(doing, aside, Outcome::Unknown, error);
    match fs.rename_no_replace(dir, aside, dir, name).await {
        Ok(()) => return Ok(()),
        // Who removed it, under the lock that we hold now, was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("giving its name back to", error)),
    }
    let successor = fs.metadata(dir, name).await;
    if !successor.is_ok_and(|successor| successor.kind == EntryKind::File)
        && let Place::Found((bytes, _)) = call.read_file(dir, aside, aside).await?
    {
        // A directory replaces no file.
        Box::pin(quarantine::keep(call, path, &bytes)).await?;
    }
    fs.remove_file(dir, aside).await.map_err(|error| failed("removing", error))
}

#[cfg(test)]
mod tests {
    use super::{aside_of, original_of};
    use crate::backend::file::path::RecordPath;

    #[test]
    fn only_a_records_file_can_be_aside() {
        let aside = aside_of("a.json").expect("a short name");
        for (directory, path) in [("", "a.json"), ("x/y", "x/y/a.json")] {
            assert_eq!(original_of(directory, &aside), RecordPath::parse(path), "{directory:?}");
        }
        for name in
            [".storeproof.aside.", ".storeproof.aside.a", ".storeproof.aside..a.json", "a.json"]
        {
            assert_eq!(original_of("", name), None, "{name} was taken for ours");
        }
        assert_eq!(aside_of(&format!("{}.json", "a".repeat(240))), None);
    }
}
