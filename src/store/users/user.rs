//! A user, and its JSON.

use std::fmt;

use crate::{
    seam::{Payload, Record},
    store::{
        document::Document, fields::updated, instant_text::InstantText,
        workspace_access::WorkspaceAccess,
    },
};

/// A user. Its JSON has these names, in this order.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Any record id.
    pub id: String,
    /// Not empty.
    pub username: String,
    /// Never shown.
    pub password_hash: String,
    /// `admin`, `manager`, `developer`, `operator`, `viewer`, empty, or one that
    /// another release knows.
    pub role: String,
    /// None: all workspaces.
    pub workspace_access: Option<WorkspaceAccess>,
    /// When it was created; none given: now, or what is stored.
    pub created_at: Option<InstantText>,
    /// When it was changed; none given: now, or what is stored.
    pub updated_at: Option<InstantText>,
    /// Who vouches for the user.
    pub auth_provider: Option<String>,
    /// The issuer of the external identity.
    pub oidc_issuer: Option<String>,
    /// The subject of the external identity.
    pub oidc_subject: Option<String>,
    /// Whether the user may not log in.
    pub is_disabled: Option<bool>,
    /// Members that this release does not know.
    pub unknown: Document,
}

const KNOWN: &[&str] = &[
    "id",
    "username",
    "password_hash",
    "role",
    "workspace_access",
    "created_at",
    "updated_at",
    "auth_provider",
    "oidc_issuer",
    "oidc_subject",
    "is_disabled",
];

impl User {
    /// A user with nothing but an id and a name.
    #[must_use]
    pub fn new(id: impl Into<String>, username: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            username: username.into(),
            password_hash: String::new(),
            role: String::new(),
            workspace_access: None,
            created_at: None,
            updated_at: None,
            auth_provider: None,
            oidc_issuer: None,
            oidc_subject: None,
            is_disabled: None,
            unknown: Document::default(),
        }
    }

    /// Reads a user's JSON object. A missing hash or role is empty. Whether id
    /// and name are acceptable is for the store to judge.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub fn from_document(document: Document) -> Result<Self, String> {
        Ok(Self {
            id: document.required_text("id")?,
            username: document.required_text("username")?,
            password_hash: document.text("password_hash")?.unwrap_or_default(),
            role: document.text("role")?.unwrap_or_default(),
            workspace_access: WorkspaceAccess::of(&document)?,
            created_at: document.instant("created_at")?,
            updated_at: document.instant("updated_at")?,
            auth_provider: document.text("auth_provider")?,
            oidc_issuer: document.text("oidc_issuer")?,
            oidc_subject: document.text("oidc_subject")?,
            is_disabled: document.flag("is_disabled")?,
            unknown: document.without(KNOWN),
        })
    }

    /// The user's JSON object.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        self.write_to(&mut document);
        document
    }

    /// Reads the user that a record holds; instants that its payload does not
    /// have are the record's.
    pub(crate) fn from_record(record: &Record) -> Result<Self, String> {
        let document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let mut user = Self::from_document(document)?;
        if user.id != record.id.as_str() {
            return Err("its id is not the record's".to_owned());
        }
        if user.username.is_empty() {
            return Err("\"username\" is empty".to_owned());
        }
        user.created_at.get_or_insert_with(|| record.created_at.into());
        user.updated_at.get_or_insert_with(|| record.updated_at.into());
        Ok(user)
    }

    /// What an update by `self` makes of a stored user.
    pub(super) fn merged_into(&self, record: &Record) -> Result<Payload, String> {
        let stored = Self::from_record(record)?;
        let mut document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let mut next = self.clone();
        // It never changes.
        next.created_at = stored.created_at;
        next.updated_at = updated(next.updated_at, stored.updated_at);
        next.write_to(&mut document);
        Ok(document.to_payload())
    }

    /// Sets what is known and given, removes what is known and not given, and
    /// sets what is unknown and given.
    fn write_to(&self, document: &mut Document) {
        document.set_text("id", &self.id);
        document.set_text("username", &self.username);
        document.set_text("password_hash", &self.password_hash);
        document.set_text("role", &self.role);
        let access = self.workspace_access.as_ref().and_then(WorkspaceAccess::to_raw);
        document.set_or_remove("workspace_access", access);
        document.set_or_remove_instant("created_at", self.created_at.as_ref());
        document.set_or_remove_instant("updated_at", self.updated_at.as_ref());
        document.set_or_remove_text("auth_provider", self.auth_provider.as_deref());
        document.set_or_remove_text("oidc_issuer", self.oidc_issuer.as_deref());
        document.set_or_remove_text("oidc_subject", self.oidc_subject.as_deref());
        document.set_or_remove_flag("is_disabled", self.is_disabled);
        document.merge(&self.unknown.clone().without(KNOWN));
    }
}

/// Without the hash of the password.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("username", &self.username)
            .field("role", &self.role)
            .field("workspace_access", &self.workspace_access)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("auth_provider", &self.auth_provider)
            .field("oidc_issuer", &self.oidc_issuer)
            .field("oidc_subject", &self.oidc_subject)
            .field("is_disabled", &self.is_disabled)
            .field("unknown", &self.unknown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::User;
    use crate::{
        seam::{Instant, Payload, Record, RecordId},
        store::document::Document,
    };

    fn user(json: &str) -> User {
        User::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap()
    }

    fn record(json: &str) -> Record {
        let id = RecordId::new("u").unwrap();
        Record::json(id, Payload::json(json.as_bytes()).unwrap(), Instant::ZERO)
    }

    const FULL: &str = r#"{"id":"u","username":"ann","password_hash":"h\\\"q","role":"viewer","workspace_access":{"all":false,"grants":[{"workspace":"ops","role":"operator","x":1e400}],"y":[]},"created_at":"2026-01-01T09:00:00+09:00","updated_at":"2026-01-01T00:00:00.50Z","auth_provider":"oidc","oidc_issuer":"i","oidc_subject":"s","is_disabled":false,"z":123456789012345678901234567890}"#;

    #[test]
    fn a_user_is_written_as_it_was_read() {
        for json in [
            FULL,
            r#"{"id":"u","username":"ann","password_hash":"","role":""}"#,
            r#"{"id":"u","username":"ann","password_hash":"","role":"","workspace_access":{"all":true},"oidc_issuer":""}"#,
        ] {
            assert_eq!(user(json).to_document().to_text(), json);
        }
    }

    #[test]
    fn what_is_no_user_says_why_and_shows_nothing() {
        for (json, problem) in [
            ("[]", "no JSON object"),
            ("{}", "\"id\""),
            (r#"{"id":"u"}"#, "\"username\""),
            (r#"{"id":"u","username":7}"#, "\"username\""),
            (r#"{"id":"u","username":"","role":"secret"}"#, "\"username\" is empty"),
            (r#"{"id":"v","username":"secret"}"#, "not the record's"),
            (r#"{"id":"u","username":"secret","created_at":"today"}"#, "\"created_at\""),
            (r#"{"id":"u","username":"secret","workspace_access":[]}"#, "workspace_access"),
            (r#"{"id":"u","username":"secret","workspace_access":{"grants":[1]}}"#, "grants"),
            (r#"{"id":"u","username":"secret","is_disabled":"no"}"#, "is_disabled"),
            (r#"{"id":"\ud800","username":"secret"}"#, "\"id\""),
        ] {
            let said = User::from_record(&record(json)).expect_err(json);
            assert!(said.contains(problem) && !said.contains("secret"), "{json}: {said}");
        }
    }

    #[test]
    fn an_update_merges_at_the_top_level() {
        let mut given = user(r#"{"id":"u","username":"bob","role":"admin","new":1}"#);
        given.created_at = Some(Instant::UNIX_EPOCH.into());
        let merged = given.merged_into(&record(FULL)).unwrap();
        assert_eq!(
            merged.to_text_lossy(),
            r#"{"id":"u","username":"bob","password_hash":"","role":"admin","created_at":"2026-01-01T09:00:00+09:00","updated_at":"2026-01-01T00:00:00.50Z","z":123456789012345678901234567890,"new":1}"#
        );
    }

    #[test]
    fn an_equal_instant_keeps_its_text_and_another_is_the_callers() {
        let mut given = user(FULL);
        given.updated_at = crate::store::instant_text::InstantText::parse("2026-01-01T00:00:00.5Z");
        let same = given.merged_into(&record(FULL)).unwrap();
        assert_eq!(same.to_text_lossy(), FULL);
        given.updated_at = Some(Instant::ZERO.into());
        let earlier = given.merged_into(&record(FULL)).unwrap();
        assert!(earlier.to_text_lossy().contains(r#""updated_at":"0001-01-01T00:00:00Z""#));
    }

    #[test]
    fn the_hash_is_never_shown() {
        let debug = format!("{:?}", User { password_hash: "hunter2".into(), ..user(FULL) });
        assert!(!debug.contains("hunter2") && debug.contains("ann"), "{debug}");
    }
}
