//! A57: upsert of a `deployment_variable` ignores its id argument.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        workspace::plant::{InKinds, Sound},
    },
    model::workspace::{Answer, Call, EntityCalls},
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A57",
    title: "upsert of a deployment_variable ignores its id argument",
    class: "id mismatch",
    needs: Needs::AdversarialIds,
    description: "The variable is stored under the id that it has itself. One without an id is refused: where \
         the original fell over a missing entity, ours can't be missing.",
    planted: &InKinds::new(&[Kind::DeploymentVariable], OwnId::over),
};

/// Upserts under the entity's id, whatever the call's is.
struct OwnId(Sound);

impl OwnId {
    fn over(sound: Sound) -> Arc<dyn EntityCalls> {
        Arc::new(Self(sound))
    }
}

#[async_trait]
impl EntityCalls for OwnId {
    async fn call(&self, call: &Call) -> Answer {
        let Self(sound) = self;
        match call {
            Call::Upsert { entity, .. } => {
                let (id, entity) = (entity.id(sound.kind), entity.clone());
                sound.calls.call(&Call::Upsert { id, entity }).await
            }
            _ => sound.calls.call(call).await,
        }
    }
}
