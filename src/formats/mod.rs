//! Formats under review: every format that outlives a process or leaves it,
//! with its version, samples of it, and the snapshots of what was shipped.
//!
//! A **snapshot** is a file `snapshots/<format>/v<version>/<sample>.snap`: the
//! exact bytes, and the value that they mean. Snapshots are never changed and
//! never removed, so that two questions always have an answer:
//!
//! - Does what any release ever wrote still read, as the same value?
//!   [`judge::judge`] reads each snapshot with today's reader, and compares with
//!   the value that was stored, not with what today's writer would say.
//! - Is what is written today what was reviewed? [`judge::unreviewed`] encodes
//!   today's samples and compares with their snapshots, byte for byte.
//!
//! The program carries the snapshots ([`shipped::SHIPPED`]), and can judge those
//! of another release (`--snapshots`): that is how `scripts/review-formats`
//! learns whether the previous reader reads the new data.
//!
//! **To add a format**: one [`Format`] in a file here, its file's line in
//! [`all`], then `scripts/review-formats --accept`, which writes the snapshots
//! that are missing. `users.rs` is the pattern for a store.
//!
//! Values are JSON made for comparison. They are built from what was read, with
//! names of their own where that is cheap, so that a change of a writer does
//! not change what its old data mean.

mod access;
mod api_keys;
mod campaign;
mod cursor;
mod directory;
mod encryption;
mod envelope;
mod file_backend;
mod flat;
pub mod judge;
pub mod listing;
mod replay;
mod report;
mod sealed;
mod secrets;
mod sessions;
pub mod shipped;
pub mod snapshot;
mod users;
mod value;
mod watermark;
mod webhooks;
mod worker_heartbeats;
mod workspace;

use std::fmt::Display;

use serde_json::Value;

/// A format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name: lower-case letters, digits and `-`. The folder of its
    /// snapshots.
    pub name: &'static str,
    /// The version that is written. For what older software wrote and we never
    /// do: 0.
    pub version: u64,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Who writes it.
    pub writer: Writer,
    /// Values built in code, as they are written today. All inputs are fixed: no
    /// times, seeds or names of the day.
    pub samples: fn() -> Vec<Sample>,
    /// Reads bytes, of any version that was ever written, as the program does.
    /// The value is canonical: the same for equal meanings. The message says
    /// why the bytes can't be read.
    pub decode: fn(&[u8]) -> Result<Value, String>,
}

/// Who writes a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// This release.
    ThisRelease,
    /// Older software alone; this release only reads it. The samples' bytes are
    /// literals.
    OlderSoftware,
}

/// One sample of a format.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name among the format's samples: lower-case letters, digits and `-`.
    pub name: &'static str,
    /// The value's bytes, as they are written today, or why there are none.
    pub bytes: Result<Vec<u8>, String>,
    /// What the bytes mean. Built from the value that was encoded, not by
    /// decoding it.
    pub value: Value,
}

impl Sample {
    /// A sample of these bytes, which mean `value`.
    pub(crate) fn new<E: Display>(
        name: &'static str,
        bytes: Result<impl Into<Vec<u8>>, E>,
        value: Value,
    ) -> Self {
        let bytes = bytes.map(Into::into).map_err(|error| error.to_string());
        Self { name, bytes, value }
    }

    /// A sample whose bytes are a literal, or can always be made.
    pub(crate) fn of(name: &'static str, bytes: impl Into<Vec<u8>>, value: Value) -> Self {
        Self { name, bytes: Ok(bytes.into()), value }
    }
}

/// Every format, in the order of the list that `storeproof formats` prints.
pub fn all() -> impl Iterator<Item = &'static Format> {
    [
        envelope::FORMATS,
        file_backend::FORMATS,
        cursor::FORMATS,
        users::FORMATS,
        api_keys::FORMATS,
        sessions::FORMATS,
        watermark::FORMATS,
        worker_heartbeats::FORMATS,
        webhooks::FORMATS,
        secrets::FORMATS,
        workspace::FORMATS,
        encryption::FORMATS,
        replay::FORMATS,
        report::FORMATS,
        campaign::FORMATS,
        listing::FORMATS,
        directory::FORMATS,
    ]
    .into_iter()
    .flatten()
}

/// The format of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Format> {
    all().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Writer, all, shipped::SHIPPED, snapshot::Snapshot};
    use crate::check::registry::STORES;

    fn is_name(text: &str) -> bool {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !text.is_empty() && text.chars().all(legal)
    }

    #[test]
    fn every_format_and_every_sample_has_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for format in all() {
            assert!(is_name(format.name), "{:?} can't be a folder's name", format.name);
            assert!(names.insert(format.name), "two formats are called {:?}", format.name);
            let samples = (format.samples)();
            assert!(!samples.is_empty(), "{} has no samples", format.name);
            let mut names = BTreeSet::new();
            for sample in samples {
                assert!(is_name(sample.name), "{:?} can't be a file's name", sample.name);
                assert!(names.insert(sample.name), "two samples are called {:?}", sample.name);
            }
        }
    }

    #[test]
    fn what_older_software_wrote_has_version_0() {
        for format in all() {
            assert_eq!(
                format.writer == Writer::OlderSoftware,
                format.version == 0,
                "{}: version 0 is for what we do not write",
                format.name
            );
        }
    }

    #[test]
    fn every_store_has_its_payload_under_review() {
        for store in STORES.iter().map(|store| store.name()) {
            // A collection's payloads are the caller's.
            let name = store.replace('_', "-");
            // Of the workspace's, each kind has its own.
            let is_its = |format: &super::Format| {
                format.name == name || format.name.starts_with(&format!("{name}-"))
            };
            let is_callers = matches!(store, "collection" | "working_sets");
            let known = is_callers || all().any(is_its);
            assert!(known, "the store {store:?} has no format: see formats/users.rs");
        }
    }

    #[test]
    fn samples_are_the_same_every_time() {
        for format in all() {
            for (one, other) in (format.samples)().into_iter().zip((format.samples)()) {
                assert_eq!(one.bytes, other.bytes, "{}/{}", format.name, one.name);
            }
        }
    }

    #[test]
    fn every_shipped_snapshot_can_be_read() {
        for (path, text) in SHIPPED {
            let snapshot = Snapshot::parse(path, text).unwrap();
            assert!(super::named(&snapshot.format).is_some(), "{path} has no format any more");
        }
    }
}
