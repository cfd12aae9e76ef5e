//! Where the entities of each kind are, and opening them again.

use std::sync::Arc;

use storeproof::{
    backend::{
        memory::MemoryBackend,
        sqlite::{SqliteBackend, SqliteOptions},
    },
    seam::{Backend, CollectionExt},
    sim::disk::SimDisk,
    store::error::Kind as ErrorKind,
    workspace::{
        entities::{DeploymentVersion, Resource, ResourceVariable, System, SystemDeployment},
        kind::Kind,
        repository::Repository,
        store::{Placement, WorkspaceStore},
    },
};

use super::{clock, in_memory, wait};
use crate::file_backend::{backend, sim};

fn system(name: &str) -> System {
    System { name: name.to_owned(), ..System::default() }
}

#[test]
fn everything_is_restored_from_the_durable_backend() {
    let directory = tempfile::tempdir().unwrap();
    let open = |id: &str| {
        let path = directory.path().join("workspace.db");
        let backend = SqliteBackend::open(path, clock(), SqliteOptions::default()).unwrap();
        let builder = WorkspaceStore::builder(id, clock()).durable(Arc::new(backend));
        let builder = match id {
            // Everything is in memory as well, and durable all the same.
            "w" => builder.hybrid(Kind::Resource),
            _ => builder.all_hybrid(),
        };
        let builder = builder.place(Kind::Job, Placement::Memory);
        wait(builder.open()).unwrap()
    };
    let first = open("w");
    wait(first.systems().upsert(&["a"], system("n"))).unwrap();
    let resource = Resource { identifier: "i".to_owned(), ..Resource::default() };
    wait(first.resources().upsert(&["r"], resource)).unwrap();
    wait(first.jobs().upsert(&["j"], Default::default())).unwrap();
    wait(first.system_deployments().link("a", "d")).unwrap();
    let system = wait(first.systems().get(&["a"])).unwrap();
    let resource = wait(first.resources().get(&["r"])).unwrap();
    drop(first);

    let again = open("w");
    assert_eq!(wait(again.systems().get(&["a"])).unwrap(), system);
    assert_eq!(wait(again.resources().get(&["r"])).unwrap(), resource);
    assert_eq!(wait(again.resources().by_identifier("i")).unwrap(), resource);
    assert_eq!(wait(again.system_deployments().systems_of("d")).unwrap(), ["a"]);
    assert_eq!(wait(again.jobs().get(&["j"])).unwrap(), None, "it was in memory alone");
    assert_eq!(again.take_changes(), [], "nothing was changed by this store");
    let other = open("another");
    assert_eq!((again.id(), other.id()), ("w", "another"));
    assert_eq!(wait(other.systems().get(&["a"])).unwrap(), None, "another workspace");
}

#[test]
fn what_others_write_is_seen_after_a_refresh() {
    let below = MemoryBackend::new(clock());
    let builder = WorkspaceStore::builder("w", clock()).durable(Arc::new(below.clone()));
    let store = wait(builder.all_hybrid().open()).unwrap();
    let builder = WorkspaceStore::builder("w", clock()).durable(Arc::new(below));
    let other = wait(builder.open()).unwrap();
    wait(other.systems().upsert(&["a"], system("n"))).unwrap();
    assert_eq!(wait(store.systems().get(&["a"])).unwrap(), None);
    wait(store.refresh()).unwrap();
    assert!(wait(store.systems().get(&["a"])).unwrap().is_some());
    assert_eq!(store.take_changes(), [], "it is not this store's change");
    wait(in_memory().refresh()).unwrap();
}

#[test]
fn what_cannot_be_opened_says_why() {
    let refused = |builder: storeproof::workspace::store::Builder| {
        wait(builder.open()).err().expect("it is refused")
    };
    let error = refused(WorkspaceStore::builder("a b", clock()));
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("a b"), "{error}");
    let error = refused(WorkspaceStore::builder("w", clock()).hybrid(Kind::Policy));
    assert!(error.to_string().contains("no durable backend"), "{error}");
}

#[test]
fn a_workspace_whose_id_is_refused_leaves_nothing_behind() {
    let (longest, too_long) = ("w".repeat(38), "w".repeat(39));
    for id in [&*too_long, "a/b", ""] {
        let fs = sim(SimDisk::new());
        let builder = WorkspaceStore::builder(id, clock()).durable(Arc::new(backend(&fs)));
        let Err(error) = wait(builder.open()) else { panic!("{id:?} is an id") };
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{id:?}: {error}");
        assert_eq!(fs.disk().entries().len(), 0, "{id:?}: {:?}", fs.disk().entries());
    }
    wait(WorkspaceStore::builder(&*longest, clock()).open()).expect("the longest id is one");
}

#[test]
fn what_is_no_entity_is_named_and_can_be_removed_or_replaced() {
    let below = MemoryBackend::new(clock());
    let collection = wait(below.open(Repository::<System>::spec("w"))).unwrap();
    for id in ["a", "b"] {
        let id = storeproof::seam::RecordId::new(id).unwrap();
        let data = storeproof::seam::Payload::json(&b"[\"hidden\"]"[..]).unwrap();
        let record = storeproof::seam::Record::json(id, data, clock().now());
        wait(collection.put(record)).unwrap();
    }
    let builder = WorkspaceStore::builder("w", clock()).durable(Arc::new(below.clone()));
    let store = wait(builder.open()).unwrap();
    let error = wait(store.systems().get(&["a"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!error.to_string().contains("hidden"), "{error}");
    let items = wait(store.systems().items()).unwrap();
    assert_eq!((items.entities.len(), items.damaged.len()), (0, 2));
    wait(store.systems().upsert(&["a"], system("n"))).unwrap();
    assert!(wait(store.systems().get(&["a"])).unwrap().is_some());
    assert!(wait(store.systems().remove(&["b"])).unwrap());
    let changes = store.take_changes();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[1].entity, None, "what was removed could not be read");
    let kept = below.quarantined("system-w");
    let kept: Vec<_> =
        kept.iter().map(|record| (record.id.as_str(), record.data.bytes())).collect();
    assert_eq!(kept, [("a", &b"[\"hidden\"]"[..]), ("b", b"[\"hidden\"]")]);
}

/// Those that record no changes keep what is no entity, too.
#[test]
fn a_repository_sets_aside_what_is_no_entity() {
    let below = MemoryBackend::new(clock());
    let spec = || Repository::<System>::spec("w");
    let collection = wait(below.open(spec())).unwrap();
    for id in ["a", "b"] {
        let id = storeproof::seam::RecordId::new(id).unwrap();
        let data = storeproof::seam::Payload::json(&b"7"[..]).unwrap();
        wait(collection.put(storeproof::seam::Record::json(id, data, clock().now()))).unwrap();
    }
    let repository = Repository::<System>::new(collection, clock());
    let one = System { id: "a".to_owned(), ..system("n") };
    wait(repository.set(&one)).unwrap();
    wait(repository.remove(&["b"])).unwrap();
    assert_eq!(wait(repository.items()).unwrap().entities, [one]);
    let kept = below.quarantined(&spec().name);
    let kept: Vec<_> = kept.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(kept, ["a", "b"], "what can't be read is never destroyed");
}

/// A workspace over what lies in one of its collections, whatever that is.
fn over(
    spec: storeproof::seam::CollectionSpec,
    lying: &[(&str, &str)],
) -> (MemoryBackend, WorkspaceStore) {
    let below = MemoryBackend::new(clock());
    let collection = wait(below.open(spec)).unwrap();
    for (id, json) in lying {
        let id = storeproof::seam::RecordId::new(*id).unwrap();
        let data = storeproof::seam::Payload::json(json.as_bytes()).unwrap();
        wait(collection.put(storeproof::seam::Record::json(id, data, clock().now()))).unwrap();
    }
    let builder = WorkspaceStore::builder("w", clock()).durable(Arc::new(below.clone()));
    (below, wait(builder.open()).unwrap())
}

#[test]
fn a_link_and_a_variable_replace_what_is_none() {
    let (below, store) =
        over(Repository::<SystemDeployment>::spec("w"), &[("s/d", "[\"hidden\"]")]);
    let links = store.system_deployments();
    wait(links.link("s", "d")).unwrap();
    assert_eq!(wait(links.systems_of("d")).unwrap(), ["s"]);
    assert_eq!(store.take_changes().len(), 1, "writing over what can't be read is creation");
    assert_eq!(below.quarantined("system_deployment-w").len(), 1, "it is set aside");

    let (below, store) =
        over(Repository::<ResourceVariable>::spec("w"), &[("r/a", "[\"hidden\"]")]);
    let of_r = store.resource_variables();
    assert!(wait(of_r.bulk_update("r", &super::variables(&[("a", "1")]))).unwrap());
    assert_eq!(wait(of_r.get(&["r", "a"])).unwrap().unwrap().value, super::json("1"));
    assert_eq!(below.quarantined("resource_variable-w").len(), 1, "it is set aside");
}

#[test]
fn a_payload_with_the_id_of_another_record_is_damage() {
    let lying = r#"{"id":"b","name":"n","workspaceId":"w"}"#;
    let (_, store) = over(Repository::<System>::spec("w"), &[("a", lying)]);
    let error = wait(store.systems().get(&["a"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let all = wait(store.systems().items()).unwrap();
    assert_eq!((all.entities.len(), all.damaged.len()), (0, 1));
}

/// What a key finds and what is no entity all the same is named.
#[test]
fn a_lookup_names_what_is_no_entity() {
    let lying = [("v", r#"{"deploymentId":"d","name":["hidden"]}"#)];
    let (_, store) = over(Repository::<DeploymentVersion>::spec("w"), &lying);
    let found = wait(store.deployment_versions().by_deployment("d")).unwrap();
    assert_eq!(found.entities, []);
    let [damaged] = found.damaged.as_slice() else { panic!("one is damaged: {found:?}") };
    assert_eq!((damaged.id.as_str(), damaged.kind), ("v", ErrorKind::Corrupt));
    assert!(!damaged.message.contains("hidden"), "{}", damaged.message);
}
