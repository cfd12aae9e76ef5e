//! Older software changes the files between any two steps of an operation, and steps of
//! operations that only read fail.

use std::{future::Future, pin::Pin, sync::Arc};

use storeproof::{
    backend::file::survey::{OtherKind, survey},
    fs::{EntryKind, Fs},
    seam::{
        Backend, Collection, CollectionExt, ErrorKind, Outcome, Record, Result, Selection, Write,
    },
    sim::disk::SimFs,
};

use super::{
    backend, contents, disk_with, id, now, old_writer_puts, open,
    process::{Act, Deed, Fate, Process},
    record, sim, users, wait,
};

/// More calls than any of the operations makes.
const ENOUGH: usize = 400;

type Handle = Arc<dyn Collection>;
/// The ids of the records that an operation tells of.
type Told<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>>> + 'a>>;

fn user(text: &str, name: &str) -> Record {
    record(text, &format!(r#"{{"id":"{text}","username":"{name}"}}"#))
}

/// Records of older software in three directories, and an expired one of ours.
fn prepared() -> (SimFs, Process, Handle) {
    let fs = sim(disk_with(&[
        ("users/c.json", r#"{"id":"c","username":"cat"}"#),
        ("users/d/a.json", r#"{"id":"d/a","username":"ann"}"#),
        ("users/d/b.json", r#"{"id":"d/b","username":"bob"}"#),
        ("users/f.json/a.json", r#"{"id":"f.json/a","username":"fay"}"#),
    ]));
    let process = Process::new(fs.clone());
    let handle = open(&process, users());
    let expired = Record { expires_at: Some(now()), ..user("d/x", "xi") };
    wait(handle.put(expired)).expect("an expired record is put");
    (fs, process, handle)
}

/// The directories in which older software does something. The second one is where the
/// record `f` belongs.
const DIRECTORIES: [&str; 2] = ["d", "f.json"];

/// What it does there, whatever lies there by then.
const ACTS: [(&str, Deed); 5] = [
    ("a file goes", |fs, directory| {
        within(fs, directory, |dir| drop(wait(fs.remove_file(dir, "a.json"))));
    }),
    ("a file is another one", |fs, directory| {
        let user = format!(r#"{{"id":"{directory}/a","username":"amy"}}"#);
        let path = format!("users/{directory}/a.json");
        within(fs, directory, |_| old_writer_puts(fs, &path, &user));
    }),
    ("a file is a directory", |fs, directory| {
        within(fs, directory, |dir| {
            drop(wait(fs.remove_file(dir, "a.json")));
            drop(wait(fs.create_dir(dir, "a.json")));
        });
    }),
    ("a directory goes", remove_directory),
    ("a directory is a file", |fs, directory| {
        remove_directory(fs, directory);
        let above = wait(fs.open_dir(&fs.root(), "users")).expect("the collection's directory");
        drop(wait(fs.create_file(&above, directory)));
    }),
];

/// Each of these acts in each of the directories.
fn acts() -> impl Iterator<Item = (String, Act)> {
    DIRECTORIES.into_iter().flat_map(|directory| {
        ACTS.map(|(what, run)| (format!("{what} in {directory:?}"), Act { directory, run }))
    })
}

/// With a directory of the collection, if it is there.
fn within(fs: &SimFs, directory: &str, act: impl FnOnce(&<SimFs as Fs>::Dir)) {
    let above = wait(fs.open_dir(&fs.root(), "users")).expect("the collection's directory");
    if let Ok(dir) = wait(fs.open_dir(&above, directory)) {
        act(&dir);
    }
}

fn remove_directory(fs: &SimFs, directory: &str) {
    within(fs, directory, |dir| {
        for entry in wait(fs.read_dir(dir)).expect("it is a directory") {
            let name = entry.name.to_str().expect("our names");
            match entry.kind {
                EntryKind::Directory => wait(fs.remove_dir(dir, name)),
                _ => wait(fs.remove_file(dir, name)),
            }
            .expect("it is there");
        }
        let above = wait(fs.open_dir(&fs.root(), "users")).expect("it was there");
        wait(fs.remove_dir(&above, directory)).expect("it is empty");
    });
}

/// An operation that changes nothing, and what it tells of at least while older software
/// changes `users/d` and `users/f.json`.
struct Reading {
    name: &'static str,
    run: for<'a> fn(&'a Process, &'a Handle) -> Told<'a>,
    /// Of the records that nobody touches.
    tells_of: &'static [&'static str],
    /// When nothing is changed.
    tells_of_undisturbed: &'static [&'static str],
}

fn ids(records: Vec<Record>) -> Vec<String> {
    records.into_iter().map(|record| record.id.to_string()).collect()
}

fn readings() -> [Reading; 7] {
    [
        Reading {
            name: "getting another record",
            run: |_, c| Box::pin(async { Ok(ids(vec![c.get(&id("c")).await?])) }),
            tells_of: &["c"],
            tells_of_undisturbed: &["c"],
        },
        Reading {
            name: "getting one of these",
            run: |_, c| {
                Box::pin(async {
                    let found = c.get(&id("d/b")).await;
                    Ok(found.map(|record| ids(vec![record])).unwrap_or_default())
                })
            },
            tells_of: &[],
            tells_of_undisturbed: &["d/b"],
        },
        Reading {
            name: "finding another record",
            run: |_, c| Box::pin(async { Ok(ids(c.find("username", &["cat"]).await?.records)) }),
            tells_of: &["c"],
            tells_of_undisturbed: &["c"],
        },
        Reading {
            name: "finding one of these",
            run: |_, c| Box::pin(async { Ok(ids(c.find("username", &["bob"]).await?.records)) }),
            tells_of: &[],
            tells_of_undisturbed: &["d/b"],
        },
        Reading {
            name: "listing",
            run: |_, c| Box::pin(async { Ok(ids(c.drain(Selection::all()).await?.records)) }),
            tells_of: &["c"],
            tells_of_undisturbed: &["c", "d/a", "d/b", "f.json/a"],
        },
        Reading {
            name: "opening and listing",
            run: |process, _| {
                Box::pin(async {
                    let handle = backend(process).open(users()).await?;
                    Ok(ids(handle.drain(Selection::all()).await?.records))
                })
            },
            tells_of: &["c"],
            tells_of_undisturbed: &["c", "d/a", "d/b", "f.json/a"],
        },
        Reading {
            name: "a survey",
            run: |process, _| {
                Box::pin(async {
                    let found = survey(process, users(), Arc::new(|_| true)).await?;
                    let sound =
                        found.records.into_iter().filter(|file| file.stored.content.is_ok());
                    Ok(sound.map(|file| file.stored.id.to_string()).collect())
                })
            },
            tells_of: &["c"],
            tells_of_undisturbed: &["c", "d/a", "d/b", "d/x", "f.json/a"],
        },
    ]
}

/// Each of these at every step of each reading.
#[test]
fn readers_pass_over_what_older_software_takes_away_under_them() {
    for reading in readings() {
        for (what, act) in acts() {
            let mut is_over = false;
            for calls in 0..ENOUGH {
                let (fs, process, handle) = prepared();
                process.meets(Fate::ActAfter(calls, act));
                let told = wait((reading.run)(&process, &handle));
                is_over = !process.has_met_its_fate();
                let at = format!("{what} before call {calls} of {}", reading.name);
                let told = told.unwrap_or_else(|error| panic!("{at}: {error}"));
                for expected in reading.tells_of {
                    assert!(told.iter().any(|id| id == expected), "{at}: only {told:?}");
                }
                if is_over {
                    assert_eq!(told, reading.tells_of_undisturbed, "{at}, which comes too late");
                    assert!(calls > 0, "{at}: it makes no call");
                    break;
                }
                assert_eq!(contents(&handle), contents(&open(&fs, users())), "{at}: later reads");
            }
            assert!(is_over, "{} never came to its end", reading.name);
        }
    }
}

/// The content of `users/d/a.json` is a new one whenever a file is read: a reader never sees
/// it twice alike, and must come to an end all the same.
#[test]
fn a_list_ends_though_a_file_is_always_another_one() {
    let (fs, process, handle) = prepared();
    process.meets(Fate::BeforeEach(&[("read", |fs| {
        let before = fs.with_disk(|disk| disk.read_raw("users/d/a.json")).expect("it is there");
        let created = before.len();
        let padding = " ".repeat(created % 50);
        let user = format!(
            r#"{{"id":"d/a","username":"ann","created_at":"2024-01-01T00:00:{:02}Z"}}{padding}"#,
            created % 50
        );
        old_writer_puts(fs, "users/d/a.json", &user);
    })]));
    let listed = wait(handle.drain(Selection::all())).expect("it comes to an end");
    assert_eq!(ids(listed.records), ["c", "d/b", "f.json/a"], "what holds still is listed");
    process.meets(Fate::Live);
    assert_eq!(contents(&handle).len(), 4);
    assert_eq!(contents(&handle), contents(&open(&fs, users())));
}

/// A step that fails fails the reading, which says where, or tells nothing wrong.
#[test]
fn a_reading_that_fails_says_so_and_the_next_one_is_whole() {
    for reading in readings() {
        let mut failures = 0;
        let mut is_over = false;
        for calls in 0..ENOUGH {
            let (_, process, handle) = prepared();
            process.meets(Fate::FailAfter(calls));
            let told = wait((reading.run)(&process, &handle));
            let Some(failed) = process.failed() else {
                is_over = true;
                break;
            };
            process.meets(Fate::Live);
            let at = format!("{}: call {calls}, {failed}", reading.name);
            match told {
                Err(error) => {
                    failures += 1;
                    assert_eq!(error.outcome(), Outcome::NotDone, "{at}: {error}");
                    assert!(error.to_string().contains("an injected failure"), "{at}: {error}");
                    assert!(error.to_string().contains('"'), "{at}: where? {error}");
                }
                // A survey names a file that can't be read; a single get has no other.
                Ok(told) => {
                    assert_ne!(failed, "open_file", "{at}: without the lock file nobody waits");
                    let all = reading.tells_of_undisturbed;
                    assert!(told.iter().all(|id| all.contains(&id.as_str())), "{at}: {told:?}");
                    let is_whole = told == all;
                    let may_miss = reading.name == "a survey" && failed == "read"
                        || reading.name == "getting one of these";
                    assert!(is_whole || may_miss, "{at}: it tells of {told:?}, and of no failure");
                }
            }
            let told = wait((reading.run)(&process, &handle));
            let told = told.unwrap_or_else(|error| panic!("{at}, then {error}"));
            assert_eq!(told, reading.tells_of_undisturbed, "{at}, then");
        }
        assert!(is_over, "{} never came to its end", reading.name);
        let makes_failures = reading.name != "getting one of these";
        assert!(failures > 1 || !makes_failures, "{}: {failures} failures", reading.name);
    }
}

/// A survey says of a file that can't be read that it is damaged, and of one that is none by
/// then what it is.
#[test]
fn a_survey_names_a_file_that_can_t_be_read() {
    let (_, process, _) = prepared();
    let looked = |fate: Fate| {
        process.meets(fate);
        wait(survey(&process, users(), Arc::new(|_| true))).expect("it is looked through")
    };
    // The first file that it reads would be the intent.
    let mut unreadable = Vec::new();
    for calls in 0..ENOUGH {
        let found = {
            process.meets(Fate::FailAfter(calls));
            wait(survey(&process, users(), Arc::new(|_| true)))
        };
        let Some(failed) = process.failed() else { break };
        if let (Ok(found), "read") = (found, failed) {
            let damaged = found.records.iter().filter(|file| file.stored.content.is_err());
            let damaged: Vec<_> = damaged.map(|file| file.path.as_str().to_owned()).collect();
            assert!(found.intent.is_some() || damaged.len() == 1, "call {calls}: {damaged:?}");
            unreadable.extend(damaged);
        }
    }
    unreadable.sort();
    assert_eq!(unreadable, ["c.json", "d/a.json", "d/b.json", "d/x.json", "f.json/a.json"]);

    let found = looked(Fate::Before("read", |_| {}));
    assert_eq!(found.records.len(), 5);
    let (fs, process, _) = prepared();
    let act = Act { directory: "d", run: ACTS[2].1 };
    let mut kinds = Vec::new();
    for calls in 0..ENOUGH {
        process.meets(Fate::ActAfter(calls, act));
        let found = wait(survey(&process, users(), Arc::new(|_| true))).expect("it goes on");
        if !process.has_met_its_fate() {
            break;
        }
        let foreign = found.others.iter().filter(|other| other.path == "d/a.json");
        kinds.extend(foreign.map(|other| other.kind));
        within(&fs, "d", |dir| drop(wait(fs.remove_dir(dir, "a.json"))));
        old_writer_puts(&fs, "users/d/a.json", r#"{"id":"d/a","username":"ann"}"#);
    }
    assert!(kinds.contains(&OtherKind::Foreign(EntryKind::Directory)), "{kinds:?}");
}

#[test]
fn a_survey_tells_what_of_ours_is_left_by_writers_that_died() {
    let left = [
        "users/.storeproof.0123456789abcdef.tmp",
        "users/.storeproof.probe-\u{e9}",
        "users/d/.storeproof.0123456789abcdef.tmp",
    ];
    let process = Process::new(sim(disk_with(&left.map(|path| (path, "half")))));
    let surveyed = wait(survey(&process, users(), Arc::new(|_| true))).expect("it goes on");
    let told: Vec<_> = surveyed.others.iter().map(|other| (&*other.path, other.kind)).collect();
    let expected = left.map(|path| (&path["users/".len()..], OtherKind::Temporary));
    assert_eq!(told, expected);
}

/// What has the name of a directory, or of a file, is the other thing when it is looked for,
/// and what it should be a moment later.
#[test]
fn what_has_a_name_for_a_moment_only_is_no_record_and_no_failure() {
    fn above(fs: &SimFs) -> <SimFs as Fs>::Dir {
        wait(fs.open_dir(&fs.root(), "users")).expect("the collection's directory")
    }
    let (fs, process, handle) = prepared();
    drop(wait(fs.create_file(&above(&fs), "e")).expect("the name is free"));
    process.meets(Fate::Before("metadata", |fs| {
        wait(fs.remove_file(&above(fs), "e")).expect("it is there");
        wait(fs.create_dir(&above(fs), "e")).expect("the name is free");
    }));
    let error = wait(handle.get(&id("e/a"))).expect_err("there is no such record");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    let (fs, process, handle) = prepared();
    wait(fs.create_dir(&above(&fs), "e.json")).expect("the name is free");
    process.meets(Fate::Before("metadata", |fs| {
        wait(fs.remove_dir(&above(fs), "e.json")).expect("it is there");
        old_writer_puts(fs, "users/e.json", "{}");
    }));
    let error = wait(handle.get(&id("e"))).expect_err("there was no such record");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// A writer that removes a file before it makes it anew.
#[test]
fn a_file_that_is_gone_for_a_moment_is_not_damaged_to_a_survey() {
    const FILE: &str = "users/d/a.json";
    fn put(fs: &SimFs) {
        old_writer_puts(fs, FILE, r#"{"id":"d/a","username":"ann"}"#);
    }
    let (_, process, _) = prepared();
    process.meets(Fate::BeforeEach(&[
        ("read_dir", put),
        ("read", |fs| within(fs, "d", |dir| drop(wait(fs.remove_file(dir, "a.json"))))),
        ("metadata", put),
    ]));
    let surveyed = wait(survey(&process, users(), Arc::new(|_| true))).expect("it goes on");
    let there = surveyed.records.iter().map(|file| file.path.as_str());
    assert_eq!(there.collect::<Vec<_>>(), ["c.json", "d/b.json", "d/x.json", "f.json/a.json"]);
    assert!(surveyed.records.iter().all(|file| file.stored.content.is_ok()));
}

/// A change, and what it leaves of the records that older software does not touch.
struct Change {
    name: &'static str,
    run: for<'a> fn(&'a Process, &'a Handle) -> Told<'a>,
    /// Of `c` and `e`, those that are there when it is done.
    leaves: &'static [&'static str],
}

fn changes() -> [Change; 10] {
    [
        Change {
            name: "putting another record",
            run: |_, c| Box::pin(async { c.put(user("e", "eve")).await.map(|()| Vec::new()) }),
            leaves: &["c", "e"],
        },
        Change {
            name: "putting one of these",
            run: |_, c| Box::pin(async { c.put(user("d/a", "ada")).await.map(|()| Vec::new()) }),
            leaves: &["c"],
        },
        Change {
            name: "putting one that they are in the way of",
            run: |_, c| Box::pin(async { c.put(user("f", "flo")).await.map(|()| Vec::new()) }),
            leaves: &["c"],
        },
        Change {
            name: "deleting one of these",
            run: |_, c| Box::pin(async { c.delete(&id("d/a")).await.map(|()| Vec::new()) }),
            leaves: &["c"],
        },
        Change {
            name: "deleting another record",
            run: |_, c| Box::pin(async { c.delete(&id("c")).await.map(|()| Vec::new()) }),
            leaves: &[],
        },
        Change {
            name: "a commit",
            run: |_, c| {
                Box::pin(async {
                    let writes = vec![
                        Write::put(user("e", "eve")),
                        Write::put(user("d/a", "ada")),
                        Write::delete(id("d/b")),
                        Write::delete(id("c")),
                    ];
                    c.commit(writes).await.map(|()| Vec::new())
                })
            },
            leaves: &["e"],
        },
        Change {
            name: "claiming another record",
            run: |_, c| Box::pin(async { Ok(ids(vec![c.claim(&Selection::all()).await?])) }),
            leaves: &[],
        },
        Change {
            name: "purging",
            run: |_, c| Box::pin(async { c.purge_expired().await.map(|_| Vec::new()) }),
            leaves: &["c"],
        },
        Change {
            name: "setting one of these aside",
            run: |_, c| {
                Box::pin(async {
                    let expected = user("d/a", "ann").data.bytes().to_vec();
                    c.quarantine(&id("d/a"), &expected).await.map(|()| Vec::new())
                })
            },
            leaves: &["c"],
        },
        Change {
            name: "rewriting one of these",
            run: |process, _| {
                Box::pin(async {
                    let rewriter = backend(process).rewriter(users()).await?;
                    rewriter.rewrite(&id("d/a"), |_| true).await.map(|_| Vec::new())
                })
            },
            leaves: &["c"],
        },
    ]
}

/// Each of these at every step of each change.
#[test]
fn changes_keep_their_promise_about_what_older_software_does_not_touch() {
    for change in changes() {
        for (what, act) in acts() {
            let mut is_over = false;
            let mut done = 0;
            for calls in 0..ENOUGH {
                let (fs, process, handle) = prepared();
                process.meets(Fate::ActAfter(calls, act));
                let told = wait((change.run)(&process, &handle));
                is_over = !process.has_met_its_fate();
                process.meets(Fate::Live);
                let at = format!("{what} before call {calls} of {}: {told:?}", change.name);
                let found = contents(&open(&fs, users()));
                assert_eq!(contents(&handle), found, "{at}: two handles see the same");
                let left: Vec<_> = found
                    .iter()
                    .map(|(id, _)| id.as_str())
                    .filter(|id| ["c", "e"].contains(id))
                    .collect();
                match &told {
                    Ok(_) => {
                        done += 1;
                        assert_eq!(left, change.leaves, "{at}: acknowledged");
                    }
                    Err(error) if error.outcome() == Outcome::NotDone => {
                        assert_eq!(left, ["c"], "{at}: not done");
                    }
                    Err(_) => assert!(left == ["c"] || left == change.leaves, "{at}: {left:?}"),
                }
                if is_over {
                    break;
                }
            }
            assert!(is_over, "{} never came to its end", change.name);
            assert!(done > 1, "{what} during {}: it is done but {done} times", change.name);
        }
    }
}

#[test]
fn a_survey_ends_when_it_is_told_to() {
    let (fs, ..) = prepared();
    let error = wait(survey(&fs, users(), Arc::new(|count| count < 2))).expect_err("it ends");
    assert_eq!(error.outcome(), Outcome::NotDone);
    assert!(error.to_string().contains("interrupted"), "{error}");
}

/// So deep that its directories are not held open: each is found from the top.
#[test]
fn a_directory_far_below_that_goes_meanwhile_is_passed_over() {
    let deep: &'static str = ["d"; 70].join("/").leak();
    let file = format!("users/{deep}/a.json");
    let id = format!("{deep}/a");
    let json = format!(r#"{{"id":"{id}","username":"ann"}}"#);
    let run = |fs: &SimFs, deep: &str| {
        let (above, name) = deep.rsplit_once('/').expect("several levels");
        let mut dir = wait(fs.open_dir(&fs.root(), "users")).expect("the collection's directory");
        for level in above.split('/') {
            dir = wait(fs.open_dir(&dir, level)).expect("nobody removes it");
        }
        let last = wait(fs.open_dir(&dir, name)).expect("it is there");
        wait(fs.remove_file(&last, "a.json")).expect("it is there");
        wait(fs.remove_dir(&dir, name)).expect("it is empty");
    };
    for calls in 0..10_000 {
        let fs =
            sim(disk_with(&[("users/c.json", r#"{"id":"c","username":"cat"}"#), (&file, &json)]));
        let process = Process::new(fs.clone());
        let handle = open(&process, users());
        process.meets(Fate::ActAfter(calls, Act { directory: deep, run }));
        let listed = wait(handle.drain(Selection::all())).expect("it goes on");
        let listed = ids(listed.records);
        assert!(listed.contains(&"c".to_owned()), "gone before call {calls}: {listed:?}");
        if !process.has_met_its_fate() {
            assert_eq!(listed, ["c", &id]);
            assert!(calls > 70, "only {calls} calls");
            return;
        }
        assert_eq!(contents(&handle).len(), 1, "gone before call {calls}");
    }
    panic!("it never came to its end");
}
