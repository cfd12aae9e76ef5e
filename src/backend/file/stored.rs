//! What a record's file says, given where it lies.
//!
//! The path alone does not tell the id: a file with `version` lies at its id's
//! canonical place, one without at its raw id. This is where the two rules
//! meet, so that a file is never silently another record.

use crate::{
    fs::FileTime,
    seam::{Encoding, Instant, LegacySpec, Payload, Record, RecordId, strings_at},
};

use super::{
    envelope::{self, Decoded},
    path::{PathId, RecordPath},
};

/// Which generation of software wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One that writes `version`: the name is the id's canonical place.
    Versioned,
    /// An older one: a flat payload, or an envelope without `version`. The
    /// name is the raw id.
    Unversioned,
}

/// Why a file can't be read as a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong with it, without its content.
    pub problem: String,
    /// Whether a newer release wrote it: such a file is never written over or
    /// removed, but by an explicit quarantine.
    pub newer: bool,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which record it is. For a damaged file: which one it is named by.
    pub id: RecordId,
    /// Which rule gave the id: [`RecordPath::of`] or [`RecordPath::raw`]. Of a
    /// damaged file it is not always known who wrote it; then this says only
    /// by which of the two it is named.
    pub form: Form,
    /// What it holds.
    pub content: Result<Record, Damage>,
}

impl Stored {
    /// Whether the file at `path` is what stands for the record `id`, good or
    /// damaged.
    ///
    /// That is so when it has that id. It is also so when it is damaged and
    /// lies at the canonical place of `id` under a hashed name, which does not
    /// tell whose it is: then it is taken for the record that belongs there.
    #[must_use]
    pub fn stands_for(&self, path: &RecordPath, id: &RecordId) -> bool {
        self.id == *id || self.blocks(path, id)
    }

    /// Whether this damaged file at `path` blocks the record `id`, whose
    /// canonical place that is: its bytes must be set aside before `id` is
    /// written there, and until then `id` is `Corrupt`.
    ///
    /// Hashed names need this, as their id can't be read from a damaged file.
    #[must_use]
    pub fn blocks(&self, path: &RecordPath, id: &RecordId) -> bool {
        self.content.is_err()
            && RecordPath::of(id) == *path
            && (self.id == *id || path.id() == PathId::Hashed)
    }
}

/// Which record the file at `path` with these bytes is, and what it holds.
///
/// `modified` is the file's time of modification, which stands for the times
/// that a flat payload does not have; outside the years 0000 to 9999 it counts
/// as the nearest instant within. `legacy` is what the collection's spec tells
/// of files without an envelope. Never panics, whatever the bytes.
///
/// - A versioned envelope must have the id whose canonical place `path` is.
/// - A file without `version` has the raw id. An envelope among them must say
///   so, or both ids must be right for its payload by `legacy.id`. A flat
///   payload must be right under it, where `legacy.id` says what is right.
/// - A file that can't be read is named by the id whose canonical place it is,
///   else by its raw id.
#[must_use]
pub fn read_stored(
    path: &RecordPath,
    bytes: &[u8],
    modified: FileTime,
    legacy: &LegacySpec,
) -> Stored {
    match envelope::decode(bytes) {
        Decoded::Versioned(record) if RecordPath::of(&record.id) == *path => {
            Stored { id: record.id.clone(), form: Form::Versioned, content: Ok(record) }
        }
        Decoded::Versioned(_) => damaged(
            path,
            None,
            Damage::plain("the envelope's id is not the one its path stands for"),
        ),
        Decoded::Damaged { id, damage } => damaged(path, id, damage),
        Decoded::Unversioned(record) => read_unversioned(path, |id| {
            if record.id != *id && !both_right(legacy, &record, id) {
                return Err(Damage::plain("the envelope's id is not the one its file is named by"));
            }
            Ok(Record { id: id.clone(), ..record })
        }),
        Decoded::Document(data) => {
            read_unversioned(path, |id| read_flat(id, data, modified, legacy))
        }
    }
}

fn read_unversioned(
    path: &RecordPath,
    read: impl FnOnce(&RecordId) -> Result<Record, Damage>,
) -> Stored {
    let Some(id) = path.raw_id() else {
        let problem = "its name is too long to be an id, and no version says how to decode it";
        return damaged(path, None, Damage::plain(problem));
    };
    let content = read(&id);
    Stored { id, form: Form::Unversioned, content }
}

/// Whether the payload of an envelope without version may lie under both ids:
/// the generation between left records under either of their right names.
fn both_right(legacy: &LegacySpec, record: &Record, raw_id: &RecordId) -> bool {
    legacy.id.is_some_and(|rule| {
        let right = (rule.ids_of)(&record.data);
        [&record.id, raw_id].iter().all(|id| right.iter().any(|text| text == id.as_str()))
    })
}

fn read_flat(
    id: &RecordId,
    data: Payload,
    modified: FileTime,
    legacy: &LegacySpec,
) -> Result<Record, Damage> {
    if let Some(rule) = legacy.id
        && !(rule.ids_of)(&data).iter().any(|text| text == id.as_str())
    {
        let problem = format!("the file's name is not the payload's own id ({})", rule.description);
        return Err(Damage { problem, newer: false });
    }
    let modified = clamped(modified);
    let at = |pointer: Option<&str>| {
        let text = strings_at(data.bytes(), &[pointer?]).pop()??;
        Instant::parse(&text)
    };
    let created_at = at(legacy.created_at).unwrap_or(modified);
    let updated_at = at(legacy.updated_at).unwrap_or(modified);
    Ok(Record {
        id: id.clone(),
        data,
        encoding: Encoding::JSON,
        created_at,
        updated_at,
        expires_at: None,
    })
}

/// A damaged file, with the id that its envelope tells, if it tells one.
fn damaged(path: &RecordPath, told: Option<RecordId>, damage: Damage) -> Stored {
    let canonical = match path.id() {
        PathId::Id(id) => Some(id),
        PathId::Hashed => told.filter(|id| RecordPath::of(id) == *path),
        PathId::Foreign => None,
    };
    let (id, form) = match canonical {
        Some(id) => (id, Form::Versioned),
        None => (path.raw_id().unwrap_or_else(|| path.stand_in_id()), Form::Unversioned),
    };
    Stored { id, form, content: Err(damage) }
}

fn clamped(time: FileTime) -> Instant {
    let limit = if time.seconds < 0 { Instant::MIN } else { Instant::MAX };
    Instant::new(time.seconds, time.nanoseconds.min(999_999_999)).unwrap_or(limit)
}

impl Damage {
    /// Damage that is not a newer release's work.
    pub(super) fn plain(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), newer: false }
    }
}
