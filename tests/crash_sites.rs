//! No call by which the file backend makes things durable, or keeps others out,
//! can be left out without `check` noticing: each is left out in turn, and cases
//! as those of the default profile are run until one shows it.
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

use serde_json::{Value, json};
use site_fs::{Kind, Phase, Site, SiteFs, What};
use storeproof::{
    check::{
        backends::{BackendUnderTest, Simulated},
        crash::CrashCheck,
        generate,
        scenario::Scenario,
        statistics::Reached,
        verify::{Target, verify},
    },
    model::{
        collection::{CollectionOp, CollectionSubject},
        divergence::Divergences,
        sessions::SessionsSubject,
        subject::Subject,
        users::UsersSubject,
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
    use Place::{CollectionFile, CollectionLegacy, Directed, SessionsLegacy};
    use What::{
        Aside, Forgotten, Intent, Made, Others, Reading, Record, Removed, SetAside, Writing,
    };
    [
        (Site::new(SyncFile, Record, Use), CollectionFile, 6),
        (Site::new(SyncFile, Record, Opening), Directed, 0),
        (Site::new(SyncFile, Intent, Use), CollectionFile, 103),
        (Site::new(SyncFile, SetAside, Use), CollectionLegacy, 1487),
        (Site::new(SyncDirectory, Made, Opening), CollectionFile, 6),
        (Site::new(SyncDirectory, Others, Opening), CollectionFile, 262),
        (Site::new(SyncDirectory, Record, Opening), Directed, 0),
        (Site::new(SyncDirectory, Removed, Opening), Directed, 0),
        (Site::new(SyncDirectory, Forgotten, Opening), Directed, 0),
        (Site::new(SyncDirectory, Made, Use), CollectionFile, 23),
        (Site::new(SyncDirectory, Others, Use), Directed, 0),
        (Site::new(SyncDirectory, Record, Use), CollectionFile, 6),
        (Site::new(SyncDirectory, Removed, Use), CollectionFile, 39),
        (Site::new(SyncDirectory, Intent, Use), CollectionFile, 103),
        (Site::new(SyncDirectory, Forgotten, Use), Directed, 0),
        (Site::new(SyncDirectory, SetAside, Use), CollectionLegacy, 1487),
        (Site::new(Rename, Record, Use), CollectionFile, 0),
        (Site::new(Rename, Record, Opening), CollectionFile, 103),
        (Site::new(Rename, Intent, Use), CollectionFile, 103),
        (Site::new(Rename, SetAside, Use), CollectionLegacy, 139),
        (Site::new(Rename, Aside, Use), CollectionFile, 0),
        (Site::new(Rename, Aside, Opening), CollectionFile, 1494),
        (Site::new(Lock, Writing, Opening), SessionsLegacy, 5),
        (Site::new(Lock, Writing, Use), CollectionFile, 23),
        (Site::new(Lock, Reading, Use), CollectionFile, 622),
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

/// How many cases are run of a store on a backend at most: twice as many as the
/// default profile has.
const CASES: u64 = 13_200;

/// Where to look for a case that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The scenarios that are made for the purpose; see [`directed`].
    Directed,
    CollectionFile,
    CollectionLegacy,
    SessionsLegacy,
    UsersLegacy,
}

const PLACES: [Place; 4] =
    [Place::CollectionFile, Place::CollectionLegacy, Place::SessionsLegacy, Place::UsersLegacy];

/// What a few random calls seldom come to: commits of records in several
/// directories, so that what one sync makes durable says nothing of the others.
fn directed() -> Vec<Scenario<CollectionOp>> {
    let put = |id: &str, data: &str| {
        let time = "2026-01-01T00:00:00Z";
        json!({ "id": id, "data": data, "created_at": time, "updated_at": time })
    };
    let write = |id: &str, data: &str| json!({ "action": { "put": put(id, data) }, "when": "any" });
    let commit = |writes: Value| json!({ "call": { "commit": { "writes": writes } } });
    let delete = |id: &str| json!({ "call": { "delete": { "id": id } } });
    let anywhere = || json!({ "after_steps": null });
    let create = commit(json!([write("d/a", "1"), write("c", "1")]));
    let replace = commit(json!([
        write("d/a", "2"),
        write("e/b", "2"),
        { "action": { "delete": "f/c" }, "when": "any" },
    ]));
    let older = json!({ "older": { "write": {
        "id": "w/x", "text": "1", "modified": "2026-01-01T00:00:00Z",
    } } });
    let scenarios = [
        // The intent must be gone for good before its records change again.
        (vec![], vec![create.clone(), delete("d/a")], anywhere()),
        (
            vec![],
            vec![create],
            json!({ "after_steps": null, "then": [delete("d/a")], "again": anywhere() }),
        ),
        // What a recovery completes must be durable before the intent goes.
        (
            vec![commit(json!([write("d/a", "1"), write("e/b", "1"), write("f/c", "1")]))],
            vec![replace],
            json!({ "after_steps": null, "again": anywhere() }),
        ),
        // Older software syncs no directory that it makes.
        (vec![], vec![older, json!({ "call": { "put": put("w/y", "1") } })], anywhere()),
    ];
    let scenario = |(setup, client, crash)| {
        let scenario = json!({
            "start": "2026-01-01T00:00:00Z",
            "handles": 1,
            "setup": setup,
            "clients": [client],
            "crash": crash,
        });
        serde_json::from_value(scenario).expect("a scenario")
    };
    scenarios.map(scenario).into()
}

/// The first of these cases in which a promise is broken, and which.
fn first_violation<S: Subject>(
    backend: &dyn BackendUnderTest,
    cases: Range<u64>,
) -> Option<(u64, String)> {
    let capabilities = backend.capabilities();
    let cases = cases.map(|case| {
        let mut scenario = generate::case::<S>(1, case, &capabilities);
        // A sync that is put off would fail at another place.
        scenario.faults = Default::default();
        (case, scenario)
    });
    first_among::<S>(backend, cases, CrashCheck::default())
}

fn first_among<S: Subject>(
    backend: &dyn BackendUnderTest,
    mut scenarios: impl Iterator<Item = (u64, Scenario<S::Op>)>,
    crashes: CrashCheck,
) -> Option<(u64, String)> {
    let divergences = Divergences::default();
    let target = Target::<S> {
        backend,
        open: &|collection, surroundings| S::open(collection, surroundings),
        divergences: &divergences,
        crashes,
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
        Place::Directed => {
            let crashes =
                CrashCheck { most_images: 20_000, most_lives: 400, ..CrashCheck::default() };
            first_among::<CollectionSubject>(&legacy, (0..).zip(directed()), crashes)
        }
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
        [0..CASES / 8, CASES / 8..CASES]
            .into_iter()
            .find_map(|cases| PLACES.into_iter().find_map(|place| look(place, cases.clone())))
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
    for place in PLACES.into_iter().chain([Place::Directed]) {
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
