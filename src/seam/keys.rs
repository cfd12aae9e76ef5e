//! Secondary keys, declared as data.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, de::Visitor};

use super::payload::{Payload, is_json};

/// A secondary key of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Its name.
    pub name: Arc<str>,
    /// Whether one value has one owner.
    pub unique: bool,
    /// What its value is made of; at least one.
    pub parts: Arc<[KeyPart]>,
}

/// One part of a key's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// Where it stands in the payload: a JSON pointer (RFC 6901).
    pub pointer: Arc<str>,
    /// What stands for a part that is missing, empty or not a string; none:
    /// the record then has no such key.
    pub default: Option<Arc<str>>,
}

/// The value of a key: its parts, none of them empty. Cheap to clone.
///
/// One text: each part after its length in bytes and a colon, so that no two
/// lists of parts give the same text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyValue(Arc<str>);

impl KeyValue {
    /// The value of these parts, or `None` if one is empty: nothing has it.
    #[must_use]
    pub fn new(parts: &[&str]) -> Option<Self> {
        let mut text = String::new();
        for part in parts {
            push_part(&mut text, part)?;
        }
        Some(Self(text.into()))
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_once(':')?;
            let part;
            (part, rest) = tail.split_at_checked(length.parse().ok()?)?;
            Some(part)
        })
    }
}

fn push_part(text: &mut String, part: &str) -> Option<()> {
    if part.is_empty() {
        return None;
    }
    // Most are short: their length needs no formatter.
    match u8::try_from(part.len()) {
        Ok(length @ 0..10) => text.push(char::from(b'0' + length)),
        _ => text.push_str(&part.len().to_string()),
    }
    text.push(':');
    text.push_str(part);
    Some(())
}

impl KeySpec {
    /// A key of which one value has one owner.
    #[must_use]
    pub fn unique(name: &str, pointers: &[&str]) -> Self {
        Self::new(name, true, pointers)
    }

    /// A key that many records may share.
    #[must_use]
    pub fn shared(name: &str, pointers: &[&str]) -> Self {
        Self::new(name, false, pointers)
    }

    fn new(name: &str, unique: bool, pointers: &[&str]) -> Self {
        let part = |pointer: &&str| KeyPart { pointer: Arc::from(*pointer), default: None };
        Self { name: Arc::from(name), unique, parts: pointers.iter().map(part).collect() }
    }

    /// This key with a default for its part number `place` (from 0).
    #[must_use]
    pub fn with_default(mut self, place: usize, default: &str) -> Self {
        let with = |(at, part): (usize, &KeyPart)| {
            let mut part = part.clone();
            if at == place {
                part.default = Some(Arc::from(default));
            }
            part
        };
        self.parts = self.parts.iter().enumerate().map(with).collect();
        self
    }

    /// What makes the declaration unfit, if anything does.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.name.is_empty() {
            return Some("its name is empty".into());
        }
        if self.parts.is_empty() {
            return Some("it has no parts".into());
        }
        let bad = self.parts.iter().find(|part| !is_pointer(&part.pointer))?;
        Some(format!("{:?} is not a JSON pointer", bad.pointer))
    }

    /// The value that a payload gives this key. Payloads that are not JSON have
    /// no keys; of a repeated JSON name the last counts.
    #[must_use]
    pub fn value_in(&self, payload: &Payload) -> Option<KeyValue> {
        let text = json_text(payload.bytes(), payload.is_known_json())?;
        let mut value = String::with_capacity(32);
        for part in &*self.parts {
            let found = find(text, &part.pointer).and_then(string);
            let found = found.filter(|text| !text.is_empty());
            push_part(&mut value, found.as_deref().or(part.default.as_deref())?)?;
        }
        Some(KeyValue(value.into()))
    }
}

fn is_pointer(text: &str) -> bool {
    let escapes_end = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_end
}

/// The strings at these pointers: `None` where there is none, or something
/// else than a string. Invalid JSON has none.
pub(crate) fn strings_at(json: &[u8], pointers: &[&str]) -> Vec<Option<String>> {
    let text = json_text(json, false);
    let string_at = |pointer: &&str| Some(string(find(text?, pointer)?)?.into_owned());
    pointers.iter().map(string_at).collect()
}

/// The bytes as text, if they are JSON; looks only where that is not known.
fn json_text(bytes: &[u8], known_json: bool) -> Option<&str> {
    if !known_json && !is_json(bytes) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

/// The value at a pointer in a text that is JSON; of a repeated name the last
/// counts.
fn find<'a>(json: &'a str, pointer: &str) -> Option<&'a str> {
    let mut value = json.trim_ascii();
    for token in pointer.split('/').skip(1) {
        let token = match token.contains('~') {
            true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
            false => Cow::Borrowed(token),
        };
        let mut items = Items::of(value)?;
        value = match items.kind {
            Kind::Object => items.filter(|(name, _)| is_named(name, &token)).last()?.1,
            // RFC 6901: digits without leading zeros.
            Kind::Array => {
                items.nth(token.parse().ok().filter(|n: &usize| *n.to_string() == *token)?)?.1
            }
        };
    }
    Some(value)
}

/// The string that a JSON value is; `None` for any other, and for one that is
/// no text (a lone surrogate).
fn string(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(value).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Whether a member's name, quotes included, is this one.
fn is_named(name: &str, wanted: &str) -> bool {
    let inner = name.get(1..name.len() - 1).unwrap_or_default();
    if inner.contains('\\') {
        return serde_json::from_str(name).is_ok_and(|Name(name)| *name == *wanted.as_bytes());
    }
    inner == wanted
}

/// The members of an object (name and value), or the elements of an array
/// (empty name and value), of a text that is known to be JSON: ends are looked
/// for, nothing is checked, and what is not JSON gives some items or none.
struct Items<'a> {
    rest: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Object,
    Array,
}

impl<'a> Items<'a> {
    fn of(value: &'a str) -> Option<Self> {
        let kind = match value.as_bytes().first()? {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            _ => return None,
        };
        Some(Self { rest: value.get(1..)?, kind })
    }

    /// Takes what the first `length` bytes are.
    fn take(&mut self, length: usize) -> Option<&'a str> {
        let taken;
        (taken, self.rest) = self.rest.split_at_checked(length)?;
        Some(taken)
    }

    /// Passes over blanks, commas and colons between items.
    fn skip_between(&mut self) {
        let between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':');
        let count = self.rest.bytes().take_while(between).count();
        self.take(count);
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_between();
        let mut name = "";
        if self.kind == Kind::Object {
            name = self.take(string_length(self.rest.as_bytes())?)?;
            self.skip_between();
        }
        let length = value_length(self.rest.as_bytes())?;
        Some((name, self.take(length)?))
    }
}

/// How long the string is that begins here, quotes included.
fn string_length(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut escaped = false;
    let end = bytes.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

/// How long the value is that begins here; `None` at the end of what holds it.
fn value_length(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_length(bytes),
        b'{' | b'[' => nested_length(bytes),
        b'}' | b']' => None,
        _ => {
            let ends =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            Some(bytes.iter().position(ends).unwrap_or(bytes.len()))
        }
    }
}

/// Without recursion: any depth is legal.
fn nested_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut place) = (0_usize, 0);
    loop {
        match bytes.get(place)? {
            b'"' => place += string_length(bytes.get(place..)?)? - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(place + 1);
                }
            }
            _ => {}
        }
        place += 1;
    }
}

/// An object's name as bytes: one with a lone surrogate escape is no string.
struct Name<'a>(Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_bytes<E>(self, name: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_vec())))
            }
        }

        deserializer.deserialize_bytes(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::{KeySpec, KeyValue};
    use crate::seam::Payload;

    fn value(key: &KeySpec, json: &str) -> Option<Vec<String>> {
        let value = key.value_in(&Payload::new(json.as_bytes()))?;
        Some(value.parts().map(str::to_owned).collect())
    }

    #[test]
    fn a_key_is_made_of_strings_in_the_payload() {
        let key = KeySpec::unique("k", &["/a", "/b/c"]);
        assert_eq!(
            value(&key, r#"{"a":"1","b":{"c":"\u0032"}}"#),
            Some(vec!["1".into(), "2".into()])
        );
        assert_eq!(value(&key, r#"{"a":"1","b":{}}"#), None);
        assert_eq!(value(&key, r#"{"a":"","b":{"c":"2"}}"#), None);
        assert_eq!(value(&key, r#"{"a":1,"b":{"c":"2"}}"#), None);
        assert_eq!(value(&key, r#"["a"]"#), None);
        assert_eq!(value(&key, "not json"), None);
        assert_eq!(value(&key, r#"{"a":"1","b":{"c":"2"}} x"#), None);
    }

    #[test]
    fn a_default_stands_for_what_is_missing_empty_or_no_string() {
        let key = KeySpec::unique("k", &["/a"]).with_default(0, ".global");
        for json in ["{}", r#"{"a":""}"#, r#"{"a":7}"#] {
            assert_eq!(value(&key, json), Some(vec![".global".into()]), "{json}");
        }
    }

    #[test]
    fn of_a_repeated_name_the_last_counts() {
        let key = KeySpec::unique("k", &["/a/b"]);
        assert_eq!(value(&key, r#"{"a":{"b":"1"},"a":{"b":"2"}}"#), Some(vec!["2".into()]));
        assert_eq!(value(&key, r#"{"a":{"b":"1"},"a":7}"#), None);
    }

    #[test]
    fn pointers_reach_into_arrays_and_escaped_names() {
        let key = KeySpec::unique("k", &["/a~1b/1/~0"]);
        assert_eq!(value(&key, r#"{"a/b":[0,{"~":"x"}]}"#), Some(vec!["x".into()]));
    }

    #[test]
    fn lone_surrogates_and_depth_do_no_harm() {
        let key = KeySpec::unique("k", &["/a"]);
        assert_eq!(value(&key, r#"{"\ud800":1,"a":"x"}"#), Some(vec!["x".into()]));
        assert_eq!(value(&key, r#"{"a":"\ud800"}"#), None);
        let deep = format!(r#"{{"d":{}{},"a":"x"}}"#, "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(value(&key, &deep), Some(vec!["x".into()]));
    }

    #[test]
    fn a_value_with_an_empty_part_is_held_by_nothing() {
        assert_eq!(KeyValue::new(&["a", ""]), None);
    }

    #[test]
    fn a_declaration_is_checked() {
        assert!(KeySpec::unique("k", &["a"]).problem().is_some());
        assert!(KeySpec::unique("k", &["/a~2"]).problem().is_some());
        assert!(KeySpec::unique("", &["/a"]).problem().is_some());
        assert!(KeySpec::unique("k", &[]).problem().is_some());
        assert_eq!(KeySpec::unique("k", &["", "/a~0~1"]).problem(), None);
    }
}
