//! A68: memory changes before the durable write: systems.

use crate::{
    bugs::{Bug, Needs, workspace::plant::InMemoryFirst},
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A68",
    title: "memory changes before the durable write: systems",
    class: "memory/durable divergence",
    needs: Needs::Fault,
    description: "The working set is written first. Where the durable half fails, readers see the change until \
         the restart, and not after it.",
    planted: &InMemoryFirst::new(&[Kind::System]),
};
