//! A66: memory changes before the durable write: resource variables.

use crate::{
    bugs::{Bug, Needs, workspace::plant::InMemoryFirst},
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A66",
    title: "memory changes before the durable write: resource variables",
    class: "memory/durable divergence",
    needs: Needs::Fault,
    description: "The working set is written first. Where the durable half fails, readers see the change until \
         the restart, and not after it.",
    planted: &InMemoryFirst::new(&[Kind::ResourceVariable]),
};
