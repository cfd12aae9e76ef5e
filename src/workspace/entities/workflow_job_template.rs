//! A job of a workflow, as it is to run.

use crate::{
    seam::KeySpec,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A job of a workflow, as it is to run.
    WorkflowJobTemplate {
        id: [id],
        keys: [KeySpec::shared("workflow", &["/workflowId"])],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The workflow's id.
        workflow_id: String = "workflowId",
        /// Its name.
        name: String = "name",
        /// The id of the agent.
        reference: String = "ref",
        /// Its configuration.
        config: Json = "config",
        /// The condition under which it runs.
        condition: Option<String> = "if",
        /// The values that it runs for.
        matrix: Option<Json> = "matrix",
    }
}

impl EntityStore<WorkflowJobTemplate> {
    /// The job templates of a workflow.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_workflow(&self, workflow_id: &str) -> Result<Items<WorkflowJobTemplate>> {
        self.by("workflow", &[workflow_id]).await
    }
}
