//! The simulated disk: a file system in memory that remembers every step, and
//! shows what a crash at any of them leaves.
//!
//! It promises what the journalling file systems (ext4, XFS, btrfs) promise,
//! and no more:
//!
//! - the content of a file is durable after `fsync` of the file;
//! - a name (made, renamed, removed) is durable after `fsync` of its directory,
//!   and only as long as the directory's own name is;
//! - `fsync` of a file does not make its name durable, and a durable name may
//!   belong to a file whose content is not: after the crash it is empty;
//! - a rename within a directory persists wholly or not at all; of one across
//!   directories either half may persist;
//! - between syncs anything may persist in any order;
//! - a write may be torn: a part of its bytes, or all but one sector of them;
//! - who is killed leaves the kernel what it had not synced: the next process
//!   sees it, and a loss of power may still take it.
//!
//! Sources: fsync(2), rename(2), and the kernel's
//! `Documentation/admin-guide/ext4.rst`; the order in which unsynced changes
//! reach the disk is as free as Pillai et al. found it, "All File Systems Are
//! Not Created Equal", OSDI 2014.

mod faults;
mod fs;
mod image;
mod openings;
mod operations;
mod possible;
mod raw;
mod trace;
mod tree;
mod words;

pub use fs::{SimDir, SimFile, SimFs};
pub use image::{Change, ImageBuilder, ImageKind, SECTOR, Tear, Unsynced};
pub use raw::RawEntry;
pub use trace::{Event, NodeId, Step};

use std::borrow::Borrow;

use image::Durable;
use tree::Tree;

use crate::fs::FileTime;

/// How far the clock goes at once: a timer tick at 250 Hz, common in kernels.
const TICK_NANOSECONDS: u32 = 4_000_000;

/// How many changes bear one time, so that equal stamps are common.
const CHANGES_PER_TICK: u32 = 16;

/// The first second of 2026, where the clock starts when nothing else is said.
const START: FileTime = FileTime { seconds: 1_767_225_600, nanoseconds: 0 };

/// A disk, and all that was done to it since it was mounted.
///
/// A value without handles: [`SimFs`] gives it to clients. A copy is an
/// independent disk with the same trace; contents are shared until they
/// change.
#[derive(Clone, Debug)]
pub struct SimDisk {
    tree: Tree,
    clock: DiskClock,
    /// What of it is durable, if not everything: the last process was killed.
    durable: Option<Box<Durable>>,
    /// What the trace begins with; none as long as nothing is traced.
    initial: Option<(Tree, FileTime)>,
    steps: Vec<Step>,
}

/// The clock that changes are stamped with.
#[derive(Clone, Copy, Debug)]
struct DiskClock {
    now: FileTime,
    /// How many changes bear this time already.
    changes: u32,
}

impl DiskClock {
    /// The time of one more change.
    fn stamp(&mut self) -> FileTime {
        let stamp = self.now;
        self.changes += 1;
        if self.changes == CHANGES_PER_TICK {
            self.changes = 0;
            self.now.nanoseconds = self.now.nanoseconds.saturating_add(TICK_NANOSECONDS);
            if self.now.nanoseconds >= 1_000_000_000 {
                self.now.nanoseconds -= 1_000_000_000;
                self.now.seconds = self.now.seconds.saturating_add(1);
            }
        }
        stamp
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    /// An empty disk whose clock starts with the year 2026.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(START)
    }

    /// An empty disk whose clock starts at `now`. It goes forward by 4 ms every
    /// 16 changes, and stands still otherwise.
    #[must_use]
    pub fn starting_at(now: FileTime) -> Self {
        Self::mounted(Tree::new(now), now)
    }

    fn mounted(tree: Tree, now: FileTime) -> Self {
        let clock = DiskClock { now, changes: 0 };
        Self { tree, clock, durable: None, initial: None, steps: Vec::new() }
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> FileTime {
        self.clock.now
    }

    /// How many steps the trace has. A crash may be at 0 (before the first) up
    /// to this (after the last).
    #[must_use]
    pub fn trace_len(&self) -> usize {
        self.steps.len()
    }

    /// What was done since the first [`SimFs`] was made on this disk.
    #[must_use]
    pub fn trace(&self) -> &[Step] {
        &self.steps
    }

    /// The disk after a crash when the first `at` steps of the trace had
    /// happened (all of them when there are fewer): mounted anew, without a
    /// trace, locks or open handles.
    ///
    /// For the images of one step after the other [`images`](Self::images) is
    /// cheaper.
    #[must_use]
    pub fn image(&self, at: usize, kind: impl Borrow<ImageKind>) -> Self {
        let mut images = self.images();
        images.advance_to(at);
        images.image(kind)
    }

    /// The crash images of the trace, from before its first step on.
    #[must_use]
    pub fn images(&self) -> ImageBuilder<'_> {
        let (initial, now) = match &self.initial {
            Some((tree, now)) => (tree, *now),
            None => (&self.tree, self.clock.now),
        };
        let durable = self.durable.as_deref().cloned();
        let durable = durable.unwrap_or_else(|| Durable::new(initial.clone()));
        ImageBuilder::new(initial.clone(), durable, now, &self.steps)
    }

    /// From here on every step is kept.
    fn begin_trace(&mut self) {
        if self.initial.is_none() {
            self.initial = Some((self.tree.clone(), self.clock.now));
        }
    }

    /// Does what `event` says, and notes it.
    fn record(&mut self, event: Event) {
        let at = if event.is_change() { self.clock.stamp() } else { self.clock.now };
        self.record_at(event, at);
    }

    fn record_at(&mut self, event: Event, at: FileTime) {
        self.tree.apply(&event, at);
        if self.initial.is_some() {
            self.steps.push(Step { event, at });
        } else if let Some(durable) = &mut self.durable {
            // What is done before clients come is durable at once.
            durable.tree.apply(&event, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DiskClock, START};

    #[test]
    fn the_clock_ticks_every_sixteenth_change_and_carries_seconds() {
        let mut clock = DiskClock { now: START, changes: 0 };
        let first: Vec<_> = (0..16).map(|_| clock.stamp()).collect();
        assert!(first.iter().all(|stamp| *stamp == START), "16 changes bear one time");
        assert_eq!(clock.stamp().nanoseconds, 4_000_000);
        for _ in 0..16 * 250 {
            clock.stamp();
        }
        assert_eq!(clock.now.seconds, START.seconds + 1);
        assert!(clock.now.nanoseconds < 1_000_000_000);
    }
}
