//! A20: save without a state keeps a null.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::{Bug, Needs, plant::InStore},
    model::{subject::Subject, watermark::WatermarkSubject},
    seam::{Clock, Collection, CollectionExt, Payload, Record, RecordId},
    store::watermark::{Loaded, WatermarkError, Watermarks},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A20",
    title: "save without a state keeps a null",
    class: "missing payload",
    needs: Needs::Sequence,
    description: "The null that stands for no state is saved in place of the last one, and all is said \
         to be well.",
    planted: &InStore::<WatermarkSubject>::new(|collection, surroundings| {
        let sound = WatermarkSubject::open(Arc::clone(&collection), surroundings);
        Arc::new(SavesNull { collection, clock: Arc::clone(&surroundings.clock), sound })
    }),
};

/// Saves a null as if it were a state.
struct SavesNull {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
    sound: Arc<dyn Watermarks>,
}

#[async_trait]
impl Watermarks for SavesNull {
    async fn load(&self) -> Result<Loaded, WatermarkError> {
        self.sound.load().await
    }

    async fn save(&self, state: Payload) -> Result<(), WatermarkError> {
        if state.bytes() != b"null" {
            return self.sound.save(state).await;
        }
        let record = Record::json(RecordId::new("state")?, state, self.clock.now());
        Ok(self.collection.put(record).await?)
    }
}
