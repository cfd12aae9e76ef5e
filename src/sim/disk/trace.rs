//! What was done to a disk, step by step.

use std::sync::Arc;

use crate::fs::{EntryKind, FileTime};

/// A file or directory of one disk, for as long as that disk lives.
///
/// Unlike inode numbers these are never used again, so that a trace cannot
/// confuse a file with its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// The directory that everything lies in.
    pub const ROOT: Self = Self(0);

    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// One step that changed something, or that matters to what a crash leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new node got a name.
    Create {
        /// Where the name is.
        dir: NodeId,
        /// The name, which was free.
        name: Arc<str>,
        /// The new node.
        node: NodeId,
        /// What it is.
        kind: EntryKind,
    },
    /// A file's bytes from `offset` on were overwritten, and it grew if they
    /// go past its end.
    Write {
        /// The file.
        file: NodeId,
        /// Where the bytes begin.
        offset: u64,
        /// What was written; never empty.
        bytes: Arc<[u8]>,
    },
    /// A node got another name, in place of whatever had it.
    Rename {
        /// Where the old name was.
        from_dir: NodeId,
        /// The old name.
        from: Arc<str>,
        /// Where the new name is.
        to_dir: NodeId,
        /// The new name.
        to: Arc<str>,
        /// What was renamed.
        node: NodeId,
    },
    /// A name was removed: that of a file, a link or an empty directory.
    Remove {
        /// Where the name was.
        dir: NodeId,
        /// The name.
        name: Arc<str>,
    },
    /// A time of modification was set by hand.
    SetModified {
        /// Whose.
        node: NodeId,
        /// The new time.
        modified: FileTime,
    },
    /// `fsync` of a file.
    SyncFile {
        /// The file.
        file: NodeId,
    },
    /// `fsync` of a file that failed: what it had to write is given up.
    FailedSync {
        /// The file.
        file: NodeId,
    },
    /// `fsync` of a directory.
    SyncDirectory {
        /// The directory.
        dir: NodeId,
    },
    /// The exclusive lock on a file was taken.
    Lock {
        /// The file.
        file: NodeId,
    },
    /// The exclusive lock on a file was released.
    Unlock {
        /// The file.
        file: NodeId,
    },
}

impl Event {
    /// Whether the step changed what a reader sees; the others are markers.
    #[must_use]
    pub fn is_change(&self) -> bool {
        match self {
            Self::Create { .. }
            | Self::Write { .. }
            | Self::Rename { .. }
            | Self::Remove { .. }
            | Self::SetModified { .. } => true,
            Self::SyncFile { .. }
            | Self::FailedSync { .. }
            | Self::SyncDirectory { .. }
            | Self::Lock { .. }
            | Self::Unlock { .. } => false,
        }
    }
}

/// An event and the disk's time when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub event: Event,
    /// The time that a change was stamped with.
    pub at: FileTime,
}
