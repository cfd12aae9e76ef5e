//! What tests verify, and scenarios to verify it with.

use arbitrary::Unstructured;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use storeproof::{
    check::{
        backends::BackendUnderTest,
        crash::CrashCheck,
        generate::{Purpose, scenario},
        scenario::Scenario,
        verify::Target,
    },
    model::{divergence::Divergences, subject::Subject},
};

/// The scenario of that number, for that purpose.
pub fn numbered<S: Subject>(number: u64, purpose: Purpose) -> Scenario<S::Op> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(number);
    let mut bytes = [0; 2_048];
    random.fill_bytes(&mut bytes);
    scenario::<S>(&mut Unstructured::new(&bytes), purpose, usize::MAX, false).unwrap()
}

/// Does something with our own store on that backend, which may do nothing
/// differently.
pub fn with_target<S: Subject, T>(
    backend: &dyn BackendUnderTest,
    action: impl FnOnce(&Target<'_, S>) -> T,
) -> T {
    action(&Target::<S> {
        backend,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &Divergences::default(),
        crashes: CrashCheck::default(),
    })
}
