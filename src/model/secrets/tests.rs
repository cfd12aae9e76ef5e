use super::*;
use crate::{
    model::{
        divergence::Divergences,
        failure::Failure,
        sealed::Key,
        source::INSTANTS,
        subject::Overlap,
        testing::{legacy_agrees, run_many},
    },
    store::error::Kind,
};

fn id(text: &str) -> RawId {
    RawId(Arc::from(text))
}

fn secret(name: &str, reference: &str) -> SecretData {
    let mut secret = SecretData::new(id(name), Arc::from("ops"), Arc::from(reference));
    secret.created_at = Some(INSTANTS[0].into());
    secret.updated_at = Some(INSTANTS[0].into());
    secret
}

/// A secret with these values, the newest last.
fn with_values(mut secret: SecretData, values: &[(&str, Option<Key>)]) -> Stored {
    secret.current_version = values.len() as u64;
    let value = |&(text, sealed): &(&str, Option<Key>)| Value { text: Arc::from(text), sealed };
    Stored { secret, values: values.iter().map(value).collect() }
}

fn model(stored: &[Stored]) -> SecretsModel {
    let by_id = |stored: &Stored| (Arc::clone(&stored.secret.id.0), stored.clone());
    SecretsModel { secrets: stored.iter().map(by_id).collect(), ..SecretsModel::default() }
}

fn accepts(before: &SecretsModel, op: &SecretsOp, seen: &SecretsSeen, variant: u8) -> bool {
    let divergences = Divergences::default();
    let overlap = Overlap::Ids(&[]);
    let moment = Moment { variant, overlap, ..Moment::alone(INSTANTS[0], &divergences) };
    SecretsSubject::step(&mut before.clone(), op, seen, &moment).is_ok()
}

fn failed(problem: SecretsProblem) -> SecretsSeen {
    SecretsSeen::Failed(Failure::refused(problem))
}

fn value(text: &str, version: u64) -> SecretsSeen {
    SecretsSeen::Value { value: Arc::from(text), version }
}

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<SecretsSubject>(3_000);
}

#[test]
fn the_model_reads_legacy_secrets_as_the_store_does() {
    let read = legacy_agrees::<SecretsSubject>(200);
    assert!(read > 100, "only {read} documents were made");
}

#[test]
fn a_value_opens_with_its_own_key_alone() {
    let own = Some(Key::Own);
    let before = model(&[with_values(secret("a", "a"), &[("old", own), ("new", own)])]);
    let resolve = SecretsOp::Resolve { id: id("a") };
    let seen = [
        value("new", 2),
        failed(SecretsProblem::KeyRequired),
        failed(SecretsProblem::DecryptFailed),
        value("old", 1),
        value("new", 1),
    ];
    for variant in 0..VARIANTS {
        let accepted: Vec<_> =
            seen.iter().map(|seen| accepts(&before, &resolve, seen, variant)).collect();
        let expected: Vec<_> = (0..5).map(|k| k == variant).collect();
        assert_eq!(accepted, expected, "variant {variant}");
    }
    let empty = model(&[with_values(secret("a", "a"), &[("", None)])]);
    for (variant, seen) in
        [value("", 1), failed(SecretsProblem::KeyRequired), value("", 1)].iter().enumerate()
    {
        assert!(accepts(&empty, &resolve, seen, variant as u8), "variant {variant}");
    }
}

#[test]
fn what_stands_in_the_way_of_resolving_is_told_in_order() {
    let own = &[("v", Some(Key::Own))];
    let resolve = SecretsOp::Resolve { id: id("a") };
    let disabled = SecretData { status: Arc::from("disabled"), ..secret("a", "a") };
    let foreign = SecretData { provider_type: Arc::from("vault"), ..secret("a", "a") };
    for (stored, problem) in [
        (with_values(disabled, own), SecretsProblem::Disabled),
        (with_values(foreign, own), SecretsProblem::NoValue),
        (with_values(secret("a", "a"), &[]), SecretsProblem::NoValue),
    ] {
        for variant in 0..VARIANTS {
            let before = model(std::slice::from_ref(&stored));
            assert!(accepts(&before, &resolve, &failed(problem), variant), "{problem:?}");
        }
    }
}

#[test]
fn every_wrong_answer_is_rejected() {
    let stored = with_values(secret("a", "a"), &[("v", Some(Key::Own))]);
    let before = model(std::slice::from_ref(&stored));
    let get = SecretsOp::Get { id: id("a") };
    let right = stored.secret;
    assert!(accepts(&before, &get, &SecretsSeen::Secret(Box::new(right.clone())), 0));
    for wrong in [
        SecretData { workspace: Arc::from("Ops"), ..right.clone() },
        SecretData { current_version: 2, ..right.clone() },
        SecretData { last_rotated_at: right.created_at.clone(), ..right.clone() },
        SecretData { last_resolved_at: right.created_at.clone(), ..right.clone() },
        SecretData { provider_type: Arc::from("vault"), ..right.clone() },
        SecretData { unknown: [(Arc::from("x"), Arc::from("1"))].into(), ..right.clone() },
    ] {
        let described = wrong.describe();
        assert!(!accepts(&before, &get, &SecretsSeen::Secret(Box::new(wrong)), 0), "{described}");
    }
    let written = |version| {
        let mut secret = SecretData { current_version: version, ..right.clone() };
        secret.last_rotated_at = secret.updated_at.clone();
        SecretsSeen::Secret(Box::new(secret))
    };
    let write = SecretsOp::WriteValue { id: id("a"), value: ValueData::new("w") };
    assert!(accepts(&before, &write, &written(2), 0));
    assert!(!accepts(&before, &write, &written(1), 0), "a number is used again");
    assert!(!accepts(&before, &write, &written(3), 0), "a number is left out");
    let done = SecretsSeen::Done;
    for op in [
        SecretsOp::Create { secret: secret("a", "b"), value: None },
        SecretsOp::Create { secret: secret("b", "a"), value: None },
        SecretsOp::Update(secret("b", "b")),
        SecretsOp::Delete { id: id("b") },
    ] {
        assert!(!accepts(&before, &op, &done, 0), "{}", op.describe());
    }
    let create = SecretsOp::Create { secret: secret("b", "b"), value: None };
    assert!(accepts(&before, &create, &done, 0));
}

#[test]
fn a_list_is_that_of_its_workspace_in_order() {
    let global = SecretData { workspace: Arc::from(".global"), ..secret("z", "a") };
    let secrets = [global, secret("b", "a"), secret("a", "b")];
    let before = model(&secrets.clone().map(|secret| with_values(secret, &[])));
    let list = |places: &[usize]| SecretsSeen::List {
        secrets: places.iter().map(|place| secrets[*place].clone()).collect(),
        damaged: Vec::new(),
    };
    let all = SecretsOp::List { workspace: None };
    assert!(accepts(&before, &all, &list(&[0, 1, 2]), 0));
    assert!(!accepts(&before, &all, &list(&[0, 2, 1]), 0), "the order is by reference");
    assert!(!accepts(&before, &all, &list(&[1, 2, 0]), 0), "the order is by workspace");
    let of = |workspace: &str| SecretsOp::List { workspace: Some(Arc::from(workspace)) };
    assert!(accepts(&before, &of("ops"), &list(&[1, 2]), 0));
    assert!(accepts(&before, &of(""), &list(&[0]), 0));
    assert!(!accepts(&before, &of("ops"), &list(&[0, 1, 2]), 0), "another workspace");
    assert!(accepts(&before, &of("ALL"), &failed(SecretsProblem::InvalidWorkspace), 0));
}

#[test]
fn shrinking_a_call_ends() {
    let mut given = secret("z", "z/z");
    given.status = Arc::from("active");
    given.current_version = 7;
    let mut written = ValueData::new("x");
    written.created_by = Arc::from("u");
    let create = SecretsOp::Create { secret: given, value: Some(written.clone()) };
    for (op, end) in [
        (create, "create \"a\" (\"\", \"a\")"),
        (SecretsOp::WriteValue { id: id("z"), value: written }, "write_value \"a\" …"),
    ] {
        let (mut op, mut steps) = (op, 0);
        while let Some(next) = op.simpler().pop() {
            op = next;
            steps += 1;
            assert!(steps < 100, "shrinking goes round in circles at {}", op.describe());
        }
        assert_eq!(op.describe(), end);
    }
}

#[test]
fn descriptions_hide_values() {
    let written = ValueData::new("hunter2");
    let texts = [
        SecretsOp::WriteValue { id: id("a"), value: written.clone() }.describe(),
        SecretsOp::Create { secret: secret("a", "a"), value: Some(written) }.describe(),
        value("hunter2", 1).describe(),
    ];
    assert!(texts.iter().all(|text| !text.contains("hunter2")), "{texts:?}");
}

#[test]
fn a_damaged_record_is_there_and_named_and_holds_no_key() {
    let mut before = SecretsModel::default();
    let document = |text: &str| LegacyDocument {
        id: "a".to_owned(),
        text: text.to_owned(),
        modified: INSTANTS[0],
    };
    let other = r#"{"secret":{"ID":"b","Workspace":"ops","Ref":"a"}}"#;
    for text in ["", "null", r#"{"secret":null,"versions":[]}"#, other] {
        SecretsSubject::legacy_written(&mut before, &document(text));
        let corrupt = failed(SecretsProblem::Storage(Kind::Corrupt));
        for op in [
            SecretsOp::Get { id: id("a") },
            SecretsOp::Update(secret("a", "a")),
            SecretsOp::WriteValue { id: id("a"), value: ValueData::new("v") },
            SecretsOp::CurrentVersion { id: id("a") },
            SecretsOp::Resolve { id: id("a") },
        ] {
            assert!(accepts(&before, &op, &corrupt, 0), "{text}: {}", op.describe());
        }
        let list = SecretsSeen::List {
            secrets: vec![],
            damaged: vec![(RecordId::new("a").unwrap(), Kind::Corrupt)],
        };
        for workspace in [None, Some(Arc::from("ops"))] {
            let op = SecretsOp::List { workspace };
            assert!(accepts(&before, &op, &list, 0), "{text}: it is named");
        }
        let create = |id: &str| SecretsOp::Create { secret: secret(id, "a"), value: None };
        let taken = failed(SecretsProblem::SecretAlreadyExists);
        assert!(accepts(&before, &create("a"), &taken, 0), "{text}");
        assert!(accepts(&before, &create("c"), &SecretsSeen::Done, 0), "{text}");
        let delete = SecretsOp::Delete { id: id("a") };
        assert!(accepts(&before, &delete, &SecretsSeen::Done, 0), "{text}");
    }
    let sound = r#"{"secret":{"ID":"a","Workspace":"ops","Ref":"a"}}"#;
    SecretsSubject::legacy_written(&mut before, &document(sound));
    assert!(before.damaged.is_empty() && before.secrets.len() == 1, "it is mended");
    SecretsSubject::legacy_removed(&mut before, "a");
    assert_eq!(before, SecretsModel::default());
}
