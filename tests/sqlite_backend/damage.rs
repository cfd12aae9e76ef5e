//! Rows that someone else changed.

use std::path::Path;

use storeproof::seam::{
    Action, Collection, CollectionExt, Condition, Error, ErrorKind, ListQuery, Payload, Selection,
    StoredBytes, Write,
};

use super::{id, open, record, someone_else, things, wait};

/// What someone else does to the row of `a`, and the bytes that it then has.
const DAMAGE: &[(&str, &[u8])] = &[
    ("data = '{\"cut'", b"{\"cut"),
    ("data = x'7b7d00'", b"{}\0"),
    // JSON but for its bytes, which SQLite does not look at.
    ("data = x'22ff22'", b"\"\xff\""),
    ("data = NULL", b""),
    ("data = 7", b"7"),
    ("data = 0.5", b"0.5"),
    ("encoding = NULL", b"1"),
    ("encoding = x'6a'", b"1"),
    ("created_at_seconds = NULL", b"1"),
    ("created_at_seconds = 'yesterday'", b"1"),
    ("created_at_seconds = 253402300800", b"1"),
    ("created_at_nanoseconds = -1", b"1"),
    ("created_at_nanoseconds = 1e300", b"1"),
    ("updated_at_seconds = -9223372036854775808", b"1"),
    ("updated_at_nanoseconds = 1000000000", b"1"),
    ("expires_at_seconds = 5", b"1"),
    ("expires_at_nanoseconds = 5", b"1"),
    ("expires_at_seconds = 'x', expires_at_nanoseconds = 5", b"1"),
];

/// Two records, of which someone else damages `a`.
fn damaged(path: &Path, change: &str) -> std::sync::Arc<dyn Collection> {
    let collection = open(path, things());
    wait(collection.put(record("a", "1"))).unwrap();
    wait(collection.put(record("b", "2"))).unwrap();
    let changed =
        someone_else(path).execute(&format!("UPDATE records SET {change} WHERE id = 'a'"), []);
    assert_eq!(changed.unwrap(), 1);
    collection
}

fn quarantined(path: &Path) -> Vec<(String, Vec<u8>)> {
    let connection = someone_else(path);
    let sql = "SELECT id, coalesce(CAST(data AS BLOB), x'') FROM quarantine ORDER BY number";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_damaged_row_is_named_and_passed_over_but_never_hidden() {
    for (change, stored) in DAMAGE {
        let directory = tempfile::tempdir().unwrap();
        let collection = damaged(&directory.path().join("db"), change);
        let error = wait(collection.get(&id("a"))).unwrap_err();
        let Error::Corrupt { bytes, .. } = &error else { panic!("{change}: {error}") };
        assert_eq!(bytes.bytes(), *stored, "{change}");
        assert!(!error.to_string().contains("cut"), "the message shows the content: {error}");

        let page = wait(collection.list(&ListQuery::default())).unwrap();
        assert_eq!((page.records.len(), page.damaged.len()), (1, 1), "{change}");
        assert_eq!(page.damaged[0].id, id("a"), "{change}");
        let drained = wait(collection.drain(Selection::all())).unwrap();
        assert_eq!((drained.records.len(), drained.damaged.len()), (1, 1), "{change}");
        let one = ListQuery { limit: Some(1), ..ListQuery::default() };
        let first = wait(collection.list(&one)).unwrap();
        assert_eq!((first.records.len(), first.damaged.len()), (0, 1), "{change}");
        let next = ListQuery { cursor: first.next_cursor, ..one };
        let second = wait(collection.list(&next)).unwrap();
        assert_eq!((second.records.len(), second.damaged.len()), (1, 0), "{change}");
        assert_eq!(second.next_cursor, None, "{change}");

        let kind = |when| {
            let write = Write { action: Action::Check(id("a")), when };
            wait(collection.commit(vec![write])).map_err(|error| error.kind())
        };
        assert_eq!(kind(Condition::Present), Ok(()), "{change}");
        assert_eq!(kind(Condition::Absent), Err(ErrorKind::AlreadyExists), "{change}");
        let data = Condition::Data(Payload::new(*stored));
        assert_eq!(kind(data), Err(ErrorKind::Corrupt), "{change}");
        let same = Condition::Stored(StoredBytes::new(*stored));
        assert_eq!(kind(same), Ok(()), "{change}");
        let other = Condition::Stored(StoredBytes::new(&b"another"[..]));
        assert_eq!(kind(other), Err(ErrorKind::Conflict), "{change}");

        assert_eq!(wait(collection.purge_expired()).unwrap(), 0, "{change}");
        assert_eq!(wait(collection.claim(&Selection::all())).unwrap().id, id("b"), "{change}");
        let none = wait(collection.claim(&Selection::all())).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound, "{change}");
        let still = wait(collection.get(&id("a"))).unwrap_err();
        assert_eq!(still.kind(), ErrorKind::Corrupt, "{change}");
    }
}

#[test]
fn what_sqlite_finds_damaged_is_not_counted_and_found_by_no_key() {
    for (change, _) in DAMAGE.iter().filter(|(change, _)| !change.contains("22ff22")) {
        let directory = tempfile::tempdir().unwrap();
        let collection = damaged(&directory.path().join("db"), change);
        assert_eq!(wait(collection.count(&Selection::all())).unwrap(), 1, "{change}");
        let found = wait(collection.find("key", &["x"])).unwrap();
        assert_eq!((found.records.len(), found.damaged.len()), (0, 1), "{change}");
    }
}

#[test]
fn what_is_written_over_a_damaged_row_sets_it_aside_first() {
    for (change, stored) in DAMAGE {
        for deletes in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("db");
            let collection = damaged(&path, change);
            if deletes {
                wait(collection.delete(&id("a"))).unwrap();
            } else {
                wait(collection.put(record("a", "3"))).unwrap();
                assert_eq!(wait(collection.get(&id("a"))).unwrap(), record("a", "3"), "{change}");
            }
            assert_eq!(quarantined(&path), [("a".to_owned(), stored.to_vec())], "{change}");
            assert_eq!(wait(collection.drain(Selection::all())).unwrap().damaged, [], "{change}");
        }
    }
}

#[test]
fn quarantine_takes_what_is_expected_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = damaged(&path, "data = '{\"cut'");
    let other = wait(collection.quarantine(&id("a"), b"{}")).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Conflict);
    wait(collection.quarantine(&id("a"), b"{\"cut")).unwrap();
    wait(collection.quarantine(&id("b"), b"2")).unwrap();
    let none = wait(collection.quarantine(&id("b"), b"2")).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    let expected = [("a".to_owned(), b"{\"cut".to_vec()), ("b".to_owned(), b"2".to_vec())];
    assert_eq!(quarantined(&path), expected);
}

/// Whoever asks for stored bytes holds them for damaged, though this is a sound record.
#[test]
fn a_write_over_stored_bytes_sets_them_aside() {
    for action in [Action::Put(record("a", "2")), Action::Delete(id("a"))] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let collection = open(&path, things());
        wait(collection.put(record("a", "1"))).unwrap();
        let when = Condition::Stored(StoredBytes::new(&b"1"[..]));
        wait(collection.commit(vec![Write { action: action.clone(), when }])).unwrap();
        assert_eq!(quarantined(&path), [("a".to_owned(), b"1".to_vec())], "{action:?}");
    }
}

#[test]
fn rows_without_a_legal_id_are_named_and_end_no_listing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = open(&path, things());
    wait(collection.put(record("b", "2"))).unwrap();
    let bad =
        ["''", "x'ff'", "CAST(x'61ff' AS TEXT)", "CAST(x'610062' AS TEXT)", "hex(zeroblob(600))"];
    for bad in bad {
        let sql = format!(
            "INSERT INTO records VALUES ('things', {bad}, x'31', 'json', 0, 0, 0, 0, NULL, NULL)"
        );
        someone_else(&path).execute(&sql, []).unwrap();
        let page = wait(collection.list(&ListQuery::default())).unwrap();
        assert_eq!((page.records.len(), page.damaged.len()), (1, 1), "{bad}");
        let mut query = ListQuery { limit: Some(1), ..ListQuery::default() };
        let mut pages = 0;
        loop {
            query.cursor = wait(collection.list(&query)).unwrap().next_cursor;
            pages += 1;
            if query.cursor.is_none() {
                break;
            }
            assert!(pages < 5, "{bad}: the listing has no end");
        }
        assert_eq!(wait(collection.claim(&Selection::all())).unwrap().id, id("b"), "{bad}");
        let none = wait(collection.claim(&Selection::all())).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound, "{bad}");
        someone_else(&path).execute_batch("DELETE FROM records").unwrap();
        wait(collection.put(record("b", "2"))).unwrap();
    }
}

#[test]
fn json_of_more_levels_than_sqlite_takes_is_sound() {
    let directory = tempfile::tempdir().unwrap();
    let collection = open(&directory.path().join("db"), things());
    let deep = format!("{}{}", "[".repeat(3_000), "]".repeat(3_000));
    wait(collection.put(record("a", &deep))).unwrap();
    assert_eq!(wait(collection.get(&id("a"))).unwrap(), record("a", &deep));
    assert_eq!(wait(collection.count(&Selection::all())).unwrap(), 1);
    let page = wait(collection.list(&ListQuery::default())).unwrap();
    assert_eq!((page.records.len(), page.damaged.len()), (1, 0));
}

/// Damaged rows come first, by id, and a page goes on after each of them.
#[test]
fn pages_go_on_after_damaged_rows_and_after_records() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = open(&path, things());
    for id in ["a", "b", "c", "d", "e"] {
        wait(collection.put(record(id, "1"))).unwrap();
    }
    let change = "UPDATE records SET data = NULL WHERE id IN ('b', 'd', 'e')";
    someone_else(&path).execute_batch(change).unwrap();
    for limit in [1, 2, 3, 4, 5] {
        assert_eq!(
            super::super::backends::pages(&*collection, limit),
            ["b!", "d!", "e!", "a", "c"],
            "with {limit} on a page"
        );
    }
}

/// Every operation that the database can't do any more says which it is.
#[test]
fn an_error_of_sqlite_names_the_operation() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = open(&path, things());
    wait(collection.put(record("a", "1"))).unwrap();
    someone_else(&path).execute_batch("ALTER TABLE records RENAME TO moved").unwrap();
    let all = Selection::all();
    let errors = [
        ("get", wait(collection.get(&id("a"))).map(drop)),
        ("find", wait(collection.find("key", &["k"])).map(drop)),
        ("list", wait(collection.list(&ListQuery::default())).map(drop)),
        ("count", wait(collection.count(&all)).map(drop)),
        ("put", wait(collection.put(record("b", "1")))),
        ("claim", wait(collection.claim(&all)).map(drop)),
        ("purge_expired", wait(collection.purge_expired()).map(drop)),
        ("quarantine", wait(collection.quarantine(&id("a"), b"1"))),
    ];
    for (operation, result) in errors {
        let error = result.expect_err(operation);
        assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
        let message = error.to_string();
        assert!(
            message.contains(operation) && message.contains("things"),
            "{operation}: {message}"
        );
    }
    someone_else(&path).execute_batch("ALTER TABLE moved RENAME TO records").unwrap();
    assert_eq!(wait(collection.get(&id("a"))).unwrap().id, id("a"), "it is all there");
}

#[test]
fn what_is_damaged_is_not_replaced_in_part() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = damaged(&path, "data = NULL");
    let data = Payload::json(&b"2"[..]).unwrap();
    let replace = Action::Replace { id: id("a"), data };
    let write = Write { action: replace, when: Condition::Present };
    let error = wait(collection.commit(vec![write])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "its times and its encoding are unknown: {error}");
    assert_eq!(quarantined(&path), []);
}
