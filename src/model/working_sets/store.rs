//! A working set over a collection that others change as well.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;

use super::operation::WorkingSetsOp;
use crate::{
    backend::hybrid::HybridBackend,
    model::{
        collection::{CollectionMemory, CollectionSeen, CollectionSubject},
        subject::Subject,
    },
    seam::{Backend, Clock, Collection, CollectionSpec, Result},
};

/// A working set of its own over a durable half, and the way past it.
pub struct WorkingSet {
    outside: Arc<dyn Collection>,
    hybrid: HybridBackend,
    /// Once the first call has read the durable half.
    own: OnceLock<Arc<dyn Collection>>,
}

impl fmt::Debug for WorkingSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkingSet").field("is_open", &self.own.get().is_some()).finish()
    }
}

impl WorkingSet {
    /// A working set over `durable`, by that clock; others come by `outside`, which is the
    /// same collection.
    #[must_use]
    pub fn new(
        outside: Arc<dyn Collection>,
        durable: Arc<dyn Collection>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let hybrid = HybridBackend::new(Arc::new(Given(durable)), clock);
        Self { outside, hybrid, own: OnceLock::new() }
    }

    /// What it holds is read by the first call, so that a failure is that call's.
    async fn own(&self) -> Result<&Arc<dyn Collection>> {
        if let Some(own) = self.own.get() {
            return Ok(own);
        }
        let opened = self.hybrid.open(CollectionSubject::spec()).await?;
        Ok(self.own.get_or_init(|| opened))
    }

    /// Does one call.
    pub(super) async fn execute(
        &self,
        op: &mut WorkingSetsOp,
        memory: &mut CollectionMemory,
    ) -> CollectionSeen {
        let own = match self.own().await {
            Ok(own) => own,
            Err(error) => return CollectionSeen::failed(&error),
        };
        match op {
            WorkingSetsOp::Own(op) => CollectionSubject::execute(&**own, op, memory).await,
            WorkingSetsOp::Outside(op) => {
                CollectionSubject::execute(&*self.outside, op, memory).await
            }
            WorkingSetsOp::Refresh => CollectionSeen::done(self.hybrid.refresh().await),
        }
    }
}

/// A backend that has one collection, which is open.
struct Given(Arc<dyn Collection>);

#[async_trait]
impl Backend for Given {
    async fn open(&self, _: CollectionSpec) -> Result<Arc<dyn Collection>> {
        Ok(Arc::clone(&self.0))
    }
}
