//! Older software that writes meanwhile, without knowing the lock.

use std::sync::Arc;

use storeproof::{
    backend::file::FileOptions,
    fs::{Access, FileTime, Fs},
    seam::{Backend, Collection, CollectionExt, ErrorKind, ListQuery, Selection},
    sim::disk::{SimDisk, SimFs},
};

use super::{
    backend, contents, disk_with, id, old_writer_puts, old_writer_removes, open,
    process::{Fate, Process},
    record, sim, things, users, wait,
};

fn count(collection: &Arc<dyn Collection>) -> u64 {
    wait(collection.count(&Selection::all())).unwrap()
}

#[test]
fn changes_of_an_older_writer_are_seen_at_once() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, users());
    assert_eq!(count(&collection), 0);
    // All within one tick of the disk's clock.
    for (step, name) in ["ann", "bob", "cat"].into_iter().enumerate() {
        old_writer_puts(&fs, "users/a.json", &format!(r#"{{"id":"a","username":"{name}"}}"#));
        let found = wait(collection.find("username", &[name])).unwrap();
        assert_eq!(found.records.len(), 1, "{name} was not seen (step {step})");
        assert_eq!(count(&collection), 1);
    }
    assert_eq!(wait(collection.find("username", &["ann"])).unwrap().records, []);
    old_writer_removes(&fs, "users", "a.json");
    assert_eq!(count(&collection), 0);
    old_writer_puts(&fs, "users/d/b.json", r#"{"id":"d/b","username":"dan"}"#);
    assert_eq!(count(&collection), 1, "a new directory was not seen");
    old_writer_puts(&fs, "users/d/c.json", r#"{"id":"d/c","username":"eve"}"#);
    assert_eq!(count(&collection), 2, "a change in a directory below was not seen");
}

#[test]
fn they_are_seen_between_changes_of_our_own() {
    // In a directory so large that it is not looked through again each time,
    // and in a small one.
    for own in [0_usize, 60] {
        let fs = sim(SimDisk::new());
        let options = FileOptions { walk_budget: 2, ..FileOptions::default() };
        let collection = wait(backend(&fs).with_options(options).open(things())).unwrap();
        for number in 0..own {
            wait(collection.put(record(&format!("own-{number:03}"), "1"))).unwrap();
        }
        let own = u64::try_from(own).unwrap();
        assert_eq!(count(&collection), own);
        for step in 0_u64..20 {
            wait(collection.put(record("mine", &step.to_string()))).unwrap();
            assert_eq!(count(&collection), own + 1 + step, "before step {step}");
            old_writer_puts(&fs, &format!("things/theirs-{step}.json"), "1");
            assert_eq!(count(&collection), own + 2 + step, "after step {step}");
        }
    }
}

/// A collection of 201 records that is not looked through again after a change of ours.
fn large() -> (SimFs, Process, Arc<dyn Collection>) {
    let disk = sim(SimDisk::new());
    let fs = Process::new(disk.clone());
    let collection = open(&fs, things());
    for number in 0..200 {
        wait(collection.put(record(&format!("r-{number:03}"), "1"))).unwrap();
    }
    assert_eq!(count(&collection), 200);
    // The first change after the look leaves a stamp, the next look finds it.
    wait(collection.put(record("z", "1"))).unwrap();
    assert_eq!(count(&collection), 201);
    (disk, fs, collection)
}

#[test]
fn our_own_changes_in_a_large_directory_need_no_look_at_its_files() {
    let (_, fs, collection) = large();
    for left in (190..=200).rev() {
        let before = fs.calls();
        wait(collection.claim(&Selection::all())).unwrap();
        assert_eq!(count(&collection), left);
        let calls = fs.calls() - before;
        assert!(calls < 30, "a claim and a count made {calls} calls");
    }
}

/// In a large directory that is not looked through again after a change of ours, older
/// software changes something between two steps of it.
#[test]
fn what_comes_between_two_steps_of_our_own_change_is_seen_in_a_large_directory() {
    let (disk, _, collection) = large();
    old_writer_puts(&disk, "things/theirs.json", "1");
    wait(collection.put(record("ours", "1"))).unwrap();
    assert_eq!(count(&collection), 203, "theirs came before ours");

    let (_, fs, collection) = large();
    fs.meets(Fate::Before("rename", |disk| old_writer_puts(disk, "things/r-000.json", "2")));
    wait(collection.delete(&id("r-000"))).unwrap();
    assert!(fs.has_met_its_fate());
    assert_eq!(count(&collection), 201, "theirs is another one than what was removed");
}

/// Somebody holds the lock all the time, and changes nothing.
#[test]
fn readers_wait_for_no_writer() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, users());
    wait(collection.put(record("a", r#"{"id":"a","username":"ann"}"#))).unwrap();
    let dir = wait(fs.open_dir(&fs.root(), "users")).unwrap();
    let lock = wait(fs.open_file(&dir, ".storeproof.lock", Access::ReadWrite)).unwrap();
    wait(fs.lock(&lock)).unwrap();
    let read = || {
        assert_eq!(wait(collection.get(&id("a"))).unwrap().id, id("a"));
        let absent = wait(collection.get(&id("b"))).unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::NotFound);
    };
    read();
    assert_eq!(count(&collection), 1);
    assert_eq!(contents(&collection).len(), 1);
    assert_eq!(wait(collection.find("username", &["ann"])).unwrap().records.len(), 1);
    // A change of one file is under way.
    let mut head = wait(fs.read_head(&lock)).unwrap();
    head[0] += 1;
    wait(fs.write_head(&lock, &head)).unwrap();
    assert_eq!(wait(collection.get(&id("a"))).unwrap().id, id("a"));
}

#[test]
fn an_older_writers_value_is_unique_for_ours() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, users());
    wait(collection.put(record("a", r#"{"id":"a","username":"ann"}"#))).unwrap();
    old_writer_puts(&fs, "users/b.json", r#"{"id":"b","username":"bob"}"#);
    let error = wait(collection.put(record("a", r#"{"id":"a","username":"bob"}"#))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyTaken);
    old_writer_removes(&fs, "users", "b.json");
    wait(collection.put(record("a", r#"{"id":"a","username":"bob"}"#))).unwrap();
    assert_eq!(wait(collection.find("username", &["ann"])).unwrap().records, []);
}

#[test]
fn two_handles_see_each_others_changes() {
    let fs = sim(SimDisk::new());
    let one = open(&fs, things());
    let two = open(&fs, things());
    for step in 0..40 {
        let (writer, reader) = if step % 2 == 0 { (&one, &two) } else { (&two, &one) };
        wait(writer.put(record(&format!("r-{step}"), "1"))).unwrap();
        assert_eq!(contents(reader).len(), step + 1, "after step {step}");
        let page =
            wait(reader.list(&ListQuery { limit: Some(1), ..ListQuery::default() })).unwrap();
        assert_eq!(page.records.len(), 1);
    }
    for left in (0..40).rev() {
        let (claimer, reader) = if left % 2 == 0 { (&one, &two) } else { (&two, &one) };
        wait(claimer.claim(&Selection::all())).unwrap();
        assert_eq!(count(reader), left);
    }
}

/// As whoever restores a backup may leave it, with the times that things had.
#[test]
fn what_is_replaced_under_a_directorys_old_time_is_noticed_when_it_is_read() {
    let fs = sim(disk_with(&[("things/d/a.json", "1"), ("things/d/b.json", "1")]));
    let above = wait(fs.open_dir(&fs.root(), "things")).unwrap();
    let dir = wait(fs.open_dir(&above, "d")).unwrap();
    let has_its_old_time = || {
        let long_past = FileTime { seconds: 1_700_000_000, nanoseconds: 123 };
        wait(fs.set_dir_modified(&dir, long_past)).unwrap();
    };
    has_its_old_time();
    let collection = open(&fs, things());
    assert_eq!(contents(&collection).len(), 2);
    old_writer_puts(&fs, "things/d/a.json", "22");
    has_its_old_time();
    let expected = [("d/a", "22"), ("d/b", "1")].map(|(id, data)| (id.into(), data.into()));
    assert_eq!(contents(&collection), expected);
}
