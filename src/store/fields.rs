//! Reading and writing the members of an entity's JSON object. What is wrong is
//! told by the member's name, without its content.

use serde_json::value::RawValue;

use super::{document::Document, instant_text::InstantText};

/// A string; `null` is as good as missing.
pub(super) fn text(document: &Document, name: &str) -> Result<Option<String>, String> {
    document.value(name).map_err(|_| format!("{name:?} is not a string"))
}

/// A string that must be there and not be empty.
pub(super) fn not_empty(document: &Document, name: &str) -> Result<String, String> {
    match text(document, name)? {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(format!("{name:?} is missing or empty")),
    }
}

/// An instant, with its text.
pub(super) fn instant(document: &Document, name: &str) -> Result<Option<InstantText>, String> {
    match text(document, name)? {
        None => Ok(None),
        Some(text) => match InstantText::parse(&text) {
            Some(instant) => Ok(Some(instant)),
            None => Err(format!("{name:?} is not an RFC 3339 instant")),
        },
    }
}

/// `true` or `false`.
pub(super) fn flag(document: &Document, name: &str) -> Result<Option<bool>, String> {
    document.value(name).map_err(|_| format!("{name:?} is neither true nor false"))
}

/// A number that counts something.
pub(super) fn count(document: &Document, name: &str) -> Result<Option<u64>, String> {
    document.value(name).map_err(|_| format!("{name:?} is not a whole number from 0 on"))
}

/// Sets a string, or removes the member.
pub(super) fn set_text(document: &mut Document, name: &str, text: Option<&str>) {
    match text {
        Some(text) => document.set_text(name, text),
        None => document.remove(name),
    }
}

/// Sets an instant in its own text, or removes the member.
pub(super) fn set_instant(document: &mut Document, name: &str, instant: Option<&InstantText>) {
    set_text(document, name, instant.map(InstantText::as_str));
}

/// Sets an instant in its own text, or `null`.
pub(super) fn set_instant_or_null(
    document: &mut Document,
    name: &str,
    instant: Option<&InstantText>,
) {
    match instant {
        Some(instant) => document.set_text(name, instant.as_str()),
        None => document.set(name, RawValue::NULL.to_owned()),
    }
}

/// Sets a number that counts something.
pub(super) fn set_count(document: &mut Document, name: &str, count: u64) {
    set_raw(document, name, serde_json::value::to_raw_value(&count).ok());
}

/// Sets `true` or `false`, or removes the member.
pub(super) fn set_flag(document: &mut Document, name: &str, flag: Option<bool>) {
    match flag {
        Some(flag) => document.set_bool(name, flag),
        None => document.remove(name),
    }
}

/// Sets a value, or removes the member.
pub(super) fn set_raw(document: &mut Document, name: &str, value: Option<Box<RawValue>>) {
    match value {
        Some(value) => document.set(name, value),
        None => document.remove(name),
    }
}

/// What an update leaves of an instant that is the caller's: the stored one
/// where none is given, and its text where the given one is no change.
pub(super) fn updated(
    given: Option<InstantText>,
    stored: Option<InstantText>,
) -> Option<InstantText> {
    if given.is_none() || given == stored { stored } else { given }
}
