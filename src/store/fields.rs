//! The members of a [`Document`] as the stores' payloads have them: typed,
//! optional, and named when they are wrong.

use serde_json::value::RawValue;

use super::{document::Document, instant_text::InstantText};

/// Reading: `null` is as good as missing. The errors say which member is
/// wrong, without its content.
impl Document {
    /// A string.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, String> {
        self.value(name).map_err(|_| format!("{name:?} is not a string"))
    }

    /// A string that must be there, and may be empty.
    pub(crate) fn required_text(&self, name: &str) -> Result<String, String> {
        self.text(name)?.ok_or_else(|| format!("{name:?} is missing"))
    }

    /// A string that must be there and not be empty.
    pub(crate) fn non_empty_text(&self, name: &str) -> Result<String, String> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(format!("{name:?} is missing or empty")),
        }
    }

    /// An instant, with its text.
    pub(crate) fn instant(&self, name: &str) -> Result<Option<InstantText>, String> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) => match InstantText::parse(&text) {
                Some(instant) => Ok(Some(instant)),
                None => Err(format!("{name:?} is not an RFC 3339 instant")),
            },
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        self.value(name).map_err(|_| format!("{name:?} is neither true nor false"))
    }

    /// A number that counts something.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, String> {
        self.value(name).map_err(|_| format!("{name:?} is not a whole number from 0 on"))
    }

    /// A whole number.
    pub(crate) fn whole_number(&self, name: &str) -> Result<Option<i64>, String> {
        self.value(name).map_err(|_| format!("{name:?} is not a whole number of 64 bits"))
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Document>, String> {
        self.value(name).map_err(|_| format!("{name:?} is not an object"))
    }
}

/// Writing what is given, and removing what is not.
impl Document {
    /// A number that counts something.
    pub(crate) fn set_count(&mut self, name: &str, count: u64) {
        self.set_or_remove(name, serde_json::value::to_raw_value(&count).ok());
    }

    /// A whole number.
    pub(crate) fn set_whole_number(&mut self, name: &str, number: i64) {
        self.set_or_remove(name, serde_json::value::to_raw_value(&number).ok());
    }

    /// An instant, as it was written, or `null`.
    pub(crate) fn set_instant_or_null(&mut self, name: &str, instant: Option<&InstantText>) {
        match instant {
            Some(instant) => self.set_text(name, instant.as_str()),
            None => self.set(name, RawValue::NULL.to_owned()),
        }
    }

    /// Any value.
    pub(crate) fn set_or_remove(&mut self, name: &str, value: Option<Box<RawValue>>) {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    /// A string.
    pub(crate) fn set_or_remove_text(&mut self, name: &str, text: Option<&str>) {
        match text {
            Some(text) => self.set_text(name, text),
            None => self.remove(name),
        }
    }

    /// An instant, as it was written.
    pub(crate) fn set_or_remove_instant(&mut self, name: &str, instant: Option<&InstantText>) {
        self.set_or_remove_text(name, instant.map(InstantText::as_str));
    }

    /// `true` or `false`.
    pub(crate) fn set_or_remove_flag(&mut self, name: &str, flag: Option<bool>) {
        match flag {
            Some(flag) => self.set_bool(name, flag),
            None => self.remove(name),
        }
    }
}

/// What an update leaves of an instant that is the caller's: the stored one
/// where none is given, and its text where the given one is no change.
pub(crate) fn updated(
    given: Option<InstantText>,
    stored: Option<InstantText>,
) -> Option<InstantText> {
    if given.is_none() || given == stored { stored } else { given }
}
