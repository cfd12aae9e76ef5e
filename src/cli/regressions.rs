//! `--regressions DIR`: saved scenarios that are run before anything else.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::{check::now, files, usage::Failure};
use crate::check::{
    backends::BackendUnderTest,
    regression::{Regression, RegressionResult, run_all},
    shard::Shard,
};

/// How long saved scenarios may take, unless a fifth of `--time` is more.
const LEAST_TIME: Duration = Duration::from_secs(60);

/// Reads every replay file below a directory; those of the shard are returned.
pub(super) fn read<'a>(
    directory: Option<&Path>,
    shard: Shard,
    backends: &'a [Box<dyn BackendUnderTest>],
) -> Result<Vec<Regression<'a>>, Failure> {
    let Some(directory) = directory else { return Ok(Vec::new()) };
    let mut regressions = Vec::new();
    for (name, bytes) in files::read_all(directory, ".json")? {
        let file = directory.join(format!("{name}.json")).display().to_string();
        let failure = |problem: String| Failure::new(format!("{file}: {problem}"));
        let text = String::from_utf8(bytes).map_err(|_| failure("not a text in UTF-8".into()))?;
        let regression = Regression::read(file.clone(), text, backends);
        regressions.push(regression.map_err(|error| failure(error.to_string()))?);
    }
    if regressions.is_empty() {
        let problem = "there is no replay file in it";
        return Err(Failure::new(format!("{}: {problem}", directory.display())));
    }
    let part = shard.part(regressions.len() as u64);
    let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(regressions.drain(place(part.start)..place(part.end)).collect())
}

/// How long they may take in a run that has so much time, or as much as it needs.
pub(super) fn budget(time: Option<Duration>) -> Duration {
    time.map_or(LEAST_TIME, |time| (time / 5).max(LEAST_TIME))
}

/// Runs them until then; those of which `known` has a result are done.
pub(super) fn run(
    regressions: &[Regression<'_>],
    known: &[RegressionResult],
    jobs: usize,
    until: Instant,
    stop: &AtomicBool,
) -> Result<Vec<RegressionResult>, Failure> {
    let go_on = || now() < until && !stop.load(Ordering::Relaxed);
    run_all(regressions, known, jobs, &go_on)
        .map_err(|(file, error)| Failure::new(format!("{file}: {error}")))
}
