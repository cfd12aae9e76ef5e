//! A resource: what things run on. Its identifier is its own in the workspace.

use crate::{
    seam::{Instant, KeySpec},
    store::instant_text::InstantText,
    workspace::{
        entity::entity, entity_store::EntityStore, error::Result, json::Json, repository::Items,
    },
};

entity! {
    /// A resource: what things run on. Its identifier is its own in the workspace.
    Resource {
        id: [id],
        keys: [KeySpec::unique("identifier", &["/identifier"]), KeySpec::shared("provider", &["/providerId"])],
        created_at: |own| own.created_at.as_ref(),
        prepare: Some(keep_its_times),
        /// Its id.
        id: String = "id",
        /// Unique in the workspace.
        identifier: String = "identifier",
        /// Its name.
        name: String = "name",
        /// What kind of resource it is.
        kind: String = "kind",
        /// The version of its kind.
        version: String = "version",
        /// The id of the workspace.
        workspace_id: String = "workspaceId",
        /// The id of its provider.
        provider_id: Option<String> = "providerId",
        /// Its configuration.
        config: Json = "config",
        /// An object: labels and the like.
        metadata: Json = "metadata",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
        /// When it was changed.
        updated_at: Option<InstantText> = "updatedAt",
        /// When it was locked.
        locked_at: Option<InstantText> = "lockedAt",
        /// When it was marked as deleted.
        deleted_at: Option<InstantText> = "deletedAt",
    }
}

/// "`createdAt` is set when missing and kept afterwards, `updatedAt` is set only when
/// something changed."
fn keep_its_times(given: &mut Resource, stored: Option<&Resource>, now: Instant) {
    let Some(stored) = stored else {
        given.created_at.get_or_insert_with(|| now.into());
        return;
    };
    given.created_at.clone_from(&stored.created_at);
    given.created_at.get_or_insert_with(|| now.into());
    given.updated_at.clone_from(&stored.updated_at);
    if given != stored {
        given.updated_at = Some(now.into());
    }
}

impl EntityStore<Resource> {
    /// The resources of a provider.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_provider(&self, provider_id: &str) -> Result<Items<Resource>> {
        self.by("provider", &[provider_id]).await
    }

    /// The resource with that identifier.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_identifier(&self, identifier: &str) -> Result<Option<Resource>> {
        let found = self.by("identifier", &[identifier]).await?;
        Ok(found.entities.into_iter().next())
    }

    /// All of them without `config` and `metadata`.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn summaries(&self) -> Result<Items<Resource>> {
        let mut items = self.items().await?;
        for resource in &mut items.entities {
            (resource.config, resource.metadata) = (Json::default(), Json::default());
        }
        Ok(items)
    }
}
