//! What is stored of a secret: the secret itself and the ciphertexts of all its
//! values, `{"secret": {…}, "versions": […]}`.

use serde_json::value::RawValue;

use super::{SecretValue, secret::Secret};
use crate::{
    seam::{Payload, Record},
    store::{document::Document, fields::updated},
};

/// A stored secret.
pub(crate) struct Stored {
    /// The whole payload.
    document: Document,
    /// Its member `secret`.
    inner: Document,
    /// The same, read.
    pub(crate) secret: Secret,
    /// The members of `versions`, as they are written, with their numbers.
    versions: Vec<Version>,
}

struct Version {
    number: u64,
    ciphertext: String,
    written: Box<RawValue>,
}

impl Stored {
    /// The stored form of a new secret, without a value.
    pub(super) fn new(secret: Secret) -> Self {
        Self {
            document: Document::default(),
            inner: Document::default(),
            secret,
            versions: Vec::new(),
        }
    }

    /// Reads the secret that a record holds; instants that its payload does not
    /// have are the record's.
    pub(crate) fn from_record(record: &Record) -> Result<Self, String> {
        let document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let inner = document.value::<Document>("secret");
        let inner = inner.map_err(|_| "\"secret\" is not an object")?;
        let inner = inner.ok_or("\"secret\" is missing")?;
        let mut secret = Secret::from_document(inner.clone())?;
        if secret.id != record.id.as_str() {
            return Err("its ID is not the record's".to_owned());
        }
        secret.created_at.get_or_insert_with(|| record.created_at.into());
        secret.updated_at.get_or_insert_with(|| record.updated_at.into());
        let versions = document
            .value::<Vec<Box<RawValue>>>("versions")
            .map_err(|_| "\"versions\" is not an array")?
            .unwrap_or_default();
        let versions = versions.into_iter().map(Version::read).collect::<Result<_, _>>()?;
        Ok(Self { document, inner, secret, versions })
    }

    /// The number that the next value gets; none when there are no more.
    ///
    /// Numbers are never used again, also where what is stored disagrees with
    /// itself.
    pub(super) fn next_version(&self) -> Option<u64> {
        let used = self.versions.iter().map(|version| version.number);
        used.fold(self.secret.current_version, u64::max).checked_add(1)
    }

    /// Adds the newest value, whose stored form is `ciphertext`, and notes it in
    /// the secret. The value's `created_at` is set.
    pub(super) fn append(&mut self, number: u64, value: &SecretValue, ciphertext: &str) {
        let mut entry = Document::default();
        entry.set_text("secret_id", &self.secret.id);
        entry.set_count("version", number);
        entry.set_text("encrypted_value", ciphertext);
        // Older software leaves it out where it is empty.
        if !value.created_by.is_empty() {
            entry.set_text("created_by", &value.created_by);
        }
        entry.set_or_remove_instant("created_at", value.created_at.as_ref());
        self.versions.extend(entry.to_raw().map(|written| Version {
            number,
            ciphertext: ciphertext.to_owned(),
            written,
        }));
        let secret = &mut self.secret;
        secret.current_version = number;
        secret.updated_by.clone_from(&value.created_by);
        let at = &value.created_at;
        secret.updated_at = updated(at.clone(), secret.updated_at.take());
        secret.last_rotated_at = updated(at.clone(), secret.last_rotated_at.take());
    }

    /// The stored form of the value of that number.
    pub(super) fn ciphertext(&self, number: u64) -> Option<&str> {
        let version = self.versions.iter().rev().find(|version| version.number == number);
        version.map(|version| &*version.ciphertext)
    }

    /// All values, by number: what is known of each (`version`, `created_by`,
    /// empty where nobody is named, and `created_at`), and its stored form.
    pub(crate) fn values(&self) -> Result<Vec<(Document, &str)>, String> {
        let mut versions: Vec<&Version> = self.versions.iter().collect();
        versions.sort_by_key(|version| version.number);
        let known = |version: &Version| {
            let written = Document::parse(version.written.get().as_bytes()).unwrap_or_default();
            let mut known = Document::default();
            known.set_count("version", version.number);
            known.set_text("created_by", &written.text("created_by")?.unwrap_or_default());
            known.set_instant_or_null("created_at", written.instant("created_at")?.as_ref());
            Ok(known)
        };
        let in_place = |problem: String| format!("one of its \"versions\": {problem}");
        versions
            .into_iter()
            .map(|version| Ok((known(version).map_err(in_place)?, &*version.ciphertext)))
            .collect()
    }

    /// The payload.
    pub(super) fn to_payload(&self) -> Payload {
        let (mut document, mut inner) = (self.document.clone(), self.inner.clone());
        self.secret.write_to(&mut inner);
        document.set_or_remove("secret", inner.to_raw());
        // Older software leaves out the empty list.
        if !self.versions.is_empty() {
            let versions: Vec<_> = self.versions.iter().map(|version| &version.written).collect();
            document.set_or_remove("versions", serde_json::value::to_raw_value(&versions).ok());
        }
        document.to_payload()
    }
}

impl Version {
    fn read(written: Box<RawValue>) -> Result<Self, String> {
        let damaged = |problem: String| format!("one of its \"versions\": {problem}");
        let entry = Document::parse(written.get().as_bytes());
        let entry = entry.ok_or_else(|| damaged("it is no object".to_owned()))?;
        let number = entry.count("version").map_err(damaged)?;
        let ciphertext = entry.text("encrypted_value").map_err(damaged)?;
        match (number, ciphertext) {
            (Some(number), Some(ciphertext)) => Ok(Self { number, ciphertext, written }),
            (None, _) => Err(damaged("\"version\" is missing".to_owned())),
            (_, None) => Err(damaged("\"encrypted_value\" is missing".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{SecretValue, Stored};
    use crate::{
        seam::{Instant, Payload, Record, RecordId},
        store::encryption::SecretText,
    };

    fn record(json: &str) -> Record {
        let id = RecordId::new("s").unwrap();
        Record::json(id, Payload::json(json.as_bytes()).unwrap(), Instant::ZERO)
    }

    fn read(json: &str) -> Stored {
        Stored::from_record(&record(json)).unwrap_or_else(|problem| panic!("{json}: {problem}"))
    }

    fn inner(current_version: u64) -> String {
        format!(
            r#"{{"ID":"s","Workspace":"ops","Ref":"a","Description":"","ProviderType":"dagu-managed","ProviderConnectionID":"","ProviderRef":"","ProviderRefFingerprint":"","CurrentVersion":{current_version},"Status":"active","CreatedBy":"","CreatedAt":"0001-01-01T00:00:00Z","UpdatedBy":"u","UpdatedAt":"1970-01-01T00:00:00Z","LastCheckedAt":null,"LastResolvedAt":null,"LastRotatedAt":"1970-01-01T00:00:00Z","new":1e400}}"#
        )
    }

    fn value() -> SecretValue {
        SecretValue {
            value: SecretText::new("hunter2"),
            created_by: "u".into(),
            created_at: Some(Instant::UNIX_EPOCH.into()),
        }
    }

    #[test]
    fn what_is_stored_is_kept_member_by_member() {
        let json = format!(
            r#"{{"x":1e400,"secret":{},"versions":[{{"version":1,"encrypted_value":"c","y": [1e400]}}],"z":null}}"#,
            inner(1)
        );
        assert_eq!(read(&json).to_payload().to_text_lossy(), json);
        let without_values = format!(r#"{{"secret":{}}}"#, inner(0));
        assert_eq!(read(&without_values).to_payload().to_text_lossy(), without_values);
    }

    #[test]
    fn a_value_is_appended_after_the_others() {
        let old = r#"{"version":1,"encrypted_value":"c","y": 1}"#;
        let mut stored = read(&format!(r#"{{"secret":{},"versions":[{old}]}}"#, inner(1)));
        let next = stored.next_version().unwrap();
        stored.append(next, &value(), "d");
        let new = r#"{"secret_id":"s","version":2,"encrypted_value":"d","created_by":"u","created_at":"1970-01-01T00:00:00Z"}"#;
        let expected = format!(r#"{{"secret":{},"versions":[{old},{new}]}}"#, inner(2));
        assert_eq!(stored.to_payload().to_text_lossy(), expected);
        assert_eq!(stored.ciphertext(2), Some("d"));
    }

    #[test]
    fn a_number_is_never_used_again() {
        for (current, versions, next) in [
            (0, "", Some(1)),
            (3, "", Some(4)),
            (1, r#"{"version":5,"encrypted_value":""}"#, Some(6)),
            (u64::MAX, "", None),
        ] {
            let json = format!(r#"{{"secret":{},"versions":[{versions}]}}"#, inner(current));
            assert_eq!(read(&json).next_version(), next);
        }
    }

    #[test]
    fn what_is_no_secret_says_why_and_shows_nothing() {
        for (json, problem) in [
            ("[]", "no JSON object"),
            ("{}", "\"secret\" is missing"),
            (r#"{"secret":null,"versions":[]}"#, "\"secret\" is missing"),
            (r#"{"secret":"hunter2"}"#, "\"secret\" is not an object"),
            (r#"{"secret":{"Ref":"hunter2"}}"#, "\"ID\""),
            (r#"{"secret":{"ID":"hunter2"}}"#, "not the record's"),
            (r#"{"secret":{"ID":"s","CurrentVersion":-1}}"#, "\"CurrentVersion\""),
            (r#"{"secret":{"ID":"s","LastResolvedAt":"hunter2"}}"#, "\"LastResolvedAt\""),
            (r#"{"secret":{"ID":"s"},"versions":"hunter2"}"#, "\"versions\""),
            (r#"{"secret":{"ID":"s"},"versions":["hunter2"]}"#, "no object"),
            (r#"{"secret":{"ID":"s"},"versions":[{"encrypted_value":"hunter2"}]}"#, "\"version\""),
            (r#"{"secret":{"ID":"s"},"versions":[{"version":1}]}"#, "\"encrypted_value\""),
        ] {
            let said = Stored::from_record(&record(json)).err().unwrap_or_default();
            assert!(said.contains(problem) && !said.contains("hunter2"), "{json}: {said}");
        }
    }

    proptest! {
        /// Whatever lies there: it is a secret, which can then be written, or the
        /// problem is told.
        #[test]
        fn no_payload_is_too_strange(
            secret in r#"null|7|\[\]|\{("ID":("s"|7|null),?)?("CurrentVersion":(0|1|-1|1e400|18446744073709551615))?\}"#,
            versions in r#"null|7|\{\}|\[(\{"version":(1|-1|null|18446744073709551615),"encrypted_value":("c"|null|7)\}|null)?\]"#,
        ) {
            let json = format!(r#"{{"secret":{secret},"versions":{versions}}}"#);
            let payload = Payload::new(json.into_bytes());
            let record = Record::json(RecordId::new("s").unwrap(), payload, Instant::ZERO);
            if let Ok(mut stored) = Stored::from_record(&record)
                && let Some(number) = stored.next_version()
            {
                stored.append(number, &value(), "d");
                prop_assert!(stored.to_payload().is_json());
                prop_assert_eq!(stored.ciphertext(number), Some("d"));
            }
        }
    }
}
