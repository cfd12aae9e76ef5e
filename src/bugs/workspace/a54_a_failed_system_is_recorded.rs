//! A54: a failed upsert of a system is recorded.

use crate::{
    bugs::{
        Bug, Needs,
        workspace::{plant::InKinds, records_failures::RecordsFailures},
    },
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A54",
    title: "a failed upsert of a system is recorded",
    class: "false changeset record, swallowed error",
    needs: Needs::Fault,
    description: "The repository's error is passed over: the upsert goes into the changeset, and the caller is \
         told that it is done.",
    planted: &InKinds::new(&[Kind::System], RecordsFailures::and_hides_them),
};
