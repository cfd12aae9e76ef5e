//! A49: distinct ids become one path.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed},
        plant::InStore,
    },
    model::collection::CollectionSubject,
    seam::{Action, Collection, Record, RecordId, Result, Write},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A49",
    title: "distinct ids become one path",
    class: "id collision",
    needs: Needs::AdversarialIds,
    description: "Ids are cleaned as paths are: `a/../b` is `b`, and so are `/b` and `./b`.",
    planted: &InStore::<CollectionSubject>::new(|collection, _| {
        Flawed::over(collection, CleansIds)
    }),
};

/// Takes an id for a path, and keeps the record under the cleaned one.
struct CleansIds;

/// The id as a clean path; as it is, where that would be none.
fn cleaned(id: &RecordId) -> RecordId {
    let mut levels: Vec<&str> = Vec::new();
    for level in id.as_str().split('/') {
        match level {
            "" | "." => {}
            ".." => {
                if levels.pop().is_none() {
                    return id.clone();
                }
            }
            _ => levels.push(level),
        }
    }
    RecordId::new(levels.join("/")).unwrap_or_else(|_| id.clone())
}

#[async_trait]
impl Flaw for CleansIds {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        sound.get(&cleaned(id)).await
    }

    async fn commit(&self, sound: &dyn Collection, mut writes: Vec<Write>) -> Result<()> {
        for write in &mut writes {
            match &mut write.action {
                Action::Put(record) => record.id = cleaned(&record.id),
                Action::Replace { id, .. } | Action::Delete(id) | Action::Check(id) => {
                    *id = cleaned(id);
                }
            }
        }
        sound.commit(writes).await
    }
}
