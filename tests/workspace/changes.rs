//! The changeset, and writes that fail.

use storeproof::{
    seam::Outcome,
    workspace::{
        changeset::{Change, ChangeAction},
        entities::{Resource, System},
        entity::Entity,
        entity_store::EntityStore,
        kind::Kind,
        store::WorkspaceStore,
    },
};

use super::{in_memory, json, over_a_failing_backend, variables, wait};

/// What was changed, as (kind, id, action).
fn told(changes: &[Change]) -> Vec<(Kind, String, ChangeAction)> {
    changes.iter().map(|change| (change.kind, change.id.to_string(), change.action)).collect()
}

fn system(name: &str) -> System {
    System { name: name.to_owned(), ..System::default() }
}

#[test]
fn changes_are_recorded_in_their_order_and_handed_over_once() {
    let store = in_memory();
    wait(store.systems().upsert(&["a"], system("one"))).unwrap();
    let resource = Resource { identifier: "i".to_owned(), ..Resource::default() };
    wait(store.resources().upsert(&["r"], resource)).unwrap();
    wait(store.systems().upsert(&["a"], system("two"))).unwrap();
    assert!(wait(store.systems().remove(&["a"])).unwrap());
    assert!(!wait(store.systems().remove(&["a"])).unwrap(), "there is none any more");
    let changes = store.take_changes();
    let id = |id: &str| id.to_owned();
    assert_eq!(
        told(&changes),
        [
            (Kind::System, id("a"), ChangeAction::Upsert),
            (Kind::Resource, id("r"), ChangeAction::Upsert),
            (Kind::System, id("a"), ChangeAction::Upsert),
            (Kind::System, id("a"), ChangeAction::Delete),
        ]
    );
    let names: Vec<String> = [0, 2, 3]
        .map(|place: usize| changes[place].entity.as_ref().unwrap().to_text_lossy().into_owned())
        .into();
    assert!(names[0].contains("one") && names[1].contains("two") && names[2].contains("two"));
    assert!(changes.is_sorted_by_key(|change| change.at));
    assert_eq!(store.take_changes(), [], "they were handed over");
    wait(store.systems().upsert(&["b"], system("three"))).unwrap();
    assert_eq!(store.take_changes().len(), 1);
}

#[test]
fn a_batch_is_recorded_entity_by_entity() {
    let store = in_memory();
    let systems = ["a", "b"].map(|id| System { id: id.to_owned(), ..System::default() });
    wait(store.systems().upsert_batch(&systems)).unwrap();
    wait(store.systems().remove_batch(&[&["b"], &["c"]])).unwrap();
    let told = told(&store.take_changes());
    let ids: Vec<&str> = told.iter().map(|(_, id, _)| id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "b"]);
}

/// The write fails, whatever it leaves: the caller is told, nothing is recorded, and
/// readers see what the durable half has.
fn fails_cleanly<E: Entity>(of: fn(&WorkspaceStore) -> &EntityStore<E>) {
    for outcome in [Outcome::NotDone, Outcome::Unknown] {
        let (store, fates) = over_a_failing_backend();
        let entities = of(&store);
        let id: Vec<&str> = E::ID.iter().map(|_| "x").collect();
        fates.lock().unwrap().push(outcome);
        let error = wait(entities.upsert(&id, E::default())).unwrap_err();
        assert_eq!(error.outcome(), outcome, "{}: {error}", E::KIND);
        assert_eq!(store.take_changes(), [], "{}: a write that failed", E::KIND);
        assert!(wait(entities.get(&id)).unwrap().is_none(), "{}: it was not done", E::KIND);

        wait(entities.upsert(&id, E::default())).unwrap();
        assert_eq!(store.take_changes().len(), 1);
        fates.lock().unwrap().push(outcome);
        wait(entities.remove(&id)).unwrap_err();
        assert_eq!(store.take_changes(), [], "{}: a removal that failed", E::KIND);
        assert!(wait(entities.get(&id)).unwrap().is_some(), "{}: it was not done", E::KIND);
        fates.lock().unwrap().push(outcome);
        wait(entities.remove_batch(&[&id])).unwrap_err();
        assert!(wait(entities.get(&id)).unwrap().is_some(), "{}: it was not done", E::KIND);
    }
}

#[test]
fn a_link_that_fails_is_told_and_not_recorded() {
    let (store, fates) = over_a_failing_backend();
    fates.lock().unwrap().push(Outcome::NotDone);
    let error = wait(store.system_deployments().link("s", "d")).unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
    assert_eq!(store.take_changes(), []);
    assert!(wait(store.system_deployments().systems_of("d")).unwrap().is_empty());
}

#[test]
fn a_write_that_fails_is_told_and_not_recorded_whatever_the_kind() {
    fails_cleanly(WorkspaceStore::systems);
    fails_cleanly(WorkspaceStore::deployments);
    fails_cleanly(WorkspaceStore::environments);
    fails_cleanly(WorkspaceStore::deployment_versions);
    fails_cleanly(WorkspaceStore::deployment_variables);
    fails_cleanly(WorkspaceStore::deployment_variable_values);
    fails_cleanly(WorkspaceStore::job_agents);
    fails_cleanly(WorkspaceStore::jobs);
    fails_cleanly(WorkspaceStore::policies);
    fails_cleanly(WorkspaceStore::releases);
    fails_cleanly(WorkspaceStore::resource_providers);
    fails_cleanly(WorkspaceStore::resources);
    fails_cleanly(WorkspaceStore::resource_variables);
    fails_cleanly(WorkspaceStore::user_approval_records);
    fails_cleanly(WorkspaceStore::workflows);
    fails_cleanly(WorkspaceStore::workflow_job_templates);
    fails_cleanly(WorkspaceStore::workflow_runs);
    fails_cleanly(WorkspaceStore::workflow_jobs);
    fails_cleanly(WorkspaceStore::system_deployments);
    fails_cleanly(WorkspaceStore::system_environments);
}

#[test]
fn a_bulk_update_records_exactly_what_it_changed() {
    let store = in_memory();
    let of_r = store.resource_variables();
    assert!(wait(of_r.bulk_update("r", &variables(&[("a", "1"), ("b", "2")]))).unwrap());
    wait(of_r.bulk_update("s", &variables(&[("a", "9")]))).unwrap();
    drop(store.take_changes());

    let same = variables(&[("a", "1"), ("b", "2")]);
    assert!(!wait(of_r.bulk_update("r", &same)).unwrap(), "nothing is different");
    assert_eq!(store.take_changes(), []);

    assert!(wait(of_r.bulk_update("r", &variables(&[("b", "3"), ("c", "4")]))).unwrap());
    let id = |id: &str| (Kind::ResourceVariable, id.to_owned());
    let changes = told(&store.take_changes());
    let changes: Vec<_> = changes.into_iter().map(|(kind, id, how)| ((kind, id), how)).collect();
    assert_eq!(
        changes,
        [
            (id("r/a"), ChangeAction::Delete),
            (id("r/b"), ChangeAction::Upsert),
            (id("r/c"), ChangeAction::Upsert),
        ]
    );
    let values = wait(of_r.by_resource("r")).unwrap().entities;
    let values: Vec<(String, String)> = values
        .into_iter()
        .map(|variable| (variable.key, variable.value.as_str().to_owned()))
        .collect();
    assert_eq!(values, [("b", "3"), ("c", "4")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    let other = wait(of_r.get(&["s", "a"])).unwrap().unwrap();
    assert_eq!(other.value, json("9"), "another resource's");
}

#[test]
fn a_bulk_update_that_fails_changes_and_records_nothing() {
    let (store, fates) = over_a_failing_backend();
    let of_r = store.resource_variables();
    wait(of_r.bulk_update("r", &variables(&[("a", "1")]))).unwrap();
    drop(store.take_changes());
    fates.lock().unwrap().push(Outcome::NotDone);
    wait(of_r.bulk_update("r", &variables(&[("b", "2")]))).unwrap_err();
    assert_eq!(store.take_changes(), []);
    assert!(wait(of_r.get(&["r", "a"])).unwrap().is_some());
    assert!(wait(of_r.get(&["r", "b"])).unwrap().is_none());
}
