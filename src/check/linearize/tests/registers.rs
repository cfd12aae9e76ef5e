//! A store of two registers, with calls of every kind that the search knows.

use std::{cell::Cell, sync::Arc};

use arbitrary::Result as Arbitrary;
use serde::{Deserialize, Serialize};

use crate::{
    check::history::{Call, Deed, Phase},
    model::{
        failure::StorageFailure,
        legacy::{LegacyDocument, OlderAction},
        source::Source,
        subject::{Broken, Handle, Moment, Operation, Reach, Subject, Surroundings, Verdict},
    },
    seam::{Collection, CollectionSpec, Instant, RecordId},
};

thread_local! {
    static JUDGED: Cell<usize> = const { Cell::new(0) };
}

/// How many calls, or stages of them, this thread has judged so far.
pub(super) fn judged() -> usize {
    JUDGED.get()
}

/// Two registers, which begin with 0.
#[derive(Debug)]
pub(super) struct Registers;

pub(super) type Model = [u8; 2];

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Op {
    Put(usize, u8),
    Get(usize),
    /// Sets a register that holds 0; refused otherwise.
    Create(usize, u8),
    /// Reads one register, and some time later the other.
    Scan,
    /// Sets the registers that do not hold 0 to 0, one after the other, and
    /// tells how many. One that is put meanwhile may be left out.
    Clear,
    /// Sets the first register, and some time later the other.
    Fill(u8),
    /// Sets both to 0, at once or one after the other.
    Wipe,
    /// Older software sets a register, at one moment.
    Older(usize, u8),
    /// What older software did at this time may be lost.
    Undo(u64),
}

pub(super) use Op::{Clear, Create, Fill, Get, Older, Put, Scan, Undo, Wipe};

#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) enum Seen {
    Done,
    Value(u8),
    Refused,
    Both(u8, u8),
    Cleared(usize),
    /// The connection broke.
    Unknown,
}

pub(super) use Seen::{Both, Cleared, Done, Refused, Unknown, Value};

impl Op {
    pub(super) fn effect(self, model: &mut Model) -> Seen {
        match self {
            Put(key, value) | Older(key, value) => model[key] = value,
            Get(key) => return Value(model[key]),
            Create(key, _) if model[key] != 0 => return Refused,
            Create(key, value) => model[key] = value,
            Scan => return Both(model[0], model[1]),
            Clear => {
                let cleared = model.iter().filter(|value| **value != 0).count();
                *model = [0; 2];
                return Cleared(cleared);
            }
            Fill(value) => *model = [value; 2],
            Wipe => *model = [0; 2],
            Undo(_) => {}
        }
        Done
    }

    pub(super) fn stages(self) -> usize {
        if matches!(self, Fill(_)) { 2 } else { 1 }
    }

    pub(super) fn stage_effect(self, stage: usize, model: &mut Model) -> Seen {
        match self {
            Fill(value) => model[stage] = value,
            _ => return self.effect(model),
        }
        Done
    }

    /// What one step of a clearing or wiping may leave.
    pub(super) fn partial_effects(self, model: Model) -> Vec<Model> {
        let steps = (0..2).filter(|key| matches!(self, Clear | Wipe) && model[*key] != 0);
        let without = |key: usize| {
            let mut after = model;
            after[key] = 0;
            after
        };
        steps.map(without).collect()
    }
}

impl Subject for Registers {
    const NAME: &'static str = "registers";
    const OPERATIONS: &'static [&'static str] =
        &["put", "get", "create", "scan", "clear", "fill", "wipe"];
    const CLASSES: &'static [&'static str] =
        &["done", "value", "refused", "both", "unknown", "cleared"];

    type Op = Op;
    type Seen = Seen;
    type Model = Model;
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

    fn generate(_: &mut Source<'_, '_>) -> Arbitrary<Op> {
        Ok(Scan)
    }

    fn generate_legacy(_: &mut Source<'_, '_>) -> Arbitrary<Vec<LegacyDocument>> {
        Ok(Vec::new())
    }

    fn generate_legacy_write(_: &mut Source<'_, '_>) -> Arbitrary<LegacyDocument> {
        Err(arbitrary::Error::EmptyChoose)
    }

    /// Older software writes a register as a file of its number.
    fn legacy_written(model: &mut Model, document: &LegacyDocument) {
        model[document.id.parse::<usize>().unwrap()] = document.text.parse().unwrap();
    }

    fn legacy_undone(model: &mut Model, earlier: &Model, id: &str) {
        let key = id.parse::<usize>().unwrap();
        model[key] = earlier[key];
    }

    fn legacy_removed(model: &mut Model, id: &str) {
        model[id.parse::<usize>().unwrap()] = 0;
    }

    /// A register is always there.
    fn legacy_meanwhile(model: &Model, _: &LegacyDocument) -> Model {
        *model
    }

    async fn execute((): &(), _: &mut Op, (): &mut ()) -> Seen {
        Unknown
    }

    fn step(model: &mut Model, op: &Op, seen: &Seen, _: &Moment<'_>) -> Result<(), Broken<Seen>> {
        let expected = op.effect(model);
        if expected == *seen {
            return Ok(());
        }
        Err(Broken { expected: Box::new(expected), rule: "registers hold what was put last" })
    }

    fn outcomes_unseen(model: &Model, op: &Op, _: &Moment<'_>) -> Vec<Model> {
        let mut after = *model;
        op.effect(&mut after);
        vec![after]
    }

    fn interval(op: &Op) -> bool {
        matches!(op, Scan | Clear)
    }

    /// Each value was there at some time, the first one not after the second.
    /// No value is left that was there throughout a clearing.
    fn judge_interval(
        states: &mut dyn Iterator<Item = &Model>,
        op: &Op,
        seen: &Seen,
        _: &Moment<'_>,
    ) -> Result<(), Broken<Seen>> {
        if *op == Clear {
            let states: Vec<_> = states.collect();
            let left = |key: usize| states.iter().all(|s| s[key] == states[0][key] && s[key] != 0);
            return if left(0) || left(1) {
                Err(Broken { expected: Box::new(Cleared(2)), rule: "a clearing leaves nothing" })
            } else {
                Ok(())
            };
        }
        let Both(first, second) = *seen else { panic!("a scan sees {seen:?}") };
        let mut first_seen = false;
        for state in states {
            first_seen |= state[0] == first;
            if first_seen && state[1] == second {
                return Ok(());
            }
        }
        Err(Broken { expected: Box::new(Both(0, 0)), rule: "a scan reads what was there" })
    }

    fn stages(op: &Op, _: u8) -> usize {
        op.stages()
    }

    fn step_stage(
        stage: usize,
        model: &mut Model,
        op: &Op,
        seen: &Seen,
        _: &Moment<'_>,
    ) -> Result<(), Broken<Seen>> {
        JUDGED.set(JUDGED.get() + 1);
        let expected = op.stage_effect(stage, model);
        if expected == *seen {
            return Ok(());
        }
        Err(Broken { expected: Box::new(expected), rule: "registers hold what was put last" })
    }

    fn stage_unseen(stage: usize, model: &Model, op: &Op, _: &Moment<'_>) -> Vec<Model> {
        let mut after = *model;
        op.stage_effect(stage, &mut after);
        vec![after]
    }

    fn partial_steps(_: usize, model: &Model, op: &Op, _: &Moment<'_>) -> Vec<Model> {
        op.partial_effects(*model)
    }

    fn steps_made(_: &Op, seen: &Seen) -> Option<usize> {
        if let Cleared(count) = seen { Some(*count) } else { None }
    }

    fn writes(op: &Op, seen: Option<&Seen>) -> Option<Vec<RecordId>> {
        match op {
            _ if seen == Some(&Refused) => Some(Vec::new()),
            Get(_) | Scan => Some(Vec::new()),
            Put(key, _) | Create(key, _) => Some(vec![id(*key)]),
            Clear | Fill(_) | Wipe | Older(..) | Undo(_) => None,
        }
    }

    fn observations<'a>(_: impl Iterator<Item = &'a Op>) -> Vec<Op> {
        vec![Get(0), Get(1)]
    }

    fn trial() -> Vec<Op> {
        Vec::new()
    }
}

impl Operation for Op {
    fn kind(&self) -> usize {
        match self {
            Put(..) => 0,
            Get(_) => 1,
            Create(..) => 2,
            Scan => 3,
            Clear => 4,
            Fill(_) => 5,
            Wipe => 6,
            Older(..) | Undo(_) => unreachable!("it is no call"),
        }
    }

    fn is_read(&self) -> bool {
        matches!(self, Get(_) | Scan)
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn simpler(&self) -> Vec<Self> {
        Vec::new()
    }
}

impl Verdict for Seen {
    fn class(&self) -> usize {
        match self {
            Done => 0,
            Value(_) => 1,
            Refused => 2,
            Both(..) => 3,
            Unknown => 4,
            Cleared(_) => 5,
        }
    }

    fn is_refusal(&self) -> bool {
        *self == Refused
    }

    fn is_unknown(&self) -> bool {
        *self == Unknown
    }

    fn storage_failure(&self) -> Option<StorageFailure> {
        None
    }

    fn describe(&self) -> String {
        format!("{self:?}")
    }

    fn digest(&self, _: &mut impl std::hash::Hasher) {}
}

/// A call, and when it began and returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) op: Op,
    pub(super) seen: Option<Seen>,
    pub(super) invoked: u64,
    pub(super) returned: u64,
}

impl Made {
    pub(super) fn call(self) -> Call<Registers> {
        Call {
            phase: Phase::Clients,
            client: 0,
            action: 0,
            deed: match self.op {
                Older(key, value) => Deed::Older(OlderAction::Write(LegacyDocument {
                    id: key.to_string(),
                    text: value.to_string(),
                    modified: Instant::UNIX_EPOCH,
                })),
                Undo(time) => Deed::Undone(time),
                op => Deed::Call { op, seen: self.seen },
            },
            now: Instant::UNIX_EPOCH,
            variant: 0,
            handle: Handle::default(),
            faults: Vec::new(),
            invoked: self.invoked,
            returned: self.returned,
            io_invoked: 0,
            io_returned: 0,
        }
    }
}

fn id(key: usize) -> RecordId {
    RecordId::new(key.to_string()).unwrap()
}
