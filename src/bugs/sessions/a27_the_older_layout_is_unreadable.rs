//! A27: sessions of another layout are unreadable.

use async_trait::async_trait;

use crate::{
    bugs::{
        Bug, Needs,
        flaws::{Flaw, Flawed},
        plant::InCalls,
    },
    model::sessions::SessionsSubject,
    seam::{Collection, Found, Result},
};

pub(in crate::bugs) static BUG: Bug = Bug {
    id: "A27",
    title: "sessions of another layout are unreadable",
    class: "legacy key mapping",
    needs: Needs::SeededFiles,
    description: "Sessions lie at `<user>/<session>` or, from one generation, flat at `<session>`. The \
         original read the flat ones alone; ours writes the others, so that here it is the \
         flat ones that get and list drop.",
    planted: &InCalls::<SessionsSubject>::new(&["get", "list"], |collection| {
        Flawed::over(collection, NestedOnly)
    }),
};

/// A look-up drops what does not lie in a user's directory.
struct NestedOnly;

#[async_trait]
impl Flaw for NestedOnly {
    async fn find(&self, sound: &dyn Collection, key: &str, parts: &[&str]) -> Result<Found> {
        let mut found = sound.find(key, parts).await?;
        found.records.retain(|record| record.id.as_str().contains('/'));
        Ok(found)
    }
}
