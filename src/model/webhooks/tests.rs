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
    seam::Instant,
    store::error::Kind,
};

fn webhook(id: &str, dag: &str) -> WebhookData {
    let mut webhook = WebhookData::new(RawId(Arc::from(id)), Arc::from(dag));
    webhook.created_at = Some(INSTANTS[0].into());
    webhook.updated_at = Some(INSTANTS[0].into());
    webhook
}

fn with_secret(mut webhook: WebhookData, sealed: Key) -> Stored {
    webhook.hmac_secret = Some(Arc::from("hunter2"));
    Stored { webhook, sealed: Some(sealed) }
}

fn model(stored: &[Stored]) -> WebhooksModel {
    let by_id = |stored: &Stored| (Arc::clone(&stored.webhook.id.0), stored.clone());
    WebhooksModel { webhooks: stored.iter().map(by_id).collect(), ..WebhooksModel::default() }
}

fn accepts(before: &WebhooksModel, op: &WebhooksOp, seen: &WebhooksSeen, variant: u8) -> bool {
    let divergences = Divergences::default();
    let overlap = Overlap::Ids(&[]);
    let moment = Moment { variant, overlap, ..Moment::alone(INSTANTS[0], &divergences) };
    WebhooksSubject::step(&mut before.clone(), op, seen, &moment).is_ok()
}

fn failed(problem: WebhooksProblem) -> WebhooksSeen {
    WebhooksSeen::Failed(Failure::refused(problem))
}

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<WebhooksSubject>(2_000);
}

#[test]
fn the_model_reads_legacy_webhooks_as_the_store_does() {
    let read = legacy_agrees::<WebhooksSubject>(200);
    assert!(read > 100, "only {read} documents were made");
}

#[test]
fn a_secret_opens_with_its_own_key_alone() {
    let own = with_secret(webhook("a", "d"), Key::Own);
    let before = model(std::slice::from_ref(&own));
    let get = WebhooksOp::Get { id: own.webhook.id.clone() };
    let seen = [
        WebhooksSeen::Webhook(Box::new(own.webhook)),
        failed(WebhooksProblem::HmacKeyRequired),
        failed(WebhooksProblem::HmacDecryptFailed),
        WebhooksSeen::Webhook(Box::new(webhook("a", "d"))),
    ];
    for variant in 0..VARIANTS {
        let accepted: Vec<_> =
            seen.iter().map(|seen| accepts(&before, &get, seen, variant)).collect();
        let expected: Vec<_> = (0..4).map(|k| k == variant).collect();
        assert_eq!(accepted, expected, "variant {variant}");
    }
    let lost = model(&[with_secret(webhook("a", "d"), Key::Lost)]);
    for variant in [0, 2] {
        assert!(accepts(&lost, &get, &seen[2], variant), "nobody has the key");
    }
}

#[test]
fn a_list_names_what_it_can_not_decrypt() {
    let own = with_secret(webhook("a", "d"), Key::Own);
    let plain = webhook("b", "e");
    let before = model(&[own.clone(), Stored { webhook: plain.clone(), sealed: None }]);
    let list = |webhooks: &[&WebhookData], damaged: &[Kind]| WebhooksSeen::List {
        webhooks: webhooks.iter().map(|&webhook| webhook.clone()).collect(),
        damaged: damaged.iter().map(|kind| (RecordId::new("a").unwrap(), *kind)).collect(),
    };
    let op = WebhooksOp::List;
    assert!(accepts(&before, &op, &list(&[&own.webhook, &plain], &[]), 0));
    assert!(accepts(&before, &op, &list(&[&plain], &[Kind::KeyRequired]), 1));
    assert!(accepts(&before, &op, &list(&[&plain], &[Kind::DecryptFailed]), 2));
    assert!(!accepts(&before, &op, &list(&[&plain], &[Kind::Corrupt]), 2), "it is not damaged");
    assert!(!accepts(&before, &op, &list(&[&plain], &[]), 2), "it is dropped");
    assert!(!accepts(&before, &op, &list(&[&plain, &own.webhook], &[]), 0), "the order is by id");
}

/// Older software may write a webhook anew with another `createdAt`, at another
/// place of the list: it may be missed then, whatever it is named for.
#[test]
fn what_changed_is_not_there_throughout_though_it_is_named_for_the_same() {
    let before = with_secret(webhook("a", "d"), Key::Lost);
    let mut after = before.clone();
    after.webhook.created_at = Some(Instant::ZERO.into());
    let judge = |states: &[WebhooksModel], damaged: Vec<(RecordId, Kind)>| {
        let seen = WebhooksSeen::List { webhooks: vec![], damaged };
        rules::judge_list(&mut states.iter(), &seen, 0).is_ok()
    };
    let named = || vec![(RecordId::new("a").unwrap(), Kind::DecryptFailed)];
    let one = model(std::slice::from_ref(&before));
    let other = model(std::slice::from_ref(&after));
    assert!(judge(&[one.clone(), other.clone()], vec![]), "it moved meanwhile");
    assert!(judge(&[one.clone(), other], named()), "it was there at either moment");
    assert!(judge(&[one.clone(), one.clone()], named()), "it was there throughout");
    assert!(!judge(&[one.clone(), one.clone()], vec![]), "it was there throughout");
    let wrong = vec![(RecordId::new("a").unwrap(), Kind::KeyRequired)];
    assert!(!judge(&[one.clone(), one], wrong), "a key there was");
}

#[test]
fn every_wrong_answer_is_rejected() {
    let own = with_secret(webhook("a", "d"), Key::Own);
    let before = model(std::slice::from_ref(&own));
    let get = WebhooksOp::Get { id: own.webhook.id.clone() };
    let right = own.webhook;
    let wrong = [
        WebhookData { dag_name: Arc::from("D"), ..right.clone() },
        WebhookData { token_hash: Arc::from("h"), ..right.clone() },
        WebhookData { enabled: true, ..right.clone() },
        WebhookData { last_used_at: Some(INSTANTS[0].into()), ..right.clone() },
        WebhookData { auth_mode: Some(Arc::from("")), ..right.clone() },
        WebhookData { hmac_secret: Some(Arc::from("x")), ..right.clone() },
        WebhookData { unknown: [(Arc::from("x"), Arc::from("1"))].into(), ..right },
    ];
    for webhook in wrong {
        let described = webhook.describe();
        assert!(
            !accepts(&before, &get, &WebhooksSeen::Webhook(Box::new(webhook)), 0),
            "{described}"
        );
    }
    let done = WebhooksSeen::Done;
    for op in [
        WebhooksOp::Create(webhook("a", "e")),
        WebhooksOp::Create(webhook("b", "d")),
        WebhooksOp::Update(webhook("b", "e")),
        WebhooksOp::Delete { id: RawId("b".into()) },
        WebhooksOp::DeleteByDagName { dag_name: "e".into() },
        WebhooksOp::UpdateLastUsed { id: RawId("b".into()) },
    ] {
        assert!(!accepts(&before, &op, &done, 0), "{}", op.describe());
    }
    assert!(accepts(&before, &WebhooksOp::Create(webhook("b", "e")), &done, 0));
}

#[test]
fn shrinking_a_call_ends() {
    let mut given = with_secret(webhook("z", "zz"), Key::Own).webhook;
    given.unknown = [(Arc::from("x"), Arc::from("1"))].into();
    given.enabled = true;
    let mut op = WebhooksOp::Create(given);
    let mut steps = 0;
    while let Some(next) = op.simpler().pop() {
        op = next;
        steps += 1;
        assert!(steps < 100, "shrinking goes round in circles at {}", op.describe());
    }
    assert_eq!(op.describe(), "create \"a\" \"d\"");
}

#[test]
fn descriptions_hide_the_hash_and_the_secret() {
    let mut given = with_secret(webhook("a", "d"), Key::Own).webhook;
    given.token_hash = Arc::from("hunter2");
    let list = WebhooksSeen::List { webhooks: vec![given.clone()], damaged: vec![] };
    let texts = [WebhooksOp::Create(given).describe(), list.describe()];
    assert!(texts.iter().all(|text| !text.contains("hunter2")), "{texts:?}");
}

#[test]
fn a_damaged_record_is_there_and_named_and_holds_no_key() {
    let mut before = WebhooksModel::default();
    let document = |text: &str| LegacyDocument {
        id: "a".to_owned(),
        text: text.to_owned(),
        modified: INSTANTS[0],
    };
    for text in ["", "null", "{}", r#"{"id":"b","dagName":"d"}"#, r#"{"id":"a"}"#] {
        WebhooksSubject::legacy_written(&mut before, &document(text));
        let id = RawId("a".into());
        let corrupt = failed(WebhooksProblem::Storage(Kind::Corrupt));
        for op in [
            WebhooksOp::Get { id: id.clone() },
            WebhooksOp::Update(webhook("a", "d")),
            WebhooksOp::UpdateLastUsed { id: id.clone() },
        ] {
            assert!(accepts(&before, &op, &corrupt, 0), "{text}: {}", op.describe());
        }
        let list = WebhooksSeen::List {
            webhooks: vec![],
            damaged: vec![(RecordId::new("a").unwrap(), Kind::Corrupt)],
        };
        assert!(accepts(&before, &WebhooksOp::List, &list, 0), "{text}: it is named");
        let taken = failed(WebhooksProblem::WebhookAlreadyExists);
        assert!(accepts(&before, &WebhooksOp::Create(webhook("a", "d")), &taken, 0), "{text}");
        assert!(accepts(&before, &WebhooksOp::Create(webhook("c", "d")), &WebhooksSeen::Done, 0));
        assert!(accepts(&before, &WebhooksOp::Delete { id }, &WebhooksSeen::Done, 0), "{text}");
    }
    WebhooksSubject::legacy_written(&mut before, &document(r#"{"id":"a","dagName":"d"}"#));
    assert!(before.damaged.is_empty() && before.webhooks.len() == 1, "it is mended");
    WebhooksSubject::legacy_removed(&mut before, "a");
    assert_eq!(before, WebhooksModel::default());
}
