//! The kinds of fault, and the steps that can meet them.

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// `EIO`: the medium fails.
    Io,
    /// `ENOSPC`: the disk is full.
    NoSpace,
    /// `EACCES`: somebody took the permission away.
    Denied,
    /// `EPERM`: the file or directory may not be changed (it is immutable, or
    /// append-only).
    NotPermitted,
    /// `EMFILE`: the process has too many files open.
    TooManyFiles,
    /// `ENOLCK`: the kernel has no memory left for locks.
    NoLocks,
    /// The client gives up before the step: its future is dropped.
    Cancel,
    /// The client gives up when the step is done, before it learns of it.
    CancelAfter,
    /// The connection to the database is lost before the call has reached it.
    ConnectionLostBefore,
    /// The connection is lost when the call has had its effect, before its answer
    /// comes.
    ConnectionLostAfter,
    /// No answer comes in time: the database goes on, and the effect comes later.
    TimedOut,
    /// The database has no room left.
    DatabaseFull,
    /// The transaction can't be serialized with those beside it, and is undone.
    SerializationFailure,
}

/// The calls of a file system, as its scheduling points are named.
pub const FS_STEPS: &[&str] = &[
    "open_dir",
    "create_dir",
    "remove_dir",
    "read_dir",
    "metadata",
    "dir_metadata",
    "set_dir_modified",
    "read",
    "create_file",
    "write",
    "sync_file",
    "sync_dir",
    "rename",
    "rename_no_replace",
    "remove_file",
    "open_file",
    "read_head",
    "write_head",
    "lock",
    "try_lock",
];

/// The calls of a collection, as its scheduling points are named where it has none
/// of its own.
pub const COLLECTION_STEPS: &[&str] =
    &["get", "find", "list", "count", "commit", "claim", "purge_expired", "quarantine"];

/// Those of them that change something.
pub const COLLECTION_WRITES: &[&str] = &["commit", "claim", "purge_expired", "quarantine"];

impl FaultKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Io,
        Self::NoSpace,
        Self::Denied,
        Self::NotPermitted,
        Self::TooManyFiles,
        Self::NoLocks,
        Self::Cancel,
        Self::CancelAfter,
        Self::ConnectionLostBefore,
        Self::ConnectionLostAfter,
        Self::TimedOut,
        Self::DatabaseFull,
        Self::SerializationFailure,
    ];

    /// Those by which a file system fails.
    pub const OF_STORAGE: &'static [Self] = &[
        Self::Io,
        Self::NoSpace,
        Self::Denied,
        Self::NotPermitted,
        Self::TooManyFiles,
        Self::NoLocks,
    ];

    /// Those by which a database fails, or what each call of a collection is one step
    /// of.
    pub const OF_DATABASE: &'static [Self] = &[
        Self::Io,
        Self::ConnectionLostBefore,
        Self::ConnectionLostAfter,
        Self::TimedOut,
        Self::DatabaseFull,
        Self::SerializationFailure,
    ];

    /// As the table of what was reached names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "fault:io",
            Self::NoSpace => "fault:no_space",
            Self::Denied => "fault:denied",
            Self::NotPermitted => "fault:not_permitted",
            Self::TooManyFiles => "fault:too_many_files",
            Self::NoLocks => "fault:no_locks",
            Self::Cancel => "fault:cancel",
            Self::CancelAfter => "fault:cancel_after",
            Self::ConnectionLostBefore => "fault:connection_lost_before",
            Self::ConnectionLostAfter => "fault:connection_lost_after",
            Self::TimedOut => "fault:timed_out",
            Self::DatabaseFull => "fault:database_full",
            Self::SerializationFailure => "fault:serialization_failure",
        }
    }

    /// Whether a client gives up, and nothing fails.
    #[must_use]
    pub const fn is_cancel(self) -> bool {
        matches!(self, Self::Cancel | Self::CancelAfter)
    }

    /// Whether it needs a client that others can run beside: in the setup nobody gives
    /// up, and nothing goes on by itself.
    #[must_use]
    pub const fn needs_a_client(self) -> bool {
        self.is_cancel() || matches!(self, Self::TimedOut)
    }

    /// Whether further steps may fail alike. What goes on by itself is counted one by
    /// one.
    #[must_use]
    pub const fn may_last(self) -> bool {
        !self.needs_a_client()
    }

    /// Whether the step can meet it, by the manual page of the system call
    /// behind it. (`flock` fails in no other way than without memory; who has a
    /// directory open may sync it and look at it whatever its mode is; what the
    /// name of a file says is no call that opens one.)
    #[must_use]
    pub fn fits(self, step: &str) -> bool {
        let is_lock = matches!(step, "lock" | "try_lock");
        match self {
            Self::Io => (FS_STEPS.contains(&step) && !is_lock) || COLLECTION_STEPS.contains(&step),
            Self::NoSpace => matches!(
                step,
                "create_dir"
                    | "create_file"
                    | "write"
                    | "write_head"
                    | "rename"
                    | "rename_no_replace"
                    | "sync_file"
            ),
            Self::Denied => matches!(
                step,
                "open_dir"
                    | "create_dir"
                    | "remove_dir"
                    | "metadata"
                    | "set_dir_modified"
                    | "read"
                    | "create_file"
                    | "rename"
                    | "rename_no_replace"
                    | "remove_file"
                    | "open_file"
            ),
            Self::NotPermitted => {
                matches!(
                    step,
                    "remove_dir"
                        | "rename"
                        | "rename_no_replace"
                        | "remove_file"
                        | "set_dir_modified"
                )
            }
            Self::TooManyFiles => {
                matches!(step, "open_dir" | "read_dir" | "read" | "create_file" | "open_file")
            }
            Self::NoLocks => is_lock,
            Self::Cancel => true,
            // A file system's operation goes on by itself once it has begun: it
            // makes no difference where its caller gave up.
            Self::CancelAfter => !FS_STEPS.contains(&step),
            Self::ConnectionLostBefore | Self::SerializationFailure => {
                COLLECTION_STEPS.contains(&step)
            }
            // To a reader it is all the same when its answer was lost.
            Self::ConnectionLostAfter | Self::TimedOut | Self::DatabaseFull => {
                COLLECTION_WRITES.contains(&step)
            }
        }
    }

    /// The number that a system call fails with; of a database's, the nearest one.
    pub(super) fn errno(self) -> Errno {
        match self {
            Self::Io | Self::Cancel | Self::CancelAfter => Errno::IO,
            Self::NoSpace | Self::DatabaseFull => Errno::NOSPC,
            Self::Denied => Errno::ACCESS,
            Self::NotPermitted => Errno::PERM,
            Self::TooManyFiles => Errno::MFILE,
            Self::NoLocks => Errno::NOLCK,
            Self::ConnectionLostBefore | Self::ConnectionLostAfter => Errno::CONNRESET,
            Self::TimedOut => Errno::TIMEDOUT,
            Self::SerializationFailure => Errno::AGAIN,
        }
    }

    /// In words.
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Io => "EIO",
            Self::NoSpace => "ENOSPC",
            Self::Denied => "EACCES",
            Self::NotPermitted => "EPERM",
            Self::TooManyFiles => "EMFILE",
            Self::NoLocks => "ENOLCK",
            Self::Cancel | Self::CancelAfter => "",
            Self::ConnectionLostBefore => "the connection is lost before it is done",
            Self::ConnectionLostAfter => "it is done, and the connection is lost",
            Self::TimedOut => "no answer in time, it goes on",
            Self::DatabaseFull => "the database is full",
            Self::SerializationFailure => "it can't be serialized",
        }
    }
}
