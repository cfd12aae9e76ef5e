//! Makes scenarios from bytes.

mod adversity;
mod older;
#[cfg(test)]
mod tests;

use arbitrary::{Result, Unstructured};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use adversity::kills;
pub(super) use adversity::{crash, failing_calls, faults, schedule, skews};
use older::{foreign_files, interspersed, neighbours, older_program};

use super::{
    backends::Capabilities,
    scenario::{Action, Mode, Scenario},
    trace_hash::{hash_of, mix},
};
use crate::{
    model::{
        source::{Aim, Focus, INSTANTS, Source},
        subject::{Operation, Subject},
    },
    seam::Instant,
    sim::{
        faults::FaultPlan,
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
/// them. On what the backend can do depends what a case is for (a crash, faults, real
/// threads), and whether its storage begins with older files; where both are the same, so
/// are the clients' calls.
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

/// The same, and stand still where calls may overlap: several clients work, or one may give
/// up a call, which goes on.
fn stand_still<Op: Operation>(scenario: &mut Scenario<Op>) {
    go_forward(scenario);
    if scenario.clients.len() > 1 || !scenario.faults.is_none() {
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
