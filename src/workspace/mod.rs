//! The workspace: the entities of a deployment control plane, over any backend.
//!
//! | file | what it is about |
//! |---|---|
//! | `kind.rs` `entity.rs` `entities/` | the kinds; what an entity is; each kind, a file each |
//! | `entity_id.rs` `json.rs` `canonical.rs` | ids of several parts; values that are kept as they are written; one text for one value |
//! | `repository.rs` | the entities of a kind in a collection |
//! | `changeset.rs` `span.rs` | what was changed, in order; tracing |
//! | `entity_store.rs` | a repository whose changes are recorded and traced |
//! | `store.rs` | all kinds together, and where each of them is |

mod canonical;
pub mod changeset;
pub mod entities;
pub mod entity;
pub mod entity_id;
pub mod entity_store;
pub mod error;
pub mod json;
pub mod kind;
pub mod repository;
mod span;
pub mod store;
