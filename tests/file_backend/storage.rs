//! What lies on the disk.

use std::{io, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use storeproof::{
    backend::file::{FileBackend, FileOptions},
    fs::{Durability, Fs, OsFs},
    seam::{
        Backend, CollectionExt, CollectionSpec, Encoding, Entropy, ErrorKind, ListQuery, OsEntropy,
        Outcome, Payload, Record, Selection, SystemClock, Write,
    },
    sim::disk::SimDisk,
};

use super::{
    backend, clock, contents, disk_with, files, id, now, open,
    process::{Fate, Process},
    record, sim, things, users, wait,
};
use crate::mutants::flawed_fs::{FlawedFs, FsFlaw};

fn os(path: &Path) -> OsFs {
    OsFs::open(path).unwrap().with_durability(Durability::Process)
}

fn os_backend(path: &Path) -> FileBackend<OsFs> {
    FileBackend::new(os(path), Arc::new(SystemClock), Arc::new(OsEntropy))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test looks at real files")]
fn a_record_is_one_envelope_with_tight_permissions() {
    let root = tempfile::tempdir().unwrap();
    let mut spec = CollectionSpec::new("sessions");
    spec.directory = Some(["agent".into(), "sessions".into()].into());
    let collection = wait(os_backend(root.path()).open(spec)).unwrap();
    wait(collection.put(record("u/1", r#"{ "a": 1 }"#))).unwrap();

    let path = root.path().join("agent/sessions/u/1.json");
    let text = std::fs::read_to_string(&path).expect("the record is where its id says");
    assert_eq!(
        text,
        r#"{"version":1,"id":"u/1","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":{ "a": 1 }}"#
    );
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600, "files are for their owner alone");
    for directory in ["agent", "agent/sessions", "agent/sessions/u"] {
        assert_eq!(mode(&root.path().join(directory)), 0o750, "{directory}");
    }
    let mut names: Vec<_> = std::fs::read_dir(root.path().join("agent/sessions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [".storeproof.lock", "u"], "nothing else is left");
}

#[test]
fn the_operations_work_on_real_files() {
    let root = tempfile::tempdir().unwrap();
    let backend = os_backend(root.path());
    let one = wait(backend.open(users())).unwrap();
    let two = wait(backend.open(users())).unwrap();
    wait(one.create(record("a", r#"{"id":"a","username":"ann"}"#))).unwrap();
    let taken = wait(two.create(record("b", r#"{"id":"b","username":"ann"}"#))).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::KeyTaken);
    wait(two.create(record("b", r#"{"id":"b","username":"bob"}"#))).unwrap();
    let found = wait(one.find("username", &["bob"])).unwrap();
    assert_eq!(found.records.len(), 1, "the other handle's record is found");
    assert_eq!(wait(one.count(&Selection::all())).unwrap(), 2);
    assert_eq!(wait(one.claim(&Selection::all())).unwrap().id, id("a"));
    assert_eq!(wait(two.get(&id("a"))).unwrap_err().kind(), ErrorKind::NotFound);
    wait(two.delete(&id("b"))).unwrap();
    assert_eq!(wait(one.count(&Selection::all())).unwrap(), 0);
}

#[test]
fn concurrent_writers_on_real_files_lose_nothing() {
    let root = tempfile::tempdir().unwrap();
    let backend = os_backend(root.path());
    let first = wait(backend.open(things())).unwrap();
    wait(first.put(record("n", "0"))).unwrap();
    let mut workers = Vec::new();
    for _ in 0..4 {
        let collection = wait(backend.open(things())).unwrap();
        #[expect(clippy::disallowed_methods, reason = "real concurrency is the subject")]
        workers.push(std::thread::spawn(move || {
            for _ in 0..50 {
                let edit = |record: &Record| -> Result<Option<Payload>, storeproof::seam::Error> {
                    let number: u32 = record.data.to_text_lossy().parse().unwrap();
                    Ok(Payload::json((number + 1).to_string().into_bytes()))
                };
                wait(collection.update(&id("n"), edit)).unwrap();
            }
        }));
    }
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(wait(first.get(&id("n"))).unwrap().data.to_text_lossy(), "200");
}

#[test]
fn every_id_has_its_own_file_below_the_collection() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    let deep = "a/".repeat(40) + "a";
    let long = "x".repeat(1_024);
    let ids = [
        "a",
        "A",
        "a/b",
        "a.json",
        "a.json/b",
        "a/../b",
        "..",
        ".",
        "../x",
        "/a",
        "a/",
        "a//b",
        "~",
        "%2e",
        " ",
        "a ",
        "é",
        "e\u{301}",
        "\\",
        ".hidden",
        "\u{2028}",
        &deep,
        &long,
        ".storeproof.lock",
        "/",
    ];
    for text in ids {
        wait(collection.create(record(text, &format!("{text:?}").replace("\\u{", "u{"))))
            .unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    let fresh = open(&fs, things());
    for handle in [&collection, &fresh] {
        let mut expected = ids.map(str::to_owned).to_vec();
        expected.sort();
        let found: Vec<_> = contents(handle).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, expected);
    }
    assert!(
        files(&fs).iter().all(|(path, _)| path.starts_with("things/")),
        "a file lies outside: {:?}",
        files(&fs)
    );
    for text in ids {
        wait(fresh.delete(&id(text))).unwrap();
    }
    assert_eq!(files(&fs), [], "nothing is left");
    assert_eq!(contents(&collection), []);
}

#[test]
fn data_that_are_not_json_come_back_byte_for_byte() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    for bytes in [&b""[..], b"\xff\x00", b"{}"] {
        let written =
            Record { encoding: Encoding::PROTO3, data: Payload::new(bytes), ..record("p", "1") };
        wait(collection.put(written.clone())).unwrap();
        assert_eq!(wait(collection.get(&id("p"))).unwrap().data, written.data);
    }
}

#[test]
fn a_page_without_a_limit_has_the_default_size() {
    let fs = sim(SimDisk::new());
    let backend = backend(&fs).with_options(FileOptions { page_size: 2, ..FileOptions::default() });
    let collection = wait(backend.open(things())).unwrap();
    let writes = ["c", "a", "b"].map(|text| Write::put(record(text, "1")));
    wait(collection.commit(writes.into())).unwrap();
    let page = wait(collection.list(&ListQuery::default())).unwrap();
    let ids: Vec<_> = page.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"], "of one time of creation, by id");
    let next = ListQuery { cursor: page.next_cursor, ..ListQuery::default() };
    let page = wait(collection.list(&next)).unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!(page.next_cursor, None, "the page ends with the last record");
}

#[test]
fn a_commit_of_several_leaves_no_intent_and_no_temporary_files() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    wait(collection.put(record("gone", "1"))).unwrap();
    let writes = vec![
        Write::put(record("a", "1")),
        Write::put(record("d/b", "2")),
        Write::delete(id("gone")),
    ];
    wait(collection.commit(writes)).unwrap();
    let paths: Vec<_> = files(&fs).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["things/a.json", "things/d/b.json"]);
}

#[test]
fn expired_records_are_purged_from_the_disk() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    let writes = ["a", "d/b", "keep"]
        .map(|text| {
            let expires_at = (text != "keep").then(now);
            Write::put(Record { expires_at, ..record(text, "1") })
        })
        .into();
    wait(collection.commit(writes)).unwrap();
    assert_eq!(wait(collection.count(&Selection::all())).unwrap(), 1);
    assert_eq!(wait(collection.purge_expired()).unwrap(), 2);
    assert_eq!(wait(collection.purge_expired()).unwrap(), 0);
    let paths: Vec<_> = files(&fs).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["things/keep.json"]);
}

#[test]
fn opening_sweeps_our_own_unlocked_temporary_files_alone() {
    let disk = disk_with(&[
        ("things/.storeproof.0123456789abcdef.tmp", "half"),
        ("things/d/.storeproof.0123456789abcdef.tmp", "half"),
        ("things/.storeproof.quarantine/.storeproof.0123456789abcdef.tmp", "half"),
        ("things/.storeproof.quarantine/kept", "kept"),
        ("things/.theirs/.storeproof.0123456789abcdef.tmp", "x"),
        ("things/.tmp-123", "x"),
        ("things/x.json.tmp.9", "x"),
        ("things/state.json.tmp", "x"),
        ("things/.storeproof.other", "x"),
        ("things/notes.txt", "x"),
    ]);
    let fs = sim(disk);
    let collection = open(&fs, things());
    let paths: Vec<_> = files(&fs).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "things/.storeproof.other",
            "things/.storeproof.quarantine/kept",
            "things/.theirs/.storeproof.0123456789abcdef.tmp",
            "things/.tmp-123",
            "things/notes.txt",
            "things/state.json.tmp",
            "things/x.json.tmp.9",
        ]
    );
    assert_eq!(contents(&collection), [], "none of them is a record");
}

#[test]
fn a_temporary_file_in_use_is_not_swept() {
    use storeproof::fs::{Access, Fs};

    let fs = sim(disk_with(&[("things/.storeproof.0123456789abcdef.tmp", "half")]));
    let held = wait(async {
        let dir = fs.open_dir(&fs.root(), "things").await.unwrap();
        let name = ".storeproof.0123456789abcdef.tmp";
        let file = fs.open_file(&dir, name, Access::ReadWrite).await.unwrap();
        assert!(fs.try_lock(&file).await.unwrap());
        file
    });
    let _collection = open(&fs, things());
    assert_eq!(files(&fs).len(), 1, "its writer still has it");
    drop(held);
    let _collection = open(&fs, things());
    assert_eq!(files(&fs), []);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test makes real links")]
fn no_link_is_followed() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("x.json"), r#"{"secret":1}"#).unwrap();
    let backend = os_backend(root.path());
    let collection = wait(backend.open(things())).unwrap();
    let dir = root.path().join("things");
    std::os::unix::fs::symlink(outside.path().join("x.json"), dir.join("x.json")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.join("d")).unwrap();

    for text in ["x", "d/x"] {
        let error = wait(collection.get(&id(text))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{text}: {error}");
        let error = wait(collection.put(record(text, "1"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Backend, "{text}: {error}");
    }
    assert_eq!(contents(&collection), []);
    let untouched = std::fs::read_to_string(outside.path().join("x.json")).unwrap();
    assert_eq!(untouched, r#"{"secret":1}"#);
    assert!(dir.join("x.json").is_symlink(), "the link is left alone");

    std::os::unix::fs::symlink(outside.path(), root.path().join("linked")).unwrap();
    let Err(error) = wait(backend.open(CollectionSpec::new("linked"))) else {
        panic!("a link was taken for the collection's directory");
    };
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}

#[test]
fn a_file_system_that_takes_two_names_for_one_is_refused() {
    for (flaw, what) in [
        (FsFlaw::FoldsCase, "does not tell upper from lower case"),
        (FsFlaw::NormalisesNames, "normalises Unicode"),
    ] {
        let disk = sim(SimDisk::new());
        for attempt in ["at first", "and always"] {
            let opened = wait(backend(&FlawedFs::new(disk.clone(), flaw)).open(things()));
            let Err(error) = opened else { panic!("{attempt}: it {what}, and loses records") };
            assert!(error.to_string().contains(what), "{attempt}: {error}");
            assert_eq!(error.outcome(), Outcome::NotDone);
            assert_eq!(files(&disk), [], "{attempt}: what was tried is left there");
        }
    }
}

/// A file or a link where a record's directory belongs.
#[test]
fn what_stands_in_the_place_of_a_directory_is_named_and_holds_no_record() {
    let mut with_link = SimDisk::new();
    with_link.place_other("things/d").expect("a link");
    for disk in [disk_with(&[("things/d", "a file")]), with_link] {
        let process = Process::new(sim(disk));
        let collection = open(&process, things());
        let error = wait(collection.put(record("d/a", "1"))).expect_err("there is no room");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
        assert!(error.to_string().contains("\"d\" is not a directory; move it away"), "{error}");
        // Also where the system says no more of it than that it can't be opened.
        for calls in 0.. {
            process.meets(Fate::FailAfter(calls));
            let error = wait(collection.get(&id("d/a"))).expect_err("nothing is there");
            let Some(failed) = process.failed() else {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                break;
            };
            let expected = if failed == "open_dir" { ErrorKind::NotFound } else { ErrorKind::Io };
            assert_eq!(error.kind(), expected, "{failed}: {error}");
        }
    }
}

/// Random bytes that are none.
struct NoRandomness;

impl Entropy for NoRandomness {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(0);
        Ok(())
    }
}

#[test]
fn entropy_that_is_none_is_an_error_and_not_an_endless_search() {
    let fs = sim(SimDisk::new());
    let backend = FileBackend::new(fs.clone(), clock(), Arc::new(NoRandomness));
    let collection = wait(backend.open(things())).expect("it opens");
    wait(collection.put(record("a", "1"))).expect("no name is taken yet");
    let dir = wait(fs.open_dir(&fs.root(), "things")).expect("it is there");
    // Somebody who uses the one name that there is.
    wait(fs.create_file(&dir, ".storeproof.0000000000000000.tmp")).expect("the name is free");
    let error = wait(collection.put(record("a", "2"))).expect_err("every name is taken");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
    assert!(error.to_string().contains("is the entropy any?"), "{error}");
    assert_eq!(contents(&collection), [("a".to_owned(), "1".to_owned())]);
}
