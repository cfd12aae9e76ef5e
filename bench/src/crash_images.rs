//! Crash images: made from a recorded run, opened anew and checked.

use storeproof::{
    check::{
        backends::{BackendUnderTest, Simulated},
        crash::CrashCheck,
        generate,
        scenario::{Crash, Scenario},
        statistics::Reached,
        verify::{Target, verify},
    },
    model::{
        api_keys::ApiKeysSubject, collection::CollectionSubject, divergence::Divergences,
        secrets::SecretsSubject, sessions::SessionsSubject, subject::Subject, users::UsersSubject,
        watermark::WatermarkSubject, webhooks::WebhooksSubject,
        worker_heartbeats::WorkerHeartbeatsSubject,
    },
};

use crate::measure::{Contender, Row};

/// A small scenario: two clients with so many actions each.
const ACTIONS: usize = 2;

pub fn rows() -> Vec<Row> {
    vec![
        row::<CollectionSubject>(">= 100 000 on 2 cores; turmoil-fs: 100 000 crash cycles"),
        row::<UsersSubject>(""),
        row::<ApiKeysSubject>(""),
        row::<WebhooksSubject>(""),
        row::<SecretsSubject>(""),
        row::<SessionsSubject>(""),
        row::<WatermarkSubject>(""),
        row::<WorkerHeartbeatsSubject>(""),
    ]
}

fn row<S: Subject>(goal: &'static str) -> Row {
    Row {
        what: format!("crash images, {}", S::NAME),
        unit: "images",
        goal,
        ours: Contender::new("storeproof", images::<S>),
        baselines: Vec::new(),
    }
}

fn scenario<S: Subject>(job: u64, case: u64) -> Scenario<S::Op> {
    let scenario = generate::case_of_size::<S>(7, job << 32 | case, 2, ACTIONS);
    Scenario { crash: Some(Crash::default()), ..scenario }
}

/// Checks so many images, and what more the last scenario has.
fn images<S: Subject>(job: u64, count: u64) {
    let backend = Simulated::file();
    let target = Target::<S> {
        backend: &backend as &dyn BackendUnderTest,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &Divergences::default(),
        crashes: CrashCheck::default(),
    };
    let mut reached = Reached::new::<S>();
    let (mut done, mut case) = (0, 0);
    while done < count {
        let verified = verify(&target, &scenario::<S>(job, case), &mut reached);
        assert_eq!(verified.violation, None, "{} holds", S::NAME);
        done += verified.crash_images;
        case += 1;
    }
}
