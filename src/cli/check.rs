//! `storeproof check`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::ValueEnum;

use super::{
    Format, Status, bugs,
    campaign::{Campaign, Earlier, Outcome},
    chosen, client,
    files::{self, OutputDirectory},
    gate::Gate,
    progress::{Total, shown},
    regressions,
    speed::{Calibrating, processor_time},
    usage::{Failure, print},
};
use crate::{
    bugs::flawed_store::FlawedStore,
    check::{
        backends::{self, BackendUnderTest},
        campaign::{Effort, Progress},
        findings::Found,
        registry::{Request, StoreUnderTest, add_reached},
        regression::{Regression, RegressionResult},
        shard::Shard,
    },
    model::divergence::{Divergence, Divergences},
    report::{
        Cell, CorpusSize, Report, SCHEMA, Shown, is_demanding,
        speed::{CellSpeed, Speed},
        trace_hash_of,
    },
    seam::{Entropy, OsEntropy},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this store (repeatable).
    #[arg(long, value_name = "NAME")]
    store: Vec<String>,
    /// Only this backend (repeatable).
    #[arg(long, value_name = "NAME")]
    backend: Vec<String>,
    /// So many cases of each store on each backend.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    cases: Option<u64>,
    /// Go on for so long (90s, 5m, 1h30m), gather a corpus, and look more where there is
    /// more to find. A campaign that was interrupted goes on, with the same arguments and
    /// the same --out: TIME is how long it takes in all. When that is over, the next one
    /// begins anew; to begin anew before, remove campaign.json in --out.
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "cases")]
    time: Option<Duration>,
    /// Decides every case; chosen at random where it is not given.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Only the I-th of N equal parts, none of which has a case of another; `merge` joins
    /// their reports.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, requires = "seed")]
    shard: Option<Shard>,
    /// Threads to work on; as many as there are processors where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// How thorough to be.
    #[arg(long, value_enum, default_value_t = Profile::Default)]
    profile: Profile,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Where report.json and counterexamples/ go; with --time the corpus and the
    /// campaign's state, too.
    #[arg(long, value_name = "DIR", default_value = "storeproof-out")]
    out: PathBuf,
    /// Write the results as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run all replay files (*.json) below DIR first, for 60 s at most, or a fifth of
    /// --time if that is longer. One that is broken, stale or was not run is a failure.
    /// With --shard, each part runs its share of them.
    #[arg(long, value_name = "DIR")]
    regressions: Option<PathBuf>,
    /// The report.json of an earlier run: an outcome that was reached then and is not
    /// now is a failure, and so is a store on a backend that is less than half as fast,
    /// each beside the calibration of its own run.
    #[arg(long, value_name = "FILE", conflicts_with = "shard")]
    baseline: Option<PathBuf>,
    /// Permit a declared divergence (repeatable); see --list-divergences.
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
    /// Permit the divergences that the file names: one on a line, with what comes after
    /// a # for people.
    #[arg(long, value_name = "FILE")]
    allow_file: Option<PathBuf>,
    /// List the divergences that can be permitted, and end.
    #[arg(long)]
    list_divergences: bool,
    /// Plant a bug of `bugs` in its store, and run that one alone: the exit status is 1
    /// where whatever runs this can notice a bug at all.
    #[arg(long, value_name = "ID", conflicts_with_all = ["store", "time"])]
    plant: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Profile {
    /// A few seconds: does anything stand at all.
    Smoke,
    /// About a minute on two cores.
    Default,
    /// Until its --time (30 minutes where none is given).
    Deep,
}

impl Profile {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Default => "default",
            Self::Deep => "deep",
        }
    }

    /// How many cases of this store on this backend.
    fn cases(self, store: &str, backend: &str) -> u64 {
        match self {
            Self::Smoke => backends::share(store, backend),
            Self::Default | Self::Deep => backends::default_cases(store, backend),
        }
    }
}

pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let expected = "expected a time like 90s, 5m or 1h30m";
    let (mut total, mut digits) = (0_u64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            _ => return Err(expected.into()),
        };
        let number: u64 = digits.parse().map_err(|_| expected)?;
        digits.clear();
        total = number.checked_mul(unit).and_then(|add| total.checked_add(add)).ok_or(expected)?;
    }
    if !digits.is_empty() || total == 0 {
        return Err(expected.into());
    }
    Ok(Duration::from_secs(total))
}

pub(super) fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<Status, Failure> {
    if arguments.list_divergences {
        for divergence in Divergence::ALL {
            print(&format!("{:<20} {}\n", divergence.name(), divergence.permits()))?;
        }
        return Ok(Status::Holds);
    }
    let scratch = files::scratch_directory()?;
    let backends = backends::all_with_processes(scratch.path(), &client::program()?);
    let canary = arguments.plant.as_deref().map(|id| Canary::new(id, &backends)).transpose()?;
    let mut plan = Plan::new(arguments, &backends, canary.as_ref())?;
    let (junit, baseline) = (arguments.junit.as_deref(), arguments.baseline.as_deref());
    let gate = Gate::open(junit, baseline, &[], &arguments.out)?;
    let cells = plan.cells.iter().map(|(store, backend)| (store.name(), backend.name()));
    gate.must_compare(&cells.collect())?;
    let saved = regressions::read(arguments.regressions.as_deref(), plan.shard, &backends)?;
    let output = OutputDirectory::prepare(&arguments.out)?;
    let progress = Progress::new(Arc::clone(stop));
    let (outcome, ended) = match plan.time {
        None => (shown(&progress, plan.total(), || plan.carry_out(&saved, &progress))?, None),
        Some(time) => {
            let earlier = Earlier::read(&output, time)?;
            if let (None, Some(seed)) = (arguments.seed, earlier.seed()) {
                plan.seed = seed;
            }
            let campaign = Campaign::new(&plan, &output, time, earlier)?;
            let total = Total::Time(campaign.left());
            let carried_out = shown(&progress, total, || campaign.carry_out(&saved, &progress));
            carried_out.map(|(outcome, ended)| (outcome, Some(ended)))?
        }
    };
    let interrupted = stop.load(Ordering::Relaxed);
    let (report, shown) = plan.report(outcome, &output, interrupted)?;
    let how = format!(" on {} jobs", plan.jobs);
    let status = gate.conclude(&report, &shown, &how, arguments.format, &output)?;
    // Not before there is a report of it.
    if let Some(ended) = ended.filter(|_| !interrupted) {
        ended.finish(&output)?;
    }
    Ok(status)
}

#[expect(clippy::disallowed_methods, reason = "how long a run takes is real time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// A store on a backend.
pub(super) type Pair<'a> = (&'a dyn StoreUnderTest, &'a dyn BackendUnderTest);

/// A bug, in its store and on all backends that it can be on.
struct Canary<'b> {
    id: &'static str,
    store: FlawedStore,
    backends: Vec<Box<dyn BackendUnderTest + 'b>>,
}

impl<'b> Canary<'b> {
    fn new(id: &str, backends: &'b [Box<dyn BackendUnderTest>]) -> Result<Self, Failure> {
        let [bug] = bugs::chosen(&[id.to_owned()])?[..] else {
            return Err(Failure::new(format!("{id} is not one bug")));
        };
        let store = FlawedStore::with(bug);
        let store = store.ok_or_else(|| Failure::new(format!("the store of {id} is gone")))?;
        let sound = backends.iter().map(AsRef::as_ref);
        let backends = sound.filter_map(|sound| bug.planted.planted_on(sound)).collect();
        Ok(Self { id: bug.id, store, backends })
    }
}

/// What is to be run.
pub(super) struct Plan<'a> {
    pub(super) cells: Vec<Pair<'a>>,
    pub(super) divergences: Divergences,
    pub(super) seed: u64,
    pub(super) shard: Shard,
    pub(super) jobs: usize,
    pub(super) profile: Profile,
    cases: Option<u64>,
    time: Option<Duration>,
    planted: Option<&'static str>,
}

impl<'a> Plan<'a> {
    fn new(
        arguments: &Arguments,
        backends: &'a [Box<dyn BackendUnderTest>],
        canary: Option<&'a Canary<'_>>,
    ) -> Result<Self, Failure> {
        let (stores, backends): (Vec<&dyn StoreUnderTest>, _) = match canary {
            None => (chosen::stores(&arguments.store)?, backends),
            Some(canary) => (vec![&canary.store], &*canary.backends),
        };
        let backends = chosen::backends(&arguments.backend, backends)?;
        let cells =
            stores.iter().flat_map(|store| backends.iter().map(|backend| (*store, *backend)));
        let deep = arguments.profile == Profile::Deep && arguments.cases.is_none();
        if deep && canary.is_some() {
            return Err(Failure::new("--plant is for a number of cases, not for a campaign"));
        }
        Ok(Self {
            planted: canary.map(|canary| canary.id),
            cells: cells.collect(),
            divergences: chosen::divergences(&arguments.allow, arguments.allow_file.as_deref())?,
            seed: arguments.seed.map_or_else(random_seed, Ok)?,
            shard: arguments.shard.unwrap_or(Shard::WHOLE),
            jobs: arguments.jobs.map_or_else(processors, usize::from),
            profile: arguments.profile,
            cases: arguments.cases,
            time: arguments.time.or(deep.then_some(Duration::from_secs(1_800))),
        })
    }

    /// The names of the permitted divergences.
    pub(super) fn allowed(&self) -> Vec<String> {
        self.divergences.iter().map(|allowed| allowed.name().to_owned()).collect()
    }

    fn effort(&self, (store, backend): &Pair<'a>) -> Effort {
        let (store, backend) = (store.name(), backend.name());
        let cases = self.cases.unwrap_or_else(|| self.profile.cases(store, backend));
        let part = self.shard.part(cases);
        let cases = part.end - part.start;
        Effort { seed: self.seed, first: part.start, cases, jobs: self.jobs }
    }

    fn total(&self) -> Total {
        let cases = self.cells.iter().map(|cell| self.effort(cell).cases);
        Total::Cases(cases.fold(0, u64::saturating_add))
    }

    /// Runs saved scenarios, and then so many cases of everything.
    fn carry_out(&self, saved: &[Regression<'_>], progress: &Progress) -> Result<Outcome, Failure> {
        let started = now();
        let mut calibrating = Calibrating::default();
        calibrating.measure();
        let mut regressions: Vec<RegressionResult> = Vec::new();
        if !saved.is_empty() {
            progress.enter("saved scenarios".to_owned());
            let until = started + regressions::budget(None);
            regressions = regressions::run(saved, &[], self.jobs, until, &progress.stop)?;
        }
        let (mut findings, mut speeds) = (Vec::new(), Vec::new());
        for cell in &self.cells {
            let (store, backend) = cell;
            progress.enter(format!("{} on {}", store.name(), backend.name()));
            let worked = processor_time();
            let found = store.check(&Request {
                backend: *backend,
                divergences: &self.divergences,
                effort: self.effort(cell),
                progress,
            });
            speeds.push(CellSpeed {
                store: store.name().to_owned(),
                backend: backend.name().to_owned(),
                operations: found.totals.operations,
                seconds: processor_time().saturating_sub(worked).as_secs_f64(),
            });
            findings.push(found);
        }
        calibrating.measure();
        Ok(Outcome {
            findings,
            regressions,
            corpus: CorpusSize::default(),
            speed: Speed { calibration: calibrating.result(), cells: speeds },
            elapsed: started.elapsed(),
        })
    }

    /// The report, and its counterexamples as they are shown.
    fn report(
        &self,
        outcome: Outcome,
        output: &OutputDirectory,
        interrupted: bool,
    ) -> Result<(Report, Vec<Shown>), Failure> {
        let (mut results, mut shown) = (Vec::new(), Vec::new());
        let mut reached = BTreeMap::new();
        let mut counterexamples = Vec::new();
        let time = self.time.map(|time| time.as_secs());
        let asks_for_all = is_demanding(self.profile.name(), self.cases, time);
        for ((store, backend), found) in self.cells.iter().zip(&outcome.findings) {
            add_reached(&mut reached, store.name(), &found.reached);
            let path_of = |found: &Found| {
                format!(
                    "counterexamples/{}",
                    found.file_name(store.name(), backend.name(), self.seed)
                )
            };
            // A campaign has done so.
            for found in found.counterexamples.iter().filter(|_| self.time.is_none()) {
                output.write(&path_of(found), &found.replay)?;
            }
            for counterexample in found.shown() {
                let name = path_of(counterexample);
                counterexamples.push(output.path(&name).display().to_string());
                shown.push(Shown {
                    store: store.name().to_owned(),
                    backend: backend.name().to_owned(),
                    violation: counterexample.violation.clone(),
                    path: output.path(&name).display().to_string(),
                    shrinking: shrinking(counterexample),
                });
            }
            results.push(Cell {
                store: store.name().to_owned(),
                backend: backend.name().to_owned(),
                cases: found.cases,
                totals: found.totals,
                // A campaign says how far it came, also if it could not come further.
                missing: if self.time.is_some() || (asks_for_all && !interrupted) {
                    store.missing(*backend, &found.reached)
                } else {
                    Vec::new()
                },
                trace_hash: format!("{:016x}", found.trace_hash),
                ways: found.ways.clone(),
            });
        }
        let report = Report {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: self.seed,
            profile: self.profile.name().to_owned(),
            shard: (!self.shard.is_whole()).then(|| self.shard.to_string()),
            cases: self.cases,
            time,
            trace_hash: trace_hash_of(outcome.findings.iter().map(|found| found.trace_hash)),
            seconds: outcome.elapsed.as_secs_f64(),
            interrupted,
            planted: self.planted.map(str::to_owned),
            allowed: self.allowed(),
            regressions: outcome.regressions,
            results,
            corpus: self.time.is_some().then_some(outcome.corpus),
            speed: Some(outcome.speed),
            reached,
            counterexamples,
        };
        Ok((report, shown))
    }
}

/// What came of making a counterexample small, in words.
fn shrinking(found: &Found) -> String {
    let (steps, runs) = (found.steps, found.executions);
    match found.seen_again {
        _ if found.is_raw() => {
            format!("{steps} steps, not made small yet: it was interrupted before")
        }
        true => format!("shrunk to {steps} steps in {runs} runs"),
        false => format!(
            "seen once, and not in {runs} runs since (what threads and processes do is not the \
             same twice): kept with all of its {steps} steps"
        ),
    }
}

pub(super) fn random_seed() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    OsEntropy.fill(&mut bytes).map_err(|e| Failure::new(format!("no random seed: {e}")))?;
    // Short enough to be typed.
    Ok(u64::from_le_bytes(bytes) >> 32)
}

pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

#[cfg(test)]
mod tests {
    use super::parse_time;

    #[test]
    fn times_are_numbers_with_units() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h30m", 5_400)] {
            assert_eq!(parse_time(text).map(|time| time.as_secs()), Ok(seconds), "{text}");
        }
        for text in ["", "5", "m", "5x", "0s", "-5s", "99999999999999999999h"] {
            assert!(parse_time(text).is_err(), "{text:?} was taken for a time");
        }
    }
}
