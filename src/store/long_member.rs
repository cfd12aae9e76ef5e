//! Payloads with one long member, which is passed on without being read: a
//! session may have thousands of messages.

use std::ops::Range;

use serde_json::value::RawValue;

use super::document::Document;
use crate::seam::{Payload, object_members};

/// A payload's JSON object, and apart from it one long member, of which nothing
/// but where it ends is looked for.
pub(super) struct LongMember {
    /// The object, with `null` in the place of the long member.
    document: Document,
    payload: Payload,
    name: &'static str,
    /// Where the long member is; none: it is missing or `null`.
    place: Option<Range<usize>>,
}

impl LongMember {
    /// Takes a payload apart, or `None` when it is no JSON object. Of a
    /// repeated name the last one counts, as in [`Document`].
    pub(super) fn of(payload: &Payload, name: &'static str) -> Option<Self> {
        let (mut short, mut place) = (String::from("{"), None);
        for (written, value) in object_members(payload)? {
            if short.len() > 1 {
                short.push(',');
            }
            short.push_str(written);
            short.push(':');
            if is_name(written, name) {
                let start = value.as_ptr().addr() - payload.bytes().as_ptr().addr();
                place = (value != "null").then(|| start..start + value.len());
                short.push_str("null");
            } else {
                short.push_str(value);
            }
        }
        short.push('}');
        let document = Document::parse(short.as_bytes())?;
        Some(Self { document, payload: payload.clone(), name, place })
    }

    /// The object without the long member.
    pub(super) fn document(&self) -> &Document {
        &self.document
    }

    /// The JSON text of the long member; `null` is as good as missing.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.payload.bytes().get(self.place.clone()?)?).ok()
    }

    /// The payload with another object around the long member.
    pub(super) fn within(&self, document: &Document) -> Payload {
        match self.text() {
            Some(text) => document.to_payload_with(self.name, &[text]),
            None => document.to_payload(),
        }
    }
}

fn is_name(written: &str, name: &str) -> bool {
    match written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => inner == name,
        _ => serde_json::from_str::<String>(written).is_ok_and(|written| written == name),
    }
}

impl Document {
    /// The document as a payload, with `parts`, which are together one JSON
    /// text, as the value of a member: in its place where it is there, else as
    /// the last one.
    pub(super) fn to_payload_with(&self, name: &str, parts: &[&str]) -> Payload {
        let mut short = self.clone();
        short.set(name, RawValue::NULL.to_owned());
        let mut text =
            String::with_capacity(1_024 + parts.iter().map(|part| part.len()).sum::<usize>());
        short.write_to_text(&mut text, |member| (member == name).then_some(parts));
        Payload::known_json(text.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::LongMember;
    use crate::{seam::Payload, store::document::Document};

    fn long(json: &str) -> LongMember {
        LongMember::of(&Payload::new(json.as_bytes()), "m").expect("an object")
    }

    #[test]
    fn all_but_the_long_member_is_read_and_that_one_passed_on() {
        let json =
            r#" { "a" : 123456789012345678901234567890 , "m" : [ "]\"}", 1e400 ],"\ud800":1} "#;
        let taken = long(json);
        assert_eq!(taken.text(), Some(r#"[ "]\"}", 1e400 ]"#));
        let mut document = taken.document().clone();
        assert_eq!(document.value::<String>("m"), Ok(None));
        document.set_text("b", "x");
        assert_eq!(
            taken.within(&document).to_text_lossy(),
            r#"{"a":123456789012345678901234567890,"m":[ "]\"}", 1e400 ],"\ud800":1,"b":"x"}"#
        );
    }

    #[test]
    fn a_long_member_may_be_missing_null_or_there_twice() {
        for (json, text, within) in [
            ("{}", None, "{}"),
            (r#"{"m":null}"#, None, r#"{"m":null}"#),
            (r#"{"m":[1],"m":null}"#, None, r#"{"m":null,"m":null}"#),
            (r#"{"m":[1],"a":2,"\u006d":[3]}"#, Some("[3]"), r#"{"a":2,"\u006d":[3]}"#),
        ] {
            let taken = long(json);
            assert_eq!(taken.text(), text, "{json}");
            assert_eq!(taken.within(taken.document()).to_text_lossy(), within, "{json}");
        }
        for json in ["null", "[]", "\"{}\"", "7", ""] {
            assert!(LongMember::of(&Payload::new(json.as_bytes()), "m").is_none(), "{json}");
        }
    }

    #[test]
    fn a_new_long_member_is_the_last() {
        let document = Document::parse(br#"{"a":1}"#).unwrap();
        let payload = document.to_payload_with("m", &["[", "1", "]"]);
        assert_eq!(payload.to_text_lossy(), r#"{"a":1,"m":[1]}"#);
        assert!(payload.is_json());
    }
}
