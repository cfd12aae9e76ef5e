//! Property tests drive the stores by the operations that campaigns use: any
//! bytes are a scenario, and every scenario holds.

use arbitrary::Unstructured;
use proptest::prelude::*;
use storeproof::{
    check::{
        backends::{BackendUnderTest, Memory, Simulated},
        crash::CrashCheck,
        generate::{Purpose, scenario},
        statistics::Reached,
        verify::{Target, verify},
    },
    model::{
        collection::CollectionSubject, divergence::Divergences, secrets::SecretsSubject,
        subject::Subject, users::UsersSubject, webhooks::WebhooksSubject,
    },
    sim::schedule::Bounds,
};

fn holds<S: Subject>(bytes: &[u8], purpose: Purpose, backend: &dyn BackendUnderTest) {
    let with_legacy = backend.capabilities().older_software;
    let scenario =
        scenario::<S>(&mut Unstructured::new(bytes), purpose, usize::MAX, with_legacy).unwrap();
    let target = Target::<S> {
        backend,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &Divergences::default(),
        crashes: CrashCheck::default(),
    };
    let verified = verify(&target, &scenario, &mut Reached::new::<S>());
    assert_eq!(verified.violation, None, "{} on {}", S::NAME, backend.name());
}

proptest! {
    #[test]
    fn any_bytes_are_a_scenario_that_holds(
        bytes in prop::collection::vec(any::<u8>(), 0..1_024),
        purpose in prop::sample::select(vec![
            Purpose::Sequence,
            Purpose::Interleaving,
            Purpose::Exhaustive(Bounds { preemptions: Some(1), runs: 40 }),
            Purpose::Crash,
        ]),
    ) {
        for backend in [&Memory as &dyn BackendUnderTest, &Simulated::file(), &Simulated::legacy()] {
            holds::<CollectionSubject>(&bytes, purpose, backend);
            holds::<UsersSubject>(&bytes, purpose, backend);
            holds::<WebhooksSubject>(&bytes, purpose, backend);
            holds::<SecretsSubject>(&bytes, purpose, backend);
        }
    }
}
