//! A JSON object as slices of its text: for payloads of which most is only
//! passed on.

use std::borrow::Cow;

use super::{document::Document, instant_text::InstantText};
use crate::seam::{Payload, RawMember, Record, object_members};

/// The members of a record's JSON object, in their order. Nothing is copied.
///
/// Of a repeated name the last one counts, as in [`Document`]; `null` is as
/// good as missing. What is wrong is told by the member's name, without its
/// content.
pub(super) struct RawObject<'a> {
    members: Vec<RawMember<'a>>,
}

impl<'a> RawObject<'a> {
    /// Reads what a record holds, or `None` when that is no JSON object.
    pub(super) fn of(record: &'a Record) -> Option<Self> {
        Some(Self { members: object_members(&record.data)? })
    }

    /// The JSON text of a member.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let last = self.members.iter().rev().find(|(written, _)| is_name(written, name));
        last.map(|(_, value)| *value).filter(|value| *value != "null")
    }

    /// A string.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, String> {
        self.get(name)
            .map(|value| string(value).ok_or_else(|| format!("{name:?} is not a string")))
            .transpose()
    }

    /// A string that must be there and not be empty.
    pub(super) fn not_empty(&self, name: &str) -> Result<Cow<'a, str>, String> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(format!("{name:?} is missing or empty")),
        }
    }

    /// An instant, with its text.
    pub(super) fn instant(&self, name: &str) -> Result<Option<InstantText>, String> {
        let read = |text: Cow<'_, str>| {
            let instant = InstantText::parse(&text);
            instant.ok_or_else(|| format!("{name:?} is not an RFC 3339 instant"))
        };
        self.text(name)?.map(read).transpose()
    }

    /// The object without these members.
    pub(super) fn without(&self, names: &[&str]) -> Document {
        let is_left =
            |(written, _): &&RawMember<'_>| !names.iter().any(|name| is_name(written, name));
        let left: Vec<_> = self.members.iter().filter(is_left).map(written).collect();
        if left.is_empty() {
            return Document::default();
        }
        Document::parse(format!("{{{}}}", left.join(",")).as_bytes()).unwrap_or_default()
    }

    /// The object as a payload, with other values for these members: each in
    /// its place where it is there, else as the last one. The values are JSON.
    pub(super) fn with(&self, changes: &[(&str, String)]) -> Payload {
        let changed_length: usize =
            changes.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let length: usize =
            self.members.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut text = String::with_capacity(length + changed_length + 2);
        text.push('{');
        let mut add = |name: &str, value: &str| {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(name);
            text.push(':');
            text.push_str(value);
        };
        let place_of =
            |wanted: &str| self.members.iter().rposition(|(written, _)| is_name(written, wanted));
        let places: Vec<_> = changes.iter().map(|(name, _)| place_of(name)).collect();
        for (place, (name, value)) in self.members.iter().enumerate() {
            let change = changes.iter().enumerate().find(|(_, (wanted, _))| is_name(name, wanted));
            match change {
                None => add(name, value),
                // Of a repeated name only the one that counts is left.
                Some((number, (_, value))) if places.get(number) == Some(&Some(place)) => {
                    add(name, value);
                }
                Some(_) => {}
            }
        }
        for ((name, value), _) in changes.iter().zip(places).filter(|(_, place)| place.is_none()) {
            add(&quoted(name), value);
        }
        text.push('}');
        Payload::known_json(text.into_bytes())
    }
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn written((name, value): &RawMember<'_>) -> String {
    format!("{name}:{value}")
}

fn is_name(written: &str, name: &str) -> bool {
    string(written).is_some_and(|written| written == name)
}

/// The string that a JSON text is; `None` for any other, and for one that is
/// no text (a lone surrogate).
fn string(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(value).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

#[cfg(test)]
mod tests {
    use super::{RawObject, quoted};
    use crate::seam::{Instant, Payload, Record, RecordId};

    fn record(json: &str) -> Record {
        let id = RecordId::new("a").unwrap();
        Record::json(id, Payload::json(json.as_bytes()).unwrap(), Instant::ZERO)
    }

    #[test]
    fn members_are_changed_in_place_or_added_and_all_else_stays_as_it_is_written() {
        let number = "123456789012345678901234567890";
        let json = format!(" {{ \"a\" : {number} , \"\\ud800\":1,\"b\":[ \"}}\\\"\" ],\"a\":2}} ");
        let record = record(&json);
        let object = RawObject::of(&record).unwrap();
        let text = |changes: &[(&str, String)]| object.with(changes).to_text_lossy().into_owned();
        assert_eq!(
            text(&[]),
            format!("{{\"a\":{number},\"\\ud800\":1,\"b\":[ \"}}\\\"\" ],\"a\":2}}")
        );
        assert_eq!(
            text(&[("a", "3".into()), ("c\"", quoted("\n"))]),
            "{\"\\ud800\":1,\"b\":[ \"}\\\"\" ],\"a\":3,\"c\\\"\":\"\\n\"}"
        );
        assert_eq!(object.get("a"), Some("2"));
        assert_eq!(object.without(&["a", "b"]).to_text(), "{\"\\ud800\":1}");
    }

    #[test]
    fn members_are_read_by_type_and_null_is_as_good_as_missing() {
        let record = record(
            r#"{"n":null,"\u0061":"\u0078","s":"","i":7,"l":"\ud800","t":"2026-01-01T09:00:00+09:00"}"#,
        );
        let object = RawObject::of(&record).unwrap();
        assert_eq!(object.text("n"), Ok(None));
        assert_eq!(object.text("a").unwrap().unwrap(), "x");
        assert_eq!(object.not_empty("s"), Err("\"s\" is missing or empty".to_owned()));
        assert_eq!(object.text("i"), Err("\"i\" is not a string".to_owned()));
        assert!(object.text("l").is_err() && object.instant("a").is_err());
        assert_eq!(object.instant("t").unwrap().unwrap().as_str(), "2026-01-01T09:00:00+09:00");
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for json in ["null", "[]", "\"{}\"", "7"] {
            assert!(RawObject::of(&record(json)).is_none(), "{json}");
        }
        assert!(RawObject::of(&record("{}")).unwrap().get("a").is_none());
    }
}
