//! Members of JSON objects that the models compare by their raw text: what a
//! store does not know, and passes on.

use std::{collections::BTreeMap, sync::Arc};

use arbitrary::Result;
use serde_json::value::RawValue;

use super::source::Source;
use crate::store::document::Document;

/// Names and JSON texts.
pub type Members = BTreeMap<Arc<str>, Arc<str>>;

/// Members as the JSON object that they are, for scenario files.
pub(super) mod as_object {
    use std::{collections::BTreeMap, sync::Arc};

    use serde::{Deserialize, Deserializer, Serializer, ser::Error};
    use serde_json::value::RawValue;

    use super::Members;

    /// Writes the object.
    pub fn serialize<S: Serializer>(members: &Members, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = |value: &Arc<str>| RawValue::from_string(value.to_string());
        let members = members.iter().map(|(name, value)| Ok((name, raw(value)?)));
        let members = members.collect::<Result<BTreeMap<_, _>, _>>();
        serializer.collect_map(members.map_err(|error: serde_json::Error| S::Error::custom(error))?)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        Ok(raw.iter().map(|(name, value)| (Arc::from(&**name), Arc::from(value.get()))).collect())
    }
}

/// A text as a JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The members as one JSON object.
#[must_use]
pub fn object_of(members: &Members) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("{}:{value}", quoted(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// The members as a store's document.
#[must_use]
pub fn to_document(members: &Members) -> Document {
    Document::parse(object_of(members).as_bytes()).unwrap_or_default()
}

/// The members of a store's document.
#[must_use]
pub fn from_document(document: &Document) -> Members {
    let members = document
        .names()
        .filter_map(|name| Some((Arc::from(name), Arc::from(document.get(name)?.get()))));
    members.collect()
}

/// The raw texts of the members of a JSON object, read with a reader other
/// than the stores'; empty for what is no object.
#[must_use]
pub fn raw_members(text: &str) -> Members {
    let raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
    raw.iter().map(|(name, value)| (Arc::from(&**name), Arc::from(value.get()))).collect()
}

/// The members of a JSON object that are not among `known`, as they are
/// written.
#[must_use]
pub fn unknown_members(text: &str, known: &[&str]) -> Members {
    let mut members = raw_members(text);
    members.retain(|name, _| !known.contains(&&**name));
    members
}

/// Whether there is nothing in a text: scenario files leave such fields out.
pub(super) fn is_empty(text: &Arc<str>) -> bool {
    text.is_empty()
}

/// None mostly, at times one that no store knows.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn generate_unknown(source: &mut Source<'_, '_>) -> Result<Members> {
    let mut members = Members::new();
    if source.ratio(1, 4)? {
        let values = ["1", "123456789012345678901234567890", "null", "{\"a\":[]}"];
        let value = Arc::from(*source.choose(&values)?);
        members.insert(Arc::from(*source.choose(&["x", "y"])?), value);
    }
    Ok(members)
}
