//! What older software left.

use storeproof::{
    fs::{Durability, OsFs},
    seam::{CollectionExt, ErrorKind, Instant, Selection, Write},
};

use crate::genuine::data_directories;

use super::{contents, disk_with, files, id, now, open, record, sim, things, users, wait};

#[test]
fn a_flat_file_reads_as_a_record_and_keeps_its_bytes_until_it_is_written() {
    let flat = "{\n  \"id\": \"u\",\n  \"username\": \"ann\",\n  \"created_at\": \"2025-11-03T09:15:30+09:00\"\n}";
    let fs = sim(disk_with(&[("users/u.json", flat)]));
    let collection = open(&fs, users());
    let stored = wait(collection.get(&id("u"))).unwrap();
    assert_eq!(stored.data.to_text_lossy(), flat);
    assert_eq!(Some(stored.created_at), Instant::parse("2025-11-03T00:15:30Z"));
    assert_eq!(Some(stored.updated_at), Instant::new(1_700_000_000, 123), "the file's own time");
    assert_eq!(wait(collection.find("username", &["ann"])).unwrap().records.len(), 1);
    assert_eq!(
        files(&fs),
        [("users/u.json".to_owned(), flat.to_owned())],
        "reading changes nothing"
    );

    wait(collection.put(record("u", r#"{"id":"u","username":"eve"}"#))).unwrap();
    let stored = wait(collection.get(&id("u"))).unwrap();
    assert_eq!(Some(stored.created_at), Instant::parse("2025-11-03T00:15:30Z"), "it is kept");
    assert_eq!(stored.updated_at, now());
    let text = &files(&fs)[0].1;
    assert!(text.starts_with(r#"{"version":1,"id":"u""#), "it is an envelope now: {text}");
}

#[test]
fn a_record_at_its_raw_name_moves_to_its_own_place_when_it_is_written() {
    let fs = sim(disk_with(&[("things/a%2Fb.json", "1"), ("things/c .json", "2")]));
    let collection = open(&fs, things());
    assert_eq!(
        contents(&collection),
        [("a%2Fb".into(), "1".into()), ("c ".into(), "2".into())],
        "names are raw ids"
    );
    for text in ["a%2Fb", "c "] {
        wait(collection.put(record(text, "3"))).unwrap();
    }
    let paths: Vec<_> = files(&fs).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["things/a%252Fb.json", "things/c%20.json"]);
    assert_eq!(contents(&collection).len(), 2);
    assert_eq!(contents(&open(&fs, things())).len(), 2);
}

#[test]
fn an_older_writers_file_counts_more_than_ours() {
    let fs = sim(storeproof::sim::disk::SimDisk::new());
    let collection = open(&fs, things());
    wait(collection.put(record("c ", "1"))).unwrap();
    super::old_writer_puts(&fs, "things/c .json", "2");
    assert_eq!(wait(collection.get(&id("c "))).unwrap().data.to_text_lossy(), "2");
    assert_eq!(contents(&collection), [("c ".into(), "2".into())], "it is one record");
    wait(collection.delete(&id("c "))).unwrap();
    assert_eq!(files(&fs), [], "both files are gone");
    assert_eq!(contents(&collection), []);
}

#[test]
fn whoever_writes_to_a_place_that_another_record_has_rewrites_that_first() {
    // `%2E.json` is where the record `.` belongs, and the raw name of `%2E`.
    let fs = sim(disk_with(&[("things/%2E.json", "\"old\""), ("things/%252E.json", "\"older\"")]));
    let collection = open(&fs, things());
    let before = [("%252E".into(), "\"older\"".into()), ("%2E".into(), "\"old\"".into())];
    assert_eq!(contents(&collection), before);
    let missing = wait(collection.get(&id("."))).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "the file is another record");
    wait(collection.delete(&id("."))).unwrap();
    assert_eq!(contents(&collection), before, "nor is it removed");

    wait(collection.create(record(".", "\"new\""))).unwrap();
    let after = [("%252E", "\"older\""), ("%2E", "\"old\""), (".", "\"new\"")]
        .map(|(id, data)| (id.into(), data.into()));
    assert_eq!(contents(&collection), after);
    assert_eq!(contents(&open(&fs, things())), after);
    let paths: Vec<_> = files(&fs).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["things/%25252E.json", "things/%252E.json", "things/%2E.json"]);
}

#[test]
fn a_commit_may_write_both_records_of_one_place() {
    let fs = sim(disk_with(&[("things/%2E.json", "\"old\"")]));
    let collection = open(&fs, things());
    let writes = vec![Write::put(record(".", "1")), Write::put(record("%2E", "2"))];
    wait(collection.commit(writes)).unwrap();
    let expected = [("%2E", "2"), (".", "1")].map(|(id, data)| (id.into(), data.into()));
    assert_eq!(contents(&collection), expected);
    assert_eq!(contents(&open(&fs, things())), expected);

    let fs = sim(disk_with(&[("things/%2E.json", "\"old\"")]));
    let collection = open(&fs, things());
    let writes = vec![Write::put(record(".", "1")), Write::delete(id("%2E"))];
    wait(collection.commit(writes)).unwrap();
    assert_eq!(contents(&open(&fs, things())), [(".".into(), "1".into())]);
}

#[test]
fn envelopes_of_the_generation_between_are_read_under_their_raw_names() {
    let envelope = |id: &str| {
        format!(
            r#"{{"id":"{id}","encoding":"json","data":{{"x":1}},"created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-02T00:00:00Z"}}"#
        )
    };
    let fs =
        sim(disk_with(&[("things/a.json", &envelope("a")), ("things/b.json", &envelope("other"))]));
    let collection = open(&fs, things());
    assert_eq!(wait(collection.get(&id("a"))).unwrap().data.to_text_lossy(), r#"{"x":1}"#);
    assert_eq!(wait(collection.get(&id("b"))).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(wait(collection.get(&id("other"))).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_genuine_data_directory_reads_completely() {
    let Some(genuine) = data_directories().map(|data| data.join("legacy")) else { return };
    let copy = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test copies real files")]
    let names = {
        std::fs::create_dir(copy.path().join("users")).unwrap();
        let mut names = Vec::new();
        for entry in std::fs::read_dir(genuine.join("users")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let bytes = std::fs::read(genuine.join("users").join(&name)).unwrap();
            std::fs::write(copy.path().join("users").join(&name), bytes).unwrap();
            names.extend(name.strip_suffix(".json").map(str::to_owned));
        }
        names.sort();
        names
    };
    let fs = OsFs::open(copy.path()).unwrap().with_durability(Durability::Process);
    let collection = open(&fs, users());
    let page = wait(collection.drain(Selection::all())).unwrap();
    assert_eq!(page.damaged, []);
    assert_eq!(contents(&collection).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), names);
    assert!(page.records.is_sorted_by_key(|record| (record.created_at, record.id.clone())));
    let admin = wait(collection.find("username", &["admin"])).unwrap();
    assert_eq!(admin.records.len(), 1, "a key of older data is found");
}
