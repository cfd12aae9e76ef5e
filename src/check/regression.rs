//! Saved scenarios that must hold: what was broken once, and was mended.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use serde::{Deserialize, Serialize};

use super::{
    backends::BackendUnderTest,
    jobs::on_jobs,
    registry::{Replayed, StoreUnderTest, store_named},
    replay::{ReplayError, read_header},
    trace_hash::hash_of,
    violation::Violation,
};

/// A saved scenario that can be run.
pub struct Regression<'a> {
    /// Its file, as people know it.
    pub file: String,
    text: String,
    store: &'static dyn StoreUnderTest,
    backend: &'a dyn BackendUnderTest,
}

/// What came of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegressionResult {
    /// Its file.
    pub file: String,
    /// Tells its text from others, in hexadecimal.
    pub digest: String,
    /// The store's name.
    pub store: String,
    /// The backend's name.
    pub backend: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<Violation>,
}

/// What may come of a saved scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It is broken again.
    Broken,
    /// Its schedule or its faults name points that the code no longer comes by: it shows
    /// nothing, and must be saved anew.
    Stale,
    /// There was no time for it, or it was interrupted before.
    NotRun,
}

impl Outcome {
    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Broken => "BROKEN",
            Self::Stale => "STALE",
            Self::NotRun => "NOT RUN",
        }
    }
}

/// Why a saved scenario can't be run.
#[derive(Debug, thiserror::Error)]
pub enum RegressionError {
    /// It is no replay file.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Its store is none of ours.
    #[error("there is no store {0:?}")]
    Store(String),
    /// Its backend is not there.
    #[error("there is no backend {0:?}")]
    Backend(String),
}

impl<'a> Regression<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// When it is no replay file, of a store or a backend that there is not, or one that
    /// can't be run.
    pub fn read(
        file: String,
        text: String,
        backends: &'a [Box<dyn BackendUnderTest>],
    ) -> Result<Self, RegressionError> {
        let header = read_header(&text)?;
        let store = store_named(&header.store);
        let store = store.ok_or_else(|| RegressionError::Store(header.store.clone()))?;
        let mut backends = backends.iter().map(AsRef::as_ref);
        let backend = backends.find(|backend| backend.name() == header.backend);
        let backend = backend.ok_or_else(|| RegressionError::Backend(header.backend.clone()))?;
        // So that nothing is found out after hours.
        store.must_run(&text, backend)?;
        Ok(Self { file, text, store, backend })
    }

    /// Tells its text from others.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("{:016x}", hash_of(&[self.text.as_bytes()]))
    }

    /// The store's name and the backend's.
    #[must_use]
    pub fn cell(&self) -> (&'static str, &str) {
        (self.store.name(), self.backend.name())
    }

    /// Runs it.
    ///
    /// # Errors
    /// Never: it was found out before whether it can be run.
    pub fn replay(&self) -> Result<Replayed, RegressionError> {
        Ok(self.store.replay(&self.text, self.backend)?)
    }

    fn run(&self) -> Result<RegressionResult, RegressionError> {
        let Replayed { violation, stale, .. } = self.replay()?;
        let outcome = match (&violation, stale) {
            (Some(_), _) => Outcome::Broken,
            (None, true) => Outcome::Stale,
            (None, false) => Outcome::Holds,
        };
        Ok(RegressionResult { violation, ..self.with(outcome) })
    }

    fn with(&self, outcome: Outcome) -> RegressionResult {
        RegressionResult {
            file: self.file.clone(),
            digest: self.digest(),
            store: self.store.name().to_owned(),
            backend: self.backend.name().to_owned(),
            outcome,
            violation: None,
        }
    }
}

/// Runs them on so many threads as long as `go_on` says so; what comes of them is in
/// their order. Those of which `known` has a result are not run again.
///
/// # Errors
/// As [`Regression::replay`], with the file.
pub fn run_all(
    regressions: &[Regression<'_>],
    known: &[RegressionResult],
    jobs: usize,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<RegressionResult>, (String, RegressionError)> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(regressions.len()));
    on_jobs(jobs.min(regressions.len()), || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(regression) = regressions.get(place) else { return };
            let digest = regression.digest();
            let before = known.iter().find(|result| {
                (&result.file, &result.digest) == (&regression.file, &digest)
                    && result.outcome != Outcome::NotRun
            });
            let result = match before {
                Some(result) => Ok(result.clone()),
                None if go_on() => regression.run(),
                None => Ok(regression.with(Outcome::NotRun)),
            };
            let result = result.map_err(|error| (regression.file.clone(), error));
            done.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
