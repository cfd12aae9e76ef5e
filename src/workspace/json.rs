//! A JSON value that is kept as it was written.

use std::fmt;

use serde_json::value::RawValue;

/// Any JSON value, as text. Two are the same when their texts are.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Reads a text, or `None` when it is not one JSON value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        RawValue::from_string(text.trim().to_owned()).ok().map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    pub(super) fn to_raw(&self) -> Box<RawValue> {
        self.0.clone()
    }
}

/// `null`.
impl Default for Json {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

/// Without the content, which may be secret.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.as_str().len())
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn debug_does_not_show_the_content() {
        let json = Json::parse(r#" {"password": "hunter2"} "#).unwrap();
        assert_eq!(format!("{json:?}"), "Json(23 bytes)");
        assert_eq!(json.as_str(), r#"{"password": "hunter2"}"#);
    }

    #[test]
    fn a_text_is_one_value_or_none() {
        for text in ["", " ", "{", "{} {}", "nul", "'a'"] {
            assert!(Json::parse(text).is_none(), "{text:?}");
        }
        assert_eq!(Json::default(), Json::parse("null").unwrap());
        assert_ne!(Json::parse("{ }"), Json::parse("{}"), "it is kept as it was written");
    }
}
