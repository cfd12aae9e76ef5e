//! A44: data that are no JSON can't be kept.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed},
        plant::InStore,
    },
    model::collection::CollectionSubject,
    seam::{Action, Collection, Error, Outcome, Record, Result, Site, Write},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A44",
    title: "data that are no JSON can't be kept",
    class: "opaque bytes",
    needs: Needs::AdversarialIds,
    description: "The envelope takes the data of every encoding for JSON, so that others can't be \
         written.",
    planted: &InStore::<CollectionSubject>::new(|collection, _| Flawed::over(collection, JsonOnly)),
};

/// Fails to write an envelope around anything but JSON.
struct JsonOnly;

#[async_trait]
impl Flaw for JsonOnly {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        for write in &writes {
            if let Action::Put(Record { id, data, .. }) = &write.action
                && !data.is_json()
            {
                return Err(Error::Backend {
                    site: Site::new("commit", &sound.spec().name, Some(id)),
                    problem: "the envelope can't be written: its data are no JSON".to_owned(),
                    outcome: Outcome::NotDone,
                });
            }
        }
        sound.commit(writes).await
    }
}
