use std::sync::Arc;

use super::*;
use crate::{
    model::{
        divergence::Divergences,
        legacy::LegacyDocument,
        source::INSTANTS,
        subject::{Operation, Verdict},
        testing::{legacy_agrees, moment, run_many},
    },
    seam::Instant,
    store::error::Kind,
};

fn user(id: &str, name: &str, created_at: Instant) -> UserData {
    let mut user = UserData::new(RawId(Arc::from(id)), Arc::from(name));
    user.created_at = Some(created_at.into());
    user.updated_at = Some(created_at.into());
    user
}

fn model(users: &[UserData]) -> UsersModel {
    let by_id = |user: &UserData| (Arc::clone(&user.id.0), user.clone());
    UsersModel { users: users.iter().map(by_id).collect(), ..Default::default() }
}

fn list(users: &[UserData]) -> UsersSeen {
    UsersSeen::List { users: users.to_vec(), damaged: vec![] }
}

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<UsersSubject>(2_000);
}

#[test]
fn a_list_is_judged_by_all_the_states_it_ran_through() {
    let ann = user("a", "ann", INSTANTS[0]);
    let bob = user("b", "bob", INSTANTS[0]);
    let renamed = user("b", "rob", INSTANTS[0]);
    let early = user("c", "eve", Instant::ZERO);
    let states = [
        model(&[ann.clone(), bob.clone()]),
        model(&[ann.clone(), renamed.clone(), early.clone()]),
        model(&[ann.clone(), early.clone()]),
    ];
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let judge = |users: &[UserData]| {
        let seen = list(users);
        UsersSubject::judge_interval(&mut states.iter(), &UsersOp::List, &seen, &moment).is_ok()
    };
    assert!(judge(std::slice::from_ref(&ann)), "the others came or went");
    assert!(judge(&[ann.clone(), bob.clone()]), "the first state");
    assert!(judge(&[early.clone(), ann.clone(), renamed.clone()]), "the second state");
    assert!(judge(&[early.clone(), ann.clone(), bob.clone()]), "values of several moments");
    assert!(!judge(&[]), "ann was there throughout");
    assert!(!judge(&[ann.clone(), ann.clone()]), "ann was there once");
    assert!(!judge(&[ann.clone(), early]), "the order is by created_at");
    assert!(!judge(&[bob.clone(), ann.clone()]), "ties are ordered by id");
    assert!(!judge(&[ann.clone(), bob, renamed]), "one id is listed once");
    assert!(!judge(&[ann, user("d", "dan", INSTANTS[0])]), "dan was never there");
    let damaged = UsersSeen::List { users: vec![], damaged: vec![RecordId::new("a").unwrap()] };
    let verdict =
        UsersSubject::judge_interval(&mut states.iter(), &UsersOp::List, &damaged, &moment);
    assert!(verdict.is_err(), "nothing was damaged");
}

#[test]
fn every_wrong_answer_is_rejected() {
    let mut ann = user("a", "ann", INSTANTS[0]);
    ann.oidc_issuer = Some(Arc::from("i"));
    ann.oidc_subject = Some(Arc::from("s"));
    let before = model(std::slice::from_ref(&ann));
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let accepts = |op: &UsersOp, seen: &UsersSeen| {
        UsersSubject::step(&mut before.clone(), op, seen, &moment).is_ok()
    };
    let get = UsersOp::Get { id: ann.id.clone() };
    assert!(accepts(&get, &UsersSeen::User(Box::new(ann.clone()))));
    let wrong = [
        user("a", "ann", INSTANTS[0]),
        UserData { username: Arc::from("Ann"), ..ann.clone() },
        UserData { password_hash: Arc::from("h"), ..ann.clone() },
        UserData { is_disabled: Some(false), ..ann.clone() },
        UserData { updated_at: Some(Instant::ZERO.into()), ..ann.clone() },
        UserData { unknown: [(Arc::from("x"), Arc::from("1"))].into(), ..ann.clone() },
    ];
    for user in wrong {
        assert!(!accepts(&get, &UsersSeen::User(Box::new(user.clone()))), "{}", user.describe());
    }
    // The store that forgets to check the id, the name, the identity.
    let done = UsersSeen::Done;
    assert!(!accepts(&UsersOp::Create(user("a", "bob", INSTANTS[0])), &done));
    assert!(!accepts(&UsersOp::Create(user("b", "ann", INSTANTS[0])), &done));
    let same_identity = UserData { username: Arc::from("bob"), id: RawId("b".into()), ..ann };
    assert!(!accepts(&UsersOp::Create(same_identity), &done));
    assert!(accepts(&UsersOp::Create(user("b", "bob", INSTANTS[0])), &done));
    assert!(!accepts(&UsersOp::Delete { id: RawId("b".into()) }, &done));
    assert!(!accepts(&UsersOp::Count, &UsersSeen::Count(2)));
}

#[test]
fn the_model_reads_legacy_users_as_the_store_does() {
    let read = legacy_agrees::<UsersSubject>(200);
    assert!(read > 100, "only {read} documents were made");
}

#[test]
fn damage_is_corrupt_and_named_and_counted_only_if_it_can_be_read() {
    let mut state = model(&[user("a", "ann", INSTANTS[0])]);
    let written = |state: &mut UsersModel, id: &str, text: &str| {
        let modified = Instant::UNIX_EPOCH;
        let document = LegacyDocument { id: id.to_owned(), text: text.to_owned(), modified };
        UsersSubject::legacy_written(state, &document);
    };
    written(&mut state, "b", "{");
    written(&mut state, "c", r#"{"id":"a","username":"bob"}"#);
    written(&mut state, "d", r#"{"id":"d","username":""}"#);
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let accepts = |op: &UsersOp, seen: &UsersSeen| {
        UsersSubject::step(&mut state.clone(), op, seen, &moment).is_ok()
    };
    assert!(accepts(&UsersOp::Count, &UsersSeen::Count(2)));
    let corrupt = UsersSeen::refused(UsersProblem::Storage(Kind::Corrupt));
    let taken = UsersSeen::refused(UsersProblem::UserAlreadyExists);
    for id in ["b", "c", "d"] {
        let id = RawId(Arc::from(id));
        let new = UserData::new(id.clone(), Arc::from("new"));
        assert!(accepts(&UsersOp::Get { id: id.clone() }, &corrupt));
        assert!(accepts(&UsersOp::Update(new.clone()), &corrupt));
        assert!(accepts(&UsersOp::Create(new), &taken));
        assert!(accepts(&UsersOp::Delete { id }, &UsersSeen::Done));
    }
    let list = |named: &[&str]| UsersSeen::List {
        users: vec![user("a", "ann", INSTANTS[0])],
        damaged: named.iter().map(|id| RecordId::new(*id).unwrap()).collect(),
    };
    assert!(accepts(&UsersOp::List, &list(&["b", "c", "d"])));
    for named in [&[][..], &["b", "c"], &["c", "b", "d"], &["b", "b", "c", "d"]] {
        assert!(!accepts(&UsersOp::List, &list(named)), "{named:?}");
    }
    for id in ["a", "b", "c", "d"] {
        UsersSubject::legacy_removed(&mut state, id);
    }
    assert_eq!(state, UsersModel::default());
}

#[test]
fn shrinking_a_call_ends() {
    let mut user = user("z", "zoe", INSTANTS[2]);
    user.role = Arc::from("admin");
    user.unknown = [(Arc::from("x"), Arc::from("1"))].into();
    let mut op = UsersOp::Create(user);
    let mut steps = 0;
    while let Some(next) = op.simpler().pop() {
        op = next;
        steps += 1;
        assert!(steps < 100, "shrinking goes round in circles at {}", op.describe());
    }
    assert_eq!(op.describe(), "create \"a\" \"ann\"");
}

#[test]
fn descriptions_hide_the_hash_of_the_password() {
    let mut user = user("a", "ann", INSTANTS[0]);
    user.password_hash = Arc::from("hunter2");
    let texts = [UsersOp::Create(user.clone()).describe(), list(&[user]).describe()];
    assert!(texts.iter().all(|text| !text.contains("hunter2")), "{texts:?}");
}

#[test]
fn observations_look_at_everything_that_was_used() {
    let mut ann = user("a", "ann", INSTANTS[0]);
    ann.oidc_issuer = Some(Arc::from("i"));
    ann.oidc_subject = Some(Arc::from("s"));
    let ops = [UsersOp::Create(ann), UsersOp::Delete { id: RawId("b".into()) }];
    let reads: Vec<_> =
        UsersSubject::observations(ops.iter()).iter().map(Operation::describe).collect();
    assert_eq!(
        reads,
        [
            "list",
            "count",
            "get \"a\"",
            "get \"b\"",
            "get_by_username \"ann\"",
            "get_by_oidc_identity (\"i\", \"s\")"
        ]
    );
}
