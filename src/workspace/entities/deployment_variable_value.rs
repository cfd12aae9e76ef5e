//! A value of a deployment's variable, for some resources.

use crate::{
    seam::KeySpec,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A value of a deployment's variable, for some resources.
    DeploymentVariableValue {
        id: [id],
        keys: [KeySpec::shared("deployment_variable", &["/deploymentVariableId"])],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The variable's id.
        deployment_variable_id: String = "deploymentVariableId",
        /// The higher one counts.
        priority: i64 = "priority",
        /// The value.
        value: Json = "value",
        /// Which resources are meant.
        resource_selector: Option<Json> = "resourceSelector",
    }
}

impl EntityStore<DeploymentVariableValue> {
    /// The values of a variable.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_variable(&self, variable_id: &str) -> Result<Items<DeploymentVariableValue>> {
        self.by("deployment_variable", &[variable_id]).await
    }
}
