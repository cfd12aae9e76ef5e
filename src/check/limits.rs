//! What a scenario that somebody else wrote must keep to, before it is run.
//!
//! A generator keeps to all of it anyway. A replay file may say anything: what could not
//! be set up, would take all memory, or would run for ever is refused, with the reason.

use super::{
    backends::{BackendUnderTest, Capabilities},
    processes::Kill,
    replay::{self, Replay, ReplayError},
    scenario::{Action, Mode, Scenario},
};
use crate::{
    model::{
        divergence::{Divergence, Divergences},
        legacy::{OlderAction, in_the_way, is_raw_file_name},
        subject::Subject,
    },
    sim::{
        faults::FaultPlan,
        schedule::{Bounds, Schedule},
    },
};

const MOST_CLIENTS: usize = 64;
const MOST_ACTIONS: usize = 10_000;
const MOST_CRASHES: usize = 16;
const MOST_FAULTS: usize = 1_000;
const MOST_PRIORITIES: u32 = 1_000;
const MOST_RUNS: u64 = 1_000_000;
/// Ten seconds.
const LATEST_KILL: u32 = 10_000_000;
/// The years 0000 to 9999, in seconds.
const LONGEST_TIME: u64 = 315_569_520_000;

/// A replay file whose scenario can be run on that backend, with what it permits.
pub(super) fn runnable<S: Subject>(
    text: &str,
    backend: &dyn BackendUnderTest,
) -> Result<(Replay<S::Op>, Divergences), ReplayError> {
    let replay: Replay<S::Op> = replay::read(text)?;
    if let Some(problem) = problem::<S>(&replay.scenario) {
        return Err(ReplayError::Scenario(problem));
    }
    let mut permitted = Vec::new();
    for name in &replay.allow {
        let named = Divergence::named(name);
        permitted.push(named.ok_or_else(|| ReplayError::Divergence(name.clone()))?);
    }
    match mode_problem_on(&replay.scenario.mode, backend) {
        None => Ok((replay, Divergences::of(permitted).with(S::DECLARED))),
        Some(problem) => Err(ReplayError::Scenario(problem)),
    }
}

/// Why the scenario can't be run, if that is so.
pub(super) fn problem<S: Subject>(scenario: &Scenario<S::Op>) -> Option<String> {
    let Scenario { clients, handles, faults, .. } = scenario;
    let limits = [
        ("clients", clients.len(), MOST_CLIENTS),
        ("handles", *handles, MOST_CLIENTS),
        ("actions", scenario.length(), MOST_ACTIONS),
        ("crashes", scenario.crashes().count(), MOST_CRASHES),
        ("faults", faults.most(), MOST_FAULTS),
        ("skews", scenario.skews.len(), MOST_CLIENTS),
    ];
    let too_many = limits.into_iter().find(|(_, there, most)| there > most);
    if let Some((what, there, most)) = too_many {
        return Some(format!("it has {there} {what}; there may be {most}"));
    }
    let skew = scenario.skews.iter().find(|skew| is_too_long(**skew));
    if let Some(seconds) = skew {
        return Some(format!("a client's clock is ahead by {seconds} seconds"));
    }
    scenario
        .actions()
        .find_map(action_problem::<S>)
        .or_else(|| mode_problem(&scenario.mode))
        .or_else(|| fault_problem(faults))
        .or_else(|| files_problem(scenario))
}

/// Why clients can't be run like this on that backend, if that is so.
fn mode_problem_on(mode: &Mode, backend: &dyn BackendUnderTest) -> Option<String> {
    let Capabilities { threads, processes, .. } = backend.capabilities();
    let (what, is_there) = match mode {
        Mode::Threads => ("threads", threads),
        Mode::Processes { .. } => ("processes", processes),
        Mode::Simulated(_) | Mode::Exhaustive(_) => return None,
    };
    let name = backend.name();
    (!is_there).then(|| format!("on the backend {name:?} clients have no {what} of their own"))
}

fn is_too_long(seconds: i64) -> bool {
    seconds.unsigned_abs() > LONGEST_TIME
}

fn action_problem<S: Subject>(action: &Action<S::Op>) -> Option<String> {
    match action {
        Action::Call(_) => None,
        Action::AdvanceClock(seconds) => {
            is_too_long(*seconds).then(|| format!("the clock is moved by {seconds} seconds"))
        }
        Action::Reopen { variant } => (*variant >= S::VARIANTS)
            .then(|| format!("{} is opened in variant {variant} of {}", S::NAME, S::VARIANTS)),
        Action::Older(OlderAction::Write(document)) => raw_id_problem(&document.id),
        Action::Older(OlderAction::Remove { id }) => raw_id_problem(id),
    }
}

fn raw_id_problem(id: &str) -> Option<String> {
    (!is_raw_file_name(id)).then(|| format!("older software has no file for the id {}", shown(id)))
}

fn mode_problem(mode: &Mode) -> Option<String> {
    match mode {
        Mode::Simulated(Schedule::Pct { depth, .. }) if *depth > MOST_PRIORITIES => {
            Some(format!("priorities change {depth} times; they may {MOST_PRIORITIES}"))
        }
        Mode::Exhaustive(Bounds { runs, .. }) if *runs > MOST_RUNS => {
            Some(format!("it asks for {runs} runs; there may be {MOST_RUNS}"))
        }
        Mode::Processes { kills } => {
            let is_late = |kill: &&Kill| kill.after_microseconds > LATEST_KILL;
            let late = kills.iter().find(is_late)?;
            Some(format!("a process is killed after {} microseconds", late.after_microseconds))
        }
        _ => None,
    }
}

fn fault_problem(faults: &FaultPlan) -> Option<String> {
    let FaultPlan::Listed(listed) = faults else { return None };
    let most = u32::try_from(MOST_ACTIONS).unwrap_or(u32::MAX);
    let long = listed.iter().find(|fault| fault.lasting > most)?;
    Some(format!("a fault lasts for {} steps; it may for {most}", long.lasting))
}

/// What lies there in the beginning: each file has a place that can be made, and none is
/// another's directory.
fn files_problem<Op>(scenario: &Scenario<Op>) -> Option<String> {
    let legacy = &scenario.legacy;
    for (place, document) in legacy.iter().enumerate() {
        if let Some(problem) = raw_id_problem(&document.id) {
            return Some(problem);
        }
        let before = legacy.iter().take(place);
        if let Some(other) = before.into_iter().find(|other| in_the_way(&other.id, &document.id)) {
            let (one, other) = (shown(&other.id), shown(&document.id));
            return Some(format!("the files of {one} and {other} can't be side by side"));
        }
    }
    let paths: Vec<String> =
        legacy.iter().map(|document| format!("{}.json", document.id)).collect();
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for file in &scenario.foreign {
        let path = file.path.as_str();
        let below = path.trim_start_matches("../");
        let is_name = |name: &str| {
            !matches!(name, "" | "." | "..") && name.len() <= 255 && !name.contains('\0')
        };
        if !below.split('/').all(is_name) {
            return Some(format!("no file can have the path {}", shown(path)));
        }
        let is_within = |outer: &str, inner: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if paths.iter().any(|other| is_within(other, path) || is_within(path, other)) {
            return Some(format!("the file {} is in the way of another", shown(path)));
        }
        paths.push(path);
    }
    None
}

/// A text of somebody else's, on one line and not too long of it.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    let dots = if start.len() < text.len() { "…" } else { "" };
    format!("{start:?}{dots}")
}
