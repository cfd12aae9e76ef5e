//! Every rule of the watermark store, on every backend, with two instances on
//! one storage: what one acknowledged, the other sees at once.

use std::sync::Arc;

use storeproof::{
    seam::{Collection, CollectionExt, Payload, Record, Selection},
    store::{
        error::Kind,
        watermark::{Watermark, WatermarkError, WatermarkStore, Watermarks},
    },
};

use super::{
    backends::{Rule, World, at, every_backend_keeps, id, rules},
    file_backend::{clock, disk_with, files, open, sim, wait},
    genuine::{Genuine, value},
};

const RULES: &[Rule] = rules![
    nothing_saved_is_empty,
    what_is_saved_is_loaded,
    a_save_replaces_wholly_and_keeps_the_time_of_creation,
    only_objects_are_saved,
    older_versions_migrate_on_load_and_stay_as_they_are,
    what_can_not_be_used_is_empty_and_that_is_said,
    a_save_over_what_can_not_be_used_keeps_the_time_of_creation,
    other_records_are_left_alone,
];

#[test]
fn the_watermark_keeps_its_contract() {
    every_backend_keeps(RULES);
}

async fn two(world: &World) -> (WatermarkStore, WatermarkStore) {
    (store(world).await, store(world).await)
}

async fn store(world: &World) -> WatermarkStore {
    WatermarkStore::new(raw(world).await, Arc::new(world.clock.clone()))
}

async fn raw(world: &World) -> Arc<dyn Collection> {
    world.open(WatermarkStore::spec()).await
}

fn payload(json: &str) -> Payload {
    Payload::new(json.as_bytes())
}

fn flat(json: &str) -> Record {
    Record::json(id("state"), payload(json), at(0))
}

/// The state in the present version, as JSON text.
async fn loaded(store: &WatermarkStore) -> String {
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.problem, None);
    loaded.state.to_document().to_text()
}

const EMPTY: &str = r#"{"version":3,"lastTick":"0001-01-01T00:00:00Z","dags":{}}"#;

const FULL: &str = r#"{"version":3,"lastTick":"2026-05-01T12:34:00.50+09:00","dags":{"etl":{"lastScheduledTime":"2026-05-01T00:00:00Z","startScheduleFingerprint":"f","skipSuccessResetAt":"2026-04-29T01:02:03.000000004Z","oneOffs":{"g":{"scheduledTime":"2026-05-02T00:00:00+09:00","status":"pending"}},"y":1e400}},"z":123456789012345678901234567890}"#;

async fn nothing_saved_is_empty(world: &World) {
    let (one, _) = two(world).await;
    assert_eq!(loaded(&one).await, EMPTY);
    assert_eq!(one.load().await.unwrap().state, Watermark::default());
}

async fn what_is_saved_is_loaded(world: &World) {
    let (one, other) = two(world).await;
    one.save(payload(FULL)).await.unwrap();
    assert_eq!(loaded(&other).await, FULL, "texts of instants and what is unknown as well");
    let stored = raw(world).await.get(&id("state")).await.unwrap();
    assert_eq!(stored.data.to_text_lossy(), FULL);
}

async fn a_save_replaces_wholly_and_keeps_the_time_of_creation(world: &World) {
    let (one, other) = two(world).await;
    one.save(payload(FULL)).await.unwrap();
    world.clock.set(at(9));
    other.save(payload("{}")).await.unwrap();
    assert_eq!(loaded(&one).await, EMPTY);
    let stored = raw(world).await.get(&id("state")).await.unwrap();
    assert_eq!((stored.created_at, stored.updated_at), (at(0), at(9)));
    assert_eq!(stored.data.to_text_lossy(), "{}", "it is stored as it is given");
}

async fn only_objects_are_saved(world: &World) {
    let (one, other) = two(world).await;
    one.save(payload(FULL)).await.unwrap();
    for bad in ["null", "[]", "\"x\"", "", "{", "{} {}", "\u{feff}{}"] {
        let refused = one.save(payload(bad)).await;
        assert!(matches!(refused, Err(WatermarkError::InvalidState)), "{bad:?}: {refused:?}");
        assert_eq!(refused.map_err(|error| error.kind()), Err(Kind::InvalidArgument), "{bad:?}");
    }
    assert_eq!(loaded(&other).await, FULL, "nothing was lost");
}

async fn older_versions_migrate_on_load_and_stay_as_they_are(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    for version in ["", r#""version":0,"#, r#""version":1,"#, r#""version":2,"#] {
        let older =
            format!(r#"{{{version}"lastTick":"2026-05-01T12:34:00+09:00","dags":{{"etl":{{}}}}}}"#);
        raw.put(flat(&older)).await.unwrap();
        for store in [&one, &other] {
            assert_eq!(
                loaded(store).await,
                r#"{"version":3,"lastTick":"2026-05-01T12:34:00+09:00","dags":{"etl":{"lastScheduledTime":"0001-01-01T00:00:00Z","skipSuccessResetAt":"0001-01-01T00:00:00Z"}}}"#
            );
        }
        let stored = raw.get(&id("state")).await.unwrap();
        assert_eq!(stored.data.to_text_lossy(), older, "loading changes nothing");
    }
}

const UNUSABLE: &[&str] = &[
    r#"{"version":4,"dags":{}}"#,
    r#"{"version":3,"lastTick":"hunter2"}"#,
    r#"{"version":"3"}"#,
    r#"{"dags":[]}"#,
    "null",
];

async fn what_can_not_be_used_is_empty_and_that_is_said(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    for unusable in UNUSABLE {
        raw.put(flat(unusable)).await.unwrap();
        let loaded = one.load().await.unwrap();
        assert_eq!(loaded.state, Watermark::default(), "{unusable}");
        let problem = loaded.problem.expect(unusable);
        assert!(!problem.contains("hunter2"), "{problem}");
        let stored = raw.get(&id("state")).await.unwrap();
        assert_eq!(stored.data.to_text_lossy(), *unusable, "it stays until the next save");
    }
    one.save(payload(UNUSABLE[0])).await.expect("any version can be saved");
    assert!(other.load().await.unwrap().problem.is_some());
}

async fn a_save_over_what_can_not_be_used_keeps_the_time_of_creation(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    for unusable in UNUSABLE {
        raw.put(flat(unusable)).await.unwrap();
        world.clock.set(at(9));
        one.save(payload(FULL)).await.unwrap();
        assert_eq!(loaded(&other).await, FULL);
        assert_eq!(raw.get(&id("state")).await.unwrap().created_at, at(0));
    }
}

async fn other_records_are_left_alone(world: &World) {
    let (one, _) = two(world).await;
    let raw = raw(world).await;
    raw.put(Record::json(id("checkpoint"), payload(FULL), at(0))).await.unwrap();
    assert_eq!(loaded(&one).await, EMPTY);
    one.save(payload("{}")).await.unwrap();
    let page = raw.drain(Selection::all()).await.unwrap();
    assert_eq!(page.records.len(), 2);
}

#[test]
fn what_can_not_be_used_goes_to_quarantine_before_it_is_replaced() {
    let newer_envelope = r#"{"version":2,"id":"state","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":{}}"#;
    for unusable in UNUSABLE.iter().chain(&["{\"version\":3,", "", newer_envelope]) {
        let checkpoint = "{\"lastTick\":\"2026-05-01T12:34:00Z\"}";
        let fs = sim(disk_with(&[
            ("scheduler/state.json", unusable),
            ("scheduler/checkpoint.json", checkpoint),
        ]));
        let store = WatermarkStore::new(open(&fs, WatermarkStore::spec()), clock());
        assert!(wait(store.load()).unwrap().problem.is_some(), "{unusable:?}");
        assert_eq!(files(&fs).len(), 2, "loading changes nothing");
        wait(store.save(payload(FULL))).unwrap();
        assert_eq!(wait(store.load()).unwrap().state.to_document().to_text(), FULL);
        let files = files(&fs);
        let is_kept = |(path, content): &(String, String)| {
            path.starts_with("scheduler/.storeproof.quarantine/") && content == unusable
        };
        assert!(files.iter().any(is_kept), "{unusable:?} is lost: {files:?}");
        let foreign = ("scheduler/checkpoint.json".to_owned(), checkpoint.to_owned());
        assert!(files.contains(&foreign));
        wait(store.save(payload("{}"))).unwrap();
        let quarantined = |files: Vec<(String, String)>| {
            files.iter().filter(|(path, _)| path.contains("quarantine")).count()
        };
        assert_eq!(quarantined(super::file_backend::files(&fs)), 1, "what is sound just goes");
    }
}

#[test]
fn genuine_watermarks_read_as_their_manifests_say() {
    for (name, member) in [
        ("legacy", "watermark"),
        ("legacy-watermark-v0", "loaded"),
        ("legacy-watermark-v1", "loaded"),
        ("legacy-watermark-v2", "loaded"),
    ] {
        let Some(genuine) = Genuine::read(name) else { continue };
        let store = WatermarkStore::new(genuine.open(WatermarkStore::spec()), genuine.clock());
        let loaded = wait(store.load()).unwrap();
        assert_eq!(loaded.problem, None, "{name}");
        let text = loaded.state.to_document().to_text();
        assert_eq!(value(&text), genuine.manifest[member], "{name}");
        wait(store.save(payload(&text))).unwrap();
        assert_eq!(wait(store.load()).unwrap(), loaded, "{name}");
    }
}
