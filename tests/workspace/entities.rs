//! Entities as JSON, their ids, and what writing them does.

use storeproof::{
    seam::Instant,
    store::{document::Document, error::Kind as ErrorKind, instant_text::InstantText},
    workspace::{
        entities::{
            Deployment, DeploymentVariable, DeploymentVariableValue, DeploymentVersion,
            Environment, Job, JobAgent, Policy, Release, Resource, ResourceProvider,
            ResourceVariable, System, SystemDeployment, SystemEnvironment, UserApprovalRecord,
            Workflow, WorkflowJob, WorkflowJobTemplate, WorkflowRun,
        },
        entity::Entity,
        error::Error,
    },
};

use super::{in_memory, json, wait};

/// Reads the JSON and writes it again, and the same with a member that nobody knows.
fn reads_and_writes<E: Entity>(json: &str) {
    let unknown = json.strip_suffix('}').expect("an object").to_owned()
        + r#","tomorrow":{"n":123456789012345678901234567890}}"#;
    for json in [json, &unknown] {
        let document = Document::parse(json.as_bytes()).unwrap();
        let entity = E::from_document(document).unwrap_or_else(|problem| {
            panic!("a {} that can't be read: {problem}: {json}", E::KIND);
        });
        assert_eq!(entity.to_document().to_text(), json, "{}", E::KIND);
        let shown = format!("{entity:?}");
        assert!(!shown.contains("hidden") && !shown.contains("tomorrow"), "{shown}");
    }
    // Without any one of its members it is either read, or the member is named.
    let whole = Document::parse(json.as_bytes()).unwrap();
    let names: Vec<String> = whole.names().map(str::to_owned).collect();
    for name in names {
        if let Err(problem) = E::from_document(whole.clone().without(&[&name])) {
            assert!(problem.contains(&format!("{name:?}")), "{}: {problem}", E::KIND);
        }
    }
}

#[test]
fn every_kind_is_written_as_it_was_read() {
    reads_and_writes::<System>(
        r#"{"id":"a","name":"n","description":"d","metadata":{"x":"hidden"},"workspaceId":"w"}"#,
    );
    reads_and_writes::<Deployment>(
        r#"{"id":"a","name":"n","slug":"s","description":"d","jobAgentId":"j","jobAgentConfig":{"x":"hidden"},"jobAgents":[],"metadata":{},"resourceSelector":null}"#,
    );
    reads_and_writes::<Environment>(
        r#"{"id":"a","name":"n","description":"d","metadata":{},"resourceSelector":{"x":"hidden"},"createdAt":"2026-01-01T09:00:00+09:00"}"#,
    );
    reads_and_writes::<DeploymentVersion>(
        r#"{"id":"a","deploymentId":"d","name":"n","tag":"t","status":"ready","message":"hidden","config":{},"jobAgentConfig":{},"metadata":{},"createdAt":"2026-01-01T00:00:00Z"}"#,
    );
    reads_and_writes::<DeploymentVariable>(
        r#"{"id":"a","deploymentId":"d","key":"k","description":"x","defaultValue":"hidden"}"#,
    );
    reads_and_writes::<DeploymentVariableValue>(
        r#"{"id":"a","deploymentVariableId":"v","priority":-7,"value":"hidden","resourceSelector":{}}"#,
    );
    reads_and_writes::<JobAgent>(
        r#"{"id":"a","name":"n","type":"t","workspaceId":"w","config":{"token":"hidden"},"metadata":{}}"#,
    );
    reads_and_writes::<Job>(
        r#"{"id":"a","releaseId":"r","workflowJobId":"","jobAgentId":"j","jobAgentConfig":{},"status":"s","message":"m","externalId":"e","traceToken":"hidden","dispatchContext":{},"metadata":{},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","startedAt":"2026-01-01T00:00:00Z","completedAt":"2026-01-01T00:00:00Z"}"#,
    );
    reads_and_writes::<Policy>(
        r#"{"id":"a","name":"n","description":"d","priority":1,"enabled":true,"selector":"hidden","rules":[],"metadata":{},"workspaceId":"w","createdAt":"2026-01-01T00:00:00Z"}"#,
    );
    reads_and_writes::<Release>(
        r#"{"id":"a","version":{},"releaseTarget":{"resourceId":"r","environmentId":"e","deploymentId":"d"},"variables":{"x":"hidden"},"encryptedVariables":[],"createdAt":"2026-01-01T00:00:00Z"}"#,
    );
    reads_and_writes::<ResourceProvider>(
        r#"{"id":"a","name":"n","workspaceId":"w","metadata":{"x":"hidden"},"createdAt":"2026-01-01T00:00:00Z"}"#,
    );
    reads_and_writes::<Resource>(
        r#"{"id":"a","identifier":"i","name":"n","kind":"k","version":"v","workspaceId":"w","providerId":"p","config":{"x":"hidden"},"metadata":{},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","lockedAt":"2026-01-01T00:00:00Z","deletedAt":"2026-01-01T00:00:00Z"}"#,
    );
    reads_and_writes::<ResourceVariable>(r#"{"resourceId":"r","key":"k","value":"hidden"}"#);
    reads_and_writes::<UserApprovalRecord>(
        r#"{"versionId":"v","userId":"u","environmentId":"e","status":"approved","reason":"hidden","createdAt":"2026-01-01T00:00:00Z"}"#,
    );
    reads_and_writes::<Workflow>(r#"{"id":"a","name":"n","inputs":["hidden"],"jobs":[]}"#);
    reads_and_writes::<WorkflowJobTemplate>(
        r#"{"id":"a","workflowId":"w","name":"n","ref":"r","config":{"x":"hidden"},"if":"c","matrix":{}}"#,
    );
    reads_and_writes::<WorkflowRun>(r#"{"id":"a","workflowId":"w","inputs":{"x":"hidden"}}"#);
    reads_and_writes::<WorkflowJob>(
        r#"{"id":"a","workflowRunId":"r","ref":"f","index":3,"config":{"x":"hidden"}}"#,
    );
    reads_and_writes::<SystemDeployment>(r#"{"systemId":"s","deploymentId":"d"}"#);
    reads_and_writes::<SystemEnvironment>(r#"{"systemId":"s","environmentId":"e"}"#);
}

#[test]
fn an_entity_without_an_id_takes_the_calls_and_one_with_another_is_refused() {
    let store = in_memory();
    let system = System { name: "n".to_owned(), ..System::default() };
    wait(store.systems().upsert(&["a"], system.clone())).unwrap();
    assert_eq!(wait(store.systems().get(&["a"])).unwrap().unwrap().id, "a");
    let other = System { id: "b".to_owned(), ..system };
    let error = wait(store.systems().upsert(&["a"], other)).unwrap_err();
    assert!(matches!(error, Error::IdMismatch { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert_eq!(wait(store.systems().get(&["b"])).unwrap(), None, "nothing is written");
    let error = wait(store.systems().get(&["a", "b"])).unwrap_err();
    assert_eq!(error.to_string(), "the id of a system has 1 parts, not 2");
    let error = wait(store.systems().upsert(&[""], System::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidId, "{error}");
}

#[test]
fn ids_of_several_parts_are_never_mixed_up() {
    let store = in_memory();
    for (resource, key) in [("a-b", "c"), ("a", "b-c"), ("a/b", "c"), ("a", "b/c"), ("a", "")] {
        let variable =
            ResourceVariable { value: json(&format!("{:?}", resource)), ..Default::default() };
        wait(store.resource_variables().upsert(&[resource, key], variable)).unwrap();
    }
    assert_eq!(wait(store.resource_variables().items()).unwrap().entities.len(), 5);
    let of_a = wait(store.resource_variables().by_resource("a")).unwrap().entities;
    assert_eq!(of_a.len(), 3, "{of_a:?}");
    wait(store.resource_variables().remove(&["a", "b/c"])).unwrap();
    assert!(wait(store.resource_variables().get(&["a/b", "c"])).unwrap().is_some());
}

#[test]
fn a_resource_keeps_when_it_was_created_and_tells_when_it_changed() {
    let store = in_memory();
    let resources = store.resources();
    let stored = || wait(resources.get(&["a"])).unwrap().unwrap();
    let given = Resource { name: "n".to_owned(), identifier: "i".to_owned(), ..Default::default() };
    wait(resources.upsert(&["a"], given.clone())).unwrap();
    let created = stored().created_at.expect("it is set where it is missing");
    assert_eq!(stored().updated_at, None, "nothing has changed yet");

    wait(resources.upsert(&["a"], given.clone())).unwrap();
    assert_eq!(stored().updated_at, None, "still nothing has changed");

    let later = InstantText::from(Instant::UNIX_EPOCH.saturating_add_seconds(1_000_000));
    let changed =
        Resource { name: "m".to_owned(), created_at: Some(later.clone()), ..given.clone() };
    wait(resources.upsert(&["a"], changed.clone())).unwrap();
    let updated = stored().updated_at.expect("its name has changed");
    assert_eq!(stored().created_at, Some(created), "it is kept, whatever is given");
    wait(resources.upsert(&["a"], changed)).unwrap();
    assert_eq!(stored().updated_at.as_ref(), Some(&updated), "nothing has changed since");

    // What this release does not know is a part of it as well.
    let unknown = Document::parse(br#"{"x":1}"#).expect("an object");
    let further = Resource { unknown, ..stored() };
    wait(resources.upsert(&["a"], further)).unwrap();
    assert_ne!(stored().updated_at, Some(updated), "a member that is unknown has changed");

    let own = Resource { identifier: "j".to_owned(), created_at: Some(later.clone()), ..given };
    wait(resources.upsert(&["b"], own)).unwrap();
    assert_eq!(wait(resources.get(&["b"])).unwrap().unwrap().created_at, Some(later));
}

#[test]
fn a_release_without_an_id_gets_that_of_its_content() {
    let store = in_memory();
    let release = Release { version: json(r#"{"id":"v"}"#), ..Release::default() };
    let first = wait(store.releases().upsert_by_content(release.clone())).unwrap();
    let second = wait(store.releases().upsert_by_content(release.clone())).unwrap();
    assert_eq!(first, second);
    let named = Release { id: "own".to_owned(), ..release };
    assert_eq!(wait(store.releases().upsert_by_content(named)).unwrap(), "own");
    assert_eq!(wait(store.releases().items()).unwrap().entities.len(), 2);
}

#[test]
fn a_batch_is_written_wholly_or_not_at_all() {
    let store = in_memory();
    let resource = |id: &str, identifier: &str| Resource {
        id: id.to_owned(),
        identifier: identifier.to_owned(),
        ..Resource::default()
    };
    let clash = [resource("a", "i"), resource("b", "i")];
    let error = wait(store.resources().upsert_batch(&clash)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyTaken, "{error}");
    assert!(wait(store.resources().items()).unwrap().entities.is_empty());
    wait(store.resources().upsert_batch(&[resource("a", "i"), resource("b", "j")])).unwrap();
    let removed = wait(store.resources().remove_batch(&[&["a"], &["b"], &["c"]])).unwrap();
    assert_eq!(removed, 2);
    assert!(wait(store.resources().items()).unwrap().entities.is_empty());
}
