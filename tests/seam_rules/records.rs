//! What is put is what is read.

use storeproof::seam::{
    CollectionExt, CollectionSpec, Encoding, Instant, KeySpec, ListQuery, Payload, Record, RecordId,
};

use crate::backends::{Rule, World, at, error_of, id, payload, record, record_at, rules};

pub(crate) const RULES: &[Rule] = rules![
    a_record_that_was_put_is_read_by_every_handle,
    data_are_kept_byte_for_byte,
    other_encodings_take_any_bytes,
    json_must_be_one_json_text,
    a_refused_record_changes_nothing,
    all_ids_are_distinct,
    collections_are_separate,
    illegal_names_and_specs_are_refused,
    every_instant_survives,
    creation_takes_both_instants,
    a_put_keeps_created_at_and_takes_the_later_updated_at,
    a_put_replaces_encoding_and_expiry,
    a_create_refuses_what_is_there,
    deleting_what_is_absent_is_fine,
    a_compare_and_swap_keeps_encoding_and_expiry,
    a_compare_and_swap_judges_existence_then_data_then_json,
    a_compare_and_delete_needs_the_expected_data,
    an_update_sees_the_record_and_keeps_what_it_leaves,
];

async fn a_record_that_was_put_is_read_by_every_handle(world: &World) {
    let (first, second) = (world.plain().await, world.plain().await);
    first.put(record("a", "1")).await.unwrap();
    assert_eq!(second.get(&id("a")).await.unwrap(), record("a", "1"));
    second.delete(&id("a")).await.unwrap();
    assert_eq!(error_of(first.get(&id("a")).await), "not_found");
}

async fn data_are_kept_byte_for_byte(world: &World) {
    let collection = world.plain().await;
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let large = format!("\"{}\"", "x".repeat(1 << 20));
    for text in [
        "null",
        "{}",
        "[]",
        "\"x\"",
        "1e400",
        "-0",
        " \t{ \"v\": \"<b>&\" }\r\n",
        "{\"a\":1,\"a\":2}",
        "\"\u{2028}\"",
        "\"\\ud800\"",
        "123456789012345678901234567890",
        r#"{"id":"b","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":1}"#,
        r#"{"id":7,"encoding":"x","data":null}"#,
        &deep,
        &large,
    ] {
        collection.put(record("a", text)).await.unwrap();
        let read = collection.get(&id("a")).await.unwrap();
        assert_eq!(read.data.bytes(), text.as_bytes(), "{text:.60} was not kept");
    }
}

async fn other_encodings_take_any_bytes(world: &World) {
    let collection = world.plain().await;
    for encoding in ["proto3", "", "JSON", "a name of tomorrow"] {
        for bytes in [&b""[..], b"\xff\xfe\x00", b"{"] {
            let mut given = record("a", "");
            given.data = Payload::new(bytes);
            given.encoding = Encoding::new(encoding);
            collection.put(given.clone()).await.unwrap();
            assert_eq!(collection.get(&id("a")).await.unwrap(), given, "as {encoding:?}");
            collection.delete(&id("a")).await.unwrap();
        }
    }
}

async fn json_must_be_one_json_text(world: &World) {
    let collection = world.plain().await;
    for bytes in [&b""[..], b" ", b"{", b"{} {}", b"\xef\xbb\xbf{}", b"\"\xff\"", b"01", b"[1,]"] {
        let mut given = record("a", "");
        given.data = Payload::new(bytes);
        assert_eq!(error_of(collection.put(given.clone()).await), "invalid_record", "{bytes:?}");
        assert_eq!(error_of(collection.create(given).await), "invalid_record", "{bytes:?}");
    }
}

async fn a_refused_record_changes_nothing(world: &World) {
    let collection = world.plain().await;
    collection.put(record("a", "1")).await.unwrap();
    assert_eq!(error_of(collection.put(record("a", "{")).await), "invalid_record");
    assert_eq!(collection.get(&id("a")).await.unwrap(), record("a", "1"));
    // Input is judged before existence.
    assert_eq!(error_of(collection.create(record("a", "{")).await), "invalid_record");
}

async fn all_ids_are_distinct(world: &World) {
    let collection = world.plain().await;
    let long = ["x".repeat(250), "x".repeat(300), "x".repeat(1_024), "a/".repeat(100) + "a"];
    let mut texts = vec![
        "a",
        "A",
        "b",
        "a/../b",
        "..",
        ".",
        "../a",
        "a/b",
        "a//b",
        "/a",
        "a/",
        "./a",
        "/",
        "x",
        "/x",
        "x/",
        "./x",
        "x//y",
        "a.json",
        "a.json/b",
        "a.JSON",
        ".json",
        "a-b",
        "a.b",
        "%2e",
        "a%2Fb",
        "%",
        "~",
        " a",
        "a ",
        "a.",
        "CON",
        ".hidden",
        ".tmp-1",
        ".storeproof.lock",
        "\u{e9}",
        "e\u{301}",
        "ユーザー",
        "\u{2028}",
        "\\",
        "a\\b",
        "\u{1}",
        "\n",
        "🙂",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ];
    texts.extend(long.iter().map(String::as_str));
    for (place, text) in texts.iter().enumerate() {
        collection.create(record(text, &place.to_string())).await.unwrap();
    }
    for (place, text) in texts.iter().enumerate() {
        let read = collection.get(&id(text)).await.unwrap();
        assert_eq!(read, record(text, &place.to_string()), "of {text:?}");
    }
    let all = collection.drain(Default::default()).await.unwrap();
    let mut listed: Vec<_> = all.records.iter().map(|record| record.id.as_str()).collect();
    texts.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, texts);
    for text in texts {
        collection.delete(&id(text)).await.unwrap();
    }
    assert_eq!(collection.count(&Default::default()).await.unwrap(), 0);
    for text in ["", "\0", "a\0", &"x".repeat(1_025)] {
        assert_eq!(error_of(RecordId::new(text)), "invalid_id", "{text:.20?}");
    }
}

async fn collections_are_separate(world: &World) {
    let users = world.open(CollectionSpec::new("users")).await;
    let others = world.open(CollectionSpec::new("users2")).await;
    users.put(record("a", "1")).await.unwrap();
    assert_eq!(error_of(others.get(&id("a")).await), "not_found");
    let mut query = ListQuery::default();
    query.selection.prefix = "../users/".into();
    assert_eq!(others.list(&query).await.unwrap().records, []);
    assert_eq!(error_of(others.claim(&query.selection).await), "not_found");
    assert_eq!(users.get(&id("a")).await.unwrap(), record("a", "1"));
}

async fn illegal_names_and_specs_are_refused(world: &World) {
    let open = |spec| world.backend.open(spec);
    for name in ["", "a/b", "..", "a b", "é", &"x".repeat(65)] {
        let opened = open(CollectionSpec::new(name)).await.map(|_| ());
        assert_eq!(error_of(opened), "invalid_name", "{name:?}");
    }
    let long = "x".repeat(64);
    open(CollectionSpec::new(&*long)).await.expect("64 characters are legal");
    for keys in [
        vec![KeySpec::unique("k", &["/a"]), KeySpec::shared("k", &["/b"])],
        vec![KeySpec::unique("k", &[])],
        vec![KeySpec::unique("k", &["a"])],
    ] {
        let opened = open(CollectionSpec::new("c").with_keys(keys.clone())).await.map(|_| ());
        assert_eq!(error_of(opened), "invalid_argument", "{keys:?}");
    }
}

async fn every_instant_survives(world: &World) {
    let collection = world.plain().await;
    let fine = Instant::new(1, 123_456_789).unwrap();
    for instant in [Instant::MIN, Instant::ZERO, Instant::UNIX_EPOCH, fine, Instant::MAX] {
        let mut given = Record::json(id("a"), payload("1"), instant);
        given.expires_at = Some(Instant::MAX);
        collection.create(given.clone()).await.unwrap();
        assert_eq!(collection.get(&id("a")).await.unwrap(), given);
        collection.delete(&id("a")).await.unwrap();
    }
}

async fn creation_takes_both_instants(world: &World) {
    let collection = world.plain().await;
    let mut given = record_at("a", "1", 5);
    given.updated_at = at(-5);
    collection.put(given.clone()).await.unwrap();
    assert_eq!(collection.get(&id("a")).await.unwrap(), given);
}

async fn a_put_keeps_created_at_and_takes_the_later_updated_at(world: &World) {
    let collection = world.plain().await;
    for (given, later) in [(10, 10), (5, 10), (20, 20)] {
        collection.put(record_at("a", "1", given)).await.unwrap();
        let read = collection.get(&id("a")).await.unwrap();
        assert_eq!((read.created_at, read.updated_at), (at(10), at(later)), "given {given}");
    }
    collection.delete(&id("a")).await.unwrap();
    collection.put(record_at("a", "1", 1)).await.unwrap();
    assert_eq!(collection.get(&id("a")).await.unwrap().created_at, at(1), "created anew");
}

async fn a_put_replaces_encoding_and_expiry(world: &World) {
    let collection = world.plain().await;
    let mut first = record("a", "1");
    first.expires_at = Some(at(60));
    first.encoding = Encoding::PROTO3;
    collection.put(first).await.unwrap();
    collection.put(record("a", "2")).await.unwrap();
    assert_eq!(collection.get(&id("a")).await.unwrap(), record("a", "2"));
}

async fn a_create_refuses_what_is_there(world: &World) {
    let collection = world.plain().await;
    collection.create(record("a", "1")).await.unwrap();
    assert_eq!(error_of(collection.create(record("a", "2")).await), "already_exists");
    assert_eq!(collection.get(&id("a")).await.unwrap(), record("a", "1"));
}

async fn deleting_what_is_absent_is_fine(world: &World) {
    let collection = world.plain().await;
    collection.delete(&id("a")).await.unwrap();
    collection.create(record("a", "1")).await.unwrap();
    collection.delete(&id("a")).await.unwrap();
    collection.delete(&id("a")).await.unwrap();
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found");
}

async fn a_compare_and_swap_keeps_encoding_and_expiry(world: &World) {
    let collection = world.plain().await;
    let mut given = record_at("a", "1", 10);
    given.expires_at = Some(at(600));
    given.encoding = Encoding::PROTO3;
    collection.put(given.clone()).await.unwrap();
    let swap = |expected: &str, next: &str| {
        collection.compare_and_swap(&id("a"), payload(expected), payload(next)).await_now()
    };
    swap("1", "{").unwrap();
    let expected = Record { data: payload("{"), ..given.clone() };
    assert_eq!(collection.get(&id("a")).await.unwrap(), expected, "the clock is behind");
    world.clock.set(at(20));
    swap("{", "3").unwrap();
    let expected = Record { data: payload("3"), updated_at: at(20), ..given };
    assert_eq!(collection.get(&id("a")).await.unwrap(), expected);
}

async fn a_compare_and_swap_judges_existence_then_data_then_json(world: &World) {
    let collection = world.plain().await;
    let swap = |expected: &str, next: &str| {
        collection.compare_and_swap(&id("a"), payload(expected), payload(next)).await_now()
    };
    assert_eq!(error_of(swap("1", "{")), "not_found");
    collection.put(record("a", "1")).await.unwrap();
    assert_eq!(error_of(swap("2", "{")), "conflict");
    assert_eq!(error_of(swap("1 ", "2")), "conflict", "data are compared as bytes");
    assert_eq!(error_of(swap("1", "{")), "invalid_record");
    swap("1", "2").unwrap();
    assert_eq!(collection.get(&id("a")).await.unwrap().data, payload("2"));
}

async fn a_compare_and_delete_needs_the_expected_data(world: &World) {
    let collection = world.plain().await;
    let delete = |data: &str| collection.compare_and_delete(&id("a"), payload(data)).await_now();
    assert_eq!(error_of(delete("1")), "not_found");
    collection.put(record("a", "1")).await.unwrap();
    assert_eq!(error_of(delete("2")), "conflict");
    delete("1").unwrap();
    assert_eq!(error_of(collection.get(&id("a")).await), "not_found");
}

async fn an_update_sees_the_record_and_keeps_what_it_leaves(world: &World) {
    let collection = world.plain().await;
    let update = |next: Option<&str>| {
        let next = next.map(payload);
        collection
            .update(&id("a"), move |_: &Record| Ok::<_, storeproof::seam::Error>(next.clone()))
            .await_now()
    };
    assert_eq!(error_of(update(Some("1"))), "not_found");
    collection.put(record("a", "1")).await.unwrap();
    assert_eq!(update(None).unwrap(), record("a", "1"), "it returns what it saw");
    update(Some("2")).unwrap();
    assert_eq!(error_of(update(Some("{"))), "invalid_record");
    assert_eq!(collection.get(&id("a")).await.unwrap().data, payload("2"));
}

/// Futures of a lone client, run in the middle of a closure.
trait AwaitNow: Future + Sized {
    fn await_now(self) -> Self::Output {
        crate::backends::wait(self)
    }
}

impl<F: Future> AwaitNow for F {}
