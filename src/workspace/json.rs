//! A JSON value that is kept as it was written.

use std::fmt;

use serde::{Deserialize, Deserializer};
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

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}
