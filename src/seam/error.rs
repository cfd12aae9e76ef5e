//! What can go wrong, and whether it may have happened all the same.

use std::{fmt, io, sync::Arc};

use serde::{Deserialize, Serialize};

use super::record_id::RecordId;

/// A result of the seam.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where an error arose: the operation, the collection, and the record where
/// one was named.
#[derive(Clone, PartialEq, Eq)]
pub struct Site(Box<SiteParts>);

#[derive(Clone, PartialEq, Eq)]
struct SiteParts {
    operation: &'static str,
    collection: Arc<str>,
    id: Option<RecordId>,
}

impl Site {
    /// An operation on a collection, and the record that it is about, if any.
    #[must_use]
    pub fn new(operation: &'static str, collection: &Arc<str>, id: Option<&RecordId>) -> Self {
        Self(Box::new(SiteParts { operation, collection: Arc::clone(collection), id: id.cloned() }))
    }

    /// The name of the operation.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The name of the collection; empty where none was involved yet.
    #[must_use]
    pub fn collection(&self) -> &str {
        &self.0.collection
    }

    /// The id of the record, where one was named.
    #[must_use]
    pub fn id(&self) -> Option<&RecordId> {
        self.0.id.as_ref()
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation())?;
        if !self.collection().is_empty() {
            write!(f, " in collection {:?}", self.collection())?;
        }
        if let Some(id) = self.id() {
            write!(f, " of record {:?}", Shortened(id.as_str()))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A long id is cut in messages; its beginning tells which it is.
struct Shortened<'a>(&'a str);

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(80) {
            None => fmt::Debug::fmt(self.0, f),
            Some((end, _)) => {
                let head = self.0.get(..end).unwrap_or_default();
                write!(f, "{head:?}… ({} bytes)", self.0.len())
            }
        }
    }
}

/// The stored bytes of a damaged record: handed out by `Corrupt`, so that they
/// can be quarantined, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredBytes(Arc<[u8]>);

impl StoredBytes {
    /// Takes the bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Hands them out.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for StoredBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredBytes({} bytes)", self.0.len())
    }
}

/// Whether an operation that failed may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It surely did not, and will not.
    NotDone,
    /// It may have happened wholly, or not at all. Over a network it may still happen,
    /// until [`Collection::settle`](super::Collection::settle) has ended.
    Unknown,
}

/// What went wrong, and where.
///
/// Messages name the operation, the collection and the record, and never any
/// data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such record.
    #[error("{0}: no such record")]
    NotFound(Site),
    /// There is one already, where there must be none.
    #[error("{0}: the record exists already; use put to replace it")]
    AlreadyExists(Site),
    /// The stored data are not the expected ones.
    #[error("{0}: the stored data are not the expected ones; read the record again")]
    Conflict(Site),
    /// A unique key has another owner.
    #[error("{site}: the unique key {key:?} is held by another record")]
    KeyTaken {
        /// Where.
        site: Site,
        /// The first such key in the spec's order.
        key: Arc<str>,
    },
    /// The text can't be an id.
    #[error("{text:?} can't be a record id: {problem}")]
    InvalidId {
        /// The text, cut where it is long.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The record breaks a rule of records.
    #[error("{site}: invalid record: {problem}")]
    InvalidRecord {
        /// Where.
        site: Site,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The text is not a cursor of ours.
    #[error("{0}: the cursor is not one that a page returned; start without one")]
    InvalidCursor(Site),
    /// An argument breaks its rules.
    #[error("{site}: {problem}")]
    InvalidArgument {
        /// Where.
        site: Site,
        /// Which argument, and what is wrong with it.
        problem: String,
    },
    /// The text can't be a collection's name.
    #[error("{name:?} can't name a collection: 1 to 64 of A-Z a-z 0-9 - _ are expected")]
    InvalidName {
        /// The text, cut where it is long.
        name: String,
    },
    /// What is stored can't be read as a record.
    #[error("{site}: the stored record at {location} is damaged: {problem}")]
    Corrupt {
        /// Where.
        site: Site,
        /// Where it lies: a path below the collection, or a row.
        location: String,
        /// What is wrong with it, without its content.
        problem: String,
        /// Its bytes.
        bytes: StoredBytes,
    },
    /// The storage failed.
    #[error("{site}: {doing}: {source}")]
    Io {
        /// Where.
        site: Site,
        /// The step that failed, and on what.
        doing: String,
        /// Whether the operation may have happened.
        outcome: Outcome,
        /// The system's own error.
        source: io::Error,
    },
    /// The handle takes no more writes.
    #[error("{site}: the handle is closed: {problem}; open the collection again")]
    Closed {
        /// Where.
        site: Site,
        /// Why.
        problem: String,
    },
    /// The backend failed in a way of its own.
    #[error("{site}: {problem}")]
    Backend {
        /// Where.
        site: Site,
        /// What happened.
        problem: String,
        /// Whether the operation may have happened.
        outcome: Outcome,
    },
}

/// The kinds of [`Error`], for those who only tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each stands for the variant of Error of its name")]
pub enum ErrorKind {
    NotFound,
    AlreadyExists,
    Conflict,
    KeyTaken,
    InvalidId,
    InvalidRecord,
    InvalidCursor,
    InvalidArgument,
    InvalidName,
    Corrupt,
    Io,
    Closed,
    Backend,
}

impl ErrorKind {
    /// Its name, in snake case.
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
            Self::InvalidName => "invalid_name",
            Self::Corrupt => "corrupt",
            Self::Io => "io",
            Self::Closed => "closed",
            Self::Backend => "backend",
        }
    }
}

impl Error {
    /// `text` can't be an id.
    #[must_use]
    pub fn invalid_id(text: &str, problem: &'static str) -> Self {
        Self::InvalidId { text: text.chars().take(80).collect(), problem }
    }

    /// The record's data are not what its encoding says.
    pub(crate) fn invalid_record(id: &RecordId) -> Self {
        let site = Site::new("validate", &Arc::from(""), Some(id));
        Self::InvalidRecord {
            site,
            problem: "the encoding is json, but the data are not one JSON text",
        }
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::AlreadyExists(_) => ErrorKind::AlreadyExists,
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::KeyTaken { .. } => ErrorKind::KeyTaken,
            Self::InvalidId { .. } => ErrorKind::InvalidId,
            Self::InvalidRecord { .. } => ErrorKind::InvalidRecord,
            Self::InvalidCursor(_) => ErrorKind::InvalidCursor,
            Self::InvalidArgument { .. } => ErrorKind::InvalidArgument,
            Self::InvalidName { .. } => ErrorKind::InvalidName,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Io { .. } => ErrorKind::Io,
            Self::Closed { .. } => ErrorKind::Closed,
            Self::Backend { .. } => ErrorKind::Backend,
        }
    }

    /// Whether the operation may have happened all the same.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Io { outcome, .. } | Self::Backend { outcome, .. } => *outcome,
            _ => Outcome::NotDone,
        }
    }

    /// Where it arose, for the errors that have a place.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        match self {
            Self::NotFound(site)
            | Self::AlreadyExists(site)
            | Self::Conflict(site)
            | Self::InvalidCursor(site)
            | Self::KeyTaken { site, .. }
            | Self::InvalidRecord { site, .. }
            | Self::InvalidArgument { site, .. }
            | Self::Corrupt { site, .. }
            | Self::Io { site, .. }
            | Self::Closed { site, .. }
            | Self::Backend { site, .. } => Some(site),
            Self::InvalidId { .. } | Self::InvalidName { .. } => None,
        }
    }

    /// This error, said of the operation that the caller knows instead of the
    /// one below it.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        match &mut self {
            Self::NotFound(site)
            | Self::AlreadyExists(site)
            | Self::Conflict(site)
            | Self::InvalidCursor(site)
            | Self::KeyTaken { site, .. }
            | Self::InvalidRecord { site, .. }
            | Self::InvalidArgument { site, .. }
            | Self::Corrupt { site, .. }
            | Self::Io { site, .. }
            | Self::Closed { site, .. }
            | Self::Backend { site, .. } => site.0.operation = operation,
            Self::InvalidId { .. } | Self::InvalidName { .. } => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Error, Outcome, Site, StoredBytes};

    /// One of every kind that has a place.
    fn of_every_kind() -> Vec<Error> {
        let site = || Site::new("get", &"things".into(), None);
        let problem = || "a problem".to_owned();
        let outcome = Outcome::Unknown;
        vec![
            Error::NotFound(site()),
            Error::AlreadyExists(site()),
            Error::Conflict(site()),
            Error::InvalidCursor(site()),
            Error::KeyTaken { site: site(), key: problem().into() },
            Error::InvalidRecord { site: site(), problem: "a problem" },
            Error::InvalidArgument { site: site(), problem: problem() },
            Error::Corrupt {
                site: site(),
                location: problem(),
                problem: problem(),
                bytes: StoredBytes::new(&b"a secret"[..]),
            },
            Error::Io { site: site(), doing: problem(), outcome, source: io::Error::other("io") },
            Error::Closed { site: site(), problem: problem() },
            Error::Backend { site: site(), problem: problem(), outcome },
        ]
    }

    #[test]
    fn every_error_of_an_operation_names_it_and_its_collection() {
        for error in of_every_kind() {
            let kind = error.kind();
            let error = error.during("put");
            assert_eq!(error.kind(), kind);
            assert_eq!(error.site(), Some(&Site::new("put", &"things".into(), None)), "{error}");
            let text = error.to_string();
            assert!(text.contains("put") && text.contains("things"), "{kind:?}: {text}");
        }
    }

    #[test]
    fn an_illegal_name_or_id_belongs_to_no_operation() {
        let id = Error::invalid_id("", "it is empty");
        let name = Error::InvalidName { name: "a/b".to_owned() };
        for error in [id, name] {
            let text = error.to_string();
            let error = error.during("put");
            assert_eq!((error.site(), error.to_string()), (None, text));
        }
    }

    #[test]
    fn an_error_shows_nothing_of_what_is_stored() {
        for error in of_every_kind() {
            let texts = [error.to_string(), format!("{error:?}")];
            assert!(texts.iter().all(|text| !text.contains("secret")), "{texts:?}");
        }
    }
}
