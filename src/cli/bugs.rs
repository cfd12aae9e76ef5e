//! `storeproof bugs`.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::{
    Format, Status,
    check::{now, parse_time, processors, random_seed},
    files::{self, OutputDirectory},
    progress::{Total, shown},
    usage::{Failure, print},
};
use crate::{
    bugs::{
        Bug,
        catalogue::{BUGS, bug_named},
        hunt::{Hunt, MOST_ROUNDS, cases_of_a_round, hunt},
    },
    check::{
        backends::{self, BackendUnderTest},
        campaign::{Effort, Progress},
        findings::Found,
        jobs::on_jobs,
        registry::{Request, STORES},
    },
    model::divergence::Divergences,
    report::{
        bugs::{BUGS_SCHEMA, BugResult, BugsReport, Control, Shrunk, median},
        terminal,
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this bug (repeatable).
    #[arg(long, value_name = "ID")]
    id: Vec<String>,
    /// Decides every case; chosen at random where it is not given.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Threads to work on, a bug each; as many as there are processors where not
    /// given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// How long a core looks for one bug at most.
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "10s")]
    time_limit: Duration,
    /// Show the steps of each counterexample.
    #[arg(long)]
    steps: bool,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Where bugs.json and the counterexamples go.
    #[arg(long, value_name = "DIR", default_value = "storeproof-out")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments, stop: &Arc<AtomicBool>) -> Result<Status, Failure> {
    let bugs = chosen(&arguments.id)?;
    let seed = arguments.seed.map_or_else(random_seed, Ok)?;
    let scratch = files::scratch_directory()?;
    let output = OutputDirectory::prepare(&arguments.out)?;
    let search = Search {
        backends: backends::all(scratch.path()),
        seed,
        jobs: arguments.jobs.map_or_else(processors, usize::from),
        limit: arguments.time_limit,
    };
    let progress = Progress::new(Arc::clone(stop));
    let started = now();
    let (searched, control) = shown(&progress, Total::Bugs(bugs.len() as u64), || {
        let searched = search.all(&bugs, &progress);
        progress.enter("without any bug".to_owned());
        let control = search.control(&searched, stop);
        (searched, control)
    });
    let interrupted = stop.load(Ordering::Relaxed);
    let control = kept(&output, control)?;
    let report = report(&searched, control, seed, started.elapsed(), interrupted, &output)?;
    let json = report.to_text().map_err(|error| Failure::new(error.to_string()))?;
    output.write("bugs.json", &json)?;
    match arguments.format {
        Format::Json => print(&json)?,
        Format::Human => print(&human(arguments, &report, &searched, &output))?,
    }
    // What an interruption left no time for was not missed.
    let violated = report.control.violations > 0 || (!interrupted && !report.holds());
    Ok(Status::of(violated, interrupted))
}

/// The bugs to plant, in the catalogue's order.
pub(super) fn chosen(ids: &[String]) -> Result<Vec<&'static Bug>, Failure> {
    if ids.is_empty() {
        return Ok(BUGS.to_vec());
    }
    for id in ids {
        if bug_named(id).is_none() {
            let known: Vec<&str> = BUGS.iter().map(|bug| bug.id).collect();
            return Err(Failure::new(format!("no bug {id:?}; there are: {}", known.join(" "))));
        }
    }
    Ok(BUGS.iter().copied().filter(|bug| ids.iter().any(|id| id == bug.id)).collect())
}

/// How bugs are looked for.
struct Search {
    backends: Vec<Box<dyn BackendUnderTest>>,
    seed: u64,
    jobs: usize,
    limit: Duration,
}

/// What came of one bug.
struct Searched {
    bug: &'static Bug,
    hunt: Hunt,
    time: Duration,
    found: Option<Found>,
    shrinking: Duration,
}

impl Search {
    /// Looks for every bug, each on one thread.
    fn all(&self, bugs: &[&'static Bug], progress: &Progress) -> Vec<Searched> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        on_jobs(self.jobs.min(bugs.len()), || {
            while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                progress.enter(format!("{} {}", bug.id, bug.title));
                let searched = self.one(bug, &progress.stop);
                done.lock().unwrap_or_else(PoisonError::into_inner).push(searched);
                progress.cases.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let place = |searched: &Searched| bugs.iter().position(|bug| bug.id == searched.bug.id);
        done.sort_by_key(place);
        done
    }

    fn one(&self, bug: &'static Bug, stop: &AtomicBool) -> Searched {
        let started = core_time();
        let elapsed = || core_time().saturating_sub(started);
        let go_on = || elapsed() < self.limit && !stop.load(Ordering::Relaxed);
        let (mut time, mut found) = (Duration::ZERO, None);
        let mut confirm = |backend: &dyn BackendUnderTest, case| {
            time = elapsed();
            found = bug.planted.counterexample(backend, self.seed, case);
            found.is_some()
        };
        let hunt = hunt(bug, &self.backends, self.seed, MOST_ROUNDS, &go_on, &mut confirm);
        let total = elapsed();
        if found.is_none() {
            time = total;
        }
        Searched { bug, hunt, time, found, shrinking: total.saturating_sub(time) }
    }

    /// Runs the cases that the bugs needed on the sound stores: on each backend
    /// as many as any bug of the store, and a few rounds at least.
    fn control(&self, searched: &[Searched], stop: &Arc<AtomicBool>) -> Vec<(Control, Vec<Found>)> {
        let mut cells: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for searched in searched {
            for backend in &self.backends {
                let ran = searched.hunt.cases.get(backend.name()).copied().unwrap_or(0);
                let cell = (searched.bug.planted.store(), backend.name());
                let least = LEAST_ROUNDS * cases_of_a_round(cell.0, cell.1);
                let cases = cells.entry(cell).or_default();
                *cases = (*cases).max(ran).max(least);
            }
        }
        let progress = Progress::new(Arc::clone(stop));
        let run = |((store, backend), cases): ((&str, &str), u64)| {
            let store = STORES.iter().find(|known| known.name() == store)?;
            let backend = self.backends.iter().find(|known| known.name() == backend)?;
            let findings = store.check(&Request {
                backend: &**backend,
                divergences: &Divergences::default(),
                effort: Effort { seed: self.seed, first: 0, cases, jobs: self.jobs },
                progress: &progress,
            });
            let paths = findings.counterexamples.iter();
            let paths = paths.map(|found| {
                format!("control/{}", found.file_name(store.name(), backend.name(), self.seed))
            });
            let control = Control {
                cases: findings.cases,
                violations: findings.totals.violations,
                counterexamples: paths.collect(),
            };
            Some((control, findings.counterexamples))
        };
        cells.into_iter().filter_map(run).collect()
    }
}

/// How long a core has worked for this thread: what others do on the machine does
/// not count.
fn core_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// How many rounds of a store the control runs at least.
const LEAST_ROUNDS: u64 = 8;

/// Writes the replay files of what the control found, and adds it all up.
fn kept(output: &OutputDirectory, cells: Vec<(Control, Vec<Found>)>) -> Result<Control, Failure> {
    let mut sum = Control::default();
    for (control, found) in cells {
        for (name, found) in control.counterexamples.iter().zip(found) {
            output.write(name, &found.replay)?;
            sum.counterexamples.push(output.path(name).display().to_string());
        }
        sum.cases += control.cases;
        sum.violations += control.violations;
    }
    Ok(sum)
}

fn report(
    searched: &[Searched],
    control: Control,
    seed: u64,
    elapsed: Duration,
    interrupted: bool,
    output: &OutputDirectory,
) -> Result<BugsReport, Failure> {
    let mut bugs = Vec::new();
    for Searched { bug, hunt, time, found, shrinking } in searched {
        let mut counterexample = None;
        if let (Some(caught), Some(found)) = (hunt.caught, found) {
            let name = format!("bugs/{}.json", bug.id);
            output.write(&name, &found.replay)?;
            counterexample = Some(Shrunk {
                backend: caught.backend.to_owned(),
                case: caught.case,
                rule: found.violation.signature.to_string(),
                steps: found.steps,
                executions: found.executions,
                seconds: shrinking.as_secs_f64(),
                replay: output.path(&name).display().to_string(),
            });
        }
        bugs.push(BugResult {
            id: bug.id.to_owned(),
            title: bug.title.to_owned(),
            class: bug.class.to_owned(),
            needs: bug.needs.describe().to_owned(),
            description: bug.description.to_owned(),
            store: bug.planted.store().to_owned(),
            cases: hunt.total(),
            seconds: time.as_secs_f64(),
            counterexample,
        });
    }
    let found: Vec<&BugResult> = bugs.iter().filter(|bug| bug.counterexample.is_some()).collect();
    let steps = found.iter().filter_map(|bug| bug.counterexample.as_ref()).map(|it| it.steps);
    Ok(BugsReport {
        schema: BUGS_SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed,
        seconds: elapsed.as_secs_f64(),
        interrupted,
        planted: bugs.len(),
        found: found.len(),
        median_seconds: median(found.iter().map(|bug| bug.seconds).collect()),
        longest: steps.max().unwrap_or(0),
        bugs,
        control,
    })
}

fn human(
    arguments: &Arguments,
    report: &BugsReport,
    searched: &[Searched],
    output: &OutputDirectory,
) -> String {
    let mut text = String::new();
    if arguments.steps {
        for Searched { bug, found, hunt, .. } in searched {
            let (Some(found), Some(caught)) = (found, hunt.caught) else { continue };
            text += &format!("{}  {}\n  {}\n", bug.id, bug.title, bug.description);
            let (store, backend) = (bug.planted.store(), caught.backend);
            text += &terminal::violation(store, backend, &found.violation);
            text += "\n";
        }
    }
    text += &report.table();
    text += &format!(
        "\nfound {} of {}, median {:.3} s, longest counterexample {} steps; replay files in {}\n",
        report.found,
        report.planted,
        report.median_seconds,
        report.longest,
        terminal::as_argument(&output.path("bugs").display().to_string()),
    );
    let control = &report.control;
    let cases = terminal::grouped(control.cases);
    text += &match control.violations {
        0 => format!("without a bug, nothing is found in {cases} of the same cases\n"),
        violations => format!(
            "WITHOUT A BUG, {violations} of {cases} cases fail: {}\n",
            control.counterexamples.join(" ")
        ),
    };
    let verdict = match (report.interrupted, report.holds()) {
        (true, _) if control.violations == 0 => "Interrupted.",
        (false, true) => "All found.",
        _ => "NOT AS IT SHOULD BE.",
    };
    text += &format!("\n{verdict} Seed {}, {:.1} s.\n", report.seed, report.seconds);
    text
}
