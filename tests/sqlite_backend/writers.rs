//! Writers that are held up.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use storeproof::{
    backend::sqlite::{SqliteBackend, SqliteOptions},
    seam::{Backend, Collection, CollectionExt, ErrorKind, ListQuery, Outcome},
};

use super::{Still, id, open, record, someone_else, things, wait};

#[test]
fn readers_wait_for_nobody_and_a_writer_gives_up_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    wait(open(&path, things()).put(record("a", "1"))).unwrap();
    let collection = impatient(&path);
    let other = someone_else(&path);
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM records").unwrap();
    assert_eq!(wait(collection.get(&id("a"))).unwrap(), record("a", "1"));
    let error = wait(collection.put(record("a", "2"))).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
    assert!(error.to_string().contains("try again"), "{error}");
    assert!(error.to_string().contains("of record \"a\""), "which one? {error}");
    other.execute_batch("ROLLBACK").unwrap();
    wait(collection.put(record("a", "2"))).unwrap();
}

#[test]
fn a_writer_waits_for_no_reader() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = impatient(&path);
    wait(collection.put(record("a", "1"))).unwrap();
    let other = someone_else(&path);
    other.execute_batch("BEGIN").unwrap();
    let count = || other.query_row("SELECT count(*) FROM records", [], |row| row.get(0));
    assert_eq!(count(), Ok(1_i64));
    wait(collection.put(record("b", "1"))).expect("the reader is in nobody's way");
    assert_eq!(count(), Ok(1), "it sees what was there when it began");
}

#[test]
fn a_collection_whose_keys_are_declared_is_opened_beside_a_writer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    wait(open(&path, things()).put(record("a", "1"))).unwrap();
    let other = someone_else(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let collection = impatient(&path);
    assert_eq!(wait(collection.get(&id("a"))).unwrap(), record("a", "1"));
}

#[test]
fn whoever_watches_is_told_of_every_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    let backend = super::backend(&directory.path().join("db")).unwrap();
    let backend = backend.with_witness(move || _ = counter.fetch_add(1, Ordering::Relaxed));
    let collection = wait(backend.open(things())).unwrap();
    let before = told.load(Ordering::Relaxed);
    wait(collection.put(record("a", "1"))).unwrap();
    assert_eq!(told.load(Ordering::Relaxed), before + 1);
    wait(collection.get(&id("a"))).unwrap();
    assert_eq!(told.load(Ordering::Relaxed), before + 2);
}

#[test]
fn a_page_has_one_record_at_least() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { page_size: 0, ..SqliteOptions::default() };
    let path = directory.path().join("db");
    let backend = SqliteBackend::open(&path, Arc::new(Still), options).unwrap();
    let collection = wait(backend.open(things())).unwrap();
    for place in ["a", "b"] {
        wait(collection.put(record(place, "1"))).unwrap();
    }
    let page = wait(collection.list(&ListQuery::default())).unwrap();
    assert_eq!((page.records.len(), page.next_cursor.is_some()), (1, true));
}

/// A collection whose writers give up soon.
fn impatient(path: &Path) -> Arc<dyn Collection> {
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(20), ..SqliteOptions::default() };
    let backend = SqliteBackend::open(path, Arc::new(Still), options).unwrap();
    wait(backend.open(things())).expect("it can be opened")
}

#[test]
fn a_write_that_sqlite_refuses_was_surely_not_done() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let collection = open(&path, things());
    wait(collection.put(record("a", "1"))).unwrap();
    let other = someone_else(&path);
    let abort =
        "CREATE TRIGGER refuse BEFORE UPDATE ON records BEGIN SELECT raise(ABORT, 'secret'); END";
    other.execute_batch(abort).unwrap();
    let error = wait(collection.put(record("a", "2"))).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
    assert!(!error.to_string().contains("secret"), "{error}");
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(wait(collection.get(&id("a"))).unwrap(), record("a", "1"));
    wait(collection.put(record("a", "2"))).unwrap();
}

#[test]
fn a_key_that_can_t_be_declared_in_time_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(20), ..SqliteOptions::default() };
    let backend = SqliteBackend::open(&path, Arc::new(Still), options).unwrap();
    let other = someone_else(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let Err(error) = wait(backend.open(things())) else { panic!("the keys were declared") };
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
    assert!(error.to_string().contains("open in collection \"things\""), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    wait(backend.open(things())).expect("it can be opened now");
}
