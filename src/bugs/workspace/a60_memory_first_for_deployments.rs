//! A60: memory changes before the durable write: deployments.

use crate::{
    bugs::{Bug, Needs, workspace::plant::InMemoryFirst},
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A60",
    title: "memory changes before the durable write: deployments",
    class: "memory/durable divergence",
    needs: Needs::Fault,
    description: "The working set is written first. Where the durable half fails, readers see the change until \
         the restart, and not after it.",
    planted: &InMemoryFirst::new(&[Kind::Deployment]),
};
