//! A link: the deployment belongs to the system.

use crate::{
    seam::KeySpec,
    workspace::{
        entity::{Entity, entity},
        entity_store::EntityStore,
        error::Result,
    },
};

entity! {
    /// A link: the deployment belongs to the system.
    SystemDeployment {
        id: [system_id, deployment_id],
        keys: [KeySpec::shared("system", &["/systemId"]), KeySpec::shared("deployment", &["/deploymentId"])],
        created_at: |_| None,
        prepare: None,
        /// The system's id.
        system_id: String = "systemId",
        /// The deployment's id.
        deployment_id: String = "deploymentId",
    }
}

impl EntityStore<SystemDeployment> {
    /// Links them, and says whether they were not linked before: linking twice is one
    /// link.
    ///
    /// # Errors
    /// `InvalidId`; those of the storage.
    pub async fn link(&self, system_id: &str, deployment_id: &str) -> Result<bool> {
        let mut link = SystemDeployment::default();
        link.set_id(&[system_id, deployment_id]);
        self.ensure(link).await
    }

    /// Unlinks them, and says whether there was a link; where there is none, that is fine.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub async fn unlink(&self, system_id: &str, deployment_id: &str) -> Result<bool> {
        self.remove(&[system_id, deployment_id]).await
    }

    /// The ids of the systems that the deployment belongs to.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn systems_of(&self, deployment_id: &str) -> Result<Vec<String>> {
        let links = self.by("deployment", &[deployment_id]).await?.entities.into_iter();
        Ok(links.map(|link| link.system_id).collect())
    }

    /// The ids of the deployments that belong to the system.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn deployments_of(&self, system_id: &str) -> Result<Vec<String>> {
        let links = self.by("system", &[system_id]).await?.entities.into_iter();
        Ok(links.map(|link| link.deployment_id).collect())
    }
}
