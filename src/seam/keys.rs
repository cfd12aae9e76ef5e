//! Secondary keys, declared as data.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    sync::Arc,
};

use memchr::memchr2;
use serde::{Deserialize, Deserializer, de::Visitor};

use super::payload::{Payload, is_json};

/// How many levels a pointer may have: following it recurses as deep.
const MAX_POINTER_LEVELS: usize = 64;

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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyValue {
    /// How many parts there are.
    parts: usize,
    /// Each part but the last after its length in bytes and a colon, so that no
    /// two lists of parts give the same text.
    text: Arc<str>,
}

impl KeyValue {
    /// The value of these parts, or `None` if one is empty: nothing has it.
    #[must_use]
    pub fn new(parts: &[&str]) -> Option<Self> {
        Self::of(parts)
    }

    fn of(parts: &[impl AsRef<str>]) -> Option<Self> {
        if parts.iter().any(|part| part.as_ref().is_empty()) {
            return None;
        }
        let text = match parts {
            [part] => Arc::from(part.as_ref()),
            [first @ .., last] => {
                let mut text = String::with_capacity(64);
                for part in first.iter().map(AsRef::as_ref) {
                    // Writing to a string can't fail.
                    let _ = write!(text, "{}:{part}", part.len());
                }
                text.push_str(last.as_ref());
                text.into()
            }
            [] => Arc::from(""),
        };
        Some(Self { parts: parts.len(), text })
    }

    /// The text that stands for it: of two values of one key, no other has it.
    #[cfg(feature = "sqlite")]
    pub(crate) fn as_text(&self) -> &str {
        &self.text
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.text;
        (0..self.parts).filter_map(move |place| {
            if place + 1 == self.parts {
                return Some(rest);
            }
            let (length, tail) = rest.split_once(':')?;
            let part;
            (part, rest) = tail.split_at_checked(length.parse().ok()?)?;
            Some(part)
        })
    }
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
        if let Some(bad) = self.parts.iter().find(|part| !is_pointer(&part.pointer)) {
            return Some(format!("{:?} is not a JSON pointer", bad.pointer));
        }
        let deep = |part: &KeyPart| part.pointer.matches('/').count() > MAX_POINTER_LEVELS;
        self.parts
            .iter()
            .any(deep)
            .then(|| format!("a pointer has more than {MAX_POINTER_LEVELS} levels"))
    }

    /// The value that a payload gives this key. Payloads that are not JSON have
    /// no keys; of a repeated JSON name the last counts.
    #[must_use]
    pub fn value_in(&self, payload: &Payload) -> Option<KeyValue> {
        self.value_among(&Members::of_payload(payload))
    }

    /// The values that a payload gives several keys: it is read only once.
    pub(crate) fn values_in<'k>(
        keys: impl Iterator<Item = &'k Self>,
        payload: &Payload,
    ) -> Box<[Option<KeyValue>]> {
        let members = Members::of_payload(payload);
        keys.map(|key| key.value_among(&members)).collect()
    }

    fn value_among(&self, members: &Members<'_>) -> Option<KeyValue> {
        if !members.are_json {
            return None;
        }
        if let [part] = &*self.parts {
            return KeyValue::of(&[part.text_among(members)?]);
        }
        let texts = self.parts.iter().map(|part| part.text_among(members));
        KeyValue::of(&texts.collect::<Option<Vec<_>>>()?)
    }
}

impl KeyPart {
    fn text_among<'a>(&'a self, members: &Members<'a>) -> Option<Cow<'a, str>> {
        let found = members.find(&self.pointer).and_then(string).filter(|text| !text.is_empty());
        found.or_else(|| self.default.as_deref().map(Cow::Borrowed))
    }
}

fn is_pointer(text: &str) -> bool {
    let bytes = text.as_bytes();
    let escapes_end = bytes
        .iter()
        .enumerate()
        .all(|(place, byte)| *byte != b'~' || matches!(bytes.get(place + 1), Some(b'0' | b'1')));
    (text.is_empty() || text.starts_with('/')) && escapes_end
}

/// The strings at these pointers: `None` where there is none, or something
/// else than a string. Invalid JSON has none.
pub(crate) fn strings_at(json: &[u8], pointers: &[&str]) -> Vec<Option<String>> {
    let members = Members::of(json, is_json(json));
    let string_at = |pointer: &&str| Some(string(members.find(pointer)?)?.into_owned());
    pointers.iter().map(string_at).collect()
}

/// The members of the object that a payload is, names (quotes included) and
/// values as they are written, without copying; `None` when it is no JSON
/// object.
pub(crate) fn object_members(payload: &Payload) -> Option<Vec<(&str, &str)>> {
    let whole = if payload.is_json() { payload.bytes().trim_ascii() } else { b"" };
    let items = Items::of(whole).filter(|items| items.named)?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    items.map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}

/// The top level of a JSON text, read once for many pointers.
struct Members<'a> {
    are_json: bool,
    whole: &'a [u8],
    /// Name and value; elements of arrays have empty names.
    items: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Members<'a> {
    fn of_payload(payload: &'a Payload) -> Self {
        Self::of(payload.bytes(), payload.is_json())
    }

    fn of(bytes: &'a [u8], are_json: bool) -> Self {
        let whole = if are_json { bytes.trim_ascii() } else { b"" };
        let items = Items::of(whole).map(Iterator::collect).unwrap_or_default();
        Self { are_json, whole, items }
    }

    /// The value at a pointer; of a repeated name the last counts.
    fn find(&self, pointer: &str) -> Option<&'a [u8]> {
        let Some(path) = pointer.strip_prefix('/') else {
            return self.are_json.then_some(self.whole);
        };
        // Pointers are short: byte by byte is faster than a search for a pattern.
        let end = path.bytes().position(|byte| byte == b'/').unwrap_or(path.len());
        let (token, rest) = path.split_at_checked(end)?;
        let token = match token.bytes().any(|byte| byte == b'~') {
            true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
            false => Cow::Borrowed(token),
        };
        let value = if self.whole.first() == Some(&b'[') {
            // RFC 6901: digits without leading zeros.
            let place: usize = token.parse().ok()?;
            self.items.get(place).filter(|_| place.to_string() == *token)?.1
        } else {
            self.items.iter().rev().find(|(name, _)| is_named(name, &token))?.1
        };
        if rest.is_empty() { Some(value) } else { Members::of(value, true).find(rest) }
    }
}

/// The string that a JSON value is; `None` for any other, and for one that is
/// no text (a lone surrogate).
fn string(value: &[u8]) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') {
        return serde_json::from_slice(value).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// Whether a member's name, quotes included, is this one.
fn is_named(name: &[u8], wanted: &str) -> bool {
    let inner = name.get(1..name.len() - 1).unwrap_or_default();
    if inner.contains(&b'\\') {
        return serde_json::from_slice(name).is_ok_and(|Name(name)| *name == *wanted.as_bytes());
    }
    inner == wanted.as_bytes()
}

/// The members of an object (name and value), or the elements of an array
/// (empty name and value), of a text that is known to be JSON: ends are looked
/// for, nothing is checked, and what is not JSON gives some items or none.
struct Items<'a> {
    rest: &'a [u8],
    named: bool,
}

impl<'a> Items<'a> {
    fn of(value: &'a [u8]) -> Option<Self> {
        let (first, rest) = value.split_first()?;
        matches!(first, b'{' | b'[').then_some(Self { rest, named: *first == b'{' })
    }

    /// Takes what the first `length` bytes are.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken;
        (taken, self.rest) = self.rest.split_at_checked(length)?;
        Some(taken)
    }

    /// Passes over blanks, commas and colons between items.
    fn skip_between(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r' | b',' | b':', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_between();
        let mut name = &[][..];
        if self.named {
            name = self.take(string_length(self.rest)?)?;
            self.skip_between();
        }
        let length = value_length(self.rest)?;
        Some((name, self.take(length)?))
    }
}

/// How long the string is that begins here, quotes included.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"\"")?;
    let mut place = 0;
    loop {
        place += memchr2(b'"', b'\\', inner.get(place..)?)?;
        if inner.get(place) == Some(&b'"') {
            return Some(place + 2);
        }
        // A backslash, and what it stands before.
        place += 2;
    }
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
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{KeySpec, KeyValue, strings_at};
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

    /// Any JSON, with few names, so that pointers find something.
    fn any_json() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec!["a", "b", "", "~", "/", "a\"b", "0", "\u{2028}"]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\{}\\[\\],: \n\u{e9}]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..4).prop_map(|members| {
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_string_is_found_where_another_reader_of_json_finds_it(
            json in any_json(),
            pretty in any::<bool>(),
            pointer in "(/(a|b||~0|~1|a\"b|0|1|00|\u{2028})){0,3}",
        ) {
            let text = if pretty {
                serde_json::to_string_pretty(&json).unwrap()
            } else {
                json.to_string()
            };
            let found = strings_at(text.as_bytes(), &[&pointer]);
            let expected = json.pointer(&pointer).and_then(Value::as_str).map(str::to_owned);
            prop_assert_eq!(found, vec![expected], "{} in {}", pointer, text);
        }

        #[test]
        fn bytes_that_are_no_json_have_no_strings_and_do_no_harm(
            mut bytes in any_json().prop_map(|json| json.to_string().into_bytes()),
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let found = strings_at(&bytes, &["", "/a", "/0/b"]);
            if !Payload::new(bytes).is_json() {
                prop_assert_eq!(found, vec![None, None, None]);
            }
        }
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
        assert_eq!(KeySpec::unique("k", &[&"/a".repeat(64)]).problem(), None);
        assert!(KeySpec::unique("k", &[&"/a".repeat(65)]).problem().is_some());
    }

    #[test]
    fn pointers_lead_where_serde_json_says() {
        let texts = [
            r#" {"a" : "x" , "b":{"a":["y",{"":"z"}]},"a":"w"} "#,
            r#"{"a":{"a":{"a":"x"}},"b":"\\","":"e","a/b":"s","~":"t"}"#,
            r#"["x",["y","}",{"a":"]"}],"\"",7,{}]"#,
            r#"{"a":"\\\"}","b":[[],[[]],"x"],"\u0061":"u"}"#,
            r#""x""#,
            "7",
            "{}",
            "[]",
        ];
        let pointers = [
            "", "/", "/a", "/b", "/a/a", "/a/a/a", "/b/a/0", "/b/a/1/", "/b/2", "/0", "/1/1",
            "/1/2/a", "/01", "/2", "/-", "/a~1b", "/~0", "/a/", "/b/",
        ];
        let mut found = 0;
        for text in texts {
            let value: Value = serde_json::from_str(text).unwrap();
            let ours = strings_at(text.as_bytes(), &pointers);
            for (pointer, ours) in pointers.iter().zip(ours) {
                let theirs = value.pointer(pointer).and_then(|value| value.as_str());
                assert_eq!(ours.as_deref(), theirs, "{pointer:?} in {text}");
                found += usize::from(ours.is_some());
            }
        }
        assert!(found > 12, "only {found} pointers led to anything");
    }
}
