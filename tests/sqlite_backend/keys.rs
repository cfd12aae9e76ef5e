//! Keys: declared once, kept by every writer.

use storeproof::seam::{CollectionExt, CollectionSpec, ErrorKind, KeySpec};

use super::{id, open, record, someone_else, things, wait};

#[test]
fn a_key_that_is_declared_late_covers_what_is_there_and_is_kept_by_who_never_heard_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let plain = open(&path, CollectionSpec::new("things"));
    wait(plain.put(record("a", r#"{"key":"x"}"#))).unwrap();
    let keyed = open(&path, things());
    let holders = |value: &str| -> Vec<String> {
        let found = wait(keyed.find("key", &[value])).unwrap();
        found.records.iter().map(|record| record.id.to_string()).collect()
    };
    assert_eq!(holders("x"), ["a"], "the record is older than the key");
    wait(plain.put(record("b", r#"{"key":"y"}"#))).unwrap();
    assert_eq!(holders("y"), ["b"], "the writer is older than the key");
    wait(plain.put(record("b", r#"{"key":"z"}"#))).unwrap();
    wait(plain.delete(&id("a"))).unwrap();
    assert_eq!((holders("x"), holders("y"), holders("z")), (vec![], vec![], vec!["b".to_owned()]));

    let taken = wait(keyed.create(record("c", r#"{"key":"z"}"#))).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::KeyTaken);
    wait(plain.create(record("c", r#"{"key":"z"}"#))).unwrap();
    assert_eq!(holders("z"), ["b", "c"], "a handle without keys enforces none, all are found");
}

#[test]
fn one_name_may_stand_for_different_keys() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let spec = |key| CollectionSpec::new("things").with_keys([key]);
    let one = open(&path, spec(KeySpec::unique("key", &["/a", "/b"])));
    let other = open(&path, spec(KeySpec::unique("key", &["/b"]).with_default(0, "none")));
    wait(one.put(record("x", r#"{"a":"1","b":"2"}"#))).unwrap();
    wait(one.put(record("y", r#"{"a":"12"}"#))).unwrap();
    let ids = |found: storeproof::seam::Found| -> Vec<String> {
        found.records.iter().map(|record| record.id.to_string()).collect()
    };
    assert_eq!(ids(wait(one.find("key", &["1", "2"])).unwrap()), ["x"]);
    assert_eq!(ids(wait(other.find("key", &["2"])).unwrap()), ["x"]);
    assert_eq!(ids(wait(other.find("key", &["none"])).unwrap()), ["y"]);
}

#[test]
fn keys_go_with_their_records_whoever_removes_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = open(&path, things());
    for name in ["a", "b", "c"] {
        let json = format!(r#"{{"key":{name:?},"tag":"t","more":"m"}}"#);
        wait(collection.put(record(name, &json))).unwrap();
    }
    let connection = someone_else(&path);
    let keys = || -> i64 {
        connection.query_row("SELECT count(*) FROM record_keys", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(keys(), 6);
    connection.execute("DELETE FROM records WHERE id = 'a'", []).unwrap();
    wait(collection.claim(&storeproof::seam::Selection::all())).unwrap();
    wait(collection.delete(&id("c"))).unwrap();
    assert_eq!(keys(), 0);
}

#[test]
fn a_key_row_of_someone_else_gives_no_record_a_value_that_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = open(&path, things());
    wait(collection.put(record("a", r#"{"key":"x"}"#))).unwrap();
    let changed = someone_else(&path).execute("UPDATE record_keys SET value = x'79'", []);
    assert_eq!(changed.unwrap(), 1);
    assert_eq!(wait(collection.find("key", &["y"])).unwrap().records, []);
    wait(collection.create(record("b", r#"{"key":"y"}"#))).unwrap();
}
