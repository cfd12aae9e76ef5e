//! The memory backend under proof.

use std::sync::Arc;

use super::{BackendUnderTest, Capabilities, Storage, World};
use crate::{
    backend::memory::MemoryBackend,
    seam::{Backend, Result},
    sim::schedule::Bounds,
};

/// The memory backend.
#[derive(Clone, Copy, Debug)]
pub struct Memory;

struct MemoryStorage(MemoryBackend);

impl BackendUnderTest for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            threads: true,
            // A few calls have some ten thousand interleavings at most.
            every_interleaving: Some(Bounds { preemptions: None, runs: 4_000 }),
            ..Capabilities::default()
        }
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        let mut backend = MemoryBackend::new(Arc::new(world.clock.clone()));
        if let Some(size) = world.page_size {
            backend = backend.with_page_size(size);
        }
        Ok(Box::new(MemoryStorage(backend)))
    }
}

impl Storage for MemoryStorage {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(self.0.clone()))
    }
}
