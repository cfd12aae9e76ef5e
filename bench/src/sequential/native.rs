//! The same operations, as often, from proptest's own strategies, as its users
//! write them: every part of an operation can be shrunk.

use std::sync::Arc;

use proptest::{
    option,
    prelude::{BoxedStrategy, Just, Strategy},
    prop_oneof,
    sample::select,
};
use proptest_state_machine::ReferenceStateMachine;
use storeproof::{
    check::scenario::Action,
    model::{
        collection::{
            ActionInput, CollectionOp, ConditionInput, CursorInput, ListInput, RecordInput,
            SelectionInput, WriteInput,
        },
        payload::PayloadInput,
        source::{INSTANTS, RawId},
    },
    seam::{Encoding, Instant},
};

pub struct Reference;

impl ReferenceStateMachine for Reference {
    type State = ();
    type Transition = Action<CollectionOp>;

    fn init_state() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    /// Made once a thread: a strategy is asked for before every operation.
    fn transitions((): &()) -> BoxedStrategy<Action<CollectionOp>> {
        thread_local! {
            static ACTION: BoxedStrategy<Action<CollectionOp>> = action().boxed();
        }
        ACTION.with(Clone::clone)
    }

    fn apply((): (), _: &Action<CollectionOp>) {}
}

fn action() -> impl Strategy<Value = Action<CollectionOp>> {
    prop_oneof![
        46 => operation().prop_map(Action::Call),
        1 => Just(Action::AdvanceClock(1)),
        1 => Just(Action::Reopen { variant: 0 }),
    ]
}

fn operation() -> impl Strategy<Value = CollectionOp> {
    use CollectionOp::{
        Claim, Commit, CompareAndDelete, CompareAndSwap, Count, Create, Delete, Find, Get, List,
        PurgeExpired, Put, Quarantine, Update,
    };
    let swap = (id(), hot(), payload());
    prop_oneof![
        10 => id().prop_map(|id| Get { id }),
        14 => record().prop_map(Put),
        10 => record().prop_map(Create),
        6 => id().prop_map(|id| Delete { id }),
        8 => swap.prop_map(|(id, expected, next)| CompareAndSwap { id, expected, next }),
        4 => (id(), hot()).prop_map(|(id, expected)| CompareAndDelete { id, expected }),
        4 => (id(), payload()).prop_map(|(id, data)| Update { id, data }),
        6 => find().prop_map(|(key, parts)| Find { key, parts }),
        8 => list().prop_map(List),
        3 => selection().prop_map(Count),
        5 => selection().prop_map(Claim),
        9 => proptest::collection::vec(write(), 1..=3).prop_map(|writes| Commit { writes }),
        3 => Just(PurgeExpired),
        3 => (id(), hot()).prop_map(|(id, expected)| Quarantine { id, expected }),
    ]
}

fn id() -> impl Strategy<Value = RawId> {
    let text = prop_oneof![
        63 => select(&["a", "a", "a", "b", "b", "c"][..]),
        1 => select(&["", "a/b", "..", "a.json", "\u{e9}", "%2e"][..]),
    ];
    text.prop_map(|text| RawId(Arc::from(text)))
}

thread_local! {
    /// Hot ones first, then any, then some that are no JSON: made once, as in
    /// our generator.
    static PAYLOADS: Vec<PayloadInput> = [
        r#"{"name":"x"}"#,
        r#"{"name":"y","group":"g"}"#,
        r#"{"group":"g","kind":"k"}"#,
        "{}",
        r#"{"name":"x","group":"h","kind":"plain"}"#,
        r#"{"n":1}"#,
        "null",
        "[]",
        r#""x""#,
        "1e400",
        r#"{"name":"x","name":"y"}"#,
        "",
        " ",
        "{",
        "{} {}",
        "nul",
    ]
    .iter()
    .map(|text| PayloadInput::new(text.as_bytes()))
    .collect();
}

fn payload_at(place: usize) -> PayloadInput {
    PAYLOADS.with(|payloads| payloads[place].clone())
}

fn hot() -> impl Strategy<Value = PayloadInput> {
    (0..6_usize, 0..6_usize).prop_map(|(one, other)| payload_at(one.min(other)))
}

fn payload() -> impl Strategy<Value = PayloadInput> {
    prop_oneof![
        13 => hot(),
        2 => (6..11_usize).prop_map(payload_at),
        1 => (11..16_usize).prop_map(payload_at),
    ]
}

fn instant() -> impl Strategy<Value = Instant> {
    select(INSTANTS)
}

fn record() -> impl Strategy<Value = RecordInput> {
    let encoding = prop_oneof![
        54 => Just(Encoding::JSON),
        8 => Just(Encoding::PROTO3),
        2 => Just(Encoding::new("JSON")),
    ];
    let expires_at = option::weighted(0.2, instant());
    let parts = (id(), payload(), encoding, instant(), instant(), expires_at);
    parts.prop_map(|(id, data, encoding, created_at, updated_at, expires_at)| RecordInput {
        id,
        data,
        encoding,
        created_at,
        updated_at,
        expires_at,
    })
}

fn write() -> impl Strategy<Value = WriteInput> {
    let action = prop_oneof![
        4 => record().prop_map(ActionInput::Put),
        1 => (id(), payload()).prop_map(|(id, data)| ActionInput::Replace { id, data }),
        2 => id().prop_map(ActionInput::Delete),
        1 => id().prop_map(ActionInput::Check),
    ];
    let when = prop_oneof![
        3 => Just(ConditionInput::Any),
        2 => Just(ConditionInput::Absent),
        2 => Just(ConditionInput::Present),
        1 => hot().prop_map(ConditionInput::Data),
    ];
    (action, when).prop_map(|(action, when)| WriteInput { action, when })
}

fn find() -> impl Strategy<Value = (Arc<str>, Vec<Arc<str>>)> {
    let texts = |texts: &'static [&'static str]| select(texts).prop_map(Arc::<str>::from);
    prop_oneof![
        1 => texts(&["x", "y", "z"]).prop_map(|name| (Arc::from("name"), vec![name])),
        1 => (texts(&["g", "h"]), texts(&["plain", "k"]))
            .prop_map(|(group, kind)| (Arc::from("group"), vec![group, kind])),
    ]
}

fn selection() -> impl Strategy<Value = SelectionInput> {
    let prefix = prop_oneof![
        11 => Just(""),
        5 => select(&["a", "b", "..", "%", "a/"][..]),
    ];
    let parts = (prefix, option::weighted(0.17, instant()), option::weighted(0.17, instant()));
    parts.prop_map(|(prefix, since, until)| SelectionInput {
        prefix: prefix.to_owned(),
        since,
        until,
    })
}

fn list() -> impl Strategy<Value = ListInput> {
    let cursor = prop_oneof![9 => Just(CursorInput::None), 6 => Just(CursorInput::Next)];
    let limit = prop_oneof![6 => Just(None), 9 => (1..4_u32).prop_map(Some), 1 => Just(Some(0))];
    let parts = (selection(), cursor, limit);
    parts.prop_map(|(selection, cursor, limit)| ListInput { selection, cursor, limit })
}
