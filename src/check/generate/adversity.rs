//! What goes wrong in a scenario: faults, clocks that differ, killed processes, crashes, and
//! the schedules that find races.

use std::borrow::Cow;

use arbitrary::{Result, Unstructured};

use super::{POINTS_OF_A_CALL, changes};
use crate::{
    check::{
        processes::Kill,
        scenario::{Action, Crash},
    },
    model::{
        source::{Aim, Focus},
        subject::Subject,
    },
    sim::{
        faults::{FS_STEPS, FaultKind, FaultPlan, RandomFaults},
        schedule::Schedule,
    },
};

/// Failures of the storage and clients that give up: anywhere, or at steps of one
/// name, or of one kind, so that the rare ones have their share.
pub(in crate::check) fn faults(bytes: &mut Unstructured<'_>) -> Result<FaultPlan> {
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
pub(in crate::check) fn failing_calls(bytes: &mut Unstructured<'_>) -> Result<FaultPlan> {
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
pub(in crate::check) fn skews(bytes: &mut Unstructured<'_>, clients: usize) -> Result<Vec<i64>> {
    if clients == 1 || !bytes.ratio(1_u8, 8)? {
        return Ok(Vec::new());
    }
    (0..clients).map(|_| bytes.choose(&[0, 1, -1, 60, -3_600]).copied()).collect()
}

/// Which processes of these clients are killed, and when: mostly while they
/// call, or so it is hoped. A call takes some hundred microseconds.
pub(super) fn kills<Op>(
    bytes: &mut Unstructured<'_>,
    programs: &[Vec<Action<Op>>],
) -> Result<Vec<Kill>> {
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
pub(in crate::check) fn schedule<Op>(
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
pub(in crate::check) fn crash<S: Subject>(
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
