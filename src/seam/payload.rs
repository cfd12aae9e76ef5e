//! The content of a record.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::de::IgnoredAny;

/// The bytes of a record, opaque: what is put is what is read.
///
/// Cheap to clone and immutable, so that no caller holds a live reference into
/// a store. A payload that was checked to be JSON once remembers it, and is
/// not checked again. Equality, order and hash are those of the bytes. `Debug`
/// shows only the length: a payload may be a secret.
#[derive(Clone)]
pub struct Payload {
    bytes: Arc<[u8]>,
    known_json: bool,
}

impl Payload {
    /// Any bytes at all.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { bytes: bytes.into(), known_json: false }
    }

    /// Bytes that must be one JSON text (RFC 8259), or `None`.
    #[must_use]
    pub fn json(bytes: impl Into<Arc<[u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        is_json(&bytes).then_some(Self { bytes, known_json: true })
    }

    /// Bytes that the caller has just read as one JSON text (RFC 8259), as
    /// valid UTF-8: [`Self::json`] without looking again.
    pub(crate) fn known_json(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { bytes: bytes.into(), known_json: true }
    }

    /// This payload with the knowledge whether it is JSON, or `None` when it
    /// is not.
    #[must_use]
    pub fn checked_json(self) -> Option<Self> {
        if self.known_json { Some(self) } else { Self::json(self.bytes) }
    }

    /// Whether the bytes are one JSON text (RFC 8259): any depth, any size of
    /// number, lone surrogate escapes and repeated names included; no byte
    /// order mark.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.known_json || is_json(&self.bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes as text, for messages and reports that may show them.
    #[must_use]
    pub fn to_text_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// `IgnoredAny` is skipped without recursion and without looking at numbers'
/// size or escapes' meaning, but also without checking UTF-8: hence `from_utf8`.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes) || self.bytes == other.bytes
    }
}

impl Eq for Payload {}

impl PartialOrd for Payload {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Payload {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl std::hash::Hash for Payload {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Payload;

    #[test]
    fn json_is_exactly_rfc_8259() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for text in [
            "null",
            " {} ",
            "1e400",
            "123456789012345678901234567890",
            r#""\ud800""#,
            r#"{"a":1,"a":2}"#,
            "\"\u{2028}\"",
            "-0",
            &deep,
        ] {
            assert!(Payload::new(text.as_bytes()).is_json(), "{:.40} is JSON", text);
        }
        for bytes in [
            &b""[..],
            b" ",
            b"\xef\xbb\xbf{}",
            b"{} {}",
            b"nul",
            b"\"\x01\"",
            b"\"\xff\"",
            b"01",
            b"[1,]",
            b"{\"a\"}",
            b"'a'",
            b"1.",
            b"\"\\x\"",
            b"NaN",
            b"\xff",
            b"[\x0b1]",
        ] {
            assert!(!Payload::new(bytes).is_json(), "{bytes:?} is not JSON");
        }
    }

    #[test]
    fn the_order_is_that_of_the_bytes_whatever_they_are() {
        let json = Payload::json(&b"1"[..]).unwrap();
        let same = Payload::new(&b"1"[..]);
        assert_eq!(json.cmp(&same), std::cmp::Ordering::Equal);
        assert!(json < Payload::new(&b"1 "[..]) && json > Payload::new(&b"\"1\""[..]));
    }

    #[test]
    fn debug_does_not_show_the_content() {
        assert_eq!(format!("{:?}", Payload::new(&b"hunter2"[..])), "Payload(7 bytes)");
    }
}
