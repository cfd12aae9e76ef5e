//! A58: memory changes before the durable write: deployment variables and their values.

use crate::{
    bugs::{Bug, Needs, workspace::plant::InMemoryFirst},
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A58",
    title: "memory changes before the durable write: deployment variables and their values",
    class: "memory/durable divergence",
    needs: Needs::Fault,
    description: "The working set is written first. Where the durable half fails, readers see the change until \
         the restart, and not after it.",
    planted: &InMemoryFirst::new(&[Kind::DeploymentVariable, Kind::DeploymentVariableValue]),
};
