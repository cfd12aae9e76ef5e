//! Secondary keys.

use std::sync::Arc;

use storeproof::seam::{
    Collection, CollectionExt, CollectionSpec, Condition, Error, Instant, KeySpec, Result, Write,
};

use crate::backends::{
    Rule, World, at, error_of, id, ids, payload, record, record_at, rules, until,
};

pub(crate) const RULES: &[Rule] = rules![
    find_gives_the_holders_in_the_order_of_listings,
    find_follows_every_write,
    find_needs_a_declared_key_with_all_its_parts,
    an_empty_part_is_nobodys,
    a_default_stands_for_what_is_missing,
    payloads_without_the_parts_have_no_key,
    a_unique_value_has_one_owner,
    a_refused_value_changes_nothing,
    an_owner_may_keep_and_give_up_its_value,
    the_first_taken_key_in_the_specs_order_is_named,
    conditions_come_before_keys,
    one_commit_may_hand_a_value_over,
    one_commit_may_not_give_a_value_twice,
    values_may_be_exchanged_in_one_commit,
    expired_records_free_their_keys,
    every_handle_keeps_its_own_keys_among_all_records,
    older_duplicates_are_found_and_may_stay,
];

fn spec() -> CollectionSpec {
    CollectionSpec::new("keyed").with_keys([
        KeySpec::unique("name", &["/name"]),
        KeySpec::unique("pair", &["/a", "/b/c"]),
        KeySpec::shared("group", &["/group", "/kind"]).with_default(1, "plain"),
    ])
}

async fn found(collection: &Arc<dyn Collection>, key: &str, parts: &[&str]) -> Vec<String> {
    let found = collection.find(key, parts).await.unwrap();
    assert!(found.damaged.is_empty());
    ids(&found.records).into_iter().map(str::to_owned).collect()
}

#[track_caller]
fn taken(result: Result<()>) -> String {
    match result {
        Err(Error::KeyTaken { key, .. }) => key.to_string(),
        other => panic!("a taken key was expected, not {other:?}"),
    }
}

async fn find_gives_the_holders_in_the_order_of_listings(world: &World) {
    let collection = world.open(spec()).await;
    let json = r#"{"group":"g"}"#;
    for (text, seconds) in [("d", 1), ("a", 2), ("c", 1), ("b", 0)] {
        collection.put(record_at(text, json, seconds)).await.unwrap();
    }
    collection.put(record("e", r#"{"group":"h"}"#)).await.unwrap();
    let records = collection.find("group", &["g", "plain"]).await.unwrap().records;
    assert_eq!(ids(&records), ["b", "c", "d", "a"]);
    assert_eq!(records[0], record_at("b", json, 0));
}

async fn find_follows_every_write(world: &World) {
    let collection = world.open(spec()).await;
    let other = world.open(spec()).await;
    let x = r#"{"name":"x"}"#;
    collection.put(record("a", x)).await.unwrap();
    assert_eq!(found(&other, "name", &["x"]).await, ["a"]);
    other.put(record("a", r#"{"name":"y"}"#)).await.unwrap();
    assert!(found(&collection, "name", &["x"]).await.is_empty());
    assert_eq!(found(&collection, "name", &["y"]).await, ["a"]);
    let (from, to) = (payload(r#"{"name":"y"}"#), payload(x));
    collection.compare_and_swap(&id("a"), from, to).await.unwrap();
    assert_eq!(found(&other, "name", &["x"]).await, ["a"]);
    collection.claim(&Default::default()).await.unwrap();
    assert!(found(&other, "name", &["x"]).await.is_empty());
    collection.put(record("b", x)).await.unwrap();
    collection.quarantine(&id("b"), x.as_bytes()).await.unwrap();
    assert!(found(&other, "name", &["x"]).await.is_empty());
    collection.put(record("c", x)).await.unwrap();
    collection.delete(&id("c")).await.unwrap();
    assert!(found(&other, "name", &["x"]).await.is_empty());
}

async fn find_needs_a_declared_key_with_all_its_parts(world: &World) {
    let collection = world.open(spec()).await;
    for (key, parts) in [
        ("names", &["x"][..]),
        ("", &["x"]),
        ("name", &[]),
        ("name", &["x", "y"]),
        ("pair", &["x"]),
        ("pair", &["x", "y", ""]),
    ] {
        let error = error_of(collection.find(key, parts).await);
        assert_eq!(error, "invalid_argument", "{key:?} {parts:?}");
    }
}

async fn an_empty_part_is_nobodys(world: &World) {
    let collection = world.open(spec()).await;
    collection.put(record("a", r#"{"name":"","a":"x","b":{"c":""}}"#)).await.unwrap();
    collection.put(record("b", r#"{"name":"","a":"x","b":{"c":""}}"#)).await.unwrap();
    assert!(found(&collection, "name", &[""]).await.is_empty());
    assert!(found(&collection, "pair", &["x", ""]).await.is_empty());
}

async fn a_default_stands_for_what_is_missing(world: &World) {
    let collection = world.open(spec()).await;
    for (text, json) in [
        ("a", r#"{"group":"g"}"#),
        ("b", r#"{"group":"g","kind":""}"#),
        ("c", r#"{"group":"g","kind":7}"#),
        ("d", r#"{"group":"g","kind":"plain"}"#),
        ("e", r#"{"group":"g","kind":"other"}"#),
        ("f", r#"{"kind":"plain"}"#),
    ] {
        collection.put(record(text, json)).await.unwrap();
    }
    assert_eq!(found(&collection, "group", &["g", "plain"]).await, ["a", "b", "c", "d"]);
    assert_eq!(found(&collection, "group", &["g", "other"]).await, ["e"]);
}

async fn payloads_without_the_parts_have_no_key(world: &World) {
    let collection = world.open(spec()).await;
    for (text, json) in [
        ("a", r#"{"name":7}"#),
        ("b", r#"["name"]"#),
        ("c", r#"{"name":"x","name":null}"#),
        ("d", r#"{"deep":{"name":"x"}}"#),
        ("e", r#"{"name":"\ud800"}"#),
        ("f", "null"),
    ] {
        collection.put(record(text, json)).await.unwrap();
    }
    assert!(found(&collection, "name", &["x"]).await.is_empty());
    let escaped = r#"{"name":"old","n\u0061me":"\u0078"}"#;
    collection.put(record("g", escaped)).await.unwrap();
    assert_eq!(found(&collection, "name", &["x"]).await, ["g"], "of a repeated name the last");
}

async fn a_unique_value_has_one_owner(world: &World) {
    let collection = world.open(spec()).await;
    let other = world.open(spec()).await;
    let pair = r#"{"a":"1","b":{"c":"2"}}"#;
    collection.put(record("a", pair)).await.unwrap();
    assert_eq!(taken(other.put(record("b", pair)).await), "pair");
    assert_eq!(taken(other.create(record("b", pair)).await), "pair");
    other.put(record("b", "{}")).await.unwrap();
    let swapped = other.compare_and_swap(&id("b"), payload("{}"), payload(pair)).await;
    assert_eq!(taken(swapped), "pair");
    other.put(record("c", r#"{"a":"2","b":{"c":"1"}}"#)).await.expect("another pair");
    other.put(record("d", r#"{"a":"1"}"#)).await.expect("half a pair is none");
}

async fn a_refused_value_changes_nothing(world: &World) {
    let collection = world.open(spec()).await;
    collection.put(record("a", r#"{"name":"x"}"#)).await.unwrap();
    collection.put(record("b", r#"{"name":"y"}"#)).await.unwrap();
    let both = vec![Write::delete(id("b")), Write::create(record("c", r#"{"name":"x"}"#))];
    assert_eq!(taken(collection.commit(both).await), "name");
    assert_eq!(found(&collection, "name", &["y"]).await, ["b"]);
    assert_eq!(found(&collection, "name", &["x"]).await, ["a"]);
    assert_eq!(error_of(collection.get(&id("c")).await), "not_found");
}

async fn an_owner_may_keep_and_give_up_its_value(world: &World) {
    let collection = world.open(spec()).await;
    collection.put(record("a", r#"{"name":"x"}"#)).await.unwrap();
    collection.put(record("a", r#"{"name":"x","more":1}"#)).await.unwrap();
    collection.put(record("a", r#"{"name":"y"}"#)).await.unwrap();
    collection.put(record("b", r#"{"name":"x"}"#)).await.expect("given up");
    collection.delete(&id("b")).await.unwrap();
    collection.put(record("a", r#"{"name":"x"}"#)).await.expect("free again");
}

async fn the_first_taken_key_in_the_specs_order_is_named(world: &World) {
    let collection = world.open(spec()).await;
    collection.put(record("a", r#"{"a":"1","b":{"c":"2"}}"#)).await.unwrap();
    collection.put(record("b", r#"{"name":"x"}"#)).await.unwrap();
    let both = record("c", r#"{"name":"x","a":"1","b":{"c":"2"}}"#);
    assert_eq!(taken(collection.put(both).await), "name");
    let writes = vec![
        Write::put(record("c", r#"{"a":"1","b":{"c":"2"}}"#)),
        Write::put(record("d", r#"{"name":"x"}"#)),
    ];
    assert_eq!(taken(collection.commit(writes).await), "name", "by the spec, not by the list");
}

async fn conditions_come_before_keys(world: &World) {
    let collection = world.open(spec()).await;
    collection.put(record("a", r#"{"name":"x"}"#)).await.unwrap();
    collection.put(record("b", "{}")).await.unwrap();
    let name = payload(r#"{"name":"x"}"#);
    let swapped = collection.compare_and_swap(&id("b"), payload("1"), name).await;
    assert_eq!(error_of(swapped), "conflict");
    let created = collection.create(record("b", r#"{"name":"x"}"#)).await;
    assert_eq!(error_of(created), "already_exists");
    let writes = vec![
        Write::put(record("c", r#"{"name":"x"}"#)),
        Write { when: Condition::Present, ..Write::delete(id("absent")) },
    ];
    assert_eq!(error_of(collection.commit(writes).await), "not_found");
}

async fn one_commit_may_hand_a_value_over(world: &World) {
    let collection = world.open(spec()).await;
    let x = r#"{"name":"x"}"#;
    collection.put(record("a", x)).await.unwrap();
    let writes = vec![Write::put(record("b", x)), Write::delete(id("a"))];
    collection.commit(writes).await.unwrap();
    assert_eq!(found(&collection, "name", &["x"]).await, ["b"]);
    let writes = vec![Write::put(record("c", x)), Write::put(record("b", "{}"))];
    collection.commit(writes).await.unwrap();
    assert_eq!(found(&collection, "name", &["x"]).await, ["c"]);
}

async fn one_commit_may_not_give_a_value_twice(world: &World) {
    let collection = world.open(spec()).await;
    let x = r#"{"name":"x"}"#;
    let writes = vec![Write::put(record("a", x)), Write::put(record("b", x))];
    assert_eq!(taken(collection.commit(writes).await), "name");
    assert_eq!(collection.count(&Default::default()).await.unwrap(), 0);
    collection.put(record("a", x)).await.unwrap();
    let writes = vec![
        Write::put(record("b", x)),
        Write { action: storeproof::seam::Action::Check(id("a")), when: Condition::Present },
    ];
    assert_eq!(taken(collection.commit(writes).await), "name", "a check frees nothing");
}

async fn values_may_be_exchanged_in_one_commit(world: &World) {
    let collection = world.open(spec()).await;
    let (x, y) = (r#"{"name":"x"}"#, r#"{"name":"y"}"#);
    collection.put(record("a", x)).await.unwrap();
    collection.put(record("b", y)).await.unwrap();
    let writes = vec![Write::put(record("a", y)), Write::put(record("b", x))];
    collection.commit(writes).await.unwrap();
    assert_eq!(found(&collection, "name", &["x"]).await, ["b"]);
    assert_eq!(found(&collection, "name", &["y"]).await, ["a"]);
}

async fn expired_records_free_their_keys(world: &World) {
    let collection = world.open(spec()).await;
    let x = r#"{"name":"x"}"#;
    collection.put(until(record("a", x), 10)).await.unwrap();
    assert_eq!(taken(collection.put(record("b", x)).await), "name");
    world.clock.set(at(10));
    assert!(found(&collection, "name", &["x"]).await.is_empty());
    collection.put(until(record("c", x), 10)).await.expect("what has expired is given nothing");
    collection.put(record("b", x)).await.expect("the value is free");
    assert_eq!(found(&collection, "name", &["x"]).await, ["b"]);
    assert_eq!(taken(collection.put(record("a", x)).await), "name");
}

async fn every_handle_keeps_its_own_keys_among_all_records(world: &World) {
    let plain = world.open(CollectionSpec::new("keyed")).await;
    let keyed = world.open(spec()).await;
    let x = r#"{"name":"x"}"#;
    plain.put(record("a", x)).await.unwrap();
    assert_eq!(found(&keyed, "name", &["x"]).await, ["a"]);
    assert_eq!(taken(keyed.put(record("b", x)).await), "name");
    plain.put(record("b", x)).await.expect("this handle has no keys");
    assert_eq!(found(&keyed, "name", &["x"]).await, ["a", "b"]);
    assert_eq!(error_of(plain.find("name", &["x"]).await), "invalid_argument");
    let shared = [KeySpec::shared("name", &["/name"])];
    let sharing = world.open(CollectionSpec::new("keyed").with_keys(shared)).await;
    sharing.put(record("c", x)).await.expect("this handle's key is not unique");
    assert_eq!(found(&sharing, "name", &["x"]).await, ["a", "b", "c"]);
}

async fn older_duplicates_are_found_and_may_stay(world: &World) {
    let plain = world.open(CollectionSpec::new("keyed")).await;
    let x = r#"{"name":"x"}"#;
    plain.put(record_at("a", x, 1)).await.unwrap();
    plain.put(record_at("b", x, 0)).await.unwrap();
    let keyed = world.open(spec()).await;
    assert_eq!(found(&keyed, "name", &["x"]).await, ["b", "a"], "the oldest is the owner");
    // Neither is given a value that it did not hold before.
    let mut changed = record("a", r#"{"name":"x","more":1}"#);
    changed.updated_at = Instant::MAX;
    keyed.put(changed).await.unwrap();
    assert_eq!(taken(keyed.put(record("c", x)).await), "name");
    keyed.put(record("a", "{}")).await.unwrap();
    assert_eq!(taken(keyed.put(record("a", x)).await), "name", "given up is given up");
}
