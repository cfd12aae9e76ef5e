//! A part of what the smoke profile runs, as unit tests: whoever changes a store, a backend
//! or the harness sees at once whether it still stands. `scripts/mutants` judges by them;
//! where `STOREPROOF_WHOLE_SMOKE` is set they run all of it.

use std::env;

use crate::{
    check::{
        backends,
        campaign::{Effort, Progress},
        registry::{Request, store_named},
    },
    model::divergence::Divergences,
};

/// A smoke run has so many times the cases.
const PART: u64 = 4;

#[expect(clippy::disallowed_methods, reason = "who runs the tests says how thorough they are")]
fn part() -> u64 {
    if env::var_os("STOREPROOF_WHOLE_SMOKE").is_some() { 1 } else { PART }
}

fn holds(store: &str) {
    let (store, part) = (store_named(store).unwrap(), part());
    let scratch = tempfile::tempdir().unwrap();
    for backend in backends::all(scratch.path()) {
        let cases = backends::share(store.name(), backend.name()).div_ceil(part);
        let found = store.check(&Request {
            backend: &*backend,
            divergences: &Divergences::default(),
            effort: Effort { seed: 7, first: 0, cases, jobs: 1 },
            progress: &Progress::default(),
        });
        let first = found.counterexamples.first();
        let (name, on) = (store.name(), backend.name());
        assert!(first.is_none(), "{name} on {on}: {}", first.map_or("", |found| &found.replay));
        assert_eq!((found.totals.violations, found.cases), (0, cases), "{name} on {on}");
    }
}

#[test]
fn the_collection_holds_on_every_backend() {
    holds("collection");
}

#[test]
fn users_hold_on_every_backend() {
    holds("users");
}

#[test]
fn api_keys_hold_on_every_backend() {
    holds("api_keys");
}

#[test]
fn webhooks_hold_on_every_backend() {
    holds("webhooks");
}

#[test]
fn secrets_hold_on_every_backend() {
    holds("secrets");
}

#[test]
fn sessions_hold_on_every_backend() {
    holds("sessions");
}

#[test]
fn the_watermark_holds_on_every_backend() {
    holds("watermark");
}

#[test]
fn worker_heartbeats_hold_on_every_backend() {
    holds("worker_heartbeats");
}

#[test]
fn the_workspace_holds_on_every_backend() {
    holds("workspace");
}

#[test]
fn working_sets_hold_on_every_backend() {
    holds("working_sets");
}
