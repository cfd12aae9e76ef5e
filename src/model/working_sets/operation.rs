//! The calls, as plain data.

use serde::{Deserialize, Serialize};

use crate::model::{collection::CollectionOp, subject::Operation};

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkingSetsOp {
    /// Through the working set.
    Own(CollectionOp),
    /// Of the durable half, past it: as somebody else does.
    Outside(CollectionOp),
    /// The working set reads the durable half anew.
    Refresh,
}

/// The names of the operations: a collection's, through the working set and past it.
pub(super) const OPERATIONS: &[&str] = &[
    "get",
    "put",
    "create",
    "delete",
    "compare_and_swap",
    "compare_and_delete",
    "update",
    "find",
    "list",
    "count",
    "claim",
    "commit",
    "purge_expired",
    "quarantine",
    "outside_get",
    "outside_put",
    "outside_create",
    "outside_delete",
    "outside_compare_and_swap",
    "outside_compare_and_delete",
    "outside_update",
    "outside_find",
    "outside_list",
    "outside_count",
    "outside_claim",
    "outside_commit",
    "outside_purge_expired",
    "outside_quarantine",
    "refresh",
];

/// How many of them there are through the working set.
const OWN: usize = 14;

impl WorkingSetsOp {
    /// The call of a collection that it is, if it is one.
    pub(super) fn call(&self) -> Option<&CollectionOp> {
        match self {
            Self::Own(op) | Self::Outside(op) => Some(op),
            Self::Refresh => None,
        }
    }
}

impl Operation for WorkingSetsOp {
    fn kind(&self) -> usize {
        match self {
            Self::Own(op) => op.kind(),
            Self::Outside(op) => OWN + op.kind(),
            Self::Refresh => 2 * OWN,
        }
    }

    /// A refresh changes what reads give.
    fn is_read(&self) -> bool {
        self.call().is_some_and(Operation::is_read)
    }

    fn describe(&self) -> String {
        match self {
            Self::Own(op) => op.describe(),
            Self::Outside(op) => format!("outside: {}", op.describe()),
            Self::Refresh => "refresh".to_owned(),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let each = |op: &CollectionOp, make: fn(CollectionOp) -> Self| {
            op.simpler().into_iter().map(make).collect()
        };
        match self {
            Self::Own(op) => each(op, Self::Own),
            Self::Outside(op) => each(op, Self::Outside),
            Self::Refresh => Vec::new(),
        }
    }
}
