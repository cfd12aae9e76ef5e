//! Clients in real processes, some of them killed while they call.

use std::{
    env,
    io::{self, BufReader},
    path::Path,
};

use storeproof::{
    check::{
        backends::{BackendUnderTest, FileOs, open_on},
        generate::Purpose,
        processes::{Program, child},
        registry::STORES,
        scenario::Scenario,
        statistics::{Event, Reached},
        verify::{Verified, verify},
        violation::{Kind, Violation},
    },
    fs::{Durability, OsFs},
    model::{
        api_keys::ApiKeysSubject, collection::CollectionSubject, secrets::SecretsSubject,
        sessions::SessionsSubject, subject::Subject, users::UsersSubject,
        watermark::WatermarkSubject, webhooks::WebhooksSubject,
        worker_heartbeats::WorkerHeartbeatsSubject, workspace::WorkspaceSubject,
    },
};

use crate::{
    mutants::flawed_fs::{FlawedFs, FsFlaw},
    targets::{numbered, with_target},
};

/// In a child: what is wrong with its file system.
const FLAW: &str = "STOREPROOF_TEST_FLAW";

/// The product's own clients.
pub(crate) fn sound() -> Program {
    Program {
        path: env!("CARGO_BIN_EXE_storeproof").into(),
        arguments: vec!["client".to_owned()],
        environment: Vec::new(),
    }
}

/// Clients whose file system has that flaw: this very test.
fn flawed(flaw: &str) -> Program {
    let arguments =
        ["--exact", "killed_processes::is_a_flawed_client", "--nocapture", "--test-threads=1"];
    Program {
        path: env::current_exe().unwrap(),
        arguments: arguments.map(str::to_owned).to_vec(),
        environment: vec![(FLAW.to_owned(), flaw.to_owned())],
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test is its own child process")]
fn is_a_flawed_client() {
    let flaw = match env::var(FLAW).as_deref() {
        Err(_) => return,
        Ok("in place") => FsFlaw::WritesInPlace,
        Ok(other) => panic!("there is no flaw {other:?}"),
    };
    let input = BufReader::new(io::stdin());
    let served = child::serve_with(input, io::stdout(), &move |opening, clock, entropy| {
        let fs = OsFs::open(Path::new(&opening.directory)).map_err(|error| error.to_string())?;
        let fs = FlawedFs::new(fs.with_durability(Durability::Process), flaw);
        Ok(open_on(fs, clock, entropy, opening.page_size))
    });
    served.unwrap();
}

fn verified<S: Subject>(
    backend: &dyn BackendUnderTest,
    scenario: &Scenario<S::Op>,
    reached: &mut Reached,
) -> Verified {
    with_target::<S, _>(backend, |target| verify(target, scenario, reached))
}

/// How many processes were killed in so many scenarios, and how many calls with
/// them.
fn hold<S: Subject>(backend: &dyn BackendUnderTest, scenarios: u64) -> (u64, u64) {
    let mut reached = Reached::new::<S>();
    let mut calls = 0;
    for seed in 0..scenarios {
        let verified =
            verified::<S>(backend, &numbered::<S>(seed, Purpose::Processes), &mut reached);
        assert_eq!(verified.violation, None, "{} number {seed}", S::NAME);
        calls += verified.killed_calls;
    }
    (reached.events(Event::Killed), calls)
}

#[test]
fn every_store_holds_in_processes_that_are_killed() {
    let scratch = tempfile::tempdir().unwrap();
    let backend = FileOs::new(scratch.path()).with_processes(sound());
    let killed = [
        hold::<CollectionSubject>(&backend, 16),
        hold::<UsersSubject>(&backend, 16),
        hold::<ApiKeysSubject>(&backend, 16),
        hold::<WebhooksSubject>(&backend, 16),
        hold::<SecretsSubject>(&backend, 16),
        hold::<SessionsSubject>(&backend, 16),
        hold::<WatermarkSubject>(&backend, 16),
        hold::<WorkerHeartbeatsSubject>(&backend, 16),
        hold::<WorkspaceSubject>(&backend, 16),
    ];
    // Working sets are stale on purpose, which has to be permitted.
    assert_eq!(killed.len(), STORES.len() - 1, "a store is missing");
    for (processes, _) in killed {
        assert!(processes > 4, "hardly anybody was killed: {killed:?}");
    }
    let calls: u64 = killed.iter().map(|(_, calls)| calls).sum();
    assert!(calls > 8, "hardly anybody was killed while it called: {killed:?}");
}

/// The first violation in the scenarios of a store whose processes have that
/// flaw.
fn violation(flaw: &str) -> Violation {
    let scratch = tempfile::tempdir().unwrap();
    let backend = FileOs::new(scratch.path()).with_processes(flawed(flaw));
    let mut reached = Reached::new::<UsersSubject>();
    for seed in 0..400 {
        let scenario = numbered::<UsersSubject>(seed, Purpose::Processes);
        let verified = verified::<UsersSubject>(&backend, &scenario, &mut reached);
        if let Some(violation) = verified.violation {
            return violation;
        }
    }
    panic!("{flaw}: nothing was found");
}

#[test]
fn processes_that_write_in_place_are_found() {
    let found = violation("in place");
    assert_ne!(found.signature.kind, Kind::NoEnd, "{found:#?}");
}

#[test]
fn a_program_that_is_no_client_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let program = Program {
        path: env!("CARGO_BIN_EXE_storeproof").into(),
        arguments: vec!["--version".to_owned()],
        environment: Vec::new(),
    };
    let backend = FileOs::new(scratch.path()).with_processes(program);
    let mut reached = Reached::new::<UsersSubject>();
    let verified = verified::<UsersSubject>(
        &backend,
        &numbered::<UsersSubject>(0, Purpose::Processes),
        &mut reached,
    );
    let said = verified.violation.map(|violation| violation.signature.rule);
    let said = said.expect("a client that is none is no client");
    assert!(said.contains("no client of storeproof"), "{said}");
}
