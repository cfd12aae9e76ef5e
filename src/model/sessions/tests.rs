use std::sync::Arc;

use super::*;
use crate::{
    backend::memory::MemoryBackend,
    model::{
        divergence::Divergences,
        source::{Focus, INSTANTS},
        subject::{Operation, Overlap, Verdict},
        testing::{TestClock, bytes_of, ready, run_many, surroundings},
    },
    seam::{Backend, CollectionExt, Instant, Payload, Record},
};

fn session(id: &str, user_id: &str) -> SessionData {
    let mut session = SessionData::new(RawId(Arc::from(id)), Arc::from(user_id));
    session.created_at = Some(INSTANTS[0].into());
    session.updated_at = Some(INSTANTS[0].into());
    session
}

fn below(parent: &str, session: SessionData) -> SessionData {
    SessionData { parent_session_id: Some(Arc::from(parent)), ..session }
}

fn created(at: Instant, session: SessionData) -> SessionData {
    SessionData { created_at: Some(at.into()), ..session }
}

fn model(sessions: &[SessionData]) -> SessionsModel {
    let place = |session: &SessionData| format!("{}/{}", session.user_id, session.id.0);
    let records = sessions.iter().map(|session| (Arc::from(place(session)), session.clone()));
    SessionsModel { records: records.collect(), damaged: BTreeSet::new() }
}

fn ids(model: &SessionsModel) -> String {
    model.records.values().map(|session| &*session.id.0).collect()
}

fn wanted(id: &str) -> Wanted {
    Wanted { id: RawId(Arc::from(id)), user_id: None }
}

fn list_of(user_id: &str) -> SessionsOp {
    SessionsOp::List { user_id: Arc::from(user_id) }
}

fn listed(sessions: &[SessionData]) -> SessionsSeen {
    SessionsSeen::List { sessions: sessions.to_vec(), damaged: vec![] }
}

/// A moment in which overlapping calls may write `overlap`, under a limit.
fn at<'a>(limit: u8, divergences: &'a Divergences, overlap: &'a [RecordId]) -> Moment<'a> {
    let overlap = Overlap::Ids(overlap);
    Moment { variant: limit, overlap, ..Moment::alone(INSTANTS[0], divergences) }
}

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<SessionsSubject>(3_000);
}

#[test]
fn every_wrong_answer_is_rejected() {
    let mut a = session("a", "u");
    a.title = Some(Arc::from("t"));
    let message = |sequence_id| MessageData { sequence_id, ..MessageData::default() };
    a.messages = vec![message(2), message(1)];
    let mut b = below("a", session("b", "u"));
    b.updated_at = Some(INSTANTS[2].into());
    let before = model(&[a.clone(), b.clone()]);
    let divergences = Divergences::default();
    let accepts = |op: &SessionsOp, seen: &SessionsSeen| {
        let moment = at(0, &divergences, &[]);
        SessionsSubject::step(&mut before.clone(), op, seen, &moment).is_ok()
    };
    let bare = SessionData { messages: vec![], ..a.clone() };
    let got = |session: &SessionData| SessionsSeen::Session(Box::new(session.clone()));
    let get = SessionsOp::Get(wanted("a"));
    assert!(accepts(&get, &got(&bare)));
    for wrong in [
        a.clone(),
        SessionData { title: None, ..bare.clone() },
        SessionData { user_id: Arc::from("v"), ..bare.clone() },
        SessionData { updated_at: b.updated_at.clone(), ..bare.clone() },
        SessionData { unknown: [(Arc::from("x"), Arc::from("1"))].into(), ..bare.clone() },
    ] {
        assert!(!accepts(&get, &got(&wrong)), "{}", wrong.describe());
    }
    let messages = SessionsOp::Messages(wanted("a"));
    assert!(accepts(&messages, &SessionsSeen::Messages(vec![message(1), message(2)])));
    assert!(!accepts(&messages, &SessionsSeen::Messages(a.messages.clone())), "not in order");
    let latest = SessionsOp::LatestSequenceId(wanted("a"));
    assert!(accepts(&latest, &SessionsSeen::SequenceId(2)));
    assert!(!accepts(&latest, &SessionsSeen::SequenceId(1)), "the last that came");
    let list = list_of("u");
    assert!(accepts(&list, &listed(&[b.clone(), bare.clone()])));
    for wrong in
        [vec![bare.clone(), b.clone()], vec![bare], vec![b.clone(), a], vec![b.clone(), b.clone()]]
    {
        assert!(!accepts(&list, &listed(&wrong)), "{}", listed(&wrong).describe());
    }
    let sub = SessionsOp::ListSub { parent_id: RawId(Arc::from("a")) };
    assert!(accepts(&sub, &listed(&[b])) && !accepts(&sub, &listed(&[])));
    let done = SessionsSeen::Done;
    assert!(!accepts(&SessionsOp::Create(session("a", "v")), &done), "the id is another user's");
    assert!(!accepts(&SessionsOp::Delete(wanted("c")), &done));
    let of_v = Wanted { user_id: Some(Arc::from("v")), ..wanted("a") };
    assert!(!accepts(&SessionsOp::Delete(of_v), &done), "it is another user's");
}

#[test]
fn a_list_is_judged_by_all_the_states_it_ran_through() {
    let (a, b) = (session("a", "u"), session("b", "u"));
    let mut changed = b.clone();
    changed.updated_at = Some(INSTANTS[2].into());
    let states = [
        model(&[a.clone(), b.clone()]),
        model(&[a.clone(), changed.clone(), session("c", "v")]),
        model(&[a.clone(), session("c", "u")]),
    ];
    let divergences = Divergences::default();
    let judge = |sessions: &[SessionData]| {
        let (seen, moment) = (listed(sessions), at(0, &divergences, &[]));
        SessionsSubject::judge_interval(&mut states.iter(), &list_of("u"), &seen, &moment).is_ok()
    };
    assert!(judge(std::slice::from_ref(&a)), "the others came or went");
    assert!(judge(&[a.clone(), b.clone(), session("c", "u")]), "values of several moments");
    assert!(judge(&[changed.clone(), a.clone()]));
    assert!(!judge(&[]), "a was there throughout");
    assert!(!judge(&[a.clone(), changed.clone()]), "newest first");
    assert!(!judge(&[changed, a.clone(), b]), "one session is listed once");
    assert!(!judge(&[a, session("c", "v")]), "that is another user's");
}

#[test]
fn what_is_cut_short_has_gone_children_first() {
    let tree = [
        session("a", "u"),
        below("a", session("b", "v")),
        below("b", session("c", "u")),
        below("a", session("d", "u")),
        session("e", "u"),
    ];
    let divergences = Divergences::default();
    let unseen = |op: &SessionsOp, limit| {
        let moment = at(limit, &divergences, &[]);
        let states = SessionsSubject::outcomes_unseen(&model(&tree), op, &moment);
        let mut left: Vec<String> = states.iter().map(ids).collect();
        left.sort_unstable();
        left
    };
    // By user, then by id.
    let left = ["aceb", "ade", "adeb", "ae", "aeb", "e"];
    assert_eq!(unseen(&SessionsOp::Delete(wanted("a")), 0), left, "c before b, both before a");
    assert_eq!(unseen(&SessionsOp::Delete(wanted("x")), 0), [""; 0]);
    let new = SessionsOp::Create(session("n", "u"));
    assert_eq!(unseen(&new, 0), ["acdenb"]);
    // The oldest of two, then both; by (created_at, id).
    let trimmed = unseen(&new, 2);
    assert!(trimmed.contains(&"acdenb".to_owned()) && trimmed.contains(&"en".to_owned()));
    assert!(trimmed.iter().all(|left| left.contains('e') && left.contains('n')), "{trimmed:?}");
    let trimmed = unseen(&new, 1);
    assert!(trimmed.contains(&"n".to_owned()) && trimmed.contains(&"acdnb".to_owned()));
    let sub = SessionsOp::Create(below("e", session("n", "u")));
    assert_eq!(unseen(&sub, 1), ["acdenb"], "a sub-session is no reason to remove any");
}

#[test]
fn a_limit_removes_the_oldest_but_never_the_new_one() {
    let divergences = Divergences::default();
    let after = |sessions: &[SessionData], new: SessionData, limit| {
        let mut state = model(sessions);
        let (op, moment) = (SessionsOp::Create(new), at(limit, &divergences, &[]));
        SessionsSubject::step(&mut state, &op, &SessionsSeen::Done, &moment).unwrap();
        ids(&state)
    };
    let old = [created(INSTANTS[2], session("a", "u")), session("b", "u"), session("c", "v")];
    assert_eq!(after(&old, session("n", "u"), 0), "abnc");
    assert_eq!(after(&old, session("n", "u"), 2), "anc", "b is older");
    assert_eq!(after(&old, created(Instant::ZERO, session("n", "u")), 1), "nc");
}

#[test]
fn what_is_created_meanwhile_may_stay_or_go() {
    let divergences = Divergences::default();
    let states = [session("a", "u"), below("a", session("b", "u")), below("b", session("c", "u"))];
    let before = model(&states);
    let made = [RecordId::new("u/b").unwrap()];
    let moment = at(0, &divergences, &made);
    let delete = SessionsOp::Delete(wanted("a"));
    let mut after = before.clone();
    SessionsSubject::step(&mut after, &delete, &SessionsSeen::Done, &moment).unwrap();
    assert_eq!(ids(&after), "bc", "b need not go, nor what is below it");
    let steps = SessionsSubject::partial_steps(0, &before, &delete, &moment);
    assert_eq!(steps.iter().map(ids).collect::<Vec<_>>(), ["ab"], "c is first");
    let create = SessionsOp::Create(session("n", "u"));
    let made = [RecordId::new("u/m").unwrap()];
    let moment = at(1, &divergences, &made);
    let mut after = model(&[session("m", "u"), session("n", "u"), session("o", "u")]);
    SessionsSubject::step_stage(1, &mut after, &create, &SessionsSeen::Done, &moment).unwrap();
    assert_eq!(ids(&after), "mn", "o was there all the time");
    let steps = SessionsSubject::partial_steps(1, &after, &create, &moment);
    assert_eq!(steps.iter().map(ids).collect::<Vec<_>>(), ["n"]);
    let gone = model(&[session("m", "u"), session("o", "u")]);
    let steps = SessionsSubject::partial_steps(1, &gone, &create, &moment);
    assert_eq!(steps, [], "a session that is gone removes nothing");
}

#[test]
fn the_model_reads_legacy_sessions_as_the_store_does() {
    let (mut texts, mut flat, mut doubled, mut damaged) = (0, 0, 0, 0);
    for case in 0..300 {
        let bytes = bytes_of(case);
        let mut bytes = arbitrary::Unstructured::new(&bytes);
        let focus = Focus::generate(&mut bytes, 9).unwrap();
        let mut documents =
            SessionsSubject::generate_legacy(&mut Source::new(&mut bytes, &focus)).unwrap();
        let model = SessionsSubject::model_of_legacy(&documents);
        assert_eq!(model.records.len() + model.damaged.len(), documents.len());
        damaged += model.damaged.len();
        // Memory can't hold what is damaged.
        documents.retain(|document| !model.damaged.contains(&*document.id));
        let model = SessionsSubject::model_of_legacy(&documents);
        let clock = TestClock::new(INSTANTS[0]);
        let backend = MemoryBackend::new(Arc::new(clock.clone()));
        // Without keys: older software did not enforce any.
        let collection = ready(backend.open(SessionsSubject::spec().with_keys([]))).unwrap();
        let mut ids = BTreeSet::new();
        for document in &documents {
            let data = Payload::json(document.text.as_bytes()).expect("JSON");
            let id = RecordId::new(&*document.id).unwrap();
            let session = &model.records[&*document.id];
            flat += usize::from(!document.id.contains('/'));
            doubled += usize::from(!ids.insert(session.id.clone()));
            let instant = |at: &Option<InstantText>| at.as_ref().unwrap().instant();
            let mut record = Record::json(id, data, instant(&session.created_at));
            record.updated_at = instant(&session.updated_at);
            ready(collection.put(record)).unwrap();
            texts += 1;
        }
        let collection = ready(backend.open(SessionsSubject::spec())).unwrap();
        let store = SessionsSubject::open(collection, &surroundings(&clock));
        let divergences = Divergences::default();
        let moment = at(0, &divergences, &[]);
        let messages = ids.iter().map(|id| SessionsOp::Messages(wanted(&id.0)));
        let reads = SessionsSubject::observations(std::iter::empty()).into_iter().chain(messages);
        for mut read in reads {
            let seen = ready(SessionsSubject::execute(&*store, &mut read, &mut ()));
            let verdict = SessionsSubject::step(&mut model.clone(), &read, &seen, &moment);
            assert!(verdict.is_ok(), "case {case}: {} of {documents:?}", seen.describe());
        }
    }
    let made = format!("{texts}, {flat} flat, {doubled} doubled, {damaged} damaged");
    assert!(texts > 200 && flat > 40 && doubled > 20 && damaged > 20, "{made}");
}

#[test]
fn shrinking_a_call_ends() {
    let mut full = below("z", session("z", "ユーザー"));
    full.title = Some(Arc::from("t"));
    full.messages = vec![MessageData::default(); 3];
    full.unknown = [(Arc::from("x"), Arc::from("1"))].into();
    let message = MessageData { content: Some(Arc::from("hi")), ..MessageData::default() };
    let of_u = Wanted { user_id: Some(Arc::from("u")), ..wanted("z") };
    for (mut op, simplest) in [
        (SessionsOp::Create(full.clone()), "create \"a\" of \"u\""),
        (
            SessionsOp::Update { session: full, user_id: of_u.user_id.clone() },
            "update \"a\" of \"u\"",
        ),
        (SessionsOp::AddMessage { to: of_u, message }, "add_message \"a\": #0 "),
    ] {
        let mut steps = 0;
        while let Some(next) = op.simpler().into_iter().next() {
            op = next;
            steps += 1;
            assert!(steps < 100, "shrinking goes round in circles at {}", op.describe());
        }
        assert_eq!(op.describe(), simplest);
    }
}

#[test]
fn observations_look_at_everything_that_was_used() {
    let ops = [
        SessionsOp::Create(below("p", session("a", "w"))),
        SessionsOp::Delete(wanted("b")),
        SessionsOp::ListSub { parent_id: RawId(Arc::from("q")) },
    ];
    let reads: Vec<_> =
        SessionsSubject::observations(ops.iter()).iter().map(Operation::describe).collect();
    assert_eq!(
        reads,
        [
            "list of \"u\"",
            "list of \"v\"",
            "list of \"w\"",
            "list of \"ユーザー\"",
            "list_sub \"p\"",
            "list_sub \"q\"",
            "messages \"a\"",
            "messages \"b\""
        ]
    );
}
