//! An API key, and its JSON.

use std::fmt;

use crate::{
    seam::{Payload, Record},
    store::{
        document::Document, fields::updated, instant_text::InstantText,
        workspace_access::WorkspaceAccess,
    },
};

/// The attribution class of keys that act for a service.
pub const SERVICE_ACCOUNT: &str = "service_account";

/// The surfaces of a key that names none.
pub const ALL_SURFACES: [&str; 2] = ["rest_api", "mcp"];

/// An API key. Its JSON has these names, in this order.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Any record id.
    pub id: String,
    /// Not empty.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `admin`, `manager`, `developer`, `operator`, `viewer`, empty, or one that
    /// another release knows.
    pub role: String,
    /// None: all workspaces.
    pub workspace_access: Option<WorkspaceAccess>,
    /// `rest_api`, `mcp`, or one that another release knows; none: both.
    pub allowed_surfaces: Vec<String>,
    /// `user_owned` or `service_account`, or one that another release knows;
    /// none or empty: a service account of before there were classes.
    pub attribution_class: Option<String>,
    /// Whose key it is, if a user's.
    pub owner_user_id: Option<String>,
    /// The owner's name.
    pub owner_username: Option<String>,
    /// The service account that it acts for.
    pub service_account_id: Option<String>,
    /// The service account's name.
    pub service_account_name: Option<String>,
    /// Whether it became a service account because it had no class.
    pub migrated_as_service_account: Option<bool>,
    /// Never shown.
    pub key_hash: String,
    /// The first characters of the key, to tell it by.
    pub key_prefix: String,
    /// When it was created; none given: now, or what is stored.
    pub created_at: Option<InstantText>,
    /// When it was changed; none given: now, or what is stored.
    pub updated_at: Option<InstantText>,
    /// Who created it.
    pub created_by: String,
    /// When it was last used. Store-owned: an update leaves it alone.
    pub last_used_at: Option<InstantText>,
    /// Members that this release does not know.
    pub unknown: Document,
}

const KNOWN: &[&str] = &[
    "id",
    "name",
    "description",
    "role",
    "workspace_access",
    "allowed_surfaces",
    "attribution_class",
    "owner_user_id",
    "owner_username",
    "service_account_id",
    "service_account_name",
    "migrated_as_service_account",
    "key_hash",
    "key_prefix",
    "created_at",
    "updated_at",
    "created_by",
    "last_used_at",
];

impl ApiKey {
    /// A key with nothing but an id and a name.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            description: None,
            role: String::new(),
            workspace_access: None,
            allowed_surfaces: Vec::new(),
            attribution_class: None,
            owner_user_id: None,
            owner_username: None,
            service_account_id: None,
            service_account_name: None,
            migrated_as_service_account: None,
            key_hash: String::new(),
            key_prefix: String::new(),
            created_at: None,
            updated_at: None,
            created_by: String::new(),
            last_used_at: None,
            unknown: Document::default(),
        }
    }

    /// Reads a key's JSON object, as it stands. A missing role, hash, prefix or
    /// author is empty. Whether id and name are acceptable is for the store to
    /// judge.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub fn from_document(document: Document) -> Result<Self, String> {
        Ok(Self {
            id: document.required_text("id")?,
            name: document.required_text("name")?,
            description: document.text("description")?,
            role: document.text("role")?.unwrap_or_default(),
            workspace_access: WorkspaceAccess::of(&document)?,
            allowed_surfaces: document
                .value::<Vec<String>>("allowed_surfaces")
                .map_err(|_| "\"allowed_surfaces\" is not an array of strings".to_owned())?
                .unwrap_or_default(),
            attribution_class: document.text("attribution_class")?,
            owner_user_id: document.text("owner_user_id")?,
            owner_username: document.text("owner_username")?,
            service_account_id: document.text("service_account_id")?,
            service_account_name: document.text("service_account_name")?,
            migrated_as_service_account: document.flag("migrated_as_service_account")?,
            key_hash: document.text("key_hash")?.unwrap_or_default(),
            key_prefix: document.text("key_prefix")?.unwrap_or_default(),
            created_at: document.instant("created_at")?,
            updated_at: document.instant("updated_at")?,
            created_by: document.text("created_by")?.unwrap_or_default(),
            last_used_at: document.instant("last_used_at")?,
            unknown: document.without(KNOWN),
        })
    }

    /// The key's JSON object.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        self.write_to(&mut document);
        document
    }

    /// The key with everything that older software left out:
    ///
    /// - without a class it is a service account, migrated as one;
    /// - a service account without an id has `api_key:<id>`, one without a name
    ///   the key's name;
    /// - without surfaces it has both; doubled ones are dropped.
    ///
    /// A key that is normal already stays as it is.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if !is_given(&self.attribution_class) {
            self.attribution_class = Some(SERVICE_ACCOUNT.to_owned());
            self.migrated_as_service_account = Some(true);
        }
        if self.attribution_class.as_deref() == Some(SERVICE_ACCOUNT) {
            if !is_given(&self.service_account_id) {
                self.service_account_id = Some(format!("api_key:{}", self.id));
            }
            if !is_given(&self.service_account_name) {
                self.service_account_name = Some(self.name.clone());
            }
        }
        let mut surfaces: Vec<String> = Vec::new();
        for surface in self.allowed_surfaces {
            if !surfaces.contains(&surface) {
                surfaces.push(surface);
            }
        }
        if surfaces.is_empty() {
            surfaces.extend(ALL_SURFACES.map(str::to_owned));
        }
        self.allowed_surfaces = surfaces;
        self
    }

    /// Reads the key that a record holds, normalised; instants that its payload
    /// does not have are the record's.
    pub(crate) fn from_record(record: &Record) -> Result<Self, String> {
        let document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let mut key = Self::from_document(document)?;
        if key.id != record.id.as_str() {
            return Err("its id is not the record's".to_owned());
        }
        if key.name.is_empty() {
            return Err("\"name\" is empty".to_owned());
        }
        key.created_at.get_or_insert_with(|| record.created_at.into());
        key.updated_at.get_or_insert_with(|| record.updated_at.into());
        Ok(key.normalised())
    }

    /// What an update by `self` makes of a stored key.
    pub(super) fn merged_into(&self, record: &Record) -> Result<Payload, String> {
        let stored = Self::from_record(record)?;
        let mut document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let mut next = self.clone().normalised();
        // `created_at` never changes, nor does an update touch what the store
        // owns.
        next.created_at = stored.created_at;
        next.last_used_at = stored.last_used_at;
        next.updated_at = updated(next.updated_at, stored.updated_at);
        next.write_to(&mut document);
        Ok(document.to_payload())
    }

    /// What a use at that time makes of a stored key: nothing else changes.
    pub(super) fn used(record: &Record, at: &InstantText) -> Result<Payload, String> {
        let stored = Self::from_record(record)?;
        let mut document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        // The record's own time of change, which stands for one that the
        // payload lacks, is about to move.
        document.set_or_remove_instant("updated_at", stored.updated_at.as_ref());
        document.set_or_remove_instant("last_used_at", Some(at));
        Ok(document.to_payload())
    }

    /// Sets what is known and given, removes what is known and not given, and
    /// sets what is unknown and given.
    fn write_to(&self, document: &mut Document) {
        document.set_text("id", &self.id);
        document.set_text("name", &self.name);
        document.set_or_remove_text("description", self.description.as_deref());
        document.set_text("role", &self.role);
        let access = self.workspace_access.as_ref().and_then(WorkspaceAccess::to_raw);
        document.set_or_remove("workspace_access", access);
        let surfaces = (!self.allowed_surfaces.is_empty())
            .then(|| serde_json::value::to_raw_value(&self.allowed_surfaces).ok());
        document.set_or_remove("allowed_surfaces", surfaces.flatten());
        for (name, text) in [
            ("attribution_class", &self.attribution_class),
            ("owner_user_id", &self.owner_user_id),
            ("owner_username", &self.owner_username),
            ("service_account_id", &self.service_account_id),
            ("service_account_name", &self.service_account_name),
        ] {
            document.set_or_remove_text(name, text.as_deref());
        }
        let migrated = self.migrated_as_service_account;
        document.set_or_remove_flag("migrated_as_service_account", migrated);
        document.set_text("key_hash", &self.key_hash);
        document.set_text("key_prefix", &self.key_prefix);
        document.set_or_remove_instant("created_at", self.created_at.as_ref());
        document.set_or_remove_instant("updated_at", self.updated_at.as_ref());
        document.set_text("created_by", &self.created_by);
        document.set_or_remove_instant("last_used_at", self.last_used_at.as_ref());
        document.merge(&self.unknown.clone().without(KNOWN));
    }
}

/// Without the hash of the key.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("description", &self.description)
            .field("role", &self.role)
            .field("workspace_access", &self.workspace_access)
            .field("allowed_surfaces", &self.allowed_surfaces)
            .field("attribution_class", &self.attribution_class)
            .field("owner_user_id", &self.owner_user_id)
            .field("owner_username", &self.owner_username)
            .field("service_account_id", &self.service_account_id)
            .field("service_account_name", &self.service_account_name)
            .field("migrated_as_service_account", &self.migrated_as_service_account)
            .field("key_prefix", &self.key_prefix)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("created_by", &self.created_by)
            .field("last_used_at", &self.last_used_at)
            .field("unknown", &self.unknown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ApiKey;
    use crate::{
        seam::{Instant, Payload, Record, RecordId},
        store::{document::Document, instant_text::InstantText},
    };

    fn key(json: &str) -> ApiKey {
        ApiKey::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap()
    }

    fn record(json: &str) -> Record {
        let id = RecordId::new("k").unwrap();
        Record::json(id, Payload::json(json.as_bytes()).unwrap(), Instant::ZERO)
    }

    const FULL: &str = r#"{"id":"k","name":"ci","description":"d","role":"viewer","workspace_access":{"all":false,"grants":[{"workspace":"ops","role":"operator","x":1e400}]},"allowed_surfaces":["mcp","of tomorrow"],"attribution_class":"user_owned","owner_user_id":"u","owner_username":"ann","service_account_id":"s","service_account_name":"n","migrated_as_service_account":false,"key_hash":"h","key_prefix":"p","created_at":"2026-01-01T09:00:00+09:00","updated_at":"2026-01-01T00:00:00.50Z","created_by":"a","last_used_at":"2026-01-02T00:00:00.0Z","z":123456789012345678901234567890}"#;

    #[test]
    fn a_normal_key_is_written_as_it_was_read() {
        assert_eq!(key(FULL).normalised().to_document().to_text(), FULL);
        assert_eq!(ApiKey::from_record(&record(FULL)).unwrap(), key(FULL));
    }

    #[test]
    fn what_older_software_left_out_is_filled_in() {
        let old = key(
            r#"{"id":"k","name":"ci","attribution_class":"","service_account_id":"","allowed_surfaces":[]}"#,
        )
        .normalised();
        assert_eq!(old.attribution_class.as_deref(), Some("service_account"));
        assert_eq!(old.migrated_as_service_account, Some(true));
        assert_eq!(old.service_account_id.as_deref(), Some("api_key:k"));
        assert_eq!(old.service_account_name.as_deref(), Some("ci"));
        assert_eq!(old.allowed_surfaces, ["rest_api", "mcp"]);
        let given = key(
            r#"{"id":"k","name":"ci","attribution_class":"service_account","service_account_id":"s","allowed_surfaces":["mcp","x","mcp"]}"#,
        )
        .normalised();
        assert_eq!(given.migrated_as_service_account, None, "it has its class");
        assert_eq!(given.service_account_id.as_deref(), Some("s"));
        assert_eq!(given.service_account_name.as_deref(), Some("ci"));
        assert_eq!(given.allowed_surfaces, ["mcp", "x"]);
        let owned = key(r#"{"id":"k","name":"ci","attribution_class":"user_owned"}"#).normalised();
        assert_eq!((owned.service_account_id, owned.service_account_name), (None, None));
    }

    fn text() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop::sample::select(vec!["", "service_account", "user_owned", "x"]))
            .prop_map(|text| text.map(str::to_owned))
    }

    /// Keys that differ in what normalising looks at.
    fn any_key() -> impl Strategy<Value = ApiKey> {
        let surfaces = prop::sample::select(vec!["rest_api", "mcp", "x", ""]);
        let surfaces = prop::collection::vec(surfaces.prop_map(str::to_owned), 0..5);
        let migrated = prop::option::of(any::<bool>());
        (text(), text(), text(), text(), migrated, surfaces).prop_map(
            |(class, id, name, owner, migrated, surfaces)| ApiKey {
                allowed_surfaces: surfaces,
                attribution_class: class,
                owner_user_id: owner,
                service_account_id: id,
                service_account_name: name,
                migrated_as_service_account: migrated,
                ..ApiKey::new("k", "ci")
            },
        )
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(given in any_key()) {
            let once = given.normalised();
            prop_assert_eq!(&once.clone().normalised(), &once);
            // What is written normal is read as it was written.
            let written = once.to_document().to_text();
            let mut read = ApiKey::from_record(&record(&written)).unwrap();
            (read.created_at, read.updated_at) = (None, None);
            prop_assert_eq!(read, once);
        }

        #[test]
        fn normal_is_what_the_contract_says(given in any_key()) {
            let normal = given.clone().normalised();
            let is_empty = |text: &Option<String>| text.as_deref().unwrap_or_default().is_empty();
            // "No attribution class means service_account with
            // `migrated_as_service_account` true."
            if is_empty(&given.attribution_class) {
                prop_assert_eq!(normal.attribution_class.as_deref(), Some("service_account"));
                prop_assert_eq!(normal.migrated_as_service_account, Some(true));
            } else {
                prop_assert_eq!(&normal.attribution_class, &given.attribution_class);
                let migrated = given.migrated_as_service_account;
                prop_assert_eq!(normal.migrated_as_service_account, migrated);
            }
            // "A service account without id gets `api_key:<id>`, without name
            // gets the key's name."
            let is_service = normal.attribution_class.as_deref() == Some("service_account");
            for (given, normal, filled_in) in [
                (&given.service_account_id, &normal.service_account_id, "api_key:k"),
                (&given.service_account_name, &normal.service_account_name, "ci"),
            ] {
                let filled_in = Some(filled_in.to_owned());
                let is_filled_in = is_service && is_empty(given);
                prop_assert_eq!(normal, if is_filled_in { &filled_in } else { given });
            }
            // "No surfaces means both; doubled surfaces are dropped."
            if given.allowed_surfaces.is_empty() {
                prop_assert_eq!(&normal.allowed_surfaces, &["rest_api", "mcp"]);
            } else {
                let given = &given.allowed_surfaces;
                let first = |(at, surface): &(usize, &String)| {
                    given.iter().position(|other| other == *surface) == Some(*at)
                };
                let once: Vec<_> = given.iter().enumerate().filter(first).collect();
                let once: Vec<_> = once.into_iter().map(|(_, surface)| surface.clone()).collect();
                prop_assert_eq!(&normal.allowed_surfaces, &once);
            }
            // And nothing else.
            let rest = |key: ApiKey| ApiKey {
                allowed_surfaces: Vec::new(),
                attribution_class: None,
                service_account_id: None,
                service_account_name: None,
                migrated_as_service_account: None,
                ..key
            };
            prop_assert_eq!(rest(normal), rest(given));
        }
    }

    #[test]
    fn what_is_no_key_says_why_and_shows_nothing() {
        for (json, problem) in [
            ("[]", "no JSON object"),
            (r#"{"id":"k"}"#, "\"name\""),
            (r#"{"id":"x","name":"secret"}"#, "not the record's"),
            (r#"{"id":"k","name":"secret","allowed_surfaces":"mcp"}"#, "allowed_surfaces"),
            (r#"{"id":"k","name":"secret","allowed_surfaces":[1]}"#, "allowed_surfaces"),
            (r#"{"id":"k","name":"secret","migrated_as_service_account":1}"#, "migrated"),
            (r#"{"id":"k","name":"secret","last_used_at":"today"}"#, "last_used_at"),
        ] {
            let said = ApiKey::from_record(&record(json)).expect_err(json);
            assert!(said.contains(problem) && !said.contains("secret"), "{json}: {said}");
        }
    }

    #[test]
    fn an_update_leaves_the_last_use_alone_and_a_use_leaves_all_else_alone() {
        let mut given = key(FULL);
        given.last_used_at = None;
        given.created_at = Some(Instant::ZERO.into());
        assert_eq!(given.merged_into(&record(FULL)).unwrap().to_text_lossy(), FULL);
        let at = InstantText::from(Instant::UNIX_EPOCH);
        let used = ApiKey::used(&record(FULL), &at).unwrap();
        let expected = FULL.replace("2026-01-02T00:00:00.0Z", "1970-01-01T00:00:00Z");
        assert_eq!(used.to_text_lossy(), expected);
        let bare = ApiKey::used(&record(r#"{"id":"k","name":"ci"}"#), &at).unwrap();
        assert_eq!(
            bare.to_text_lossy(),
            r#"{"id":"k","name":"ci","updated_at":"0001-01-01T00:00:00Z","last_used_at":"1970-01-01T00:00:00Z"}"#,
            "the record's time of change is kept as the key's"
        );
    }

    #[test]
    fn the_hash_is_never_shown() {
        let debug = format!("{:?}", ApiKey { key_hash: "hunter2".into(), ..key(FULL) });
        assert!(!debug.contains("hunter2") && debug.contains("ann"), "{debug}");
    }
}
