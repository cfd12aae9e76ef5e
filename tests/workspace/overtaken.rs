//! Another process does the same right before a store writes what it has made up its mind
//! about.

use std::sync::Arc;

use storeproof::{
    fs::Fs,
    seam::{Backend, CollectionExt, Payload, Record, RecordId},
    sim::disk::{SimDisk, SimFs},
    workspace::{entities::System, repository::Repository, store::WorkspaceStore},
};

use super::{clock, variables, wait};
use crate::file_backend::{
    backend,
    process::{Fate, Process},
    sim,
};

fn open<F: Fs>(fs: &F) -> WorkspaceStore {
    let builder = WorkspaceStore::builder("w", clock()).durable(Arc::new(backend(fs)));
    wait(builder.open()).expect("the workspace opens")
}

/// A call, and whether it says that it changed anything.
struct Case {
    name: &'static str,
    call: fn(&WorkspaceStore) -> bool,
    /// What another process does.
    theirs: fn(&SimFs),
}

fn remove(store: &WorkspaceStore) -> bool {
    wait(store.systems().remove(&["a"])).expect("it is removed by somebody")
}

fn link(store: &WorkspaceStore) -> bool {
    wait(store.system_deployments().link("a", "d")).expect("it is linked by somebody");
    !store.take_changes().is_empty()
}

fn bulk_update(store: &WorkspaceStore) -> bool {
    let given = variables(&[("k", "1")]);
    wait(store.resource_variables().bulk_update("r", &given)).expect("somebody gives it these")
}

const CASES: [Case; 3] = [
    Case { name: "remove", call: remove, theirs: |fs| assert!(remove(&open(fs))) },
    Case { name: "link", call: link, theirs: |fs| assert!(link(&open(fs))) },
    Case { name: "bulk_update", call: bulk_update, theirs: |fs| assert!(bulk_update(&open(fs))) },
];

#[test]
fn who_is_overtaken_by_the_same_change_has_changed_nothing() {
    for Case { name, call, theirs } in CASES {
        let disk = sim(SimDisk::new());
        let process = Process::new(disk.clone());
        let store = open(&process);
        let system = System { name: "n".to_owned(), ..System::default() };
        wait(store.systems().upsert(&["a"], system)).expect("it is made");
        assert_eq!(store.take_changes().len(), 1);
        // Reading takes no lock.
        process.meets(Fate::Before("lock", theirs));
        assert!(!call(&store), "{name}: they were first");
        assert!(process.has_met_its_fate(), "{name}: it never came to write");
        assert_eq!(store.take_changes(), [], "{name}: nothing was changed by this store");
    }
}

fn repository<F: Fs>(fs: &F) -> Repository<System> {
    let collection = wait(backend(fs).open(Repository::<System>::spec("w")));
    Repository::new(collection.expect("it opens"), clock())
}

fn named(name: &str) -> System {
    System { id: "a".to_owned(), name: name.to_owned(), ..System::default() }
}

/// It is no damage any more when it is written over.
#[test]
fn what_others_have_put_in_place_of_damage_meanwhile_is_an_entity() {
    type Deed = fn(&Repository<System>) -> storeproof::workspace::error::Result<()>;
    let deeds: [(Deed, Option<System>); 2] = [
        (|mine| wait(mine.set(&named("mine"))), Some(named("mine"))),
        (|mine| wait(mine.remove(&["a"])), None),
    ];
    for (deed, left) in deeds {
        let disk = sim(SimDisk::new());
        let collection = wait(backend(&disk).open(Repository::<System>::spec("w"))).unwrap();
        let data = Payload::json(&b"7"[..]).unwrap();
        let damage = Record::json(RecordId::new("a").unwrap(), data, clock().now());
        wait(collection.put(damage)).unwrap();
        let process = Process::new(disk.clone());
        let mine = repository(&process);
        process.meets(Fate::Before("lock", |fs| {
            wait(repository(fs).set(&named("theirs"))).expect("they are first");
        }));
        deed(&mine).expect("it is done all the same");
        assert!(process.has_met_its_fate(), "it never came to write");
        assert_eq!(wait(repository(&disk).get(&["a"])).unwrap(), left);
    }
}
