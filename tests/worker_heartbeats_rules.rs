//! Every rule of the heartbeats store, on every backend, with two instances on
//! one storage: what one acknowledged, the other sees at once.

use std::sync::Arc;

use storeproof::{
    seam::{Collection, CollectionExt, Instant, Payload, Record, Selection},
    store::{
        document::Document,
        worker_heartbeats::{Heartbeat, HeartbeatError, WorkerHeartbeatStore, WorkerHeartbeats},
    },
};

use super::{
    backends::{Rule, World, at, every_backend_keeps, id, rules},
    file_backend::{clock, disk_with, files, old_writer_puts, open, sim, wait},
    genuine::{Genuine, value},
};

const RULES: &[Rule] = rules![
    any_record_id_is_a_worker_id,
    input_is_judged_first,
    an_older_heartbeat_is_ignored_as_a_whole,
    an_equal_heartbeat_replaces_wholly,
    zero_is_now,
    a_file_of_older_software_is_found,
    the_fresher_of_two_counts,
    an_upsert_replaces_the_older_file,
    an_older_upsert_leaves_the_older_file_alone,
    workers_that_look_like_files_of_others_are_their_own,
    stale_workers_are_removed_and_counted,
    a_payload_that_is_no_heartbeat_is_damage,
    an_upsert_quarantines_what_is_no_heartbeat,
    an_ignored_upsert_leaves_damage_alone,
    a_stale_worker_goes_and_damage_beside_it_stays,
    a_worker_that_moves_is_listed_behind_its_older_file,
];

#[test]
fn worker_heartbeats_keep_their_contract() {
    every_backend_keeps(RULES);
}

/// The SHA-256 of "w".
const OLDER_W: &str = "50e721e49c013f00c62cf59f2163542a9d8df02464efeb615d31051b0fddc326";

async fn two(world: &World) -> (WorkerHeartbeatStore, WorkerHeartbeatStore) {
    (store(world).await, store(world).await)
}

async fn store(world: &World) -> WorkerHeartbeatStore {
    WorkerHeartbeatStore::new(raw(world).await, Arc::new(world.clock.clone()))
}

async fn raw(world: &World) -> Arc<dyn Collection> {
    world.open(WorkerHeartbeatStore::spec()).await
}

fn flat(text: &str, json: &str) -> Record {
    Record::json(id(text), Payload::json(json.as_bytes()).expect("JSON"), at(0))
}

/// As older software writes it, at that time in milliseconds.
fn older_w(at: i64) -> Record {
    flat(OLDER_W, &format!(r#"{{"workerId":"w","lastHeartbeatAt":{at}}}"#))
}

async fn ids_of(collection: &Arc<dyn Collection>) -> Vec<String> {
    let page = collection.drain(Selection::all()).await.unwrap();
    page.records.iter().map(|record| record.id.to_string()).collect()
}

#[track_caller]
fn error_of<T: std::fmt::Debug>(result: Result<T, HeartbeatError>) -> &'static str {
    match result {
        Ok(value) => panic!("an error was expected, not {value:?}"),
        Err(HeartbeatError::InvalidWorkerId(_)) => "InvalidWorkerId",
        Err(HeartbeatError::HeartbeatNotFound) => "HeartbeatNotFound",
        Err(error) => error.kind().name(),
    }
}

async fn any_record_id_is_a_worker_id(world: &World) {
    let (one, other) = two(world).await;
    let long = "x".repeat(1_024);
    let long_with_prefix = format!("id/{}", "x".repeat(1_021));
    let mut workers =
        ["pool/a", "win\\host", "..", "../etc", "ワーカー", "a@b:1", " ", &long, &long_with_prefix];
    for worker in workers {
        one.upsert(Heartbeat::new(worker, 1)).await.unwrap();
        assert_eq!(other.get(worker).await.unwrap(), Heartbeat::new(worker, 1));
    }
    workers.sort_unstable();
    let list = other.list().await.unwrap();
    let listed: Vec<_> = list.heartbeats.iter().map(|beat| &*beat.worker_id).collect();
    assert_eq!(listed, workers, "all pages, by id");
    assert_eq!(list.damaged, []);
}

async fn input_is_judged_first(world: &World) {
    let (one, _) = two(world).await;
    let long = "x".repeat(1_025);
    for bad in ["", "a\0", &long] {
        assert_eq!(error_of(one.upsert(Heartbeat::new(bad, 1)).await), "InvalidWorkerId");
        assert_eq!(error_of(one.get(bad).await), "InvalidWorkerId");
    }
    assert_eq!(error_of(one.get("w").await), "HeartbeatNotFound");
}

async fn an_older_heartbeat_is_ignored_as_a_whole(world: &World) {
    let (one, other) = two(world).await;
    one.upsert(Heartbeat::new("w", 20)).await.unwrap();
    let mut older = Heartbeat::new("w", 19);
    older.unknown = Document::parse(br#"{"x":1}"#).unwrap();
    other.upsert(older).await.expect("it is no error");
    assert_eq!(one.get("w").await.unwrap(), Heartbeat::new("w", 20));
}

async fn an_equal_heartbeat_replaces_wholly(world: &World) {
    let (one, other) = two(world).await;
    let full = r#"{"workerId":"w","labels":{"zone":"東京","a":"\u003c"},"stats":{"total_pollers":4,"running_tasks":[{"dag_name":"etl"}],"new":1e400},"lastHeartbeatAt":20,"x":1}"#;
    let full = Heartbeat::from_document(Document::parse(full.as_bytes()).unwrap()).unwrap();
    one.upsert(full.clone()).await.unwrap();
    assert_eq!(other.get("w").await.unwrap(), full, "all that is said is kept");
    other.upsert(Heartbeat::new("w", 20)).await.unwrap();
    assert_eq!(one.get("w").await.unwrap(), Heartbeat::new("w", 20), "and nothing that is not");
}

async fn zero_is_now(world: &World) {
    let (one, other) = two(world).await;
    world.clock.set(Instant::new(at(3).seconds(), 4_999_999).unwrap());
    one.upsert(Heartbeat::new("w", 0)).await.unwrap();
    let now = at(3).seconds() * 1_000 + 4;
    assert_eq!(other.get("w").await.unwrap().last_heartbeat_at, now);
}

async fn a_file_of_older_software_is_found(world: &World) {
    raw(world).await.put(older_w(20)).await.unwrap();
    let (one, other) = two(world).await;
    assert_eq!(one.get("w").await.unwrap(), Heartbeat::new("w", 20));
    assert_eq!(other.list().await.unwrap().heartbeats, [Heartbeat::new("w", 20)]);
    assert_eq!(error_of(one.get(OLDER_W).await), "HeartbeatNotFound", "that is another worker");
}

async fn the_fresher_of_two_counts(world: &World) {
    let (one, other) = two(world).await;
    one.upsert(Heartbeat::new("w", 20)).await.unwrap();
    let raw = raw(world).await;
    for (older, counting) in [(10, 20), (30, 30)] {
        raw.put(older_w(older)).await.unwrap();
        assert_eq!(other.get("w").await.unwrap().last_heartbeat_at, counting);
        let list = other.list().await.unwrap().heartbeats;
        assert_eq!(list, [Heartbeat::new("w", counting)], "it is listed once");
    }
}

async fn an_upsert_replaces_the_older_file(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    raw.put(older_w(20)).await.unwrap();
    one.upsert(Heartbeat::new("w", 30)).await.unwrap();
    assert_eq!(ids_of(&raw).await, ["w"]);
    raw.put(older_w(40)).await.unwrap();
    other.upsert(Heartbeat::new("w", 40)).await.unwrap();
    assert_eq!(ids_of(&raw).await, ["w"], "also where both are there");
    assert_eq!(one.get("w").await.unwrap(), Heartbeat::new("w", 40));
}

async fn an_older_upsert_leaves_the_older_file_alone(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    raw.put(older_w(20)).await.unwrap();
    one.upsert(Heartbeat::new("w", 19)).await.unwrap();
    assert_eq!(ids_of(&raw).await, [OLDER_W]);
    assert_eq!(other.get("w").await.unwrap(), Heartbeat::new("w", 20));
}

async fn workers_that_look_like_files_of_others_are_their_own(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    raw.put(older_w(1)).await.unwrap();
    let upper = OLDER_W.to_uppercase();
    let prefixed = format!("id/{OLDER_W}");
    for worker in [OLDER_W, &upper, &prefixed, "id/w"] {
        one.upsert(Heartbeat::new(worker, 2)).await.unwrap();
        assert_eq!(other.get(worker).await.unwrap(), Heartbeat::new(worker, 2));
    }
    assert_eq!(other.get("w").await.unwrap(), Heartbeat::new("w", 1));
    let mut ids = ids_of(&raw).await;
    ids.sort();
    let mut expected = vec![OLDER_W.to_owned(), "id/id/w".to_owned()];
    expected.extend([OLDER_W, &upper, &prefixed].map(|worker| format!("id/{worker}")));
    expected.sort();
    assert_eq!(ids, expected);
}

async fn stale_workers_are_removed_and_counted(world: &World) {
    let (one, other) = two(world).await;
    let before = Instant::new(0, 20_000_000).unwrap();
    for (worker, at) in [("a", 19), ("b", 20), ("c", 21), ("d", -5), ("w", 10)] {
        one.upsert(Heartbeat::new(worker, at)).await.unwrap();
    }
    let raw = raw(world).await;
    raw.put(older_w(15)).await.unwrap();
    assert_eq!(other.delete_stale(before).await.unwrap(), 4, "on all pages; w is one worker");
    assert_eq!(ids_of(&raw).await, ["c"], "both files of w are gone");
    assert_eq!(one.delete_stale(before).await.unwrap(), 0);
    one.upsert(Heartbeat::new("w", 10)).await.unwrap();
    raw.put(older_w(30)).await.unwrap();
    assert_eq!(other.delete_stale(before).await.unwrap(), 0, "the fresher one counts");
    assert_eq!(one.get("w").await.unwrap(), Heartbeat::new("w", 30));
}

async fn a_payload_that_is_no_heartbeat_is_damage(world: &World) {
    let (one, other) = two(world).await;
    one.upsert(Heartbeat::new("a", 1)).await.unwrap();
    let raw = raw(world).await;
    for (text, json) in [
        ("n", "null"),
        ("o", r#"{"workerId":"o","lastHeartbeatAt":"eve"}"#),
        ("p", r#"{"workerId":"a","lastHeartbeatAt":9}"#),
    ] {
        raw.put(flat(text, json)).await.unwrap();
        assert_eq!(error_of(other.get(text).await), "corrupt", "{json}");
    }
    assert_eq!(other.get("a").await.unwrap(), Heartbeat::new("a", 1), "p is not a's");
    let list = other.list().await.unwrap();
    assert_eq!(list.heartbeats, [Heartbeat::new("a", 1)], "nothing blocks");
    let damaged: Vec<_> = list.damaged.iter().map(|damaged| damaged.id.as_str()).collect();
    assert_eq!(damaged, ["n", "o", "p"], "nothing is hidden");
    assert!(list.damaged.iter().all(|damaged| !damaged.message.contains("eve")));
    assert_eq!(one.delete_stale(Instant::MAX).await.unwrap(), 1, "damage is left alone");
    assert_eq!(ids_of(&raw).await, ["n", "o", "p"]);
}

async fn an_upsert_quarantines_what_is_no_heartbeat(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    raw.put(flat("w", "null")).await.unwrap();
    raw.put(flat(OLDER_W, "[]")).await.unwrap();
    one.upsert(Heartbeat::new("w", 1)).await.unwrap();
    assert_eq!(other.get("w").await.unwrap(), Heartbeat::new("w", 1));
    assert_eq!(ids_of(&raw).await, ["w"]);
}

async fn an_ignored_upsert_leaves_damage_alone(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    raw.put(flat("w", "null")).await.unwrap();
    raw.put(older_w(20)).await.unwrap();
    one.upsert(Heartbeat::new("w", 19)).await.unwrap();
    assert_eq!(raw.get(&id("w")).await.unwrap().data.to_text_lossy(), "null");
    assert_eq!(other.get("w").await.unwrap(), Heartbeat::new("w", 20), "it hides nobody");
    one.upsert(Heartbeat::new("w", 20)).await.unwrap();
    assert_eq!(ids_of(&raw).await, ["w"]);
}

async fn a_stale_worker_goes_and_damage_beside_it_stays(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    one.upsert(Heartbeat::new("w", 1)).await.unwrap();
    raw.put(flat(OLDER_W, "{}")).await.unwrap();
    assert_eq!(other.delete_stale(Instant::MAX).await.unwrap(), 1);
    assert_eq!(ids_of(&raw).await, [OLDER_W]);
    assert_eq!(error_of(one.get("w").await), "corrupt");
    assert_eq!(other.delete_stale(Instant::MAX).await.unwrap(), 0);
}

/// A listing goes by the time of creation: one that is on its way to the older
/// file must not miss the worker.
async fn a_worker_that_moves_is_listed_behind_its_older_file(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    raw.put(older_w(20)).await.unwrap();
    world.clock.set(at(-5));
    one.upsert(Heartbeat::new("w", 20)).await.unwrap();
    let moved = raw.get(&id("w")).await.unwrap();
    assert!(moved.created_at > at(0), "{moved:?}");
    world.clock.set(at(9));
    raw.put(older_w(20)).await.unwrap();
    other.upsert(Heartbeat::new("w", 30)).await.unwrap();
    assert_eq!(raw.get(&id("w")).await.unwrap().created_at, moved.created_at);
}

#[test]
fn damaged_files_are_set_aside_and_a_newer_releases_are_not() {
    let newer = r#"{"version":2,"id":"v","encoding":"json","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","data":{"workerId":"v"}}"#;
    let directory = "distributed/workers";
    let fs = sim(disk_with(&[
        (&format!("{directory}/w.json"), "{\"worker"),
        (&format!("{directory}/v.json"), newer),
    ]));
    let store = WorkerHeartbeatStore::new(open(&fs, WorkerHeartbeatStore::spec()), clock());
    for worker in ["v", "w"] {
        assert_eq!(error_of(wait(store.get(worker))), "corrupt");
    }
    assert_eq!(error_of(wait(store.upsert(Heartbeat::new("v", 1)))), "corrupt");
    wait(store.upsert(Heartbeat::new("w", 1))).unwrap();
    assert_eq!(wait(store.get("w")).unwrap(), Heartbeat::new("w", 1));
    let files = files(&fs);
    assert!(files.contains(&(format!("{directory}/v.json"), newer.to_owned())), "{files:?}");
    let kept = files.iter().filter(|(_, content)| content == "{\"worker");
    let kept: Vec<_> = kept.map(|(path, _)| &**path).collect();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].starts_with("distributed/workers/.storeproof.quarantine/w.json"), "{kept:?}");
}

#[test]
fn an_old_process_may_go_on_writing() {
    let fs = sim(disk_with(&[]));
    let store = WorkerHeartbeatStore::new(open(&fs, WorkerHeartbeatStore::spec()), clock());
    let path = format!("distributed/workers/{OLDER_W}.json");
    let write = |at: i64| {
        old_writer_puts(&fs, &path, &format!(r#"{{"workerId":"w","lastHeartbeatAt":{at}}}"#));
    };
    wait(store.upsert(Heartbeat::new("w", 10))).unwrap();
    write(20);
    assert_eq!(wait(store.get("w")).unwrap(), Heartbeat::new("w", 20));
    wait(store.upsert(Heartbeat::new("w", 15))).unwrap();
    assert_eq!(wait(store.get("w")).unwrap(), Heartbeat::new("w", 20), "15 is older");
    wait(store.upsert(Heartbeat::new("w", 30))).unwrap();
    write(25);
    assert_eq!(wait(store.list()).unwrap().heartbeats, [Heartbeat::new("w", 30)]);
    let before = Instant::new(0, 25_000_000).unwrap();
    assert_eq!(wait(store.delete_stale(before)).unwrap(), 0);
    write(40);
    assert_eq!(wait(store.list()).unwrap().heartbeats, [Heartbeat::new("w", 40)]);
}

#[test]
fn genuine_heartbeats_read_as_their_manifest_says() {
    let Some(genuine) = Genuine::read("legacy") else { return };
    let store =
        WorkerHeartbeatStore::new(genuine.open(WorkerHeartbeatStore::spec()), genuine.clock());
    let list = wait(store.list()).unwrap();
    assert_eq!(list.damaged, []);
    let read: Vec<_> =
        list.heartbeats.iter().map(|beat| value(&beat.to_document().to_text())).collect();
    assert_eq!(read, *genuine.manifest["heartbeats"].as_array().unwrap());
    for beat in &list.heartbeats {
        assert_eq!(wait(store.get(&beat.worker_id)).unwrap(), *beat);
        let fresher = Heartbeat { last_heartbeat_at: beat.last_heartbeat_at + 1, ..beat.clone() };
        wait(store.upsert(fresher.clone())).unwrap();
        assert_eq!(wait(store.get(&beat.worker_id)).unwrap(), fresher);
    }
    assert_eq!(wait(store.list()).unwrap().heartbeats.len(), read.len(), "each is listed once");
    assert_eq!(wait(store.delete_stale(Instant::MAX)).unwrap(), read.len() as u64);
    assert_eq!(wait(store.list()).unwrap().heartbeats, []);
}
