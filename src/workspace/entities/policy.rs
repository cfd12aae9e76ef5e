//! What has to hold before a release may run.

use crate::{
    store::instant_text::InstantText,
    workspace::{entity::entity, json::Json},
};

entity! {
    /// What has to hold before a release may run.
    Policy {
        id: [id],
        keys: [],
        created_at: |own| own.created_at.as_ref(),
        prepare: None,
        /// Its id.
        id: String = "id",
        /// Its name.
        name: String = "name",
        /// What it is for.
        description: Option<String> = "description",
        /// The higher one counts.
        priority: i64 = "priority",
        /// Whether it counts.
        enabled: bool = "enabled",
        /// What it is about.
        selector: Json = "selector",
        /// Its rules.
        rules: Json = "rules",
        /// An object: labels and the like.
        metadata: Json = "metadata",
        /// The id of the workspace.
        workspace_id: String = "workspaceId",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
    }
}
