//! A variable of a deployment.

use crate::{
    seam::KeySpec,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A variable of a deployment.
    DeploymentVariable {
        id: [id],
        keys: [KeySpec::shared("deployment", &["/deploymentId"])],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The deployment's id.
        deployment_id: String = "deploymentId",
        /// The name of the variable.
        key: String = "key",
        /// What it is for.
        description: Option<String> = "description",
        /// The value where no other one is.
        default_value: Option<Json> = "defaultValue",
    }
}

impl EntityStore<DeploymentVariable> {
    /// The variables of a deployment.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_deployment(&self, deployment_id: &str) -> Result<Items<DeploymentVariable>> {
        self.by("deployment", &[deployment_id]).await
    }
}
