//! A job of a run of a workflow.

use crate::{
    seam::KeySpec,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A job of a run of a workflow.
    WorkflowJob {
        id: [id],
        keys: [KeySpec::shared("workflow_run", &["/workflowRunId"])],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The run's id.
        workflow_run_id: String = "workflowRunId",
        /// The id of the agent.
        reference: String = "ref",
        /// Its place in the run.
        index: i64 = "index",
        /// Its configuration.
        config: Json = "config",
    }
}

impl EntityStore<WorkflowJob> {
    /// The jobs of a run.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_run(&self, run_id: &str) -> Result<Items<WorkflowJob>> {
        self.by("workflow_run", &[run_id]).await
    }
}
