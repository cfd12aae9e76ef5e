//! An environment: where it is to run.

use crate::{
    store::instant_text::InstantText,
    workspace::{entity::entity, json::Json},
};

entity! {
    /// An environment: where it is to run.
    Environment {
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
        /// An object: labels and the like.
        metadata: Json = "metadata",
        /// Which resources are meant.
        resource_selector: Option<Json> = "resourceSelector",
        /// When it was created.
        created_at: Option<InstantText> = "createdAt",
    }
}
