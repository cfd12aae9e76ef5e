//! Two real processes on one real directory.

use std::{
    collections::BTreeMap,
    env,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use storeproof::{
    backend::file::FileBackend,
    fs::{Durability, OsFs},
    seam::{
        Backend, Collection, CollectionExt, CollectionSpec, ErrorKind, Instant, KeySpec, OsEntropy,
        Payload, Record, RecordId, SystemClock,
    },
    sim::single::run_alone,
};

/// In a child: the directory to work in.
const DIRECTORY: &str = "STOREPROOF_TEST_DIRECTORY";
/// In a child: its name.
const NAME: &str = "STOREPROOF_TEST_NAME";
/// How many records both try to create, and how often each adds to a counter.
const ROUNDS: usize = 300;
/// Where in the directory the records are.
const RECORDS: &str = "records";

fn open(directory: &Path) -> Arc<dyn Collection> {
    let fs = OsFs::open(directory).unwrap().with_durability(Durability::Process);
    let backend = FileBackend::new(fs, Arc::new(SystemClock), Arc::new(OsEntropy));
    let spec = CollectionSpec::new("shared").with_keys([KeySpec::unique("key", &["/key"])]);
    run(backend.open(spec)).unwrap()
}

/// On real files nothing waits but by blocking.
fn run<T>(future: impl Future<Output = T>) -> T {
    run_alone(0, future).expect("a call on real files was pending")
}

fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

fn json(text: &str) -> Payload {
    Payload::json(text.as_bytes()).unwrap()
}

/// This binary once more, to run that one test as a child: what it prints is read.
pub fn itself(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).stdout(Stdio::piped());
    command
}

/// What the two are called.
pub const NAMES: [&str; 2] = ["one", "two"];

/// Goes on when the other process is at this round as well; they tell each other in the
/// directory `place`. Without this the one that is ahead would stay ahead, and win all.
#[expect(clippy::disallowed_methods, reason = "the processes see each other by directories")]
pub fn meet(place: &Path, round: usize, name: &str) {
    let ready = |name: &str| place.join(format!("{round}-{name}"));
    std::fs::create_dir(ready(name)).unwrap();
    // If the other fails, this one must not wait for ever.
    let mut patience = 20_000_000_u64;
    while !NAMES.iter().all(|name| ready(name).exists()) {
        patience = patience.checked_sub(1).expect("the other process is gone");
        std::hint::spin_loop();
    }
}

/// What a child does: creates records that the other creates too, takes unique
/// keys that the other takes too, and adds to a common counter. Prints what it
/// won.
fn child(directory: &Path, name: &str) {
    let collection = open(&directory.join(RECORDS));
    for round in 0..ROUNDS {
        meet(directory, round, name);
        let record = Record::json(
            id(&format!("contested/{round}")),
            json(&format!("{name:?}")),
            Instant::ZERO,
        );
        match run(collection.create(record)) {
            Ok(()) => println!("won record {round}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
        }
        let owner = json(&format!(r#"{{"key":"k{round}","owner":{name:?}}}"#));
        let record = Record::json(id(&format!("{name}/{round}")), owner, Instant::ZERO);
        match run(collection.create(record)) {
            Ok(()) => println!("won key {round}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::KeyTaken, "{error}"),
        }
        loop {
            let before = run(collection.get(&id("counter"))).unwrap();
            let count: u64 = before.data.to_text_lossy().parse().unwrap();
            let next = json(&(count + 1).to_string());
            match run(collection.compare_and_swap(&id("counter"), before.data, next)) {
                Ok(()) => break,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        println!("counted");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test is its own child process")]
fn two_processes_lose_nothing_and_never_both_win() {
    if let (Some(directory), Ok(name)) = (env::var_os(DIRECTORY), env::var(NAME)) {
        child(Path::new(&directory), &name);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let records = directory.path().join(RECORDS);
    std::fs::create_dir(&records).unwrap();
    let collection = open(&records);
    run(collection.create(Record::json(id("counter"), json("0"), Instant::ZERO))).unwrap();

    let children = NAMES.map(|name| {
        itself("processes::two_processes_lose_nothing_and_never_both_win")
            .env(DIRECTORY, directory.path())
            .env(NAME, name)
            .spawn()
            .unwrap()
    });
    let mut won: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut counted = 0;
    for (child, name) in children.into_iter().zip(NAMES) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "process {name} failed: {}", output.status);
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            // The test runner's own first line has no end of line before ours.
            if let Some(what) = line.split_once("won ").map(|(_, what)| what) {
                won.entry(what.to_owned()).or_default().push(name);
            }
            counted += usize::from(line.ends_with("counted"));
        }
    }

    assert_eq!(counted, 2 * ROUNDS, "a process did not finish");
    let counter = run(collection.get(&id("counter"))).unwrap();
    assert_eq!(counter.data, json(&counted.to_string()), "an addition was lost");
    for round in 0..ROUNDS {
        let winner = won.get(&format!("record {round}")).map_or(&[][..], Vec::as_slice);
        assert_eq!(winner.len(), 1, "record {round} was created by {winner:?}");
        let stored = run(collection.get(&id(&format!("contested/{round}")))).unwrap();
        assert_eq!(stored.data, json(&format!("{:?}", winner[0])), "record {round}");

        let owner = won.get(&format!("key {round}")).map_or(&[][..], Vec::as_slice);
        assert_eq!(owner.len(), 1, "key k{round} was taken by {owner:?}");
        let found = run(collection.find("key", &[&format!("k{round}")])).unwrap();
        let ids: Vec<&str> = found.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, [format!("{}/{round}", owner[0])], "key k{round}");
    }
    let losers = won.values().filter(|names| names[0] == "one").count();
    assert!(losers > 0 && losers < won.len(), "one process won everything: they never met");
}
