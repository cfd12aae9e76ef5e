//! Processes that are killed while several of their threads write to workspace stores.

#![expect(clippy::disallowed_methods, reason = "the test is its own child, and kills it in time")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{self, Child},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use storeproof::{
    backend::{
        file::{
            FileBackend,
            survey::{Survey, survey},
        },
        sqlite::{SqliteBackend, SqliteOptions},
    },
    check::trace_hash::hash_of,
    fs::{Durability, OsFs, block_on},
    seam::{Backend, OsEntropy, SystemClock},
    store::document::Document,
    workspace::{
        entities::{DeploymentVersion, Resource, ResourceVariable},
        entity::Entity,
        entity_store::EntityStore,
        kind::Kind,
        repository::{Items, Repository},
        store::WorkspaceStore,
    },
};

use super::{
    load::{CLIENTS, State, client_of, put_into, write_of},
    wait,
};
use crate::processes::itself;

/// How often a process is killed on one storage.
const ROUNDS: u64 = 20;
/// The workspaces that are written to. Writes to one come one after the other, those to two
/// of them at the same time.
const WORKSPACES: [&str; 2] = ["one", "two"];
/// In a child: the directory that the storage is in.
const PLACE: &str = "STOREPROOF_TEST_WORKSPACES";
/// In a child: the number of each client's next write.
const NEXT: &str = "STOREPROOF_TEST_NEXT";
/// Who says nothing for so long never will.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Durable {
    Sqlite,
    File,
}

const DATABASE: &str = "workspaces.db";

impl Durable {
    fn backend(self, place: &Path) -> Arc<dyn Backend> {
        let durability = Durability::Process;
        match self {
            Self::Sqlite => {
                let options = SqliteOptions { durability, ..SqliteOptions::default() };
                let database = place.join(DATABASE);
                Arc::new(SqliteBackend::open(database, Arc::new(SystemClock), options).unwrap())
            }
            Self::File => {
                let fs = OsFs::open(place).unwrap().with_durability(durability);
                Arc::new(FileBackend::new(fs, Arc::new(SystemClock), Arc::new(OsEntropy)))
            }
        }
    }

    /// The stores of all workspaces, read from working sets.
    fn hybrid(self, place: &Path) -> [WorkspaceStore; WORKSPACES.len()] {
        let backend = self.backend(place);
        WORKSPACES.map(|id| {
            let builder = WorkspaceStore::builder(id, Arc::new(SystemClock));
            wait(builder.durable(Arc::clone(&backend)).all_hybrid().open()).unwrap()
        })
    }

    /// The stores of all workspaces, read from where they are durable.
    fn plain(self, place: &Path) -> [WorkspaceStore; WORKSPACES.len()] {
        let backend = self.backend(place);
        WORKSPACES.map(|id| {
            let builder = WorkspaceStore::builder(id, Arc::new(SystemClock));
            wait(builder.durable(Arc::clone(&backend)).open()).unwrap()
        })
    }

    /// Whether a process that died has left a change half done; that can't be told of a
    /// database without opening it.
    fn is_cut_short(self, place: &Path) -> bool {
        self == Self::File && surveys(place).iter().any(|survey| survey.is_unsettled)
    }

    /// Fails when there is anything but so many records. Nobody may have it open.
    fn holds_nothing_but(self, place: &Path, records: usize, round: u64) {
        match self {
            Self::File => {
                let surveys = surveys(place);
                for survey in &surveys {
                    let others = (&survey.others, &survey.intent, survey.is_unsettled);
                    assert_eq!(others, (&Vec::new(), &None, false), "round {round}: left over");
                }
                let stored: usize = surveys.iter().map(|survey| survey.records.len()).sum();
                assert_eq!(stored, records, "round {round}: files of records");
            }
            Self::Sqlite => {
                let names = fs::read_dir(place).unwrap();
                let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
                assert_eq!(names, [DATABASE], "round {round}: left over");
                let database = rusqlite::Connection::open(place.join(DATABASE)).unwrap();
                let checked: String =
                    database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
                assert_eq!(checked, "ok", "round {round}");
                for (what, expected) in [
                    ("records", records),
                    ("quarantine", 0),
                    (
                        "record_keys WHERE (collection, id) NOT IN (SELECT collection, id FROM records)",
                        0,
                    ),
                ] {
                    let count = format!("SELECT count(*) FROM {what}");
                    let count: i64 = database.query_row(&count, [], |row| row.get(0)).unwrap();
                    assert_eq!(usize::try_from(count), Ok(expected), "round {round}: {what}");
                }
            }
        }
    }
}

/// What lies in the directories of all that is written to.
fn surveys(place: &Path) -> Vec<Survey> {
    let fs = OsFs::open(place).unwrap();
    let specs = WORKSPACES.map(|id| {
        [
            Repository::<Resource>::spec(id),
            Repository::<DeploymentVersion>::spec(id),
            Repository::<ResourceVariable>::spec(id),
        ]
    });
    let all = specs.into_iter().flatten();
    all.map(|spec| wait(survey(&fs, spec, Arc::new(|_| true))).unwrap()).collect()
}

/// What a child does: its clients write, each on a thread of its own, and say so before and
/// after each write. What is printed is on its way when `println` returns.
fn write_until_killed(durable: Durable, place: &Path, next: &[u64]) {
    let stores = durable.hybrid(place);
    // The test runner's own line has no end yet.
    println!();
    thread::scope(|scope| {
        for (client, first) in next.iter().copied().enumerate() {
            let store = &stores[client % stores.len()];
            scope.spawn(move || {
                for number in first.. {
                    println!("began {client} {number}");
                    if let Err(error) = block_on(write_of(client, number).perform(store)) {
                        println!("failed {client} {number}: {error}");
                        process::exit(1);
                    }
                    println!("done {client} {number}");
                }
            });
        }
    });
}

/// A child; killed when dropped.
struct Writer {
    child: Child,
    /// Its lines.
    said: Receiver<String>,
}

impl Writer {
    fn start(test: &str, place: &Path, clients: &[Client]) -> Self {
        let next: Vec<String> = clients.iter().map(|client| client.next.to_string()).collect();
        let mut command = itself(test);
        let mut child = command.env(PLACE, place).env(NEXT, next.join(" ")).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, said) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                // Nobody listens any more once the test has failed.
                let _ = sender.send(line.unwrap());
            }
        });
        Self { child, said }
    }

    /// Its next line; none: it ended.
    fn line(&self) -> Option<String> {
        match self.said.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("a process that writes has stopped"),
        }
    }

    /// Kills it; what it had said by then.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        let rest = std::iter::from_fn(|| self.line()).collect();
        assert_eq!(status.signal(), Some(9), "it ended by itself: {status}; it said {rest:#?}");
        rest
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is known of a client's writes.
#[derive(Default)]
struct Client {
    /// What its acknowledged writes have left.
    acknowledged: State,
    /// The number of its next write.
    next: u64,
    /// Whether that one has begun.
    is_underway: bool,
}

/// Takes note of a line, and says whether it acknowledges a write.
fn hear(clients: &mut [Client], line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let [what @ ("began" | "done"), number, write] = words[..] else {
        assert!(!line.starts_with("failed "), "a write failed: {line}");
        return false;
    };
    let number: usize = number.parse().unwrap();
    let client = &mut clients[number];
    assert_eq!(write.parse(), Ok(client.next), "client {number} left out a write: {line}");
    client.is_underway = what == "began";
    if client.is_underway {
        return false;
    }
    client.acknowledged = write_of(number, client.next).on(&client.acknowledged);
    client.next += 1;
    true
}

/// A number below `sides` that the seed decides.
fn roll(what: &str, round: u64, sides: u64) -> u64 {
    const SEED: u64 = 20;
    hash_of(&[what.as_bytes(), &SEED.to_le_bytes(), &round.to_le_bytes()]) % sides
}

/// Has a process write, and kills it; what is known of the writes is in `clients` then.
fn write_and_kill(test: &str, place: &Path, clients: &mut [Client], round: u64) {
    let writer = Writer::start(test, place, clients);
    let mut wanted = 5 + roll("writes", round, 60);
    while wanted > 0 {
        let line = writer.line().expect("a process that writes goes on until it is killed");
        wanted -= u64::from(hear(clients, &line));
    }
    // Not just after an acknowledgement: anywhere in what it does next.
    thread::sleep(Duration::from_micros(roll("moment", round, 3_000)));
    for line in writer.kill() {
        hear(clients, &line);
    }
}

/// What may have been stored when some process was killed: what is asked for.
#[derive(Default)]
struct Ever(BTreeMap<Kind, BTreeSet<String>>);

impl Ever {
    fn add(&mut self, state: &State) {
        for ((kind, _), text) in state {
            self.0.entry(*kind).or_default().insert(text.clone());
        }
    }

    fn entities<E: Entity>(&self) -> impl Iterator<Item = E> {
        self.0.get(&E::KIND).into_iter().flatten().map(|text| {
            E::from_document(Document::parse(text.as_bytes()).unwrap()).expect("it was one")
        })
    }
}

/// The values of all keys that an entity has, by the keys' names.
fn key_values<E: Entity>(entity: &E) -> Vec<(String, Vec<String>)> {
    let payload = entity.to_payload();
    let keys = E::keys().into_iter();
    keys.filter_map(|key| {
        let value = key.value_in(&payload)?;
        Some((key.name.to_string(), value.parts().map(str::to_owned).collect()))
    })
    .collect()
}

/// The whole JSON of what was found, in its order.
#[track_caller]
fn whole<E: Entity>(items: &Items<E>, what: &str) -> Vec<String> {
    assert_eq!(items.damaged, [], "{what}: damage");
    items.entities.iter().map(|entity| entity.to_document().to_text()).collect()
}

/// Fails unless the working set gives the same answers as the durable half, to every
/// question about a kind; puts what there is into `state`.
fn compare<E: Entity>(
    above: &EntityStore<E>,
    below: &EntityStore<E>,
    ever: &Ever,
    state: &mut State,
) {
    let asked = format!("{}: items", E::KIND);
    let items = wait(above.items()).unwrap();
    let all = whole(&items, &asked);
    let stored = items.entities;
    assert_eq!(all, whole(&wait(below.items()).unwrap(), &asked), "{asked}");
    stored.iter().for_each(|entity| put_into(state, entity));

    let mut ids = BTreeSet::new();
    let mut values = BTreeSet::new();
    for entity in ever.entities::<E>() {
        ids.insert(entity.id_parts().into_iter().map(str::to_owned).collect::<Vec<_>>());
        values.extend(key_values(&entity));
    }
    for id in ids {
        let asked = format!("{}: get {id:?}", E::KIND);
        let id: Vec<&str> = id.iter().map(String::as_str).collect();
        let text = |entity: E| entity.to_document().to_text();
        let got = wait(above.get(&id)).unwrap().map(text);
        assert_eq!(got, wait(below.get(&id)).unwrap().map(text), "{asked}");
        let listed = stored.iter().position(|entity| entity.id_parts() == id);
        assert_eq!(got.as_ref(), listed.map(|place| &all[place]), "{asked} and items");
    }
    for (key, parts) in values {
        let asked = format!("{}: by {key} {parts:?}", E::KIND);
        let strs: Vec<&str> = parts.iter().map(String::as_str).collect();
        let found = whole(&wait(above.by(&key, &strs)).unwrap(), &asked);
        assert_eq!(found, whole(&wait(below.by(&key, &strs)).unwrap(), &asked), "{asked}");
        let value = (key, parts);
        let having = stored.iter().zip(&all).filter(|(one, _)| key_values(*one).contains(&value));
        let having: BTreeSet<&String> = having.map(|(_, text)| text).collect();
        assert_eq!(found.iter().collect::<BTreeSet<_>>(), having, "{asked} and items");
    }
}

/// Opens the storage anew and compares both halves; what is stored.
fn reopened(durable: Durable, place: &Path, ever: &Ever) -> State {
    let mut state = State::new();
    for (above, below) in durable.hybrid(place).iter().zip(&durable.plain(place)) {
        compare(above.resources(), below.resources(), ever, &mut state);
        compare(above.deployment_versions(), below.deployment_versions(), ever, &mut state);
        compare(above.resource_variables(), below.resource_variables(), ever, &mut state);
    }
    state
}

/// What two states have differently, one entity a line.
fn differences(found: &State, expected: &State) -> String {
    let ids: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let differing = ids.into_iter().filter(|id| found.get(id) != expected.get(id));
    differing
        .map(|id| format!("\n  {id:?}: {:?}, not {:?}", found.get(id), expected.get(id)))
        .collect()
}

fn hold(test: &str, durable: Durable) {
    if let (Some(place), Ok(next)) = (env::var_os(PLACE), env::var(NEXT)) {
        let next: Vec<u64> = next.split(' ').map(|number| number.parse().unwrap()).collect();
        return write_until_killed(durable, &PathBuf::from(place), &next);
    }
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let mut clients: [Client; CLIENTS] = Default::default();
    let mut ever = Ever::default();
    // Rounds in which a write was under way; in which one was done and not acknowledged; in
    // which one is seen to have been cut short.
    let (mut underway, mut unacknowledged, mut cut_short) = (0, 0, 0);
    for round in 0..ROUNDS {
        write_and_kill(test, place, &mut clients, round);
        underway += u64::from(clients.iter().any(|client| client.is_underway));
        cut_short += u64::from(durable.is_cut_short(place));

        let done: Vec<Option<State>> = clients
            .iter()
            .enumerate()
            .map(|(number, client)| {
                let write = client.is_underway.then(|| write_of(number, client.next))?;
                Some(write.on(&client.acknowledged))
            })
            .collect();
        for (client, done) in clients.iter().zip(&done) {
            ever.add(&client.acknowledged);
            ever.add(done.as_ref().unwrap_or(&client.acknowledged));
        }
        let state = reopened(durable, place, &ever);
        durable.holds_nothing_but(place, state.len(), round);
        let mut was_unacknowledged = false;
        for (number, (client, done)) in clients.iter_mut().zip(done).enumerate() {
            let own = state.iter().filter(|((_, id), _)| client_of(id) == number);
            let found: State = own.map(|(id, text)| (id.clone(), text.clone())).collect();
            let is_as_acknowledged = found == client.acknowledged;
            assert!(
                is_as_acknowledged || done.as_ref() == Some(&found),
                "round {round}: client {number} has neither what was acknowledged{}\nnor that \
                 with its write {}, which was {} way{}",
                differences(&found, &client.acknowledged),
                client.next,
                if done.is_some() { "under" } else { "not under" },
                differences(&found, done.as_ref().unwrap_or(&client.acknowledged)),
            );
            was_unacknowledged |= !is_as_acknowledged;
            let next = client.next + u64::from(client.is_underway);
            *client = Client { acknowledged: found, next, is_underway: false };
        }
        unacknowledged += u64::from(was_unacknowledged);
    }
    let seen = format!(
        "of {ROUNDS} kills {underway} came while a write was under way, {unacknowledged} after \
         one was done and not acknowledged, {cut_short} left one half done"
    );
    assert!(underway > ROUNDS / 2, "too few for a test: {seen}");
    // Nearly all do; of a database that can't be seen.
    assert!(durable == Durable::Sqlite || cut_short > ROUNDS / 10, "too few for a test: {seen}");
}

#[test]
fn nothing_acknowledged_is_lost_when_processes_are_killed_over_sqlite() {
    let test = "nothing_acknowledged_is_lost_when_processes_are_killed_over_sqlite";
    hold(&format!("workspace::killed::{test}"), Durable::Sqlite);
}

#[test]
fn nothing_acknowledged_is_lost_when_processes_are_killed_over_files() {
    let test = "nothing_acknowledged_is_lost_when_processes_are_killed_over_files";
    hold(&format!("workspace::killed::{test}"), Durable::File);
}
