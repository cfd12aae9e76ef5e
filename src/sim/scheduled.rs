//! Scheduling points for backends that have none of their own.

use std::sync::Arc;

use async_trait::async_trait;

use super::{executor::Sim, faults::FaultKind};
use crate::seam::{
    Collection, CollectionSpec, Found, ListQuery, Page, Record, RecordId, Result, Selection, Write,
};

/// A collection every call of which is a scheduling point.
pub struct Scheduled {
    inner: Arc<dyn Collection>,
    sim: Sim,
}

impl Scheduled {
    /// Puts a point before every call of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Collection>, sim: Sim) -> Self {
        Self { inner, sim }
    }

    /// Passes a scheduling point and does the call, unless the client gives up
    /// before it, or learns nothing of it because it gives up right after it.
    async fn around<T>(&self, step: &'static str, call: impl Future<Output = T> + Send) -> T {
        self.sim.step(step).await;
        match self.sim.fault(step).map(|fault| fault.kind) {
            Some(FaultKind::CancelAfter) => {
                let done = call.await;
                self.sim.give_up().await;
                done
            }
            Some(_) => {
                self.sim.give_up().await;
                call.await
            }
            None => call.await,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Scheduled {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.around("get", self.inner.get(id)).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.around("find", self.inner.find(key, parts)).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.around("list", self.inner.list(query)).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.around("count", self.inner.count(selection)).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.around("commit", self.inner.commit(writes)).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        self.around("claim", self.inner.claim(selection)).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.around("purge_expired", self.inner.purge_expired()).await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.around("quarantine", self.inner.quarantine(id, expected)).await
    }
}
