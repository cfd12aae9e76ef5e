//! Randomness that a seed decides.

use std::sync::{Mutex, PoisonError};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::seam::Entropy;

/// Random bytes that are the same for the same seed. Not for real secrets.
#[derive(Debug)]
pub struct SimEntropy(Mutex<Xoshiro256PlusPlus>);

impl SimEntropy {
    /// The source that `seed` decides.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)))
    }
}

impl Entropy for SimEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
        Ok(())
    }
}
