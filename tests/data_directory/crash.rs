//! A migration that a crash ends at any I/O step.

use std::collections::BTreeSet;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use storeproof::sim::disk::{ImageKind, SimDisk, SimFs};

use super::{built, export_of, exported, inspect, migrate, problems};
use crate::{
    file_backend::{files, sim},
    genuine::Genuine,
};

/// Of how many crashes the next migration is crashed as well: one in so many.
const CRASHED_AGAIN: usize = 40;

/// Whatever a crash leaves means the same as before, and is what an undisturbed
/// migration leaves once it is run again, however often that is crashed in turn.
/// Returns how many crashes there were. Of each step, so many images are tried.
#[track_caller]
fn every_crash(fs: &SimFs, images_a_step: usize) -> usize {
    let before = export_of(fs);
    migrate(fs);
    let after = files(fs);
    let mut crashes = 0;
    let mut seen = BTreeSet::new();
    each_image(fs, images_a_step, &mut |image, told| {
        if !seen.insert(image.digest()) {
            return;
        }
        crashes += 1;
        let left = resumed(image, &before, &after, told);
        if crashes % CRASHED_AGAIN == 0 {
            each_image(&left, 4, &mut |image, again| {
                if seen.insert(image.digest()) {
                    crashes += 1;
                    resumed(image, &before, &after, &format!("{told}, then {again}"));
                }
            });
        }
    });
    crashes
}

/// The images of all steps that were made on `fs`.
fn each_image(fs: &SimFs, most: usize, visit: &mut dyn FnMut(SimDisk, &str)) {
    let disk = fs.disk();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut images = disk.images();
    loop {
        for kind in images.kinds(most, &mut random) {
            visit(images.image(&kind), &format!("after {} steps, {kind:?}", images.position()));
        }
        if !images.advance() {
            return;
        }
    }
}

/// What a crash left, migrated again.
fn resumed(image: SimDisk, before: &str, after: &[(String, String)], told: &str) -> SimFs {
    let left = sim(image);
    assert_eq!(export_of(&left), before, "{told}: what is left");
    let migration = migrate(&left);
    assert!(migration.holds(), "{told}: {migration:?}");
    assert_eq!(files(&left), after, "{told}: run again");
    // What it says is done survives the next loss of power.
    let again = sim(left.disk().image(usize::MAX, ImageKind::NothingUnsynced));
    assert_eq!(export_of(&again), before, "{told}: the power lost after it");
    // A temporary file or a probe may be back, because nobody syncs its removal.
    let is_swept = |path: &str| path.ends_with(".tmp") || path.contains("/.storeproof.probe-");
    let durable = files(&again).into_iter().filter(|(path, _)| !is_swept(path));
    assert_eq!(durable.collect::<Vec<_>>(), after, "{told}: the power lost after it");
    left
}

#[test]
fn a_crash_at_any_step_loses_nothing_and_the_next_run_ends_as_an_undisturbed_one() {
    let crashes = every_crash(&built::fs(), 12);
    assert!(crashes > 200, "{crashes} crashes are too few for a migration of so many records");
}

#[test]
fn the_same_holds_of_a_genuine_directory() {
    let Some(genuine) = Genuine::read("legacy") else { return };
    // It has many steps: what they may leave each is tried on the small one.
    let crashes = every_crash(&genuine.fs, 2);
    assert!(crashes > 200, "{crashes} crashes are too few for a migration of so many records");
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
