//! A version with its variables, for one target.

use uuid::Uuid;

use crate::{
    seam::KeySpec,
    store::instant_text::InstantText,
    workspace::{
        canonical::canonical, entity::entity, entity_store::EntityStore, error::Result, json::Json,
        repository::Items,
    },
};

entity! {
    /// A version with its variables, for one target.
    Release {
        id: [id],
        keys: [KeySpec::shared("release_target", &["/releaseTarget/resourceId", "/releaseTarget/environmentId", "/releaseTarget/deploymentId"])],
        created_at: |own| own.created_at.as_ref(),
        prepare: None,
        /// Its id.
        id: String = "id",
        /// The version, as it was then.
        version: Json = "version",
        /// An object of `resourceId`, `environmentId` and `deploymentId`.
        release_target: Json = "releaseTarget",
        /// The variables, by name.
        variables: Json = "variables",
        /// The names of those that are encrypted.
        encrypted_variables: Json = "encryptedVariables",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
    }
}

impl Release {
    /// The id of a release that has none: the UUIDv5 (RFC 9562, in the name space of
    /// OIDs) of its version, target, variables and encrypted variables. Each is taken
    /// in its canonical form with its length before it, so that no two contents are one
    /// text.
    #[must_use]
    pub fn content_id(&self) -> String {
        let parts = [&self.version, &self.release_target, &self.variables];
        let mut content = Vec::new();
        for part in parts.into_iter().chain([&self.encrypted_variables]) {
            let text = canonical(&part.to_raw());
            content.extend(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            content.extend(text.as_bytes());
        }
        Uuid::new_v5(&Uuid::NAMESPACE_OID, &content).to_string()
    }
}

impl EntityStore<Release> {
    /// Creates the release, or replaces the one of its id; one without an id gets its
    /// [`content_id`](Release::content_id). Returns the id.
    ///
    /// # Errors
    /// As [`EntityStore::upsert`].
    pub async fn upsert_by_content(&self, mut release: Release) -> Result<String> {
        if release.id.is_empty() {
            release.id = release.content_id();
        }
        let id = release.id.clone();
        self.upsert(&[&id], release).await?;
        Ok(id)
    }

    /// The releases for a target.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn by_target(
        &self,
        resource_id: &str,
        environment_id: &str,
        deployment_id: &str,
    ) -> Result<Items<Release>> {
        self.by("release_target", &[resource_id, environment_id, deployment_id]).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, Release};

    fn release(version: &str, target: &str, variables: &str) -> Release {
        let json = |text| Json::parse(text).unwrap();
        let (version, release_target) = (json(version), json(target));
        Release { version, release_target, variables: json(variables), ..Release::default() }
    }

    #[test]
    fn the_id_of_a_release_is_that_of_its_content() {
        let id = release(r#"{"id":"v"}"#, r#"{"resourceId":"r"}"#, r#"{"a":1,"b":2}"#).content_id();
        assert_eq!(id, "1d7b4487-5551-55e3-9e1e-5113ab31a8c2");
        let same = release(r#"{ "id": "v" }"#, r#"{"resourceId":"r"}"#, r#"{"b":2,"a":1}"#);
        assert_eq!(same.content_id(), id, "blanks and the order of members are no content");
        let other = release(r#"{"id":"v"}"#, r#"{"resourceId":"r"}"#, r#"{"a":1,"b":3}"#);
        assert_ne!(other.content_id(), id);
    }

    #[test]
    fn what_stands_in_another_place_is_another_content() {
        let one = release("[1]", "[2]", "[]").content_id();
        let other = release("[1,2]", "[]", "[]").content_id();
        let third = release("[]", "[1]", "[2]").content_id();
        assert!(one != other && other != third && one != third);
    }
}
