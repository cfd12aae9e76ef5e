//! A52: a failed upsert of a `job_agent` is recorded.

use crate::{
    bugs::{
        Bug, Needs,
        workspace::{plant::InKinds, records_failures::RecordsFailures},
    },
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A52",
    title: "a failed upsert of a job_agent is recorded",
    class: "false changeset record, swallowed error",
    needs: Needs::Fault,
    description: "The repository's error goes back to the caller, and the upsert into the changeset.",
    planted: &InKinds::new(&[Kind::JobAgent], RecordsFailures::and_tells),
};
