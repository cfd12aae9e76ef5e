//! Scheduling points for backends that have none of their own.

use std::sync::Arc;

use async_trait::async_trait;

use super::executor::Sim;
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
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Collection for Scheduled {
    fn spec(&self) -> &CollectionSpec {
        self.inner.spec()
    }

    async fn get(&self, id: &RecordId) -> Result<Record> {
        self.sim.step("get").await;
        self.inner.get(id).await
    }

    async fn find(&self, key: &str, parts: &[&str]) -> Result<Found> {
        self.sim.step("find").await;
        self.inner.find(key, parts).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page> {
        self.sim.step("list").await;
        self.inner.list(query).await
    }

    async fn count(&self, selection: &Selection) -> Result<u64> {
        self.sim.step("count").await;
        self.inner.count(selection).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        self.sim.step("commit").await;
        self.inner.commit(writes).await
    }

    async fn claim(&self, selection: &Selection) -> Result<Record> {
        self.sim.step("claim").await;
        self.inner.claim(selection).await
    }

    async fn purge_expired(&self) -> Result<u64> {
        self.sim.step("purge_expired").await;
        self.inner.purge_expired().await
    }

    async fn quarantine(&self, id: &RecordId, expected: &[u8]) -> Result<()> {
        self.sim.step("quarantine").await;
        self.inner.quarantine(id, expected).await
    }
}
