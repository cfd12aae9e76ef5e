//! Secondary keys, declared as data.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::payload::Payload;

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

/// The value of a key: its parts, none of them empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyValue(Box<[Box<str>]>);

impl KeyValue {
    /// The value of these parts, or `None` if one is empty: nothing has it.
    #[must_use]
    pub fn new(parts: &[&str]) -> Option<Self> {
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        Some(Self(parts.iter().map(|part| Box::from(*part)).collect()))
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
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
        let pointers: Vec<&str> = self.parts.iter().map(|part| &*part.pointer).collect();
        let found = strings_at(payload.bytes(), &pointers);
        let mut parts = Vec::with_capacity(self.parts.len());
        for (part, found) in self.parts.iter().zip(found) {
            match found.filter(|text| !text.is_empty()) {
                Some(text) => parts.push(text.into_boxed_str()),
                None => {
                    parts.push(Box::from(part.default.as_deref().filter(|text| !text.is_empty())?))
                }
            }
        }
        Some(KeyValue(parts.into_boxed_slice()))
    }
}

fn is_pointer(text: &str) -> bool {
    let escapes_end = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_end
}

/// The strings at these pointers: `None` where there is none, or something
/// else than a string.
pub(crate) fn strings_at(json: &[u8], pointers: &[&str]) -> Vec<Option<String>> {
    raw_at(json, pointers)
        .into_iter()
        .map(|raw| raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
        .collect()
}

/// The raw JSON texts at these pointers. Invalid JSON has none.
pub(crate) fn raw_at<'a>(json: &'a [u8], pointers: &[&str]) -> Vec<Option<&'a RawValue>> {
    let mut found = vec![None; pointers.len()];
    // One pass over the whole: this also finds out whether it is JSON.
    let Ok(whole) = serde_json::from_slice::<&RawValue>(json) else { return found };
    let wanted =
        pointers.iter().enumerate().map(|(place, pointer)| Wanted { place, rest: pointer });
    search(whole, &wanted.collect::<Vec<_>>(), &mut found);
    found
}

/// A pointer's remainder, to be looked up below some value.
#[derive(Clone, Copy)]
struct Wanted<'p> {
    place: usize,
    rest: &'p str,
}

/// Recursion goes only as deep as the pointers do.
fn search<'a>(value: &'a RawValue, wanted: &[Wanted<'_>], found: &mut [Option<&'a RawValue>]) {
    for want in wanted.iter().filter(|want| want.rest.is_empty()) {
        if let Some(slot) = found.get_mut(want.place) {
            *slot = Some(value);
        }
    }
    let below: Vec<_> = wanted.iter().copied().filter(|want| !want.rest.is_empty()).collect();
    if !below.is_empty() && value.get().starts_with(['{', '[']) {
        let mut reader = serde_json::Deserializer::from_str(value.get());
        // The text is valid JSON already; names that are no text match nothing.
        let _ = reader.deserialize_any(Members { wanted: &below, found });
    }
}

impl<'p> Wanted<'p> {
    /// What is left to look up in the member `name`, if that is on the way.
    fn below(&self, name: &[u8]) -> Option<Self> {
        let rest = self.rest.strip_prefix('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (token, rest) = rest.split_at_checked(end)?;
        let matches = if token.contains('~') {
            token.replace("~1", "/").replace("~0", "~").as_bytes() == name
        } else {
            token.as_bytes() == name
        };
        matches.then_some(Wanted { place: self.place, rest })
    }
}

struct Members<'w, 'p, 'f, 'a> {
    wanted: &'w [Wanted<'p>],
    found: &'f mut [Option<&'a RawValue>],
}

impl<'p, 'a> Members<'_, 'p, '_, 'a> {
    fn named(&self, name: &[u8]) -> Vec<Wanted<'p>> {
        self.wanted.iter().filter_map(|want| want.below(name)).collect()
    }

    /// Of a repeated name the last counts, whatever it holds.
    fn take(&mut self, value: &'a RawValue, named: &[Wanted<'p>]) {
        for want in named {
            if let Some(slot) = self.found.get_mut(want.place) {
                *slot = None;
            }
        }
        search(value, named, self.found);
    }
}

impl<'a> Visitor<'a> for Members<'_, '_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            let named = self.named(&name);
            if named.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                self.take(map.next_value()?, &named);
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let mut place = 0_usize;
        while let Some(value) = seq.next_element()? {
            let named = self.named(place.to_string().as_bytes());
            self.take(value, &named);
            place += 1;
        }
        Ok(())
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
        assert_eq!(KeySpec::unique("k", &[&"/a".repeat(64)]).problem(), None);
        assert!(KeySpec::unique("k", &[&"/a".repeat(65)]).problem().is_some());
    }
}
