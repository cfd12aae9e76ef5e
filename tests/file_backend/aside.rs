//! What is removed lies aside for a moment, so that nothing is lost that older
//! software writes meanwhile.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use storeproof::{
    backend::file::survey::{OtherFile, OtherKind, survey},
    seam::{Backend, CollectionExt, Instant, Selection, Write},
};

use super::{
    contents, disk_with, files, id, old_writer_puts, open,
    process::{Fate, Process},
    record, sim, things, wait,
};

/// What was judged is `1`, whose SHA-256 begins so.
const ASIDE: &str = "things/.storeproof.aside.6b86b273ff34fce1.a.json";

/// A way to remove the record `a`, with its name.
type Removal = (&'static str, fn(&Process));

/// All of them.
fn removals() -> [Removal; 4] {
    [
        ("delete", |fs| wait(open(fs, things()).delete(&id("a"))).unwrap()),
        ("compare_and_delete", |fs| {
            let write = Write::compare_and_delete(id("a"), record("a", "1").data);
            wait(open(fs, things()).commit(vec![write])).unwrap();
        }),
        ("claim", |fs| {
            let claimed = wait(open(fs, things()).claim(&Selection::all())).unwrap();
            assert_eq!(claimed.data.bytes(), b"1", "what was judged is what was claimed");
        }),
        ("purge_expired", |fs| {
            let mut expired = record("a", "1");
            expired.expires_at = Some(Instant::UNIX_EPOCH);
            let collection = open(fs, things());
            wait(collection.put(expired)).unwrap();
            fs.meets(Fate::Before("rename", |disk| old_writer_puts(disk, "things/a.json", "2")));
            assert_eq!(wait(collection.purge_expired()).unwrap(), 1);
        }),
    ]
}

#[test]
fn a_file_that_older_software_refreshes_during_a_removal_stays() {
    for (removal, remove) in removals() {
        let disk = sim(disk_with(&[("things/a.json", "1")]));
        let fs = Process::new(disk.clone());
        drop(open(&fs, things()));
        fs.meets(Fate::Before("rename", |disk| old_writer_puts(disk, "things/a.json", "2")));
        remove(&fs);
        assert_eq!(files(&disk), [("things/a.json".into(), "2".into())], "{removal}");
        assert_eq!(contents(&open(&fs, things())), [("a".into(), "2".into())], "{removal}");
    }
}

/// After a loss of power the generation tells nothing.
#[test]
fn what_a_loss_of_power_left_aside_is_settled_when_the_collection_is_opened() {
    let record = |content: &str| vec![("things/a.json".to_owned(), content.to_owned())];
    for (left, expected) in [
        // It is what was judged: it goes.
        (vec![(ASIDE, "1")], vec![]),
        // Nobody has judged it: it has its name back.
        (vec![(ASIDE, "2")], record("2")),
        // What has the name by now was written later.
        (vec![(ASIDE, "2"), ("things/a.json", "3")], record("3")),
        (vec![(ASIDE, "1"), ("things/a.json", "3")], record("3")),
    ] {
        let disk = sim(disk_with(&left));
        let surveyed =
            wait(survey(&disk, things(), Arc::new(|_| true))).expect("it is looked through");
        let is_leftover = |other: &&OtherFile| {
            other.kind == OtherKind::Temporary && format!("things/{}", other.path) == ASIDE
        };
        assert_eq!(surveyed.others.iter().filter(is_leftover).count(), 1, "{left:?}");
        assert!(surveyed.is_unsettled, "{left:?}");
        let collection = open(&disk, things());
        assert_eq!(contents(&collection).len(), expected.len(), "{left:?}");
        assert_eq!(
            surveyed.records.len(),
            expected.len(),
            "{left:?}: a look without a trace sees it as it will be"
        );
        assert_eq!(files(&disk), expected, "{left:?}");
    }
}

/// Nobody knows whether it was judged.
#[test]
fn what_is_aside_and_cannot_be_read_is_a_damaged_record_to_a_survey() {
    for content in ["1", "2"] {
        let fs = Process::new(sim(disk_with(&[(ASIDE, content)])));
        let (mut calls, mut damaged) = (0, 0);
        loop {
            fs.meets(Fate::FailAfter(calls));
            let surveyed = wait(survey(&fs, things(), Arc::new(|_| true)));
            let Some(failed) = fs.failed() else { break };
            calls += 1;
            let Ok(surveyed) = surveyed else { continue };
            // The first file that is read would be the intent.
            if failed == "read" && surveyed.intent.is_none() {
                let [file] = surveyed.records.as_slice() else {
                    panic!("{content}: {} records", surveyed.records.len());
                };
                assert_eq!(file.path.as_str(), "a.json");
                assert!(file.stored.content.is_err(), "{content}: it was read all the same");
                damaged += 1;
            }
        }
        assert_eq!(damaged, 1, "{content}");
    }
}

#[test]
fn a_survey_says_how_many_records_it_has_looked_at() {
    let files = [("things/a.json", "1"), ("things/b.json", "2"), ("things/d/c.json", "3")];
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let watch = Arc::new(move |count| {
        told.lock().unwrap().push(count);
        true
    });
    wait(survey(&sim(disk_with(&files)), things(), watch)).expect("it is looked through");
    let counts = seen.lock().unwrap().clone();
    assert!(counts.starts_with(&[0, 1, 2]), "before each of three records: {counts:?}");
}

/// Whoever could not give it its name back leaves that to the next one.
#[test]
fn what_is_aside_has_its_name_back_though_a_step_failed() {
    let mut failures = BTreeSet::new();
    for calls in 0.. {
        let disk = sim(disk_with(&[(ASIDE, "2")]));
        let fs = Process::new(disk.clone());
        fs.meets(Fate::FailAfter(calls));
        let opened = wait(super::backend(&fs).open(things()));
        let Some(failed) = fs.failed() else { break };
        failures.insert(failed);
        let is_put_back = failed == "rename_no_replace" && opened.is_ok();
        assert!(!is_put_back, "it is still aside, and nobody said so");
        drop(opened);
        let collection = open(&disk, things());
        assert_eq!(contents(&collection), [("a".into(), "2".into())], "after {failed} failed");
        assert_eq!(files(&disk), [("things/a.json".into(), "2".into())], "after {failed} failed");
    }
    assert!(failures.contains("rename_no_replace"), "nothing had its name back: {failures:?}");
}

/// A writer that is killed while it removes a record, and older software that then writes what
/// has its name: who was there before settles that as well.
#[test]
fn what_a_killed_writer_left_aside_is_settled_by_who_has_the_collection_open() {
    let mut left_aside = 0;
    for calls in 0..200 {
        let disk = sim(disk_with(&[("things/a.json", "1")]));
        let doomed = Process::new(disk.clone());
        let (handle, survivor) = (open(&doomed, things()), open(&disk, things()));
        doomed.meets(Fate::DieAfter(calls));
        let is_over = {
            let place = id("a");
            let mut removal = std::pin::pin!(handle.delete(&place));
            let waker = std::task::Waker::noop();
            removal.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready()
        };
        drop(handle);
        let is_aside = files(&disk).iter().any(|(path, _)| path == ASIDE);
        if is_aside {
            left_aside += 1;
            // It is not what was judged.
            old_writer_puts(&disk, ASIDE, "2");
            assert_eq!(contents(&survivor), [("a".into(), "2".into())], "killed after {calls}");
        }
        if is_over {
            assert!(!is_aside, "what was acknowledged is gone");
            assert!(left_aside > 0, "it was never aside as {ASIDE}");
            return;
        }
    }
    panic!("it never came to its end");
}

/// A directory replaces no file.
#[test]
fn what_is_aside_and_finds_a_directory_in_its_place_is_set_aside_for_good() {
    let disk = sim(disk_with(&[(ASIDE, "2"), ("things/a.json/b.json", "3")]));
    let collection = open(&disk, things());
    assert_eq!(contents(&collection), [("a.json/b".into(), "3".into())]);
    let kept: Vec<_> = files(&disk).into_iter().filter(|(_, content)| content == "2").collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].0.starts_with("things/.storeproof.quarantine/a.json~"), "{kept:?}");
}
