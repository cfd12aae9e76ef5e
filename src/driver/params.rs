//! Arguments: members of an object that must have a certain type.
//!
//! Members that a method does not know are ignored; `null` is as good as
//! missing. Messages name the member and what is expected, and never show what
//! was given.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::failure::Failure;
use crate::{seam::Instant, store::document::Document};

/// An object of arguments: the params themselves, or an object in them.
pub struct Params(Document);

impl Params {
    pub(super) fn new(document: Document) -> Self {
        Self(document)
    }

    /// A string that may be missing.
    ///
    /// # Errors
    /// `InvalidParams`, here and in all that follow.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, Failure> {
        self.0.value(name).map_err(|_| Failure::invalid_params(format!("{name:?} is not a string")))
    }

    /// A string.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn text(&self, name: &str) -> Result<String, Failure> {
        self.optional_text(name)?.ok_or_else(|| missing(name))
    }

    /// An array of strings.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let expected = || Failure::invalid_params(format!("{name:?} is not an array of strings"));
        self.0.value(name).map_err(|_| expected())?.ok_or_else(|| missing(name))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn boolean(&self, name: &str) -> Result<bool, Failure> {
        let expected = || Failure::invalid_params(format!("{name:?} is neither true nor false"));
        self.0.value(name).map_err(|_| expected())?.ok_or_else(|| missing(name))
    }

    /// A whole number that may be missing.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn optional_number(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.0
            .value(name)
            .map_err(|_| Failure::invalid_params(format!("{name:?} is not a whole number")))
    }

    /// How many of something at most: a whole number of at least `least`, which
    /// may be missing. One beyond `u32` is as good as its largest.
    ///
    /// # Errors
    /// `InvalidParams`; `InvalidArgument` for a number below `least`.
    pub fn optional_count(&self, name: &str, least: u32) -> Result<Option<u32>, Failure> {
        let Some(number) = self.optional_number(name)? else { return Ok(None) };
        if number < i64::from(least) {
            let problem = format!("{name:?} is below {least}");
            return Err(Failure::invalid_argument(problem));
        }
        Ok(Some(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// An instant that may be missing.
    ///
    /// # Errors
    /// `InvalidParams`, also for a date-time beyond the years 0000 to 9999.
    pub fn optional_instant(&self, name: &str) -> Result<Option<Instant>, Failure> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        Instant::parse(&text).map(Some).ok_or_else(|| {
            let expected = "an RFC 3339 date-time in the years 0000 to 9999";
            Failure::invalid_params(format!("{name:?} is not {expected}"))
        })
    }

    /// An instant.
    ///
    /// # Errors
    /// As [`Self::optional_instant`].
    pub fn instant(&self, name: &str) -> Result<Instant, Failure> {
        self.optional_instant(name)?.ok_or_else(|| missing(name))
    }

    /// Bytes, in base64 (RFC 4648 §4, padded).
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, Failure> {
        STANDARD
            .decode(self.text(name)?)
            .map_err(|_| Failure::invalid_params(format!("{name:?} is not base64")))
    }

    /// An object that may be missing.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn optional_object(&self, name: &str) -> Result<Option<Self>, Failure> {
        let found = self.0.value::<Document>(name);
        let found =
            found.map_err(|_| Failure::invalid_params(format!("{name:?} is not an object")))?;
        Ok(found.map(Self))
    }

    /// An object.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn object(&self, name: &str) -> Result<Self, Failure> {
        self.optional_object(name)?.ok_or_else(|| missing(name))
    }

    /// An array of objects that may be missing.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn optional_objects(&self, name: &str) -> Result<Option<Vec<Self>>, Failure> {
        let found = self.0.value::<Vec<Document>>(name);
        let found = found
            .map_err(|_| Failure::invalid_params(format!("{name:?} is not an array of objects")))?;
        Ok(found.map(|objects| objects.into_iter().map(Self).collect()))
    }

    /// An array of objects.
    ///
    /// # Errors
    /// `InvalidParams`.
    pub fn objects(&self, name: &str) -> Result<Vec<Self>, Failure> {
        self.optional_objects(name)?.ok_or_else(|| missing(name))
    }

    /// An entity in its JSON form: whatever `read` makes of the object.
    ///
    /// # Errors
    /// `InvalidParams`, with what `read` says is wrong.
    pub fn entity<T>(
        &self,
        name: &str,
        read: impl FnOnce(Document) -> Result<T, String>,
    ) -> Result<T, Failure> {
        read(self.object(name)?.0)
            .map_err(|problem| Failure::invalid_params(format!("{name:?}: {problem}")))
    }
}

fn missing(name: &str) -> Failure {
    Failure::invalid_params(format!("{name:?} is missing"))
}

#[cfg(test)]
mod tests {
    use super::Params;
    use crate::{
        driver::failure::{Code, Failure},
        store::{document::Document, error::Kind},
    };

    fn params() -> Params {
        let text = r#"{"text":"t","number":7,"null":null,"array":[{}],"texts":["a"],"object":{},
            "huge":1e400,"lone":"\ud800","negative":-1,"large":99999999999,"secret":"hunter2"}"#;
        Params::new(Document::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_member_of_another_type_is_refused_without_being_shown() {
        let given = params();
        for (name, failure) in [
            ("number", given.text("number").err()),
            ("lone", given.text("lone").err()),
            ("missing", given.text("missing").err()),
            ("null", given.text("null").err()),
            ("array", given.texts("array").err()),
            ("secret", given.texts("secret").err()),
            ("secret", given.boolean("secret").err()),
            ("secret", given.optional_number("secret").err()),
            ("huge", given.optional_count("huge", 1).err()),
            ("secret", given.instant("secret").err()),
            ("secret", given.bytes("secret").err()),
            ("secret", given.optional_object("secret").map(|_| ()).err()),
            ("array", given.object("array").map(|_| ()).err()),
            ("texts", given.objects("texts").map(|_| ()).err()),
        ] {
            let failure = failure.unwrap_or_else(|| panic!("{name} was taken"));
            assert_eq!(failure.code(), Code::InvalidParams, "{failure:?}");
            assert_eq!(failure.kind(), Kind::InvalidArgument, "{failure:?}");
            let said = format!("{failure:?}");
            assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn counts_have_a_least_and_a_largest() {
        let given = params();
        assert_eq!(given.optional_count("missing", 1), Ok(None));
        assert_eq!(given.optional_count("null", 1), Ok(None));
        assert_eq!(given.optional_count("number", 7), Ok(Some(7)));
        assert_eq!(given.optional_count("large", 1), Ok(Some(u32::MAX)));
        for (name, least) in [("number", 8), ("negative", 0)] {
            let code = given.optional_count(name, least).as_ref().map_err(Failure::code).err();
            assert_eq!(code, Some(Code::Failed), "{name} is at least {least}");
        }
    }
}
