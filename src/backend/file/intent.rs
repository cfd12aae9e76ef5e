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
//! base64; null: it is removed. The actions are done in their order. Where
//! `before` is `"directory"` and `after` null, the empty directory at `path` is
//! removed; should it not be empty by then, this and all that follows is not
//! done: nothing before it has changed a record.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    fs::Fs,
    seam::{Error, Outcome, Result},
};

use super::{
    aside,
    atomic::{self, Watched},
    catalog::{directory_of, parent_of},
    path::{RecordPath, is_older_directory},
    plan::Step,
    storage::{Call, Place, levels_of},
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

/// What `before` says of a directory.
pub(super) const DIRECTORY: &str = "directory";

/// One change, as it was written down.
#[derive(Debug)]
pub(super) enum Change {
    File(FileChange),
    RemoveDirectory(String),
}

/// One change of one file.
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
    let action = |step: &Step| match step {
        Step::File(step) => DocumentAction {
            path: step.path.as_str().to_owned(),
            before: step.before.as_deref().map(digest),
            after: step.after.as_ref().map(|after| STANDARD.encode(after)),
        },
        Step::RemoveDirectory(path) => DocumentAction {
            path: path.to_string(),
            before: Some(DIRECTORY.to_owned()),
            after: None,
        },
    };
    let document = Document { version: VERSION, actions: steps.iter().map(action).collect() };
    serde_json::to_vec(&document)
}

pub(super) fn decode(bytes: &[u8]) -> std::result::Result<Vec<Change>, String> {
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
        if action.before.as_deref() == Some(DIRECTORY) && action.after.is_none() {
            if !is_older_directory(&action.path) {
                return Err("it names a directory that can't be older software's".to_owned());
            }
            return Ok(Change::RemoveDirectory(action.path));
        }
        let path = RecordPath::parse(&action.path)
            .ok_or_else(|| "it names a file that can't be a record's".to_owned())?;
        let after = match action.after {
            None => None,
            Some(text) => Some(
                STANDARD.decode(text).map_err(|_| "a content is not standard base64".to_owned())?,
            ),
        };
        Ok(Change::File(FileChange { path, before: action.before, after }))
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
    // Its writer may have died before its name was durable: a loss of power must
    // not take it away with only a part of the changes made.
    atomic::sync(call, &root, ".").await?;
    let mut touched = Vec::new();
    let mut unsynced = None;
    for change in &changes {
        match change {
            Change::File(change) => touched.extend(redo(call, change).await?),
            Change::RemoveDirectory(path) => match remove_directory(call, path).await? {
                Removed::Gone(above) => {
                    // What is gone can't be lost.
                    touched.retain(|(_, changed): &(F::Dir, String)| !is_within(changed, path));
                    touched.extend(above);
                }
                Removed::InUse => break,
            },
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
        call.make_directory(directory_of(&change.path)).await?
    } else {
        match call.open_directory(change.path.directories()).await? {
            Place::Found(dir) => dir,
            Place::Absent | Place::Foreign => return Ok(None),
        }
    };
    let mut watched = Watched::unwatched(dir, path);
    if is_before && found != change.after {
        match &change.after {
            Some(bytes) => {
                atomic::replace(call, &mut watched, change.path.file_name(), bytes).await?;
            }
            None => {
                let judged = change.before.as_deref().unwrap_or_default();
                aside::remove(call, &mut watched, &change.path, judged).await?;
            }
        }
    }
    Ok(Some((watched.dir, watched.path)))
}

/// Whether `path` lies in the directory `directory`.
fn is_within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

enum Removed<D> {
    /// The directory is gone; the one above it, if there is one, with a path in
    /// it, may have to be synced.
    Gone(Option<(D, String)>),
    /// Somebody who does not know our lock has put something into it.
    InUse,
}

async fn remove_directory<F: Fs>(call: &Call<'_, F>, path: &str) -> Result<Removed<F::Dir>> {
    let dir = match call.open_directory(levels_of(parent_of(path))).await? {
        Place::Found(dir) => dir,
        Place::Absent | Place::Foreign => return Ok(Removed::Gone(None)),
    };
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let mut watched = Watched::unwatched(dir, path);
    if !atomic::remove_directory(call, &mut watched, name).await? {
        return Ok(Removed::InUse);
    }
    call.storage.forget_directory(path);
    Ok(Removed::Gone(Some((watched.dir, watched.path))))
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
            (
                r#"{"version":1,"actions":[{"path":"x","before":"directory","after":null}]}"#,
                "can't be older software's",
            ),
            (
                r#"{"version":1,"actions":[{"path":"../x.json","before":"directory","after":null}]}"#,
                "can't be older software's",
            ),
        ] {
            let problem = decode(text.as_bytes()).expect_err("it was taken for an intent");
            assert!(problem.contains(reason), "{text}: {problem}");
        }
    }
}
