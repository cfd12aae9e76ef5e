//! A26: `delete_stale` deletes by the worker's id, not by the stored name.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed, is_older_name},
        plant::InCalls,
    },
    model::worker_heartbeats::WorkerHeartbeatsSubject,
    seam::{Action, Collection, Result, Write},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A26",
    title: "delete_stale deletes by the worker's id, not by the stored name",
    class: "legacy key mapping",
    needs: Needs::SeededFiles,
    description: "What is to be deleted under the older name is deleted under the plain one, where \
         nothing is: it counts, and stays.",
    planted: &InCalls::<WorkerHeartbeatsSubject>::new(&["delete_stale"], |collection| {
        Flawed::over(collection, DeletesPlainNames)
    }),
};

/// A deletion of a record that older software named hits nothing.
struct DeletesPlainNames;

#[async_trait]
impl Flaw for DeletesPlainNames {
    async fn commit(&self, sound: &dyn Collection, mut writes: Vec<Write>) -> Result<()> {
        writes.retain(|write| match &write.action {
            Action::Delete(id) => !is_older_name(id),
            _ => true,
        });
        sound.commit(writes).await
    }
}
