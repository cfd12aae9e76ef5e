//! `check --time`: a campaign that goes on until its time is over, gathers a corpus,
//! and can be interrupted at any moment.
//!
//! In the output directory it keeps
//!
//! | file | is |
//! |---|---|
//! | `campaign.json` | its state ([`CampaignState`]), replaced every few seconds, and when something fails |
//! | `corpus/STORE/*.json` | the scenarios that reached something new |
//! | `corpus/STORE/BACKEND.reached` | which keys of coverage were reached (`ReachedKeys`) |
//! | `counterexamples/` | what failed: as it was found at first, small in the end |
//! | `campaign.lock` | held by the process that runs it |
//!
//! **How it goes on.** A directory with the state of a campaign that was interrupted, or did
//! not run for all of `--time`, is gone on with: nothing that the state says to be done is
//! done again. It must be the same campaign of the same program; otherwise it is an error.
//! One that came to its end is over: with a longer `--time` it goes on, with the same one or
//! a shorter one a new one begins, which inherits the corpus. To begin anew before that, remove
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
    client,
    files::{self, OutputDirectory},
    regressions,
    speed::{Calibrating, processor_time},
    usage::Failure,
};
use crate::{
    check::{
        attention::Attention,
        campaign::{Effort, MOST_COUNTEREXAMPLES_IN_TIME, Progress},
        campaign_state::{CampaignState, Identity, SCHEMA},
        corpus::{Exploration, Explorer, Origin, entry::EntryError, opening},
        findings::{CellFindings, Found},
        regression::{self, Regression, RegressionResult},
        trace_hash::hash_of,
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
    calibrating: Calibrating,
    saved: Instant,
    /// When how many new keys were reached.
    news: VecDeque<(Instant, usize)>,
    lock: File,
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
            program: format!("{:016x}", hash_of(&[&files::read_bytes(&client::program()?.path)?])),
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
        let mut calibrating = Calibrating::default();
        calibrating.measure();
        if let Some(before) = state.as_ref().and_then(|state| state.calibration) {
            // It may have run on another machine.
            let slower = before / calibrating.result().per_second;
            cells.iter_mut().for_each(|cell| cell.fresh_seconds *= slower);
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
            calibrating,
            saved: started,
            news: VecDeque::new(),
            lock,
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
    ) -> Result<(Outcome, Ended), Failure> {
        self.run_saved(saved_scenarios, progress)?;
        for place in 0..self.cells.len() {
            self.make_small(place, progress)?;
        }
        while !progress.stop.load(Ordering::Relaxed)
            && (self.elapsed() < self.time || !self.attention.has_met_all())
        {
            let can_mutate: Vec<bool> =
                self.cells.iter().map(|cell| self.can_mutate(cell)).collect();
            let turn = self.attention.next(|cell| can_mutate.get(cell) == Some(&true));
            let Some((cell, origin)) = turn else { break };
            self.turn(cell, origin, progress)?;
            self.make_small(cell, progress)?;
        }
        self.calibrating.measure();
        self.save()?;
        let state = self.state();
        let cells = self.cells.iter().map(|cell| CellSpeed {
            store: cell.pair.0.name().to_owned(),
            backend: cell.pair.1.name().to_owned(),
            operations: cell.fresh_operations,
            seconds: cell.fresh_seconds,
        });
        let outcome = Outcome {
            speed: Speed { calibration: self.calibrating.result(), cells: cells.collect() },
            corpus: self.corpus(),
            elapsed: self.elapsed(),
            regressions: self.regressions,
            findings: self.cells.into_iter().map(|cell| cell.findings).collect(),
        };
        Ok((outcome, Ended { state, _lock: self.lock }))
    }

    /// Runs saved scenarios as long as there is time for them, and saves what came of them
    /// every now and then.
    fn run_saved(&mut self, saved: &[Regression<'_>], progress: &Progress) -> Result<(), Failure> {
        if saved.is_empty() {
            return self.save();
        }
        progress.enter("saved scenarios".to_owned());
        let end = now() + regressions::budget(Some(self.time));
        loop {
            let until = end.min(now() + SAVE_EVERY);
            let (known, jobs) = (&self.regressions, self.plan.jobs);
            self.regressions = regressions::run(saved, known, jobs, until, &progress.stop)?;
            self.save()?;
            let left = self.regressions.iter().any(|it| it.outcome == regression::Outcome::NotRun);
            if !left || now() >= end || progress.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    /// Makes small what failed on that cell. It was saved before: this may take minutes.
    fn make_small(&mut self, place: usize, progress: &Progress) -> Result<(), Failure> {
        let raw = |cell: &Cell<'_>| {
            let found = cell.findings.counterexamples.iter().filter(|found| found.is_raw());
            found.cloned().collect::<Vec<Found>>()
        };
        for mut found in self.cells.get(place).map(raw).unwrap_or_default() {
            let Some(cell) = self.cells.get_mut(place) else { return Ok(()) };
            let (store, backend) = cell.pair;
            let Some(explorer) = self.explorers.get(store.name()) else { return Ok(()) };
            let name = found.file_name(store.name(), backend.name(), self.plan.seed);
            let name = format!("counterexamples/{name}");
            if found.replay.is_empty() {
                // Who took it away has no more use for it.
                let Some(text) = self.output.read(&name)? else { continue };
                found.replay = text;
            }
            progress.enter(format!(
                "making small what fails of {} on {}",
                store.name(),
                backend.name()
            ));
            let small = explorer.make_small(&found, backend, &progress.stop);
            let small = small.map_err(|error| {
                Failure::new(format!("{}: {error}", self.output.path(&name).display()))
            })?;
            if progress.stop.load(Ordering::Relaxed) {
                // It goes on with that from the start.
                return Ok(());
            }
            self.output.replace(&name, &small.replay)?;
            cell.findings.replace(small);
            self.save()?;
        }
        Ok(())
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
            most_ways: MOST_COUNTEREXAMPLES_IN_TIME.saturating_sub(cell.findings.ways.len()),
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
            let name = found.file_name(store.name(), backend.name(), self.plan.seed);
            self.output.replace(&format!("counterexamples/{name}"), &found.replay)?;
        }
        let is_urgent = !explored.findings.ways.is_empty();
        cell.learn(origin, explored.findings, took, worked);
        progress.remark(self.note());
        if is_urgent || self.saved.elapsed() >= SAVE_EVERY {
            self.save()?;
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

    fn save(&mut self) -> Result<(), Failure> {
        for cell in self.cells.iter_mut().filter(|cell| cell.has_news) {
            let (store, backend) = (cell.pair.0.name(), cell.pair.1.name());
            if let Some(explorer) = self.explorers.get(store) {
                let keys = explorer.reached_keys(backend);
                self.output.replace(&format!("{}/{backend}.reached", folder(store)), &keys)?;
            }
            cell.has_news = false;
        }
        write_state(self.output, &self.state())?;
        self.saved = now();
        Ok(())
    }

    fn state(&self) -> CampaignState {
        CampaignState {
            schema: SCHEMA,
            identity: self.identity.clone(),
            seconds: self.elapsed().as_secs_f64(),
            calibration: Some(self.calibrating.result().per_second),
            finished: false,
            regressions: self.regressions.clone(),
            cells: self.cells.iter().map(Cell::state).collect(),
        }
    }
}

/// A campaign that ended, and of which nobody was told yet.
pub(super) struct Ended {
    state: CampaignState,
    _lock: File,
}

impl Ended {
    /// Says that it is over: there is a report of it.
    pub(super) fn finish(self, output: &OutputDirectory) -> Result<(), Failure> {
        write_state(output, &CampaignState { finished: true, ..self.state })
    }
}

fn write_state(output: &OutputDirectory, state: &CampaignState) -> Result<(), Failure> {
    let text = state.to_text().map_err(|error| Failure::new(error.to_string()))?;
    output.replace(STATE, &text)
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
