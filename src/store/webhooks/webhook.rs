//! A webhook, and its JSON.

use std::fmt;

use crate::{
    seam::{Instant, Payload, Record},
    store::{
        document::Document, encryption::SecretText, fields::updated, instant_text::InstantText,
    },
};

/// The webhook of a DAG. Its JSON has these names in camel case, in this order.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Any record id.
    pub id: String,
    /// Which DAG it starts. Not empty.
    pub dag_name: String,
    /// Never shown.
    pub token_hash: String,
    /// By which a person recognises the token.
    pub token_prefix: String,
    /// Whether it may be called.
    pub enabled: bool,
    /// When it was created; none given: now, or what is stored.
    pub created_at: Option<InstantText>,
    /// When it was changed; none given: now, or what is stored.
    pub updated_at: Option<InstantText>,
    /// Who created it.
    pub created_by: String,
    /// When it was last called. Store-owned: an update leaves it alone.
    pub last_used_at: Option<InstantText>,
    /// `token_only`, `token_and_hmac`, `hmac_only`, or one that another release
    /// knows.
    pub auth_mode: Option<String>,
    /// `strict`, `observe`, or one that another release knows.
    pub hmac_enforcement_mode: Option<String>,
    /// In plain; encrypted at rest. The empty one is none.
    pub hmac_secret: Option<SecretText>,
    /// When the secret was made.
    pub hmac_secret_generated_at: Option<InstantText>,
    /// Members that this release does not know.
    pub unknown: Document,
}

const KNOWN: &[&str] = &[
    "id",
    "dagName",
    "tokenHash",
    "tokenPrefix",
    "enabled",
    "createdAt",
    "updatedAt",
    "createdBy",
    "lastUsedAt",
    "authMode",
    "hmacEnforcementMode",
    ENCRYPTED,
    PLAIN,
    "hmacSecretGeneratedAt",
];

/// The secret's member at rest.
const ENCRYPTED: &str = "hmacSecretEnc";
/// The secret's member between programs; never at rest.
const PLAIN: &str = "hmacSecret";

impl Webhook {
    /// A webhook with nothing but an id and a DAG.
    #[must_use]
    pub fn new(id: impl Into<String>, dag_name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            dag_name: dag_name.into(),
            token_hash: String::new(),
            token_prefix: String::new(),
            enabled: false,
            created_at: None,
            updated_at: None,
            created_by: String::new(),
            last_used_at: None,
            auth_mode: None,
            hmac_enforcement_mode: None,
            hmac_secret: None,
            hmac_secret_generated_at: None,
            unknown: Document::default(),
        }
    }

    /// Reads a webhook's JSON object as programs exchange it: with its secret
    /// in plain, as `hmacSecret`.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub fn from_document(document: Document) -> Result<Self, String> {
        let secret = document.text(PLAIN)?.filter(|secret| !secret.is_empty());
        Ok(Self { hmac_secret: secret.map(SecretText::new), ..Self::without_secret(document)? })
    }

    /// The webhook's JSON object as programs exchange it.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        let secret = self.hmac_secret.as_ref().filter(|secret| !secret.is_empty());
        self.write_to(&mut document, PLAIN, secret.map(SecretText::expose));
        document
    }

    fn without_secret(document: Document) -> Result<Self, String> {
        let text = |name: &str| document.text(name);
        let instant = |name: &str| document.instant(name);
        Ok(Self {
            id: document.required_text("id")?,
            dag_name: document.required_text("dagName")?,
            token_hash: text("tokenHash")?.unwrap_or_default(),
            token_prefix: text("tokenPrefix")?.unwrap_or_default(),
            enabled: document.flag("enabled")?.unwrap_or_default(),
            created_at: instant("createdAt")?,
            updated_at: instant("updatedAt")?,
            created_by: text("createdBy")?.unwrap_or_default(),
            last_used_at: instant("lastUsedAt")?,
            auth_mode: text("authMode")?,
            hmac_enforcement_mode: text("hmacEnforcementMode")?,
            hmac_secret: None,
            hmac_secret_generated_at: instant("hmacSecretGeneratedAt")?,
            unknown: document.without(KNOWN),
        })
    }

    /// Reads the webhook that a record holds, without its secret, and the
    /// secret's ciphertext; instants that its payload does not have are the
    /// record's.
    pub(crate) fn from_record(record: &Record) -> Result<(Self, Option<String>), String> {
        let document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let ciphertext = document.text(ENCRYPTED)?.filter(|text| !text.is_empty());
        let mut webhook = Self::without_secret(document)?;
        if webhook.id != record.id.as_str() {
            return Err("its id is not the record's".to_owned());
        }
        if webhook.dag_name.is_empty() {
            return Err("\"dagName\" is empty".to_owned());
        }
        webhook.created_at.get_or_insert_with(|| record.created_at.into());
        webhook.updated_at.get_or_insert_with(|| record.updated_at.into());
        Ok((webhook, ciphertext))
    }

    /// The payload of a new record.
    pub(super) fn to_payload(&self, ciphertext: Option<&str>) -> Payload {
        let mut document = Document::default();
        self.write_to(&mut document, ENCRYPTED, ciphertext);
        document.to_payload()
    }

    /// What an update by `self` makes of the record of `stored`.
    pub(super) fn merged_into(
        &self,
        record: &Record,
        stored: Self,
        ciphertext: Option<&str>,
    ) -> Result<Payload, String> {
        let mut document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let next = Self {
            // It never changes.
            created_at: stored.created_at,
            updated_at: updated(self.updated_at.clone(), stored.updated_at),
            // It is the store's.
            last_used_at: stored.last_used_at,
            hmac_secret_generated_at: self
                .hmac_secret_generated_at
                .clone()
                .and_then(|given| updated(Some(given), stored.hmac_secret_generated_at)),
            ..self.clone()
        };
        next.write_to(&mut document, ENCRYPTED, ciphertext);
        Ok(document.to_payload())
    }

    /// What the use of `self`, which is what `record` holds, makes of it: nothing
    /// else changes.
    pub(super) fn used_at(&self, record: &Record, now: Instant) -> Payload {
        let mut document = Document::parse(record.data.bytes()).unwrap_or_default();
        // The record's own time of change, which stands for one that the
        // payload lacks, is about to move.
        document.set_or_remove_instant("updatedAt", self.updated_at.as_ref());
        document.set_or_remove_instant("lastUsedAt", Some(&now.into()));
        document.to_payload()
    }

    /// Sets what is known and given, removes what is known and not given, and
    /// sets what is unknown and given. The secret goes to the member
    /// `secret_name`.
    fn write_to(&self, document: &mut Document, secret_name: &str, secret: Option<&str>) {
        document.set_text("id", &self.id);
        document.set_text("dagName", &self.dag_name);
        document.set_text("tokenHash", &self.token_hash);
        document.set_text("tokenPrefix", &self.token_prefix);
        document.set_bool("enabled", self.enabled);
        document.set_or_remove_instant("createdAt", self.created_at.as_ref());
        document.set_or_remove_instant("updatedAt", self.updated_at.as_ref());
        document.set_text("createdBy", &self.created_by);
        document.set_or_remove_instant("lastUsedAt", self.last_used_at.as_ref());
        document.set_or_remove_text("authMode", self.auth_mode.as_deref());
        let mode = self.hmac_enforcement_mode.as_deref();
        document.set_or_remove_text("hmacEnforcementMode", mode);
        document.set_or_remove_text(secret_name, secret);
        let generated_at = self.hmac_secret_generated_at.as_ref();
        document.set_or_remove_instant("hmacSecretGeneratedAt", generated_at);
        document.merge(&self.unknown.clone().without(KNOWN));
    }
}

/// Without the hash of the token and without the secret.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("dag_name", &self.dag_name)
            .field("token_prefix", &self.token_prefix)
            .field("enabled", &self.enabled)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("created_by", &self.created_by)
            .field("last_used_at", &self.last_used_at)
            .field("auth_mode", &self.auth_mode)
            .field("hmac_enforcement_mode", &self.hmac_enforcement_mode)
            .field("hmac_secret_generated_at", &self.hmac_secret_generated_at)
            .field("unknown", &self.unknown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Webhook;
    use crate::{
        seam::{Instant, Payload, Record, RecordId},
        store::{document::Document, encryption::SecretText, instant_text::InstantText},
    };

    fn record(json: &str) -> Record {
        let id = RecordId::new("w").unwrap();
        Record::json(id, Payload::json(json.as_bytes()).unwrap(), Instant::ZERO)
    }

    fn read(json: &str) -> (Webhook, Option<String>) {
        Webhook::from_record(&record(json)).unwrap()
    }

    fn update(given: &Webhook, json: &str, ciphertext: Option<&str>) -> String {
        let merged = given.merged_into(&record(json), read(json).0, ciphertext).unwrap();
        merged.to_text_lossy().into_owned()
    }

    const FULL: &str = r#"{"id":"w","dagName":"etl","tokenHash":"h","tokenPrefix":"p","enabled":true,"createdAt":"2026-01-01T00:00:00.25+09:00","updatedAt":"2026-01-02T00:00:00.0Z","createdBy":"u","lastUsedAt":"2026-05-01T00:00:00+02:00","authMode":"hmac_only","hmacEnforcementMode":"strict","hmacSecretEnc":"c","hmacSecretGeneratedAt":"2026-01-04T00:00:00.0Z","x":1e400}"#;

    #[test]
    fn a_webhook_is_written_as_it_was_read() {
        for json in [
            FULL,
            r#"{"id":"w","dagName":"etl","tokenHash":"","tokenPrefix":"","enabled":false,"createdAt":"0001-01-01T00:00:00Z","updatedAt":"0001-01-01T00:00:00Z","createdBy":""}"#,
        ] {
            let (webhook, ciphertext) = read(json);
            assert_eq!(webhook.to_payload(ciphertext.as_deref()).to_text_lossy(), json);
        }
    }

    #[test]
    fn programs_exchange_the_secret_in_plain_and_records_never_hold_it_so() {
        let json = r#"{"id":"w","dagName":"etl","hmacSecret":"hunter2","hmacSecretEnc":"c"}"#;
        let webhook = Webhook::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap();
        assert_eq!(webhook.hmac_secret, Some(SecretText::new("hunter2")));
        let exchanged = webhook.to_document().to_text();
        assert!(exchanged.contains(r#""hmacSecret":"hunter2""#) && !exchanged.contains("Enc"));
        let kept = webhook.to_payload(Some("d")).to_text_lossy().into_owned();
        assert!(kept.contains(r#""hmacSecretEnc":"d""#) && !kept.contains("hunter2"), "{kept}");
        let empty = Document::parse(br#"{"id":"w","dagName":"etl","hmacSecret":""}"#).unwrap();
        assert_eq!(Webhook::from_document(empty).unwrap().hmac_secret, None);
        assert_eq!(read(r#"{"id":"w","dagName":"etl","hmacSecretEnc":""}"#).1, None);
    }

    #[test]
    fn an_update_keeps_what_is_the_stores_and_what_is_unknown() {
        let mut given = Webhook::new("w", "new");
        given.last_used_at = Some(Instant::UNIX_EPOCH.into());
        given.created_at = Some(Instant::UNIX_EPOCH.into());
        assert_eq!(
            update(&given, FULL, None),
            r#"{"id":"w","dagName":"new","tokenHash":"","tokenPrefix":"","enabled":false,"createdAt":"2026-01-01T00:00:00.25+09:00","updatedAt":"2026-01-02T00:00:00.0Z","createdBy":"","lastUsedAt":"2026-05-01T00:00:00+02:00","x":1e400}"#
        );
    }

    #[test]
    fn an_equal_instant_keeps_its_text() {
        let (mut given, ciphertext) = read(FULL);
        given.updated_at = InstantText::parse("2026-01-02T00:00:00Z");
        given.hmac_secret_generated_at = InstantText::parse("2026-01-04T00:00:00Z");
        assert_eq!(update(&given, FULL, ciphertext.as_deref()), FULL);
    }

    #[test]
    fn a_use_touches_nothing_else() {
        let (webhook, _) = read(FULL);
        let used = webhook.used_at(&record(FULL), Instant::UNIX_EPOCH);
        let expected = FULL.replace("2026-05-01T00:00:00+02:00", "1970-01-01T00:00:00Z");
        assert_eq!(used.to_text_lossy(), expected);
        // The record's own time moves with the write: what stood for the
        // webhook's must be kept.
        let bare = r#"{"id":"w","dagName":"etl"}"#;
        let used = read(bare).0.used_at(&record(bare), Instant::UNIX_EPOCH);
        let again = read(&used.to_text_lossy()).0;
        assert_eq!(again.updated_at, Some(Instant::ZERO.into()));
        assert_eq!(again.created_at, Some(Instant::ZERO.into()));
    }

    #[test]
    fn what_is_no_webhook_says_why_and_shows_nothing() {
        for (json, problem) in [
            ("[]", "no JSON object"),
            ("{}", "\"id\""),
            (r#"{"id":"w"}"#, "\"dagName\""),
            (r#"{"id":"v","dagName":"hunter2"}"#, "not the record's"),
            (r#"{"id":"w","dagName":"hunter2","createdAt":"today"}"#, "\"createdAt\""),
            (r#"{"id":"w","dagName":"hunter2","enabled":1}"#, "\"enabled\""),
            (r#"{"id":"w","dagName":"hunter2","hmacSecretEnc":{}}"#, "\"hmacSecretEnc\""),
            (r#"{"id":"w","dagName":"hunter2","tokenHash":"\ud800"}"#, "\"tokenHash\""),
        ] {
            let said = Webhook::from_record(&record(json)).expect_err(json);
            assert!(said.contains(problem) && !said.contains("hunter2"), "{json}: {said}");
        }
    }

    #[test]
    fn neither_the_hash_nor_the_secret_is_shown() {
        let mut webhook = Webhook::new("w", "etl");
        webhook.token_hash = "hunter2".into();
        webhook.hmac_secret = Some(SecretText::new("hunter2"));
        let debug = format!("{webhook:?}");
        assert!(!debug.contains("hunter2") && debug.contains("etl"), "{debug}");
    }
}
