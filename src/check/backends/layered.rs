//! A storage with a layer over it: a working set, a flaw.

use std::{path::Path, sync::Arc};

use super::{Crashes, OlderSoftware, Storage};
use crate::{
    seam::{Backend, Result},
    sim::disk::ImageKind,
};

/// What lies over a storage, and makes the backends of its handles.
pub trait Layer: Send + Sync + 'static {
    /// A handle through the layer; `below` is the storage.
    ///
    /// # Errors
    /// When the storage can't be opened.
    fn handle(&self, below: &dyn Storage) -> Result<Arc<dyn Backend>>;

    /// As [`Storage::restart`], of what the layer itself forgets.
    fn restart(&self) -> bool {
        false
    }

    /// The same layer over what a crash left: with nothing that does not outlive a process.
    #[must_use]
    fn after_a_crash(&self) -> Self;
}

/// A storage with a layer over it. What outlives a process is below.
pub struct Layered<L> {
    below: Box<dyn Storage>,
    layer: L,
}

impl<L: Layer> Layered<L> {
    /// Puts a layer over a storage.
    #[must_use]
    pub fn new(below: Box<dyn Storage>, layer: L) -> Self {
        Self { below, layer }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<L: Layer> Storage for Layered<L> {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        self.layer.handle(&*self.below)
    }

    fn restart(&self) -> bool {
        let below = self.below.restart();
        self.layer.restart() || below
    }

    fn io_steps(&self) -> usize {
        self.below.io_steps()
    }

    fn older_software(&self) -> Option<Arc<dyn OlderSoftware>> {
        self.below.older_software()
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        self.below.file(path)
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        self.below.holds(bytes)
    }

    fn outside(&self) -> Vec<String> {
        self.below.outside()
    }

    fn directory(&self) -> Option<&Path> {
        self.below.directory()
    }

    fn changes(&self) -> usize {
        self.below.changes()
    }

    fn digest(&self) -> Option<u64> {
        self.below.digest()
    }

    fn leftover(&self) -> Option<String> {
        self.below.leftover()
    }

    fn crashes(&self, explore: &mut dyn FnMut(&mut dyn Crashes)) {
        self.below.crashes(&mut |below| {
            explore(&mut LayeredCrashes { below, layer: &self.layer });
        });
    }
}

/// The crashes of a storage with a layer over it.
struct LayeredCrashes<'c, L> {
    below: &'c mut dyn Crashes,
    layer: &'c L,
}

#[deny(clippy::missing_trait_methods)]
impl<L: Layer> Crashes for LayeredCrashes<'_, L> {
    fn position(&self) -> usize {
        self.below.position()
    }

    fn advance(&mut self) -> bool {
        self.below.advance()
    }

    fn next_matters(&self) -> bool {
        self.below.next_matters()
    }

    fn kinds(&self, most: usize, seed: u64) -> Vec<ImageKind> {
        self.below.kinds(most, seed)
    }

    fn image(&mut self, kind: &ImageKind) -> u64 {
        self.below.image(kind)
    }

    fn storage(&mut self) -> Option<Box<dyn Storage>> {
        let below = self.below.storage()?;
        Some(Box::new(Layered::new(below, self.layer.after_a_crash())))
    }

    fn describe(&self, kind: &ImageKind) -> String {
        self.below.describe(kind)
    }
}
