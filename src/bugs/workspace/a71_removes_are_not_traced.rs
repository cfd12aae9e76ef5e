//! A71: removes are not traced.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

use crate::{
    bugs::{
        Bug, Needs,
        workspace::plant::{InKinds, Sound},
    },
    model::workspace::{Answer, Call, EntityCalls},
    workspace::kind::Kind,
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A71",
    title: "removes are not traced",
    class: "observability gap",
    needs: Needs::Sequence,
    description: "A remove opens no span, so that neither it nor its failure shows in a trace.",
    planted: &InKinds::new(&Kind::ALL, Untraced::over),
};

/// Removes where nobody sees it.
struct Untraced(Sound);

impl Untraced {
    fn over(sound: Sound) -> Arc<dyn EntityCalls> {
        Arc::new(Self(sound))
    }
}

#[async_trait]
impl EntityCalls for Untraced {
    async fn call(&self, call: &Call) -> Answer {
        let done = self.0.calls.call(call);
        match call {
            Call::Remove { .. } | Call::RemoveBatch { .. } | Call::Unlink { .. } => {
                done.with_subscriber(NoSubscriber::new()).await
            }
            _ => done.await,
        }
    }
}
