//! Opening a collection while others do, or where a step fails.

use storeproof::{
    backend::file::FileOptions,
    seam::{Backend, CollectionExt, ListQuery, Outcome},
    sim::disk::SimDisk,
};

use super::{
    backend, contents, open,
    process::{Fate, Process},
    record, sim, things, wait,
};

/// A new collection whose opening fails at any step can be opened afterwards.
#[test]
fn an_opening_that_fails_says_where_and_stands_in_nobodys_way() {
    let mut failures = 0;
    for calls in 0.. {
        let fs = sim(SimDisk::new());
        let process = Process::new(fs.clone());
        process.meets(Fate::FailAfter(calls));
        let opened = wait(backend(&process).open(things()));
        let Some(failed) = process.failed() else { break };
        if let Err(error) = opened {
            failures += 1;
            assert_eq!(error.outcome(), Outcome::NotDone, "{failed}: {error}");
            assert!(error.to_string().contains("an injected failure"), "{failed}: {error}");
        } else {
            assert_ne!(failed, "create_file", "its lock file could not be made");
        }
        let collection = open(&fs, things());
        wait(collection.put(record("a", "1"))).expect("it can be written");
        assert_eq!(contents(&collection).len(), 1, "after {failed} had failed");
    }
    assert!(failures > 5, "only {failures} openings failed");
}

#[test]
fn a_page_has_one_record_at_least() {
    let options = FileOptions { page_size: 0, ..FileOptions::default() };
    let fs = sim(SimDisk::new());
    let collection = wait(backend(&fs).with_options(options).open(things())).unwrap();
    for place in ["a", "b"] {
        wait(collection.put(record(place, "1"))).unwrap();
    }
    let page = wait(collection.list(&ListQuery::default())).unwrap();
    assert_eq!((page.records.len(), page.next_cursor.is_some()), (1, true));
}

/// Two processes open a collection that neither has seen before.
#[test]
fn an_opening_goes_on_with_what_another_one_has_just_made() {
    for made in ["create_dir", "create_file"] {
        let fs = sim(SimDisk::new());
        let process = Process::new(fs.clone());
        process.meets(Fate::Before(made, |fs| {
            wait(open(fs, things()).put(record("theirs", "1"))).expect("they are first");
        }));
        let collection = open(&process, things());
        assert!(process.has_met_its_fate(), "{made} was never called");
        wait(collection.put(record("ours", "1"))).expect("it can be written");
        assert_eq!(contents(&collection).len(), 2, "{made}");
    }
}
