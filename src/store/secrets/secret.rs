//! A secret: what is known of it, its rules, and its JSON. Its values are in
//! `stored.rs`.

use crate::store::{document::Document, fields::updated, instant_text::InstantText};

/// What is known of a secret, without its values. Its JSON has these names in
/// camel case with a capital (`ID`, `Workspace`, `Ref` …), in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Any record id.
    pub id: String,
    /// `.global`, or letters, digits, `_` and `-`, but not `all`, `default` or
    /// `global` in any case. The empty one stands for `.global`.
    pub workspace: String,
    /// Levels of `[a-z0-9][a-z0-9-]*`, separated by `/`.
    pub reference: String,
    /// What it is for.
    pub description: String,
    /// One of [`PROVIDERS`]; only the first keeps values here.
    pub provider_type: String,
    /// By which connection a foreign provider is reached.
    pub provider_connection_id: String,
    /// What the secret is called there.
    pub provider_ref: String,
    /// Tells whether that changed.
    pub provider_ref_fingerprint: String,
    /// The number of the newest value; 0: there is none. Store-owned.
    pub current_version: u64,
    /// `active`, `disabled`, or one that another release knows.
    pub status: String,
    /// Who created it.
    pub created_by: String,
    /// When it was created; none given: now, or what is stored.
    pub created_at: Option<InstantText>,
    /// Who changed it.
    pub updated_by: String,
    /// When it was changed; none given: now, or what is stored.
    pub updated_at: Option<InstantText>,
    /// When a foreign provider was last asked.
    pub last_checked_at: Option<InstantText>,
    /// When it was last resolved. Store-owned.
    pub last_resolved_at: Option<InstantText>,
    /// When its newest value was written. Store-owned.
    pub last_rotated_at: Option<InstantText>,
    /// Members that this release does not know.
    pub unknown: Document,
}

/// The provider that keeps values here.
pub const MANAGED: &str = "dagu-managed";

/// The providers, the one that keeps values here first.
pub const PROVIDERS: &[&str] = &[
    MANAGED,
    "vault",
    "kubernetes",
    "gcp-secret-manager",
    "aws-secrets-manager",
    "azure-key-vault",
];

/// The workspace that stands for none.
pub const GLOBAL: &str = ".global";

/// The status of a secret that is not resolved.
pub const DISABLED: &str = "disabled";

const KNOWN: &[&str] = &[
    "ID",
    "Workspace",
    "Ref",
    "Description",
    "ProviderType",
    "ProviderConnectionID",
    "ProviderRef",
    "ProviderRefFingerprint",
    "CurrentVersion",
    "Status",
    "CreatedBy",
    "CreatedAt",
    "UpdatedBy",
    "UpdatedAt",
    "LastCheckedAt",
    "LastResolvedAt",
    "LastRotatedAt",
];

/// The workspace that a text stands for, if it can be one.
pub(super) fn workspace(text: &str) -> Option<&str> {
    if text.is_empty() || text == GLOBAL {
        return Some(GLOBAL);
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let reserved = ["all", "default", "global"];
    let taken = reserved.iter().any(|reserved| text.eq_ignore_ascii_case(reserved));
    (text.chars().all(legal) && !taken).then_some(text)
}

/// Whether a text can be a reference.
pub(super) fn is_reference(text: &str) -> bool {
    let letter = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.split('/').all(|level| {
        level.as_bytes().first().is_some_and(letter)
            && level.bytes().all(|b| letter(&b) || b == b'-')
    })
}

impl Secret {
    /// An active secret whose values are kept here.
    #[must_use]
    pub fn new(
        id: impl Into<String>,
        workspace: impl Into<String>,
        reference: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            workspace: workspace.into(),
            reference: reference.into(),
            description: String::new(),
            provider_type: MANAGED.to_owned(),
            provider_connection_id: String::new(),
            provider_ref: String::new(),
            provider_ref_fingerprint: String::new(),
            current_version: 0,
            status: "active".to_owned(),
            created_by: String::new(),
            created_at: None,
            updated_by: String::new(),
            updated_at: None,
            last_checked_at: None,
            last_resolved_at: None,
            last_rotated_at: None,
            unknown: Document::default(),
        }
    }

    /// Reads a secret's JSON object: the inner `secret` of what is stored. An
    /// empty or missing workspace, which older software left, is `.global`;
    /// any other missing text is empty.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub fn from_document(document: Document) -> Result<Self, String> {
        let text = |name: &str| document.text(name).map(Option::unwrap_or_default);
        let instant = |name: &str| document.instant(name);
        let named = document.text("Workspace")?.filter(|text| !text.is_empty());
        Ok(Self {
            id: document.required_text("ID")?,
            workspace: named.unwrap_or_else(|| GLOBAL.to_owned()),
            reference: text("Ref")?,
            description: text("Description")?,
            provider_type: text("ProviderType")?,
            provider_connection_id: text("ProviderConnectionID")?,
            provider_ref: text("ProviderRef")?,
            provider_ref_fingerprint: text("ProviderRefFingerprint")?,
            current_version: document.count("CurrentVersion")?.unwrap_or_default(),
            status: text("Status")?,
            created_by: text("CreatedBy")?,
            created_at: instant("CreatedAt")?,
            updated_by: text("UpdatedBy")?,
            updated_at: instant("UpdatedAt")?,
            last_checked_at: instant("LastCheckedAt")?,
            last_resolved_at: instant("LastResolvedAt")?,
            last_rotated_at: instant("LastRotatedAt")?,
            unknown: document.without(KNOWN),
        })
    }

    /// The secret's JSON object.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        self.write_to(&mut document);
        document
    }

    /// What an update by `self` makes of a stored secret.
    pub(super) fn merged_with(&self, stored: &Self) -> Self {
        Self {
            // It never changes.
            created_at: stored.created_at.clone(),
            updated_at: updated(self.updated_at.clone(), stored.updated_at.clone()),
            last_checked_at: self
                .last_checked_at
                .clone()
                .and_then(|given| updated(Some(given), stored.last_checked_at.clone())),
            // They are the store's.
            current_version: stored.current_version,
            last_resolved_at: stored.last_resolved_at.clone(),
            last_rotated_at: stored.last_rotated_at.clone(),
            ..self.clone()
        }
    }

    /// Sets what is known, and what is unknown and given.
    pub(super) fn write_to(&self, document: &mut Document) {
        document.set_text("ID", &self.id);
        document.set_text("Workspace", &self.workspace);
        document.set_text("Ref", &self.reference);
        document.set_text("Description", &self.description);
        document.set_text("ProviderType", &self.provider_type);
        document.set_text("ProviderConnectionID", &self.provider_connection_id);
        document.set_text("ProviderRef", &self.provider_ref);
        document.set_text("ProviderRefFingerprint", &self.provider_ref_fingerprint);
        document.set_count("CurrentVersion", self.current_version);
        document.set_text("Status", &self.status);
        document.set_text("CreatedBy", &self.created_by);
        document.set_or_remove_instant("CreatedAt", self.created_at.as_ref());
        document.set_text("UpdatedBy", &self.updated_by);
        document.set_or_remove_instant("UpdatedAt", self.updated_at.as_ref());
        document.set_instant_or_null("LastCheckedAt", self.last_checked_at.as_ref());
        document.set_instant_or_null("LastResolvedAt", self.last_resolved_at.as_ref());
        document.set_instant_or_null("LastRotatedAt", self.last_rotated_at.as_ref());
        document.merge(&self.unknown.clone().without(KNOWN));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{GLOBAL, Secret, is_reference, workspace};
    use crate::store::document::Document;

    #[test]
    fn a_workspace_is_global_or_a_plain_name() {
        assert_eq!([workspace(""), workspace(".global")], [Some(GLOBAL); 2]);
        for text in ["ops", "data_eng", "A-1", "-", "_", "allx", "globals"] {
            assert_eq!(workspace(text), Some(text));
        }
        for text in
            ["all", "ALL", "Default", "global", "GLOBAL", ".Global", ".ops", "a b", "é", "a/b", "."]
        {
            assert_eq!(workspace(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_reference_is_made_of_plain_levels() {
        for text in ["a", "0", "prod/db-password", "a-", "a/b/c", "a--b"] {
            assert!(is_reference(text), "{text:?}");
        }
        for text in ["", "/", "a/", "/a", "a//b", "-a", "A", "a_b", "a.b", "é", "a b", "..", "a\n"]
        {
            assert!(!is_reference(text), "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_written_as_it_was_read() {
        let json = r#"{"ID":"s","Workspace":"ops","Ref":"a/b","Description":"d","ProviderType":"vault","ProviderConnectionID":"c","ProviderRef":"r","ProviderRefFingerprint":"f","CurrentVersion":3,"Status":"active","CreatedBy":"u","CreatedAt":"2026-01-01T00:00:00.50+09:00","UpdatedBy":"v","UpdatedAt":"2026-01-01T00:00:00.0Z","LastCheckedAt":null,"LastResolvedAt":"2026-01-06T00:00:00.9Z","LastRotatedAt":null,"x":1e400}"#;
        let secret = Secret::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap();
        assert_eq!(secret.to_document().to_text(), json);
    }

    #[test]
    fn an_empty_workspace_of_older_software_is_global() {
        for json in [r#"{"ID":"s","Workspace":"","Ref":"a"}"#, r#"{"ID":"s","Ref":"a"}"#] {
            let secret = Secret::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap();
            assert_eq!(secret.workspace, GLOBAL);
        }
    }

    /// "Empty means `.global`; otherwise letters, digits, `_`, `-`, and not
    /// `all`, `default`, `global` in any case", said by what is not allowed.
    fn expected_workspace(text: &str) -> Option<&str> {
        let foreign = |c: char| !matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-');
        match text.to_lowercase().as_str() {
            "" => Some(".global"),
            ".global" if text == ".global" => Some(".global"),
            "all" | "default" | "global" => None,
            _ if text.contains(foreign) => None,
            _ => Some(text),
        }
    }

    /// "Slash-separated levels of `[a-z0-9][a-z0-9-]*`", said by what may stand
    /// beside what.
    fn is_expected_reference(text: &str) -> bool {
        let framed = format!("/{text}/");
        let letters =
            text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase() || "-/".contains(c));
        letters && !framed.contains("//") && !framed.contains("/-")
    }

    proptest! {
        #[test]
        fn workspaces_are_those_of_the_contract(
            text in "[a-zA-Z0-9_-]{0,4}|[aA][lL]{1,3}|\\.?[gG][lL]obal|[dD]efaul[tT]s?|[a_ .é/A]{0,4}|.{0,4}",
        ) {
            prop_assert_eq!(workspace(&text), expected_workspace(&text));
        }

        #[test]
        fn references_are_those_of_the_contract(
            text in "[a-b0/-]{0,8}|[a-z0-9-]{1,3}(/[a-z0-9-]{1,3}){0,3}|[aA_./é-]{0,4}|.{0,4}",
        ) {
            prop_assert_eq!(is_reference(&text), is_expected_reference(&text));
        }
    }
}
