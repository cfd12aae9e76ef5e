//! Several real processes on one database.

use std::{collections::BTreeMap, env, path::Path, process::Child};

use storeproof::seam::{
    Collection, CollectionExt, CollectionSpec, ErrorKind, KeySpec, Record, RecordId, Selection,
};

use super::{backend, id, open, record, someone_else, things, wait};
use crate::processes::{NAMES, itself, meet};

/// In a child: the database to work on.
const DATABASE: &str = "STOREPROOF_TEST_DATABASE";
/// In a child: its name.
const NAME: &str = "STOREPROOF_TEST_NAME";

/// This test once more, as two processes at the same time.
fn children(test: &str, database: &Path) -> [Child; 2] {
    NAMES.map(|name| {
        itself(&format!("sqlite_backend::processes::{test}"))
            .env(DATABASE, database)
            .env(NAME, name)
            .spawn()
            .unwrap()
    })
}

/// What each said, by line.
fn said(children: [Child; 2]) -> Vec<(&'static str, Vec<String>)> {
    let said = children.into_iter().zip(NAMES).map(|(child, name)| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "process {name} failed: {}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter_map(|line| Some(line.split_once("won ")?.1.to_owned()));
        (name, lines.collect())
    });
    said.collect()
}

#[expect(clippy::disallowed_methods, reason = "the test is its own child process")]
fn as_a_child() -> Option<(std::path::PathBuf, String)> {
    Some((env::var_os(DATABASE)?.into(), env::var(NAME).ok()?))
}

const OPENINGS: usize = 50;

#[test]
fn two_processes_may_make_one_database_at_the_same_moment() {
    if let Some((place, name)) = as_a_child() {
        for round in 0..OPENINGS {
            meet(&place, round, &name);
            let collection = open(&place.join(format!("{round}.db")), things());
            wait(collection.create(record(&name, "1"))).unwrap();
        }
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    said(children("two_processes_may_make_one_database_at_the_same_moment", directory.path()));
    for round in 0..OPENINGS {
        let collection = open(&directory.path().join(format!("{round}.db")), things());
        assert_eq!(wait(collection.count(&Selection::all())).unwrap(), 2, "round {round}");
    }
}

const ROUNDS: usize = 300;

/// Creates records that the other creates too, takes unique keys that the other
/// takes too, claims what the other claims too, and adds to a common counter.
fn contend(collection: &dyn Collection, place: &Path, name: &str) {
    for round in 0..ROUNDS {
        meet(place, round, name);
        match wait(collection.create(record(&format!("contested/{round}"), &format!("{name:?}")))) {
            Ok(()) => println!("won record {round}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
        }
        let json = format!(r#"{{"key":"k{round}"}}"#);
        match wait(collection.create(record(&format!("{name}/{round}"), &json))) {
            Ok(()) => println!("won key {round}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::KeyTaken, "{error}"),
        }
        let prize = Selection { prefix: "prize/".to_owned(), ..Selection::all() };
        match wait(collection.claim(&prize)) {
            Ok(claimed) => println!("won {}", claimed.id),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
        }
        let added = wait(collection.update(&id("counter"), |counter: &Record| {
            let count: u64 = counter.data.to_text_lossy().parse().unwrap();
            Ok::<_, storeproof::seam::Error>(Some(record("x", &(count + 1).to_string()).data))
        }));
        added.unwrap();
    }
}

#[test]
fn two_processes_lose_nothing_and_never_both_win() {
    let spec = || CollectionSpec::new("shared").with_keys([KeySpec::unique("key", &["/key"])]);
    if let Some((database, name)) = as_a_child() {
        contend(&*open(&database, spec()), database.parent().unwrap(), &name);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("db");
    let collection = open(&database, spec());
    wait(collection.create(record("counter", "0"))).unwrap();
    for round in 0..ROUNDS {
        wait(collection.create(record(&format!("prize/{round}"), "1"))).unwrap();
    }
    let mut won: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, lines) in said(children("two_processes_lose_nothing_and_never_both_win", &database))
    {
        for line in lines {
            won.entry(line).or_default().push(name);
        }
    }
    let counter = wait(collection.get(&id("counter"))).unwrap();
    assert_eq!(counter.data.to_text_lossy(), (2 * ROUNDS).to_string(), "an addition was lost");
    for round in 0..ROUNDS {
        for what in [format!("record {round}"), format!("key {round}"), format!("prize/{round}")] {
            let winners = won.get(&what).map_or(&[][..], Vec::as_slice);
            assert_eq!(winners.len(), 1, "{what} was won by {winners:?}");
        }
        let owner = won[&format!("key {round}")][0];
        let found = wait(collection.find("key", &[&format!("k{round}")])).unwrap();
        let ids: Vec<&RecordId> = found.records.iter().map(|record| &record.id).collect();
        assert_eq!(ids, [&id(&format!("{owner}/{round}"))], "key k{round}");
    }
    let of_one = won.values().filter(|names| names[0] == "one").count();
    assert!(of_one > 0 && of_one < won.len(), "one process won everything: they never met");
    let checked: String =
        someone_else(&database).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(checked, "ok");
    drop(backend(&database).unwrap());
}
