//! What a store does where something comes between two of its calls of the collection:
//! another client's write, or a failure.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use storeproof::{
    backend::memory::MemoryBackend,
    bugs::flaws::{Flaw, Flawed},
    seam::{
        Backend, Collection, CollectionExt, Error, Found, Outcome, Payload, Record, RecordId,
        Result, Site, Write,
    },
    store::{
        error::Kind,
        sessions::{Session, SessionStore, Sessions},
        worker_heartbeats::{Heartbeat, HeartbeatError, WorkerHeartbeatStore, WorkerHeartbeats},
    },
};

use super::{
    backends::at,
    file_backend::{clock, disk_with, id, open, sim, wait},
};

/// Right before a call, counted from 0, of those that concern somebody.
struct Before {
    call: usize,
    calls: Arc<AtomicUsize>,
}

impl Before {
    /// Whether it is this call.
    fn is_now(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) == self.call
    }
}

fn session(id: &str, user_id: &str) -> Session {
    let mut session = Session::new(id, user_id);
    session.created_at = Some(at(0).into());
    session.updated_at = Some(at(0).into());
    session
}

/// A session comes to its place right before this is looked at.
struct SessionComes {
    place: RecordId,
    session: Session,
    before: Before,
}

#[async_trait]
impl Flaw for SessionComes {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        if *id == self.place && self.before.is_now() {
            let data = self.session.to_document().to_payload();
            sound.put(Record::json(id.clone(), data, at(0))).await?;
        }
        sound.get(id).await
    }
}

#[test]
fn a_session_that_comes_while_damage_in_its_place_is_deleted_goes_as_well() {
    for call in 0.. {
        assert!(call < 20, "the place is looked at again and again");
        let fs = sim(disk_with(&[("agent/sessions/a.json", "{\"id\":\"a\"")]));
        let calls = Arc::new(AtomicUsize::new(0));
        let before = Before { call, calls: Arc::clone(&calls) };
        let flaw = SessionComes { place: id("u/a"), session: session("a", "u"), before };
        let store = SessionStore::new(Flawed::over(open(&fs, SessionStore::spec()), flaw), clock());
        wait(store.delete("a", Some("u"))).expect("it is deleted");
        let looked = calls.load(Ordering::Relaxed);
        let left = wait(store.list("u")).unwrap().sessions;
        assert!(left.is_empty(), "it came before look {call} and was left: {left:?}");
        if looked <= call {
            assert!(call > 0, "nobody looks whether there is a session");
            return;
        }
    }
}

/// No key finds anything, though it is there: what a key is of is not what is stored (rows
/// that were put into a database by hand, files that were written in place).
#[derive(Default)]
struct KeysAreBehind(AtomicUsize);

#[async_trait]
impl Flaw for KeysAreBehind {
    async fn find(&self, sound: &dyn Collection, key: &str, _parts: &[&str]) -> Result<Found> {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) < 20, "it looks for ever");
        sound.find(key, &["nobody's"]).await
    }
}

#[test]
fn a_session_that_no_key_finds_is_found_by_its_place() {
    let backend = MemoryBackend::new(clock());
    let collection = wait(backend.open(SessionStore::spec())).unwrap();
    let sound = SessionStore::new(Arc::clone(&collection), clock());
    wait(sound.create(session("a", "u"))).unwrap();
    let flaw = KeysAreBehind::default();
    let store = SessionStore::new(Flawed::over(collection, flaw), clock());
    assert_eq!(wait(store.get("a", Some("u"))).unwrap().id, "a");
    assert_eq!(wait(store.get("b", Some("u"))).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn what_lies_in_a_sessions_place_and_says_another_id_is_damage() {
    let backend = MemoryBackend::new(clock());
    let collection = wait(backend.open(SessionStore::spec())).unwrap();
    let data = Payload::json(br#"{"id":"u/a","user_id":"x"}"#.as_slice()).unwrap();
    wait(collection.put(Record::json(id("u/a"), data, at(0)))).unwrap();
    let flaw = KeysAreBehind::default();
    let store = SessionStore::new(Flawed::over(collection, flaw), clock());
    assert_eq!(wait(store.get("a", Some("u"))).unwrap_err().kind(), Kind::Corrupt);
    wait(store.delete("a", Some("u"))).expect("it is set aside");
    assert_eq!(wait(store.get("a", Some("u"))).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_worker_that_no_key_finds_is_found_by_its_place() {
    let backend = MemoryBackend::new(clock());
    let collection = wait(backend.open(WorkerHeartbeatStore::spec())).unwrap();
    let sound = WorkerHeartbeatStore::new(Arc::clone(&collection), clock());
    wait(sound.upsert(Heartbeat::new("w", 1))).unwrap();
    let flaw = KeysAreBehind::default();
    let store = WorkerHeartbeatStore::new(Flawed::over(collection, flaw), clock());
    assert_eq!(wait(store.get("w")).unwrap().worker_id, "w");
    assert_eq!(wait(store.get("v")).unwrap_err().kind(), Kind::NotFound);
}

/// The session that is being created is deleted right before its user's are counted.
struct OwnGoes(Before);

#[async_trait]
impl Flaw for OwnGoes {
    async fn find(&self, sound: &dyn Collection, key: &str, parts: &[&str]) -> Result<Found> {
        if key == "user_id" {
            if self.0.is_now() {
                sound.delete(&id("u/own")).await?;
            }
            assert!(self.0.calls.load(Ordering::Relaxed) < 10, "it trims for ever");
        }
        sound.find(key, parts).await
    }
}

#[test]
fn a_session_that_is_gone_before_its_limit_is_kept_removes_nothing() {
    let backend = MemoryBackend::new(clock());
    let collection = wait(backend.open(SessionStore::spec())).unwrap();
    let all = SessionStore::new(Arc::clone(&collection), clock());
    for id in ["x", "y"] {
        wait(all.create(session(id, "u"))).unwrap();
    }
    let flaw = OwnGoes(Before { call: 0, calls: Arc::default() });
    let limited = SessionStore::new(Flawed::over(collection, flaw), clock()).with_limit_per_user(1);
    wait(limited.create(session("own", "u"))).expect("it was created, and is gone again");
    let left = wait(all.list("u")).unwrap().sessions;
    let left: Vec<&str> = left.iter().map(|session| &*session.id).collect();
    assert_eq!(left, ["x", "y"]);
}

/// A commit fails, and does nothing.
struct CommitFails(Before);

#[async_trait]
impl Flaw for CommitFails {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        if !self.0.is_now() {
            return sound.commit(writes).await;
        }
        Err(Error::Backend {
            site: Site::new("planted", &sound.spec().name, None),
            problem: "the connection is gone".to_owned(),
            outcome: Outcome::NotDone,
        })
    }
}

/// Deletes two stale workers, of which one removal fails.
fn delete_two_stale(failing: usize) -> HeartbeatError {
    let backend = MemoryBackend::new(clock());
    let collection = wait(backend.open(WorkerHeartbeatStore::spec())).unwrap();
    let sound = WorkerHeartbeatStore::new(Arc::clone(&collection), clock());
    for worker in ["v", "w"] {
        wait(sound.upsert(Heartbeat::new(worker, 1))).unwrap();
    }
    let flaw = CommitFails(Before { call: failing, calls: Arc::default() });
    let store = WorkerHeartbeatStore::new(Flawed::over(collection, flaw), clock());
    wait(store.delete_stale(at(1_000))).expect_err("one can't be removed")
}

#[test]
fn removing_stale_workers_says_truly_how_far_it_came() {
    let error = delete_two_stale(0);
    assert!(matches!(error, HeartbeatError::Storage(_)), "nothing was removed: {error}");
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
    let error = delete_two_stale(1);
    assert!(matches!(error, HeartbeatError::Interrupted { removed: 1, .. }), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
}

#[test]
fn an_upsert_that_set_nothing_aside_does_not_say_so() {
    let backend = MemoryBackend::new(clock());
    let collection = wait(backend.open(WorkerHeartbeatStore::spec())).unwrap();
    let flaw = CommitFails(Before { call: 0, calls: Arc::default() });
    let store = WorkerHeartbeatStore::new(Flawed::over(collection, flaw), clock());
    let error = wait(store.upsert(Heartbeat::new("w", 1))).expect_err("it can't be written");
    assert!(matches!(error, HeartbeatError::Storage(_)), "{error}");
    assert_eq!(error.outcome(), Outcome::NotDone, "{error}");
}
