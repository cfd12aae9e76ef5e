//! Makes scenarios from bytes.

use std::borrow::Cow;

use arbitrary::{Result, Unstructured};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    backends::Capabilities,
    processes::Kill,
    scenario::{Action, Crash, ForeignFile, Mode, Scenario},
    trace_hash::{hash_of, mix},
};
use crate::{
    model::{
        legacy::OlderAction,
        source::{Aim, Focus, INSTANTS, Source},
        subject::{Operation, Subject},
    },
    seam::Instant,
    sim::{
        faults::{FS_STEPS, FaultKind, FaultPlan, RandomFaults},
        schedule::{Bounds, Schedule},
    },
};

/// What a scenario is meant to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Wrong outcomes of one call after the other.
    Sequence,
    /// Races, by the seeded executor.
    Interleaving,
    /// The absence of races in something small, by all its interleavings.
    Exhaustive(Bounds),
    /// Races, on real threads.
    Threads,
    /// Races of real processes, and what a killed one leaves.
    Processes,
    /// Wrong states after a crash.
    Crash,
    /// Wrong answers and states where the storage fails and clients give up.
    Fault,
    /// The same where every call of a collection is one step: it is a database that
    /// fails.
    Database,
}

impl Purpose {
    /// What case number `case` is for. A function of the number and of what
    /// the backend can do, so that every job has its share.
    #[must_use]
    pub fn of_case<S: Subject>(case: u64, capabilities: &Capabilities) -> Self {
        // Few: they take ten to ten thousand runs.
        if let Some(bounds) = capabilities.every_interleaving
            && case % EXHAUSTIVE_ONE_IN == 5
        {
            return Self::Exhaustive(bounds);
        }
        match case % 32 {
            place if place % 8 == 3 && S::IS_MANY_STORES && capabilities.faults => Self::Fault,
            place if place % 8 < 4 => Self::Sequence,
            // Few: starting threads costs more than all the rest.
            4 if capabilities.threads => Self::Threads,
            // Few as well, for the same reason.
            20 if capabilities.processes => Self::Processes,
            place if place % 8 == 7 && capabilities.crashes => Self::Crash,
            place if place % 8 == 6 && capabilities.faults => Self::Fault,
            place if place % 8 == 6 => Self::Database,
            _ => Self::Interleaving,
        }
    }
}

/// One case of so many runs in every interleaving.
const EXHAUSTIVE_ONE_IN: u64 = 512;

/// About how many scheduling points an action has where only calls of a
/// collection are points.
const POINTS_OF_A_CALL: u32 = 3;
/// About how many where every call of the file system is one.
const POINTS_OF_A_CALL_WITH_POINTS: u32 = 24;

/// Case number `case` of the campaign with that `seed`: a pure function of
/// them. The clients' operations do not depend on the backend, so that one
/// trace runs on all of them.
#[must_use]
pub fn case<S: Subject>(seed: u64, case: u64, capabilities: &Capabilities) -> Scenario<S::Op> {
    let bytes = bytes_of_case::<S>(seed, case);
    let purpose = Purpose::of_case::<S>(case, capabilities);
    scenario_for::<S>(&mut Unstructured::new(&bytes), purpose, usize::MAX, capabilities)
}

/// A scenario made from `bytes` that a backend with these capabilities can run; for
/// `most_actions` see [`scenario`].
#[must_use]
pub fn scenario_for<S: Subject>(
    bytes: &mut Unstructured<'_>,
    purpose: Purpose,
    most_actions: usize,
    capabilities: &Capabilities,
) -> Scenario<S::Op> {
    let scenario = scenario::<S>(bytes, purpose, most_actions, capabilities.older_software);
    let mut scenario = scenario.unwrap_or_else(|_| empty_scenario());
    if let Mode::Simulated(Schedule::Pct { steps, .. }) = &mut scenario.mode
        && capabilities.has_points
    {
        *steps *= POINTS_OF_A_CALL_WITH_POINTS / POINTS_OF_A_CALL;
    }
    with_its_clock::<S>(&mut scenario, capabilities);
    scenario
}

/// Takes out what the clock of the backend, or of the store, does not do.
pub(super) fn with_its_clock<S: Subject>(
    scenario: &mut Scenario<S::Op>,
    capabilities: &Capabilities,
) {
    if !S::CLOCK_MOVES {
        stand_still(scenario);
    } else if capabilities.steady_clock {
        go_forward(scenario);
    }
}

/// Lets the clock never go back, and be the same to all.
fn go_forward<Op: Operation>(scenario: &mut Scenario<Op>) {
    scenario.skews.clear();
    scenario.each_action(|action| {
        if let Action::AdvanceClock(seconds) = action {
            *seconds = seconds.saturating_abs();
        }
    });
}

/// The same, and stand still while several clients work.
fn stand_still<Op: Operation>(scenario: &mut Scenario<Op>) {
    go_forward(scenario);
    if scenario.clients.len() > 1 {
        for client in &mut scenario.clients {
            client.retain(|action| !matches!(action, Action::AdvanceClock(_)));
        }
    }
}

/// As [`case()`], but with so many clients, each with exactly so many actions,
/// on an empty storage: for measurements, which need cases of one size.
#[must_use]
pub fn case_of_size<S: Subject>(
    seed: u64,
    case: u64,
    clients: usize,
    actions: usize,
) -> Scenario<S::Op> {
    let bytes = bytes_of_case::<S>(seed, case);
    let bytes = &mut Unstructured::new(&bytes);
    let scenario = Focus::generate(bytes, S::OPERATIONS.len()).and_then(|focus| {
        let schedule = Schedule::Random { seed: bytes.arbitrary()?, one_in: 2 };
        let programs = (0..clients).map(|_| sequence::<S>(bytes, &focus, actions));
        Ok(Scenario {
            start: INSTANTS.first().copied().unwrap_or(Instant::UNIX_EPOCH),
            clients: programs.collect::<Result<_>>()?,
            mode: if clients > 1 { Mode::Simulated(schedule) } else { Mode::default() },
            ..empty_scenario()
        })
    });
    scenario.unwrap_or_else(|_| empty_scenario())
}

fn bytes_of_case<S: Subject>(seed: u64, case: u64) -> [u8; 2_048] {
    let own = mix(seed ^ hash_of(&[S::NAME.as_bytes()])) ^ case;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(own);
    let mut bytes = [0; 2_048];
    random.fill_bytes(&mut bytes);
    bytes
}

/// `arbitrary` fails only on empty choices, of which there are none; a case
/// without actions would show in the statistics.
fn empty_scenario<Op>() -> Scenario<Op> {
    Scenario {
        legacy: Vec::new(),
        foreign: Vec::new(),
        start: Instant::UNIX_EPOCH,
        seed: 0,
        page_size: None,
        handles: 1,
        setup: Vec::new(),
        clients: vec![Vec::new()],
        mode: Mode::default(),
        faults: FaultPlan::default(),
        skews: Vec::new(),
        crash: None,
    }
}

/// A scenario made from `bytes`, whoever chose them: a seeded generator, a
/// fuzzer or a property test. Each client does `most_actions` at most (of what its purpose
/// has, and one at least), and so much is done before; what reopens, what older software
/// does and what every client ends with does not count.
///
/// # Errors
/// As `arbitrary` reports them.
pub fn scenario<S: Subject>(
    bytes: &mut Unstructured<'_>,
    purpose: Purpose,
    most_actions: usize,
    older_software: bool,
) -> Result<Scenario<S::Op>> {
    let focus = Focus::generate(bytes, S::OPERATIONS.len())?;
    let seed = bytes.arbitrary()?;
    let page_size = *bytes.choose(&[None, Some(1), Some(2), Some(3)])?;
    let (mut legacy, mut foreign) = (Vec::new(), Vec::new());
    if older_software {
        legacy = S::generate_legacy(&mut Source::new(bytes, &focus))?;
        foreign = foreign_files(bytes)?;
        foreign.extend(neighbours::<S>(bytes)?);
    }
    let (clients, longest, setup) = match purpose {
        Purpose::Sequence => (1, if bytes.arbitrary()? { 50 } else { 12 }, 0),
        Purpose::Interleaving | Purpose::Threads => {
            let clients = bytes.int_in_range(2..=4_usize)?;
            (clients, if clients == 2 { 5 } else { 3 }, bytes.int_in_range(0..=4)?)
        }
        Purpose::Processes => (bytes.int_in_range(2..=3)?, 5, bytes.int_in_range(0..=3)?),
        Purpose::Exhaustive(_) => (2, 2, bytes.int_in_range(0..=2)?),
        Purpose::Crash => (bytes.int_in_range(1..=2_usize)?, 4, bytes.int_in_range(0..=3)?),
        Purpose::Fault | Purpose::Database => {
            (bytes.int_in_range(1..=3_usize)?, 4, bytes.int_in_range(0..=3)?)
        }
    };
    let exact = match purpose {
        Purpose::Sequence => longest == 50,
        Purpose::Exhaustive(_) => true,
        _ => false,
    };
    let handles = bytes.int_in_range(1..=clients)?;
    let is_crash = purpose == Purpose::Crash;
    let focus = match purpose {
        Purpose::Crash if bytes.ratio(2_u8, 5)? => {
            focus.in_directories(bytes, S::WRITES_SEVERAL)?
        }
        Purpose::Interleaving | Purpose::Exhaustive(_) | Purpose::Threads | Purpose::Processes
            if bytes.ratio(3_u8, 4)? =>
        {
            focus.in_a_race(bytes)?
        }
        _ => focus,
    };
    // A recovery of several records has many crashes of its own: a short past
    // leaves room for them.
    let is_of_commits = focus.aim == Aim::Commits;
    let (longest, setup) = if is_of_commits { (2, setup.min(1)) } else { (longest, setup) };
    let (longest, setup) = (longest.min(most_actions).max(1), setup.min(most_actions));
    let sequence = if is_crash { changes::<S> } else { sequence::<S> };
    let setup = match focus.aim {
        Aim::OneRecord | Aim::OneName => sequence(bytes, &focus.filling(), 1 + setup / 2)?,
        _ => sequence(bytes, &focus, setup)?,
    };
    // In half of all cases every client has the store in one variant from the
    // beginning: what several do in it at once is reached by nothing else.
    let variant = match S::VARIANTS {
        0 | 1 => 0,
        variants if bytes.arbitrary()? => bytes.int_in_range(0..=variants - 1)?,
        _ => 0,
    };
    let mut programs = Vec::with_capacity(clients);
    for _ in 0..clients {
        let length = if exact { longest } else { bytes.int_in_range(1..=longest)? };
        let mut program = sequence(bytes, &focus, length)?;
        if variant > 0 && (purpose != Purpose::Sequence || !exact) {
            program.insert(0, Action::Reopen { variant });
        }
        if !matches!(purpose, Purpose::Exhaustive(_)) {
            program.extend(S::parting().into_iter().map(Action::Call));
        }
        programs.push(program);
    }
    if handles > 1 && !exact && bytes.ratio(1_u8, 4)? {
        let program = bytes.choose_index(clients)?;
        if let Some(program) = programs.get_mut(program) {
            let place = bytes.int_in_range(1..=program.len())?;
            program.insert(place, Action::Reopen { variant });
        }
    }
    if older_software && !exact && bytes.ratio(1_u8, 3)? {
        let mut source = Source::new(bytes, &focus);
        match programs.as_mut_slice() {
            [alone] => interspersed::<S>(&mut source, alone)?,
            [.., last] => *last = older_program::<S>(&mut source)?,
            [] => {}
        }
    }
    let mode = match purpose {
        Purpose::Threads => Mode::Threads,
        Purpose::Processes => Mode::Processes { kills: kills(bytes, &programs)? },
        Purpose::Exhaustive(bounds) => Mode::Exhaustive(bounds),
        // What a client gives up goes on beside it.
        Purpose::Fault | Purpose::Database => Mode::Simulated(schedule(bytes, seed, &programs)?),
        _ if clients == 1 => Mode::default(),
        _ => Mode::Simulated(schedule(bytes, seed, &programs)?),
    };
    let faults = match purpose {
        Purpose::Fault => faults(bytes)?,
        Purpose::Database => failing_calls(bytes)?,
        _ => FaultPlan::default(),
    };
    let skews = match purpose {
        Purpose::Sequence | Purpose::Exhaustive(_) => Vec::new(),
        _ => skews(bytes, clients)?,
    };
    let crashes = match purpose {
        Purpose::Crash => true,
        Purpose::Fault => bytes.ratio(1_u8, 4)?,
        _ => false,
    };
    let crash = crashes.then(|| crash::<S>(bytes, &focus)).transpose()?;
    let start = INSTANTS.first().copied().unwrap_or(Instant::UNIX_EPOCH);
    let mut scenario = Scenario {
        legacy,
        foreign,
        start,
        seed,
        page_size,
        handles,
        setup,
        clients: programs,
        mode,
        faults,
        skews,
        crash,
    };
    if !S::CLOCK_MOVES {
        stand_still(&mut scenario);
    }
    Ok(scenario)
}

/// Failures of the storage and clients that give up: anywhere, or at steps of one
/// name, or of one kind, so that the rare ones have their share.
pub(super) fn faults(bytes: &mut Unstructured<'_>) -> Result<FaultPlan> {
    let (often, step, kinds): (&[u32], _, _) = match bytes.int_in_range(0..=3)? {
        0 => (&[6, 20, 60], None, Vec::new()),
        1 => (&[6, 20, 60], None, vec![FaultKind::Cancel]),
        2 => (&[1, 2, 4], Some(*bytes.choose(FS_STEPS)?), Vec::new()),
        _ => (&[1, 2, 4, 12], None, vec![*bytes.choose(FaultKind::OF_STORAGE)?]),
    };
    Ok(FaultPlan::Random(RandomFaults {
        seed: bytes.arbitrary()?,
        one_in: *bytes.choose(often)?,
        most: *bytes.choose(&[1, 1, 2, 3])?,
        step: step.map(Cow::Borrowed),
        kinds,
    }))
}

/// Where every call of a collection is one step: clients that give up, or a database
/// that fails, in any way or in one, so that each has its share.
pub(super) fn failing_calls(bytes: &mut Unstructured<'_>) -> Result<FaultPlan> {
    let (often, kinds): (&[u32], _) = match bytes.int_in_range(0..=4)? {
        0 => (&[1, 2, 4], vec![FaultKind::Cancel, FaultKind::CancelAfter]),
        1 => (&[2, 4, 12], Vec::new()),
        _ => (&[1, 2, 4], vec![*bytes.choose(FaultKind::OF_DATABASE)?]),
    };
    Ok(FaultPlan::Random(RandomFaults {
        seed: bytes.arbitrary()?,
        one_in: *bytes.choose(often)?,
        most: *bytes.choose(&[1, 1, 2, 3])?,
        step: None,
        kinds,
    }))
}

/// At times, clients have clocks that differ.
pub(super) fn skews(bytes: &mut Unstructured<'_>, clients: usize) -> Result<Vec<i64>> {
    if clients == 1 || !bytes.ratio(1_u8, 8)? {
        return Ok(Vec::new());
    }
    (0..clients).map(|_| bytes.choose(&[0, 1, -1, 60, -3_600]).copied()).collect()
}

/// Which processes of these clients are killed, and when: mostly while they
/// call, or so it is hoped. A call takes some hundred microseconds.
fn kills<Op>(bytes: &mut Unstructured<'_>, programs: &[Vec<Action<Op>>]) -> Result<Vec<Kill>> {
    let mut kills: Vec<Kill> = Vec::new();
    for _ in 0..bytes.int_in_range(0..=3_usize)? {
        let client = bytes.choose_index(programs.len())?;
        let program = programs.get(client).map_or(&[][..], Vec::as_slice);
        let calls = program.iter().enumerate();
        let calls = calls.filter(|(_, action)| matches!(action, Action::Call(_)));
        let calls: Vec<usize> = calls.map(|(operation, _)| operation).collect();
        if calls.is_empty() {
            continue;
        }
        let operation = *bytes.choose(&calls)?;
        let longest = *bytes.choose(&[30, 100, 300])?;
        let after_microseconds = bytes.int_in_range(0..=longest)?;
        if !kills.iter().any(|kill| (kill.client, kill.operation) == (client, operation)) {
            kills.push(Kill { client, operation, after_microseconds });
        }
    }
    Ok(kills)
}

/// How these clients are interleaved.
pub(super) fn schedule<Op>(
    bytes: &mut Unstructured<'_>,
    seed: u64,
    programs: &[Vec<Action<Op>>],
) -> Result<Schedule> {
    // `bench/examples/schedules.rs` measures which find races soonest: random ones that
    // change clients often, and of priorities the deeper ones, which are for what
    // needs long runs of one client.
    if !bytes.ratio(1_u8, 8)? {
        return Ok(Schedule::Random { seed, one_in: *bytes.choose(&[1, 1, 2, 2, 3, 6])? });
    }
    let depth = bytes.int_in_range(2..=4)?;
    let actions = programs.iter().map(Vec::len).sum::<usize>();
    let steps = u32::try_from(actions).unwrap_or(u32::MAX / 1_000) * POINTS_OF_A_CALL;
    Ok(Schedule::Pct { seed, depth, steps })
}

/// A crash anywhere; most of them with something that the clients do next, or
/// with a further crash.
pub(super) fn crash<S: Subject>(
    bytes: &mut Unstructured<'_>,
    focus: &Focus,
) -> Result<Crash<S::Op>> {
    let mut crash = Crash::default();
    // Commits are recovered by what opens next: that crashes, too.
    let is_of_commits = focus.aim == Aim::Commits;
    match bytes.int_in_range(0..=if is_of_commits { 4 } else { 7 })? {
        0..=2 => crash.again = Some(Box::default()),
        3 | 4 => {
            let length = if is_of_commits { 1 } else { bytes.int_in_range(1..=3)? };
            crash.then = changes::<S>(bytes, focus, length)?;
            let mut again = Crash::default();
            if bytes.ratio(1_u8, 4)? {
                again.then = changes::<S>(bytes, focus, 1)?;
                again.again = Some(Box::default());
            }
            crash.again = Some(Box::new(again));
        }
        5 => crash.then = changes::<S>(bytes, focus, 2)?,
        _ => {}
    }
    Ok(crash)
}

/// What a process of older software does.
fn older_program<S: Subject>(source: &mut Source<'_, '_>) -> Result<Vec<Action<S::Op>>> {
    (0..=source.below(3)?).map(|_| older_action::<S>(source).map(Action::Older)).collect()
}

/// Puts changes by older software between the actions of a client.
fn interspersed<S: Subject>(
    source: &mut Source<'_, '_>,
    program: &mut Vec<Action<S::Op>>,
) -> Result<()> {
    for _ in 0..=source.below(4)? {
        let place = source.below(program.len() + 1)?;
        program.insert(place, Action::Older(older_action::<S>(source)?));
    }
    Ok(())
}

fn older_action<S: Subject>(source: &mut Source<'_, '_>) -> Result<OlderAction> {
    let document = S::generate_legacy_write(source)?;
    Ok(match source.below(4)? {
        0 => OlderAction::Remove { id: document.id },
        _ => OlderAction::Write(document),
    })
}

/// Files that are nobody's records, as they are found in the field.
fn foreign_files(bytes: &mut Unstructured<'_>) -> Result<Vec<ForeignFile>> {
    if !bytes.ratio(1_u8, 4)? {
        return Ok(Vec::new());
    }
    let paths =
        [".tmp-123", "a.json.tmp.9", "state.json.tmp", "notes.txt", ".old/a.json", "a.json~"];
    let mut foreign: Vec<ForeignFile> = Vec::new();
    for _ in 0..bytes.int_in_range(1..=2_usize)? {
        let path = (*bytes.choose(&paths)?).to_owned();
        let text = (*bytes.choose(&["", "{\"id\":\"a\"}", "half a sen"])?).to_owned();
        if foreign.iter().all(|other| other.path != path) {
            foreign.push(ForeignFile { path, text });
        }
    }
    Ok(foreign)
}

/// Files beside the collection's directory, and above it: another collection's
/// records, one of whose names begins as this one's does.
fn neighbours<S: Subject>(bytes: &mut Unstructured<'_>) -> Result<Vec<ForeignFile>> {
    if !bytes.ratio(1_u8, 4)? {
        return Ok(Vec::new());
    }
    let spec = S::spec();
    let own = spec.directories().last().unwrap_or_default();
    let paths = ["../a.json".to_owned(), "../x/a.json".to_owned(), format!("../{own}2/a.json")];
    let text = r#"{"id":"a","n":1}"#.to_owned();
    Ok(paths.map(|path| ForeignFile { path, text: text.clone() }).into())
}

fn sequence<S: Subject>(
    bytes: &mut Unstructured<'_>,
    focus: &Focus,
    length: usize,
) -> Result<Vec<Action<S::Op>>> {
    let mut actions = Vec::with_capacity(length);
    for _ in 0..length {
        actions.push(action::<S>(&mut Source::new(bytes, focus))?);
    }
    Ok(actions)
}

/// The same with few reads: what a crash leaves is read anyway.
fn changes<S: Subject>(
    bytes: &mut Unstructured<'_>,
    focus: &Focus,
    length: usize,
) -> Result<Vec<Action<S::Op>>> {
    let mut actions = sequence::<S>(bytes, focus, length)?;
    for slot in &mut actions {
        let is_read = matches!(slot, Action::Call(op) if op.is_read());
        if is_read && bytes.ratio(7_u8, 8)? {
            *slot = action::<S>(&mut Source::new(bytes, focus))?;
        }
    }
    Ok(actions)
}

pub(super) fn action<S: Subject>(source: &mut Source<'_, '_>) -> Result<Action<S::Op>> {
    match source.below(48)? {
        47 => Ok(Action::AdvanceClock(*source.choose(&[1, 1, 60, 3_600, -5])?)),
        // Stores with variants are reopened more often.
        42..=45 if S::VARIANTS > 1 => {
            let variant = source.below(usize::from(S::VARIANTS))?;
            Ok(Action::Reopen { variant: u8::try_from(variant).unwrap_or(0) })
        }
        46 => Ok(Action::Reopen { variant: 0 }),
        _ => S::generate(source).map(Action::Call),
    }
}
