//! What a database must be to be opened.

use std::{
    collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration,
};

use storeproof::{
    backend::sqlite::{SqliteBackend, SqliteOptions},
    seam::{Backend, CollectionExt, ErrorKind, Instant, Outcome},
};

use super::{Still, backend, id, open, record, someone_else, things, wait};

/// The error's message, which must be one line that names the path, and that
/// nothing was done.
#[track_caller]
fn refused(path: &Path) -> (ErrorKind, String) {
    let Err(error) = backend(path) else { panic!("{} was opened", path.display()) };
    let message = error.to_string();
    assert_eq!(error.outcome(), Outcome::NotDone);
    assert!(!message.contains('\n'), "more than one line: {message}");
    assert!(message.contains(path.file_name().unwrap().to_str().unwrap()), "{message}");
    (error.kind(), message)
}

/// The process may go elsewhere before the next collection is opened.
#[test]
fn a_relative_path_is_that_of_the_moment_when_it_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let from_the_root = directory.path().strip_prefix("/").expect("an absolute path");
    // Tests run in the folder of the package.
    let levels = Path::new(env!("CARGO_MANIFEST_DIR")).components().count() - 1;
    let relative = Path::new(&"../".repeat(levels)).join(from_the_root).join("db");
    assert!(relative.is_relative());
    let backend = backend(&relative).unwrap();
    assert!(backend.path().is_absolute(), "{}", backend.path().display());
    wait(wait(Backend::open(&backend, things())).unwrap().put(record("a", "1"))).unwrap();
    let collection = open(&directory.path().join("db"), things());
    assert_eq!(wait(collection.get(&id("a"))).unwrap(), record("a", "1"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test looks at real files")]
fn what_is_made_only_its_owner_may_read() {
    let directory = tempfile::tempdir().unwrap();
    let collection = open(&directory.path().join("db"), things());
    wait(collection.put(record("a", "1"))).unwrap();
    let files = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap());
    let modes: BTreeMap<String, u32> = files
        .map(|file| {
            let mode = file.metadata().unwrap().permissions().mode();
            (file.file_name().into_string().unwrap(), mode & 0o777)
        })
        .collect();
    assert!(modes.contains_key("db-wal"), "{modes:?}");
    assert!(modes.values().all(|mode| *mode == 0o600), "{modes:?}");
}

#[test]
fn the_patience_of_writers_has_no_limit() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { busy_timeout: Duration::MAX, ..SqliteOptions::default() };
    let backend = SqliteBackend::open(directory.path().join("db"), Arc::new(Still), options);
    let collection = wait(backend.unwrap().open(things())).unwrap();
    wait(collection.put(record("a", "1"))).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test prepares real files")]
fn what_is_no_database_of_ours_is_refused_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);

    fs::create_dir(at("directory")).unwrap();
    let (kind, _) = refused(&at("directory"));
    assert_eq!(kind, ErrorKind::Io);

    let (kind, message) = refused(&at("missing/db"));
    assert_eq!(kind, ErrorKind::Io);
    assert!(message.contains("directory does not exist"), "{message}");

    let text = "not a database, but long enough to be taken for one".repeat(40);
    fs::write(at("text"), &text).unwrap();
    let (kind, message) = refused(&at("text"));
    assert_eq!(kind, ErrorKind::Backend);
    assert!(message.contains("no SQLite database"), "{message}");
    assert_eq!(fs::read_to_string(at("text")).unwrap(), text);

    someone_else(&at("other")).execute_batch("CREATE TABLE songs (title)").unwrap();
    let before = fs::read(at("other")).unwrap();
    let (kind, message) = refused(&at("other"));
    assert_eq!(kind, ErrorKind::Backend);
    assert!(message.contains("something else"), "{message}");
    assert_eq!(fs::read(at("other")).unwrap(), before, "it was changed");

    fs::write(at("empty"), "").unwrap();
    let empty = backend(&at("empty")).expect("an empty file is a new database");
    assert_eq!(empty.path(), at("empty"));

    let (kind, message) = refused(&at("a\0b"));
    assert_eq!(kind, ErrorKind::Backend, "no file has such a name: {message}");
}

#[test]
fn another_layout_or_version_is_refused_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let changed = [
        ("newer", "PRAGMA user_version = 7", "newer release"),
        ("none", "PRAGMA user_version = 0", "which no release wrote"),
        ("column", "ALTER TABLE records ADD COLUMN mood TEXT", "\"records\" has another layout"),
        ("index", "DROP INDEX records_suspect", "\"records_suspect\" is missing"),
        ("trigger", "DROP TRIGGER records_removed", "\"records_removed\" is missing"),
        ("table", "DROP TABLE quarantine", "\"quarantine\" is missing"),
    ];
    for (name, change, reason) in changed {
        let path = directory.path().join(name);
        drop(backend(&path).unwrap());
        someone_else(&path).execute_batch(change).unwrap();
        let (kind, message) = refused(&path);
        assert_eq!(kind, ErrorKind::Backend);
        assert!(message.contains(reason), "{name}: {message}");
    }
    let path = directory.path().join("more");
    drop(backend(&path).unwrap());
    someone_else(&path).execute_batch("CREATE TABLE songs (title)").unwrap();
    assert!(backend(&path).is_ok(), "tables beside ours do no harm");
}

#[test]
fn a_database_of_another_text_encoding_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("utf-16");
    let tables = "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (x); DROP TABLE t";
    someone_else(&path).execute_batch(tables).unwrap();
    let (kind, message) = refused(&path);
    assert_eq!(kind, ErrorKind::Backend);
    assert!(message.contains("its text is UTF-16le"), "{message}");
}

#[test]
fn a_collection_of_a_newer_release_or_with_unreadable_keys_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    drop(open(&path, things()));
    for (change, reason) in [
        ("UPDATE collections SET version = 9", "newer release"),
        ("UPDATE collections SET version = 1, keys = '[\"x\"]'", "is damaged"),
        ("UPDATE collections SET keys = x'ff'", "another type"),
    ] {
        someone_else(&path).execute_batch(change).unwrap();
        let Err(error) = wait(Backend::open(&backend(&path).unwrap(), things())) else {
            panic!("opened after {change}")
        };
        assert!(error.to_string().contains(reason), "{change}: {error}");
    }
}

#[test]
fn what_was_acknowledged_is_there_for_who_opens_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a%20 ?b=c.db");
    let first = record("a", r#"{"key":"k"}"#);
    let last = storeproof::seam::Record {
        created_at: Instant::MIN,
        updated_at: Instant::MAX,
        expires_at: Some(Instant::MAX),
        ..record("é\u{10ffff}", "1e400")
    };
    let collection = open(&path, things());
    wait(collection.put(first.clone())).unwrap();
    wait(collection.put(last.clone())).unwrap();
    drop(collection);
    let collection = open(&path, things());
    assert_eq!(wait(collection.get(&id("a"))).unwrap(), first);
    assert_eq!(wait(collection.get(&last.id)).unwrap(), last);
    assert_eq!(wait(collection.find("key", &["k"])).unwrap().records, [first]);
}
