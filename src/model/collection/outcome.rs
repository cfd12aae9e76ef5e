//! What calls of a collection return.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::operation::RecordInput;
use crate::{
    model::{failure::StorageFailure, payload::shown, subject::Verdict},
    seam::{Error, ErrorKind, Found, Outcome, Page, Record, RecordId},
};

/// What a call returned, but for the wording of messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionSeen {
    /// It is done; there is nothing to return.
    Done,
    /// There was nothing to do: the call only read.
    Unchanged,
    /// A record.
    Record(#[serde(with = "as_input")] Record),
    /// A page.
    Page {
        /// The good records, in order.
        #[serde(with = "as_inputs")]
        records: Vec<Record>,
        /// The damaged ones, in order.
        damaged: Vec<RecordId>,
        /// Whether there is another page.
        has_next: bool,
    },
    /// What has a key.
    Found {
        /// The good records, in order.
        #[serde(with = "as_inputs")]
        records: Vec<Record>,
        /// The damaged ones, in order.
        damaged: Vec<RecordId>,
    },
    /// A number of records.
    Count(u64),
    /// An error.
    Failed(Failure),
}

/// An error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Its kind.
    pub kind: ErrorKind,
    /// Whether the operation may have happened all the same.
    pub unknown: bool,
    /// Which key was taken.
    pub key: Option<Arc<str>>,
    /// The message, of errors whose kind does not say it all. Not compared.
    pub message: Option<Arc<str>>,
}

/// The names of the outcome classes; those of errors are their kinds'.
pub(super) const CLASSES: &[&str] = &[
    "done",
    "record",
    "page",
    "page_empty",
    "page_with_next",
    "page_with_damage",
    "found",
    "found_nothing",
    "found_with_damage",
    "count",
    "count_zero",
    "not_found",
    "already_exists",
    "conflict",
    "key_taken",
    "invalid_id",
    "invalid_record",
    "invalid_cursor",
    "invalid_argument",
    "invalid_name",
    "corrupt",
    "io",
    "closed",
    "backend",
    "error_of_a_new_kind",
    "unchanged",
];

impl CollectionSeen {
    /// The outcome of a call that returns nothing.
    #[must_use]
    pub fn done(result: Result<(), Error>) -> Self {
        result.map_or_else(|error| Self::failed(&error), |()| Self::Done)
    }

    /// The outcome of a call that returns a record.
    #[must_use]
    pub fn record(result: Result<Record, Error>) -> Self {
        result.map_or_else(|error| Self::failed(&error), Self::Record)
    }

    /// The outcome of a call that counts.
    #[must_use]
    pub fn count(result: Result<u64, Error>) -> Self {
        result.map_or_else(|error| Self::failed(&error), Self::Count)
    }

    /// A page.
    #[must_use]
    pub fn page(page: Page) -> Self {
        Self::Page {
            records: page.records,
            damaged: page.damaged.into_iter().map(|damaged| damaged.id).collect(),
            has_next: page.next_cursor.is_some(),
        }
    }

    /// What was found.
    #[must_use]
    pub fn found(result: Result<Found, Error>) -> Self {
        match result {
            Ok(found) => Self::Found {
                records: found.records,
                damaged: found.damaged.into_iter().map(|damaged| damaged.id).collect(),
            },
            Err(error) => Self::failed(&error),
        }
    }

    /// An error.
    #[must_use]
    pub fn failed(error: &Error) -> Self {
        let key = match error {
            Error::KeyTaken { key, .. } => Some(Arc::clone(key)),
            _ => None,
        };
        let telling = matches!(
            error.kind(),
            ErrorKind::Io | ErrorKind::Closed | ErrorKind::Backend | ErrorKind::Corrupt
        );
        Self::Failed(Failure {
            kind: error.kind(),
            unknown: error.outcome() == Outcome::Unknown,
            key,
            message: telling.then(|| Arc::from(error.to_string())),
        })
    }

    /// An expected refusal.
    #[must_use]
    pub(in crate::model) fn refused(kind: ErrorKind, key: Option<&str>) -> Self {
        Self::Failed(Failure { kind, unknown: false, key: key.map(Arc::from), message: None })
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.unknown, &self.key) == (other.kind, other.unknown, &other.key)
    }
}

impl PartialEq for CollectionSeen {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Done, Self::Done) | (Self::Unchanged, Self::Unchanged) => true,
            (Self::Record(a), Self::Record(b)) => a == b,
            (
                Self::Page { records: a, damaged: b, has_next: c },
                Self::Page { records: x, damaged: y, has_next: z },
            ) => (a, b, c) == (x, y, z),
            (Self::Found { records: a, damaged: b }, Self::Found { records: x, damaged: y }) => {
                (a, b) == (x, y)
            }
            (Self::Count(a), Self::Count(b)) => a == b,
            (Self::Failed(a), Self::Failed(b)) => a == b,
            _ => false,
        }
    }
}

impl Verdict for CollectionSeen {
    fn class(&self) -> usize {
        match self {
            Self::Done => 0,
            Self::Unchanged => 25,
            Self::Record(_) => 1,
            Self::Page { damaged, .. } if !damaged.is_empty() => 5,
            Self::Page { has_next: true, .. } => 4,
            Self::Page { records, .. } if records.is_empty() => 3,
            Self::Page { .. } => 2,
            Self::Found { damaged, .. } if !damaged.is_empty() => 8,
            Self::Found { records, .. } if records.is_empty() => 7,
            Self::Found { .. } => 6,
            Self::Count(0) => 10,
            Self::Count(_) => 9,
            Self::Failed(failure) => match failure.kind {
                ErrorKind::NotFound => 11,
                ErrorKind::AlreadyExists => 12,
                ErrorKind::Conflict => 13,
                ErrorKind::KeyTaken => 14,
                ErrorKind::InvalidId => 15,
                ErrorKind::InvalidRecord => 16,
                ErrorKind::InvalidCursor => 17,
                ErrorKind::InvalidArgument => 18,
                ErrorKind::InvalidName => 19,
                ErrorKind::Corrupt => 20,
                ErrorKind::Io => 21,
                ErrorKind::Closed => 22,
                ErrorKind::Backend => 23,
                #[expect(unreachable_patterns, reason = "the enum may grow")]
                _ => 24,
            },
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self, Self::Unchanged | Self::Failed(Failure { unknown: false, .. }))
    }

    fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(Failure { unknown: true, .. }))
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        match self {
            Self::Failed(Failure { kind: ErrorKind::Io, .. }) => Some(StorageFailure::Io),
            Self::Failed(Failure { kind: ErrorKind::Closed | ErrorKind::Backend, .. }) => {
                Some(StorageFailure::Refused)
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Unchanged => "unchanged".to_owned(),
            Self::Record(record) => record_text(record),
            Self::Page { records, damaged, has_next } => {
                let more = if *has_next { " and more" } else { "" };
                format!("page {}{more}", items_text(records, damaged))
            }
            Self::Found { records, damaged } => format!("found {}", items_text(records, damaged)),
            Self::Count(count) => format!("count {count}"),
            Self::Failed(failure) => {
                let mut text = failure.kind.name().to_owned();
                if let Some(key) = &failure.key {
                    text += &format!(" {key:?}");
                }
                if failure.unknown {
                    text += " (outcome unknown)";
                }
                if let Some(message) = &failure.message {
                    text += &format!(": {message}");
                }
                text
            }
        }
    }

    fn digest(&self, into: &mut impl Hasher) {
        into.write_usize(self.class());
        match self {
            Self::Done | Self::Unchanged => {}
            Self::Record(record) => digest_record(record, into),
            Self::Page { records, damaged, has_next } => {
                digest_items(records, damaged, into);
                has_next.hash(into);
            }
            Self::Found { records, damaged } => digest_items(records, damaged, into),
            Self::Count(count) => into.write_u64(*count),
            Self::Failed(failure) => {
                failure.unknown.hash(into);
                failure.key.hash(into);
            }
        }
    }
}

fn digest_items(records: &[Record], damaged: &[RecordId], into: &mut impl Hasher) {
    into.write_usize(records.len());
    records.iter().for_each(|record| digest_record(record, into));
    damaged.hash(into);
}

fn digest_record(record: &Record, into: &mut impl Hasher) {
    record.id.hash(into);
    record.data.hash(into);
    record.encoding.as_str().hash(into);
    record.created_at.hash(into);
    record.updated_at.hash(into);
    record.expires_at.hash(into);
}

fn items_text(records: &[Record], damaged: &[RecordId]) -> String {
    let damaged = damaged.iter().map(|id| format!("damaged {id:?}"));
    let items: Vec<_> = damaged.chain(records.iter().map(record_text)).collect();
    format!("[{}]", items.join("; "))
}

fn record_text(record: &Record) -> String {
    let mut text = format!(
        "\"{}\" = {} as {} created {} updated {}",
        shown(record.id.as_str().as_bytes()),
        shown(record.data.bytes()),
        record.encoding.as_str(),
        record.created_at,
        record.updated_at
    );
    if let Some(expires_at) = record.expires_at {
        text += &format!(" until {expires_at}");
    }
    text
}

/// A record in the form in which scenarios have it.
mod as_input {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{Record, RecordInput};

    pub(super) fn serialize<S: Serializer>(
        record: &Record,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        RecordInput::of(record).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Record, D::Error> {
        RecordInput::deserialize(deserializer)?.to_record().map_err(D::Error::custom)
    }
}

/// Records in the form in which scenarios have them.
mod as_inputs {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Record, RecordInput};

    pub(super) fn serialize<S: Serializer>(
        records: &[Record],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(records.iter().map(RecordInput::of))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Record>, D::Error> {
        let inputs = Vec::<RecordInput>::deserialize(deserializer)?;
        inputs.iter().map(|input| input.to_record().map_err(D::Error::custom)).collect()
    }
}
