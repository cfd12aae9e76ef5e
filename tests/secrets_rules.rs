//! Every rule of the secrets store, on every backend, with two instances on one
//! storage: what one acknowledged, the other sees at once.

use std::sync::Arc;

use async_trait::async_trait;
use storeproof::{
    seam::{
        Collection, CollectionSpec, Error, Found, Instant, ListQuery, Outcome, Page, Record,
        RecordId, Result as SeamResult, Selection, Site, Write,
    },
    store::{
        document::Document,
        encryption::SecretText,
        error::Kind,
        instant_text::InstantText,
        secrets::{Secret, SecretError, SecretStore, SecretValue, Secrets},
    },
};

use super::{
    backends::{Rule, World, at, every_backend_keeps, rules, wait},
    genuine::{Genuine, value as json},
    sealed::{encryption, encryption_of, payload, put, put_at, without_entropy},
};

const RULES: &[Rule] = rules![
    a_secret_is_found_by_id_and_reference,
    input_is_judged_in_order,
    a_workspace_is_global_unless_given,
    an_id_and_a_reference_have_one_secret,
    creation_sets_what_is_missing_and_its_first_value,
    values_are_numbered_and_encrypted_at_rest,
    writing_a_value_notes_when_and_by_whom,
    only_managed_secrets_take_values,
    resolving_notes_so_and_nothing_else,
    resolving_tells_what_stands_in_the_way,
    a_value_that_was_not_noted_is_not_given,
    without_a_key_values_are_neither_written_nor_resolved,
    a_wrong_key_opens_nothing_but_the_empty_value,
    an_update_keeps_what_is_unknown_and_what_is_the_stores,
    an_update_keeps_the_text_of_an_instant_that_stays,
    a_delete_frees_everything,
    a_list_is_complete_and_in_order,
    a_payload_without_its_secret_is_damage,
    a_number_without_its_value_is_damage,
    without_entropy_no_value_is_written,
    the_last_number_is_followed_by_none,
    older_duplicates_belong_to_the_oldest,
];

#[test]
fn secrets_keep_their_contract() {
    every_backend_keeps(RULES);
}

/// Two instances on one storage, with the same key.
async fn two(world: &World) -> (SecretStore, SecretStore) {
    (store(world, "k").await, store(world, "k").await)
}

async fn store(world: &World, key_string: &str) -> SecretStore {
    let collection = world.open(SecretStore::spec()).await;
    SecretStore::new(collection, Arc::new(world.clock.clone()), encryption(key_string))
}

fn secret(id: &str, reference: &str) -> Secret {
    let mut secret = Secret::new(id, "ops", reference);
    secret.created_at = Some(at(0).into());
    secret.updated_at = Some(at(0).into());
    secret
}

fn value(text: &str) -> SecretValue {
    SecretValue::new(text)
}

async fn resolved(store: &SecretStore, id: &str) -> (String, u64) {
    let resolved = store.resolve(id).await.unwrap();
    (resolved.value.expose().to_owned(), resolved.version)
}

#[track_caller]
fn error_of<T: std::fmt::Debug>(result: Result<T, SecretError>) -> &'static str {
    match result {
        Ok(value) => panic!("an error was expected, not {value:?}"),
        Err(SecretError::InvalidSecretId(_)) => "InvalidSecretId",
        Err(SecretError::InvalidWorkspace) => "InvalidWorkspace",
        Err(SecretError::InvalidRef) => "InvalidRef",
        Err(SecretError::InvalidProviderType) => "InvalidProviderType",
        Err(SecretError::SecretAlreadyExists(_)) => "SecretAlreadyExists",
        Err(SecretError::SecretNotFound) => "SecretNotFound",
        Err(error) => error.kind().name(),
    }
}

async fn a_secret_is_found_by_id_and_reference(world: &World) {
    let (one, other) = two(world).await;
    let given = secret("a", "prod/db");
    one.create(given.clone(), None).await.unwrap();
    assert_eq!(other.get("a").await.unwrap(), given);
    assert_eq!(other.get_by_ref("ops", "prod/db").await.unwrap(), given);
    assert_eq!(error_of(other.get("b").await), "SecretNotFound");
    assert_eq!(error_of(other.get_by_ref("", "prod/db").await), "SecretNotFound");
    assert_eq!(error_of(other.get_by_ref("Ops", "prod/db").await), "SecretNotFound");
}

async fn input_is_judged_in_order(world: &World) {
    let keyless = store(world, "").await;
    let mut bad = Secret::new("a\0", "all", "A");
    bad.provider_type = "of tomorrow".into();
    for expected in ["InvalidSecretId", "InvalidWorkspace", "InvalidRef", "InvalidProviderType"] {
        assert_eq!(error_of(keyless.create(bad.clone(), Some(value("x"))).await), expected);
        assert_eq!(error_of(keyless.update(bad.clone()).await), expected);
        match expected {
            "InvalidSecretId" => bad.id = "a".into(),
            "InvalidWorkspace" => bad.workspace = "ops".into(),
            "InvalidRef" => bad.reference = "a".into(),
            _ => bad.provider_type = "vault".into(),
        }
    }
    let with_value = keyless.create(bad.clone(), Some(value("x"))).await;
    assert_eq!(error_of(with_value), "unsupported_provider");
    bad.provider_type = "dagu-managed".into();
    assert_eq!(error_of(keyless.create(bad, Some(value("x"))).await), "key_required");
    assert_eq!(error_of(keyless.get("").await), "InvalidSecretId");
    assert_eq!(error_of(keyless.delete("").await), "InvalidSecretId");
    assert_eq!(error_of(keyless.write_value("", value("x")).await), "InvalidSecretId");
    assert_eq!(error_of(keyless.write_value("a", value("x")).await), "key_required");
    assert_eq!(error_of(keyless.current_version("").await), "InvalidSecretId");
    assert_eq!(error_of(keyless.resolve("").await), "InvalidSecretId");
    assert_eq!(error_of(keyless.resolve("a").await), "SecretNotFound");
    assert_eq!(error_of(keyless.get_by_ref("all", "A").await), "InvalidWorkspace");
    assert_eq!(error_of(keyless.get_by_ref("", "A").await), "InvalidRef");
    assert_eq!(error_of(keyless.list(Some("Global")).await), "InvalidWorkspace");
}

async fn a_workspace_is_global_unless_given(world: &World) {
    let (one, other) = two(world).await;
    let mut given = secret("a", "a");
    given.workspace = String::new();
    one.create(given.clone(), None).await.unwrap();
    assert_eq!(other.get("a").await.unwrap().workspace, ".global");
    assert!(payload(world, "secrets", "a").await.contains(r#""Workspace":".global""#));
    assert_eq!(other.get_by_ref("", "a").await.unwrap().id, "a");
    given.id = "b".into();
    given.workspace = ".global".into();
    assert_eq!(error_of(other.create(given, None).await), "SecretAlreadyExists");
    let older = r#"{"secret":{"ID":"c","Workspace":"","Ref":"c","ProviderType":"vault"}}"#;
    put(world, "secrets", "c", older).await;
    assert_eq!(one.get_by_ref(".global", "c").await.unwrap().workspace, ".global");
}

async fn an_id_and_a_reference_have_one_secret(world: &World) {
    let (one, other) = two(world).await;
    one.create(secret("a", "a"), Some(value("kept"))).await.unwrap();
    assert_eq!(error_of(other.create(secret("a", "b"), None).await), "SecretAlreadyExists");
    assert_eq!(error_of(other.create(secret("b", "a"), None).await), "SecretAlreadyExists");
    other.create(secret("b", "b"), None).await.unwrap();
    assert_eq!(error_of(one.update(secret("b", "a")).await), "SecretAlreadyExists");
    assert_eq!(error_of(one.update(secret("c", "a")).await), "SecretNotFound");
    one.update(secret("b", "c")).await.unwrap();
    assert_eq!(error_of(other.get_by_ref("ops", "b").await), "SecretNotFound");
    assert_eq!(other.get_by_ref("ops", "c").await.unwrap().id, "b");
    other.create(secret("d", "b"), None).await.expect("the old reference is free");
    assert_eq!(resolved(&other, "a").await, ("kept".to_owned(), 1), "what was refused did nothing");
}

async fn creation_sets_what_is_missing_and_its_first_value(world: &World) {
    let (one, other) = two(world).await;
    world.clock.set(at(7));
    let mut given = Secret::new("a", "ops", "a");
    given.current_version = 9;
    given.last_rotated_at = Some(at(1).into());
    one.create(given.clone(), None).await.unwrap();
    let read = other.get("a").await.unwrap();
    assert_eq!(read.current_version, 0);
    let now = Some(InstantText::from(at(7)));
    assert_eq!((&read.created_at, &read.updated_at), (&now, &now));
    assert_eq!(read.last_rotated_at, Some(at(1).into()), "as given");
    let mut written = value("v");
    written.created_by = "ann".into();
    written.created_at = Some(at(3).into());
    given.id = "b".into();
    given.reference = "b".into();
    one.create(given, Some(written)).await.unwrap();
    let read = other.get("b").await.unwrap();
    assert_eq!((read.current_version, &*read.updated_by), (1, "ann"));
    let then = Some(InstantText::from(at(3)));
    assert_eq!((read.created_at, read.updated_at, read.last_rotated_at), (now, then.clone(), then));
    assert_eq!(resolved(&other, "b").await, ("v".to_owned(), 1));
}

async fn values_are_numbered_and_encrypted_at_rest(world: &World) {
    let (one, other) = two(world).await;
    one.create(secret("a", "a"), None).await.unwrap();
    assert_eq!(error_of(one.current_version("a").await), "no_value");
    let texts = ["first-value", "二番目の値 <&> \" \\ 🙂", "third\nline\0nul", ""];
    for (place, text) in texts.iter().enumerate() {
        let number = place as u64 + 1;
        let writer = if place % 2 == 0 { &one } else { &other };
        let written = writer.write_value("a", value(text)).await.unwrap();
        assert_eq!(written.current_version, number);
        assert_eq!(written, other.get("a").await.unwrap(), "the secret as it then is");
        assert_eq!(one.current_version("a").await.unwrap(), number);
        assert_eq!(resolved(&other, "a").await, ((*text).to_owned(), number));
    }
    let stored = payload(world, "secrets", "a").await;
    assert!(!stored.contains("first-value") && !stored.contains("third"), "{stored}");
    let stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
    let numbers: Vec<_> =
        stored["versions"].as_array().unwrap().iter().map(|v| &v["version"]).collect();
    assert_eq!(numbers, [1, 2, 3, 4], "all of them are kept");
    one.delete("a").await.unwrap();
    assert_eq!(error_of(other.write_value("a", value("x")).await), "SecretNotFound");
    assert_eq!(error_of(other.resolve("a").await), "SecretNotFound", "it is not brought back");
}

async fn writing_a_value_notes_when_and_by_whom(world: &World) {
    let (one, other) = two(world).await;
    let mut given = secret("a", "a");
    given.status = "disabled".into();
    given.updated_by = "bob".into();
    one.create(given, None).await.unwrap();
    world.clock.set(at(7));
    let written = one.write_value("a", value("x")).await.expect("also while it is disabled");
    assert_eq!((&*written.updated_by, written.last_rotated_at), ("", Some(at(7).into())));
    let mut later = value("y");
    later.created_by = "ann".into();
    later.created_at = InstantText::parse("2026-01-01T09:00:05.50+09:00");
    let written = other.write_value("a", later).await.unwrap();
    let text = |at: &Option<InstantText>| at.as_ref().unwrap().to_string();
    assert_eq!(text(&written.last_rotated_at), "2026-01-01T09:00:05.50+09:00");
    assert_eq!(text(&written.updated_at), "2026-01-01T09:00:05.50+09:00");
    assert_eq!((&*written.updated_by, written.created_at), ("ann", Some(at(0).into())));
    let stored = payload(world, "secrets", "a").await;
    assert!(stored.contains(r#""created_by":"ann","created_at":"2026-01-01T09:00:05.50+09:00""#));
}

async fn only_managed_secrets_take_values(world: &World) {
    let (one, other) = two(world).await;
    one.create(secret("m", "m"), Some(value("x"))).await.unwrap();
    let providers =
        ["vault", "kubernetes", "gcp-secret-manager", "aws-secrets-manager", "azure-key-vault"];
    for provider in providers {
        let mut given = secret(provider, provider);
        given.provider_type = provider.into();
        one.create(given.clone(), None).await.unwrap();
        assert_eq!(error_of(other.write_value(provider, value("x")).await), "unsupported_provider");
        assert_eq!(error_of(other.resolve(provider).await), "no_value");
        let taken = other.create(Secret { id: "m".into(), ..given }, Some(value("x"))).await;
        assert_eq!(error_of(taken), "unsupported_provider", "before what exists");
    }
    let foreign = Secret { provider_type: "vault".into(), ..one.get("m").await.unwrap() };
    one.update(foreign).await.unwrap();
    assert_eq!(error_of(other.resolve("m").await), "no_value", "its values are elsewhere now");
    assert_eq!(other.current_version("m").await.unwrap(), 1);
}

async fn resolving_notes_so_and_nothing_else(world: &World) {
    let (one, other) = two(world).await;
    one.create(secret("a", "a"), Some(value("x"))).await.unwrap();
    let before = one.get("a").await.unwrap();
    world.clock.set(at(9));
    assert_eq!(resolved(&other, "a").await, ("x".to_owned(), 1));
    let now = Some(InstantText::from(at(9)));
    let after = Secret { last_resolved_at: now.clone(), updated_at: now, ..before };
    assert_eq!(one.get("a").await.unwrap(), after);
}

async fn resolving_tells_what_stands_in_the_way(world: &World) {
    let (one, _) = two(world).await;
    let keyless = store(world, "").await;
    one.create(secret("a", "a"), None).await.unwrap();
    assert_eq!(error_of(keyless.resolve("a").await), "no_value");
    one.write_value("a", value("x")).await.unwrap();
    assert_eq!(error_of(keyless.resolve("a").await), "key_required");
    let disabled = Secret { status: "disabled".into(), ..one.get("a").await.unwrap() };
    one.update(disabled.clone()).await.unwrap();
    assert_eq!(error_of(keyless.resolve("a").await), "disabled");
    one.update(Secret { status: "of tomorrow".into(), ..disabled }).await.unwrap();
    assert_eq!(resolved(&one, "a").await, ("x".to_owned(), 1));
    assert_eq!(one.get("a").await.unwrap().status, "of tomorrow");
}

/// A collection that takes no writes.
struct ReadOnly(Arc<dyn Collection>);

#[async_trait]
impl Collection for ReadOnly {
    fn spec(&self) -> &CollectionSpec {
        self.0.spec()
    }
    async fn get(&self, id: &RecordId) -> SeamResult<Record> {
        self.0.get(id).await
    }
    async fn find(&self, key: &str, parts: &[&str]) -> SeamResult<Found> {
        self.0.find(key, parts).await
    }
    async fn list(&self, query: &ListQuery) -> SeamResult<Page> {
        self.0.list(query).await
    }
    async fn count(&self, selection: &Selection) -> SeamResult<u64> {
        self.0.count(selection).await
    }
    async fn commit(&self, _: Vec<Write>) -> SeamResult<()> {
        let site = Site::new("commit", &self.0.spec().name, None);
        let source = std::io::Error::other("no writes");
        Err(Error::Io { site, doing: "writing".into(), outcome: Outcome::NotDone, source })
    }
    async fn claim(&self, selection: &Selection) -> SeamResult<Record> {
        self.0.claim(selection).await
    }
    async fn purge_expired(&self) -> SeamResult<u64> {
        self.0.purge_expired().await
    }
    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> SeamResult<()> {
        self.0.quarantine(id, expected).await
    }
}

async fn a_value_that_was_not_noted_is_not_given(world: &World) {
    let (one, _) = two(world).await;
    one.create(secret("a", "a"), Some(value("hunter2"))).await.unwrap();
    let collection = Arc::new(ReadOnly(world.open(SecretStore::spec()).await));
    let clock = Arc::new(world.clock.clone());
    let read_only = SecretStore::new(collection, clock, encryption("k"));
    world.clock.set(at(9));
    let failed = read_only.resolve("a").await.unwrap_err();
    assert_eq!(failed.kind(), Kind::Io);
    assert!(!format!("{failed} {failed:?}").contains("hunter2"));
}

async fn without_a_key_values_are_neither_written_nor_resolved(world: &World) {
    let (one, _) = two(world).await;
    let keyless = store(world, "").await;
    one.create(secret("a", "a"), Some(value(""))).await.unwrap();
    for text in ["x", ""] {
        assert_eq!(error_of(keyless.write_value("a", value(text)).await), "key_required");
        let created = keyless.create(secret("b", "b"), Some(value(text))).await;
        assert_eq!(error_of(created), "key_required");
    }
    assert_eq!(error_of(keyless.resolve("a").await), "key_required", "whatever the value");
    keyless.create(secret("b", "b"), None).await.expect("no value is concerned");
    keyless.update(secret("b", "c")).await.expect("no value is concerned");
    assert_eq!(keyless.current_version("a").await.unwrap(), 1);
    assert_eq!(keyless.list(None).await.unwrap().secrets.len(), 2);
    keyless.delete("a").await.expect("no value is concerned");
}

async fn a_wrong_key_opens_nothing_but_the_empty_value(world: &World) {
    let (one, _) = two(world).await;
    let wrong = store(world, "k\n").await;
    one.create(secret("a", "a"), Some(value("hunter2"))).await.unwrap();
    assert_eq!(error_of(wrong.resolve("a").await), "decrypt_failed");
    assert_eq!(wrong.get("a").await.unwrap().last_resolved_at, None, "it was not resolved");
    wrong.write_value("a", value("new")).await.unwrap();
    assert_eq!(resolved(&wrong, "a").await, ("new".to_owned(), 2));
    assert_eq!(error_of(one.resolve("a").await), "decrypt_failed");
    one.write_value("a", value("")).await.unwrap();
    assert_eq!(resolved(&wrong, "a").await, (String::new(), 3));
}

async fn an_update_keeps_what_is_unknown_and_what_is_the_stores(world: &World) {
    let (one, other) = two(world).await;
    let versions = r#""versions":[{"secret_id":"a","version":1,"encrypted_value":"","created_at":"2026-01-01T00:00:00Z","z": 1e400}]"#;
    let json = format!(
        r#"{{"secret":{{"ID":"a","Workspace":"ops","Ref":"a","Description":"d","ProviderType":"dagu-managed","CurrentVersion":1,"Status":"active","CreatedAt":"2026-01-01T09:00:00.50+09:00","UpdatedAt":"2026-01-01T09:00:00+09:00","LastCheckedAt":"2026-01-06T00:00:00.9Z","LastResolvedAt":null,"LastRotatedAt":"2026-01-01T09:00:00+09:00","big":123456789012345678901234567890,"x":1}},{versions},"outer":[1e400]}}"#
    );
    put(world, "secrets", "a", &json).await;
    let mut given = secret("a", "b");
    given.current_version = 7;
    given.last_resolved_at = Some(Instant::ZERO.into());
    given.created_at = Some(Instant::ZERO.into());
    given.unknown = Document::parse(br#"{"x":1e400,"y":null}"#).unwrap();
    one.update(given).await.unwrap();
    let read = other.get("a").await.unwrap();
    let text = |at: &Option<InstantText>| at.as_ref().map(ToString::to_string);
    assert_eq!(text(&read.created_at).as_deref(), Some("2026-01-01T09:00:00.50+09:00"));
    assert_eq!(text(&read.updated_at).as_deref(), Some("2026-01-01T09:00:00+09:00"));
    assert_eq!(text(&read.last_rotated_at).as_deref(), Some("2026-01-01T09:00:00+09:00"));
    assert_eq!((read.last_checked_at, read.last_resolved_at), (None, None));
    assert_eq!((read.current_version, &*read.description), (1, ""));
    let kept = r#"{"big":123456789012345678901234567890,"x":1e400,"y":null}"#;
    assert_eq!(read.unknown.to_text(), kept);
    let stored = payload(world, "secrets", "a").await;
    assert!(stored.contains(versions) && stored.contains(r#""outer":[1e400]"#), "{stored}");
    assert!(stored.contains(r#""LastCheckedAt":null"#), "{stored}");
}

async fn an_update_keeps_the_text_of_an_instant_that_stays(world: &World) {
    let (one, other) = two(world).await;
    let json = r#"{"secret":{"ID":"a","Workspace":"ops","Ref":"a","ProviderType":"vault","LastCheckedAt":"2026-01-06T09:00:00.90+09:00"},"versions":[]}"#;
    put(world, "secrets", "a", json).await;
    for (given, expected) in [
        ("2026-01-06T00:00:00.9Z", "2026-01-06T09:00:00.90+09:00"),
        ("2026-01-06T00:00:01Z", "2026-01-06T00:00:01Z"),
    ] {
        let mut secret = secret("a", "a");
        secret.last_checked_at = InstantText::parse(given);
        assert!(secret.last_checked_at.is_some(), "{given}");
        one.update(secret).await.unwrap();
        let read = other.get("a").await.unwrap().last_checked_at;
        assert_eq!(read.map(|at| at.to_string()).as_deref(), Some(expected), "given {given}");
    }
}

async fn a_delete_frees_everything(world: &World) {
    let (one, other) = two(world).await;
    one.create(secret("a", "a"), Some(value("x"))).await.unwrap();
    other.delete("a").await.unwrap();
    assert_eq!(error_of(one.delete("a").await), "SecretNotFound");
    assert_eq!(error_of(one.get("a").await), "SecretNotFound");
    assert_eq!(error_of(one.get_by_ref("ops", "a").await), "SecretNotFound");
    assert_eq!(error_of(one.current_version("a").await), "SecretNotFound");
    assert_eq!(error_of(one.update(secret("a", "a")).await), "SecretNotFound");
    one.create(secret("a", "a"), None).await.expect("all is free");
    assert_eq!(error_of(other.current_version("a").await), "no_value", "its values are gone");
}

async fn a_list_is_complete_and_in_order(world: &World) {
    let (one, other) = two(world).await;
    for (id, workspace, reference) in
        [("e", "", "b"), ("d", "ops", "a"), ("a", "ops", "b"), ("b", "Ops", "b"), ("c", "", "a/b")]
    {
        one.create(Secret::new(id, workspace, reference), None).await.unwrap();
    }
    let ids = |list: &[Secret]| list.iter().map(|secret| secret.id.clone()).collect::<String>();
    assert_eq!(ids(&other.list(None).await.unwrap().secrets), "cebda", "by workspace, then ref");
    assert_eq!(ids(&other.list(Some("ops")).await.unwrap().secrets), "da");
    assert_eq!(ids(&other.list(Some("")).await.unwrap().secrets), "ce", "nothing is .global");
    assert_eq!(ids(&other.list(Some("none")).await.unwrap().secrets), "");
}

async fn a_payload_without_its_secret_is_damage(world: &World) {
    let (one, other) = two(world).await;
    one.create(secret("a", "a"), None).await.unwrap();
    for (text, json) in [
        ("n", "null"),
        ("o", r#"{"versions":[]}"#),
        ("p", r#"{"secret":null,"versions":[]}"#),
        ("q", r#"{"secret":{"ID":"a"}}"#),
        ("r", r#"{"secret":{"ID":"r","Ref":"y"},"versions":[null]}"#),
    ] {
        put(world, "secrets", text, json).await;
        assert_eq!(error_of(other.get(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.current_version(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.resolve(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.write_value(text, value("x")).await), "corrupt", "{json}");
        assert_eq!(error_of(other.update(secret(text, "new")).await), "corrupt", "{json}");
        let created = other.create(secret(text, "new"), None).await;
        assert_eq!(error_of(created), "SecretAlreadyExists", "{json}");
    }
    assert_eq!(error_of(other.get_by_ref("", "y").await), "corrupt");
    let list = other.list(Some("ops")).await.unwrap();
    assert_eq!(list.secrets, [secret("a", "a")], "nothing blocks");
    let damaged: Vec<_> = list.damaged.iter().map(|damaged| damaged.id.as_str()).collect();
    assert_eq!(damaged, ["n", "o", "p", "q", "r"], "nothing is hidden");
    one.delete("p").await.expect("it is quarantined");
    one.create(secret("p", "p"), None).await.expect("the id is free");
}

async fn a_number_without_its_value_is_damage(world: &World) {
    let (one, _) = two(world).await;
    let json =
        r#"{"secret":{"ID":"a","Ref":"a","ProviderType":"dagu-managed","CurrentVersion":2}}"#;
    put(world, "secrets", "a", json).await;
    assert_eq!(error_of(one.resolve("a").await), "corrupt");
    assert_eq!(one.current_version("a").await.unwrap(), 2);
    let written = one.write_value("a", value("x")).await.unwrap();
    assert_eq!(written.current_version, 3, "a number is never used again");
    assert_eq!(resolved(&one, "a").await, ("x".to_owned(), 3));
}

async fn older_duplicates_belong_to_the_oldest(world: &World) {
    for (text, seconds) in [("a", 5), ("b", 1), ("c", 1)] {
        let json = format!(
            r#"{{"secret":{{"ID":"{text}","Workspace":"","Ref":"a","ProviderType":"vault"}}}}"#
        );
        put_at(world, "secrets", text, &json, at(seconds)).await;
    }
    let (one, other) = two(world).await;
    assert_eq!(one.get_by_ref("", "a").await.unwrap().id, "b");
    let mine = one.get("a").await.unwrap();
    other.update(Secret { status: "x".into(), ..mine }).await.expect("it holds it already");
    let mut taken = secret("d", "a");
    taken.workspace = ".global".into();
    assert_eq!(error_of(other.create(taken, None).await), "SecretAlreadyExists");
    one.delete("b").await.unwrap();
    assert_eq!(other.get_by_ref("", "a").await.unwrap().id, "c");
}

#[test]
fn genuine_secrets_read_as_their_manifest_says() {
    let Some(genuine) = Genuine::read("legacy") else { return };
    let collection = genuine.open(SecretStore::spec());
    let encryption = encryption_of(&genuine);
    let clock = genuine.clock();
    let store = SecretStore::new(Arc::clone(&collection), clock, encryption.clone());
    let list = wait(store.list(None)).unwrap();
    assert_eq!(list.damaged, []);
    let expected = genuine.manifest["secrets"].as_array().unwrap();
    assert_eq!(list.secrets.len(), expected.len());
    for expected in expected {
        let id = expected["secret"]["ID"].as_str().unwrap();
        let read = wait(store.get(id)).unwrap();
        assert_eq!(json(&read.to_document().to_text()), expected["secret"]);
        assert_eq!(wait(store.get_by_ref(&read.workspace, &read.reference)).unwrap(), read);
        // Every value that was ever written, not the newest alone.
        let stored = wait(collection.get(&RecordId::new(id).unwrap())).unwrap();
        let stored = json(&stored.data.to_text_lossy());
        let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
        let (versions, told) = (list(&stored["versions"]), list(&expected["versions"]));
        assert_eq!(versions.len(), told.len(), "{id}");
        for (version, told) in versions.iter().zip(&told) {
            let opened = encryption.decrypt(version["encrypted_value"].as_str().unwrap());
            assert_eq!(opened.unwrap().expose(), told["plaintext"].as_str().unwrap());
            assert_eq!(version["version"], told["version"]);
        }
        match expected["resolve"].as_str().unwrap() {
            "value" => {
                let plain = expected["current_plaintext"].as_str().unwrap();
                assert_eq!(wait(store.resolve(id)).unwrap().value, SecretText::new(plain));
            }
            problem => assert_eq!(error_of(wait(store.resolve(id))), problem),
        }
    }
}

/// Without random bytes nothing can be encrypted, and nothing is written.
async fn without_entropy_no_value_is_written(world: &World) {
    let (one, _) = two(world).await;
    one.create(secret("a", "a"), Some(value("x"))).await.unwrap();
    let collection = world.open(SecretStore::spec()).await;
    let dry = SecretStore::new(collection, Arc::new(world.clock.clone()), without_entropy("k"));
    let error = dry.write_value("a", value("y")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Internal, Outcome::NotDone), "{error}");
    assert!(error.to_string().contains("random"), "{error}");
    dry.create(secret("b", "b"), Some(value("y"))).await.unwrap_err();
    assert_eq!(resolved(&dry, "a").await, ("x".to_owned(), 1), "reading needs none");
    let shown = format!("{:?}", dry.resolve("a").await.unwrap());
    assert_eq!(shown, "Resolved { version: 1, .. }", "the value is not shown");
    assert_eq!(error_of(one.get("b").await), "SecretNotFound");
}

/// There is no number after the last one: it is not used again.
async fn the_last_number_is_followed_by_none(world: &World) {
    let (one, _) = two(world).await;
    let json = format!(
        r#"{{"secret":{{"ID":"a","Ref":"a","ProviderType":"dagu-managed","CurrentVersion":{}}}}}"#,
        u64::MAX
    );
    put(world, "secrets", "a", &json).await;
    let error = one.write_value("a", value("x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert!(error.to_string().contains("is the last there is"), "{error}");
    assert_eq!(payload(world, "secrets", "a").await, json, "nothing is changed");
}
