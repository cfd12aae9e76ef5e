//! Records with an end.

use storeproof::seam::{Action, CollectionExt, Condition, Error, Record, Selection, Write};

use crate::backends::{Rule, World, at, error_of, id, payload, record, record_at, rules, until};

pub(crate) const RULES: &[Rule] = rules![
    a_record_is_absent_from_its_expiry_on,
    every_operation_passes_over_expired_records,
    writing_over_an_expired_record_is_creation,
    a_clock_that_goes_back_brings_records_back,
    a_purge_removes_and_counts_what_has_expired,
    what_was_deleted_or_replaced_is_not_purged_again,
];

async fn a_record_is_absent_from_its_expiry_on(world: &World) {
    let collection = world.plain().await;
    let given = until(record("a", "1"), 10);
    collection.put(given.clone()).await.unwrap();
    world.clock.set(at(9));
    assert_eq!(collection.get(&id("a")).await.unwrap(), given);
    world.clock.set(at(10));
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found");
}

async fn every_operation_passes_over_expired_records(world: &World) {
    let collection = world.plain().await;
    collection.put(until(record("a", "1"), 0)).await.unwrap();
    let (a, one) = (id("a"), || payload("1"));
    assert_eq!(error_of(collection.get(&a).await), "not_found");
    assert_eq!(error_of(collection.compare_and_swap(&a, one(), one()).await), "not_found");
    assert_eq!(error_of(collection.compare_and_delete(&a, one()).await), "not_found");
    let updated = collection.update(&a, |_: &Record| Ok::<_, Error>(None)).await;
    assert_eq!(error_of(updated), "not_found");
    assert_eq!(error_of(collection.claim(&Selection::all()).await), "not_found");
    assert_eq!(error_of(collection.quarantine(&a, b"1").await), "not_found");
    let present = Write { action: Action::Check(a.clone()), when: Condition::Present };
    assert_eq!(error_of(collection.commit(vec![present]).await), "not_found");
    let absent = Write { action: Action::Check(a.clone()), when: Condition::Absent };
    collection.commit(vec![absent]).await.unwrap();
    let replace = Action::Replace { id: a.clone(), data: one() };
    let replace = Write { action: replace, when: Condition::Any };
    assert_eq!(error_of(collection.commit(vec![replace]).await), "not_found");
    assert_eq!(collection.count(&Selection::all()).await.unwrap(), 0);
    assert_eq!(collection.drain(Selection::all()).await.unwrap().records, []);
    collection.delete(&a).await.unwrap();
}

async fn writing_over_an_expired_record_is_creation(world: &World) {
    let collection = world.plain().await;
    collection.put(until(record_at("a", "1", 50), 0)).await.unwrap();
    collection.put(record_at("a", "2", 5)).await.unwrap();
    assert_eq!(collection.get(&id("a")).await.unwrap(), record_at("a", "2", 5));
    collection.put(until(record("b", "1"), 0)).await.unwrap();
    collection.create(record_at("b", "2", 5)).await.unwrap();
    assert_eq!(collection.get(&id("b")).await.unwrap(), record_at("b", "2", 5));
    assert_eq!(collection.purge_expired().await.unwrap(), 0);
}

async fn a_clock_that_goes_back_brings_records_back(world: &World) {
    let collection = world.plain().await;
    let given = until(record("a", "1"), 10);
    collection.put(given.clone()).await.unwrap();
    world.clock.set(at(10));
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found");
    world.clock.set(at(9));
    assert_eq!(collection.get(&id("a")).await.unwrap(), given);
    assert_eq!(error_of(collection.create(record("a", "2")).await), "already_exists");
}

async fn a_purge_removes_and_counts_what_has_expired(world: &World) {
    let collection = world.plain().await;
    for (text, end) in [("a", 5), ("b", 10), ("c", 11)] {
        collection.put(until(record(text, "1"), end)).await.unwrap();
    }
    collection.put(record("d", "1")).await.unwrap();
    assert_eq!(collection.purge_expired().await.unwrap(), 0);
    world.clock.set(at(10));
    assert_eq!(collection.purge_expired().await.unwrap(), 2);
    assert_eq!(collection.purge_expired().await.unwrap(), 0);
    world.clock.set(at(0));
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found", "it is gone");
    assert_eq!(collection.count(&Selection::all()).await.unwrap(), 2);
}

async fn what_was_deleted_or_replaced_is_not_purged_again(world: &World) {
    let collection = world.plain().await;
    for text in ["a", "b", "c", "d"] {
        collection.put(until(record(text, "1"), 0)).await.unwrap();
    }
    collection.delete(&id("a")).await.unwrap();
    collection.put(record("b", "2")).await.unwrap();
    collection.put(until(record("c", "2"), -5)).await.unwrap();
    assert_eq!(collection.purge_expired().await.unwrap(), 2, "c and d");
}
