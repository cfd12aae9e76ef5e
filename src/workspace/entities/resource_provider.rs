//! Who reports resources.

use crate::{
    store::instant_text::InstantText,
    workspace::{entity::entity, json::Json},
};

entity! {
    /// Who reports resources.
    ResourceProvider {
        id: [id],
        keys: [],
        created_at: |own| own.created_at.as_ref(),
        prepare: None,
        /// Its id.
        id: String = "id",
        /// Its name.
        name: String = "name",
        /// The id of the workspace.
        workspace_id: String = "workspaceId",
        /// An object: labels and the like.
        metadata: Json = "metadata",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
    }
}
