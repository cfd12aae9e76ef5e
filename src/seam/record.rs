//! The unit of storage.

use std::{borrow::Cow, fmt};

use super::{error::Error, instant::Instant, payload::Payload, record_id::RecordId};

/// How a record's data is encoded. Any string is legal, the empty one
/// included; only [`Encoding::JSON`] is looked into.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encoding(Cow<'static, str>);

impl Encoding {
    /// One JSON text (RFC 8259).
    pub const JSON: Self = Self(Cow::Borrowed("json"));
    /// A protocol buffers message.
    pub const PROTO3: Self = Self(Cow::Borrowed("proto3"));

    /// The encoding of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        match name {
            "json" => Self::JSON,
            "proto3" => Self::PROTO3,
            other => Self(Cow::Owned(other.to_owned())),
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// One record of a collection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// Its content.
    pub data: Payload,
    /// What `data` is.
    pub encoding: Encoding,
    /// When it was created; replacement keeps it.
    pub created_at: Instant,
    /// When it was last changed; never goes back.
    pub updated_at: Instant,
    /// From this instant on the record is absent.
    pub expires_at: Option<Instant>,
}

impl Record {
    /// A JSON record that was created at `at` and does not expire.
    #[must_use]
    pub fn json(id: RecordId, data: Payload, at: Instant) -> Self {
        Self {
            id,
            data,
            encoding: Encoding::JSON,
            created_at: at,
            updated_at: at,
            expires_at: None,
        }
    }

    /// Whether the record is absent to every operation that reads `now`.
    #[must_use]
    pub fn is_expired(&self, now: Instant) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// Whether `data` is what `encoding` says.
    ///
    /// # Errors
    /// [`Error::InvalidRecord`] when the encoding is `json` and the data is
    /// not one JSON text.
    pub fn validate(&self) -> Result<(), Error> {
        if self.encoding == Encoding::JSON && !self.data.is_json() {
            return Err(Error::invalid_record(&self.id));
        }
        Ok(())
    }
}
