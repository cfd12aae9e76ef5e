//! Files that can't be read, and those of newer releases.

use std::sync::Arc;

use storeproof::{
    backend::hybrid::HybridBackend,
    seam::{
        Action, Backend, CollectionExt, Condition, Error, ErrorKind, ListQuery, Outcome, Payload,
        Selection, StoredBytes, Write,
    },
    sim::disk::SimDisk,
};

use super::{
    backend, clock, contents, disk_with, files, id, old_writer_puts, open,
    process::{Fate, Process},
    record, sim, things, wait,
};

const NEWER: &str = r#"{"version":9,"id":"a","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":1}"#;

fn check(condition: Condition) -> Vec<Write> {
    vec![Write { action: Action::Check(id("a")), when: condition }]
}

#[test]
fn a_damaged_record_is_named_and_passed_over_but_never_hidden() {
    let fs = sim(disk_with(&[("things/a.json", "{\"cut"), ("things/b.json", "2")]));
    let collection = open(&fs, things());
    let Error::Corrupt { location, bytes, problem, .. } =
        wait(collection.get(&id("a"))).unwrap_err()
    else {
        panic!("get must say that the record is damaged");
    };
    assert_eq!((location.as_str(), bytes.bytes()), ("a.json", &b"{\"cut"[..]));
    assert!(!problem.contains("cut\""), "the message shows the content: {problem}");

    let page =
        wait(collection.list(&ListQuery { limit: Some(1), ..ListQuery::default() })).unwrap();
    assert_eq!((page.records.len(), page.damaged.len()), (0, 1), "damaged ones come first");
    assert_eq!(page.damaged[0].id, id("a"));
    assert!(page.damaged[0].message.contains("a.json"), "{}", page.damaged[0].message);
    let next = ListQuery { cursor: page.next_cursor, ..ListQuery::default() };
    assert_eq!(wait(collection.list(&next)).unwrap().records[0].id, id("b"));
    assert_eq!(wait(collection.count(&Selection::all())).unwrap(), 1);
    let kind = |writes| wait(collection.commit(writes)).map_err(|error| error.kind());
    assert_eq!(kind(check(Condition::Any)), Ok(()));
    assert_eq!(kind(check(Condition::Present)), Ok(()));
    assert_eq!(kind(check(Condition::Absent)), Err(ErrorKind::AlreadyExists));
    let data = Condition::Data(Payload::new(&b"{\"cut"[..]));
    assert_eq!(kind(check(data)), Err(ErrorKind::Corrupt));
    assert_eq!(kind(check(Condition::Stored(bytes))), Ok(()), "still so");
    let other = Condition::Stored(StoredBytes::new(&b"{"[..]));
    assert_eq!(kind(check(other)), Err(ErrorKind::Conflict));
    assert_eq!(wait(collection.claim(&Selection::all())).unwrap().id, id("b"));
    let none = wait(collection.claim(&Selection::all())).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    assert_eq!(files(&fs), [("things/a.json".into(), "{\"cut".into())], "it is still there");
}

#[test]
fn put_and_delete_set_damaged_bytes_aside_first() {
    for deletes in [false, true] {
        let fs = sim(disk_with(&[("things/a.json", "{\"cut")]));
        let collection = open(&fs, things());
        if deletes {
            wait(collection.delete(&id("a"))).unwrap();
            assert_eq!(contents(&collection), []);
        } else {
            wait(collection.put(record("a", "1"))).unwrap();
            assert_eq!(contents(&collection), [("a".into(), "1".into())]);
        }
        let kept: Vec<_> = files(&fs)
            .into_iter()
            .filter(|(path, _)| path.starts_with("things/.storeproof.quarantine/a.json~"))
            .collect();
        assert_eq!(kept.len(), 1, "{:?}", files(&fs));
        assert_eq!(kept[0].1, "{\"cut");
        let page = wait(open(&fs, things()).drain(Selection::all())).unwrap();
        assert_eq!(page.damaged, [], "what is set aside is no record");
    }
}

#[test]
fn a_newer_releases_record_is_touched_by_quarantine_alone() {
    let fs = sim(disk_with(&[("things/a.json", NEWER)]));
    let collection = open(&fs, things());
    let replace = Action::Replace { id: id("a"), data: Payload::json(&b"1"[..]).unwrap() };
    for writes in [
        vec![Write::put(record("a", "1"))],
        vec![Write::create(record("a", "1"))],
        vec![Write::delete(id("a"))],
        vec![Write { action: replace, when: Condition::Any }],
        check(Condition::Any),
        check(Condition::Absent),
        check(Condition::Present),
    ] {
        let shown = format!("{writes:?}");
        let error = wait(collection.commit(writes)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{shown}");
    }
    assert_eq!(wait(collection.get(&id("a"))).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(files(&fs), [("things/a.json".into(), NEWER.into())]);

    let conflict = wait(collection.quarantine(&id("a"), b"other")).unwrap_err();
    assert_eq!(conflict.kind(), ErrorKind::Conflict);
    wait(collection.quarantine(&id("a"), NEWER.as_bytes())).unwrap();
    let kept = files(&fs);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1, NEWER, "its bytes are kept");
    assert_eq!(contents(&collection), []);
    let missing = wait(collection.quarantine(&id("a"), NEWER.as_bytes())).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn a_good_record_can_be_set_aside_by_its_data() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    wait(collection.put(record("a", "1"))).unwrap();
    wait(collection.quarantine(&id("a"), b"1")).unwrap();
    assert_eq!(contents(&collection), []);
    assert!(files(&fs)[0].1.contains("\"data\":1"), "the whole file is kept: {:?}", files(&fs));
}

/// Whoever asks for stored bytes holds them for damaged, though this is a sound record.
#[test]
fn a_write_over_stored_bytes_sets_them_aside_in_the_same_commit() {
    let when = || Condition::Stored(StoredBytes::new(&b"1"[..]));
    for action in [Action::Put(record("a", "2")), Action::Delete(id("a"))] {
        let fs = sim(SimDisk::new());
        let collection = open(&fs, things());
        wait(collection.put(record("a", "1"))).unwrap();
        let failing = Write { action: Action::Check(id("b")), when: Condition::Present };
        let write = Write { action: action.clone(), when: when() };
        let refused = wait(collection.commit(vec![write.clone(), failing])).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound);
        assert_eq!(contents(&collection), [("a".into(), "1".into())], "it is refused as a whole");
        wait(collection.commit(vec![write])).unwrap();
        let is_aside = |(path, text): &(String, String)| {
            path.starts_with("things/.storeproof.quarantine/a.json~") && text.contains("\"data\":1")
        };
        assert!(files(&fs).iter().any(is_aside), "{action:?}: {:?}", files(&fs));
    }
}

#[test]
fn a_damaged_file_under_a_hashed_name_blocks_its_record() {
    let long = "x".repeat(300);
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    wait(collection.put(record(&long, "1"))).unwrap();
    let path = files(&fs)[0].0.clone();
    let mut disk = fs.disk();
    disk.write_raw(&path, &b"{cut"[..], storeproof::fs::FileTime::default()).unwrap();
    let fs = sim(disk);
    let collection = open(&fs, things());
    assert_eq!(wait(collection.get(&id(&long))).unwrap_err().kind(), ErrorKind::Corrupt);
    let exists = wait(collection.create(record(&long, "2"))).unwrap_err();
    assert_eq!(exists.kind(), ErrorKind::AlreadyExists);
    assert_eq!(wait(collection.list(&ListQuery::default())).unwrap().damaged.len(), 1);
    wait(collection.put(record(&long, "2"))).unwrap();
    assert_eq!(contents(&collection), [(long, "2".into())]);
    assert_eq!(files(&fs).len(), 2, "its bytes were kept");
}

#[test]
fn a_damaged_file_that_no_id_names_can_still_be_set_aside() {
    // A hashed level does not tell the id, and the path is too long to be one.
    let text = format!("{}/{}", "x".repeat(300), ["\u{1}".repeat(60).as_str(); 11].join("/"));
    let fs = sim(SimDisk::new());
    wait(open(&fs, things()).put(record(&text, "1"))).unwrap();
    let path = files(&fs)[0].0.clone();
    assert!(path.len() > 1_100, "the path is {} bytes long", path.len());
    let mut disk = fs.disk();
    disk.write_raw(&path, &b"{cut"[..], storeproof::fs::FileTime::default()).unwrap();
    let fs = sim(disk);
    let collection = open(&fs, things());
    let page = wait(collection.list(&ListQuery::default())).unwrap();
    let named = &page.damaged[0].id;
    for id in [named, &id(&text)] {
        assert_eq!(wait(collection.get(id)).unwrap_err().kind(), ErrorKind::Corrupt, "{id}");
    }
    wait(collection.quarantine(named, b"{cut")).unwrap();
    assert_eq!(wait(collection.list(&ListQuery::default())).unwrap().damaged, []);
    assert_eq!(files(&fs).len(), 1, "its bytes were kept");
    // That id may be a record's own as well.
    assert_eq!(wait(collection.get(named)).unwrap_err().kind(), ErrorKind::NotFound);
    wait(collection.put(record(named.as_str(), "1"))).unwrap();
    assert_eq!(wait(collection.get(named)).unwrap().data.bytes(), b"1");
    wait(collection.delete(named)).unwrap();
    assert_eq!(contents(&collection), []);
}

#[test]
fn no_bytes_at_all_are_too_much() {
    let deep = "[".repeat(100_000);
    for content in ["", "\u{0}", "{", "\u{feff}{}", &deep, r#"{"version":1}"#, "nul"] {
        let fs = sim(disk_with(&[("things/a.json", content), ("things/x/~.json", content)]));
        let collection = open(&fs, things());
        let _ = wait(collection.get(&id("a")));
        let page = wait(collection.drain(Selection::all())).unwrap();
        assert_eq!(page.records.len() + page.damaged.len(), 2, "{content:.20}");
        wait(collection.put(record("a", "1"))).unwrap();
        wait(collection.put(record("x/", "1"))).unwrap();
    }
}

#[test]
fn an_unreadable_intent_stops_the_opening_and_stays() {
    let fs =
        sim(disk_with(&[("things/.storeproof.intent", "{\"version\":1,"), ("things/a.json", "1")]));
    let Err(error) = wait(backend(&fs).open(things())) else {
        panic!("a commit that may be half done was passed over");
    };
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(error.to_string().contains(".storeproof.intent"), "{error}");
    assert_eq!(files(&fs).len(), 2, "nothing was changed");
}

#[test]
fn what_stands_in_the_place_of_an_intent_is_named_and_stays() {
    let left = [("things/.storeproof.intent/x", "y"), ("things/a.json", "1")];
    let fs = sim(disk_with(&left));
    let put = async {
        let collection = backend(&fs).open(things()).await?;
        collection.put(record("a", "2")).await
    };
    let error = wait(put).expect_err("nobody knows what it was to be");
    assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
    assert!(error.to_string().contains(".storeproof.intent"), "{error}");
    assert_eq!(files(&fs), left.map(|(path, text)| (path.into(), text.into())));
}

/// Damaged files come first, by id, and a page goes on after each of them: read from the
/// files, and from memory over them.
#[test]
fn pages_go_on_after_damaged_files_and_after_records() {
    let disk = || {
        disk_with(&[
            ("things/a.json", "1"),
            ("things/b.json", "{cut"),
            ("things/c.json", "2"),
            ("things/d.json", "{cut"),
            ("things/e.json", ""),
        ])
    };
    let files = open(&sim(disk()), things());
    let hybrid = HybridBackend::new(Arc::new(backend(&sim(disk()))), clock());
    for collection in [files, wait(hybrid.open(things())).expect("it is read")] {
        for limit in [1, 2, 3, 4, 5] {
            assert_eq!(
                crate::backends::pages(&*collection, limit),
                ["b!", "d!", "e!", "a", "c"],
                "with {limit} on a page"
            );
        }
    }
}

/// Somebody may have cut the copy that was set aside before.
#[test]
fn what_was_set_aside_and_changed_since_is_set_aside_anew() {
    let fs = sim(disk_with(&[("things/a.json", "{cut")]));
    let collection = open(&fs, things());
    let set_aside = || {
        wait(collection.put(record("a", "1"))).expect("damage is written over");
        let aside = files(&fs).into_iter().filter(|(path, _)| path.contains("quarantine/"));
        <[_; 1]>::try_from(aside.collect::<Vec<_>>()).expect("there is one copy")
    };
    let [(path, content)] = set_aside();
    assert_eq!(content, "{cut");
    old_writer_puts(&fs, &path, "{");
    old_writer_puts(&fs, "things/a.json", "{cut");
    assert_eq!(set_aside(), [(path, "{cut".to_owned())]);
}

/// A quarantine that can't be made says so, and the damaged file stays.
#[test]
fn what_can_t_be_set_aside_stays_where_it_is() {
    for calls in 0..200 {
        let fs = sim(disk_with(&[("things/a.json", "{cut")]));
        let process = Process::new(fs.clone());
        let collection = open(&process, things());
        process.meets(Fate::FailAfter(calls));
        let result = wait(collection.put(record("a", "1")));
        if process.failed() == Some("create_dir") {
            let error = result.expect_err("it can't be set aside");
            assert_eq!(error.outcome(), Outcome::NotDone);
            let message = error.to_string();
            assert!(
                message.contains("making the directory \".storeproof.quarantine\""),
                "{message}"
            );
            assert_eq!(files(&fs), [("things/a.json".to_owned(), "{cut".to_owned())]);
            return;
        }
    }
    panic!("no directory was made");
}

/// What a newer release wrote is claimed by nobody, not even where an older file counts.
#[test]
fn a_claim_takes_no_record_that_a_newer_release_has_written_too() {
    let newer = NEWER.replace(r#""id":"a""#, r#""id":"a%b""#);
    let fs = sim(disk_with(&[("things/a%b.json", "1"), ("things/a%25b.json", &newer)]));
    let collection = open(&fs, things());
    assert_eq!(contents(&collection), [("a%b".to_owned(), "1".to_owned())]);
    let error = wait(collection.claim(&Selection::all())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("a%25b.json"), "{error}");
    assert_eq!(files(&fs).len(), 2, "both are left");
}

/// What has the name under which bytes would be kept is none of ours to replace.
#[test]
fn a_directory_in_the_place_of_what_is_set_aside_is_named() {
    let kept = {
        let fs = sim(disk_with(&[("things/a.json", "{cut")]));
        wait(open(&fs, things()).put(record("a", "1"))).unwrap();
        files(&fs).into_iter().map(|(path, _)| path).find(|path| path.contains("quarantine"))
    };
    let kept = kept.expect("the damaged bytes are kept");
    let mut disk = disk_with(&[("things/a.json", "{cut")]);
    disk.create_dir_all(&kept).unwrap();
    let fs = sim(disk);
    let error = wait(open(&fs, things()).put(record("a", "1"))).unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Backend, Outcome::NotDone));
    assert!(error.to_string().contains("move it away"), "{error}");
    assert_eq!(files(&fs), [("things/a.json".to_owned(), "{cut".to_owned())]);
}

/// A record that has expired is removed with what it covered, whose bytes are kept.
#[test]
fn a_purge_sets_aside_the_damage_that_an_expired_record_covered() {
    let expired = r#"{"id":"a%b","encoding":"json","created_at":"2020-01-01T00:00:00Z","updated_at":"2020-01-01T00:00:00Z","expires_at":"2020-01-02T00:00:00Z","data":1}"#;
    let fs = sim(disk_with(&[("things/a%b.json", expired), ("things/a%25b.json", "{cut")]));
    let collection = open(&fs, things());
    assert_eq!(wait(collection.purge_expired()).unwrap(), 1);
    let left = files(&fs);
    let [(path, bytes)] = left.as_slice() else { panic!("only the damage is left: {left:?}") };
    assert!(path.starts_with("things/.storeproof.quarantine/a%2525b.json~"), "{path}");
    assert_eq!(bytes, "{cut");
}

#[test]
fn a_purge_leaves_an_expired_record_that_covers_a_newer_releases() {
    let expired = r#"{"id":"a%b","encoding":"json","created_at":"2020-01-01T00:00:00Z","updated_at":"2020-01-01T00:00:00Z","expires_at":"2020-01-02T00:00:00Z","data":1}"#;
    let newer = NEWER.replace("\"id\":\"a\"", "\"id\":\"a%b\"");
    let fs = sim(disk_with(&[("things/a%b.json", expired), ("things/a%25b.json", &newer)]));
    let collection = open(&fs, things());
    let before = files(&fs);
    assert_eq!(wait(collection.purge_expired()).unwrap(), 0);
    assert_eq!(files(&fs), before);
}
