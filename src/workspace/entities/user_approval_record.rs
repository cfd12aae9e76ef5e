//! What a user said of a version in an environment.

use crate::{
    seam::KeySpec,
    store::instant_text::InstantText,
    workspace::{entity::entity, entity_store::EntityStore, error::Result},
};

entity! {
    /// What a user said of a version in an environment.
    UserApprovalRecord {
        id: [version_id, user_id, environment_id],
        keys: [KeySpec::shared("version_environment", &["/versionId", "/environmentId"])],
        created_at: |own| own.created_at.as_ref(),
        prepare: None,
        /// The version's id.
        version_id: String = "versionId",
        /// The user's id.
        user_id: String = "userId",
        /// The environment's id.
        environment_id: String = "environmentId",
        /// How it stands.
        status: String = "status",
        /// Why.
        reason: Option<String> = "reason",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
    }
}

/// The status of a record that approves.
const APPROVED: &str = "approved";

impl EntityStore<UserApprovalRecord> {
    /// Those that approve the version in the environment, the oldest first; of one
    /// time by user.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn approved(
        &self,
        version_id: &str,
        environment_id: &str,
    ) -> Result<Vec<UserApprovalRecord>> {
        let found = self.by("version_environment", &[version_id, environment_id]).await?;
        let mut approved = found.entities;
        approved.retain(|record| record.status == APPROVED);
        approved.sort_by(|one, other| {
            (&one.created_at, &one.user_id).cmp(&(&other.created_at, &other.user_id))
        });
        Ok(approved)
    }
}
