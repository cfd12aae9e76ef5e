//! Several writes, all or nothing.

use storeproof::seam::{
    Action, CollectionExt, CollectionSpec, Condition, Encoding, ErrorKind, KeySpec, Record,
    StoredBytes, Write,
};

use crate::backends::{Rule, World, at, error_of, id, payload, record, record_at, rules};

pub(crate) const RULES: &[Rule] = rules![
    an_empty_commit_does_nothing,
    all_writes_happen,
    one_failed_condition_undoes_all,
    no_id_is_named_twice,
    input_is_judged_before_state_in_the_order_of_the_list,
    the_first_failing_write_decides,
    conditions_are_judged_on_the_state_before,
    a_check_changes_nothing,
    what_is_stored_may_be_asked_for_by_its_bytes,
    what_is_set_aside_counts_as_absent_to_what_is_written_over_it,
    a_replace_keeps_what_is_stored_beside_the_data,
    a_replace_needs_a_record,
    many_records_are_one_commit,
];

fn replace(text: &str, data: &str, when: Condition) -> Write {
    Write { action: Action::Replace { id: id(text), data: payload(data) }, when }
}

fn check(text: &str, when: Condition) -> Write {
    Write { action: Action::Check(id(text)), when }
}

async fn what_is_stored_may_be_asked_for_by_its_bytes(world: &World) {
    let collection = world.plain().await;
    let stored = |bytes: &[u8]| vec![check("a", Condition::Stored(StoredBytes::new(bytes)))];
    let absent = collection.commit(stored(b"1")).await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    collection.put(record("a", "1")).await.unwrap();
    collection.commit(stored(b"1")).await.unwrap();
    let other = collection.commit(stored(b"2")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Conflict);
}

async fn what_is_set_aside_counts_as_absent_to_what_is_written_over_it(world: &World) {
    let spec = CollectionSpec::new("keyed").with_keys([KeySpec::unique("name", &["/name"])]);
    let collection = world.open(spec).await;
    let over = |record: Record, bytes: &[u8]| {
        let when = Condition::Stored(StoredBytes::new(bytes));
        vec![Write { action: Action::Put(record), when }]
    };
    let (mine, hers) = (r#"{"name":"x"}"#, r#"{"name":"y"}"#);
    collection.put(record_at("a", mine, 1)).await.unwrap();
    let other = collection.commit(over(record_at("a", hers, 9), b"{}")).await;
    assert_eq!(error_of(other), "conflict");
    collection.commit(over(record_at("a", hers, 9), mine.as_bytes())).await.unwrap();
    let stored = collection.get(&id("a")).await.unwrap();
    assert_eq!(stored, record_at("a", hers, 9), "it was created then");
    let found = collection.find("name", &["x"]).await.unwrap();
    assert_eq!(found.records, [], "its key went with it");
    let delete = Write {
        action: Action::Delete(id("a")),
        when: Condition::Stored(StoredBytes::new(hers.as_bytes())),
    };
    collection.commit(vec![delete]).await.unwrap();
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found");
}

async fn an_empty_commit_does_nothing(world: &World) {
    let collection = world.plain().await;
    collection.commit(vec![]).await.unwrap();
    assert_eq!(collection.count(&Default::default()).await.unwrap(), 0);
}

async fn all_writes_happen(world: &World) {
    let collection = world.plain().await;
    collection.put(record("a", "1")).await.unwrap();
    collection.put(record("b", "1")).await.unwrap();
    let writes = vec![
        Write::create(record("c", "2")),
        Write::delete(id("a")),
        replace("b", "2", Condition::Present),
        check("d", Condition::Absent),
    ];
    collection.commit(writes).await.unwrap();
    let all = collection.drain(Default::default()).await.unwrap();
    assert_eq!(all.records, [record("b", "2"), record("c", "2")]);
}

async fn one_failed_condition_undoes_all(world: &World) {
    let collection = world.plain().await;
    collection.put(record("a", "1")).await.unwrap();
    for (last, error) in [
        (check("x", Condition::Present), "not_found"),
        (check("a", Condition::Absent), "already_exists"),
        (check("a", Condition::Data(payload("2"))), "conflict"),
        (check("x", Condition::Data(payload("2"))), "not_found"),
    ] {
        let writes = vec![Write::create(record("b", "1")), Write::create(record("c", "1")), last];
        assert_eq!(error_of(collection.commit(writes).await), error);
        let all = collection.drain(Default::default()).await.unwrap();
        assert_eq!(all.records, [record("a", "1")], "after {error}");
    }
}

async fn no_id_is_named_twice(world: &World) {
    let collection = world.plain().await;
    let writes = vec![Write::put(record("a", "1")), check("a", Condition::Any)];
    assert_eq!(error_of(collection.commit(writes).await), "invalid_argument");
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found");
    let mut many: Vec<_> =
        (0..20).map(|place| Write::put(record(&place.to_string(), "1"))).collect();
    many.push(Write::delete(id("7")));
    assert_eq!(error_of(collection.commit(many).await), "invalid_argument");
}

async fn input_is_judged_before_state_in_the_order_of_the_list(world: &World) {
    let collection = world.plain().await;
    let absent = || check("x", Condition::Present);
    let bad = |text: &str| Write::put(record(text, "{"));
    let writes = vec![absent(), bad("a")];
    assert_eq!(error_of(collection.commit(writes).await), "invalid_record");
    let writes = vec![bad("a"), check("a", Condition::Any)];
    assert_eq!(error_of(collection.commit(writes).await), "invalid_record");
    let writes = vec![check("a", Condition::Any), bad("a")];
    assert_eq!(error_of(collection.commit(writes).await), "invalid_argument");
}

async fn the_first_failing_write_decides(world: &World) {
    let collection = world.plain().await;
    collection.put(record("a", "1")).await.unwrap();
    let conflict = || check("a", Condition::Data(payload("2")));
    let absent = || check("x", Condition::Present);
    assert_eq!(error_of(collection.commit(vec![conflict(), absent()]).await), "conflict");
    assert_eq!(error_of(collection.commit(vec![absent(), conflict()]).await), "not_found");
    let invalid = || replace("a", "{", Condition::Any);
    assert_eq!(error_of(collection.commit(vec![invalid(), absent()]).await), "invalid_record");
    assert_eq!(error_of(collection.commit(vec![absent(), invalid()]).await), "not_found");
}

async fn conditions_are_judged_on_the_state_before(world: &World) {
    let collection = world.plain().await;
    collection.put(record("a", "1")).await.unwrap();
    let move_it = vec![
        Write { action: Action::Delete(id("a")), when: Condition::Data(payload("1")) },
        Write::create(record("b", "1")),
    ];
    collection.commit(move_it).await.unwrap();
    let all = collection.drain(Default::default()).await.unwrap();
    assert_eq!(all.records, [record("b", "1")]);
}

async fn a_check_changes_nothing(world: &World) {
    let collection = world.plain().await;
    collection.put(record("a", "1")).await.unwrap();
    world.clock.set(at(60));
    for when in [Condition::Any, Condition::Present, Condition::Data(payload("1"))] {
        collection.commit(vec![check("a", when)]).await.unwrap();
    }
    collection.commit(vec![check("b", Condition::Absent)]).await.unwrap();
    let all = collection.drain(Default::default()).await.unwrap();
    assert_eq!(all.records, [record("a", "1")]);
}

async fn a_replace_keeps_what_is_stored_beside_the_data(world: &World) {
    let collection = world.plain().await;
    let mut given = record_at("a", "1", -10);
    given.encoding = Encoding::PROTO3;
    given.expires_at = Some(at(60));
    collection.put(given.clone()).await.unwrap();
    collection.commit(vec![replace("a", "{", Condition::Any)]).await.unwrap();
    let expected = Record { data: payload("{"), updated_at: at(0), ..given };
    assert_eq!(collection.get(&id("a")).await.unwrap(), expected);
}

async fn a_replace_needs_a_record(world: &World) {
    let collection = world.plain().await;
    for when in [Condition::Any, Condition::Absent, Condition::Present] {
        let writes = vec![replace("a", "1", when)];
        assert_eq!(error_of(collection.commit(writes).await), "not_found");
    }
    collection.put(record("a", "1")).await.unwrap();
    let writes = vec![replace("a", "1", Condition::Absent)];
    assert_eq!(error_of(collection.commit(writes).await), "already_exists");
}

async fn many_records_are_one_commit(world: &World) {
    let collection = world.plain().await;
    let texts: Vec<_> = (100..160).map(|place| format!("d{}/{place}", place % 3)).collect();
    let writes = texts.iter().map(|text| Write::create(record(text, "1"))).collect();
    collection.commit(writes).await.unwrap();
    assert_eq!(collection.count(&Default::default()).await.unwrap(), 60);
    let mut writes: Vec<_> = texts.iter().map(|text| Write::delete(id(text))).collect();
    writes.push(check("absent", Condition::Present));
    assert_eq!(error_of(collection.commit(writes.clone()).await), "not_found");
    assert_eq!(collection.count(&Default::default()).await.unwrap(), 60);
    writes.pop();
    collection.commit(writes).await.unwrap();
    assert_eq!(collection.count(&Default::default()).await.unwrap(), 0);
}
