//! `storeproof check`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use clap::ValueEnum;

use super::{
    Format, Status, client,
    files::{self, OutputDirectory},
    progress::{Total, shown},
    usage::{Failure, print},
};
use crate::{
    check::{
        backends::{self, BackendUnderTest},
        campaign::{Effort, Progress},
        registry::{CellFindings, Request, STORES, StoreUnderTest, add_reached, store_named},
        trace_hash::mix,
    },
    model::divergence::{Divergence, Divergences},
    report::{Cell, Report, SCHEMA, terminal},
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    cases: Option<u64>,
    /// Go on for so long (90s, 5m, 1h30m).
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "cases")]
    time: Option<Duration>,
    /// Decides every case; chosen at random where it is not given.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Threads to work on; as many as there are processors where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// How thorough to be.
    #[arg(long, value_enum, default_value_t = Profile::Default)]
    profile: Profile,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Where report.json and counterexamples/ go.
    #[arg(long, value_name = "DIR", default_value = "storeproof-out")]
    out: PathBuf,
    /// Permit a declared divergence (repeatable); see --list-divergences.
    #[arg(long, value_name = "NAME")]
    allow: Vec<String>,
    /// List the divergences that can be permitted, and end.
    #[arg(long)]
    list_divergences: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// A few seconds: does anything stand at all.
    Smoke,
    /// About a minute on two cores.
    Default,
    /// Until its --time (30 minutes where none is given).
    Deep,
}

impl Profile {
    const fn name(self) -> &'static str {
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

/// How many cases a deep run does before it looks at the time again.
const DEEP_SHARE: u64 = 4;

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
    let plan = Plan::new(arguments, &backends)?;
    let output = OutputDirectory::prepare(&arguments.out)?;
    let progress = Progress::new(Arc::clone(stop));
    let started = now();
    let findings = shown(&progress, plan.total(), || plan.carry_out(&progress, started));
    let interrupted = stop.load(Ordering::Relaxed);
    let report = plan.report(&findings, &output, started.elapsed(), interrupted)?;
    let json = report.to_text().map_err(|error| Failure::new(error.to_string()))?;
    output.write("report.json", &json)?;
    match arguments.format {
        Format::Json => print(&json)?,
        Format::Human => print(&human(&plan, &report, &findings, &output))?,
    }
    Ok(if report.violations() > 0 || (plan.is_demanding() && report.is_incomplete()) {
        Status::Violated
    } else if interrupted {
        Status::Interrupted
    } else {
        Status::Holds
    })
}

#[expect(clippy::disallowed_methods, reason = "how long a run takes is real time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// A store on a backend.
type Pair<'a> = (&'static dyn StoreUnderTest, &'a dyn BackendUnderTest);

/// What is to be run.
struct Plan<'a> {
    cells: Vec<Pair<'a>>,
    divergences: Divergences,
    seed: u64,
    jobs: usize,
    profile: Profile,
    cases: Option<u64>,
    time: Option<Duration>,
}

impl<'a> Plan<'a> {
    fn new(
        arguments: &Arguments,
        backends: &'a [Box<dyn BackendUnderTest>],
    ) -> Result<Self, Failure> {
        let stores = chosen_stores(&arguments.store)?;
        let backends = chosen_backends(&arguments.backend, backends)?;
        let mut permitted = Vec::new();
        for name in &arguments.allow {
            permitted.push(Divergence::named(name).ok_or_else(|| {
                Failure::new(format!("no divergence {name:?} (see check --list-divergences)"))
            })?);
        }
        let cells =
            stores.iter().flat_map(|store| backends.iter().map(|backend| (*store, *backend)));
        let deep = arguments.profile == Profile::Deep && arguments.cases.is_none();
        Ok(Self {
            cells: cells.collect(),
            divergences: Divergences::of(permitted),
            seed: arguments.seed.map_or_else(random_seed, Ok)?,
            jobs: arguments.jobs.map_or_else(processors, usize::from),
            profile: arguments.profile,
            cases: arguments.cases,
            time: arguments.time.or(deep.then_some(Duration::from_secs(1_800))),
        })
    }

    fn cases(&self, (store, backend): &Pair<'a>) -> u64 {
        self.cases.unwrap_or_else(|| self.profile.cases(store.name(), backend.name()))
    }

    fn total(&self) -> Total {
        match self.time {
            Some(time) => Total::Time(time),
            None => Total::Cases(self.cells.iter().map(|cell| self.cases(cell)).sum()),
        }
    }

    /// Whether outcomes that were never reached are a failure: a run of a few
    /// cases on purpose can't reach everything.
    fn is_demanding(&self) -> bool {
        self.profile != Profile::Smoke
            && self.cases.is_none()
            && self.time.is_none_or(|time| time >= Duration::from_secs(60))
    }

    fn carry_out(&self, progress: &Progress, started: Instant) -> Vec<CellFindings> {
        let Some(time) = self.time else {
            return self.round(progress, |cell| Effort {
                seed: self.seed,
                first: 0,
                cases: self.cases(cell),
                jobs: self.jobs,
            });
        };
        let mut all: Vec<CellFindings> = Vec::new();
        let mut round = 0;
        while started.elapsed() < time && !progress.stop.load(Ordering::Relaxed) {
            let found = self.round(progress, |cell| {
                let cases = (self.cases(cell) / DEEP_SHARE).max(1);
                Effort { seed: self.seed, first: round * cases, cases, jobs: self.jobs }
            });
            if all.is_empty() {
                all = found;
            } else {
                all.iter_mut().zip(found).for_each(|(sum, found)| sum.merge(found));
            }
            round += 1;
        }
        all
    }

    fn round(
        &self,
        progress: &Progress,
        effort: impl Fn(&Pair<'a>) -> Effort,
    ) -> Vec<CellFindings> {
        let cells = self.cells.iter().map(|cell| {
            let (store, backend) = cell;
            progress.enter(format!("{} on {}", store.name(), backend.name()));
            store.check(&Request {
                backend: *backend,
                divergences: &self.divergences,
                effort: effort(cell),
                progress,
            })
        });
        cells.collect()
    }

    fn report(
        &self,
        findings: &[CellFindings],
        output: &OutputDirectory,
        elapsed: Duration,
        interrupted: bool,
    ) -> Result<Report, Failure> {
        let mut results = Vec::new();
        let mut reached = BTreeMap::new();
        let mut counterexamples = Vec::new();
        let mut trace_hash = 0_u64;
        for ((store, backend), found) in self.cells.iter().zip(findings) {
            trace_hash = mix(trace_hash ^ found.trace_hash);
            add_reached(&mut reached, store.name(), &found.reached);
            for counterexample in &found.counterexamples {
                let name = replay_name(*store, *backend, counterexample.case);
                output.write(&name, &counterexample.replay)?;
                counterexamples.push(output.path(&name).display().to_string());
            }
            results.push(Cell {
                store: store.name().to_owned(),
                backend: backend.name().to_owned(),
                cases: found.cases,
                operations: found.operations,
                schedules: found.schedules,
                crash_images: found.crash_images,
                scopes: found.scopes,
                violations: found.violations,
                missing: if self.is_demanding() && !interrupted {
                    store.missing(*backend, &found.reached)
                } else {
                    Vec::new()
                },
            });
        }
        Ok(Report {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: self.seed,
            profile: self.profile.name().to_owned(),
            trace_hash: format!("{trace_hash:016x}"),
            seconds: elapsed.as_secs_f64(),
            interrupted,
            allowed: self.divergences.iter().map(|allowed| allowed.name().to_owned()).collect(),
            results,
            reached,
            counterexamples,
        })
    }
}

fn replay_name(store: &dyn StoreUnderTest, backend: &dyn BackendUnderTest, case: u64) -> String {
    format!("counterexamples/{}-{}-{case}.json", store.name(), backend.name())
}

fn chosen_stores(names: &[String]) -> Result<Vec<&'static dyn StoreUnderTest>, Failure> {
    if names.is_empty() {
        return Ok(STORES.to_vec());
    }
    let find = |name: &String| {
        store_named(name).ok_or_else(|| {
            let known: Vec<&str> = STORES.iter().map(|store| store.name()).collect();
            Failure::new(format!("no store {name:?}; there are: {}", known.join(" ")))
        })
    };
    names.iter().map(find).collect()
}

fn chosen_backends<'a>(
    names: &[String],
    all: &'a [Box<dyn BackendUnderTest>],
) -> Result<Vec<&'a dyn BackendUnderTest>, Failure> {
    if names.is_empty() {
        return Ok(all.iter().map(AsRef::as_ref).collect());
    }
    let find = |name: &String| {
        let found = all.iter().map(AsRef::as_ref).find(|backend| backend.name() == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|backend| backend.name()).collect();
            Failure::new(format!("no backend {name:?}; there are: {}", known.join(" ")))
        })
    };
    names.iter().map(find).collect()
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

fn human(
    plan: &Plan<'_>,
    report: &Report,
    findings: &[CellFindings],
    output: &OutputDirectory,
) -> String {
    let mut text = String::new();
    for ((store, backend), found) in plan.cells.iter().zip(findings) {
        for counterexample in &found.counterexamples {
            let name = replay_name(*store, *backend, counterexample.case);
            let path = output.path(&name);
            text += &terminal::violation(store.name(), backend.name(), &counterexample.violation);
            let (steps, runs) = (counterexample.steps, counterexample.executions);
            text += &match counterexample.seen_again {
                true => format!("  shrunk to {steps} steps in {runs} runs"),
                false => format!(
                    "  seen once, and not in {runs} runs since (what threads and processes do is \
                     not the same twice): kept with all of its {steps} steps"
                ),
            };
            text += &format!(
                "; replay file {}\n  replay: storeproof replay {}\n\n",
                path.display(),
                shown_path(&path),
            );
        }
    }
    for (cell, (_, _)) in report.results.iter().zip(&plan.cells) {
        for missing in &cell.missing {
            text += &format!(
                "NEVER REACHED  {} on {}: {missing}\n  The generators no longer come by this \
                 outcome: mend them, or strike it from the store's required outcomes.\n\n",
                cell.store, cell.backend
            );
        }
    }
    text += &terminal::table(report);
    text += &terminal::scopes(report);
    let verdict = match (report.violations(), report.is_incomplete(), report.interrupted) {
        (0, false, false) => "All holds.",
        (0, false, true) => "Interrupted: what was run holds.",
        (0, true, _) => "Incomplete: required outcomes were never reached.",
        _ => "Violated.",
    };
    text += &format!(
        "\n{verdict} Seed {}, trace hash {}, {:.1} s on {} jobs. Report: {}\n",
        report.seed,
        report.trace_hash,
        report.seconds,
        plan.jobs,
        output.path("report.json").display()
    );
    text
}

/// A path as one can type it.
pub(super) fn shown_path(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"') {
        format!("'{}'", text.replace('\'', "'\\''"))
    } else {
        text
    }
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
