//! No call by which the file backend makes things durable, or keeps others out,
//! can be left out without `check` noticing: each is left out in turn, and cases
//! as those of the default profile are run until one shows it.
//!
//! `cargo test --test behaviour -- crash_sites --nocapture` prints the table.

#![expect(clippy::print_stderr, reason = "the table of sites is worth reading")]
#![expect(clippy::disallowed_methods, reason = "it takes the time, on two threads")]

pub(crate) mod site_fs;

use std::{
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use site_fs::{Kind, Phase, Site, SiteFs, What};
use storeproof::{
    check::{
        backends::{BackendUnderTest, Simulated},
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
const SITES: [Site; 27] = {
    use Kind::{Lock, Rename, SyncDirectory, SyncFile};
    use Phase::{Opening, Use};
    use What::{
        Aside, Forgotten, Intent, Made, Others, PutBack, Reading, Record, Removed, SetAside,
        Writing,
    };
    [
        Site::new(SyncFile, Record, Use),
        Site::new(SyncFile, Record, Opening),
        Site::new(SyncFile, Intent, Use),
        Site::new(SyncFile, SetAside, Use),
        Site::new(SyncDirectory, Made, Opening),
        Site::new(SyncDirectory, Others, Opening),
        Site::new(SyncDirectory, Record, Opening),
        Site::new(SyncDirectory, Removed, Opening),
        Site::new(SyncDirectory, PutBack, Opening),
        Site::new(SyncDirectory, Forgotten, Opening),
        Site::new(SyncDirectory, Made, Use),
        Site::new(SyncDirectory, Others, Use),
        Site::new(SyncDirectory, Record, Use),
        Site::new(SyncDirectory, Removed, Use),
        Site::new(SyncDirectory, Intent, Use),
        Site::new(SyncDirectory, Forgotten, Use),
        Site::new(SyncDirectory, SetAside, Use),
        Site::new(Rename, Record, Use),
        Site::new(Rename, Record, Opening),
        Site::new(Rename, Intent, Use),
        Site::new(Rename, SetAside, Use),
        Site::new(Rename, Aside, Use),
        Site::new(Rename, Aside, Opening),
        Site::new(Rename, PutBack, Opening),
        Site::new(Lock, Writing, Opening),
        Site::new(Lock, Writing, Use),
        Site::new(Lock, Reading, Use),
    ]
};

fn without<const N: usize>(fs: SimFs) -> SiteFs {
    SiteFs::new(fs, Some(SITES[N]))
}

const WITHOUT: [fn(SimFs) -> SiteFs; SITES.len()] = [
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
    without::<25>,
    without::<26>,
];

/// How many cases the default profile has of a store on a backend.
const CASES: u64 = 13_200;

/// The first case in which a promise is broken, and which.
fn first_violation<S: Subject>(
    backend: &dyn BackendUnderTest,
    cases: u64,
) -> Option<(u64, String)> {
    let divergences = Divergences::default();
    let target = Target::<S> {
        backend,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &divergences,
        crashes: CrashCheck::default(),
    };
    let mut reached = Reached::new::<S>();
    (0..cases).find_map(|case| {
        let scenario = generate::case::<S>(1, case, &backend.capabilities());
        let verified = verify(&target, &scenario, &mut reached);
        Some((case, verified.violation?.signature.to_string()))
    })
}

/// Where the loss of a site shows.
struct Found {
    place: &'static str,
    case: u64,
    what: String,
}

fn found(wrap: fn(SimFs) -> SiteFs) -> Option<Found> {
    let file = Simulated::wrapped("file", wrap);
    let legacy = Simulated::wrapped("legacy", wrap).with_older_software();
    let place =
        |place, found: Option<(u64, String)>| found.map(|(case, what)| Found { place, case, what });
    // A little of each first: what is easily found is found soon.
    for cases in [CASES / 8, CASES] {
        let found = place("collection file", first_violation::<CollectionSubject>(&file, cases))
            .or_else(|| {
                place("collection legacy", first_violation::<CollectionSubject>(&legacy, cases))
            })
            .or_else(|| {
                place("sessions legacy", first_violation::<SessionsSubject>(&legacy, cases))
            })
            .or_else(|| place("users legacy", first_violation::<UsersSubject>(&legacy, cases)));
        if found.is_some() {
            return found;
        }
    }
    None
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
                    let found = found(*wrap);
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
        let Site { kind, what, phase } = SITES[*number];
        let site = format!("{kind:?} {what:?} ({phase:?})");
        let told = match found {
            Some(Found { place, case, what }) => format!("{place}, case {case}: {what}"),
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
const NOT_NEEDED: [(Site, &str); 5] = {
    use Kind::{Lock, Rename, SyncDirectory};
    use Phase::{Opening, Use};
    use What::{Leftover, PutBack, Temporary};
    const SWEEP: &str = "who sweeps holds the collection's lock, and so does who has a temporary \
        file; the format promises the lock to sweepers that do not";
    const FASTER: &str = "older software has to be faster than a rename and a read";
    [
        (Site::new(Lock, Temporary, Use), SWEEP),
        (Site::new(Lock, Temporary, Opening), SWEEP),
        (Site::new(Lock, Leftover, Opening), SWEEP),
        (Site::new(Rename, PutBack, Use), FASTER),
        (Site::new(SyncDirectory, PutBack, Use), FASTER),
    ]
};

static COUNTS: Mutex<Vec<(Site, usize)>> = Mutex::new(Vec::new());

#[test]
fn the_list_of_sites_is_complete() {
    let count: fn(SimFs) -> SiteFs = |fs| SiteFs::counting(fs, &COUNTS);
    let file = Simulated::wrapped("file", count);
    let legacy = Simulated::wrapped("legacy", count).with_older_software();
    assert_eq!(first_violation::<CollectionSubject>(&file, 1_500), None);
    assert_eq!(first_violation::<CollectionSubject>(&legacy, 1_500), None);
    assert_eq!(first_violation::<UsersSubject>(&legacy, 1_000), None);
    let counts = COUNTS.lock().unwrap().clone();
    for site in SITES {
        assert!(
            counts.iter().any(|(known, _)| *known == site),
            "the backend does not come by {site:?}: {counts:#?}"
        );
    }
    for (site, count) in &counts {
        let is_listed = SITES.contains(site) || NOT_NEEDED.iter().any(|(other, _)| other == site);
        assert!(is_listed, "{site:?} (come by {count} times) is not on the list");
    }
}
