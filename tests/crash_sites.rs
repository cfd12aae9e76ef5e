//! No call by which the file backend makes things durable, or keeps others out,
//! can be left out without `check` noticing: each is left out in turn, and the
//! cases of the default profile are run until one shows it.
//!
//! `cargo test --test behaviour -- crash_sites --nocapture` prints the table.

#![expect(clippy::disallowed_methods, reason = "it takes the time, on two threads")]

pub(crate) mod site_fs;

use std::{
    fmt::Write,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use site_fs::{Kind, Phase, Site, SiteFs, What};
use storeproof::{
    check::{
        backends::{BackendUnderTest, Simulated, default_cases},
        crash::CrashCheck,
        generate,
        statistics::Reached,
        verify::{Target, verify},
    },
    model::{
        collection::CollectionSubject, divergence::Divergences, sessions::SessionsSubject,
        subject::Subject, users::UsersSubject,
    },
    sim::disk::SimFs,
};

/// Every site that the backend comes by, and is needed for what it promises.
///
/// With the case that showed it last, so that the test is quick: when the
/// generators change, all cases are searched.
const SITES: [(Site, Place, u64); 25] = {
    use Kind::{Lock, Rename, SyncDirectory, SyncFile};
    use Phase::{Opening, Use};
    use Place::{CollectionFile, CollectionLegacy, SessionsLegacy};
    use What::{
        Aside, Forgotten, Intent, Made, Others, Reading, Record, Removed, SetAside, Writing,
    };
    [
        (Site::new(SyncFile, Record, Use), CollectionFile, 7),
        (Site::new(SyncFile, Record, Opening), CollectionFile, 47),
        (Site::new(SyncFile, Intent, Use), CollectionFile, 103),
        (Site::new(SyncFile, SetAside, Use), CollectionLegacy, 1487),
        (Site::new(SyncDirectory, Made, Opening), CollectionFile, 7),
        (Site::new(SyncDirectory, Others, Opening), CollectionFile, 262),
        (Site::new(SyncDirectory, Record, Opening), CollectionFile, 47),
        (Site::new(SyncDirectory, Removed, Opening), CollectionFile, 3551),
        (Site::new(SyncDirectory, Forgotten, Opening), CollectionFile, 4743),
        (Site::new(SyncDirectory, Made, Use), CollectionFile, 7),
        (Site::new(SyncDirectory, Others, Use), SessionsLegacy, 383),
        (Site::new(SyncDirectory, Record, Use), CollectionFile, 7),
        (Site::new(SyncDirectory, Removed, Use), CollectionFile, 22),
        (Site::new(SyncDirectory, Intent, Use), CollectionFile, 103),
        (Site::new(SyncDirectory, Forgotten, Use), CollectionFile, 2239),
        (Site::new(SyncDirectory, SetAside, Use), CollectionLegacy, 1487),
        (Site::new(Rename, Record, Use), CollectionFile, 0),
        (Site::new(Rename, Record, Opening), CollectionFile, 103),
        (Site::new(Rename, Intent, Use), CollectionFile, 103),
        (Site::new(Rename, SetAside, Use), CollectionLegacy, 139),
        (Site::new(Rename, Aside, Use), CollectionFile, 0),
        (Site::new(Rename, Aside, Opening), CollectionFile, 1494),
        (Site::new(Lock, Writing, Opening), SessionsLegacy, 5),
        (Site::new(Lock, Writing, Use), CollectionFile, 28),
        (Site::new(Lock, Reading, Use), CollectionFile, 477),
    ]
};

fn without<const N: usize>(fs: SimFs) -> SiteFs {
    SiteFs::new(fs, Some(SITES[N].0))
}

type Wrap = fn(SimFs) -> SiteFs;

const WITHOUT: [Wrap; SITES.len()] = [
    without::<0>,
    without::<1>,
    without::<2>,
    without::<3>,
    without::<4>,
    without::<5>,
    without::<6>,
    without::<7>,
    without::<8>,
    without::<9>,
    without::<10>,
    without::<11>,
    without::<12>,
    without::<13>,
    without::<14>,
    without::<15>,
    without::<16>,
    without::<17>,
    without::<18>,
    without::<19>,
    without::<20>,
    without::<21>,
    without::<22>,
    without::<23>,
    without::<24>,
];

/// Where to look for a case that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    CollectionFile,
    CollectionLegacy,
    SessionsLegacy,
    UsersLegacy,
}

const PLACES: [Place; 4] =
    [Place::CollectionFile, Place::CollectionLegacy, Place::SessionsLegacy, Place::UsersLegacy];

/// How many cases the default profile runs there.
fn cases(place: Place) -> u64 {
    match place {
        Place::CollectionFile => default_cases("collection", "file"),
        Place::CollectionLegacy => default_cases("collection", "legacy"),
        Place::SessionsLegacy => default_cases("sessions", "legacy"),
        Place::UsersLegacy => default_cases("users", "legacy"),
    }
}

/// The first of these cases in which a promise is broken, and which.
fn first_violation<S: Subject>(
    backend: &dyn BackendUnderTest,
    cases: Range<u64>,
) -> Option<(u64, String)> {
    let capabilities = backend.capabilities();
    let mut scenarios = cases.map(|case| {
        let mut scenario = generate::case::<S>(1, case, &capabilities);
        // A sync that is put off would fail at another place.
        scenario.faults = Default::default();
        (case, scenario)
    });
    let divergences = Divergences::default();
    let target = Target::<S> {
        backend,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let mut reached = Reached::new::<S>();
    scenarios.find_map(|(case, scenario)| {
        let verified = verify(&target, &scenario, &mut reached);
        Some((case, verified.violation?.signature.to_string()))
    })
}

fn violation_at(place: Place, wrap: Wrap, cases: Range<u64>) -> Option<(u64, String)> {
    let file = Simulated::wrapped("file", wrap);
    let legacy = Simulated::wrapped("legacy", wrap).with_older_software();
    match place {
        Place::CollectionFile => first_violation::<CollectionSubject>(&file, cases),
        Place::CollectionLegacy => first_violation::<CollectionSubject>(&legacy, cases),
        Place::SessionsLegacy => first_violation::<SessionsSubject>(&legacy, cases),
        Place::UsersLegacy => first_violation::<UsersSubject>(&legacy, cases),
    }
}

/// Where the loss of a site shows.
struct Found {
    place: Place,
    case: u64,
    what: String,
}

/// Looks at the case that showed it last, then at all.
fn found(wrap: Wrap, (last_place, last_case): (Place, u64)) -> Option<Found> {
    let look = |place, cases| {
        violation_at(place, wrap, cases).map(|(case, what)| Found { place, case, what })
    };
    // A little of each first: what is easily found is found soon.
    look(last_place, last_case..last_case + 1).or_else(|| {
        let part = |place: Place, part: u64| cases(place) * part / 8;
        [(0, 1), (1, 8)].into_iter().find_map(|(from, to)| {
            PLACES.into_iter().find_map(|place| look(place, part(place, from)..part(place, to)))
        })
    })
}

#[test]
fn every_site_that_is_left_out_is_found() {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(wrap) = WITHOUT.get(number) else { return };
                    let began = Instant::now();
                    let (_, place, case) = SITES[number];
                    let found = found(*wrap, (place, case));
                    rows.lock().unwrap().push((number, found, began.elapsed()));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(number, ..)| *number);
    let mut table = String::new();
    let mut missed = Vec::new();
    for (number, found, time) in &rows {
        let Site { kind, what, phase } = SITES[*number].0;
        let site = format!("{kind:?} {what:?} ({phase:?})");
        let told = match found {
            Some(Found { place, case, what }) => format!("{place:?}, case {case}: {what}"),
            None => "NOT FOUND".to_owned(),
        };
        let _ = writeln!(table, "{site:<36} {:>7} ms  {told}", time.as_millis());
        if found.is_none() {
            missed.push(site);
        }
    }
    eprintln!("{table}");
    assert!(missed.is_empty(), "left out without anybody noticing: {missed:?}\n{table}");
}

/// The sites whose loss nobody can notice, and why they are there all the same.
const NOT_NEEDED: [(Site, &str); 7] = {
    use Kind::{Lock, Rename, SyncDirectory};
    use Phase::{Opening, Use};
    use What::{Leftover, PutBack, Temporary};
    const SWEEP: &str = "who sweeps holds the collection's lock, and so does who has a temporary \
        file; the format promises the lock to sweepers that do not";
    const AGAIN: &str = "what lies aside again gets its name back again";
    const FASTER: &str = "older software has to be faster than a rename and a read";
    [
        (Site::new(Lock, Temporary, Use), SWEEP),
        (Site::new(Lock, Temporary, Opening), SWEEP),
        (Site::new(Lock, Leftover, Opening), SWEEP),
        (Site::new(SyncDirectory, PutBack, Opening), AGAIN),
        (Site::new(Rename, PutBack, Opening), FASTER),
        (Site::new(Rename, PutBack, Use), FASTER),
        (Site::new(SyncDirectory, PutBack, Use), FASTER),
    ]
};

static COUNTS: Mutex<Vec<(Site, usize)>> = Mutex::new(Vec::new());

#[test]
fn the_list_of_sites_is_complete() {
    let count: Wrap = |fs| SiteFs::counting(fs, &COUNTS);
    for place in PLACES.into_iter() {
        assert_eq!(violation_at(place, count, 0..1_200), None, "{place:?}, nothing left out");
    }
    let counts = COUNTS.lock().unwrap().clone();
    for (site, ..) in SITES {
        assert!(
            counts.iter().any(|(known, _)| *known == site),
            "the backend does not come by {site:?}: {counts:#?}"
        );
    }
    for (site, count) in &counts {
        let is_listed = SITES.iter().any(|(other, ..)| other == site)
            || NOT_NEEDED.iter().any(|(other, _)| other == site);
        assert!(is_listed, "{site:?} (come by {count} times) is not on the list");
    }
}
