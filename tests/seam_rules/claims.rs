//! Taking records away.

use storeproof::seam::{CollectionExt, Selection};

use crate::backends::{Rule, World, at, error_of, id, record, record_at, rules, until};

pub(crate) const RULES: &[Rule] = rules![
    a_claim_takes_the_smallest_id,
    a_claim_takes_what_is_selected,
    a_claimed_record_is_gone,
    quarantine_takes_a_record_with_the_expected_bytes,
];

async fn a_claim_takes_the_smallest_id(world: &World) {
    let collection = world.plain().await;
    for (text, seconds) in [("b", 0), ("a/b", 1), ("a-b", 2), ("B", 3)] {
        collection.put(record_at(text, "1", seconds)).await.unwrap();
    }
    for expected in ["B", "a-b", "a/b", "b"] {
        let claimed = collection.claim(&Selection::all()).await.unwrap();
        assert_eq!(claimed.id.as_str(), expected, "by the bytes of the id");
    }
    assert_eq!(error_of(collection.claim(&Selection::all()).await), "not_found");
}

async fn a_claim_takes_what_is_selected(world: &World) {
    let collection = world.plain().await;
    collection.put(until(record("q/a", "1"), 0)).await.unwrap();
    for (text, seconds) in [("q/b", 0), ("q/c", 5), ("q/d", 9), ("r", 5)] {
        collection.put(record_at(text, "1", seconds)).await.unwrap();
    }
    let selection = Selection { prefix: "q/".into(), since: Some(at(1)), until: Some(at(9)) };
    let claimed = collection.claim(&selection).await.unwrap();
    assert_eq!(claimed, record_at("q/c", "1", 5));
    assert_eq!(error_of(collection.claim(&selection).await), "not_found");
    let all = collection.drain(Selection::all()).await.unwrap().records;
    assert_eq!(crate::backends::ids(&all), ["q/b", "r", "q/d"]);
}

async fn a_claimed_record_is_gone(world: &World) {
    let (first, second) = (world.plain().await, world.plain().await);
    first.put(record("a", "1")).await.unwrap();
    assert_eq!(second.claim(&Selection::all()).await.unwrap(), record("a", "1"));
    assert_eq!(error_of(first.claim(&Selection::all()).await), "not_found");
    assert_eq!(error_of(first.get(&id("a")).await), "not_found");
    first.create(record("a", "2")).await.expect("the id is free");
}

async fn quarantine_takes_a_record_with_the_expected_bytes(world: &World) {
    let collection = world.plain().await;
    assert_eq!(error_of(collection.quarantine(&id("a"), b"1").await), "not_found");
    collection.put(record("a", "1")).await.unwrap();
    assert_eq!(error_of(collection.quarantine(&id("a"), b"2").await), "conflict");
    collection.quarantine(&id("a"), b"1").await.unwrap();
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found");
    assert_eq!(collection.drain(Selection::all()).await.unwrap().records, []);
    collection.create(record("a", "3")).await.expect("the id is free");
}
