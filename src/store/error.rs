//! How all stores speak of errors.

use serde::{Deserialize, Serialize};

use crate::seam::{self, Record, RecordId, Site, StoredBytes};

/// What kind of error a store returned: the names that the driver protocol
/// uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each stands for the protocol's kind of its name")]
pub enum Kind {
    NotFound,
    AlreadyExists,
    Conflict,
    KeyTaken,
    InvalidId,
    InvalidRecord,
    InvalidCursor,
    InvalidArgument,
    Corrupt,
    Disabled,
    NoValue,
    UnsupportedProvider,
    KeyRequired,
    DecryptFailed,
    Io,
    Internal,
}

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::KeyTaken,
        Self::InvalidId,
        Self::InvalidRecord,
        Self::InvalidCursor,
        Self::InvalidArgument,
        Self::Corrupt,
        Self::Disabled,
        Self::NoValue,
        Self::UnsupportedProvider,
        Self::KeyRequired,
        Self::DecryptFailed,
        Self::Io,
        Self::Internal,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::KeyTaken => "key_taken",
            Self::InvalidId => "invalid_id",
            Self::InvalidRecord => "invalid_record",
            Self::InvalidCursor => "invalid_cursor",
            Self::InvalidArgument => "invalid_argument",
            Self::Corrupt => "corrupt",
            Self::Disabled => "disabled",
            Self::NoValue => "no_value",
            Self::UnsupportedProvider => "unsupported_provider",
            Self::KeyRequired => "key_required",
            Self::DecryptFailed => "decrypt_failed",
            Self::Io => "io",
            Self::Internal => "internal",
        }
    }
}

impl From<&seam::Error> for Kind {
    fn from(error: &seam::Error) -> Self {
        use seam::ErrorKind;
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::AlreadyExists => Self::AlreadyExists,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::KeyTaken => Self::KeyTaken,
            ErrorKind::InvalidId => Self::InvalidId,
            ErrorKind::InvalidRecord => Self::InvalidRecord,
            ErrorKind::InvalidCursor => Self::InvalidCursor,
            ErrorKind::InvalidArgument | ErrorKind::InvalidName => Self::InvalidArgument,
            ErrorKind::Corrupt => Self::Corrupt,
            ErrorKind::Io => Self::Io,
            ErrorKind::Closed | ErrorKind::Backend => Self::Internal,
        }
    }
}

/// A sound record whose payload is not what the store keeps: damage, of which
/// `Corrupt` hands out the bytes as of any other.
pub(crate) fn foreign_payload(
    operation: &'static str,
    collection: &std::sync::Arc<str>,
    record: &Record,
    problem: String,
) -> seam::Error {
    seam::Error::Corrupt {
        site: Site::new(operation, collection, Some(&record.id)),
        location: "its payload".to_owned(),
        problem,
        bytes: StoredBytes::new(record.data.bytes()),
    }
}

/// What a listing could not turn into an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedEntity {
    /// The id of the record.
    pub id: RecordId,
    /// What a look-up of it gives.
    pub kind: Kind,
    /// What is wrong with it, without any of its content.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Kind;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
