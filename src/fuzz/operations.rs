//! Operations of the stores, judged as `check` judges them: outcome by outcome against
//! the models, histories, and what a crash leaves.
//!
//! The first bytes of an input choose the backend and what the scenario is for, and the
//! store where there are several; for crashes also the moment of the first one. All the
//! rest are the choices of `check::generate`; those that it does not make are the plainest,
//! or random. The longer the input, the more the clients do; of those whose choices are
//! random, some do more in any case.

use std::{ops::RangeInclusive, sync::LazyLock};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Check;
use crate::{
    check::{
        backends::{BackendUnderTest, Hybrid, Memory, Simulated},
        crash::{CrashCheck, Recovery},
        findings::Found,
        generate::Purpose,
        input::{Input, TakesInput},
        registry::Entry,
    },
    model::{
        api_keys::ApiKeysSubject, collection::CollectionSubject, secrets::SecretsSubject,
        sessions::SessionsSubject, users::UsersSubject, watermark::WatermarkSubject,
        webhooks::WebhooksSubject, worker_heartbeats::WorkerHeartbeatsSubject,
        working_sets::WorkingSetsSubject, workspace::WorkspaceSubject,
    },
    report::terminal,
    sim::disk::SimFs,
};

/// What must hold of the operations of some stores.
pub(super) struct Operations {
    /// Which stores; where there are several, an input chooses one.
    pub(super) stores: &'static [&'static dyn TakesInput],
    /// Whether all is about crashes.
    pub(super) crashes: bool,
}

static THE_COLLECTION: Entry<CollectionSubject> = Entry::new();
static USERS: Entry<UsersSubject> = Entry::new();
static API_KEYS: Entry<ApiKeysSubject> = Entry::new();
static WEBHOOKS: Entry<WebhooksSubject> = Entry::new();
static SECRETS: Entry<SecretsSubject> = Entry::new();
static SESSIONS: Entry<SessionsSubject> = Entry::new();
static WATERMARK: Entry<WatermarkSubject> = Entry::new();
static WORKER_HEARTBEATS: Entry<WorkerHeartbeatsSubject> = Entry::new();
static THE_WORKSPACE: Entry<WorkspaceSubject> = Entry::new();
static WORKING_SETS: Entry<WorkingSetsSubject> = Entry::new();

pub(super) static COLLECTION: Operations =
    Operations { stores: &[&THE_COLLECTION], crashes: false };
pub(super) static WORKSPACE: Operations = Operations { stores: &[&THE_WORKSPACE], crashes: false };
pub(super) static OTHER_STORES: Operations = Operations {
    stores: &[
        &USERS,
        &API_KEYS,
        &WEBHOOKS,
        &SECRETS,
        &SESSIONS,
        &WATERMARK,
        &WORKER_HEARTBEATS,
        &WORKING_SETS,
    ],
    crashes: false,
};
pub(super) static CRASHES: Operations = Operations {
    stores: &[
        &THE_COLLECTION,
        &USERS,
        &API_KEYS,
        &WEBHOOKS,
        &SECRETS,
        &SESSIONS,
        &WATERMARK,
        &WORKER_HEARTBEATS,
        &THE_WORKSPACE,
        &WORKING_SETS,
    ],
    crashes: true,
};

/// Makes a backend; all of them together are not much.
type Backend = fn() -> &'static dyn BackendUnderTest;

fn memory() -> &'static dyn BackendUnderTest {
    &Memory
}

fn file() -> &'static dyn BackendUnderTest {
    static FILE: LazyLock<Simulated<SimFs>> = LazyLock::new(Simulated::file);
    &*FILE
}

fn legacy() -> &'static dyn BackendUnderTest {
    static LEGACY: LazyLock<Simulated<SimFs>> = LazyLock::new(Simulated::legacy);
    &*LEGACY
}

fn hybrid() -> &'static dyn BackendUnderTest {
    static HYBRID: LazyLock<Hybrid> = LazyLock::new(Hybrid::over_file);
    &*HYBRID
}

/// On which backend, and what for.
const PLANS: &[(Backend, Purpose)] = &[
    (memory, Purpose::Sequence),
    (memory, Purpose::Interleaving),
    (memory, Purpose::Database),
    (file, Purpose::Sequence),
    (file, Purpose::Interleaving),
    (file, Purpose::Fault),
    (legacy, Purpose::Sequence),
    (legacy, Purpose::Interleaving),
    (legacy, Purpose::Fault),
    (hybrid, Purpose::Sequence),
    (hybrid, Purpose::Interleaving),
    (hybrid, Purpose::Fault),
];

/// The same for crashes, of sound and of failing storage.
const CRASHING: &[(Backend, Purpose)] = &[
    (file, Purpose::Crash),
    (legacy, Purpose::Crash),
    (hybrid, Purpose::Crash),
    (file, Purpose::Fault),
    (legacy, Purpose::Fault),
    (hybrid, Purpose::Fault),
];

/// How few images one input has: another one has others.
pub(super) const FEW_IMAGES: CrashCheck =
    CrashCheck { most_images: 1, most_lives: 1, recovery: Recovery::Admissible };

/// The simulated backend of that name.
pub(super) fn simulated(name: &str) -> Option<&'static dyn BackendUnderTest> {
    let all = [memory, file, legacy, hybrid].map(|backend: Backend| backend());
    all.into_iter().find(|backend| backend.name() == name)
}

/// So many bytes more, and each client does one thing more.
const BYTES_OF_AN_ACTION: usize = 56;

/// What an input stands for.
pub(super) struct Case {
    pub(super) store: &'static dyn TakesInput,
    pub(super) backend: &'static dyn BackendUnderTest,
    purpose: Purpose,
    most_actions: usize,
    crash_after: Option<usize>,
    choices: Vec<u8>,
}

impl Case {
    pub(super) fn input(&self) -> Input<'_> {
        Input {
            bytes: &self.choices,
            purpose: self.purpose,
            most_actions: self.most_actions,
            crash_after: self.crash_after,
            crashes: FEW_IMAGES,
        }
    }
}

/// First bytes of inputs whose choices go on: a quarter of all, for such scenarios take
/// longer.
const CONTINUED: RangeInclusive<u8> = 0xc0..=0xff;

/// First bytes of those among them whose clients do so much: what is behind several calls of
/// one client needs no long input.
const DEEP: RangeInclusive<u8> = 0xf4..=0xff;

/// How many actions each of their clients has at most.
const DEEP_ACTIONS: usize = 5;

/// So many choices there are then.
const CHOICES: usize = 1_024;

/// The choices of a scenario: those of the input, and then random ones that its first
/// eight bytes are the seed of, so that changing what comes later changes that alone. Or
/// zeros: the plainest scenario that begins so.
fn choices(of_input: &[u8], is_continued: bool) -> Vec<u8> {
    let mut choices = vec![0; if is_continued { CHOICES } else { 0 }];
    let mut seed = [0; 8];
    for (byte, of_input) in seed.iter_mut().zip(of_input) {
        *byte = *of_input;
    }
    Xoshiro256PlusPlus::seed_from_u64(u64::from_le_bytes(seed)).fill_bytes(&mut choices);
    choices.splice(..of_input.len().min(choices.len()), of_input.iter().copied());
    choices
}

impl Operations {
    /// What an input stands for; none where it is too short to say.
    pub(super) fn case(&self, input: &[u8]) -> Option<Case> {
        let (plan, rest) = input.split_first()?;
        let (store, rest) = match self.stores {
            [alone] => (alone, rest),
            stores => {
                let (choice, rest) = rest.split_first()?;
                (stores.get(usize::from(*choice) % stores.len())?, rest)
            }
        };
        let (plans, crash_after, rest) = match rest.split_first() {
            Some((after, rest)) if self.crashes => (CRASHING, Some(usize::from(*after)), rest),
            None if self.crashes => return None,
            _ => (PLANS, None, rest),
        };
        let (backend, purpose) = plans.get(usize::from(*plan) % plans.len())?;
        let most_actions = match DEEP.contains(plan) {
            true => DEEP_ACTIONS,
            false => 1 + rest.len() / BYTES_OF_AN_ACTION,
        };
        Some(Case {
            store: *store,
            backend: backend(),
            purpose: *purpose,
            most_actions,
            crash_after,
            choices: choices(rest, CONTINUED.contains(plan)),
        })
    }
}

impl Check for Operations {
    fn problem(&self, input: &[u8]) -> Option<String> {
        let case = self.case(input)?;
        let violation = case.store.try_input(&case.input(), case.backend)?;
        Some(terminal::violation(case.store.store_name(), case.backend.name(), &violation))
    }

    fn smallest(&self, input: &[u8]) -> Option<Found> {
        let case = self.case(input)?;
        case.store.shrink_input(&case.input(), case.backend)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        CHOICES, COLLECTION, CRASHES, CRASHING, DEEP, OTHER_STORES, Operations, PLANS, WORKSPACE,
        choices,
    };
    use crate::{check::registry::STORES, model::collection::CollectionSubject};

    #[test]
    fn choices_that_an_input_does_not_make_depend_on_its_first_ones_alone() {
        let input = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        assert_eq!(choices(&input, false), input);
        let mut continued = choices(&input, true);
        assert_eq!((continued.len(), &continued[..10]), (CHOICES, &input[..]));
        let zeros = continued.iter().filter(|choice| **choice == 0).count();
        assert!(zeros < CHOICES / 100, "{zeros} zeros");
        continued[9] = 11;
        assert_eq!(choices(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 11], true), continued);
        assert_ne!(choices(&[0, 2, 3, 4, 5, 6, 7, 8, 9, 11], true)[10..], continued[10..]);
        let long = vec![1; CHOICES + 1];
        assert_eq!(choices(&long, true), long);
    }

    /// Of a short input, on each backend and for each purpose.
    #[test]
    fn some_inputs_are_of_clients_that_do_much() {
        let actions = |first: u8| -> usize {
            let scenarios = (0..=u8::MAX).map(|seed| {
                let input = [first, seed, 1, 2, 3, 4, 5, 6, 7, 8];
                let case = COLLECTION.case(&input).expect("it is long enough");
                let capabilities = case.backend.capabilities();
                case.input().scenario::<CollectionSubject>(&capabilities)
            });
            scenarios.flat_map(|scenario| scenario.clients).map(|client| client.len()).sum()
        };
        for first in DEEP {
            // Of the same plan.
            let (deep, shallow) = (actions(first), actions(first - 2 * 12));
            assert!(4 * deep > 5 * shallow, "{first:#x}: {deep} actions, without {shallow}");
        }
        assert!(DEEP.len() >= PLANS.len().max(CRASHING.len()), "every plan is among them");
    }

    #[test]
    fn every_store_is_fuzzed_and_crashes_of_every_store_are() {
        let names = |all: &[&Operations]| -> BTreeSet<&str> {
            all.iter().flat_map(|one| one.stores).map(|store| store.store_name()).collect()
        };
        let registered: BTreeSet<&str> = STORES.iter().map(|store| store.name()).collect();
        assert_eq!(names(&[&COLLECTION, &OTHER_STORES, &WORKSPACE]), registered);
        assert_eq!(names(&[&CRASHES]), registered);
    }
}
