//! Values as canonical JSON, for comparison.

use serde_json::{Map, Value, json};

use crate::{
    seam::{Instant, Record},
    store::document::Document,
};

/// An instant as numbers: its text is part of the formats under review.
pub(super) fn instant(at: Instant) -> Value {
    json!({ "seconds": at.seconds(), "nanoseconds": at.nanoseconds() })
}

/// Bytes: text where they are text, else in hexadecimal.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "hex": hex })
        }
    }
}

/// A record.
pub(super) fn record(record: &Record) -> Value {
    json!({
        "id": record.id.as_str(),
        "encoding": record.encoding.as_str(),
        "created_at": instant(record.created_at),
        "updated_at": instant(record.updated_at),
        "expires_at": record.expires_at.map(instant),
        "data": bytes(record.data.bytes()),
    })
}

/// Puts the members of `unknown` into `known`, so that a member means the same
/// to a release that knows it and to one that only keeps it. A number that is
/// too large for its value to be compared is given as its text.
pub(super) fn with_unknown(mut known: Map<String, Value>, unknown: &Document) -> Value {
    for name in unknown.names() {
        if let Some(raw) = unknown.get(name) {
            known.insert(name.to_owned(), any_json(raw.get()));
        }
    }
    known.into()
}

fn any_json(raw: &str) -> Value {
    match serde_json::from_str::<Value>(raw) {
        Ok(value) if value.to_string().len() == raw.len() => value,
        _ => json!({ "raw": raw }),
    }
}

/// What becomes of members that a reader does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// They may be passed over: what is left means the same.
    PassedOver,
    /// To pass them over is to misread.
    Matters,
}

/// A document as a reader understood it: `read` is what it would write, and has
/// defaults, too, which the document need not have.
pub(super) fn as_read(document: &Value, read: &Value, unknown: Unknown) -> Value {
    match (document, read) {
        (Value::Object(members), Value::Object(read)) => {
            let understood = members.iter().filter_map(|(name, member)| {
                let value = match (read.get(name), unknown) {
                    (Some(read), _) => as_read(member, read, unknown),
                    (None, Unknown::PassedOver) => member.clone(),
                    (None, Unknown::Matters) => return None,
                };
                Some((name.clone(), value))
            });
            Value::Object(understood.collect())
        }
        (Value::Array(items), Value::Array(read)) if items.len() == read.len() => {
            items.iter().zip(read).map(|(item, read)| as_read(item, read, unknown)).collect()
        }
        _ => read.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::{Unknown, as_read, bytes, with_unknown};
    use crate::store::document::Document;

    #[test]
    fn a_document_is_as_it_was_read() {
        let document = json!({"a": 1, "new": 2, "list": [{"b": 1, "new": 3}, 4]});
        let read = json!({"a": 1, "default": 0, "list": [{"b": 7}, 4]});
        assert_eq!(
            as_read(&document, &read, Unknown::PassedOver),
            json!({"a": 1, "new": 2, "list": [{"b": 7, "new": 3}, 4]})
        );
        assert_eq!(
            as_read(&document, &read, Unknown::Matters),
            json!({"a": 1, "list": [{"b": 7}, 4]})
        );
        assert_eq!(as_read(&json!([1, 2]), &json!([1]), Unknown::PassedOver), json!([1]));
    }

    #[test]
    fn no_two_values_look_alike() {
        assert_eq!(bytes(b"\xff\x00"), json!({"hex": "ff00"}));
        let unknown = Document::parse(br#"{"big":1e400,"n":7,"s":"7"}"#).unwrap();
        assert_eq!(
            with_unknown(Map::new(), &unknown),
            json!({"big": {"raw": "1e400"}, "n": 7, "s": "7"})
        );
    }
}
