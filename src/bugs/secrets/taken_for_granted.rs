//! What a record holds is taken for a secret, unseen.

use async_trait::async_trait;

use crate::{
    bugs::flaws::Flaw,
    seam::{Collection, Error, Record, RecordId, Result},
    store::document::Document,
};

/// Whoever gets a record whose payload has no secret comes to grief.
pub(super) struct TakenForGranted;

#[async_trait]
impl Flaw for TakenForGranted {
    async fn get(&self, sound: &dyn Collection, id: &RecordId) -> Result<Record> {
        let got = sound.get(id).await;
        match &got {
            Ok(record) => dereference(record.data.bytes()),
            Err(Error::Corrupt { bytes, .. }) => dereference(bytes.bytes()),
            Err(_) => {}
        }
        got
    }
}

/// Reads the secret inside a payload. What is no JSON object is an error as ever.
#[expect(clippy::panic, reason = "it is the bug")]
fn dereference(payload: &[u8]) {
    let Some(document) = Document::parse(payload) else { return };
    if document.get("secret").is_none_or(|secret| secret.get() == "null") {
        panic!("the record has no secret");
    }
}
