//! A8: claim takes an error for an empty queue.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed},
        plant::InStore,
    },
    model::collection::CollectionSubject,
    seam::{Collection, Error, Record, Result, Selection, Site},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A8",
    title: "claim takes an error for an empty queue",
    class: "swallowed error",
    needs: Needs::Fault,
    description: "What can't be read or removed is passed over, so that a claim which the storage \
         fails says that there is nothing to claim.",
    planted: &InStore::<CollectionSubject>::new(|collection, _| {
        Flawed::over(collection, FailsSilently)
    }),
};

/// Whatever goes wrong in a claim, there is nothing.
struct FailsSilently;

#[async_trait]
impl Flaw for FailsSilently {
    async fn claim(&self, sound: &dyn Collection, selection: &Selection) -> Result<Record> {
        let claimed = sound.claim(selection).await;
        claimed.map_err(|_| Error::NotFound(Site::new("claim", &sound.spec().name, None)))
    }
}
