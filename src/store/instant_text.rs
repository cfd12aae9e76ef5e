//! An instant that keeps the text it was written in.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::seam::Instant;

/// An RFC 3339 date-time: the instant, and the very text, offset and digits
/// included. Compared as instants.
#[derive(Clone)]
pub struct InstantText {
    instant: Instant,
    text: Arc<str>,
}

impl InstantText {
    /// Reads a text, or `None` when it is not RFC 3339 in the years 0000 to
    /// 9999 UTC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { instant: Instant::parse(text)?, text: Arc::from(text) })
    }

    /// The instant.
    #[must_use]
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// In UTC, with no more fraction digits than needed.
impl From<Instant> for InstantText {
    fn from(instant: Instant) -> Self {
        Self { instant, text: Arc::from(instant.to_string()) }
    }
}

impl PartialEq for InstantText {
    fn eq(&self, other: &Self) -> bool {
        self.instant == other.instant
    }
}

impl Eq for InstantText {}

impl Hash for InstantText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.instant.hash(state);
    }
}

impl PartialOrd for InstantText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InstantText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.instant.cmp(&other.instant)
    }
}

impl fmt::Display for InstantText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for InstantText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for InstantText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for InstantText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "{text:?} is not an RFC 3339 instant in the years 0000 to 9999"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::InstantText;

    #[test]
    fn the_text_is_kept_and_the_instant_compared() {
        let here = InstantText::parse("2026-01-01T09:00:00.500+09:00").unwrap();
        let there = InstantText::parse("2026-01-01T00:00:00.5Z").unwrap();
        assert_eq!(here, there);
        assert_eq!(here.as_str(), "2026-01-01T09:00:00.500+09:00");
        assert_eq!(format!("{here} {here:?}"), format!("{0} {0}", here.as_str()));
        assert_eq!(InstantText::from(here.instant()).as_str(), there.as_str());
        assert!(InstantText::parse("today").is_none());
        let error = serde_json::from_str::<InstantText>("\"today\"").unwrap_err();
        assert!(error.to_string().contains("\"today\" is not an RFC 3339 instant"), "{error}");
    }
}
