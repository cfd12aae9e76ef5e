//! Who runs jobs.

use crate::workspace::{entity::entity, json::Json};

entity! {
    /// Who runs jobs.
    JobAgent {
        id: [id],
        keys: [],
        created_at: |_| None,
        prepare: None,
        /// Its id.
        id: String = "id",
        /// Its name.
        name: String = "name",
        /// What kind of agent it is.
        agent_type: String = "type",
        /// The id of the workspace.
        workspace_id: String = "workspaceId",
        /// Its configuration.
        config: Json = "config",
        /// An object: labels and the like.
        metadata: Option<Json> = "metadata",
    }
}
