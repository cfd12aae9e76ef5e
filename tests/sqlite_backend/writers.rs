//! Writers that are held up.

use std::{sync::Arc, time::Duration};

use storeproof::{
    backend::sqlite::{SqliteBackend, SqliteOptions},
    seam::{Backend, CollectionExt, ErrorKind, Outcome},
};

use super::{Still, id, open, record, someone_else, things, wait};

#[test]
fn readers_wait_for_nobody_and_a_writer_gives_up_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    wait(open(&path, things()).put(record("a", "1"))).unwrap();
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(20), ..SqliteOptions::default() };
    let backend = SqliteBackend::open(&path, Arc::new(Still), options).unwrap();
    let collection = wait(backend.open(things())).unwrap();
    let other = someone_else(&path);
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM records").unwrap();
    assert_eq!(wait(collection.get(&id("a"))).unwrap(), record("a", "1"));
    let error = wait(collection.put(record("a", "2"))).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
    assert!(error.to_string().contains("try again"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    wait(collection.put(record("a", "2"))).unwrap();
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
