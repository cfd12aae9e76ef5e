//! A link: the environment belongs to the system.

use crate::{
    seam::KeySpec,
    workspace::{
        entity::{Entity, entity},
        entity_store::EntityStore,
        error::Result,
    },
};

entity! {
    /// A link: the environment belongs to the system.
    SystemEnvironment {
        id: [system_id, environment_id],
        keys: [KeySpec::shared("system", &["/systemId"]), KeySpec::shared("environment", &["/environmentId"])],
        created_at: |_| None,
        prepare: None,
        /// The system's id.
        system_id: String = "systemId",
        /// The environment's id.
        environment_id: String = "environmentId",
    }
}

impl EntityStore<SystemEnvironment> {
    /// Links them, and says whether they were not linked before: linking twice is one
    /// link.
    ///
    /// # Errors
    /// `InvalidId`; those of the storage.
    pub async fn link(&self, system_id: &str, environment_id: &str) -> Result<bool> {
        let mut link = SystemEnvironment::default();
        link.set_id(&[system_id, environment_id]);
        self.ensure(link).await
    }

    /// Unlinks them, and says whether there was a link; where there is none, that is fine.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub async fn unlink(&self, system_id: &str, environment_id: &str) -> Result<bool> {
        self.remove(&[system_id, environment_id]).await
    }

    /// The ids of the systems that the environment belongs to.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn systems_of(&self, environment_id: &str) -> Result<Vec<String>> {
        let links = self.by("environment", &[environment_id]).await?.entities.into_iter();
        Ok(links.map(|link| link.system_id).collect())
    }

    /// The ids of the environments that belong to the system.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn environments_of(&self, system_id: &str) -> Result<Vec<String>> {
        let links = self.by("system", &[system_id]).await?.entities.into_iter();
        Ok(links.map(|link| link.environment_id).collect())
    }
}
