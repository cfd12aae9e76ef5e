//! A JSON object whose members keep their raw text and their order.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::seam::Payload;

/// A JSON object as it was written, member by member: what a store does not
/// know passes through it unharmed (numbers of 30 digits, repeated names deep
/// inside, lone surrogates, any depth).
///
/// Where an object repeats a name at its top level, the last one counts; the
/// others are kept until that member is changed.
#[derive(Clone, Default)]
pub struct Document {
    members: Vec<Member>,
}

#[derive(Clone)]
struct Member {
    /// The name as it is written, quotes included.
    raw_name: Box<RawValue>,
    /// The name as text, unless it is none (a lone surrogate).
    name: Option<Box<str>>,
    value: Box<RawValue>,
}

impl Member {
    fn new(raw_name: Box<RawValue>, value: Box<RawValue>) -> Self {
        let name = serde_json::from_str::<Cow<'_, str>>(raw_name.get()).ok().map(Box::from);
        Self { raw_name, name, value }
    }

    fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

/// A member has not the type that its owner expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

impl Document {
    /// Reads bytes, or `None` when they are not a JSON object.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        serde_json::from_str(text).ok()
    }

    /// The raw text of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.members.iter().rev().find(|member| member.is(name)).map(|member| &*member.value)
    }

    /// A member as a value of some type; `null` is as good as missing.
    ///
    /// # Errors
    /// [`WrongType`] when it is something else.
    pub fn value<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, WrongType> {
        match self.get(name) {
            None => Ok(None),
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| WrongType),
        }
    }

    /// Sets a member: in its place where it is there, else as the last one.
    pub fn set(&mut self, name: &str, value: Box<RawValue>) {
        let last = self.members.iter().rposition(|member| member.is(name));
        match last.and_then(|place| self.members.get_mut(place)) {
            Some(member) => member.value = value,
            None => self.members.extend(raw_text(name).map(|raw_name| Member {
                raw_name,
                name: Some(name.into()),
                value,
            })),
        }
        let mut place = 0;
        self.members.retain(|member| {
            place += 1;
            last.is_none_or(|last| place > last || !member.is(name))
        });
    }

    /// Sets a member to a string.
    pub fn set_text(&mut self, name: &str, text: &str) {
        if let Some(raw) = raw_text(text) {
            self.set(name, raw);
        }
    }

    /// Sets a member to `true` or `false`.
    pub fn set_bool(&mut self, name: &str, value: bool) {
        if let Ok(raw) = serde_json::value::to_raw_value(&value) {
            self.set(name, raw);
        }
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) {
        self.members.retain(|member| !member.is(name));
    }

    /// Sets every member that `other` has, in its order.
    pub fn merge(&mut self, other: &Self) {
        for member in &other.members {
            match &member.name {
                Some(name) => self.set(name, member.value.clone()),
                None => self.set_nameless(member),
            }
        }
    }

    /// A name that is no text is compared as it is written.
    fn set_nameless(&mut self, member: &Member) {
        let written = member.raw_name.get();
        match self.members.iter_mut().find(|own| own.raw_name.get() == written) {
            Some(own) => own.value = member.value.clone(),
            None => self.members.push(member.clone()),
        }
    }

    /// The document without these members.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.members
            .retain(|member| !member.name.as_deref().is_some_and(|name| names.contains(&name)));
        self
    }

    /// The names of the members that are text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter_map(|member| member.name.as_deref())
    }

    /// The document as compact JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write_to_text(&mut text, |_| None);
        text
    }

    /// Appends the document as compact JSON text, with other values for the
    /// members for which `instead` gives the parts of one.
    pub(super) fn write_to_text<'a>(
        &self,
        text: &mut String,
        instead: impl Fn(&str) -> Option<&'a [&'a str]>,
    ) {
        text.push('{');
        for (place, member) in self.members.iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            text.push_str(member.raw_name.get());
            text.push(':');
            match member.name.as_deref().and_then(&instead) {
                Some(parts) => text.extend(parts.iter().copied()),
                None => text.push_str(member.value.get()),
            }
        }
        text.push('}');
    }

    /// The document as a payload.
    #[must_use]
    pub fn to_payload(&self) -> Payload {
        // By construction: members are put together from what was read as JSON.
        Payload::known_json(self.to_text().into_bytes())
    }

    /// The document as a raw value, to be a member of another one.
    #[must_use]
    pub fn to_raw(&self) -> Option<Box<RawValue>> {
        RawValue::from_string(self.to_text()).ok()
    }
}

fn raw_text(text: &str) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(text).ok()
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        let texts = |document: &Self| -> Vec<(Box<str>, Box<str>)> {
            let members = document.members.iter();
            members
                .map(|member| (member.raw_name.get().into(), member.value.get().into()))
                .collect()
        };
        texts(self) == texts(other)
    }
}

impl Eq for Document {}

/// Names only: a value may be a secret.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    members.push(Member::new(name, value));
                }
                Ok(Document { members })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Document, WrongType};
    use crate::seam::Payload;

    fn document(text: &str) -> Document {
        Document::parse(text.as_bytes()).expect("an object")
    }

    #[test]
    fn members_keep_their_text_and_their_order() {
        let deep = format!("{{\"d\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
        for text in [
            r#"{"z":123456789012345678901234567890,"a":1e400,"b":-0.0}"#,
            r#"{"\ud800":1,"a":"\ud800","n\u0061me":"\u003c"}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            "{}",
            &deep,
        ] {
            assert_eq!(document(text).to_text(), text);
        }
        assert_eq!(document(" { \"a\" : [ 1 ] } ").to_text(), r#"{"a":[ 1 ]}"#);
    }

    #[test]
    fn what_is_no_object_is_no_document() {
        for text in ["", "null", "[]", "\"x\"", "{", "{} {}", "\u{feff}{}"] {
            assert!(Document::parse(text.as_bytes()).is_none(), "{text:?}");
        }
        assert!(Document::parse(b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn of_a_repeated_name_the_last_counts_and_the_first_changed_goes() {
        let mut twice = document(r#"{"a":1,"b":2,"a":3}"#);
        assert_eq!(twice.value::<u32>("a"), Ok(Some(3)));
        twice.set_text("a", "x");
        assert_eq!(twice.to_text(), r#"{"b":2,"a":"x"}"#);
        twice.remove("a");
        assert_eq!(twice.to_text(), r#"{"b":2}"#);
        let mut side_by_side = document(r#"{"a":1,"a":3,"b":2}"#);
        side_by_side.set_text("a", "x");
        assert_eq!(side_by_side.to_text(), r#"{"a":"x","b":2}"#);
    }

    #[test]
    fn documents_are_equal_when_their_members_are() {
        assert_eq!(document(r#"{"a":1}"#), document(r#" { "a" : 1 } "#));
        for other in [r#"{"a":2}"#, r#"{"b":1}"#, "{}", r#"{"a":1,"b":1}"#] {
            assert_ne!(document(r#"{"a":1}"#), document(other), "{other}");
        }
    }

    #[test]
    fn a_merge_replaces_in_place_and_adds_at_the_end() {
        let mut own = document(r#"{"a":1,"\ud800":2,"b":3}"#);
        own.merge(&document(r#"{"c":4,"b":5,"\ud800":6}"#));
        assert_eq!(own.to_text(), r#"{"a":1,"\ud800":6,"b":5,"c":4}"#);
        own.merge(&document(r#"{"\udfff":7}"#));
        assert_eq!(own.to_text(), r#"{"a":1,"\ud800":6,"b":5,"c":4,"\udfff":7}"#);
    }

    #[test]
    fn null_is_as_good_as_missing_and_other_types_are_wrong() {
        let own = document(r#"{"a":null,"b":7}"#);
        assert_eq!(own.value::<String>("a"), Ok(None));
        assert_eq!(own.value::<String>("c"), Ok(None));
        assert_eq!(own.value::<String>("b"), Err(WrongType));
    }

    #[test]
    fn debug_shows_names_only() {
        let debug = format!("{:?}", document(r#"{"password":"hunter2"}"#));
        assert_eq!(debug, r#"{"password"}"#);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Document::parse(&bytes);
        }

        #[test]
        fn a_document_is_json_again(
            text in r#"\{("[ab]":([0-9]|"x"|\[\]|\{"a":1\}),){0,3}"c":1\}"#,
        ) {
            let mut own = document(&text);
            own.set_text("b", "\u{0}\"\\");
            own.remove("a");
            prop_assert!(Payload::new(own.to_text().into_bytes()).is_json());
            prop_assert_eq!(own.value::<String>("b"), Ok(Some("\u{0}\"\\".to_owned())));
            prop_assert!(own.get("a").is_none());
        }
    }
}
