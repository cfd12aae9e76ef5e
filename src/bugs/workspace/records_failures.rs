//! A store that records what failed.

use std::sync::Arc;

use async_trait::async_trait;

use super::plant::Sound;
use crate::{
    model::members::object_of,
    model::workspace::{Answer, Call, EntityCalls, WorkspaceProblem},
    seam::Payload,
    workspace::{changeset::ChangeAction, entity_id::EntityId},
};

/// An upsert that the storage failed is recorded all the same.
pub(super) struct RecordsFailures {
    sound: Sound,
    /// Whether the caller is told that it failed.
    tells: bool,
}

impl RecordsFailures {
    /// The caller gets the error.
    pub(super) fn and_tells(sound: Sound) -> Arc<dyn EntityCalls> {
        Arc::new(Self { sound, tells: true })
    }

    /// The caller is told that all is well.
    pub(super) fn and_hides_them(sound: Sound) -> Arc<dyn EntityCalls> {
        Arc::new(Self { sound, tells: false })
    }
}

#[async_trait]
impl EntityCalls for RecordsFailures {
    async fn call(&self, call: &Call) -> Answer {
        let answer = self.sound.calls.call(call).await;
        let has_failed = matches!(
            &answer,
            Answer::Failed(failure) if matches!(failure.problem, WorkspaceProblem::Storage(_))
        );
        let Call::Upsert { id, entity } = call else { return answer };
        let parts: Vec<&str> = id.iter().map(|part| &**part).collect();
        let Some(id) = EntityId::new(&parts).ok().filter(|_| has_failed) else { return answer };
        let entity = Payload::json(object_of(&entity.members).as_bytes());
        let Sound { kind, changeset, clock, .. } = &self.sound;
        changeset.record(*kind, clock.now(), [(id, ChangeAction::Upsert, entity)]);
        if self.tells { answer } else { Answer::Done }
    }
}
