//! What a crash leaves of a disk.

use std::{borrow::Borrow, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    SimDisk,
    trace::{Event, NodeId, Step},
    tree::Tree,
};
use crate::fs::FileTime;

/// Which of the possible states after a crash an image shows.
///
/// Changes are named by their numbers in [`ImageBuilder::unsynced`] at the
/// moment of the crash. A number that there is not names nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageKind {
    /// Everything that was done: the process was killed, and the kernel's page
    /// cache outlived it. What was not synced still is not.
    Everything,
    /// Only what was synced: the power was lost, and nothing was written back
    /// on its own.
    NothingUnsynced,
    /// The power was lost; of what was not synced only these changes were
    /// written back.
    Kept(Vec<u32>),
    /// The power was lost; of what was not synced all but these changes were
    /// written back.
    Dropped(Vec<u32>),
    /// The power was lost in the middle of writing back.
    Torn {
        /// The changes that were written back wholly.
        kept: Vec<u32>,
        /// The change that was written back in part: one of a file's content.
        write: u32,
        /// Which part of it.
        tear: Tear,
    },
}

/// Which part of one write reached the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tear {
    /// So many of its first bytes: a file that grew is that much shorter.
    Prefix(u64),
    /// All but one sector of the file, the one with this number: there the
    /// bytes are as they were, or zeroes where the file has grown.
    WithoutSector(u64),
}

/// How many bytes a disk writes wholly or not at all.
pub const SECTOR: u64 = 512;

impl ImageKind {
    /// The two between which all others lie.
    pub const ALL: [Self; 2] = [Self::Everything, Self::NothingUnsynced];

    /// Whether the power was lost, and not only the process.
    #[must_use]
    pub fn is_power_loss(&self) -> bool {
        *self != Self::Everything
    }
}

/// A change that no sync has made durable yet. It may persist or not,
/// whatever happens to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsynced {
    /// Which step of the trace made it, counted from 0. Both halves of a
    /// rename across directories have the same.
    pub step: usize,
    /// The time that it was stamped with.
    pub at: FileTime,
    /// Whether a sync that was to make it durable has failed: then no later one
    /// does.
    pub given_up: bool,
    /// What it is.
    pub change: Change,
}

/// What persists as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Names in one directory; made durable by its sync. A rename within the
    /// directory is one change, one across directories is two.
    Names {
        /// The directory.
        dir: NodeId,
        /// A name that goes.
        removed: Option<Arc<str>>,
        /// A name that comes, or points to another node.
        given: Option<(Arc<str>, NodeId)>,
    },
    /// Bytes of one file; made durable by its sync.
    Content {
        /// The file.
        file: NodeId,
        /// Where the bytes begin.
        offset: u64,
        /// What was written.
        bytes: Arc<[u8]>,
    },
    /// A time of modification that was set by hand; made durable by the sync
    /// of its node.
    Modified {
        /// Whose.
        node: NodeId,
        /// The time.
        modified: FileTime,
    },
}

impl Change {
    /// Whose sync makes it durable.
    pub(super) fn subject(&self) -> NodeId {
        match self {
            Self::Names { dir: node, .. }
            | Self::Content { file: node, .. }
            | Self::Modified { node, .. } => *node,
        }
    }

    pub(super) fn apply(&self, tree: &mut Tree, at: FileTime) {
        match self {
            Self::Names { dir, removed, given } => {
                if let Some(name) = removed {
                    tree.set_name(*dir, name, None, at);
                }
                if let Some((name, node)) = given {
                    tree.set_name(*dir, name, Some(*node), at);
                }
            }
            Self::Content { file, offset, bytes } => tree.write(*file, *offset, bytes, at),
            Self::Modified { node, modified } => tree.set_modified(*node, *modified),
        }
    }
}

/// Makes the crash images of one trace, from its first step to its last.
///
/// It keeps two views and rolls them forward event by event: the live one, and
/// the durable one with the list of what has still to be synced. Applying that
/// whole list to the durable view, in order, gives the live view; applying a
/// part of it gives any other state that a crash may leave. An image shares
/// contents with its view and costs a few words a file.
#[derive(Clone, Debug)]
pub struct ImageBuilder<'trace> {
    steps: &'trace [Step],
    position: usize,
    now: FileTime,
    live: Tree,
    durable: Durable,
}

/// What a loss of power leaves for certain, and what it may leave besides.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    pub(super) tree: Tree,
    pub(super) unsynced: Vec<Unsynced>,
    /// A directory got another name: parts of that may leave what is no tree.
    directory_moved: bool,
}

impl Durable {
    pub(super) fn new(tree: Tree) -> Self {
        Self { tree, unsynced: Vec::new(), directory_moved: false }
    }
}

impl<'trace> ImageBuilder<'trace> {
    /// Stands before the first of `steps`.
    pub(super) fn new(live: Tree, durable: Durable, now: FileTime, steps: &'trace [Step]) -> Self {
        Self { steps, position: 0, now, live, durable }
    }

    /// How many steps have happened.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// What is not durable yet, in the order in which it happened.
    #[must_use]
    pub fn unsynced(&self) -> &[Unsynced] {
        &self.durable.unsynced
    }

    /// What there is without a crash.
    pub(super) fn live(&self) -> &Tree {
        &self.live
    }

    /// Whether the next step can make a difference to what a crash leaves: not
    /// one that takes a lock, or syncs what is durable.
    #[must_use]
    pub fn next_matters(&self) -> bool {
        self.steps.get(self.position).is_some_and(|Step { event, .. }| match event {
            Event::Lock { .. } | Event::Unlock { .. } => false,
            Event::SyncFile { file: node } | Event::SyncDirectory { dir: node } => {
                self.unsynced().iter().any(|unsynced| unsynced.change.subject() == *node)
            }
            _ => true,
        })
    }

    /// Lets one more step happen; false when there is none.
    pub fn advance(&mut self) -> bool {
        let Some(Step { event, at }) = self.steps.get(self.position) else {
            return false;
        };
        match event {
            Event::Create { dir, name, node, kind } => {
                self.durable.tree.insert(*node, *kind, *dir, *at);
                self.names(*dir, None, Some((Arc::clone(name), *node)), *at);
            }
            Event::Write { file, offset, bytes } => {
                let bytes = Arc::clone(bytes);
                self.leave(Change::Content { file: *file, offset: *offset, bytes }, *at);
            }
            Event::Rename { from_dir, from, to_dir, to, node } => {
                let (from, to) = (Some(Arc::clone(from)), Some((Arc::clone(to), *node)));
                self.durable.directory_moved |= self.live.is_directory(*node);
                if from_dir == to_dir {
                    self.names(*from_dir, from, to, *at);
                } else {
                    self.names(*from_dir, from, None, *at);
                    self.names(*to_dir, None, to, *at);
                }
            }
            Event::Remove { dir, name } => self.names(*dir, Some(Arc::clone(name)), None, *at),
            Event::SetModified { node, modified } => {
                self.leave(Change::Modified { node: *node, modified: *modified }, *at);
            }
            Event::SyncFile { file: node } | Event::SyncDirectory { dir: node } => {
                self.settle(*node);
            }
            Event::FailedSync { file } => self.give_up(*file),
            Event::Lock { .. } | Event::Unlock { .. } => {}
        }
        self.live.apply(event, *at);
        self.now = *at;
        self.position += 1;
        true
    }

    /// Lets steps happen until `position` have, or the trace ends. What has
    /// happened stays so.
    pub fn advance_to(&mut self, position: usize) {
        while self.position < position && self.advance() {}
    }

    /// The disk after a crash at this moment: mounted anew, without a trace,
    /// locks or open handles, and its clock going on from here.
    ///
    /// After a loss of power all that is there is durable. After a kill what was
    /// not synced is as little durable as before.
    #[must_use]
    pub fn image(&self, kind: impl Borrow<ImageKind>) -> SimDisk {
        let kind = kind.borrow();
        if !kind.is_power_loss() {
            let durable = Some(Box::new(self.durable.clone()));
            return SimDisk { durable, ..SimDisk::mounted(self.view(kind), self.now) };
        }
        SimDisk::mounted(self.view(kind), self.now)
    }

    /// What the disk after a crash holds.
    fn view(&self, kind: &ImageKind) -> Tree {
        let all = 0..self.unsynced().len();
        let number = |k: usize| u32::try_from(k).unwrap_or(u32::MAX);
        match kind {
            ImageKind::Everything => self.live.clone().remounted(),
            ImageKind::NothingUnsynced => self.with(all.filter(|_| false), None),
            ImageKind::Kept(kept) => self.with(all.filter(|k| kept.contains(&number(*k))), None),
            ImageKind::Dropped(dropped) => {
                self.with(all.filter(|k| !dropped.contains(&number(*k))), None)
            }
            ImageKind::Torn { kept, write, tear } => {
                let torn = |k: usize| number(k) == *write;
                let some = all.filter(|k| torn(*k) || kept.contains(&number(*k)));
                self.with(some, usize::try_from(*write).ok().zip(Some(*tear)))
            }
        }
    }

    /// What is durable and these of the unsynced changes, one of them torn.
    fn with(&self, some: impl Iterator<Item = usize>, torn: Option<(usize, Tear)>) -> Tree {
        let mut tree = self.durable.tree.clone();
        for k in some {
            let Some(Unsynced { change, at, .. }) = self.unsynced().get(k) else { continue };
            match (change, torn.filter(|(write, _)| *write == k)) {
                (Change::Content { file, offset, bytes }, Some((_, tear))) => {
                    tear.apply(&mut tree, *file, *offset, bytes, *at);
                }
                (change, _) => change.apply(&mut tree, *at),
            }
        }
        let mut tree = tree.remounted();
        if self.durable.directory_moved {
            tree.repair();
        }
        tree
    }

    fn names(
        &mut self,
        dir: NodeId,
        removed: Option<Arc<str>>,
        given: Option<(Arc<str>, NodeId)>,
        at: FileTime,
    ) {
        self.leave(Change::Names { dir, removed, given }, at);
    }

    fn leave(&mut self, change: Change, at: FileTime) {
        let unsynced = Unsynced { step: self.position, at, given_up: false, change };
        self.durable.unsynced.push(unsynced);
    }

    /// The system has given up writing what is dirty of a file.
    fn give_up(&mut self, file: NodeId) {
        for unsynced in &mut self.durable.unsynced {
            unsynced.given_up |= unsynced.change.subject() == file;
        }
    }

    /// Makes everything durable that a sync of `node` does.
    fn settle(&mut self, node: NodeId) {
        let Durable { tree, unsynced, .. } = &mut self.durable;
        unsynced.retain(|unsynced| {
            let settled = unsynced.change.subject() == node && !unsynced.given_up;
            if settled {
                unsynced.change.apply(tree, unsynced.at);
            }
            !settled
        });
    }
}

impl Tear {
    /// Writes what reached the disk of `bytes` at `offset`.
    fn apply(self, tree: &mut Tree, file: NodeId, offset: u64, bytes: &Arc<[u8]>, at: FileTime) {
        let end = offset.saturating_add(bytes.len().try_into().unwrap_or(u64::MAX));
        let mut write = |from: u64, to: u64| {
            let place = |at: u64| usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
            let part = bytes.get(place(from)..place(to)).filter(|part| !part.is_empty());
            if let Some(part) = part {
                tree.write(file, from, &Arc::from(part), at);
            }
        };
        match self {
            Self::Prefix(length) => write(offset, offset.saturating_add(length).min(end)),
            Self::WithoutSector(number) => {
                let sector = number.saturating_mul(SECTOR);
                let (from, to) = (sector.max(offset), sector.saturating_add(SECTOR).min(end));
                if from >= to {
                    return write(offset, end);
                }
                write(offset, from);
                write(to, end);
                if to == end {
                    // The file has its new length all the same.
                    tree.extend(file, end);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::{array::uniform4, collection::vec, prelude::*};
    use rand_core::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::{ImageBuilder, ImageKind};
    use crate::{
        fs::EntryKind,
        sim::disk::{SimDisk, trace::NodeId},
    };

    /// Does some operation that four small numbers choose, if it is possible.
    fn perform(disk: &mut SimDisk, nodes: &mut Vec<NodeId>, [what, one, two, name]: [usize; 4]) {
        let node = |at: usize| nodes[at % nodes.len()];
        let names = ["a", "b", "c"];
        let (from, to) = (names[name % 3], names[name / 3 % 3]);
        match what % 9 {
            0 => nodes.extend(disk.create(node(one), from, EntryKind::File)),
            1 => nodes.extend(disk.create(node(one), from, EntryKind::Directory)),
            2 => drop(disk.append(node(one), from.as_bytes())),
            3 => drop(disk.write_head(node(one), b"xy")),
            4 | 5 => drop(disk.rename(node(one), from, node(two), to, true)),
            6 => drop(disk.remove(node(one), from)),
            7 => drop(disk.remove_dir(node(one), from)),
            _ if disk.tree.is_directory(node(one)) => disk.sync_dir(node(one)),
            _ => disk.sync_file(node(one)),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What images of parts of the unsynced changes rest on: nothing is
        /// missing from the list, and nothing in it is durable already.
        #[test]
        fn what_is_durable_and_all_that_is_not_make_up_the_live_view(
            operations in vec(uniform4(0_usize..9), 1..60),
        ) {
            let mut disk = SimDisk::new();
            disk.begin_trace();
            let mut nodes = vec![NodeId::ROOT];
            for operation in operations {
                perform(&mut disk, &mut nodes, operation);
            }
            let mut images = disk.images();
            loop {
                let mut tree = images.durable.tree.clone();
                for unsynced in images.unsynced() {
                    unsynced.change.apply(&mut tree, unsynced.at);
                }
                let made_up = SimDisk::mounted(tree.remounted(), images.now);
                let everything = images.image(ImageKind::Everything);
                let (made_up, everything) = (made_up.entries(), everything.entries());
                let at = images.position();
                prop_assert_eq!(made_up, everything, "after {} steps of {:#?}", at, disk.trace());
                if !images.advance() {
                    break;
                }
            }
        }

        /// What was promised is never lost: a file is in every image if no
        /// unsynced change is about it or a directory that leads to it.
        #[test]
        fn what_no_unsynced_change_is_about_is_in_every_image(
            operations in vec(uniform4(0_usize..9), 1..40),
            seed in 0_u64..1_000,
        ) {
            let mut disk = SimDisk::new();
            disk.begin_trace();
            let mut nodes = vec![NodeId::ROOT];
            for operation in operations {
                perform(&mut disk, &mut nodes, operation);
            }
            let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
            let mut images = disk.images();
            loop {
                let mut promised = Vec::new();
                collect_promised(&images, NodeId::ROOT, "", &mut promised);
                for kind in images.kinds(40, &mut random) {
                    let image = images.image(&kind);
                    for (path, bytes) in &promised {
                        let found = image.read_raw(path);
                        prop_assert_eq!(
                            found.as_deref(), Some(&**bytes),
                            "{} in {:?} after {} steps of {:#?}",
                            path, kind, images.position(), disk.trace()
                        );
                    }
                    prop_assert_eq!(image.digest(), images.image(&kind).digest());
                }
                if !images.advance() {
                    break;
                }
            }
        }
    }

    /// The files below `dir` that nothing unsynced is about.
    fn collect_promised(
        images: &ImageBuilder<'_>,
        dir: NodeId,
        prefix: &str,
        promised: &mut Vec<(String, Arc<[u8]>)>,
    ) {
        let is_in_doubt =
            |node| images.unsynced().iter().any(|unsynced| unsynced.change.subject() == node);
        if is_in_doubt(dir) {
            return;
        }
        for (name, node) in images.live().entries(dir).into_iter().flatten() {
            let path = format!("{prefix}{name}");
            if let Some(content) = images.live().content(*node).filter(|_| !is_in_doubt(*node)) {
                promised.push((path, content.shared()));
            } else {
                collect_promised(images, *node, &format!("{path}/"), promised);
            }
        }
    }
}
