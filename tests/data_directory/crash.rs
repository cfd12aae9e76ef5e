//! A migration that a crash ends at any I/O step.

use storeproof::sim::disk::{ImageKind, SimFs};

use super::{built, export_of, exported, inspect, migrate, problems};
use crate::{
    file_backend::{files, sim},
    genuine::Genuine,
};

/// Whatever a crash leaves means the same as before, and is what an undisturbed
/// migration leaves once it is run again. Returns how many crashes there were.
#[track_caller]
fn every_crash(fs: &SimFs) -> usize {
    let before = export_of(fs);
    migrate(fs);
    let after = files(fs);
    let disk = fs.disk();
    let mut images = disk.images();
    for step in 0..=disk.trace_len() {
        images.advance_to(step);
        for kind in ImageKind::ALL {
            let left = sim(images.image(&kind));
            let found = export_of(&left);
            assert_eq!(found, before, "after {step} steps, {kind:?}: what is left");
            let migration = migrate(&left);
            assert!(migration.holds(), "after {step} steps, {kind:?}: {migration:?}");
            assert_eq!(files(&left), after, "after {step} steps, {kind:?}: run again");
            // What it says is done survives the next loss of power.
            let again = sim(left.disk().image(usize::MAX, ImageKind::NothingUnsynced));
            assert_eq!(files(&again), after, "after {step} steps, {kind:?}: the second crash");
        }
    }
    disk.trace_len()
}

#[test]
fn a_crash_at_any_step_loses_nothing_and_the_next_run_ends_as_an_undisturbed_one() {
    let steps = every_crash(&built::fs());
    assert!(steps > 50, "{steps} steps are too few for a migration of so many records");
}

#[test]
fn the_same_holds_of_a_genuine_directory() {
    let Some(genuine) = Genuine::read("legacy") else { return };
    every_crash(&genuine.fs);
}

/// The read-only view and a reopened store agree on what a crash left.
#[test]
fn the_view_without_a_trace_changes_nothing_of_what_a_crash_left() {
    let fs = built::fs();
    migrate(&fs);
    let disk = fs.disk();
    for step in 0..=disk.trace_len() {
        let left = sim(disk.image(step, ImageKind::Everything));
        let before = left.disk().entries();
        assert_eq!(problems(&inspect(&left)), []);
        exported(&left);
        assert_eq!(left.disk().entries(), before, "after {step} steps");
    }
}
