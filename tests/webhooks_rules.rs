//! Every rule of the webhooks store, on every backend, with two instances on
//! one storage: what one acknowledged, the other sees at once.

use std::sync::Arc;

use storeproof::{
    seam::{Instant, Outcome},
    store::{
        document::Document,
        encryption::SecretText,
        error::Kind,
        instant_text::InstantText,
        webhooks::{Webhook, WebhookError, WebhookStore, Webhooks},
    },
};

use super::{
    backends::{Rule, World, at, every_backend_keeps, rules, wait},
    file_backend::{clock, disk_with, files, open, sim},
    genuine::{Genuine, value},
    sealed::{encryption, encryption_of, payload, put, put_at, without_entropy},
};

const RULES: &[Rule] = rules![
    a_webhook_is_found_by_id_and_dag,
    input_is_judged_first,
    an_id_and_a_dag_have_one_webhook,
    missing_instants_at_creation_are_now,
    the_secret_is_encrypted_at_rest,
    without_a_key_no_secret_is_written_or_given,
    without_entropy_no_secret_is_written,
    a_wrong_key_opens_nothing,
    a_list_names_what_it_can_not_decrypt,
    an_update_without_a_secret_removes_it,
    an_update_keeps_the_ciphertext_of_an_unchanged_secret,
    an_update_keeps_what_is_unknown_and_what_is_the_stores,
    a_use_touches_nothing_else,
    deletes_free_everything,
    a_list_is_complete_and_in_order,
    a_payload_that_is_no_webhook_is_damage,
    older_duplicates_belong_to_the_oldest,
];

#[test]
fn webhooks_keep_their_contract() {
    every_backend_keeps(RULES);
}

/// Two instances on one storage, with the same key.
async fn two(world: &World) -> (WebhookStore, WebhookStore) {
    (store(world, "k").await, store(world, "k").await)
}

async fn store(world: &World, key_string: &str) -> WebhookStore {
    let collection = world.open(WebhookStore::spec()).await;
    WebhookStore::new(collection, Arc::new(world.clock.clone()), encryption(key_string))
}

fn webhook(id: &str, dag: &str) -> Webhook {
    let mut webhook = Webhook::new(id, dag);
    webhook.created_at = Some(at(0).into());
    webhook.updated_at = Some(at(0).into());
    webhook
}

fn with_secret(mut webhook: Webhook, secret: &str) -> Webhook {
    webhook.hmac_secret = Some(SecretText::new(secret));
    webhook
}

#[track_caller]
fn error_of<T: std::fmt::Debug>(result: Result<T, WebhookError>) -> &'static str {
    match result {
        Ok(value) => panic!("an error was expected, not {value:?}"),
        Err(WebhookError::InvalidWebhookId(_)) => "InvalidWebhookId",
        Err(WebhookError::InvalidDagName) => "InvalidDagName",
        Err(WebhookError::WebhookAlreadyExists(_)) => "WebhookAlreadyExists",
        Err(WebhookError::WebhookNotFound) => "WebhookNotFound",
        Err(WebhookError::HmacKeyRequired) => "HmacKeyRequired",
        Err(WebhookError::HmacDecryptFailed) => "HmacDecryptFailed",
        Err(error) => error.kind().name(),
    }
}

async fn a_webhook_is_found_by_id_and_dag(world: &World) {
    let (one, other) = two(world).await;
    let given = with_secret(webhook("a", "d"), "s");
    one.create(given.clone()).await.unwrap();
    assert_eq!(other.get("a").await.unwrap(), given);
    assert_eq!(other.get_by_dag_name("d").await.unwrap(), given);
    assert_eq!(error_of(other.get("b").await), "WebhookNotFound");
    assert_eq!(error_of(other.get_by_dag_name("D").await), "WebhookNotFound");
}

async fn input_is_judged_first(world: &World) {
    let keyless = store(world, "").await;
    let bad = with_secret(webhook("a\0", ""), "s");
    assert_eq!(error_of(keyless.create(bad.clone()).await), "InvalidWebhookId");
    assert_eq!(error_of(keyless.update(bad).await), "InvalidWebhookId");
    assert_eq!(error_of(keyless.get("").await), "InvalidWebhookId");
    assert_eq!(error_of(keyless.delete("").await), "InvalidWebhookId");
    assert_eq!(error_of(keyless.update_last_used("").await), "InvalidWebhookId");
    let nameless = with_secret(webhook("a", ""), "s");
    assert_eq!(error_of(keyless.create(nameless.clone()).await), "InvalidDagName");
    assert_eq!(error_of(keyless.update(nameless).await), "InvalidDagName");
    assert_eq!(error_of(keyless.get_by_dag_name("").await), "InvalidDagName");
    assert_eq!(error_of(keyless.delete_by_dag_name("").await), "InvalidDagName");
    let absent = with_secret(webhook("a", "d"), "s");
    assert_eq!(error_of(keyless.update(absent).await), "HmacKeyRequired");
}

async fn an_id_and_a_dag_have_one_webhook(world: &World) {
    let (one, other) = two(world).await;
    one.create(webhook("a", "d")).await.unwrap();
    assert_eq!(error_of(other.create(webhook("a", "e")).await), "WebhookAlreadyExists");
    assert_eq!(error_of(other.create(webhook("b", "d")).await), "WebhookAlreadyExists");
    other.create(webhook("b", "e")).await.unwrap();
    assert_eq!(error_of(one.update(webhook("b", "d")).await), "WebhookAlreadyExists");
    assert_eq!(error_of(one.update(webhook("c", "d")).await), "WebhookNotFound");
    one.update(webhook("b", "f")).await.unwrap();
    assert_eq!(error_of(other.get_by_dag_name("e").await), "WebhookNotFound");
    other.create(webhook("c", "e")).await.expect("the old DAG is free");
}

async fn missing_instants_at_creation_are_now(world: &World) {
    let (one, other) = two(world).await;
    world.clock.set(at(7));
    one.create(Webhook::new("a", "d")).await.unwrap();
    let read = other.get("a").await.unwrap();
    assert_eq!((read.created_at, read.updated_at), (Some(at(7).into()), Some(at(7).into())));
    assert_eq!(read.last_used_at, None);
}

async fn the_secret_is_encrypted_at_rest(world: &World) {
    let (one, other) = two(world).await;
    one.create(with_secret(webhook("a", "d"), "hunter2")).await.unwrap();
    let stored = payload(world, "webhooks", "a").await;
    assert!(!stored.contains("hunter2") && stored.contains("hmacSecretEnc"), "{stored}");
    other.update(with_secret(webhook("a", "d"), "hunter3\0<&>🙂")).await.unwrap();
    let stored = payload(world, "webhooks", "a").await;
    assert!(!stored.contains("hunter3"), "{stored}");
    let read = one.get("a").await.unwrap();
    assert_eq!(read.hmac_secret, Some(SecretText::new("hunter3\0<&>🙂")));
    assert!(!format!("{read:?}").contains("hunter3"));
    one.create(with_secret(webhook("b", "e"), "")).await.unwrap();
    assert_eq!(one.get("b").await.unwrap().hmac_secret, None, "the empty secret is none");
}

async fn without_a_key_no_secret_is_written_or_given(world: &World) {
    let (one, _) = two(world).await;
    let keyless = store(world, "").await;
    let sealed = with_secret(webhook("a", "d"), "s");
    assert_eq!(error_of(keyless.create(sealed.clone()).await), "HmacKeyRequired");
    one.create(sealed.clone()).await.unwrap();
    assert_eq!(error_of(keyless.get("a").await), "HmacKeyRequired");
    assert_eq!(error_of(keyless.get_by_dag_name("d").await), "HmacKeyRequired");
    assert_eq!(error_of(keyless.update(sealed.clone()).await), "HmacKeyRequired");
    keyless.update_last_used("a").await.expect("the secret is not concerned");
    assert_eq!(one.get("a").await.unwrap().hmac_secret, sealed.hmac_secret);
    keyless.update(webhook("a", "d")).await.expect("none is written");
    assert_eq!(keyless.get("a").await.unwrap().hmac_secret, None);
    one.create(with_secret(webhook("b", "e"), "s")).await.unwrap();
    keyless.delete("b").await.expect("the secret is not concerned");
    one.create(with_secret(webhook("b", "e"), "s")).await.unwrap();
    keyless.delete_by_dag_name("e").await.expect("the secret is not concerned");
    keyless.create(webhook("b", "e")).await.expect("it has no secret");
}

async fn a_wrong_key_opens_nothing(world: &World) {
    let (one, _) = two(world).await;
    let wrong = store(world, "k\n").await;
    one.create(with_secret(webhook("a", "d"), "s")).await.unwrap();
    assert_eq!(error_of(wrong.get("a").await), "HmacDecryptFailed");
    assert_eq!(error_of(wrong.get_by_dag_name("d").await), "HmacDecryptFailed");
    wrong.update(with_secret(webhook("a", "d"), "s")).await.expect("it is written anew");
    assert_eq!(wrong.get("a").await.unwrap().hmac_secret, Some(SecretText::new("s")));
    assert_eq!(error_of(one.get("a").await), "HmacDecryptFailed");
    put(world, "webhooks", "b", r#"{"id":"b","dagName":"e","hmacSecretEnc":"garbage"}"#).await;
    assert_eq!(error_of(one.get("b").await), "HmacDecryptFailed", "or it was changed");
}

async fn a_list_names_what_it_can_not_decrypt(world: &World) {
    let (one, _) = two(world).await;
    one.create(with_secret(webhook("b", "d"), "hunter2")).await.unwrap();
    one.create(webhook("a", "e")).await.unwrap();
    put(world, "webhooks", "c", "null").await;
    let kinds = [("k", vec![]), ("", vec![Kind::KeyRequired]), ("x", vec![Kind::DecryptFailed])];
    for (key_string, mut expected) in kinds {
        expected.push(Kind::Corrupt);
        let list = store(world, key_string).await.list().await.unwrap();
        assert_eq!(list.webhooks.len() + list.damaged.len(), 3, "nothing is dropped");
        let named: Vec<_> = list.damaged.iter().map(|damaged| damaged.kind).collect();
        assert_eq!(named, expected, "with the key {key_string:?}");
        assert!(!format!("{list:?}").contains("hunter2"));
    }
}

async fn an_update_without_a_secret_removes_it(world: &World) {
    let (one, other) = two(world).await;
    for given in [webhook("a", "d"), with_secret(webhook("a", "d"), "")] {
        one.create(with_secret(webhook("a", "d"), "s")).await.unwrap();
        other.update(given).await.unwrap();
        let stored = payload(world, "webhooks", "a").await;
        assert!(!stored.contains("hmacSecretEnc"), "{stored}");
        one.delete("a").await.unwrap();
    }
}

async fn an_update_keeps_the_ciphertext_of_an_unchanged_secret(world: &World) {
    let (one, other) = two(world).await;
    one.create(with_secret(webhook("a", "d"), "s")).await.unwrap();
    let before = payload(world, "webhooks", "a").await;
    let mut given = one.get("a").await.unwrap();
    other.update(given.clone()).await.unwrap();
    assert_eq!(payload(world, "webhooks", "a").await, before);
    given.enabled = true;
    other.update(given).await.unwrap();
    let expected = before.replace(r#""enabled":false"#, r#""enabled":true"#);
    assert_eq!(payload(world, "webhooks", "a").await, expected);
}

async fn an_update_keeps_what_is_unknown_and_what_is_the_stores(world: &World) {
    let (one, other) = two(world).await;
    let json = r#"{"id":"a","dagName":"d","enabled":true,"createdAt":"2026-01-01T09:00:00.50+09:00","updatedAt":"2026-01-01T09:00:00+09:00","lastUsedAt":"2026-05-01T00:00:00+02:00","authMode":"of tomorrow","big":123456789012345678901234567890,"x":{"a":1,"a":2}}"#;
    put(world, "webhooks", "a", json).await;
    let mut given = webhook("a", "e");
    given.updated_at = InstantText::parse("2026-01-01T00:00:00Z");
    given.last_used_at = Some(Instant::ZERO.into());
    given.unknown = Document::parse(br#"{"x":1e400,"y":null}"#).unwrap();
    one.update(given).await.unwrap();
    let read = other.get("a").await.unwrap();
    let text = |at: &Option<InstantText>| at.as_ref().unwrap().to_string();
    assert_eq!(text(&read.created_at), "2026-01-01T09:00:00.50+09:00", "it never changes");
    assert_eq!(text(&read.updated_at), "2026-01-01T09:00:00+09:00", "an equal one is no change");
    assert_eq!(text(&read.last_used_at), "2026-05-01T00:00:00+02:00", "it is the store's");
    assert_eq!((read.enabled, read.auth_mode), (false, None));
    let kept = r#"{"big":123456789012345678901234567890,"x":1e400,"y":null}"#;
    assert_eq!(read.unknown.to_text(), kept);
}

async fn a_use_touches_nothing_else(world: &World) {
    let (one, other) = two(world).await;
    // No instants of its own: those of the record must not be taken along.
    put(world, "webhooks", "a", r#"{"id":"a","dagName":"d","x":1e400}"#).await;
    let before = one.get("a").await.unwrap();
    world.clock.set(at(9));
    other.update_last_used("a").await.unwrap();
    let used = Webhook { last_used_at: Some(at(9).into()), ..before };
    assert_eq!(one.get("a").await.unwrap(), used);
    world.clock.set(at(3));
    one.update_last_used("a").await.unwrap();
    assert_eq!(other.get("a").await.unwrap().last_used_at, Some(at(3).into()), "simply now");
    one.delete("a").await.unwrap();
    assert_eq!(error_of(other.update_last_used("a").await), "WebhookNotFound");
    assert_eq!(one.list().await.unwrap().webhooks, [], "it is not brought back");
}

async fn deletes_free_everything(world: &World) {
    let (one, other) = two(world).await;
    for by_dag in [false, true] {
        one.create(webhook("a", "d")).await.unwrap();
        let deleted =
            if by_dag { other.delete_by_dag_name("d").await } else { other.delete("a").await };
        deleted.unwrap();
        assert_eq!(error_of(one.delete("a").await), "WebhookNotFound");
        assert_eq!(error_of(one.delete_by_dag_name("d").await), "WebhookNotFound");
        assert_eq!(error_of(one.get_by_dag_name("d").await), "WebhookNotFound");
        assert_eq!(error_of(one.update(webhook("a", "d")).await), "WebhookNotFound");
    }
}

async fn a_list_is_complete_and_in_order(world: &World) {
    let (one, other) = two(world).await;
    for (id, seconds) in [("d", 1), ("a", 2), ("c", 1), ("b", 1), ("e", 0)] {
        let mut given = webhook(id, &format!("DAG of {id}"));
        given.created_at = Some(at(seconds).into());
        one.create(given).await.unwrap();
    }
    let list = other.list().await.unwrap();
    let ids: Vec<_> = list.webhooks.iter().map(|webhook| &*webhook.id).collect();
    assert_eq!(ids, ["e", "b", "c", "d", "a"], "all pages, by (created_at, id)");
}

async fn a_payload_that_is_no_webhook_is_damage(world: &World) {
    let (one, other) = two(world).await;
    one.create(webhook("a", "d")).await.unwrap();
    for (text, json) in [
        ("n", "null"),
        ("o", r#"{"id":"o"}"#),
        ("p", r#"{"id":"a","dagName":"x"}"#),
        ("q", r#"{"id":"q","dagName":"y","createdAt":"today"}"#),
    ] {
        put(world, "webhooks", text, json).await;
        assert_eq!(error_of(other.get(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.update(webhook(text, "new")).await), "corrupt", "{json}");
        assert_eq!(error_of(other.update_last_used(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.create(webhook(text, "new")).await), "WebhookAlreadyExists");
    }
    assert_eq!(error_of(other.get_by_dag_name("y").await), "corrupt");
    let list = other.list().await.unwrap();
    assert_eq!(list.webhooks, [webhook("a", "d")], "nothing blocks");
    let damaged: Vec<_> = list.damaged.iter().map(|damaged| damaged.id.as_str()).collect();
    assert_eq!(damaged, ["n", "o", "p", "q"], "nothing is hidden");
    one.delete("n").await.expect("it is quarantined");
    one.delete_by_dag_name("y").await.expect("it is quarantined");
    assert_eq!(other.list().await.unwrap().damaged.len(), 2);
}

#[test]
fn what_is_no_webhook_goes_to_quarantine_and_a_webhook_just_goes() {
    let none = r#"{"id":"n"}"#;
    let fs = sim(disk_with(&[("webhooks/n.json", none)]));
    let store = WebhookStore::new(open(&fs, WebhookStore::spec()), clock(), encryption("k"));
    wait(store.create(webhook("a", "d"))).unwrap();
    wait(store.delete("a")).unwrap();
    let quarantined = || {
        let all = files(&fs).into_iter();
        all.filter(|(path, _)| path.contains("/.storeproof.quarantine/")).collect::<Vec<_>>()
    };
    assert_eq!(quarantined(), [], "a webhook's secrets are nowhere any more");
    wait(store.delete("n")).unwrap();
    let kept: Vec<String> = quarantined().into_iter().map(|(_, content)| content).collect();
    assert_eq!(kept, [none]);
}

async fn older_duplicates_belong_to_the_oldest(world: &World) {
    for (text, seconds) in [("a", 5), ("b", 1), ("c", 1)] {
        let json = format!(r#"{{"id":"{text}","dagName":"d"}}"#);
        put_at(world, "webhooks", text, &json, at(seconds)).await;
    }
    let (one, other) = two(world).await;
    assert_eq!(one.get_by_dag_name("d").await.unwrap().id, "b");
    let mine = one.get("a").await.unwrap();
    other.update(Webhook { enabled: true, ..mine }).await.expect("it holds the DAG already");
    assert_eq!(error_of(other.create(webhook("e", "d")).await), "WebhookAlreadyExists");
    one.delete_by_dag_name("d").await.unwrap();
    assert_eq!(other.get_by_dag_name("d").await.unwrap().id, "c");
}

#[test]
fn genuine_webhooks_read_as_their_manifest_says() {
    let Some(genuine) = Genuine::read("legacy") else { return };
    let collection = genuine.open(WebhookStore::spec());
    let store = WebhookStore::new(collection, genuine.clock(), encryption_of(&genuine));
    let list = wait(store.list()).unwrap();
    assert_eq!(list.damaged, []);
    let expected = genuine.manifest["webhooks"].as_array().unwrap();
    assert_eq!(list.webhooks.len(), expected.len());
    for expected in expected {
        let mut expected = expected.clone();
        let members = expected.as_object_mut().unwrap();
        let secret = members.remove("hmac_secret_plaintext").unwrap();
        if secret != "" {
            members.insert("hmacSecret".into(), secret);
        }
        let read = wait(store.get_by_dag_name(expected["dagName"].as_str().unwrap())).unwrap();
        assert_eq!(value(&read.to_document().to_text()), expected);
        assert_eq!(wait(store.get(&read.id)).unwrap(), read);
        // Written by us, it is the same.
        let used = Webhook { last_used_at: Some(genuine.clock().now().into()), ..read };
        wait(store.update_last_used(&used.id)).unwrap();
        assert_eq!(wait(store.get(&used.id)).unwrap(), used);
    }
}

/// Without random bytes nothing can be encrypted, and nothing is written.
async fn without_entropy_no_secret_is_written(world: &World) {
    let (one, _) = two(world).await;
    let sealed = with_secret(webhook("a", "d"), "s");
    let collection = world.open(WebhookStore::spec()).await;
    let dry = WebhookStore::new(collection, Arc::new(world.clock.clone()), without_entropy("k"));
    let error = dry.create(sealed.clone()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Internal, Outcome::NotDone), "{error}");
    assert!(error.to_string().contains("random"), "{error}");
    assert_eq!(error_of(one.get("a").await), "WebhookNotFound");
    one.create(sealed.clone()).await.unwrap();
    assert_eq!(dry.get("a").await.unwrap().hmac_secret, sealed.hmac_secret, "reading needs none");
}
