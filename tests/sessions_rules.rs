//! Every rule of the sessions store, on every backend, with two instances on
//! one storage: what one acknowledged, the other sees at once.

use std::{path::Path, sync::Arc};

use storeproof::{
    backend::{file::FileBackend, memory::MemoryBackend},
    fs::{Durability, OsFs},
    seam::{
        Backend, Clock, Collection, CollectionExt, Instant, OsEntropy, Payload, Record, Selection,
        SystemClock,
    },
    store::{
        document::Document,
        instant_text::InstantText,
        sessions::{Message, Session, SessionError, SessionList, SessionStore, Sessions},
    },
};

use super::{
    backends::{Rule, World, at, every_backend_keeps, id, rules, wait},
    genuine::{Genuine, value},
};

const RULES: &[Rule] = rules![
    a_session_is_found_by_id_by_user_and_by_parent,
    input_is_judged_first,
    an_id_has_one_session_whoever_owns_it,
    the_session_of_another_user_is_not_found,
    missing_instants_at_creation_are_now,
    an_update_changes_the_title_and_updated_at_alone,
    what_is_deleted_stays_deleted,
    lists_are_newest_first_and_then_by_id,
    messages_are_kept_and_given_in_order,
    a_message_is_added_to_what_is_not_looked_into,
    the_first_message_of_a_user_gives_the_title,
    a_delete_takes_what_is_below_at_every_depth,
    a_delete_comes_to_its_end_in_a_circle,
    a_limit_removes_the_users_oldest_and_never_the_new_one,
    a_payload_that_is_no_session_is_damage,
    what_is_no_session_is_quarantined_by_delete,
    sessions_of_older_software_are_found_in_either_place,
    of_older_duplicates_the_oldest_counts,
];

#[test]
fn sessions_keep_their_contract() {
    every_backend_keeps(RULES);
}

/// Two instances on one storage.
async fn two(world: &World) -> (SessionStore, SessionStore) {
    (store(world).await, store(world).await)
}

async fn store(world: &World) -> SessionStore {
    SessionStore::new(world.open(SessionStore::spec()).await, Arc::new(world.clock.clone()))
}

/// The sessions' collection, as older software sees it: without keys.
async fn raw(world: &World) -> Arc<dyn Collection> {
    world.open(SessionStore::spec().with_keys([])).await
}

fn session(id: &str, user_id: &str) -> Session {
    let mut session = Session::new(id, user_id);
    session.created_at = Some(at(0).into());
    session.updated_at = Some(at(0).into());
    session
}

fn below(parent: &str, mut session: Session) -> Session {
    session.parent_session_id = Some(parent.into());
    session
}

fn created(seconds: i64, mut session: Session) -> Session {
    session.created_at = Some(at(seconds).into());
    session
}

fn message(json: &str) -> Message {
    Message::from_document(Document::parse(json.as_bytes()).expect("an object")).expect("a message")
}

fn stored(place: &str, json: &str) -> Record {
    Record::json(id(place), Payload::json(json.as_bytes()).expect("JSON"), at(0))
}

fn ids(list: &SessionList) -> Vec<&str> {
    list.sessions.iter().map(|session| &*session.id).collect()
}

fn damaged(list: &SessionList) -> Vec<&str> {
    list.damaged.iter().map(|damaged| damaged.id.as_str()).collect()
}

#[track_caller]
fn error_of<T: std::fmt::Debug>(result: Result<T, SessionError>) -> &'static str {
    match result {
        Ok(value) => panic!("an error was expected, not {value:?}"),
        Err(SessionError::InvalidSessionId(_)) => "InvalidSessionId",
        Err(SessionError::InvalidUserId(_)) => "InvalidUserId",
        Err(SessionError::SessionAlreadyExists(_)) => "SessionAlreadyExists",
        Err(SessionError::SessionNotFound) => "SessionNotFound",
        Err(error) => error.kind().name(),
    }
}

async fn a_session_is_found_by_id_by_user_and_by_parent(world: &World) {
    let (one, other) = two(world).await;
    let mut parent = session("a", "u");
    parent.messages = vec![message("{}")];
    one.create(parent.clone()).await.unwrap();
    let child = below("a", session("b", "v"));
    one.create(child.clone()).await.unwrap();
    parent.messages.clear();
    assert_eq!(other.get("a", None).await.unwrap(), parent, "without messages");
    assert_eq!(other.get("b", Some("v")).await.unwrap(), child);
    assert_eq!(other.list("u").await.unwrap().sessions, [parent]);
    assert_eq!(
        other.list("v").await.unwrap().sessions,
        std::slice::from_ref(&child),
        "sub-sessions, too"
    );
    assert_eq!(other.list_sub("a").await.unwrap().sessions, [child]);
    assert_eq!(other.list_sub("b").await.unwrap(), SessionList::default());
    assert_eq!(other.list("nobody").await.unwrap(), SessionList::default());
    assert_eq!(error_of(other.get("c", None).await), "SessionNotFound");
}

async fn input_is_judged_first(world: &World) {
    let (one, _) = two(world).await;
    let long = "x".repeat(1_025);
    for bad in ["", "a\0", "a/b", "/", "a\\b", "..", "a..b", &long] {
        let of_bad = "InvalidSessionId";
        assert_eq!(error_of(one.create(session(bad, bad)).await), of_bad, "{bad:?}");
        assert_eq!(error_of(one.get(bad, Some(bad)).await), of_bad);
        assert_eq!(error_of(one.update(session(bad, "u"), Some(bad)).await), of_bad);
        assert_eq!(error_of(one.delete(bad, Some(bad)).await), of_bad);
        assert_eq!(error_of(one.add_message(bad, Some(bad), message("{}")).await), of_bad);
        assert_eq!(error_of(one.messages(bad, None).await), of_bad);
        assert_eq!(error_of(one.latest_sequence_id(bad, None).await), of_bad);
        assert_eq!(error_of(one.list_sub(bad).await), of_bad);
        let of_bad = "InvalidUserId";
        assert_eq!(error_of(one.create(session("a", bad)).await), of_bad, "{bad:?}");
        assert_eq!(error_of(one.get("a", Some(bad)).await), of_bad);
        assert_eq!(error_of(one.update(session("a", "u"), Some(bad)).await), of_bad);
        assert_eq!(error_of(one.delete("a", Some(bad)).await), of_bad);
        assert_eq!(error_of(one.add_message("a", Some(bad), message("{}")).await), of_bad);
        assert_eq!(error_of(one.messages("a", Some(bad)).await), of_bad);
        assert_eq!(error_of(one.latest_sequence_id("a", Some(bad)).await), of_bad);
        assert_eq!(error_of(one.list(bad).await), of_bad);
    }
    let half = "x".repeat(512);
    assert_eq!(error_of(one.create(session(&half, &half)).await), "InvalidSessionId");
    one.create(session(&half, half.get(1..).unwrap())).await.expect("1 024 bytes with the slash");
    one.create(session(".", "a.json")).await.expect("dots and suffixes are as good as any");
    assert_eq!(one.get(".", Some("a.json")).await.unwrap().user_id, "a.json");
}

async fn an_id_has_one_session_whoever_owns_it(world: &World) {
    let (one, other) = two(world).await;
    one.create(session("a", "u")).await.unwrap();
    one.add_message("a", None, message("{}")).await.unwrap();
    assert_eq!(error_of(other.create(session("a", "u")).await), "SessionAlreadyExists");
    assert_eq!(error_of(other.create(session("a", "v")).await), "SessionAlreadyExists");
    assert_eq!(other.messages("a", Some("u")).await.unwrap().len(), 1, "nothing was overwritten");
    other.delete("a", None).await.unwrap();
    one.create(session("a", "v")).await.expect("the id is free");
}

async fn the_session_of_another_user_is_not_found(world: &World) {
    let (one, other) = two(world).await;
    one.create(session("a", "u")).await.unwrap();
    let nobodys = Some("v");
    assert_eq!(error_of(other.get("a", nobodys).await), "SessionNotFound");
    assert_eq!(error_of(other.update(session("a", "u"), nobodys).await), "SessionNotFound");
    assert_eq!(error_of(other.delete("a", nobodys).await), "SessionNotFound");
    let added = other.add_message("a", nobodys, message("{}")).await;
    assert_eq!(error_of(added), "SessionNotFound");
    assert_eq!(error_of(other.messages("a", nobodys).await), "SessionNotFound");
    assert_eq!(error_of(other.latest_sequence_id("a", nobodys).await), "SessionNotFound");
    assert_eq!(other.get("a", Some("u")).await.unwrap(), session("a", "u"));
}

async fn missing_instants_at_creation_are_now(world: &World) {
    let (one, other) = two(world).await;
    world.clock.set(at(7));
    one.create(Session::new("a", "u")).await.unwrap();
    world.clock.set(at(9));
    let made = other.get("a", None).await.unwrap();
    assert_eq!((made.created_at, made.updated_at), (Some(at(7).into()), Some(at(7).into())));
}

async fn an_update_changes_the_title_and_updated_at_alone(world: &World) {
    let (one, other) = two(world).await;
    let mut original = session("a", "u");
    original.model = Some("m".into());
    original.title = Some("t".into());
    original.unknown = Document::parse(br#"{"x":1e400}"#).unwrap();
    original.created_at = InstantText::parse("2026-01-01T09:00:00+09:00");
    one.create(original.clone()).await.unwrap();
    one.add_message("a", None, message(r#"{"new":1}"#)).await.unwrap();
    let mut stale = below("b", session("a", "v"));
    stale.title = Some("new".into());
    stale.updated_at = Some(Instant::ZERO.into());
    stale.created_at = Some(at(5).into());
    stale.messages = vec![message("{}"), message("{}")];
    stale.unknown = Document::parse(br#"{"x":2,"y":3}"#).unwrap();
    other.update(stale, Some("u")).await.unwrap();
    let updated = one.get("a", None).await.unwrap();
    assert_eq!(updated.created_at.as_ref().unwrap().as_str(), "2026-01-01T09:00:00+09:00");
    original.title = Some("new".into());
    original.updated_at = Some(Instant::ZERO.into());
    assert_eq!(updated, original, "an earlier updated_at is the caller's, too");
    assert_eq!(one.messages("a", None).await.unwrap(), [message(r#"{"new":1}"#)]);
    other.update(Session::new("a", "u"), None).await.unwrap();
    original.title = None;
    assert_eq!(one.get("a", None).await.unwrap(), original, "without title and instant");
}

async fn what_is_deleted_stays_deleted(world: &World) {
    let (one, other) = two(world).await;
    one.create(session("a", "u")).await.unwrap();
    other.delete("a", None).await.unwrap();
    assert_eq!(error_of(one.update(session("a", "u"), None).await), "SessionNotFound");
    assert_eq!(error_of(one.add_message("a", None, message("{}")).await), "SessionNotFound");
    assert_eq!(error_of(one.delete("a", Some("u")).await), "SessionNotFound");
    assert_eq!(error_of(one.get("a", None).await), "SessionNotFound");
    assert_eq!(one.list("u").await.unwrap(), SessionList::default());
}

async fn lists_are_newest_first_and_then_by_id(world: &World) {
    let (one, other) = two(world).await;
    for (id, seconds) in [("d", 1), ("a", 2), ("c", 1), ("b", 1), ("e", 0)] {
        let mut session = below("p", created(10 - seconds, session(id, "u")));
        session.updated_at = Some(at(seconds).into());
        one.create(session).await.unwrap();
    }
    assert_eq!(ids(&other.list("u").await.unwrap()), ["a", "b", "c", "d", "e"], "all pages");
    assert_eq!(ids(&other.list_sub("p").await.unwrap()), ["a", "b", "c", "d", "e"]);
    world.clock.set(at(3));
    one.add_message("e", None, message("{}")).await.unwrap();
    assert_eq!(ids(&other.list("u").await.unwrap()), ["e", "a", "b", "c", "d"]);
}

async fn messages_are_kept_and_given_in_order(world: &World) {
    let (one, other) = two(world).await;
    let first = r#"{"id":"m1","type":"ui_action","sequence_id":7,"ui_action":{"path":"/\u0026"},"cost":0.00123}"#;
    let mut with_one = session("a", "u");
    with_one.messages = vec![message(first)];
    one.create(with_one).await.unwrap();
    let texts = async |store: &SessionStore| -> Vec<String> {
        let messages = store.messages("a", None).await.unwrap();
        messages.iter().map(|message| message.document().to_text()).collect()
    };
    assert_eq!(texts(&other).await, [first], "as it is written");
    let more = [r#"{"sequence_id":9}"#, r#"{"x":1}"#, r#"{"sequence_id":7,"x":2}"#, r#"{"x":3}"#];
    for json in more {
        one.add_message("a", Some("u"), message(json)).await.unwrap();
    }
    let expected = [more[1], more[3], first, more[2], more[0]];
    assert_eq!(texts(&other).await, expected, "by sequence_id, ties as they came");
    assert_eq!(other.latest_sequence_id("a", None).await.unwrap(), 9);
    one.create(session("b", "u")).await.unwrap();
    assert_eq!(other.messages("b", None).await.unwrap(), []);
    assert_eq!(other.latest_sequence_id("b", None).await.unwrap(), 0);
    one.add_message("b", None, message(r#"{"sequence_id":-3}"#)).await.unwrap();
    assert_eq!(other.latest_sequence_id("b", None).await.unwrap(), -3);
}

async fn a_message_is_added_to_what_is_not_looked_into(world: &World) {
    let (one, _) = two(world).await;
    let raw = raw(world).await;
    raw.put(stored("u/a", r#"{"id":"a","user_id":"u","messages":[7]}"#)).await.unwrap();
    one.add_message("a", None, message(r#"{"sequence_id":1}"#)).await.unwrap();
    let json = raw.get(&id("u/a")).await.unwrap().data.to_text_lossy().into_owned();
    assert!(json.contains(r#""messages":[7,{"sequence_id":1}]"#), "{json}");
    assert_eq!(error_of(one.messages("a", None).await), "corrupt", "7 is no message");
    assert_eq!(error_of(one.latest_sequence_id("a", None).await), "corrupt");
}

async fn the_first_message_of_a_user_gives_the_title(world: &World) {
    let (one, other) = two(world).await;
    one.create(session("a", "u")).await.unwrap();
    let title = async || other.get("a", None).await.unwrap().title;
    world.clock.set(at(3));
    for json in [r#"{"type":"assistant","content":"x"}"#, r#"{"type":"user","content":""}"#] {
        one.add_message("a", None, message(json)).await.unwrap();
        assert_eq!(title().await, None, "{json}");
    }
    let long =
        format!(r#"{{"type":"user","content":"{}🙂\u3042{}"}}"#, "é".repeat(46), "x".repeat(3));
    one.add_message("a", None, message(&long)).await.unwrap();
    assert_eq!(title().await, Some("é".repeat(46) + "🙂..."), "51 characters are cut to 47");
    one.add_message("a", None, message(r#"{"type":"user","content":"x"}"#)).await.unwrap();
    assert_eq!(title().await, Some("é".repeat(46) + "🙂..."), "it has one");
    let changed = other.get("a", None).await.unwrap();
    assert_eq!((changed.created_at, changed.updated_at), (Some(at(0).into()), Some(at(3).into())));
}

async fn a_delete_takes_what_is_below_at_every_depth(world: &World) {
    let (one, other) = two(world).await;
    one.create(session("a", "u")).await.unwrap();
    one.create(below("a", session("b", "v"))).await.unwrap();
    one.create(below("b", session("c", "w"))).await.unwrap();
    one.create(below("b", session("d", "u"))).await.unwrap();
    one.create(below("c", session("e", "u"))).await.unwrap();
    one.create(below("x", session("f", "u"))).await.expect("a parent need not be there");
    assert_eq!(error_of(other.delete("a", Some("v")).await), "SessionNotFound");
    assert_eq!(other.list_sub("b").await.unwrap().sessions.len(), 2, "then nothing is removed");
    other.delete("a", Some("u")).await.unwrap();
    assert_eq!(ids(&one.list("u").await.unwrap()), ["f"], "whoever owns them");
    assert_eq!(one.list("v").await.unwrap(), SessionList::default());
    assert_eq!(one.list("w").await.unwrap(), SessionList::default());
}

async fn a_delete_comes_to_its_end_in_a_circle(world: &World) {
    let (one, other) = two(world).await;
    one.create(below("a", session("a", "u"))).await.expect("its own parent");
    one.create(below("c", session("b", "u"))).await.unwrap();
    one.create(below("b", session("c", "u"))).await.unwrap();
    other.delete("a", None).await.unwrap();
    assert_eq!(ids(&one.list("u").await.unwrap()), ["b", "c"]);
    other.delete("b", None).await.unwrap();
    assert_eq!(one.list("u").await.unwrap(), SessionList::default());
}

async fn a_limit_removes_the_users_oldest_and_never_the_new_one(world: &World) {
    let (free, other) = two(world).await;
    let limited = store(world).await.with_limit_per_user(2);
    free.create(session("x", "v")).await.unwrap();
    free.create(created(5, session("b", "u"))).await.unwrap();
    free.create(created(4, session("c", "u"))).await.unwrap();
    free.create(below("c", session("d", "v"))).await.unwrap();
    free.create(created(4, session("a", "u"))).await.unwrap();
    // A sub-session is no reason to remove any.
    limited.create(below("b", created(-9, session("e", "u")))).await.unwrap();
    assert_eq!(ids(&other.list("u").await.unwrap()), ["a", "b", "c", "e"]);
    // Two too many: the oldest, then the smaller id.
    limited.create(created(-10, session("f", "u"))).await.unwrap();
    assert_eq!(ids(&other.list("u").await.unwrap()), ["b", "e", "f"]);
    assert_eq!(ids(&other.list("v").await.unwrap()), ["x"], "the sub-session of c is gone");
    limited.create(created(9, session("g", "u"))).await.unwrap();
    assert_eq!(ids(&other.list("u").await.unwrap()), ["b", "e", "g"]);
    assert_eq!(error_of(limited.create(session("g", "u")).await), "SessionAlreadyExists");
    assert_eq!(ids(&other.list("u").await.unwrap()), ["b", "e", "g"], "a refusal removes nothing");
    limited.create(session("h", "v")).await.unwrap();
    assert_eq!(ids(&other.list("v").await.unwrap()), ["h", "x"]);
}

async fn a_payload_that_is_no_session_is_damage(world: &World) {
    let (one, other) = two(world).await;
    one.create(session("a", "u")).await.unwrap();
    let raw = raw(world).await;
    let foreign = [
        ("u/n", "null"),
        ("u/o", r#"{"id":"o","user_id":"u","title":7}"#),
        ("u/p", r#"{"id":"p","user_id":"v"}"#),
        ("q", r#"{"id":"q","user_id":"u","created_at":"today"}"#),
        ("v/r", r#"{"id":"r","user_id":"v","parent_session_id":"a","messages":{}}"#),
    ];
    for (place, json) in foreign {
        raw.put(stored(place, json)).await.unwrap();
    }
    for (id, owner) in [("n", Some("u")), ("o", None), ("o", Some("u")), ("q", None), ("r", None)] {
        assert_eq!(error_of(other.get(id, owner).await), "corrupt", "{id}");
        assert_eq!(error_of(other.update(session(id, "u"), owner).await), "corrupt", "{id}");
        assert_eq!(error_of(other.messages(id, owner).await), "corrupt", "{id}");
        let added = other.add_message(id, owner, message("{}")).await;
        assert_eq!(error_of(added), "corrupt", "{id}");
    }
    assert_eq!(error_of(other.get("o", Some("v")).await), "SessionNotFound");
    assert_eq!(error_of(other.create(session("n", "u")).await), "SessionAlreadyExists");
    let list = other.list("u").await.unwrap();
    assert_eq!(list.sessions, [session("a", "u")], "nothing blocks");
    assert_eq!(damaged(&list), ["q", "u/o"], "what says whose it is is named");
    assert!(list.damaged.iter().all(|damaged| !damaged.message.contains("today")));
    assert_eq!(damaged(&other.list_sub("a").await.unwrap()), ["v/r"]);
    other.delete("a", None).await.expect("what is no session is no sub-session");
    assert_eq!(error_of(other.get("r", None).await), "corrupt");
}

async fn what_is_no_session_is_quarantined_by_delete(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    raw.put(stored("u/n", "null")).await.unwrap();
    raw.put(stored("o", r#"{"id":"o","user_id":7}"#)).await.unwrap();
    assert_eq!(error_of(one.delete("o", None).await), "corrupt", "whose it is must be said");
    for (id, owner) in [("n", Some("u")), ("o", Some("u"))] {
        one.delete(id, owner).await.unwrap();
        assert_eq!(error_of(other.get(id, owner).await), "SessionNotFound");
        assert_eq!(error_of(other.delete(id, owner).await), "SessionNotFound");
        other.create(session(id, "u")).await.expect("the id is free");
    }
}

async fn sessions_of_older_software_are_found_in_either_place(world: &World) {
    let (one, other) = two(world).await;
    let raw = raw(world).await;
    let json = |id: &str, rest: &str| {
        format!("{{\n  \"id\": \"{id}\",\n  \"user_id\": \"ユーザー\"{rest}\n}}")
    };
    raw.put(stored("flat", &json("flat", ",\n  \"messages\": null"))).await.unwrap();
    raw.put(stored("ユーザー/nested", &json("nested", ",\n  \"parent_session_id\": \"flat\"")))
        .await
        .unwrap();
    assert_eq!(ids(&one.list("ユーザー").await.unwrap()), ["flat", "nested"]);
    assert_eq!(one.get("flat", None).await.unwrap().created_at, Some(at(0).into()));
    world.clock.set(at(4));
    one.add_message("flat", Some("ユーザー"), message(r#"{"sequence_id":3}"#)).await.unwrap();
    assert_eq!(other.latest_sequence_id("flat", None).await.unwrap(), 3);
    assert_eq!(raw.count(&Selection::all()).await.unwrap(), 2, "updated in place");
    assert_eq!(other.get("flat", None).await.unwrap().created_at, Some(at(0).into()));
    assert_eq!(error_of(other.create(session("flat", "u")).await), "SessionAlreadyExists");
    other.delete("flat", None).await.unwrap();
    assert_eq!(one.list("ユーザー").await.unwrap(), SessionList::default());
}

async fn of_older_duplicates_the_oldest_counts(world: &World) {
    let raw = raw(world).await;
    for (place, user_id, seconds) in [("v/a", "v", 1), ("w/a", "w", 1), ("u/a", "u", 5)] {
        let json = format!(r#"{{"id":"a","user_id":"{user_id}"}}"#);
        let mut record = stored(place, &json);
        record.created_at = at(seconds);
        raw.put(record).await.unwrap();
    }
    let (one, other) = two(world).await;
    let owner = async || one.get("a", None).await.unwrap().user_id;
    assert_eq!(owner().await, "v", "the oldest, then the smallest user");
    for user_id in ["u", "v", "w"] {
        assert_eq!(ids(&one.list(user_id).await.unwrap()), ["a"], "each is its user's");
    }
    other.add_message("a", Some("u"), message("{}")).await.expect("it holds the id already");
    assert_eq!(one.messages("a", None).await.unwrap(), [], "the others are others");
    assert_eq!(error_of(other.create(session("a", "x")).await), "SessionAlreadyExists");
    one.delete("a", None).await.unwrap();
    assert_eq!(owner().await, "w");
    one.delete("a", None).await.unwrap();
    assert_eq!(owner().await, "u");
}

/// Real threads, each with a store of its own: however their calls fall, the
/// limit holds when all are done, and no two remove each other.
#[test]
#[expect(clippy::disallowed_methods, reason = "true concurrency is what is being tried")]
fn the_limit_holds_when_sessions_are_created_at_the_same_time() {
    const THREADS: usize = 4;
    for round in 0..40 {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let backend = MemoryBackend::new(Arc::clone(&clock));
        let limit = 1 + round % 3;
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (backend, clock) = (&backend, Arc::clone(&clock));
                scope.spawn(move || {
                    let collection = wait(backend.open(SessionStore::spec())).unwrap();
                    let store = SessionStore::new(collection, clock).with_limit_per_user(limit);
                    // With one each, the limit is reached by all at once.
                    for number in 0..1 + round % 4 {
                        let session = Session::new(format!("{thread}-{number}"), "u");
                        wait(store.create(session)).unwrap();
                    }
                });
            }
        });
        let collection = wait(backend.open(SessionStore::spec())).unwrap();
        let left = wait(SessionStore::new(collection, clock).list("u")).unwrap();
        assert_eq!(left.sessions.len(), limit, "round {round}: {:?}", ids(&left));
    }
}

/// A store on the files below a directory.
fn on_files(directory: &Path) -> SessionStore {
    let fs = OsFs::open(directory).unwrap().with_durability(Durability::Process);
    let backend = FileBackend::new(fs, Arc::new(SystemClock), Arc::new(OsEntropy));
    let collection = wait(backend.open(SessionStore::spec())).unwrap();
    SessionStore::new(collection, Arc::new(SystemClock))
}

/// What the original software wrote, with what it says of it.
#[test]
fn genuine_sessions_are_read_as_the_software_that_wrote_them_says() {
    let Some(genuine) = Genuine::read("legacy") else { return };
    let store = SessionStore::new(genuine.open(SessionStore::spec()), genuine.clock());
    let manifest = &genuine.manifest;
    let sessions = manifest["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 6);
    for expected in sessions {
        let id = expected["session"]["id"].as_str().unwrap();
        let session = wait(store.get(id, None)).unwrap();
        let mut read = value(&session.to_document().to_text());
        read.as_object_mut().unwrap().remove("messages");
        assert_eq!(read, expected["session"]);
        let messages = wait(store.messages(id, None)).unwrap();
        let messages: Vec<_> =
            messages.iter().map(|message| value(&message.document().to_text())).collect();
        assert_eq!(messages, *expected["messages"].as_array().unwrap());
        let latest = wait(store.latest_sequence_id(id, None)).unwrap();
        assert_eq!(latest, expected["latest_sequence_id"].as_i64().unwrap());
        let sub_sessions = wait(store.list_sub(id)).unwrap();
        let mut sub_sessions = ids(&sub_sessions);
        sub_sessions.sort_unstable();
        assert_eq!(serde_json::json!(sub_sessions), expected["sub_session_ids"]);
    }
    for (user_id, expected) in manifest["sessions_by_user_newest_first"].as_object().unwrap() {
        let list = wait(store.list(user_id)).unwrap();
        assert_eq!(serde_json::json!(ids(&list)), *expected);
        assert_eq!(list.damaged, []);
    }
    let parent = "d0000000-0000-4000-8000-000000000001";
    wait(store.add_message(parent, None, message(r#"{"sequence_id":6}"#))).unwrap();
    assert_eq!(wait(store.latest_sequence_id(parent, None)).unwrap(), 6);
    wait(store.delete(parent, None)).unwrap();
    let left = wait(store.list("11111111-1111-4111-8111-111111111111")).unwrap();
    assert_eq!(ids(&left), ["d0000000-0000-4000-8000-000000000002"]);
}

/// A damaged file is the session that its place stands for.
#[test]
#[expect(clippy::disallowed_methods, reason = "it damages files")]
fn a_damaged_file_is_corrupt_and_named_and_goes_to_quarantine() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = directory.path().join("agent/sessions");
    std::fs::create_dir_all(sessions.join("u")).unwrap();
    std::fs::write(sessions.join("u/a.json"), "{\"id\":\"a\"").unwrap();
    std::fs::write(sessions.join("b.json"), "secret").unwrap();
    let store = on_files(directory.path());
    for (id, owner) in [("a", None), ("a", Some("u")), ("b", None), ("b", Some("u"))] {
        assert_eq!(error_of(wait(store.get(id, owner))), "corrupt", "{id}");
    }
    assert_eq!(error_of(wait(store.get("a", Some("v")))), "SessionNotFound");
    let of = |user_id: &str| wait(store.list(user_id)).unwrap();
    assert_eq!(damaged(&of("u")), ["b", "u/a"]);
    assert_eq!(damaged(&of("v")), ["b"], "a flat one may be anybody's");
    assert!(!format!("{:?}", of("u")).contains("secret"));
    let mut titled = session("t", "u");
    titled.title = Some("what was said first".to_owned());
    assert!(!format!("{titled:?}").contains("said"), "{titled:?}");
    assert_eq!(error_of(wait(store.create(session("a", "u")))), "SessionAlreadyExists");
    for id in ["a", "b"] {
        assert_eq!(error_of(wait(store.delete(id, None))), "corrupt", "whose it is must be said");
        wait(store.delete(id, Some("u"))).unwrap();
        assert_eq!(error_of(wait(store.get(id, None))), "SessionNotFound");
        wait(store.create(session(id, "u"))).expect("the id is free");
    }
}

/// What lies at the other place an id may have is somebody else's, and stays.
#[test]
#[expect(clippy::disallowed_methods, reason = "it damages files")]
fn a_damaged_file_is_removed_beside_another_users_session_of_that_id() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = directory.path().join("agent/sessions");
    std::fs::create_dir_all(sessions.join("u")).unwrap();
    std::fs::write(sessions.join("u/a.json"), "{\"id\":\"a\"").unwrap();
    let theirs = session("a", "v").to_document().to_text();
    std::fs::write(sessions.join("a.json"), theirs).unwrap();
    let store = on_files(directory.path());
    assert_eq!(error_of(wait(store.get("a", Some("u")))), "corrupt");
    wait(store.delete("a", Some("u"))).unwrap();
    assert_eq!(error_of(wait(store.get("a", Some("u")))), "SessionNotFound");
    assert_eq!(wait(store.get("a", Some("v"))).unwrap().user_id, "v");
}

/// Nobody can say which of the two is whose.
#[test]
#[expect(clippy::disallowed_methods, reason = "it damages files")]
fn of_two_damaged_files_under_one_id_each_is_removed_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = directory.path().join("agent/sessions");
    std::fs::create_dir_all(sessions.join("u")).unwrap();
    std::fs::write(sessions.join("u/a.json"), "{\"id\":\"a\"").unwrap();
    std::fs::write(sessions.join("a.json"), "{\"id\":\"a\"").unwrap();
    let store = on_files(directory.path());
    assert_eq!(error_of(wait(store.get("a", Some("u")))), "corrupt");
    let mut deletions = 0;
    while error_of(wait(store.get("a", Some("u")))) == "corrupt" {
        wait(store.delete("a", Some("u"))).unwrap();
        deletions += 1;
        assert!(deletions <= 2, "it is still damaged");
    }
    assert_eq!(error_of(wait(store.get("a", Some("u")))), "SessionNotFound");
    wait(store.create(session("a", "u"))).expect("the id is free");
}
