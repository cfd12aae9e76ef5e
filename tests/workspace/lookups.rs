//! Looking entities up, and links.

use storeproof::{
    backend::memory::MemoryBackend,
    seam::Backend,
    store::{error::Kind as ErrorKind, instant_text::InstantText},
    workspace::{
        entities::{
            DeploymentVariable, DeploymentVariableValue, DeploymentVersion, Job, Release, Resource,
            UserApprovalRecord, WorkflowJob, WorkflowJobTemplate, WorkflowRun,
        },
        repository::Repository,
    },
};

use super::{clock, in_memory, json, wait};

#[test]
fn an_index_follows_every_change_of_its_field() {
    let store = in_memory();
    let versions = store.deployment_versions();
    let of = |deployment: &str| -> Vec<String> {
        let found = wait(versions.by_deployment(deployment)).unwrap();
        found.entities.into_iter().map(|version| version.id).collect()
    };
    let version = |deployment: &str| DeploymentVersion {
        deployment_id: deployment.to_owned(),
        ..DeploymentVersion::default()
    };
    wait(versions.upsert(&["a"], version("d"))).unwrap();
    wait(versions.upsert(&["b"], version("d"))).unwrap();
    assert_eq!(of("d"), ["a", "b"]);
    wait(versions.upsert(&["a"], version("e"))).unwrap();
    assert_eq!((of("d"), of("e")), (vec!["b".to_owned()], vec!["a".to_owned()]));
    wait(versions.remove(&["b"])).unwrap();
    assert_eq!(of("d"), [""; 0]);
    assert_eq!(of(""), [""; 0], "an empty value finds nothing");
    let error = wait(versions.by("deploymentId", &["d"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[test]
fn an_identifier_has_one_resource() {
    let store = in_memory();
    let resources = store.resources();
    let resource = |provider: Option<&str>| Resource {
        identifier: "i".to_owned(),
        provider_id: provider.map(str::to_owned),
        config: json(r#"{"a":1}"#),
        metadata: json("{}"),
        ..Resource::default()
    };
    wait(resources.upsert(&["a"], resource(Some("p")))).unwrap();
    let error = wait(resources.upsert(&["b"], resource(None))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyTaken, "{error}");
    assert_eq!(wait(resources.by_identifier("i")).unwrap().unwrap().id, "a");
    assert_eq!(wait(resources.by_identifier("j")).unwrap(), None);
    assert_eq!(wait(resources.by_provider("p")).unwrap().entities.len(), 1);
    let summaries = wait(resources.summaries()).unwrap().entities;
    let [summary] = summaries.as_slice() else { panic!("one resource: {summaries:?}") };
    assert_eq!((summary.config.as_str(), summary.metadata.as_str()), ("null", "null"));
    assert_eq!(summary.identifier, "i");
}

#[test]
fn jobs_and_releases_are_found_by_what_they_are_for() {
    let store = in_memory();
    let job = |agent: &str, release: &str| Job {
        job_agent_id: agent.to_owned(),
        release_id: release.to_owned(),
        ..Job::default()
    };
    wait(store.jobs().upsert(&["a"], job("x", "r"))).unwrap();
    wait(store.jobs().upsert(&["b"], job("x", ""))).unwrap();
    assert_eq!(wait(store.jobs().by_agent("x")).unwrap().entities.len(), 2);
    assert_eq!(wait(store.jobs().by_release("r")).unwrap().entities.len(), 1);
    let target = json(r#"{"resourceId":"r","environmentId":"e","deploymentId":"d"}"#);
    let release = Release { release_target: target, ..Release::default() };
    wait(store.releases().upsert(&["a"], release)).unwrap();
    assert_eq!(wait(store.releases().by_target("r", "e", "d")).unwrap().entities.len(), 1);
    assert_eq!(wait(store.releases().by_target("e", "r", "d")).unwrap().entities.len(), 0);
}

#[test]
fn approvals_are_the_approved_ones_oldest_first() {
    let store = in_memory();
    for (user, status, at) in [
        ("ann", "approved", "2026-01-03T00:00:00Z"),
        ("bob", "rejected", "2026-01-01T00:00:00Z"),
        ("cyd", "approved", "2026-01-02T00:00:00Z"),
        ("dan", "approved", "2026-01-02T00:00:00Z"),
    ] {
        let record = UserApprovalRecord {
            status: status.to_owned(),
            created_at: InstantText::parse(at),
            ..UserApprovalRecord::default()
        };
        wait(store.user_approval_records().upsert(&["v", user, "e"], record)).unwrap();
    }
    let approved = wait(store.user_approval_records().approved("v", "e")).unwrap();
    let users: Vec<&str> = approved.iter().map(|record| record.user_id.as_str()).collect();
    assert_eq!(users, ["cyd", "dan", "ann"]);
    assert!(wait(store.user_approval_records().approved("e", "v")).unwrap().is_empty());
}

#[test]
fn links_are_there_once_and_seen_from_both_sides() {
    let store = in_memory();
    let links = store.system_deployments();
    wait(links.link("s", "d")).unwrap();
    wait(links.link("s", "d")).unwrap();
    wait(links.link("s", "e")).unwrap();
    wait(links.link("t", "d")).unwrap();
    assert_eq!(wait(links.systems_of("d")).unwrap(), ["s", "t"]);
    assert_eq!(wait(links.deployments_of("s")).unwrap(), ["d", "e"]);
    wait(links.unlink("s", "d")).unwrap();
    wait(links.unlink("s", "d")).unwrap();
    assert_eq!(wait(links.systems_of("d")).unwrap(), ["t"]);
    assert_eq!(store.take_changes().len(), 4, "three links and one that went");
    let links = store.system_environments();
    wait(links.link("s", "e")).unwrap();
    assert_eq!(wait(links.systems_of("e")).unwrap(), ["s"]);
    assert_eq!(wait(links.environments_of("s")).unwrap(), ["e"]);
}

/// Two entities, one of which belongs to `"above"`, and what is found of that.
macro_rules! found_by {
    ($store:expr, $lookup:ident, $entity:ident, $field:ident) => {{
        let belonging = $entity { $field: "above".to_owned(), ..$entity::default() };
        wait($store.upsert(&["belongs"], belonging)).unwrap();
        let other = $entity { $field: "other".to_owned(), ..$entity::default() };
        wait($store.upsert(&["does not"], other)).unwrap();
        let found = wait($store.$lookup("above")).unwrap();
        assert_eq!(found.damaged, []);
        found.entities.into_iter().map(|entity| entity.id).collect::<Vec<_>>()
    }};
}

#[test]
fn every_lookup_finds_what_belongs_to_another_entity() {
    let store = in_memory();
    let variables = store.deployment_variables();
    let values = store.deployment_variable_values();
    let found = [
        found_by!(variables, by_deployment, DeploymentVariable, deployment_id),
        found_by!(values, by_variable, DeploymentVariableValue, deployment_variable_id),
        found_by!(store.workflow_runs(), by_workflow, WorkflowRun, workflow_id),
        found_by!(store.workflow_jobs(), by_run, WorkflowJob, workflow_run_id),
        found_by!(store.workflow_job_templates(), by_workflow, WorkflowJobTemplate, workflow_id),
    ];
    for ids in found {
        assert_eq!(ids, ["belongs"]);
    }
}

#[test]
fn a_repository_by_itself_keeps_sets_and_removes() {
    let backend = MemoryBackend::new(clock());
    let spec = Repository::<WorkflowRun>::spec("w");
    let runs = Repository::<WorkflowRun>::new(wait(backend.open(spec)).unwrap(), clock());
    let run = |id: &str, workflow: &str| WorkflowRun {
        id: id.to_owned(),
        workflow_id: workflow.to_owned(),
        ..WorkflowRun::default()
    };
    wait(runs.set(&run("a", "x"))).unwrap();
    wait(runs.set_batch(&[run("b", "x"), run("a", "y")])).unwrap();
    assert_eq!(wait(runs.get(&["a"])).unwrap(), Some(run("a", "y")));
    let of_x = wait(runs.by("workflow", &["x"])).unwrap().entities;
    assert_eq!(of_x, [run("b", "x")]);
    let error = wait(runs.set_batch(&[run("c", "x"), run("c", "y")])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    wait(runs.remove(&["a"])).unwrap();
    wait(runs.remove(&["a"])).expect("what is not there is removed already");
    assert_eq!(wait(runs.items()).unwrap().entities, [run("b", "x")]);
    wait(runs.remove_batch(&[&["b"], &["c"]])).unwrap();
    assert_eq!(wait(runs.items()).unwrap().entities, []);
    let error = wait(runs.remove(&["a", "b"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}
