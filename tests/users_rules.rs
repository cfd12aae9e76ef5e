//! Every rule of the users store, on every backend, with two instances on one
//! storage: what one acknowledged, the other sees at once.

use std::sync::Arc;

use storeproof::{
    seam::{Collection, CollectionExt, CollectionSpec, Instant, Payload, Record},
    store::{
        document::Document,
        instant_text::InstantText,
        users::{User, UserError, UserStore, Users},
    },
};

use super::backends::{Rule, World, at, every_backend_keeps, id, rules};

const RULES: &[Rule] = rules![
    a_user_is_found_by_id_name_and_identity,
    input_is_judged_first,
    an_id_a_name_and_an_identity_have_one_user,
    existence_comes_before_the_name_and_the_name_before_the_identity,
    half_an_identity_is_none,
    missing_instants_at_creation_are_now,
    an_update_replaces_what_is_known_and_keeps_what_is_not,
    an_update_frees_the_old_name_and_identity,
    an_update_never_brings_a_user_back,
    created_at_never_changes_and_unchanged_instants_keep_their_text,
    a_delete_frees_everything,
    a_list_is_complete_and_in_order,
    a_payload_that_is_no_user_is_damage,
    what_is_no_user_is_quarantined_by_delete,
    users_of_older_software_read_and_write,
    older_duplicates_belong_to_the_oldest,
];

#[test]
fn users_keep_their_contract() {
    every_backend_keeps(RULES);
}

/// Two instances on one storage.
async fn two(world: &World) -> (UserStore, UserStore) {
    (store(world).await, store(world).await)
}

async fn store(world: &World) -> UserStore {
    UserStore::new(world.open(UserStore::spec()).await, Arc::new(world.clock.clone()))
}

/// The users' collection, as older software sees it: without keys.
async fn raw(world: &World) -> Arc<dyn Collection> {
    world.open(CollectionSpec::new("users")).await
}

fn user(id: &str, name: &str) -> User {
    let mut user = User::new(id, name);
    user.created_at = Some(at(0).into());
    user.updated_at = Some(at(0).into());
    user
}

fn with_identity(mut user: User, issuer: &str, subject: &str) -> User {
    user.oidc_issuer = Some(issuer.into());
    user.oidc_subject = Some(subject.into());
    user
}

fn flat(text: &str, json: &str) -> Record {
    Record::json(id(text), Payload::json(json.as_bytes()).expect("JSON"), at(0))
}

#[track_caller]
fn error_of<T: std::fmt::Debug>(result: Result<T, UserError>) -> &'static str {
    match result {
        Ok(value) => panic!("an error was expected, not {value:?}"),
        Err(UserError::InvalidUserId(_)) => "InvalidUserId",
        Err(UserError::InvalidUsername) => "InvalidUsername",
        Err(UserError::UserAlreadyExists(_)) => "UserAlreadyExists",
        Err(UserError::OidcIdentityAlreadyExists(_)) => "OidcIdentityAlreadyExists",
        Err(UserError::UserNotFound) => "UserNotFound",
        Err(UserError::OidcIdentityNotFound) => "OidcIdentityNotFound",
        Err(error) => error.kind().name(),
    }
}

async fn a_user_is_found_by_id_name_and_identity(world: &World) {
    let (one, other) = two(world).await;
    let ann = with_identity(user("a", "ann"), "i", "s");
    one.create(ann.clone()).await.unwrap();
    assert_eq!(other.get("a").await.unwrap(), ann);
    assert_eq!(other.get_by_username("ann").await.unwrap(), ann);
    assert_eq!(other.get_by_oidc_identity("i", "s").await.unwrap(), ann);
    assert_eq!(other.count().await.unwrap(), 1);
    assert_eq!(error_of(other.get("b").await), "UserNotFound");
    assert_eq!(error_of(other.get_by_username("Ann").await), "UserNotFound");
    assert_eq!(error_of(other.get_by_oidc_identity("s", "i").await), "OidcIdentityNotFound");
}

async fn input_is_judged_first(world: &World) {
    let (one, _) = two(world).await;
    let long = "x".repeat(1_025);
    for bad in ["", "a\0", &long] {
        assert_eq!(error_of(one.create(user(bad, "")).await), "InvalidUserId");
        assert_eq!(error_of(one.update(user(bad, "")).await), "InvalidUserId");
        assert_eq!(error_of(one.get(bad).await), "InvalidUserId");
        assert_eq!(error_of(one.delete(bad).await), "InvalidUserId");
    }
    assert_eq!(error_of(one.create(user("a", "")).await), "InvalidUsername");
    assert_eq!(error_of(one.update(user("a", "")).await), "InvalidUsername");
    assert_eq!(error_of(one.get_by_username("").await), "InvalidUsername");
    for (issuer, subject) in [("", "s"), ("i", ""), ("", "")] {
        let found = one.get_by_oidc_identity(issuer, subject).await;
        assert_eq!(error_of(found), "OidcIdentityNotFound");
    }
    one.create(user("any/../id of a record", "ann")).await.expect("ids are record ids");
}

async fn an_id_a_name_and_an_identity_have_one_user(world: &World) {
    let (one, other) = two(world).await;
    one.create(with_identity(user("a", "ann"), "i", "s")).await.unwrap();
    assert_eq!(error_of(other.create(user("a", "bob")).await), "UserAlreadyExists");
    assert_eq!(error_of(other.create(user("b", "ann")).await), "UserAlreadyExists");
    let same_identity = with_identity(user("b", "bob"), "i", "s");
    assert_eq!(error_of(other.create(same_identity.clone()).await), "OidcIdentityAlreadyExists");
    other.create(with_identity(user("b", "bob"), "i", "t")).await.unwrap();
    assert_eq!(error_of(one.update(user("b", "ann")).await), "UserAlreadyExists");
    assert_eq!(error_of(one.update(same_identity).await), "OidcIdentityAlreadyExists");
    let bob = with_identity(user("b", "bob"), "i", "t");
    assert_eq!(one.get("b").await.unwrap(), bob, "a refused update changes nothing");
    one.update(bob).await.expect("a user may keep what it has");
}

async fn existence_comes_before_the_name_and_the_name_before_the_identity(world: &World) {
    let (one, other) = two(world).await;
    one.create(with_identity(user("a", "ann"), "i", "s")).await.unwrap();
    let both = with_identity(user("b", "ann"), "i", "s");
    assert_eq!(error_of(other.update(both.clone()).await), "UserNotFound");
    assert_eq!(error_of(other.create(both).await), "UserAlreadyExists");
}

async fn half_an_identity_is_none(world: &World) {
    let (one, other) = two(world).await;
    one.create(with_identity(user("a", "ann"), "i", "")).await.unwrap();
    other.create(with_identity(user("b", "bob"), "i", "")).await.unwrap();
    other.create(with_identity(user("c", "eve"), "", "")).await.unwrap();
    let read = one.get("b").await.unwrap();
    assert_eq!((read.oidc_issuer.as_deref(), read.oidc_subject.as_deref()), (Some("i"), Some("")));
}

async fn missing_instants_at_creation_are_now(world: &World) {
    let (one, other) = two(world).await;
    world.clock.set(at(7));
    one.create(User::new("a", "ann")).await.unwrap();
    let read = other.get("a").await.unwrap();
    assert_eq!((read.created_at, read.updated_at), (Some(at(7).into()), Some(at(7).into())));
}

async fn an_update_replaces_what_is_known_and_keeps_what_is_not(world: &World) {
    let (one, other) = two(world).await;
    let json = r#"{"id":"a","username":"ann","password_hash":"h","role":"admin","workspace_access":{"all":true},"auth_provider":"builtin","is_disabled":true,"big":123456789012345678901234567890,"x":{"a":1,"a":2}}"#;
    raw(world).await.put(flat("a", json)).await.unwrap();
    let mut given = user("a", "bob");
    given.unknown = Document::parse(br#"{"x":1e400,"y":null}"#).unwrap();
    one.update(given).await.unwrap();
    let read = other.get("a").await.unwrap();
    assert_eq!((&*read.username, &*read.password_hash, &*read.role), ("bob", "", ""));
    assert_eq!((read.workspace_access, read.auth_provider, read.is_disabled), (None, None, None));
    let kept = r#"{"big":123456789012345678901234567890,"x":1e400,"y":null}"#;
    assert_eq!(read.unknown.to_text(), kept);
}

async fn an_update_frees_the_old_name_and_identity(world: &World) {
    let (one, other) = two(world).await;
    one.create(with_identity(user("a", "ann"), "i", "s")).await.unwrap();
    other.update(user("a", "anna")).await.unwrap();
    assert_eq!(error_of(one.get_by_username("ann").await), "UserNotFound");
    assert_eq!(error_of(one.get_by_oidc_identity("i", "s").await), "OidcIdentityNotFound");
    assert_eq!(one.get_by_username("anna").await.unwrap().id, "a");
    one.create(with_identity(user("b", "ann"), "i", "s")).await.expect("both are free");
}

async fn an_update_never_brings_a_user_back(world: &World) {
    let (one, other) = two(world).await;
    one.create(user("a", "ann")).await.unwrap();
    other.delete("a").await.unwrap();
    assert_eq!(error_of(one.update(user("a", "ann")).await), "UserNotFound");
    assert_eq!(other.count().await.unwrap(), 0);
}

async fn created_at_never_changes_and_unchanged_instants_keep_their_text(world: &World) {
    let (one, other) = two(world).await;
    let text = |text: &str| InstantText::parse(text);
    let mut ann = User::new("a", "ann");
    ann.created_at = text("2026-01-01T09:00:00.50+09:00");
    ann.updated_at = text("2026-01-01T09:00:00+09:00");
    one.create(ann.clone()).await.unwrap();
    let times = |user: &User| {
        [&user.created_at, &user.updated_at].map(|at| at.as_ref().unwrap().to_string())
    };
    assert_eq!(times(&other.get("a").await.unwrap()), times(&ann), "the text is kept");
    ann.created_at = Some(at(99).into());
    ann.updated_at = text("2026-01-01T00:00:00Z");
    other.update(ann.clone()).await.unwrap();
    let kept = ["2026-01-01T09:00:00.50+09:00", "2026-01-01T09:00:00+09:00"];
    assert_eq!(times(&one.get("a").await.unwrap()), kept, "an equal instant is no change");
    ann.updated_at = None;
    other.update(ann.clone()).await.unwrap();
    assert_eq!(times(&one.get("a").await.unwrap()), kept, "none given: the stored one");
    ann.updated_at = Some(Instant::ZERO.into());
    other.update(ann).await.unwrap();
    let earlier = [kept[0], "0001-01-01T00:00:00Z"];
    assert_eq!(times(&one.get("a").await.unwrap()), earlier, "the caller's, even an earlier one");
}

async fn a_delete_frees_everything(world: &World) {
    let (one, other) = two(world).await;
    let ann = with_identity(user("a", "ann"), "i", "s");
    one.create(ann.clone()).await.unwrap();
    other.delete("a").await.unwrap();
    assert_eq!(error_of(one.delete("a").await), "UserNotFound");
    assert_eq!(error_of(one.get("a").await), "UserNotFound");
    assert_eq!(error_of(one.get_by_username("ann").await), "UserNotFound");
    assert_eq!(error_of(one.get_by_oidc_identity("i", "s").await), "OidcIdentityNotFound");
    assert_eq!(one.list().await.unwrap().users, []);
    one.create(ann).await.expect("all is free");
    assert_eq!(other.count().await.unwrap(), 1);
}

async fn a_list_is_complete_and_in_order(world: &World) {
    let (one, other) = two(world).await;
    for (id, seconds) in [("d", 1), ("a", 2), ("c", 1), ("b", 1), ("e", 0)] {
        let mut user = user(id, &format!("name of {id}"));
        user.created_at = Some(at(seconds).into());
        one.create(user).await.unwrap();
    }
    let list = other.list().await.unwrap();
    let ids: Vec<_> = list.users.iter().map(|user| &*user.id).collect();
    assert_eq!(ids, ["e", "b", "c", "d", "a"], "all pages, by (created_at, id)");
    assert_eq!(list.damaged, []);
    assert_eq!(other.count().await.unwrap(), 5);
}

async fn a_payload_that_is_no_user_is_damage(world: &World) {
    let (one, other) = two(world).await;
    one.create(user("a", "ann")).await.unwrap();
    let raw = raw(world).await;
    let foreign = [
        ("n", "null"),
        ("o", r#"{"id":"o"}"#),
        ("p", r#"{"id":"a","username":"bob"}"#),
        ("q", r#"{"id":"q","username":"eve","created_at":"today"}"#),
    ];
    for (text, json) in foreign {
        raw.put(flat(text, json)).await.unwrap();
        assert_eq!(error_of(other.get(text).await), "corrupt", "{json}");
        assert_eq!(error_of(other.update(user(text, "new")).await), "corrupt", "{json}");
        assert_eq!(error_of(other.create(user(text, "new")).await), "UserAlreadyExists", "{json}");
    }
    assert_eq!(error_of(other.get_by_username("eve").await), "corrupt");
    let list = other.list().await.unwrap();
    assert_eq!(list.users, [user("a", "ann")], "nothing blocks");
    let damaged: Vec<_> = list.damaged.iter().map(|damaged| damaged.id.as_str()).collect();
    assert_eq!(damaged, ["n", "o", "p", "q"], "nothing is hidden");
    assert!(list.damaged.iter().all(|damaged| !damaged.message.contains("eve")));
}

async fn what_is_no_user_is_quarantined_by_delete(world: &World) {
    let (one, other) = two(world).await;
    raw(world).await.put(flat("n", "null")).await.unwrap();
    one.delete("n").await.unwrap();
    assert_eq!(error_of(other.get("n").await), "UserNotFound");
    assert_eq!(error_of(other.delete("n").await), "UserNotFound");
    other.create(user("n", "new")).await.expect("the id is free");
}

async fn users_of_older_software_read_and_write(world: &World) {
    let (one, other) = two(world).await;
    let json = "{\n  \"id\": \"u\",\n  \"username\": \"zoë \\u003cops\\u003e\",\n  \"password_hash\": \"h\\\\\\\"q\",\n  \"role\": \"operator\",\n  \"workspace_access\": {\n    \"all\": false,\n    \"grants\": [\n      {\"workspace\": \"ops\", \"role\": \"viewer\", \"new\": 1}\n    ]\n  },\n  \"created_at\": \"0001-01-01T00:00:00Z\",\n  \"updated_at\": \"0001-01-01T00:00:00Z\"\n}";
    raw(world).await.put(flat("u", json)).await.unwrap();
    let mut zoe = one.get_by_username("zoë <ops>").await.unwrap();
    assert_eq!(zoe.password_hash, "h\\\"q");
    assert_eq!(zoe.created_at, Some(Instant::ZERO.into()));
    zoe.role = "admin".into();
    other.update(zoe.clone()).await.unwrap();
    assert_eq!(one.get("u").await.unwrap(), zoe, "also what lies deep inside");
}

async fn older_duplicates_belong_to_the_oldest(world: &World) {
    let raw = raw(world).await;
    for (text, seconds) in [("a", 5), ("b", 1), ("c", 1)] {
        let json = format!(r#"{{"id":"{text}","username":"ann"}}"#);
        let mut record = flat(text, &json);
        record.created_at = at(seconds);
        raw.put(record).await.unwrap();
    }
    let (one, other) = two(world).await;
    assert_eq!(one.get_by_username("ann").await.unwrap().id, "b");
    let mut mine = one.get("a").await.unwrap();
    mine.role = "admin".into();
    other.update(mine).await.expect("it holds the name already");
    assert_eq!(error_of(other.create(user("d", "ann")).await), "UserAlreadyExists");
    one.delete("b").await.unwrap();
    assert_eq!(other.get_by_username("ann").await.unwrap().id, "c");
}
