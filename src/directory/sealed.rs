//! JSON texts that hold secret values in plain: overwritten when dropped, and
//! made in one piece, because growing would leave copies behind.

use zeroize::Zeroizing;

use crate::store::encryption::EncryptionKey;

/// A text that may hold secret values.
pub(crate) type SealedText = Zeroizing<String>;

/// The parts, one after the other.
pub(super) fn joined(parts: &[&str]) -> SealedText {
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| text.push_str(part));
    text
}

/// A JSON object's text with a further member at its end; `value` is JSON.
pub(super) fn with_member(object: &str, name: &str, value: &str) -> SealedText {
    let before = object.strip_suffix('}').unwrap_or(object);
    let comma = if before.ends_with('{') { "" } else { "," };
    joined(&[before, comma, "\"", name, "\":", value, "}"])
}

/// What is exported of a stored value: its plain text as JSON, or null where it
/// can't be told; and whether `key` should have opened it and did not.
pub(super) fn opened(stored: &str, key: Option<&EncryptionKey>) -> (SealedText, bool) {
    let plain = key.map(|key| key.decrypt(stored));
    match plain {
        Some(Ok(plain)) => (quoted(plain.expose()), false),
        Some(Err(_)) => (joined(&["null"]), true),
        None => (joined(&["null"]), false),
    }
}

/// A text as a JSON string.
fn quoted(text: &str) -> SealedText {
    // No character takes more than `\u0000` of its byte.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(6) + 2));
    // Writing to a vector does not fail.
    let _ = serde_json::to_writer(&mut *bytes, text);
    joined(&[&String::from_utf8_lossy(&bytes)])
}

#[cfg(test)]
mod tests {
    use super::{quoted, with_member};

    #[test]
    fn a_member_is_added_to_any_object() {
        assert_eq!(*with_member("{}", "a", "1"), r#"{"a":1}"#);
        assert_eq!(*with_member(r#"{"b":{}}"#, "a", "null"), r#"{"b":{},"a":null}"#);
    }

    #[test]
    fn any_text_is_quoted_within_the_room_for_it() {
        let strange = "\0\u{1f}\"\\é\u{2028}🙂\n";
        let text = quoted(strange);
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), strange);
    }
}
