//! Scheduling points, and faults, for backends that have none of their own.
//!
//! Each call of a collection is one step: what goes wrong with it is told by
//! `database_faults.rs`.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    database_faults::{LateCalls, failure},
    executor::Sim,
    faults::{Fault, FaultKind},
};
use crate::seam::{
    Collection, CollectionSpec, Error, Found, ListQuery, Page, Record, RecordId, Result, Selection,
    Site, Write,
};

/// A collection every call of which is a scheduling point.
pub struct Scheduled {
    inner: Arc<dyn Collection>,
    sim: Sim,
    late: LateCalls,
}

impl Scheduled {
    /// Puts a point before every call of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Collection>, sim: Sim) -> Self {
        Self { inner, sim, late: LateCalls::default() }
    }

    /// Passes a scheduling point and reads, unless something goes wrong.
    async fn read<T>(
        &self,
        step: &'static str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.sim.step(step).await;
        match self.sim.fault(step) {
            None => call.await,
            Some(fault) => self.under(&fault, step, call).await,
        }
    }

    /// Passes a scheduling point and writes, unless something goes wrong. The call may
    /// outlive who made it.
    async fn write<T>(
        &self,
        step: &'static str,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.sim.step(step).await;
        match self.sim.fault(step) {
            None => call.await,
            Some(fault) if fault.kind == FaultKind::TimedOut => {
                self.late.leave(async { drop(call.await) }, &self.sim);
                Err(self.failure(&fault, step))
            }
            Some(fault) => self.under(&fault, step, call).await,
        }
    }

    /// The call under a fault: its client gives up before it, or right after it, so
    /// that it learns nothing; its answer is lost; or it is not even begun.
    async fn under<T>(
        &self,
        fault: &Fault,
        step: &'static str,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
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
            FaultKind::ConnectionLostAfter => {
                drop(call.await);
                // Others may see what it did before its caller learns of the loss.
                self.sim.step("lost").await;
                Err(self.failure(fault, step))
            }
            _ => Err(self.failure(fault, step)),
        }
    }

    fn failure(&self, fault: &Fault, step: &'static str) -> Error {
        failure(fault, Site::new(step, &self.spec().name, None))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Scheduled {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.read("get", self.inner.get(id)).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.read("find", self.inner.find(key, parts)).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.read("list", self.inner.list(query)).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.read("count", self.inner.count(selection)).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        self.write("commit", async move { inner.commit(writes).await }).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        let (inner, selection) = (Arc::clone(&self.inner), selection.clone());
        self.write("claim", async move { inner.claim(&selection).await }).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        let inner = Arc::clone(&self.inner);
        self.write("purge_expired", async move { inner.purge_expired().await }).await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        let (inner, id) = (Arc::clone(&self.inner), id.clone());
        let expected = expected.to_vec();
        self.write("quarantine", async move { inner.quarantine(&id, &expected).await }).await
    }

    async fn settle(&self) -> Result<()> {
        self.late.settle().await;
        self.inner.settle().await
    }
}
