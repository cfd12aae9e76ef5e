//! A version of a deployment.

use crate::{
    seam::KeySpec,
    store::instant_text::InstantText,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A version of a deployment.
    DeploymentVersion {
        id: [id],
        keys: [KeySpec::shared("deployment", &["/deploymentId"])],
        created_at: |own| own.created_at.as_ref(),
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The deployment's id.
        deployment_id: String = "deploymentId",
        /// Its name.
        name: String = "name",
        /// The tag of what is deployed.
        tag: String = "tag",
        /// How it stands.
        status: String = "status",
        /// Why it stands so.
        message: Option<String> = "message",
        /// Its configuration.
        config: Json = "config",
        /// How the agent is to run it.
        job_agent_config: Json = "jobAgentConfig",
        /// An object: labels and the like.
        metadata: Json = "metadata",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
    }
}

impl EntityStore<DeploymentVersion> {
    /// The versions of a deployment.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_deployment(&self, deployment_id: &str) -> Result<Items<DeploymentVersion>> {
        self.by("deployment", &[deployment_id]).await
    }
}
