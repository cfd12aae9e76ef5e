//! A run of a workflow.

use crate::{
    seam::KeySpec,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A run of a workflow.
    WorkflowRun {
        id: [id],
        keys: [KeySpec::shared("workflow", &["/workflowId"])],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The workflow's id.
        workflow_id: String = "workflowId",
        /// Its inputs.
        inputs: Json = "inputs",
    }
}

impl EntityStore<WorkflowRun> {
    /// The runs of a workflow.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_workflow(&self, workflow_id: &str) -> Result<Items<WorkflowRun>> {
        self.by("workflow", &[workflow_id]).await
    }
}
