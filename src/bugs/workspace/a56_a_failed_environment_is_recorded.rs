//! A56: a failed upsert of an environment is recorded.

use crate::{
    bugs::{
        Bug, Needs,
        workspace::{plant::InKinds, records_failures::RecordsFailures},
    },
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A56",
    title: "a failed upsert of an environment is recorded",
    class: "false changeset record, swallowed error",
    needs: Needs::Fault,
    description: "The repository's error is passed over: the upsert goes into the changeset, and the caller is \
         told that it is done.",
    planted: &InKinds::new(&[Kind::Environment], RecordsFailures::and_hides_them),
};
