//! One text for all ways of writing a JSON value, for hashes of content.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;

/// Below this many levels values are taken as they are written.
const MOST_LEVELS: usize = 128;

/// The value without blanks, the members of objects by name (of a repeated name the last
/// one), strings with no more escapes than needed. Numbers stay as they are written.
pub(super) fn canonical(value: &RawValue) -> String {
    let mut text = String::new();
    write(value, MOST_LEVELS, &mut text);
    text
}

fn write(value: &RawValue, levels: usize, text: &mut String) {
    let raw = value.get();
    let deeper = levels.checked_sub(1);
    let written = match (raw.as_bytes().first(), deeper) {
        (Some(b'{'), Some(levels)) => object(raw, levels),
        (Some(b'['), Some(levels)) => array(raw, levels),
        (Some(b'"'), _) => string(raw),
        _ => None,
    };
    text.push_str(written.as_deref().unwrap_or(raw));
}

fn object(raw: &str, levels: usize) -> Option<String> {
    // A name that is no text (a lone surrogate) leaves the object as it is.
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(raw).ok()?;
    let mut text = String::from("{");
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::to_string(name).ok()?);
        text.push(':');
        write(value, levels, &mut text);
    }
    text.push('}');
    Some(text)
}

fn array(raw: &str, levels: usize) -> Option<String> {
    let values: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    let mut text = String::from("[");
    for (place, value) in values.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        write(value, levels, &mut text);
    }
    text.push(']');
    Some(text)
}

fn string(raw: &str) -> Option<String> {
    let text: Cow<'_, str> = serde_json::from_str(raw).ok()?;
    serde_json::to_string(&text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::canonical;

    #[test]
    fn one_value_has_one_text() {
        for (json, expected) in [
            (r#" {"b": 1, "a" : [ true , null ]} "#, r#"{"a":[true,null],"b":1}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#"{"\u0061":"\u0062\n"}"#, r#"{"a":"b\n"}"#),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            (r#"{"\ud800":1, "x":2}"#, r#"{"\ud800":1, "x":2}"#),
            (r#""\ud800""#, r#""\ud800""#),
        ] {
            let value: Box<RawValue> = serde_json::from_str(json).unwrap();
            assert_eq!(canonical(&value), expected);
        }
    }

    #[test]
    fn any_depth_is_taken() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let value = RawValue::from_string(deep.clone()).unwrap();
        assert_eq!(canonical(&value), deep);
    }
}
