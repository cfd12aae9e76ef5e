//! Working sets over a storage that others change: what the campaign makes of one that
//! does not notice, of one that goes back, and of whoever allows no stale read at all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use storeproof::{
    bugs::flaws::{Flaw, Flawed},
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        campaign::{self, Effort, Findings, Numbered, Progress},
        crash::CrashCheck,
        verify::{Opener, Target},
        violation::Kind,
    },
    model::{
        divergence::{Divergence, Divergences},
        subject::Subject,
        working_sets::{WorkingSet, WorkingSetsOp, WorkingSetsSubject},
    },
    seam::{Collection, ListQuery, Page, Record, RecordId, Result},
};

type Op = <WorkingSetsSubject as Subject>::Op;

fn campaign(
    backend: &dyn BackendUnderTest,
    open: &Opener<WorkingSetsSubject>,
    divergences: &Divergences,
    cases: u64,
) -> Findings<Numbered<Op>> {
    let crashes = CrashCheck::default();
    let target = Target::<WorkingSetsSubject> { backend, open, divergences, crashes };
    let effort = Effort { seed: 1, first: 0, cases, jobs: 2 };
    campaign::run(&target, &effort, &Progress::default())
}

fn declared() -> Divergences {
    Divergences::of(vec![Divergence::StaleReads])
}

/// The smallest counterexample to working sets over a durable half that tells them what is
/// not so. Who goes past them is told the truth.
fn found<F: Flaw>(what: &str, flaw: fn() -> F) -> Vec<Op> {
    let open = move |collection: Arc<dyn Collection>, surroundings: &_| {
        let durable = Flawed::over(Arc::clone(&collection), flaw());
        let surroundings: &storeproof::model::subject::Surroundings = surroundings;
        Arc::new(WorkingSet::new(collection, durable, Arc::clone(&surroundings.clock)))
    };
    let findings = campaign(&Memory, &open, &declared(), 4_000);
    let found = findings.counterexamples.into_iter().map(|(_, found)| found.scenario);
    let smallest = found.min_by_key(|scenario| scenario.length());
    let smallest = smallest.unwrap_or_else(|| panic!("{what} is not found in 4 000 cases"));
    assert!(smallest.length() <= 6, "{what}: {} steps: {smallest:#?}", smallest.length());
    smallest.operations().cloned().collect()
}

#[test]
fn stale_reads_are_come_by_and_refuted_where_none_are_declared() {
    let sound = |collection, surroundings: &_| WorkingSetsSubject::open(collection, surroundings);
    for backend in [&Memory as &dyn BackendUnderTest, &Simulated::file()] {
        let findings = campaign(backend, &sound, &declared(), 1_000);
        assert_eq!(
            findings.totals.violations,
            0,
            "{}: {:#?}",
            backend.name(),
            findings.counterexamples
        );
        let strict = campaign(backend, &sound, &Divergences::default(), 1_000);
        let kinds = strict.counterexamples.iter().map(|(_, found)| &found.violation.signature.kind);
        let kinds: Vec<&Kind> = kinds.collect();
        assert!(kinds.contains(&&Kind::Outcome), "{}: only {kinds:?}", backend.name());
        let steps = strict.counterexamples.iter().map(|(_, found)| found.scenario.length());
        let fewest = steps.min();
        assert!(fewest <= Some(3), "a write by others and a read are enough: {fewest:?} steps");
    }
}

/// What was listed first is listed for ever: nothing is read anew.
#[derive(Default)]
struct ListsWhatItListed(Mutex<Option<Page>>);

#[async_trait]
impl Flaw for ListsWhatItListed {
    async fn list(&self, sound: &dyn Collection, query: &ListQuery) -> Result<Page> {
        let listed = self.0.lock().unwrap().clone();
        match listed {
            Some(page) => Ok(page),
            None => {
                let page = sound.list(query).await?;
                Ok(self.0.lock().unwrap().insert(page).clone())
            }
        }
    }
}

#[test]
fn a_refresh_that_refreshes_nothing_is_found() {
    let ops = found("a refresh of nothing", ListsWhatItListed::default);
    assert!(ops.contains(&WorkingSetsOp::Refresh), "{ops:?}");
}

/// What is read back is what was read back before.
#[derive(Default)]
struct GetsWhatItGot(Mutex<BTreeMap<RecordId, Record>>);

#[async_trait]
impl Flaw for GetsWhatItGot {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        let got = self.0.lock().unwrap().get(id).cloned();
        match got {
            Some(record) => Ok(record),
            None => {
                let record = sound.get(id).await?;
                self.0.lock().unwrap().insert(id.clone(), record.clone());
                Ok(record)
            }
        }
    }
}

#[test]
fn a_working_set_that_does_not_learn_what_its_writes_left_is_found() {
    found("a read-back of old", GetsWhatItGot::default);
}
