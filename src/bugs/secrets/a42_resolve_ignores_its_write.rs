//! A42: resolve ignores that it could not note when it was called.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed},
        plant::InCalls,
    },
    model::secrets::SecretsSubject,
    seam::{Collection, Error, Result, Write},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A42",
    title: "resolve ignores its own write error",
    class: "swallowed error",
    needs: Needs::Fault,
    description: "The error of the write that notes when a secret was resolved is discarded: the \
         value is given, and nothing is noted.",
    planted: &InCalls::<SecretsSubject>::new(&["resolve"], |collection| {
        Flawed::over(collection, NeverMind)
    }),
};

/// A commit that the storage failed is as good as any.
struct NeverMind;

#[async_trait]
impl Flaw for NeverMind {
    async fn commit(&self, sound: &dyn Collection, writes: Vec<Write>) -> Result<()> {
        match sound.commit(writes).await {
            Err(Error::Io { .. } | Error::Backend { .. } | Error::Closed { .. }) => Ok(()),
            committed => committed,
        }
    }
}
