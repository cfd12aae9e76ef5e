//! The private formats of this backend, for the registry that keeps them under
//! review: the intent file, the head of the lock file, and the names of
//! quarantined files. Each goes through the code that storages use.

use super::{
    intent,
    lock::Head,
    path::RecordPath,
    plan::{FileStep, Step},
    quarantine,
};

/// The version of the intent file that we write.
pub(crate) const INTENT_VERSION: u64 = intent::VERSION;

/// One change, as a commit writes it down.
pub(crate) enum Change<'a> {
    /// Of one file.
    File {
        path: &'a RecordPath,
        /// The file's content before; none: there is no file.
        before: Option<&'a [u8]>,
        /// Its content afterwards; none: it is removed.
        after: Option<&'a [u8]>,
    },
    /// An emptied directory goes.
    RemoveDirectory(&'a str),
}

/// One change, as an intent tells it.
pub(crate) struct ToldChange {
    pub(crate) path: String,
    /// SHA-256 of the content before, in lower-case hex; `directory` for one
    /// that is to be removed.
    pub(crate) before: Option<String>,
    pub(crate) after: Option<Vec<u8>>,
}

/// The bytes of an intent file.
///
/// # Errors
/// As `serde_json` reports them.
pub(crate) fn encode_intent(changes: &[Change<'_>]) -> serde_json::Result<Vec<u8>> {
    let step = |change: &Change<'_>| match change {
        Change::File { path, before, after } => Step::File(FileStep {
            path: (*path).clone(),
            before: before.map(<[u8]>::to_vec),
            after: after.map(<[u8]>::to_vec),
            entry: None,
        }),
        Change::RemoveDirectory(path) => Step::RemoveDirectory((*path).into()),
    };
    intent::bytes_of(&changes.iter().map(step).collect::<Vec<_>>())
}

/// What the bytes of an intent file say.
///
/// # Errors
/// Why they are not an intent that we complete.
pub(crate) fn decode_intent(bytes: &[u8]) -> Result<Vec<ToldChange>, String> {
    let told = |change: intent::Change| match change {
        intent::Change::File(change) => ToldChange {
            path: change.path.as_str().to_owned(),
            before: change.before,
            after: change.after,
        },
        intent::Change::RemoveDirectory(path) => {
            ToldChange { path, before: Some(intent::DIRECTORY.to_owned()), after: None }
        }
    };
    Ok(intent::decode(bytes)?.into_iter().map(told).collect())
}

/// The head of a lock file.
pub(crate) fn encode_lock_head(generation: u64, several: bool) -> [u8; 9] {
    Head { generation, several }.to_bytes()
}

/// The generation, and whether several files are being changed as one.
pub(crate) fn decode_lock_head(bytes: &[u8]) -> (u64, bool) {
    let Head { generation, several } = Head::from_bytes(bytes);
    (generation, several)
}

/// The name under which `bytes`, which lay at `path`, are kept.
pub(crate) fn quarantine_name(path: &RecordPath, bytes: &[u8]) -> String {
    quarantine::name_of(path, bytes)
}
