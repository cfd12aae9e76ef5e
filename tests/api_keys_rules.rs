//! Every rule of the API keys store, on every backend, with two instances on
//! one storage: what one acknowledged, the other sees at once.

use std::sync::Arc;

use storeproof::{
    seam::{Collection, CollectionExt, CollectionSpec, Instant, Payload, Record},
    store::{
        api_keys::{ApiKey, ApiKeyError, ApiKeyStore, ApiKeys},
        document::Document,
        instant_text::InstantText,
    },
};

use super::{
    backends::{Rule, World, at, every_backend_keeps, id, rules},
    file_backend::wait,
    genuine::{Genuine, value},
};

const RULES: &[Rule] = rules![
    a_key_is_found_by_its_id,
    input_is_judged_first,
    an_id_and_a_name_have_one_key,
    what_is_written_is_normal,
    what_older_software_left_is_read_normal_and_not_rewritten_by_it,
    missing_instants_at_creation_are_now,
    an_update_replaces_what_is_known_and_keeps_what_is_not,
    an_update_frees_the_old_name,
    a_use_and_an_update_leave_each_other_alone,
    a_use_does_not_move_the_time_of_change,
    nothing_brings_a_key_back,
    created_at_never_changes_and_unchanged_instants_keep_their_text,
    a_list_is_complete_and_in_order,
    a_payload_that_is_no_key_is_damage,
    older_duplicates_may_stay,
];

#[test]
fn api_keys_keep_their_contract() {
    every_backend_keeps(RULES);
}

async fn two(world: &World) -> (ApiKeyStore, ApiKeyStore) {
    (store(world).await, store(world).await)
}

async fn store(world: &World) -> ApiKeyStore {
    ApiKeyStore::new(world.open(ApiKeyStore::spec()).await, Arc::new(world.clock.clone()))
}

/// The collection as older software sees it: without keys.
async fn raw(world: &World) -> Arc<dyn Collection> {
    let spec = ApiKeyStore::spec();
    world.open(CollectionSpec { keys: Arc::from([]), ..spec }).await
}

fn key(id: &str, name: &str) -> ApiKey {
    let mut key = ApiKey::new(id, name);
    key.created_at = Some(at(0).into());
    key.updated_at = Some(at(0).into());
    key.normalised()
}

fn flat(text: &str, json: &str) -> Record {
    Record::json(id(text), Payload::json(json.as_bytes()).expect("JSON"), at(0))
}

#[track_caller]
fn error_of<T: std::fmt::Debug>(result: Result<T, ApiKeyError>) -> &'static str {
    match result {
        Ok(value) => panic!("an error was expected, not {value:?}"),
        Err(ApiKeyError::InvalidApiKeyId(_)) => "InvalidApiKeyId",
        Err(ApiKeyError::InvalidApiKeyName) => "InvalidApiKeyName",
        Err(ApiKeyError::ApiKeyAlreadyExists(_)) => "ApiKeyAlreadyExists",
        Err(ApiKeyError::ApiKeyNotFound) => "ApiKeyNotFound",
        Err(error) => error.kind().name(),
    }
}

async fn a_key_is_found_by_its_id(world: &World) {
    let (one, other) = two(world).await;
    one.create(key("a", "ci")).await.unwrap();
    assert_eq!(other.get("a").await.unwrap(), key("a", "ci"));
    assert_eq!(error_of(other.get("b").await), "ApiKeyNotFound");
}

async fn input_is_judged_first(world: &World) {
    let (one, _) = two(world).await;
    let long = "x".repeat(1_025);
    for bad in ["", "a\0", &long] {
        assert_eq!(error_of(one.create(key(bad, "")).await), "InvalidApiKeyId");
        assert_eq!(error_of(one.update(key(bad, "")).await), "InvalidApiKeyId");
        assert_eq!(error_of(one.get(bad).await), "InvalidApiKeyId");
        assert_eq!(error_of(one.delete(bad).await), "InvalidApiKeyId");
        assert_eq!(error_of(one.update_last_used(bad).await), "InvalidApiKeyId");
    }
    assert_eq!(error_of(one.create(key("a", "")).await), "InvalidApiKeyName");
    assert_eq!(error_of(one.update(key("a", "")).await), "InvalidApiKeyName");
    one.create(key("any/../id of a record", "ci")).await.expect("ids are record ids");
}

async fn an_id_and_a_name_have_one_key(world: &World) {
    let (one, other) = two(world).await;
    one.create(key("a", "ci")).await.unwrap();
    assert_eq!(error_of(other.create(key("a", "cd")).await), "ApiKeyAlreadyExists");
    assert_eq!(error_of(other.create(key("b", "ci")).await), "ApiKeyAlreadyExists");
    assert_eq!(error_of(other.update(key("b", "ci")).await), "ApiKeyNotFound");
    other.create(key("b", "cd")).await.unwrap();
    assert_eq!(error_of(one.update(key("b", "ci")).await), "ApiKeyAlreadyExists");
    assert_eq!(one.get("b").await.unwrap(), key("b", "cd"), "a refused update changes nothing");
}

async fn what_is_written_is_normal(world: &World) {
    let (one, other) = two(world).await;
    let mut given = ApiKey::new("a", "ci");
    given.allowed_surfaces = ["mcp", "mcp", "x"].map(str::to_owned).to_vec();
    one.create(given.clone()).await.unwrap();
    let stored = raw(world).await.get(&id("a")).await.unwrap();
    let stored = value(&stored.data.to_text_lossy());
    assert_eq!(stored["attribution_class"], "service_account");
    assert_eq!(stored["migrated_as_service_account"], true);
    assert_eq!(stored["service_account_id"], "api_key:a");
    assert_eq!(stored["service_account_name"], "ci");
    assert_eq!(stored["allowed_surfaces"], serde_json::json!(["mcp", "x"]));
    given.name = "cd".into();
    given.allowed_surfaces.clear();
    other.update(given).await.unwrap();
    let read = one.get("a").await.unwrap();
    assert_eq!(read.service_account_name.as_deref(), Some("cd"), "none given: the key's name");
    assert_eq!(read.allowed_surfaces, ["rest_api", "mcp"]);
}

async fn what_older_software_left_is_read_normal_and_not_rewritten_by_it(world: &World) {
    let (one, other) = two(world).await;
    let json = "{\n  \"id\": \"a\",\n  \"name\": \"from \\u003c2024\\u003e\",\n  \"role\": \"developer\",\n  \"key_hash\": \"h\",\n  \"x\": 1e400\n}";
    raw(world).await.put(flat("a", json)).await.unwrap();
    let read = one.get("a").await.unwrap();
    assert_eq!(read.service_account_name.as_deref(), Some("from <2024>"));
    assert_eq!(read.migrated_as_service_account, Some(true));
    assert_eq!(
        (read.workspace_access.clone(), read.created_at.clone()),
        (None, Some(at(0).into()))
    );
    assert_eq!(other.list().await.unwrap().keys, [read]);
    let stored = raw(world).await.get(&id("a")).await.unwrap();
    assert_eq!(stored.data.to_text_lossy(), json, "reading changes nothing");
}

async fn missing_instants_at_creation_are_now(world: &World) {
    let (one, other) = two(world).await;
    world.clock.set(at(7));
    one.create(ApiKey::new("a", "ci")).await.unwrap();
    let read = other.get("a").await.unwrap();
    assert_eq!((read.created_at, read.updated_at), (Some(at(7).into()), Some(at(7).into())));
    assert_eq!(read.last_used_at, None, "it was not used yet");
}

async fn an_update_replaces_what_is_known_and_keeps_what_is_not(world: &World) {
    let (one, other) = two(world).await;
    let json = r#"{"id":"a","name":"ci","description":"d","key_hash":"h","role":"admin","workspace_access":{"all":true},"attribution_class":"user_owned","owner_user_id":"u","owner_username":"n","created_by":"ann","big":123456789012345678901234567890,"x":{"a":1,"a":2}}"#;
    raw(world).await.put(flat("a", json)).await.unwrap();
    let mut given = key("a", "cd");
    given.unknown = Document::parse(br#"{"x":1e400,"y":null}"#).unwrap();
    one.update(given).await.unwrap();
    let read = other.get("a").await.unwrap();
    assert_eq!((&*read.name, &*read.key_hash, &*read.role, &*read.created_by), ("cd", "", "", ""));
    assert_eq!((read.description, read.workspace_access, read.owner_user_id), (None, None, None));
    let kept = r#"{"big":123456789012345678901234567890,"x":1e400,"y":null}"#;
    assert_eq!(read.unknown.to_text(), kept);
}

async fn an_update_frees_the_old_name(world: &World) {
    let (one, other) = two(world).await;
    one.create(key("a", "ci")).await.unwrap();
    other.update(key("a", "cd")).await.unwrap();
    one.create(key("b", "ci")).await.expect("the name is free");
}

async fn a_use_and_an_update_leave_each_other_alone(world: &World) {
    let (one, other) = two(world).await;
    one.create(key("a", "ci")).await.unwrap();
    let stale = one.get("a").await.unwrap();
    world.clock.set(at(5));
    other.update_last_used("a").await.unwrap();
    let mut used = key("a", "ci");
    used.last_used_at = Some(at(5).into());
    assert_eq!(one.get("a").await.unwrap(), used, "nothing else changes");
    one.update(ApiKey { role: "admin".into(), ..stale }).await.unwrap();
    used.role = "admin".into();
    assert_eq!(other.get("a").await.unwrap(), used, "a stale copy does not undo the use");
}

async fn a_use_does_not_move_the_time_of_change(world: &World) {
    let (one, other) = two(world).await;
    raw(world).await.put(flat("a", r#"{"id":"a","name":"ci"}"#)).await.unwrap();
    world.clock.set(at(5));
    one.update_last_used("a").await.unwrap();
    let read = other.get("a").await.unwrap();
    assert_eq!((read.updated_at, read.last_used_at), (Some(at(0).into()), Some(at(5).into())));
}

async fn nothing_brings_a_key_back(world: &World) {
    let (one, other) = two(world).await;
    one.create(key("a", "ci")).await.unwrap();
    other.delete("a").await.unwrap();
    assert_eq!(error_of(one.update(key("a", "ci")).await), "ApiKeyNotFound");
    assert_eq!(error_of(one.update_last_used("a").await), "ApiKeyNotFound");
    assert_eq!(error_of(one.delete("a").await), "ApiKeyNotFound");
    assert_eq!(other.list().await.unwrap().keys, []);
    one.create(key("b", "ci")).await.expect("the name is free");
}

async fn created_at_never_changes_and_unchanged_instants_keep_their_text(world: &World) {
    let (one, other) = two(world).await;
    let text = |text: &str| InstantText::parse(text);
    let mut ci = ApiKey::new("a", "ci");
    ci.created_at = text("2026-01-01T09:00:00.50+09:00");
    ci.updated_at = text("2026-01-01T09:00:00+09:00");
    ci.last_used_at = text("2026-01-02T09:00:00+09:00");
    one.create(ci.clone()).await.unwrap();
    ci.created_at = Some(at(99).into());
    ci.updated_at = text("2026-01-01T00:00:00Z");
    ci.last_used_at = None;
    other.update(ci.clone()).await.unwrap();
    let times = |key: &ApiKey| {
        [&key.created_at, &key.updated_at, &key.last_used_at]
            .map(|at| at.as_ref().unwrap().to_string())
    };
    let kept =
        ["2026-01-01T09:00:00.50+09:00", "2026-01-01T09:00:00+09:00", "2026-01-02T09:00:00+09:00"];
    assert_eq!(times(&one.get("a").await.unwrap()), kept);
    ci.updated_at = Some(Instant::ZERO.into());
    other.update(ci).await.unwrap();
    let earlier = [kept[0], "0001-01-01T00:00:00Z", kept[2]];
    assert_eq!(times(&one.get("a").await.unwrap()), earlier, "the caller's, even an earlier one");
}

async fn a_list_is_complete_and_in_order(world: &World) {
    let (one, other) = two(world).await;
    for (id, seconds) in [("d", 1), ("a", 2), ("c", 1), ("b", 1), ("e", 0)] {
        let mut key = key(id, &format!("name of {id}"));
        key.created_at = Some(at(seconds).into());
        one.create(key).await.unwrap();
    }
    let list = other.list().await.unwrap();
    let ids: Vec<_> = list.keys.iter().map(|key| &*key.id).collect();
    assert_eq!(ids, ["e", "b", "c", "d", "a"], "all pages, by (created_at, id)");
    assert_eq!(list.damaged, []);
}

async fn a_payload_that_is_no_key_is_damage(world: &World) {
    let (one, other) = two(world).await;
    one.create(key("a", "ci")).await.unwrap();
    let raw = raw(world).await;
    for (text, json) in [
        ("n", "null"),
        ("o", r#"{"id":"o"}"#),
        ("p", r#"{"id":"a","name":"x"}"#),
        ("q", r#"{"id":"q","name":"eve","allowed_surfaces":"all"}"#),
    ] {
        raw.put(flat(text, json)).await.unwrap();
        assert_eq!(error_of(other.get(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.update(key(text, "new")).await), "corrupt", "{json}");
        assert_eq!(error_of(other.update_last_used(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.create(key(text, "new")).await), "ApiKeyAlreadyExists", "{json}");
    }
    let list = other.list().await.unwrap();
    assert_eq!(list.keys, [key("a", "ci")], "nothing blocks");
    let damaged: Vec<_> = list.damaged.iter().map(|damaged| damaged.id.as_str()).collect();
    assert_eq!(damaged, ["n", "o", "p", "q"], "nothing is hidden");
    assert!(list.damaged.iter().all(|damaged| !damaged.message.contains("eve")));
    one.delete("n").await.expect("it is quarantined");
    other.create(key("n", "new")).await.expect("the id is free");
}

async fn older_duplicates_may_stay(world: &World) {
    let raw = raw(world).await;
    for text in ["a", "b"] {
        raw.put(flat(text, &format!(r#"{{"id":"{text}","name":"ci"}}"#))).await.unwrap();
    }
    let (one, other) = two(world).await;
    other.update(one.get("b").await.unwrap()).await.expect("it holds the name already");
    one.update_last_used("b").await.unwrap();
    assert_eq!(error_of(other.create(key("c", "ci")).await), "ApiKeyAlreadyExists");
}

#[test]
fn genuine_keys_read_as_their_manifest_says() {
    let Some(genuine) = Genuine::read("legacy") else { return };
    let store = ApiKeyStore::new(genuine.open(ApiKeyStore::spec()), genuine.clock());
    let list = wait(store.list()).unwrap();
    assert_eq!(list.damaged, []);
    let mut keys: Vec<_> = list.keys.iter().collect();
    keys.sort_by_key(|key| &key.id);
    let read: Vec<_> = keys.iter().map(|key| value(&key.to_document().to_text())).collect();
    let mut expected = genuine.manifest["apikeys"].as_array().unwrap().clone();
    for (key, expected) in read.iter().zip(&mut expected) {
        // "Absent stays absent": the manifest's writer fills it in.
        if key.get("workspace_access").is_none() {
            let filled_in = expected.as_object_mut().unwrap().remove("workspace_access");
            assert_eq!(filled_in, Some(serde_json::json!({"all": true})));
        }
    }
    assert_eq!(read, expected);
}
