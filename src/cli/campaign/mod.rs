//! `check --time`: a campaign that goes on until its time is over, gathers a corpus,
//! and can be interrupted at any moment.
//!
//! In the output directory it keeps
//!
//! | file | is |
//! |---|---|
//! | `campaign.json` | its state ([`CampaignState`]), replaced every few seconds |
//! | `corpus/STORE/*.json` | the scenarios that reached something new |
//! | `corpus/STORE/BACKEND.reached` | which keys of coverage were reached (`ReachedKeys`) |
//! | `counterexamples/` | what failed, as soon as it is small |
//! | `campaign.lock` | held by the process that runs it |
//!
//! **How it goes on.** A directory with the state of a campaign that did not run for all
//! of `--time` is gone on with: nothing that the state says to be done is done again. It
//! must be the same campaign; otherwise it is an error. One that ran for all of its
//! `--time` is over: with a longer `--time` it goes on, with the same one or a shorter one
//! a new one begins, which inherits the corpus. To begin anew before that, remove
//! `campaign.json` (and `corpus/`), or give another directory.

mod cell;
mod earlier;

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::Write,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

pub(super) use self::earlier::Earlier;
use self::{
    cell::Cell,
    earlier::{STATE, does_not_fit},
};
use super::{
    check::{Plan, now},
    files::OutputDirectory,
    regressions,
    speed::{Calibrating, processor_time},
    usage::Failure,
};
use crate::{
    check::{
        attention::Attention,
        campaign::{Effort, Progress},
        campaign_state::{CampaignState, Identity, SCHEMA},
        corpus::{Exploration, Explorer, Origin, entry::EntryError, opening},
        findings::CellFindings,
        regression::{Regression, RegressionResult},
    },
    report::{
        CorpusSize,
        speed::{CellSpeed, Speed},
        terminal::grouped,
    },
};

/// How often the state is saved.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// How long a turn takes at most, about; and at least, so that it is worth it.
const TURN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// How many ways of failing are made small, of one store on one backend.
const MOST_WAYS: usize = 12;

/// Something that is no result.
fn say(text: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "storeproof: {text}");
}

/// What a campaign came to.
pub(super) struct Outcome {
    pub(super) findings: Vec<CellFindings>,
    pub(super) regressions: Vec<RegressionResult>,
    pub(super) corpus: CorpusSize,
    pub(super) speed: Speed,
    /// How long it ran in all.
    pub(super) elapsed: Duration,
}

/// A campaign under way.
pub(super) struct Campaign<'a> {
    plan: &'a Plan<'a>,
    output: &'a OutputDirectory,
    time: Duration,
    /// How long it ran before.
    before: Duration,
    started: Instant,
    identity: Identity,
    cells: Vec<Cell<'a>>,
    explorers: BTreeMap<&'static str, Box<dyn Explorer>>,
    regressions: Vec<RegressionResult>,
    attention: Attention,
    saved: Instant,
    /// When how many new keys were reached.
    news: VecDeque<(Instant, usize)>,
    _lock: File,
}

impl<'a> Campaign<'a> {
    /// A campaign that is about to go on from what there was.
    pub(super) fn new(
        plan: &'a Plan<'a>,
        output: &'a OutputDirectory,
        time: Duration,
        earlier: Earlier,
    ) -> Result<Self, Failure> {
        let identity = Identity {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: plan.seed,
            profile: plan.profile.name().to_owned(),
            shard: plan.shard.to_string(),
            allowed: plan.allowed(),
        };
        let Earlier { state, over, lock } = earlier;
        let names: Vec<(&str, &str)> =
            plan.cells.iter().map(|(store, backend)| (store.name(), backend.name())).collect();
        if let Some(state) = &state {
            let fits = state.must_be_of(&identity, &names);
            fits.map_err(|error| does_not_fit(output, &error))?;
        }
        let mut cells = Vec::new();
        for (place, pair) in plan.cells.iter().enumerate() {
            let known = state.as_ref().and_then(|state| state.cells.get(place));
            let cell = Cell::new(*pair, known);
            cells.push(cell.map_err(|error| does_not_fit(output, &error))?);
        }
        let mut explorers: BTreeMap<&'static str, Box<dyn Explorer>> = BTreeMap::new();
        for (store, _) in &plan.cells {
            if !explorers.contains_key(store.name()) {
                let mut explorer = store.explorer();
                load(&mut *explorer, store.name(), output)?;
                explorers.insert(store.name(), explorer);
            }
        }
        // Nothing can be wrong with it any more.
        let place = output.path("").display().to_string();
        if let Some(CampaignState { seconds, .. }) = &state {
            say(&format!(
                "goes on with the campaign in {place} (seed {}), which ran for {seconds:.0} s of {} s",
                identity.seed,
                time.as_secs(),
            ));
        } else if let Some(seconds) = over {
            say(&format!(
                "the campaign in {place} ran for all of its time ({seconds:.0} s): a new one \
                 begins, with its corpus; a longer --time would go on with it",
            ));
        }
        let (before, regressions) = state.map_or_else(Default::default, |state| {
            let before = Duration::try_from_secs_f64(state.seconds).unwrap_or_default();
            (before, state.regressions)
        });
        let started = now();
        Ok(Self {
            attention: Attention::new(cells.len()),
            plan,
            output,
            time,
            before,
            started,
            identity,
            cells,
            explorers,
            regressions,
            saved: started,
            news: VecDeque::new(),
            _lock: lock,
        })
    }

    /// How much time is left of what was asked for.
    pub(super) fn left(&self) -> Duration {
        self.time.saturating_sub(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.before.saturating_add(self.started.elapsed())
    }

    /// Runs it to its end, or until it is interrupted.
    pub(super) fn carry_out(
        mut self,
        saved_scenarios: &[Regression<'_>],
        progress: &Progress,
    ) -> Result<Outcome, Failure> {
        let mut calibrating = Calibrating::default();
        calibrating.measure();
        if !saved_scenarios.is_empty() {
            progress.enter("saved scenarios".to_owned());
            let (jobs, time) = (self.plan.jobs, Some(self.time));
            let known = &self.regressions;
            self.regressions =
                regressions::run(saved_scenarios, known, jobs, time, &progress.stop)?;
        }
        self.save(false)?;
        while !progress.stop.load(Ordering::Relaxed)
            && (self.elapsed() < self.time || !self.attention.has_met_all())
        {
            let can_mutate: Vec<bool> =
                self.cells.iter().map(|cell| self.can_mutate(cell)).collect();
            let turn = self.attention.next(|cell| can_mutate.get(cell) == Some(&true));
            let Some((cell, origin)) = turn else { break };
            self.turn(cell, origin, progress)?;
        }
        let is_interrupted = progress.stop.load(Ordering::Relaxed);
        self.save(!is_interrupted)?;
        calibrating.measure();
        let cells = self.cells.iter().map(|cell| CellSpeed {
            store: cell.pair.0.name().to_owned(),
            backend: cell.pair.1.name().to_owned(),
            operations: cell.fresh_operations,
            seconds: cell.fresh_seconds,
        });
        Ok(Outcome {
            speed: Speed { calibration: calibrating.result(), cells: cells.collect() },
            corpus: self.corpus(),
            elapsed: self.elapsed(),
            regressions: self.regressions,
            findings: self.cells.into_iter().map(|cell| cell.findings).collect(),
        })
    }

    /// Whether the opening of a cell is over, and its store has a corpus.
    fn can_mutate(&self, cell: &Cell<'_>) -> bool {
        let (store, backend) = (cell.pair.0.name(), cell.pair.1.name());
        let has_corpus = self.explorers.get(store).is_some_and(|corpus| corpus.entries() > 0);
        has_corpus && self.plan.shard.case(cell.fresh) >= opening(store, backend)
    }

    /// One turn of a cell.
    fn turn(&mut self, place: usize, origin: Origin, progress: &Progress) -> Result<(), Failure> {
        let turn = self.turn_length();
        let Some(cell) = self.cells.get_mut(place) else { return Ok(()) };
        let (store, backend) = cell.pair;
        let Some(explorer) = self.explorers.get_mut(store.name()) else { return Ok(()) };
        progress.enter(format!("{} on {}", store.name(), backend.name()));
        let (first, cases) = (cell.first(origin), cell.cases_of(origin, turn));
        let (began, worked) = (now(), processor_time());
        let explored = explorer.explore(&Exploration {
            backend,
            divergences: &self.plan.divergences,
            effort: Effort { seed: self.plan.seed, first, cases, jobs: self.plan.jobs },
            shard: self.plan.shard,
            origin,
            known: &cell.known(),
            most_ways: MOST_WAYS.saturating_sub(cell.findings.ways.len()),
            progress,
        });
        let took = began.elapsed();
        let worked = processor_time().saturating_sub(worked);
        self.attention.learn(place, origin, took, explored.new_keys);
        if explored.new_keys > 0 {
            self.news.push_back((now(), explored.new_keys));
            cell.has_news = true;
        }
        for (name, text) in &explored.entries {
            self.output.replace(&entry_path(store.name(), name), text)?;
        }
        for name in &explored.dropped {
            self.output.remove(&entry_path(store.name(), name))?;
        }
        for found in &explored.findings.counterexamples {
            let name = found.file_name(store.name(), backend.name());
            self.output.write(&format!("counterexamples/{name}"), &found.replay)?;
        }
        let is_urgent = !explored.findings.ways.is_empty();
        cell.learn(origin, explored.findings, took, worked);
        progress.remark(self.note());
        if is_urgent || self.saved.elapsed() >= SAVE_EVERY {
            self.save(false)?;
        }
        Ok(())
    }

    /// How long a turn is to take: all cells are to have several.
    fn turn_length(&self) -> Duration {
        let turns = u32::try_from(self.cells.len()).unwrap_or(u32::MAX).saturating_mul(8).max(1);
        (self.time / turns).clamp(TURN.0, TURN.1)
    }

    /// What has been reached, in a line.
    fn note(&mut self) -> String {
        while self.news.front().is_some_and(|(at, _)| at.elapsed() > Duration::from_secs(60)) {
            self.news.pop_front();
        }
        let required: usize = self.cells.iter().map(|cell| cell.required).sum();
        let missing: usize = self.cells.iter().map(|cell| cell.missing).sum();
        let news: usize = self.news.iter().map(|(_, keys)| keys).sum();
        let CorpusSize { entries, keys } = self.corpus();
        format!(
            "reached {} of {} required outcomes, {} keys ({} new in the last minute), corpus {}",
            grouped((required - missing) as u64),
            grouped(required as u64),
            grouped(keys),
            grouped(news as u64),
            grouped(entries),
        )
    }

    fn corpus(&self) -> CorpusSize {
        let entries = self.explorers.values().map(|explorer| explorer.entries() as u64);
        let keys = self.cells.iter().filter_map(|cell| {
            let (store, backend) = cell.pair;
            Some(self.explorers.get(store.name())?.reached(backend.name()) as u64)
        });
        CorpusSize { entries: entries.sum(), keys: keys.sum() }
    }

    fn save(&mut self, finished: bool) -> Result<(), Failure> {
        for cell in self.cells.iter_mut().filter(|cell| cell.has_news) {
            let (store, backend) = (cell.pair.0.name(), cell.pair.1.name());
            if let Some(explorer) = self.explorers.get(store) {
                let keys = explorer.reached_keys(backend);
                self.output.replace(&format!("{}/{backend}.reached", folder(store)), &keys)?;
            }
            cell.has_news = false;
        }
        let state = CampaignState {
            schema: SCHEMA,
            identity: self.identity.clone(),
            seconds: self.elapsed().as_secs_f64(),
            finished,
            regressions: self.regressions.clone(),
            cells: self.cells.iter().map(Cell::state).collect(),
        };
        let text = state.to_text().map_err(|error| Failure::new(error.to_string()))?;
        self.output.replace(STATE, &text)?;
        self.saved = now();
        Ok(())
    }
}

/// Where the corpus of a store is.
fn folder(store: &str) -> String {
    format!("corpus/{store}")
}

fn entry_path(store: &str, name: &str) -> String {
    format!("{}/{name}.json", folder(store))
}

/// Takes the saved corpus of a store over.
fn load(explorer: &mut dyn Explorer, store: &str, output: &OutputDirectory) -> Result<(), Failure> {
    type Take = fn(&mut dyn Explorer, &str, &str) -> Result<(), EntryError>;
    let kinds: [(&str, Take); 2] = [
        (".json", |explorer, name, text| explorer.load(name, text)),
        (".reached", |explorer, _, text| explorer.load_reached(text)),
    ];
    for (suffix, take) in kinds {
        for (name, bytes) in output.read_all(&folder(store), suffix)? {
            let failure = |problem: String| {
                let path = output.path(&format!("{}/{name}{suffix}", folder(store)));
                Failure::new(format!("{}: {problem} (remove it)", path.display()))
            };
            let text =
                String::from_utf8(bytes).map_err(|_| failure("not a text in UTF-8".into()))?;
            take(explorer, &name, &text).map_err(|error| failure(error.to_string()))?;
        }
    }
    Ok(())
}
