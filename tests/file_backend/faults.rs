//! Processes that die in the middle while others live on, and steps of the
//! storage that fail.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use storeproof::{
    backend::file::survey::{FileFormat, SurveyedFile, survey},
    fs::Fs,
    seam::{Collection, CollectionExt, Error, ErrorKind, Outcome, Record, Result, Write},
    sim::disk::{ImageKind, SimDisk, SimFs},
};

use super::{
    contents, disk_with, files, id, open,
    process::{Fate, Process},
    record, sim, things, wait,
};

#[test]
fn a_commit_is_given_up_when_older_software_fills_what_is_in_its_way() {
    let fs = sim(disk_with(&[("things/a.json/b.json", "1"), ("things/e.json", "1")]));
    let process = Process::new(fs.clone());
    let (handle, other) = (open(&process, things()), open(&fs, things()));
    let before = contents(&handle);
    process.meets(Fate::Before("remove_dir", |fs| {
        super::old_writer_puts(fs, "things/a.json/c.json", "\"theirs\"");
    }));
    let writes = || vec![Write::put(record("e", "2")), Write::put(record("a", "2"))];
    let error = wait(handle.commit(writes())).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
    assert!(error.to_string().contains("try again"), "{error}");
    let mut expected = before;
    expected.insert(1, ("a.json/c".to_owned(), "\"theirs\"".to_owned()));
    assert_eq!(contents(&handle), expected, "nothing of it is done, and theirs is kept");
    assert_eq!(contents(&other), expected);
    assert_eq!(leftover(&fs), None);
    let lost = sim(fs.disk().image(usize::MAX, ImageKind::NothingUnsynced));
    assert_eq!(contents(&open(&lost, things())).len(), 2, "{:?}", files(&lost));

    wait(handle.commit(writes())).unwrap();
    let expected = [("a", "2"), ("a.json/b", "1"), ("a.json/c", "\"theirs\""), ("e", "2")];
    let expected = expected.map(|(id, data)| (id.to_owned(), data.to_owned()));
    for handle in [&handle, &other, &open(&fs, things())] {
        assert_eq!(contents(handle), expected);
    }
}

/// What makes no file is told as that, and not tried under other names.
#[test]
fn a_file_or_directory_that_cannot_be_made_is_an_error_that_says_so() {
    let mut failures = Vec::new();
    for calls in 0.. {
        let fs = Process::new(sim(disk_with(&[("things/a.json", "{\"cut")])));
        let handle = open(&fs, things());
        fs.meets(Fate::FailAfter(calls));
        let done = wait(handle.quarantine(&id("a"), b"{\"cut"));
        let Some(failed) = fs.failed() else { break };
        failures.push(failed);
        let expected = match failed {
            "create_file" => "creating",
            "create_dir" => "making the directory",
            _ => continue,
        };
        let error = done.expect_err(failed);
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Io, Outcome::NotDone), "{error}");
        assert!(error.to_string().contains(expected), "{failed}: {error}");
    }
    assert!(failures.contains(&"create_file") && failures.contains(&"create_dir"), "{failures:?}");
}

#[test]
fn a_claim_passes_over_what_older_software_removes_in_that_moment() {
    let disk = disk_with(&[("things/a.json", "1"), ("things/b.json", "2")]);
    let process = Process::new(sim(disk));
    let handle = open(&process, things());
    assert_eq!(contents(&handle).len(), 2, "the files are known");
    process.meets(Fate::Before("read", |fs| super::old_writer_removes(fs, "things", "a.json")));
    let claimed = wait(handle.claim(&storeproof::seam::Selection::all())).unwrap();
    assert_eq!(claimed.id, id("b"));
    assert_eq!(contents(&handle), []);
}

type Handle = Arc<dyn Collection>;
type State = Vec<(String, String)>;

type Running<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// A change of a collection, and the files that it begins with.
struct Case {
    name: &'static str,
    disk: fn() -> SimDisk,
    prepare: fn(&Handle),
    change: fn(&Handle) -> Running<'_>,
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "a put",
            disk: SimDisk::new,
            prepare: |c| wait(c.put(record("a", "1"))).unwrap(),
            change: |c| Box::pin(c.put(record("a", "2"))),
        },
        Case {
            name: "a put in a new directory",
            disk: SimDisk::new,
            prepare: |_| {},
            change: |c| Box::pin(c.put(record("d/e/a", "2"))),
        },
        Case {
            name: "a delete",
            disk: SimDisk::new,
            prepare: |c| wait(c.put(record("a", "1"))).unwrap(),
            change: |c| Box::pin(async { c.delete(&id("a")).await }),
        },
        Case {
            name: "a claim",
            disk: SimDisk::new,
            prepare: |c| wait(c.put(record("a", "1"))).unwrap(),
            change: |c| {
                Box::pin(async { c.claim(&storeproof::seam::Selection::all()).await.map(drop) })
            },
        },
        Case {
            name: "a commit of several",
            disk: SimDisk::new,
            prepare: |c| {
                let writes = vec![Write::put(record("a", "1")), Write::put(record("d/b", "1"))];
                wait(c.commit(writes)).unwrap();
            },
            change: |c| {
                Box::pin(c.commit(vec![
                    Write::put(record("a", "2")),
                    Write::put(record("new/c", "2")),
                    Write::delete(id("d/b")),
                ]))
            },
        },
        Case {
            name: "a put that makes others way",
            disk: || disk_with(&[("things/%2E.json", "\"o\""), ("things/%252E.json", "\"p\"")]),
            prepare: |_| {},
            change: |c| Box::pin(c.put(record(".", "2"))),
        },
        Case {
            name: "a put where older records have a directory",
            disk: || disk_with(&[("things/a.json/b.json", "1"), ("things/a.json/d/e.json", "1")]),
            prepare: |_| {},
            change: |c| Box::pin(c.put(record("a", "2"))),
        },
        Case {
            name: "a commit that changes what is in its way",
            disk: || disk_with(&[("things/a.json/b.json", "1"), ("things/%2E.json", "1")]),
            prepare: |_| {},
            change: |c| {
                Box::pin(c.commit(vec![
                    Write::put(record("a", "2")),
                    Write::delete(id("a.json/b")),
                    Write::put(record(".", "2")),
                    Write::put(record("%2E", "2")),
                ]))
            },
        },
        Case {
            name: "a put over a damaged record",
            disk: || disk_with(&[("things/a.json", "{cut")]),
            prepare: |_| {},
            change: |c| Box::pin(c.put(record("a", "2"))),
        },
    ]
}

impl Case {
    /// The states before and after, when nothing goes wrong.
    fn states(&self) -> (State, State) {
        let fs = sim((self.disk)());
        let handle = open(&fs, things());
        (self.prepare)(&handle);
        let before = contents(&handle);
        wait((self.change)(&handle)).unwrap();
        (before, contents(&handle))
    }
}

/// Every record of any case.
const IDS: [&str; 8] = ["a", "d/b", "new/c", ".", "%2E", "d/e/a", "a.json/b", "a.json/d/e"];

/// No file of ours is left beside the records.
fn leftover(fs: &SimFs) -> Option<String> {
    files(fs).into_iter().map(|(path, _)| path).find(|path| {
        path.contains("/.storeproof.") && !path.starts_with("things/.storeproof.quarantine/a.json~")
    })
}

/// The records' files, as (path, content).
fn records(fs: &SimFs) -> State {
    files(fs).into_iter().filter(|(path, _)| !path.contains("/.storeproof.")).collect()
}

/// More calls than any of the cases makes.
const ENOUGH: usize = 400;

#[test]
fn survivors_complete_or_undo_what_a_killed_process_was_doing() {
    for case in cases() {
        let (before, after) = case.states();
        let mut seen = (0, 0);
        let mut finished = false;
        for calls in 0..ENOUGH {
            let fs = sim((case.disk)());
            let killed = Process::new(fs.clone());
            let doomed = open(&killed, things());
            let survivor = open(&fs, things());
            (case.prepare)(&doomed);
            assert_eq!(contents(&survivor), before);
            killed.meets(Fate::DieAfter(calls));
            {
                let mut operation = pin!((case.change)(&doomed));
                let polled = operation.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                finished = matches!(polled, Poll::Ready(Ok(())));
            }
            let at = format!("{} killed after {calls} calls", case.name);
            // A single get must not see what a list does not.
            let single = IDS.map(|text| {
                wait(survivor.get(&id(text))).ok().map(|r| r.data.to_text_lossy().into_owned())
            });
            let found = contents(&survivor);
            assert!(found == before || found == after, "{at}: {found:?} is half of it");
            for (text, data) in IDS.iter().zip(&single) {
                let listed = found.iter().find(|(id, _)| id == text).map(|(_, data)| data);
                assert_eq!(listed, data.as_ref(), "{at}: get and list differ about {text}");
            }
            if found == before && before != after {
                seen.0 += 1;
                assert!(!finished, "{at}: acknowledged and lost");
            } else {
                seen.1 += 1;
            }
            // What survivors then acknowledge rests on what they saw.
            wait(survivor.put(record("later", "1"))).unwrap_or_else(|e| panic!("{at}: {e}"));
            let lost = sim(fs.disk().image(usize::MAX, ImageKind::NothingUnsynced));
            let reopened = open(&lost, things());
            let mut expected = found.clone();
            expected.push(("later".to_owned(), "1".to_owned()));
            expected.sort();
            assert_eq!(contents(&reopened), expected, "{at}: after a loss of power");
            assert_eq!(leftover(&lost), None, "{at}");
            if finished {
                break;
            }
        }
        assert!(finished, "{}: it never came to its end", case.name);
        assert!(seen.0 > 3 && seen.1 > 1, "{}: both outcomes are reached: {seen:?}", case.name);
    }
}

#[test]
fn a_step_that_fails_leaves_all_or_nothing_and_says_which() {
    for case in cases() {
        let (before, after) = case.states();
        for fate in [Fate::FailAfter, Fate::LieAfter] {
            let mut finished = false;
            let mut refusals = 0;
            for calls in 0..ENOUGH {
                let fs = sim((case.disk)());
                let process = Process::new(fs.clone());
                let handle = open(&process, things());
                let other = open(&fs, things());
                (case.prepare)(&handle);
                let files_before = records(&fs);
                process.meets(fate(calls));
                let outcome = wait((case.change)(&handle));
                let Some(failed) = process.failed() else {
                    finished = true;
                    break;
                };
                process.meets(Fate::Live);
                let is_untouched = records(&fs) == files_before;
                let at = format!("{}: {:?}, {failed}: {outcome:?}", case.name, fate(calls));
                let found = contents(&other);
                assert!(found == before || found == after, "{at}: {found:?} is half of it");
                match &outcome {
                    Ok(()) => {
                        assert_eq!(found, after, "{at}");
                        assert_eq!(leftover(&fs), None, "{at}: it is acknowledged");
                        assert_ne!(failed, "create_file", "{at}: who needs that file?");
                    }
                    Err(error) if error.outcome() == Outcome::NotDone => {
                        refusals += 1;
                        assert_eq!(found, before, "{at}");
                        assert!(matches!(error, Error::Io { .. }), "{at}");
                        let message = error.to_string();
                        assert!(message.contains("an injected failure"), "{at}: {message}");
                        let is_single = case.name == "a put";
                        assert!(!is_single || message.contains("of record \"a\""), "{at}");
                    }
                    // An intent that is not durable is taken back.
                    Err(_) => assert!(failed != "sync_dir" || !is_untouched, "{at}: it is not"),
                }
                assert_eq!(contents(&handle), found, "{at}: reads go on and agree");
                let later = wait(handle.put(record("later", "1")));
                if matches!(failed, "sync_file" | "sync_dir") && outcome.is_err() {
                    let error = later.expect_err("writes are refused after a failed sync");
                    assert_eq!(error.kind(), ErrorKind::Closed, "{at}");
                } else {
                    later.unwrap_or_else(|error| panic!("{at}: then {error}"));
                }
                wait(open(&process, things()).put(record("later", "1")))
                    .unwrap_or_else(|error| panic!("{at}: reopened, then {error}"));
                // Nothing of a failed commit comes back with the power.
                let lost = sim(fs.disk().image(usize::MAX, ImageKind::NothingUnsynced));
                let mut expected = found;
                expected.push(("later".to_owned(), "1".to_owned()));
                expected.sort();
                assert_eq!(contents(&open(&lost, things())), expected, "{at}");
                assert_eq!(leftover(&lost), None, "{at}");
            }
            assert!(finished, "{}: it never came to its end", case.name);
            assert!(refusals > 3, "{}: too few failures were reached", case.name);
        }
    }
}

#[test]
fn a_put_goes_on_in_the_directory_that_older_software_has_just_made() {
    let fs = sim(SimDisk::new());
    let process = Process::new(fs);
    let handle = open(&process, things());
    process.meets(Fate::Before("create_dir", |fs| {
        super::old_writer_puts(fs, "things/d/b.json", "1");
    }));
    wait(handle.put(record("d/a", "2"))).expect("the directory is there");
    assert!(process.has_met_its_fate(), "it made no directory");
    assert_eq!(contents(&handle).len(), 2);
}

/// What has expired in two directories, and steps that fail while it is purged.
#[test]
fn a_purge_that_fails_says_truly_whether_it_removed_something() {
    let mut seen = (0, 0);
    for calls in 0..ENOUGH {
        let fs = sim(SimDisk::new());
        let process = Process::new(fs.clone());
        let handle = open(&process, things());
        for place in ["a", "d/b"] {
            let expired = Some(storeproof::seam::Instant::UNIX_EPOCH);
            wait(handle.put(Record { expires_at: expired, ..record(place, "1") })).unwrap();
        }
        let before = records(&fs);
        process.meets(Fate::FailAfter(calls));
        let purged = wait(handle.purge_expired());
        let Some(failed) = process.failed() else {
            assert_eq!(purged.expect("nothing failed"), 2);
            assert!(seen.0 > 3 && seen.1 > 0, "both outcomes are reached: {seen:?}");
            return;
        };
        let Err(error) = purged else { continue };
        let is_untouched = records(&fs) == before;
        match error.outcome() {
            Outcome::NotDone => {
                seen.0 += 1;
                assert!(is_untouched, "{failed}: something is removed: {error}");
            }
            Outcome::Unknown => {
                seen.1 += 1;
                assert!(!is_untouched, "{failed}: surely nothing is removed: {error}");
            }
        }
    }
    panic!("it never came to its end");
}

/// Older software writes into a directory of the collection, if there is one.
fn old_writer_puts_into(fs: &SimFs, directory: &str, name: &str) {
    let mut dir = wait(fs.open_dir(&fs.root(), "things")).expect("the collection's directory");
    for level in directory.split('/').filter(|level| !level.is_empty()) {
        // It may be there; where a file has the name, it can't be opened.
        let _ = wait(fs.create_dir(&dir, level));
        dir = match wait(fs.open_dir(&dir, level)) {
            Ok(opened) => opened,
            Err(_) => return,
        };
    }
    let file = wait(fs.create_file(&dir, ".tmp-1")).expect("the name is free");
    wait(fs.write(&file, b"\"new\"")).expect("there is room");
    // A directory may have the name.
    let _ = wait(fs.rename(&dir, ".tmp-1", &dir, name));
}

/// What a killed process left is looked at as the next writer finds it, also where older
/// software has written since into what the commit was about to remove or to make.
#[test]
fn a_survey_of_what_a_killed_process_left_is_what_the_next_writer_finds() {
    let mut interrupted = 0;
    for case in cases() {
        for new in [
            None,
            Some(("a.json", "new.json")),
            Some(("", "%2E.json")),
            Some(("d", "b.json")),
            // A directory where the commit was about to write.
            Some(("%252E.json", "b.json")),
            // What is nobody's record in a directory that is to go.
            Some(("a.json", "notes.txt")),
        ] {
            for calls in 0..ENOUGH {
                let fs = sim((case.disk)());
                let killed = Process::new(fs.clone());
                let doomed = open(&killed, things());
                (case.prepare)(&doomed);
                killed.meets(Fate::DieAfter(calls));
                let polled = {
                    let mut operation = pin!((case.change)(&doomed));
                    operation.as_mut().poll(&mut Context::from_waker(Waker::noop()))
                };
                let at = format!("{} killed after {calls} calls, then {new:?}", case.name);
                drop(doomed);
                if let Some((directory, name)) = new {
                    old_writer_puts_into(&fs, directory, name);
                }
                let found =
                    wait(survey(&fs, things(), Arc::new(|_| true))).expect("it is surveyed");
                interrupted += usize::from(found.intent.is_some());
                let mut seen = BTreeMap::new();
                for SurveyedFile { stored, format, .. } in found.records {
                    let Ok(record) = stored.content else { continue };
                    let data = record.data.to_text_lossy().into_owned();
                    // Of two files of one record the older kind counts.
                    if format == Some(FileFormat::Envelope) {
                        seen.entry(stored.id.to_string()).or_insert(data);
                    } else {
                        seen.insert(stored.id.to_string(), data);
                    }
                }
                let next: BTreeMap<_, _> = contents(&open(&fs, things())).into_iter().collect();
                assert_eq!(seen, next, "{at}");
                if polled.is_ready() {
                    break;
                }
            }
        }
    }
    assert!(interrupted > 50, "only {interrupted} commits were interrupted");
}
