use std::sync::Arc;

use super::*;
use crate::{
    model::{
        divergence::Divergences,
        source::INSTANTS,
        subject::{Operation, Verdict},
        testing::{legacy_agrees, moment, run_many},
    },
    seam::Instant,
    store::error::Kind,
};

fn key(id: &str, name: &str) -> ApiKeyData {
    let mut key = ApiKeyData::new(RawId(Arc::from(id)), Arc::from(name));
    key.created_at = Some(INSTANTS[0].into());
    key.updated_at = Some(INSTANTS[0].into());
    rules::normalised(&key)
}

fn model(keys: &[ApiKeyData]) -> ApiKeysModel {
    let by_id = |key: &ApiKeyData| (Arc::clone(&key.id.0), key.clone());
    ApiKeysModel { keys: keys.iter().map(by_id).collect(), ..Default::default() }
}

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<ApiKeysSubject>(2_000);
}

#[test]
fn the_model_reads_legacy_keys_as_the_store_does() {
    let read = legacy_agrees::<ApiKeysSubject>(200);
    assert!(read > 100, "only {read} documents were made");
}

#[test]
fn every_wrong_answer_is_rejected() {
    let ci = key("a", "ci");
    let before = model(std::slice::from_ref(&ci));
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let accepts = |op: &ApiKeysOp, seen: &ApiKeysSeen| {
        ApiKeysSubject::step(&mut before.clone(), op, seen, &moment).is_ok()
    };
    let get = ApiKeysOp::Get { id: ci.id.clone() };
    assert!(accepts(&get, &ApiKeysSeen::Key(Box::new(ci.clone()))));
    let wrong = [
        ApiKeyData { name: Arc::from("CI"), ..ci.clone() },
        ApiKeyData { key_hash: Arc::from("h"), ..ci.clone() },
        ApiKeyData { migrated_as_service_account: None, ..ci.clone() },
        ApiKeyData { allowed_surfaces: Vec::new(), ..ci.clone() },
        ApiKeyData { service_account_name: None, ..ci.clone() },
        ApiKeyData { last_used_at: Some(Instant::ZERO.into()), ..ci.clone() },
        ApiKeyData { updated_at: Some(Instant::ZERO.into()), ..ci.clone() },
        ApiKeyData { unknown: [(Arc::from("x"), Arc::from("1"))].into(), ..ci },
    ];
    for key in wrong {
        assert!(!accepts(&get, &ApiKeysSeen::Key(Box::new(key.clone()))), "{}", key.describe());
    }
    let done = ApiKeysSeen::Done;
    assert!(!accepts(&ApiKeysOp::Create(Box::new(key("a", "cd"))), &done));
    assert!(!accepts(&ApiKeysOp::Create(Box::new(key("b", "ci"))), &done));
    assert!(accepts(&ApiKeysOp::Create(Box::new(key("b", "cd"))), &done));
    assert!(!accepts(&ApiKeysOp::UpdateLastUsed { id: RawId("b".into()) }, &done));
    assert!(!accepts(&ApiKeysOp::Delete { id: RawId("b".into()) }, &done));
}

#[test]
fn damage_is_corrupt_and_named() {
    let mut state = ApiKeysModel::default();
    for (id, text) in
        [("b", "{"), ("c", r#"{"id":"a","name":"ci"}"#), ("d", r#"{"id":"d","name":""}"#)]
    {
        let modified = Instant::UNIX_EPOCH;
        let document = LegacyDocument { id: id.to_owned(), text: text.to_owned(), modified };
        ApiKeysSubject::legacy_written(&mut state, &document);
    }
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let accepts = |op: &ApiKeysOp, seen: &ApiKeysSeen| {
        ApiKeysSubject::step(&mut state.clone(), op, seen, &moment).is_ok()
    };
    let failed = |problem| ApiKeysSeen::Failed(Failure::refused(problem));
    let corrupt = failed(ApiKeysProblem::Storage(Kind::Corrupt));
    for id in ["b", "c", "d"] {
        let id = RawId(Arc::from(id));
        let new = Box::new(ApiKeyData::new(id.clone(), Arc::from("new")));
        assert!(accepts(&ApiKeysOp::Get { id: id.clone() }, &corrupt));
        assert!(accepts(&ApiKeysOp::Update(new.clone()), &corrupt));
        assert!(accepts(&ApiKeysOp::UpdateLastUsed { id: id.clone() }, &corrupt));
        let taken = failed(ApiKeysProblem::ApiKeyAlreadyExists);
        assert!(accepts(&ApiKeysOp::Create(new), &taken));
        assert!(accepts(&ApiKeysOp::Delete { id }, &ApiKeysSeen::Done));
    }
    let list = |named: &[&str]| ApiKeysSeen::List {
        keys: Vec::new(),
        damaged: named.iter().map(|id| RecordId::new(*id).unwrap()).collect(),
    };
    assert!(accepts(&ApiKeysOp::List, &list(&["b", "c", "d"])));
    assert!(!accepts(&ApiKeysOp::List, &list(&["b", "d"])));
    for id in ["b", "c", "d"] {
        ApiKeysSubject::legacy_removed(&mut state, id);
    }
    assert_eq!(state, ApiKeysModel::default());
}

#[test]
fn shrinking_a_call_ends() {
    let mut key = key("z", "zoe");
    key.role = Arc::from("admin");
    let mut op = ApiKeysOp::Create(Box::new(key));
    let mut steps = 0;
    while let Some(next) = op.simpler().pop() {
        op = next;
        steps += 1;
        assert!(steps < 100, "shrinking goes round in circles at {}", op.describe());
    }
    assert_eq!(op.describe(), "create \"a\" \"ci\"");
}

#[test]
fn descriptions_hide_the_hash_of_the_key() {
    let key = ApiKeyData { key_hash: Arc::from("hunter2"), ..key("a", "ci") };
    let texts = [
        ApiKeysOp::Create(Box::new(key.clone())).describe(),
        ApiKeysSeen::Key(Box::new(key)).describe(),
    ];
    assert!(texts.iter().all(|text| !text.contains("hunter2")), "{texts:?}");
}

#[test]
fn observations_look_at_everything_that_was_used() {
    let ops = [
        ApiKeysOp::Create(Box::new(key("a", "ci"))),
        ApiKeysOp::UpdateLastUsed { id: RawId("b".into()) },
    ];
    let reads: Vec<_> =
        ApiKeysSubject::observations(ops.iter()).iter().map(Operation::describe).collect();
    assert_eq!(reads, ["list", "get \"a\"", "get \"b\""]);
}
