//! A system: deployments and environments that belong together.

use crate::workspace::{entity::entity, json::Json};

entity! {
    /// A system: deployments and environments that belong together.
    System {
        id: [id],
        keys: [],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// Its name.
        name: String = "name",
        /// What it is for.
        description: Option<String> = "description",
        /// An object: labels and the like.
        metadata: Option<Json> = "metadata",
        /// The id of the workspace.
        workspace_id: String = "workspaceId",
    }
}
