//! The calls of the heartbeats store, as plain data.

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        members::{Members, object_of},
        source::RawId,
        subject::Operation,
    },
    seam::Instant,
};

/// One call of the heartbeats store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum HeartbeatsOp {
    Upsert(HeartbeatData),
    Get { worker_id: RawId },
    List,
    DeleteStale { before: Instant },
}

/// The names of the operations, in the order of [`HeartbeatsOp`].
pub(super) const OPERATIONS: &[&str] = &["upsert", "get", "list", "delete_stale"];

/// A heartbeat, as a client gives it and as a store returns it. Members that
/// are kept as they are: name and JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name in the heartbeat's JSON")]
pub struct HeartbeatData {
    pub worker_id: RawId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Members>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Members>,
    /// Milliseconds since the Unix epoch.
    pub last_heartbeat_at: i64,
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub unknown: Members,
}

impl HeartbeatData {
    /// A heartbeat of a worker that says nothing else.
    #[must_use]
    pub fn new(worker_id: RawId, last_heartbeat_at: i64) -> Self {
        Self { worker_id, labels: None, stats: None, last_heartbeat_at, unknown: Members::new() }
    }

    /// The heartbeat for a table.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} at {} ms", self.worker_id.describe(), self.last_heartbeat_at);
        for (name, members) in [("labels", &self.labels), ("stats", &self.stats)] {
            if let Some(members) = members {
                text += &format!(" {name}={}", object_of(members));
            }
        }
        for (name, value) in &self.unknown {
            text += &format!(" {name}={value}");
        }
        text
    }

    /// Every heartbeat that differs from this one in one respect and is
    /// simpler in it.
    fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let ids = self.worker_id.simpler();
        let mut candidates: Vec<_> = ids.map(|worker_id| Self { worker_id, ..now() }).collect();
        candidates.extend([
            Self::new(self.worker_id.clone(), self.last_heartbeat_at),
            Self { labels: None, ..now() },
            Self { stats: None, ..now() },
            Self { unknown: Members::new(), ..now() },
        ]);
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

impl Operation for HeartbeatsOp {
    fn kind(&self) -> usize {
        match self {
            Self::Upsert(_) => 0,
            Self::Get { .. } => 1,
            Self::List => 2,
            Self::DeleteStale { .. } => 3,
        }
    }

    fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::List)
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        match self {
            Self::Upsert(heartbeat) => format!("{name} {}", heartbeat.describe()),
            Self::Get { worker_id } => format!("{name} {}", worker_id.describe()),
            Self::List => name.to_owned(),
            Self::DeleteStale { before } => format!("{name} before {before}"),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Upsert(heartbeat) => heartbeat.simpler().into_iter().map(Self::Upsert).collect(),
            Self::Get { worker_id } => {
                worker_id.simpler().map(|worker_id| Self::Get { worker_id }).collect()
            }
            Self::List | Self::DeleteStale { .. } => Vec::new(),
        }
    }
}
