//! What a kill or a loss of power leaves, at every step.

use storeproof::{
    seam::{Backend, CollectionExt, Write},
    sim::disk::{Event, ImageKind, SimDisk},
};

use super::{
    backend, contents, disk_with, files, id, open,
    process::{Fate, Process},
    record, sim, things, wait,
};

type State = Vec<(String, String)>;

/// Runs `prepare`, then `change`, and checks every crash in the latter: what is
/// reopened is the state before or after, never older than what was
/// acknowledged, and nothing is left over. Returns how often each was seen.
#[track_caller]
fn every_crash(
    disk: SimDisk,
    prepare: impl FnOnce(&std::sync::Arc<dyn storeproof::seam::Collection>),
    change: impl FnOnce(&std::sync::Arc<dyn storeproof::seam::Collection>),
) -> (usize, usize) {
    let fs = sim(disk);
    let collection = open(&fs, things());
    prepare(&collection);
    let before: State = contents(&collection);
    let start = fs.disk().trace_len();
    change(&collection);
    let end = fs.disk().trace_len();
    let after: State = contents(&collection);
    drop(collection);
    let disk = fs.disk();
    let mut seen = (0, 0);
    for at in start..=end {
        for kind in [ImageKind::Everything, ImageKind::NothingUnsynced] {
            let fs = sim(disk.image(at, &kind));
            let reopened = open(&fs, things());
            let found = contents(&reopened);
            if found == before && (at < end || before == after) {
                seen.0 += 1;
            } else {
                assert_eq!(found, after, "step {} of {}, {kind:?}", at - start, end - start);
                seen.1 += 1;
            }
            let leftover = files(&fs).into_iter().find(|(path, _)| {
                let name = path.rsplit('/').next().unwrap();
                name.starts_with('.') && !path.contains("quarantine/")
            });
            assert_eq!(leftover, None, "step {} of {}, {kind:?}", at - start, end - start);
            // What recovery made is durable itself.
            let again = sim(fs.disk().image(usize::MAX, ImageKind::NothingUnsynced));
            assert_eq!(contents(&open(&again, things())), found, "the second crash, step {at}");
        }
    }
    seen
}

#[test]
fn a_put_happens_wholly_or_not_at_all() {
    for text in ["a", "d/e/f"] {
        let (before, after) =
            every_crash(SimDisk::new(), |_| {}, |c| wait(c.put(record(text, "1"))).unwrap());
        assert!(before > 0 && after > 1, "both outcomes are reached: {before}, {after}");
    }
}

#[test]
fn a_replacement_and_a_delete_happen_wholly_or_not_at_all() {
    let prepare = |c: &std::sync::Arc<dyn storeproof::seam::Collection>| {
        wait(c.put(record("a", "1"))).unwrap();
    };
    every_crash(SimDisk::new(), prepare, |c| wait(c.put(record("a", "2"))).unwrap());
    every_crash(SimDisk::new(), prepare, |c| wait(c.delete(&id("a"))).unwrap());
}

#[test]
fn a_commit_of_several_happens_wholly_or_not_at_all() {
    let (before, after) = every_crash(
        SimDisk::new(),
        |c| {
            let writes = vec![Write::put(record("a", "1")), Write::put(record("gone/b", "2"))];
            wait(c.commit(writes)).unwrap();
        },
        |c| {
            let writes = vec![
                Write::put(record("a", "3")),
                Write::put(record("new/dir/c", "4")),
                Write::delete(id("gone/b")),
                Write::put(record("d", "5")),
            ];
            wait(c.commit(writes)).unwrap();
        },
    );
    assert!(before > 10 && after > 10, "both outcomes are reached: {before}, {after}");
}

/// A power loss may keep any part of what was not synced: what must be durable
/// first is therefore a matter of order.
#[test]
fn an_intent_is_durable_before_the_first_file_changes_and_gone_after_the_last_is_durable() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    wait(collection.put(record("old", "1"))).unwrap();
    let start = fs.disk().trace_len();
    let writes = vec![
        Write::put(record("a", "1")),
        Write::put(record("d/b", "1")),
        Write::delete(id("old")),
    ];
    wait(collection.commit(writes)).unwrap();
    let disk = fs.disk();
    let mut order = Vec::new();
    // Without the digits that tell what was judged.
    let told = |name: &str| match name.strip_prefix(".storeproof.aside.") {
        Some(aside) => format!("{}, aside,", &aside[17..]),
        None => name.to_owned(),
    };
    for step in &disk.trace()[start..] {
        match &step.event {
            Event::Rename { to, .. } => order.push(format!("{} comes", told(to))),
            Event::Remove { name, .. } => order.push(format!("{} goes", told(name))),
            Event::SyncFile { .. } => order.push("file synced".to_owned()),
            Event::SyncDirectory { .. } => order.push("directory synced".to_owned()),
            _ => {}
        }
    }
    assert_eq!(
        order,
        [
            "directory synced", // It has the new directory `d`.
            "directory synced", // What older software has renamed there
            "directory synced", // must not be gone.
            "file synced",
            ".storeproof.intent comes",
            "directory synced",
            "file synced",
            "a.json comes",
            "file synced",
            "b.json comes",
            "old.json, aside, comes",
            "old.json, aside, goes",
            "directory synced",
            "directory synced",
            ".storeproof.intent goes",
            "directory synced",
        ]
    );
}

#[test]
fn rewriting_a_record_that_makes_way_happens_wholly_or_not_at_all() {
    every_crash(
        disk_with(&[("things/%2E.json", "\"old\""), ("things/%252E.json", "\"older\"")]),
        |_| {},
        |c| wait(c.put(record(".", "\"new\""))).unwrap(),
    );
}

#[test]
fn clearing_a_directory_that_is_in_the_way_happens_wholly_or_not_at_all() {
    let disk = || {
        disk_with(&[
            ("things/a.json/b.json", "1"),
            ("things/a.json/c/d.json", "2"),
            ("things/a.json/e.json/f.json", "3"),
            // Where `a.json/b` belongs: a directory in turn.
            ("things/a%2Ejson/b.json/g.json", "4"),
            ("things/a.json/damaged.json", "{\"cut"),
        ])
    };
    let (before, after) = every_crash(disk(), |_| {}, |c| wait(c.put(record("a", "5"))).unwrap());
    assert!(before > 20 && after > 40, "both outcomes are reached: {before}, {after}");
    let (before, after) = every_crash(
        disk(),
        |_| {},
        |c| {
            let writes = vec![
                Write::put(record("z", "5")),
                Write::put(record("a", "5")),
                Write::put(record("a.json/b", "6")),
                Write::delete(id("a.json/c/d")),
            ];
            wait(c.commit(writes)).unwrap();
        },
    );
    assert!(before > 20 && after > 40, "both outcomes are reached: {before}, {after}");
}

#[test]
fn a_legacy_record_is_never_lost_as_it_moves() {
    every_crash(
        disk_with(&[("things/c .json", "1")]),
        |_| {},
        |c| wait(c.put(record("c ", "2"))).unwrap(),
    );
}

#[test]
fn damaged_bytes_survive_every_crash() {
    let fs = sim(disk_with(&[("things/a.json", "{\"cut")]));
    let collection = open(&fs, things());
    let start = fs.disk().trace_len();
    wait(collection.put(record("a", "1"))).unwrap();
    let end = fs.disk().trace_len();
    let disk = fs.disk();
    for at in start..=end {
        for kind in [ImageKind::Everything, ImageKind::NothingUnsynced] {
            let fs = sim(disk.image(at, &kind));
            let _reopened = open(&fs, things());
            let kept = files(&fs).iter().any(|(_, content)| content == "{\"cut");
            assert!(kept, "step {} of {}, {kind:?}: the bytes are gone", at - start, end - start);
        }
    }
}

#[test]
fn opening_can_be_interrupted_anywhere() {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    wait(collection.put(record("a", "1"))).unwrap();
    drop(collection);
    let disk = fs.disk();
    for at in 0..=disk.trace_len() {
        for kind in [ImageKind::Everything, ImageKind::NothingUnsynced] {
            let fs = sim(disk.image(at, &kind));
            let collection = open(&fs, things());
            let found = wait(collection.get(&id("a")));
            if at == disk.trace_len() {
                assert!(found.is_ok(), "{kind:?}: an acknowledged record is lost");
            }
            wait(collection.put(record("b", "2"))).unwrap();
        }
    }
}

/// The disk of a writer that died right after its intent had become durable: to put 2 in
/// place of 1 into `a`, and 3 into `b`.
fn with_an_intent() -> SimDisk {
    let fs = sim(SimDisk::new());
    let collection = open(&fs, things());
    wait(collection.put(record("a", "1"))).unwrap();
    let start = fs.disk().trace_len();
    wait(collection.commit(vec![Write::put(record("a", "2")), Write::put(record("b", "3"))]))
        .unwrap();
    let whole = fs.disk();
    let mut images = (start..=whole.trace_len())
        .map(|at| whole.image(at, ImageKind::NothingUnsynced))
        .filter(|image| image.read_raw("things/.storeproof.intent").is_some());
    images.next().expect("at some step the intent is durable")
}

/// An opening that can't look for the intent, or can't be rid of it, is none.
#[test]
fn an_opening_that_fails_before_an_intent_is_settled_shows_no_half_of_it() {
    let expected = [("a", "2"), ("b", "3")].map(|(id, data)| (id.to_owned(), data.to_owned()));
    let mut failures = 0;
    for calls in 0.. {
        let fs = sim(with_an_intent());
        let process = Process::new(fs.clone());
        process.meets(Fate::FailAfter(calls));
        let opened = wait(backend(&process).open(things()));
        let Some(failed) = process.failed() else { break };
        if let Ok(collection) = opened {
            assert_eq!(contents(&collection), expected, "though {failed} failed");
            assert!(fs.disk().read_raw("things/.storeproof.intent").is_none(), "after {failed}");
            // It is not done again over what came later.
            wait(collection.delete(&id("a"))).unwrap();
            assert_eq!(contents(&open(&fs, things())), expected[1..], "after {failed}");
        } else {
            failures += 1;
            assert_eq!(contents(&open(&fs, things())), expected, "after {failed} had failed");
        }
    }
    assert!(failures > 5, "only {failures} openings failed");
}

#[test]
fn recovery_leaves_what_somebody_else_wrote_since() {
    let mut disk = with_an_intent();
    disk.write_raw("things/a.json", &b"\"theirs\""[..], disk.now()).unwrap();
    let fs = sim(disk);
    let collection = open(&fs, things());
    let expected = [("a", "\"theirs\""), ("b", "3")].map(|(id, data)| (id.into(), data.into()));
    assert_eq!(contents(&collection), expected);
}
