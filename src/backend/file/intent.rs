//! Commits of several files: written down first, so that whoever comes after a
//! crash completes them.
//!
//! The intent is one JSON document:
//!
//! ```text
//! {"version":1,"actions":[{"path":…,"before":…,"after":…}, …]}
//! ```
//!
//! `before` is the SHA-256, in lower-case hex, of the bytes that the file at
//! `path` had; null: there was none. `after` is its new content in standard
//! base64; null: it is removed. The actions are done in their order.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    fs::Fs,
    seam::{Error, Outcome, Result},
};

use super::{
    atomic::{self, Watched},
    path::RecordPath,
    plan::Step,
    storage::{Call, Place},
};

/// The name of the intent file.
pub(super) const INTENT_NAME: &str = ".storeproof.intent";

/// The version that we write and the only one that we complete.
pub(super) const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u64,
    actions: Vec<DocumentAction>,
}

#[derive(Serialize, Deserialize)]
struct DocumentAction {
    path: String,
    before: Option<String>,
    after: Option<String>,
}

/// One change of one file, as it was written down.
#[derive(Debug)]
pub(super) struct FileChange {
    pub(super) path: RecordPath,
    /// SHA-256, in lower-case hex.
    pub(super) before: Option<String>,
    pub(super) after: Option<Vec<u8>>,
}

/// What [`complete`] found to complete.
pub(super) enum Completed {
    /// No intent.
    Nothing,
    /// An intent; it is done and gone.
    Durably,
    /// An intent; what it says is visible, but could not be made durable.
    Visibly(Error),
}

/// SHA-256 in lower-case hex.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The bytes of the intent file.
pub(super) fn encode<F: Fs>(call: &Call<'_, F>, steps: &[Step]) -> Result<Vec<u8>> {
    bytes_of(steps)
        .map_err(|error| call.backend(format!("the commit can't be written down: {error}")))
}

pub(super) fn bytes_of(steps: &[Step]) -> serde_json::Result<Vec<u8>> {
    let action = |step: &Step| DocumentAction {
        path: step.path.as_str().to_owned(),
        before: step.before.as_deref().map(digest),
        after: step.after.as_ref().map(|after| STANDARD.encode(after)),
    };
    let document = Document { version: VERSION, actions: steps.iter().map(action).collect() };
    serde_json::to_vec(&document)
}

pub(super) fn decode(bytes: &[u8]) -> std::result::Result<Vec<FileChange>, String> {
    #[derive(Deserialize)]
    struct Version {
        version: u64,
    }

    let problem = |error: serde_json::Error| {
        // The position tells enough; the error's own text may quote data.
        format!("it is not an intent (line {}, column {})", error.line(), error.column())
    };
    let Version { version } = serde_json::from_slice(bytes).map_err(problem)?;
    if version != VERSION {
        return Err(format!("it was written by another release (intent version {version})"));
    }
    let document: Document = serde_json::from_slice(bytes).map_err(problem)?;
    let change = |action: DocumentAction| {
        let path = RecordPath::parse(&action.path)
            .ok_or_else(|| "it names a file that can't be a record's".to_owned())?;
        let after = match action.after {
            None => None,
            Some(text) => Some(
                STANDARD.decode(text).map_err(|_| "a content is not standard base64".to_owned())?,
            ),
        };
        Ok(FileChange { path, before: action.before, after })
    };
    document.actions.into_iter().map(change).collect()
}

/// Completes the intent that a writer left, under the lock.
///
/// A file that is neither as the writer found it nor as it was to leave it was
/// changed by somebody who does not know our lock: it stays theirs.
///
/// # Errors
/// When the visible state could not be made whole. An intent that can't be read
/// is left where it is: what it was to complete may be half done, and only a
/// human can tell.
pub(super) async fn complete<F: Fs>(call: &Call<'_, F>) -> Result<Completed> {
    let root = call.storage.root.clone();
    let bytes = match call.read_file(&root, INTENT_NAME, INTENT_NAME).await? {
        Place::Absent => return Ok(Completed::Nothing),
        Place::Foreign => return Err(call.occupied(INTENT_NAME)),
        Place::Found((bytes, _)) => bytes,
    };
    let changes = decode(&bytes).map_err(|problem| {
        call.backend(format!(
            "{INTENT_NAME:?}, the record of a commit that was interrupted, can't be used: \
             {problem}; nothing was changed; compare it with the records and move it away"
        ))
    })?;
    let mut touched = Vec::new();
    let mut unsynced = None;
    for change in &changes {
        match redo(call, change).await {
            Ok(Some(dir)) => touched.push(dir),
            Ok(None) => {}
            Err(error) => return Err(error),
        }
    }
    for (dir, path) in &touched {
        if let Err(error) = atomic::sync(call, dir, path).await {
            unsynced.get_or_insert(error);
        }
    }
    if let Some(error) = unsynced {
        return Ok(Completed::Visibly(error));
    }
    match forget(call).await {
        Ok(()) => Ok(Completed::Durably),
        Err(error) => Ok(Completed::Visibly(error)),
    }
}

/// Does one change where it is not done yet. Returns the directory, which may
/// have to be synced in either case.
async fn redo<F: Fs>(call: &Call<'_, F>, change: &FileChange) -> Result<Option<(F::Dir, String)>> {
    let path = change.path.as_str();
    let found = match call.read_path(&change.path).await? {
        Place::Absent => None,
        Place::Foreign => return Ok(None),
        Place::Found((bytes, _)) => Some(bytes),
    };
    let is_before = found.as_deref().map(digest) == change.before;
    let dir = if change.after.is_some() {
        call.make_directory(&change.path).await?
    } else {
        match call.open_directory(change.path.directories()).await? {
            Place::Found(dir) => dir,
            Place::Absent | Place::Foreign => return Ok(None),
        }
    };
    let mut watched = Watched::unwatched(dir, path);
    if is_before && found != change.after {
        let name = change.path.file_name();
        match &change.after {
            Some(bytes) => atomic::replace(call, &mut watched, name, bytes).await?,
            None => atomic::remove(call, &mut watched, name).await?,
        }
    }
    Ok(Some((watched.dir, watched.path)))
}

/// Removes the intent file, durably.
///
/// # Errors
/// `Unknown`: after a loss of power it may be there again.
pub(super) async fn forget<F: Fs>(call: &Call<'_, F>) -> Result<()> {
    let root = call.storage.root.clone();
    let fs = &call.storage.fs;
    if let Err(error) = fs.remove_file(&root, INTENT_NAME).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(call.failed("removing", INTENT_NAME, Outcome::Unknown, error));
    }
    atomic::sync(call, &root, ".").await
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn an_intent_that_is_not_ours_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "not an intent"),
            ("{", "not an intent"),
            ("[]", "not an intent"),
            (r#"{"version":2}"#, "another release"),
            (r#"{"version":1,"actions":[{}]}"#, "not an intent"),
            (
                r#"{"version":1,"actions":[{"path":"../x.json","before":null,"after":null}]}"#,
                "can't be a record's",
            ),
            (r#"{"version":1,"actions":[{"path":"x.json","before":null,"after":"%"}]}"#, "base64"),
        ] {
            let problem = decode(text.as_bytes()).expect_err("it was taken for an intent");
            assert!(problem.contains(reason), "{text}: {problem}");
        }
    }
}
