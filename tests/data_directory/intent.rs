//! A commit that was interrupted reads as completed.

use storeproof::{
    seam::CollectionExt,
    sim::disk::{ImageKind, SimFs},
    store::worker_heartbeats::{Heartbeat, WorkerHeartbeatStore, WorkerHeartbeats},
};

use super::{built, export_of, inspect};
use crate::file_backend::{clock, id, open, sim, wait};

/// At each step of a commit of two files: what is seen without a trace is what
/// is there once a writer has completed it.
#[test]
fn what_is_exported_of_an_interrupted_commit_is_what_the_next_writer_makes_of_it() {
    let fs = built::fs();
    let start = fs.disk().trace_len();
    {
        let store = WorkerHeartbeatStore::new(open(&fs, WorkerHeartbeatStore::spec()), clock());
        wait(store.upsert(Heartbeat::new("w1", 9))).unwrap();
    }
    let disk = fs.disk();
    let mut pending = 0;
    for step in start..=disk.trace_len() {
        for kind in ImageKind::ALL {
            let left = sim(disk.image(step, &kind));
            let has_intent = inspect(&left)
                .information
                .iter()
                .any(|notice| notice.path == "distributed/workers/.storeproof.intent");
            pending += usize::from(has_intent);
            let seen = export_of(&left);
            complete(&left);
            assert_eq!(export_of(&left), seen, "after {} steps, {kind:?}", step - start);
        }
    }
    assert!(pending > 4, "an intent was pending only {pending} times");
}

/// A writer that looks for something opens the collection, and so completes
/// what is pending.
fn complete(fs: &SimFs) {
    let collection = open(fs, WorkerHeartbeatStore::spec());
    let _ = wait(collection.delete(&id("no such worker")));
}
