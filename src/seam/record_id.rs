//! The names of records.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Error;

/// The name of a record within its collection.
///
/// A non-empty UTF-8 string without NUL of at most 1 024 bytes; `/` separates
/// levels. Two ids are the same only when their bytes are: nothing is folded,
/// normalised or cleaned (`b` is not `a/../b`, `x` is not `x/`). Ordered by
/// bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(Arc<str>);

impl RecordId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 1_024;

    /// Checks `text`.
    ///
    /// # Errors
    /// [`Error::InvalidId`] when it is empty, too long, or contains NUL.
    pub fn new(text: impl Into<Arc<str>>) -> Result<Self, Error> {
        let text = text.into();
        match Self::problem(&text) {
            None => Ok(Self(text)),
            Some(problem) => Err(Error::invalid_id(&text, problem)),
        }
    }

    /// What makes `text` unfit to be an id, if anything does.
    #[must_use]
    pub fn problem(text: &str) -> Option<&'static str> {
        if text.is_empty() {
            Some("it is empty")
        } else if text.len() > Self::MAX_BYTES {
            Some("it is longer than 1024 bytes")
        } else if text.as_bytes().contains(&0) {
            Some("it contains NUL")
        } else {
            None
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The levels of the id, which `/` separates; there is at least one.
    pub fn levels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::borrow::Borrow<str> for RecordId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::RecordId;

    #[test]
    fn only_empty_overlong_and_nul_are_refused() {
        for text in ["", "\0", "a\0b", &"x".repeat(1_025)] {
            assert!(RecordId::new(text).is_err(), "{text:?} was taken");
        }
        for text in ["/", "..", "a//b", "\u{2028}", " ", &"x".repeat(1_024), "\u{1}"] {
            assert!(RecordId::new(text).is_ok(), "{text:?} was refused");
        }
    }
}
