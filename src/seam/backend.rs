//! Where collections come from.

use std::sync::Arc;

use async_trait::async_trait;

use super::{collection::Collection, error::Result, spec::CollectionSpec};

/// A place that holds collections.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Opens the collection that `spec` names, creating it where there is
    /// none. Every handle on one storage sees the same records; several may be
    /// open at once, in one process or in many, also with different keys: each
    /// handle's writes keep that handle's unique keys, among all records.
    ///
    /// # Errors
    /// `InvalidName` or `InvalidArgument` for a spec that breaks its own
    /// rules; `Io` or `Backend` when the storage can't be opened.
    async fn open(&self, spec: CollectionSpec) -> Result<Arc<dyn Collection>>;
}
