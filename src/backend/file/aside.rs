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
//! What a writer that died has left aside tells by its name what was judged: 16
//! hex digits of its SHA-256. If it still is that, its removal is completed;
//! otherwise it gets its name back.

use std::io;

use crate::{
    fs::{EntryKind, Fs},
    seam::{Outcome, Result},
};

use super::{
    atomic::Watched,
    catalog::join,
    intent::digest,
    path::RecordPath,
    quarantine,
    storage::{Call, Place},
};

const PREFIX: &str = ".storeproof.aside.";

/// The longest name that file systems take.
const MAX_NAME_BYTES: usize = 255;

/// How many hex digits of the judged content's SHA-256 the name has.
const DIGITS: usize = 16;

/// The name that the file `name` has while it is aside, `judged` being the
/// SHA-256 of what was judged in lower-case hex; none: it would be too long, and
/// the file is removed at once.
fn aside_of(name: &str, judged: &str) -> Option<String> {
    let aside = format!("{PREFIX}{}.{name}", judged.get(..DIGITS)?);
    (aside.len() <= MAX_NAME_BYTES).then_some(aside)
}

/// A record's file that lies aside.
pub(super) struct Aside {
    /// Where it lay.
    pub(super) path: RecordPath,
    /// The first digits of the SHA-256 of what was judged.
    judged: String,
}

impl Aside {
    /// Whether content of that kind is what was judged, so that its removal is
    /// to be completed.
    pub(super) fn is_judged(&self, bytes: &[u8]) -> bool {
        digest(bytes).starts_with(&self.judged)
    }
}

/// The record's file that lies aside under this name in the directory
/// `directory`; none: it is no such file.
pub(super) fn recognise(directory: &str, name: &str) -> Option<Aside> {
    let (judged, original) = name.strip_prefix(PREFIX)?.split_once('.')?;
    let is_digest = judged.len() == DIGITS
        && judged.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let path = RecordPath::parse(&join(directory, original)).filter(|_| is_digest)?;
    Some(Aside { path, judged: judged.to_owned() })
}

/// Removes the file at `path` if its content is what was judged, as `judged`, its
/// SHA-256 in lower-case hex, tells; durable after
/// [`sync`](super::atomic::sync). A file that is gone already, or another one by
/// now, is no error: somebody was faster, or will have been later.
///
/// # Errors
/// `Unknown` only when the name may be gone.
pub(super) async fn remove<F: Fs>(
    call: &Call<'_, F>,
    watched: &mut Watched<F>,
    path: &RecordPath,
    judged: &str,
) -> Result<()> {
    let Some(aside) = aside_of(path.file_name(), judged) else {
        return super::atomic::remove(call, watched, path.file_name()).await;
    };
    watched.enter(call).await;
    let removed = remove_by_way_of(call, &watched.dir, path, &aside, judged).await;
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
    judged: &str,
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
        Place::Found((bytes, _)) if digest(&bytes) == judged => {
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

/// Settles what a writer that died left aside under the name `name`.
///
/// # Errors
/// `Unknown`: it is still aside.
pub(super) async fn settle<F: Fs>(
    call: &Call<'_, F>,
    dir: &F::Dir,
    aside: &Aside,
    name: &str,
) -> Result<()> {
    match call.read_file(dir, name, name).await? {
        Place::Found((bytes, _)) if aside.is_judged(&bytes) => {
            let removed = call.storage.fs.remove_file(dir, name).await;
            removed.map_err(|error| call.failed("removing", name, Outcome::Unknown, error))
        }
        Place::Found(_) | Place::Foreign => put_back(call, dir, &aside.path, name).await,
        // Who removed it, under the lock that we hold now, was faster.
        Place::Absent => Ok(()),
    }
}

/// Gives what is aside its name back, unless something has the name by now:
/// that was written later, and replaced it.
///
/// # Errors
/// `Unknown`: it is still aside.
async fn put_back<F: Fs>(
    call: &Call<'_, F>,
    dir: &F::Dir,
    path: &RecordPath,
    aside: &str,
) -> Result<()> {
    let (fs, name) = (&call.storage.fs, path.file_name());
    let failed = |doing: &'static str, error| call.failed(doing, aside, Outcome::Unknown, error);
    match fs.rename_no_replace(dir, aside, dir, name).await {
        Ok(()) => return Ok(()),
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
    use super::{aside_of, digest, recognise};
    use crate::backend::file::path::RecordPath;

    #[test]
    fn only_a_records_file_can_be_aside() {
        let judged = digest(b"1");
        let name = aside_of("a.json", &judged).expect("a short name");
        for (directory, path) in [("", "a.json"), ("x/y", "x/y/a.json")] {
            let aside = recognise(directory, &name).expect("it is ours");
            assert_eq!(Some(aside.path.clone()), RecordPath::parse(path), "{directory:?}");
            assert!(aside.is_judged(b"1") && !aside.is_judged(b"2"));
        }
        for name in [
            ".storeproof.aside.",
            ".storeproof.aside.a.json",
            ".storeproof.aside.0123456789abcdef",
            ".storeproof.aside.0123456789abcdef.a",
            ".storeproof.aside.0123456789abcdef..a.json",
            ".storeproof.aside.0123456789ABCDEF.a.json",
            "a.json",
        ] {
            assert!(recognise("", name).is_none(), "{name} was taken for ours");
        }
        assert_eq!(aside_of(&format!("{}.json", "a".repeat(220)), &judged), None);
    }
}
