//! Valid histories of a store of four registers: is there an order that
//! explains them?

use std::sync::{Arc, LazyLock};

use arbitrary::Result;
use porcupine_rs::{Model, Operation as Observed};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use storeproof::{
    check::{
        history::{Call, Deed, Phase},
        linearize::linearize,
    },
    model::{
        divergence::Divergences,
        failure::StorageFailure,
        legacy::LegacyDocument,
        source::Source,
        subject::{Broken, Handle, Moment, Operation, Reach, Subject, Surroundings, Verdict},
    },
    seam::{Collection, CollectionSpec, Instant, RecordId},
};

use crate::measure::{Contender, Row};

const KEYS: usize = 4;
const VALUES: u32 = 10;
/// Histories are made once, and judged one after the other.
const HISTORIES: u64 = 256;

pub fn rows() -> Vec<Row> {
    [(2, 4), (4, 8), (8, 25)].map(|(clients, operations)| row(clients, operations)).into()
}

fn row(clients: usize, operations: usize) -> Row {
    let ours = prepared(clients, operations, for_ours);
    Row {
        what: format!("linearizability {clients}x{operations}"),
        unit: "histories",
        goal: "ahead of porcupine-rs",
        ours: Contender::new("storeproof", move |job, count| {
            let (initial, divergences) = ([0; KEYS], Divergences::default());
            for number in 0..count {
                assert!(
                    linearize(chosen::<Vec<_>>(&ours, job, number), &initial, &divergences).is_ok()
                );
            }
        }),
        baselines: vec![
            with_porcupine::<ByKey>("porcupine-rs 0.3.0, by key", clients, operations),
            with_porcupine::<Whole>("porcupine-rs 0.3.0, whole", clients, operations),
        ],
    }
}

fn with_porcupine<M: Model<Op = Event, Metadata = ()> + 'static>(
    name: &str,
    clients: usize,
    operations: usize,
) -> Contender {
    let histories = prepared(clients, operations, for_porcupine::<M>);
    Contender::new(name, move |job, count| {
        for number in 0..count {
            assert!(porcupine_rs::check_operations(chosen::<Vec<_>>(&histories, job, number)));
        }
    })
}

/// The histories in the form of one contender, made when it runs first, which
/// is before anything is measured.
fn prepared<T: Send + Sync>(
    clients: usize,
    operations: usize,
    form: fn(&[Event]) -> T,
) -> LazyLock<Vec<T>, impl FnOnce() -> Vec<T> + Send + Sync> {
    LazyLock::new(move || {
        (0..HISTORIES).map(|seed| form(&history(seed, clients, operations))).collect()
    })
}

/// Each thread begins with another history.
fn chosen<T>(histories: &[T], job: u64, number: u64) -> &T {
    &histories[((number + job * 128) % HISTORIES) as usize]
}

/// What a client did and saw.
#[derive(Clone, Copy, Debug)]
struct Event {
    client: usize,
    key: usize,
    /// None: a get.
    put: Option<u32>,
    got: u32,
    invoked: u64,
    returned: u64,
}

/// Clients that run at the same time; each call takes effect at some point
/// between its beginning and its end.
fn history(seed: u64, clients: usize, operations: usize) -> Vec<Event> {
    #[derive(Clone, Copy)]
    enum Stage {
        Idle,
        Begun(Event),
        TookEffect(Event),
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut below = |end: usize| (random.next_u64() >> 33) as usize % end;
    let mut registers = [0; KEYS];
    let mut stages = vec![Stage::Idle; clients];
    let mut left = vec![operations; clients];
    let mut events = Vec::new();
    let mut time = 0;
    while events.len() < clients * operations {
        let client = below(clients);
        time += 1;
        stages[client] = match stages[client] {
            Stage::Idle if left[client] == 0 => Stage::Idle,
            Stage::Idle => {
                left[client] -= 1;
                let put = (below(2) == 0).then(|| below(VALUES as usize) as u32);
                let key = below(KEYS);
                Stage::Begun(Event { client, key, put, got: 0, invoked: time, returned: 0 })
            }
            Stage::Begun(mut event) => {
                match event.put {
                    Some(value) => registers[event.key] = value,
                    None => event.got = registers[event.key],
                }
                Stage::TookEffect(event)
            }
            Stage::TookEffect(event) => {
                events.push(Event { returned: time, ..event });
                Stage::Idle
            }
        };
    }
    events.sort_by_key(|event| event.invoked);
    events
}

/// Four registers, for our checker.
#[derive(Clone, Copy, Debug)]
struct Registers;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RegisterOp {
    key: usize,
    put: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum RegisterSeen {
    Done,
    Value(u32),
}

fn for_ours(events: &[Event]) -> Vec<Call<Registers>> {
    let calls = events.iter().enumerate().map(|(action, event)| Call {
        phase: Phase::Clients,
        client: event.client,
        action,
        deed: Deed::Call {
            op: RegisterOp { key: event.key, put: event.put },
            seen: Some(match event.put {
                Some(_) => RegisterSeen::Done,
                None => RegisterSeen::Value(event.got),
            }),
        },
        variant: 0,
        handle: Handle::default(),
        faults: Vec::new(),
        now: Instant::UNIX_EPOCH,
        invoked: event.invoked,
        returned: event.returned,
        io_invoked: 0,
        io_returned: 0,
    });
    calls.collect()
}

impl Subject for Registers {
    const NAME: &'static str = "registers";
    const OPERATIONS: &'static [&'static str] = &["get", "put"];
    const CLASSES: &'static [&'static str] = &["done", "value"];

    type Op = RegisterOp;
    type Seen = RegisterSeen;
    type Model = [u32; KEYS];
    type Store = ();
    type Memory = ();

    fn required(_: &Reach) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn spec() -> CollectionSpec {
        CollectionSpec::new("registers")
    }

    fn open(_: Arc<dyn Collection>, _: &Surroundings) -> Arc<()> {
        Arc::new(())
    }

    fn generate(source: &mut Source<'_, '_>) -> Result<RegisterOp> {
        let put =
            if source.ratio(1, 2)? { Some(source.below(VALUES as usize)? as u32) } else { None };
        Ok(RegisterOp { key: source.below(KEYS)?, put })
    }

    fn generate_legacy(_: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
        Ok(Vec::new())
    }

    fn generate_legacy_write(_: &mut Source<'_, '_>) -> Result<LegacyDocument> {
        Err(arbitrary::Error::EmptyChoose)
    }

    fn legacy_written(_: &mut [u32; KEYS], _: &LegacyDocument) {}

    fn legacy_removed(_: &mut [u32; KEYS], _: &str) {}

    fn legacy_undone(_: &mut [u32; KEYS], _: &[u32; KEYS], _: &str) {}

    async fn execute((): &(), _: &mut RegisterOp, (): &mut ()) -> RegisterSeen {
        RegisterSeen::Done
    }

    fn step(
        model: &mut [u32; KEYS],
        op: &RegisterOp,
        seen: &RegisterSeen,
        _: &Moment<'_>,
    ) -> std::result::Result<(), Broken<RegisterSeen>> {
        let expected = match op.put {
            Some(value) => {
                model[op.key] = value;
                RegisterSeen::Done
            }
            None => RegisterSeen::Value(model[op.key]),
        };
        if *seen == expected {
            return Ok(());
        }
        Err(Broken { expected: Box::new(expected), rule: "a register holds what was put last" })
    }

    fn outcomes_unseen(model: &[u32; KEYS], op: &RegisterOp, _: &Moment<'_>) -> Vec<[u32; KEYS]> {
        let mut after = *model;
        op.put.map_or_else(Vec::new, |value| {
            after[op.key] = value;
            vec![after]
        })
    }

    fn writes(_: &RegisterOp, _: Option<&RegisterSeen>) -> Option<Vec<RecordId>> {
        Some(Vec::new())
    }

    fn observations<'a>(_: impl Iterator<Item = &'a RegisterOp>) -> Vec<RegisterOp> {
        (0..KEYS).map(|key| RegisterOp { key, put: None }).collect()
    }

    fn trial() -> Vec<RegisterOp> {
        Vec::new()
    }
}

impl Operation for RegisterOp {
    fn kind(&self) -> usize {
        usize::from(self.put.is_some())
    }

    fn is_read(&self) -> bool {
        self.put.is_none()
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn simpler(&self) -> Vec<Self> {
        Vec::new()
    }
}

impl Verdict for RegisterSeen {
    fn class(&self) -> usize {
        usize::from(matches!(self, Self::Value(_)))
    }

    fn is_refusal(&self) -> bool {
        false
    }

    fn is_unknown(&self) -> bool {
        false
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        None
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn digest(&self, into: &mut impl std::hash::Hasher) {
        into.write_usize(self.class());
    }
}

/// The registers for porcupine, as one thing.
#[derive(Clone, Debug)]
struct Whole;

/// The registers for porcupine, each on its own.
#[derive(Clone, Debug)]
struct ByKey;

fn for_porcupine<M: Model<Op = Event, Metadata = ()>>(events: &[Event]) -> Vec<Observed<M>> {
    let observed = events.iter().map(|event| Observed {
        client_id: u32::try_from(event.client).ok(),
        call_time: event.invoked as i64,
        return_time: event.returned as i64,
        op: *event,
        metadata: None,
    });
    observed.collect()
}

impl Model for Whole {
    type State = [u32; KEYS];
    type Op = Event;
    type Metadata = ();

    fn init() -> [u32; KEYS] {
        [0; KEYS]
    }

    fn step(state: &[u32; KEYS], op: &Event) -> (bool, [u32; KEYS]) {
        match op.put {
            Some(value) => {
                let mut after = *state;
                after[op.key] = value;
                (true, after)
            }
            None => (state[op.key] == op.got, *state),
        }
    }
}

impl Model for ByKey {
    type State = u32;
    type Op = Event;
    type Metadata = ();

    fn partition_operations(history: &[Observed<Self>]) -> Vec<Vec<Observed<Self>>> {
        let mut parts = vec![Vec::new(); KEYS];
        for observed in history {
            parts[observed.op.key].push(observed.clone());
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    fn init() -> u32 {
        0
    }

    fn step(state: &u32, op: &Event) -> (bool, u32) {
        match op.put {
            Some(value) => (true, value),
            None => (*state == op.got, *state),
        }
    }
}
