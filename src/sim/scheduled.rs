//! Scheduling points for backends that have none of their own.

use std::sync::Arc;

use async_trait::async_trait;

use super::{executor::Sim, faults::FaultKind};
use crate::seam::{
    Collection, CollectionSpec, Error, Found, ListQuery, Outcome, Page, Record, RecordId, Result,
    Selection, Site, Write,
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

    /// Passes a scheduling point and does the call, unless the storage fails it, or
    /// the client gives up before it, or learns nothing of it because it gives up
    /// right after it.
    async fn around<T>(
        &self,
        step: &'static str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.sim.step(step).await;
        let Some(fault) = self.sim.fault(step) else { return call.await };
        match fault.kind {
            FaultKind::CancelAfter => {
                let done = call.await;
                self.sim.give_up().await;
                done
            }
            FaultKind::Cancel => {
                self.sim.give_up().await;
                call.await
            }
            _ => Err(Error::Io {
                site: Site::new(step, &self.spec().name, None),
                doing: "reach the storage".to_owned(),
                outcome: Outcome::NotDone,
                source: fault.error(),
            }),
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

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }
}
