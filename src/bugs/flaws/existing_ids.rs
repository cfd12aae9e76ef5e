//! A creation that does not look whether the id is taken.

use async_trait::async_trait;

use super::Flaw;
use crate::seam::{Collection, Condition, Result, Write};

/// Whatever was to be created replaces what has its id. Unique keys are kept:
/// those are the seam's.
pub(in crate::bugs) struct CreatesOverExisting;

#[async_trait]
impl Flaw for CreatesOverExisting {
    async fn commit(&self, sound: &dyn Collection, mut writes: Vec<Write>) -> Result<()> {
        for write in &mut writes {
            if write.when == Condition::Absent {
                write.when = Condition::Any;
            }
        }
        sound.commit(writes).await
    }
}
