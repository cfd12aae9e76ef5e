//! Spans of changes, as OpenTelemetry exports them.

use opentelemetry::{
    Value,
    trace::{Status, TracerProvider},
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use storeproof::{
    seam::Outcome,
    workspace::entities::{JobAgent, Resource, System},
};
use tracing_subscriber::layer::SubscriberExt;

use super::{json, over_a_failing_backend, variables, wait};

/// The spans that are exported while `action` runs.
fn exported(action: impl FnOnce()) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("storeproof"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), action);
    provider.force_flush().unwrap();
    exporter.get_finished_spans().unwrap()
}

fn attribute<'s>(span: &'s SpanData, name: &str) -> Option<&'s Value> {
    let own = span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
    own.map(|attribute| &attribute.value)
}

#[test]
fn every_change_is_a_span_with_its_id() {
    let spans = exported(|| {
        let (store, _) = over_a_failing_backend();
        wait(store.systems().upsert(&["a"], System::default())).unwrap();
        wait(store.systems().remove(&["a"])).unwrap();
        let systems = ["b", "c"].map(|id| System { id: id.to_owned(), ..System::default() });
        wait(store.systems().upsert_batch(&systems)).unwrap();
        wait(store.systems().remove_batch(&[&["b"], &["c"]])).unwrap();
        wait(store.resource_variables().bulk_update("r", &variables(&[("k", "1")]))).unwrap();
        wait(store.system_deployments().link("s", "d")).unwrap();
        wait(store.system_deployments().unlink("s", "d")).unwrap();
        wait(store.systems().get(&["a"])).unwrap();
    });
    let told: Vec<(&str, String)> = spans
        .iter()
        .map(|span| {
            let id = attribute(span, "entity.id").expect("every span has it");
            (&*span.name, id.to_string())
        })
        .collect();
    let expected = [
        ("UpsertSystem", "a"),
        ("RemoveSystem", "a"),
        ("BulkUpsertSystem", "2 entities"),
        ("BulkRemoveSystem", "2 entities"),
        ("BulkUpsertResourceVariable", "r"),
        ("UpsertSystemDeployment", "s/d"),
        ("RemoveSystemDeployment", "s/d"),
    ];
    assert_eq!(told, expected.map(|(name, id)| (name, id.to_owned())));
    assert!(spans.iter().all(|span| span.status == Status::Unset), "none of them failed");
}

#[test]
fn a_change_that_fails_carries_the_error_and_never_the_content() {
    let spans = exported(|| {
        let (store, fates) = over_a_failing_backend();
        let agent = JobAgent {
            name: "hidden name".to_owned(),
            config: json(r#"{"token":"hidden token"}"#),
            ..JobAgent::default()
        };
        wait(store.job_agents().upsert(&["a"], agent.clone())).unwrap();
        fates.lock().unwrap().extend([Outcome::NotDone, Outcome::Unknown]);
        wait(store.job_agents().upsert(&["a"], agent.clone())).unwrap_err();
        wait(store.job_agents().remove(&["a"])).unwrap_err();
        wait(store.job_agents().upsert(&["b"], JobAgent { id: "c".to_owned(), ..agent }))
            .unwrap_err();
        let resource = Resource { identifier: "hidden".to_owned(), ..Resource::default() };
        wait(store.resources().upsert(&["r"], resource.clone())).unwrap();
        wait(store.resources().upsert(&["s"], resource)).unwrap_err();
    });
    let failed: Vec<&str> = spans
        .iter()
        .filter(|span| matches!(span.status, Status::Error { .. }))
        .map(|span| &*span.name)
        .collect();
    assert_eq!(
        failed,
        ["UpsertJobAgent", "RemoveJobAgent", "UpsertJobAgent", "UpsertResource"],
        "a removal that fails is seen as well"
    );
    for span in &spans {
        if let Status::Error { description } = &span.status {
            assert!(!description.is_empty(), "{}: it says why", span.name);
            let error = attribute(span, "error").expect("the error is recorded");
            assert_eq!(error.to_string(), *description);
        }
        let whole = format!("{span:?}");
        assert!(!whole.contains("hidden"), "{}: the content is in the span: {whole}", span.name);
    }
}
