//! A workflow: its inputs and its jobs.

use crate::workspace::{entity::entity, json::Json};

entity! {
    /// A workflow: its inputs and its jobs.
    Workflow {
        id: [id],
        keys: [],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// Its name.
        name: String = "name",
        /// Its inputs.
        inputs: Json = "inputs",
        /// Its jobs.
        jobs: Json = "jobs",
    }
}
