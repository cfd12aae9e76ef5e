//! Directories of older software at the place of a record's file.
//!
//! Older software wrote the record `a.json/b` to `a.json/b.json`; `a` belongs at
//! `a.json`.

use storeproof::{
    fs::{EntryKind, Fs},
    seam::{
        Action, Collection, CollectionExt, Condition, Error, ErrorKind, Outcome, Payload,
        Selection, Write,
    },
    sim::disk::SimFs,
};

use super::{contents, disk_with, files, id, old_writer_puts, open, record, sim, things, wait};

fn directories(fs: &SimFs) -> Vec<String> {
    let entries = fs.disk().entries().into_iter();
    let directories = entries.filter(|entry| entry.kind == EntryKind::Directory);
    directories.map(|entry| entry.path).collect()
}

fn paths(fs: &SimFs) -> Vec<String> {
    files(fs).into_iter().map(|(path, _)| path).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, data)| ((*id).to_owned(), (*data).to_owned())).collect()
}

/// The content as this handle, one that was there before, and a new one see it.
#[track_caller]
fn assert_contents(
    fs: &SimFs,
    handles: [&std::sync::Arc<dyn Collection>; 2],
    expected: &[(&str, &str)],
) {
    for (handle, whose) in handles.into_iter().zip(["the writer's", "another"]) {
        assert_eq!(contents(handle), pairs(expected), "{whose} handle");
        for (text, data) in expected {
            let found = wait(handle.get(&id(text))).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!(found.data.to_text_lossy(), *data, "{text:?} by {whose} handle");
        }
    }
    assert_eq!(contents(&open(fs, things())), pairs(expected), "a new handle");
}

#[test]
fn a_record_whose_place_is_a_directory_of_older_records_is_written_beside_them() {
    let fs = sim(disk_with(&[
        ("things/a.json/b.json", "1"),
        ("things/a.json/d/e.json", "2"),
        ("things/a.json/d.json/f.json", "3"),
        ("things/other.json", "4"),
    ]));
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    let before = [("a.json/b", "1"), ("a.json/d.json/f", "3"), ("a.json/d/e", "2"), ("other", "4")];
    assert_contents(&fs, [&collection, &other], &before);
    let created = wait(collection.get(&id("a.json/b"))).unwrap().created_at;

    wait(collection.create(record("a", "5"))).unwrap();
    let mut after = vec![("a", "5")];
    after.extend(before);
    assert_contents(&fs, [&collection, &other], &after);
    let expected = [
        "things/a%2Ejson/b.json",
        "things/a%2Ejson/d%2Ejson/f.json",
        "things/a%2Ejson/d/e.json",
        "things/a.json",
        "things/other.json",
    ];
    assert_eq!(paths(&fs), expected);
    assert_eq!(wait(other.get(&id("a.json/b"))).unwrap().created_at, created, "it is kept");
    let untouched = files(&fs).pop().unwrap();
    assert_eq!(untouched.1, "4", "what is not in the way keeps its bytes");

    wait(other.put(record("a.json/b", "6"))).unwrap();
    wait(other.delete(&id("a"))).unwrap();
    let after = [("a.json/b", "6"), ("a.json/d.json/f", "3"), ("a.json/d/e", "2"), ("other", "4")];
    assert_contents(&fs, [&other, &collection], &after);
}

#[test]
fn reading_checking_and_deleting_the_record_clears_nothing() {
    let fs = sim(disk_with(&[("things/a.json/b.json", "1")]));
    let collection = open(&fs, things());
    assert_eq!(wait(collection.get(&id("a"))).unwrap_err().kind(), ErrorKind::NotFound);
    wait(collection.delete(&id("a"))).unwrap();
    let expected = Payload::json(&b"1"[..]).unwrap();
    let missing = wait(collection.compare_and_delete(&id("a"), expected)).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(files(&fs), pairs(&[("things/a.json/b.json", "1")]));
}

#[test]
fn a_directory_that_was_emptied_is_no_hindrance() {
    let mut disk = disk_with(&[("things/a.json/b.json", "1")]);
    disk.create_dir_all("things/a.json/c/d.json").unwrap();
    let fs = sim(disk);
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    assert_eq!(contents(&other).len(), 1);
    wait(collection.delete(&id("a.json/b"))).unwrap();
    wait(collection.put(record("a", "1"))).unwrap();
    assert_contents(&fs, [&collection, &other], &[("a", "1")]);
    assert_eq!(directories(&fs), ["things"]);
}

#[test]
fn what_stands_where_a_moving_record_belongs_makes_way_in_turn() {
    // `a.json/b` belongs at a%2Ejson/b.json, which is a directory; what lies in
    // it belongs where another older file lies.
    let fs = sim(disk_with(&[
        ("things/a.json/b.json", "1"),
        ("things/a%2Ejson/b.json/c.json", "2"),
        ("things/a%252Ejson/b%2Ejson/c.json", "3"),
    ]));
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    let before = [("a%252Ejson/b%2Ejson/c", "3"), ("a%2Ejson/b.json/c", "2"), ("a.json/b", "1")];
    assert_contents(&fs, [&collection, &other], &before);
    wait(collection.put(record("a", "4"))).unwrap();
    let mut after = vec![("a", "4")];
    after.extend(before);
    assert_contents(&fs, [&collection, &other], &after);
    let expected = [
        "things/a%25252Ejson/b%252Ejson/c.json",
        "things/a%252Ejson/b%2Ejson/c.json",
        "things/a%2Ejson/b.json",
        "things/a.json",
    ];
    assert_eq!(paths(&fs), expected);
}

#[test]
fn an_older_record_that_shadows_a_newer_file_of_its_own_replaces_it() {
    let fs = sim(storeproof::sim::disk::SimDisk::new());
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    wait(collection.put(record("a.json/b", "1"))).unwrap();
    old_writer_puts(&fs, "things/a.json/b.json", "2");
    assert_contents(&fs, [&collection, &other], &[("a.json/b", "2")]);
    wait(collection.put(record("a", "3"))).unwrap();
    assert_contents(&fs, [&collection, &other], &[("a", "3"), ("a.json/b", "2")]);
}

#[test]
fn a_commit_may_change_the_records_that_are_in_its_way() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0]] {
        let fs = sim(disk_with(&[
            ("things/a.json/b.json", "1"),
            ("things/a.json/c.json", "2"),
            ("things/a.json/d.json", "3"),
        ]));
        let (collection, other) = (open(&fs, things()), open(&fs, things()));
        let write = |number| match number {
            0 => Write::put(record("a", "4")),
            1 => Write::put(record("a.json/b", "5")),
            2 => Write::delete(id("a.json/c")),
            _ => Write { action: Action::Check(id("a.json/d")), when: Condition::Present },
        };
        wait(collection.commit(order.map(write).into())).unwrap();
        let after = [("a", "4"), ("a.json/b", "5"), ("a.json/d", "3")];
        assert_contents(&fs, [&collection, &other], &after);
        assert_eq!(directories(&fs), ["things", "things/a%2Ejson"]);
    }
}

#[test]
fn damaged_files_in_the_directory_are_set_aside() {
    let fs = sim(disk_with(&[("things/a.json/b.json", "{\"cut"), ("things/a.json/c.json", "2")]));
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    wait(collection.commit(vec![Write::put(record("a", "1")), Write::put(record("z", "1"))]))
        .unwrap();
    assert_contents(&fs, [&collection, &other], &[("a", "1"), ("a.json/c", "2"), ("z", "1")]);
    let kept: Vec<_> = files(&fs)
        .into_iter()
        .filter(|(path, _)| path.starts_with("things/.storeproof.quarantine/a.json%2Fb.json~"))
        .map(|(_, content)| content)
        .collect();
    assert_eq!(kept, ["{\"cut"]);

    // The commit itself may be about the damaged one.
    for write in [Write::put(record("a.json/b", "3")), Write::delete(id("a.json/b"))] {
        let shown = format!("{write:?}");
        let fs = sim(disk_with(&[("things/a.json/b.json", "{\"cut")]));
        let collection = open(&fs, things());
        wait(collection.commit(vec![write, Write::put(record("a", "1"))])).unwrap();
        let left = files(&fs);
        assert!(left.iter().any(|(_, content)| content == "{\"cut"), "{shown}: {left:?}");
        assert_eq!(contents(&open(&fs, things())), contents(&collection), "{shown}");
    }
}

#[test]
fn what_is_foreign_in_the_directory_stays_and_is_named() {
    let long = format!("{}.json", "x/".repeat(600));
    let disks = [
        ("things/a.json/notes.txt", "things/a.json/notes.txt"),
        ("things/a.json/x.json.tmp.9", "things/a.json/x.json.tmp.9"),
        ("things/a.json/.tmp-123", "things/a.json/.tmp-123"),
        ("things/a.json/.hidden/b.json", "things/a.json/.hidden"),
        ("things/a.json/d/.json", "things/a.json/d/.json"),
        (&format!("things/a.json/{long}"), "things/a.json/x/x/"),
    ];
    let mut all: Vec<_> = disks
        .iter()
        .map(|(path, named)| (disk_with(&[(path, "1"), ("things/a.json/b.json", "2")]), *named))
        .collect();
    let mut linked = disk_with(&[("things/a.json/b.json", "2")]);
    linked.place_other("things/a.json/link.json").unwrap();
    all.push((linked, "things/a.json/link.json"));
    for (disk, named) in all {
        let fs = sim(disk);
        let collection = open(&fs, things());
        let (files_before, listed) = (fs.disk().entries(), contents(&collection));
        let error = wait(collection.put(record("a", "1"))).unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
        assert!(matches!(error, Error::Backend { .. }), "{error:?}");
        let named = named.strip_prefix("things/").unwrap();
        assert!(error.to_string().contains(named), "{error} does not name {named}");
        assert!(error.to_string().contains("move it away"), "{error}");
        assert_eq!(fs.disk().entries(), files_before, "something was changed");
        assert_eq!(contents(&collection), listed);
    }
}

#[test]
fn what_a_newer_release_left_in_the_directory_stays() {
    let newer = r#"{"version":9,"id":"a.json/b","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":1}"#;
    let fs = sim(disk_with(&[("things/a.json/b.json", newer), ("things/a.json/c.json", "1")]));
    let collection = open(&fs, things());
    let error = wait(collection.put(record("a", "1"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("a.json/b"), "{error}");
    assert_eq!(paths(&fs), ["things/a.json/b.json", "things/a.json/c.json"]);
}

#[test]
fn a_link_at_the_place_of_a_record_is_refused() {
    let mut disk = disk_with(&[]);
    disk.place_other("things/a.json").unwrap();
    let collection = open(&sim(disk), things());
    let error = wait(collection.put(record("a", "1"))).unwrap_err();
    assert!(error.to_string().contains("move it away"), "{error}");
}

#[test]
fn older_software_may_make_the_directory_again() {
    let fs = sim(disk_with(&[("things/a.json/b.json", "1")]));
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    assert_eq!(contents(&other).len(), 1);
    wait(collection.put(record("a", "2"))).unwrap();
    wait(collection.delete(&id("a"))).unwrap();
    old_writer_puts(&fs, "things/a.json/b.json", "3");
    assert_contents(&fs, [&collection, &other], &[("a.json/b", "3")]);
    wait(other.put(record("a", "4"))).unwrap();
    assert_contents(&fs, [&other, &collection], &[("a", "4"), ("a.json/b", "3")]);
}

#[test]
fn a_large_collection_is_kept_known_as_a_directory_goes() {
    let numbered: Vec<_> = (0..100).map(|number| format!("r-{number:03}")).collect();
    let fs = sim(disk_with(&[("things/a.json/b.json", "1")]));
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    for text in &numbered {
        wait(collection.put(record(text, "1"))).unwrap();
    }
    assert_eq!(contents(&collection).len(), 101);
    // The clock of the disk goes on only as things change: what was looked at
    // counts as known once its time is past.
    for _ in 0..60 {
        wait(collection.put(record("a/tick", "1"))).unwrap();
    }
    assert_eq!(contents(&collection).len(), 102);
    assert_eq!(contents(&other).len(), 102);
    wait(collection.put(record("a", "2"))).unwrap();
    let mut expected = pairs(&[("a", "2"), ("a.json/b", "1"), ("a/tick", "1")]);
    expected.extend(numbered.iter().map(|text| (text.clone(), "1".to_owned())));
    for handle in [&collection, &other, &open(&fs, things())] {
        assert_eq!(contents(handle), expected);
    }
}

#[test]
fn a_write_of_older_software_into_the_directory_meanwhile_is_never_lost() {
    use storeproof::sim::disk::ImageKind;

    // The writer dies at every step, and older software writes then.
    let fs = sim(disk_with(&[("things/a.json/b.json", "1"), ("things/e.json", "1")]));
    let collection = open(&fs, things());
    let start = fs.disk().trace_len();
    let writes = vec![Write::put(record("a", "2")), Write::put(record("e", "2"))];
    wait(collection.commit(writes)).unwrap();
    let disk = fs.disk();
    let (mut done, mut given_up) = (0, 0);
    for at in start..=disk.trace_len() {
        let mut image = disk.image(at, ImageKind::Everything);
        let now = image.now();
        if image.write_raw("things/a.json/c.json", &b"\"theirs\""[..], now).is_err() {
            // `a` is written.
            continue;
        }
        let fs = sim(image);
        let reopened = open(&fs, things());
        let found = contents(&reopened);
        let theirs = ("a.json/c".to_owned(), "\"theirs\"".to_owned());
        assert!(found.contains(&theirs), "step {}: {found:?}", at - start);
        assert!(found.contains(&("a.json/b".into(), "1".into())), "step {}: {found:?}", at - start);
        if found.contains(&("a".into(), "2".into())) {
            done += 1;
        } else {
            given_up += 1;
            let e = found.iter().find(|(id, _)| id == "e").unwrap();
            assert_eq!(e.1, "1", "step {}: half of the commit is done", at - start);
        }
        // Whatever became of it, the next one succeeds.
        wait(reopened.put(record("a", "3"))).unwrap();
        assert!(contents(&reopened).contains(&("a".into(), "3".into())));
        assert!(contents(&open(&fs, things())).contains(&theirs));
    }
    assert!(given_up > 5, "the case was not reached: {done} done, {given_up} given up");
}

#[test]
fn the_directories_are_cleared_on_real_files() {
    #[expect(clippy::disallowed_methods, reason = "the test makes real files")]
    fn lay_out(root: &std::path::Path) {
        std::fs::create_dir_all(root.join("things/a.json/d")).unwrap();
        std::fs::write(root.join("things/a.json/b.json"), "1").unwrap();
        std::fs::write(root.join("things/a.json/d/e.json"), "2").unwrap();
    }
    let root = tempfile::tempdir().unwrap();
    lay_out(root.path());
    let fs = storeproof::fs::OsFs::open(root.path()).unwrap();
    let (collection, other) = (open(&fs, things()), open(&fs, things()));
    assert_eq!(contents(&other).len(), 2);
    wait(collection.put(record("a", "3"))).unwrap();
    let expected = pairs(&[("a", "3"), ("a.json/b", "1"), ("a.json/d/e", "2")]);
    for handle in [&collection, &other, &open(&fs, things())] {
        assert_eq!(contents(handle), expected);
    }
    assert_eq!(wait(other.count(&Selection::all())).unwrap(), 3);
    let kind = wait(async {
        let dir = fs.open_dir(&fs.root(), "things").await?;
        fs.metadata(&dir, "a.json").await
    });
    assert_eq!(kind.unwrap().kind, EntryKind::File);
}
