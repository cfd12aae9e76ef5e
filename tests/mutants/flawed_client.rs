//! Flaws of a collection in what it makes of a database that fails.

use async_trait::async_trait;
use storeproof::{
    bugs::flaws::Flaw,
    seam::{Collection, Error, Outcome, Record, Result, Selection, Write},
};

/// Whether nobody knows what came of the call.
pub fn is_in_doubt<T>(done: &Result<T>) -> bool {
    done.as_ref().is_err_and(|error| error.outcome() == Outcome::Unknown)
}

/// What may have been done already is done once more.
pub struct TriesAgain;

#[async_trait]
impl Flaw for TriesAgain {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        let done = sound.commit(writes.clone()).await;
        if is_in_doubt(&done) { sound.commit(writes).await } else { done }
    }

    async fn claim(&self, sound: &dyn Collection, selection: &Selection) -> Result<Record> {
        let done = sound.claim(selection).await;
        if is_in_doubt(&done) { sound.claim(selection).await } else { done }
    }
}

/// A commit whose answer was lost is passed off as done.
pub struct TakesSilenceForConsent;

#[async_trait]
impl Flaw for TakesSilenceForConsent {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        let done = sound.commit(writes).await;
        if is_in_doubt(&done) { Ok(()) } else { done }
    }
}

/// The same error with another outcome.
fn with_outcome(error: Error, outcome: Outcome) -> Error {
    match error {
        Error::Backend { site, problem, .. } => Error::Backend { site, problem, outcome },
        other => other,
    }
}

/// Every failure is passed off as surely not done.
pub struct IsAlwaysSure;

#[async_trait]
impl Flaw for IsAlwaysSure {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        sound.commit(writes).await.map_err(|error| with_outcome(error, Outcome::NotDone))
    }
}

/// No failure is ever surely not done.
pub struct IsNeverSure;

#[async_trait]
impl Flaw for IsNeverSure {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        sound.commit(writes).await.map_err(|error| with_outcome(error, Outcome::Unknown))
    }
}

/// Once the connection was lost, no write is taken any more.
#[derive(Default)]
pub struct StaysAway(std::sync::atomic::AtomicBool);

#[async_trait]
impl Flaw for StaysAway {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.0.load(Relaxed) {
            let site = storeproof::seam::Site::new("commit", &sound.spec().name, None);
            return Err(Error::Closed { site, problem: "the connection was lost".to_owned() });
        }
        let done = sound.commit(writes).await;
        self.0.store(is_in_doubt(&done), Relaxed);
        done
    }
}
