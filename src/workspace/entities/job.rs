//! A run of a release, or of a step of a workflow.

use crate::{
    seam::KeySpec,
    store::instant_text::InstantText,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A run of a release, or of a step of a workflow.
    Job {
        id: [id],
        keys: [KeySpec::shared("job_agent", &["/jobAgentId"]), KeySpec::shared("release", &["/releaseId"])],
        created_at: |own| own.created_at.as_ref(),
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The release's id; empty: it is no release's.
        release_id: String = "releaseId",
        /// The id of the workflow's job; empty: it is none's.
        workflow_job_id: String = "workflowJobId",
        /// The id of the agent that runs its jobs.
        job_agent_id: String = "jobAgentId",
        /// How the agent is to run it.
        job_agent_config: Json = "jobAgentConfig",
        /// How it stands.
        status: String = "status",
        /// Why it stands so.
        message: Option<String> = "message",
        /// The agent's own id for it.
        external_id: Option<String> = "externalId",
        /// Ties spans of the agent to it.
        trace_token: Option<String> = "traceToken",
        /// What it was dispatched with.
        dispatch_context: Option<Json> = "dispatchContext",
        /// An object: labels and the like.
        metadata: Json = "metadata",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
        /// When it was changed.
        updated_at: Option<InstantText> = "updatedAt",
        /// When it began.
        started_at: Option<InstantText> = "startedAt",
        /// When it ended.
        completed_at: Option<InstantText> = "completedAt",
    }
}

impl EntityStore<Job> {
    /// The jobs of an agent.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_agent(&self, job_agent_id: &str) -> Result<Items<Job>> {
        self.by("job_agent", &[job_agent_id]).await
    }

    /// The jobs of a release.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_release(&self, release_id: &str) -> Result<Items<Job>> {
        self.by("release", &[release_id]).await
    }
}
