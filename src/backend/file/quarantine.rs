//! Bytes that are set aside instead of destroyed.
//!
//! They lie in `.storeproof.quarantine`, one file for each content that a path
//! had: the path percent-encoded and cut to 150 bytes, `~`, and the first 16
//! hex digits of the SHA-256 of path, NUL and bytes.

use std::fmt::Write as _;

use crate::{
    fs::Fs,
    seam::{Outcome, Result},
};

use super::{
    atomic::{self, Watched},
    intent::digest,
    path::RecordPath,
    storage::{Call, Place},
};

/// The name of the directory.
pub(super) const QUARANTINE_NAME: &str = ".storeproof.quarantine";

const MAX_PATH_BYTES: usize = 150;

/// The name of the file that keeps `bytes`, which lay at `path`.
pub(super) fn name_of(path: &RecordPath, bytes: &[u8]) -> String {
    let mut name = String::new();
    for byte in path.as_str().bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.len() + if plain { 1 } else { 3 } > MAX_PATH_BYTES {
            break;
        }
        if plain {
            name.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    let hash = digest(&[path.as_str().as_bytes(), b"\0", bytes].concat());
    name.push('~');
    name.push_str(hash.get(..16).unwrap_or(&hash));
    name
}

/// Keeps `bytes`, which lie at `path`. They are durable when this returns.
///
/// # Errors
/// `NotDone`: setting aside alone changes no record.
pub(super) async fn keep<F: Fs>(call: &Call<'_, F>, path: &RecordPath, bytes: &[u8]) -> Result<()> {
    let fs = &call.storage.fs;
    let root = &call.storage.root;
    let not_done = |doing: &'static str| move |error| call.not_done(doing, QUARANTINE_NAME, error);
    match fs.create_dir(root, QUARANTINE_NAME).await {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(not_done("making the directory")(error));
        }
        _ => {}
    }
    let dir =
        fs.open_dir(root, QUARANTINE_NAME).await.map_err(not_done("opening the directory"))?;
    let name = name_of(path, bytes);
    let kept = match call.read_file(&dir, &name, &name).await? {
        Place::Found((kept, _)) => kept == bytes,
        Place::Absent => false,
        Place::Foreign => return Err(call.occupied(&name)),
    };
    let synced =
        |error| call.sync_failed("syncing the directory", QUARANTINE_NAME, Outcome::NotDone, error);
    // What is kept already was synced before it got its name.
    if !kept {
        let mut watched = Watched::unwatched(dir.clone(), QUARANTINE_NAME);
        atomic::replace(call, &mut watched, &name, bytes).await.map_err(not_yet)?;
    }
    fs.sync_dir(&dir).await.map_err(synced)?;
    fs.sync_dir(root).await.map_err(synced)
}

/// A copy that may or may not have been made leaves the record as it was.
fn not_yet(mut error: crate::seam::Error) -> crate::seam::Error {
    if let crate::seam::Error::Io { outcome, .. } = &mut error {
        *outcome = Outcome::NotDone;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::name_of;
    use crate::{backend::file::path::RecordPath, seam::RecordId};

    #[test]
    fn names_are_readable_short_and_distinct() {
        let path = RecordPath::of(&RecordId::new("a/ü").unwrap());
        let name = name_of(&path, b"x");
        assert!(name.starts_with("a%2F%C3%BC.json~"), "{name}");
        assert_ne!(name, name_of(&path, b"y"), "the content counts");
        let long = RecordPath::of(&RecordId::new(["ü"; 90].join("/")).unwrap());
        assert!(name_of(&long, b"x").len() <= 170, "a file system must take the name");
        let deep = RecordPath::of(&RecordId::new(["ü"; 30].join("/")).unwrap());
        assert!(name_of(&deep, b"x").len() <= 170, "a file system must take the name");
    }
}
