//! What the formats of stores with secret values share: a fixed key, fixed
//! random bytes, and a store's records by way of the store itself, which is the
//! only one to know them.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use serde_json::Value;

use crate::{
    backend::memory::MemoryBackend,
    fs::block_on,
    seam::{
        Backend, Clock, Collection, CollectionExt, CollectionSpec, Entropy, Instant, Payload,
        Record, RecordId,
    },
    sim::clock::SimClock,
    store::encryption::{Encryption, EncryptionKey},
};

/// The key string of all samples; its newline counts.
const KEY: &str = "a key with a newline\n";

/// A text and its stored form under [`KEY`], made by another implementation
/// (pyca/cryptography 48, over OpenSSL).
pub(super) const MADE_ELSEWHERE: (&str, &str) =
    ("秘密 <&> \" \\ 🙂", "////////////////McZHpUl6A9YgH8y5vGR+6sOETWBdDZi9RbB2yblPIh421A8=");

/// Bytes that count up: the same in every run.
#[derive(Default)]
pub(super) struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

/// The encryption of all samples.
pub(super) fn encryption() -> Encryption {
    Encryption::new(EncryptionKey::new(KEY.as_bytes()), Arc::new(Counting::default()))
}

/// The clock of all samples.
pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(SimClock::new(Instant::UNIX_EPOCH, 1))
}

/// A collection that holds this record, or nothing.
pub(super) fn collection(
    spec: CollectionSpec,
    record: Option<Record>,
) -> Result<Arc<dyn Collection>, String> {
    block_on(async {
        let collection = MemoryBackend::new(clock()).open(spec).await?;
        if let Some(record) = record {
            collection.put(record).await?;
        }
        Ok(collection)
    })
    .map_err(|error: crate::seam::Error| error.to_string())
}

/// The payload that lies under an id.
pub(super) fn payload(collection: &dyn Collection, id: &str) -> Result<Vec<u8>, String> {
    block_on(async { collection.get(&RecordId::new(id)?).await })
        .map(|record| record.data.bytes().to_vec())
        .map_err(|error| error.to_string())
}

/// A record of this payload, under the id that `spec` says it has.
pub(super) fn record(spec: &CollectionSpec, bytes: &[u8]) -> Result<Record, String> {
    let payload = Payload::json(bytes).ok_or("it is not JSON")?;
    let ids = spec.legacy.id.map(|rule| (rule.ids_of)(&payload)).unwrap_or_default();
    let id = ids.into_iter().next().ok_or("it has no id")?;
    let id = RecordId::new(id).map_err(|error| error.to_string())?;
    Ok(Record::json(id, payload, Instant::UNIX_EPOCH))
}

/// A stored text, opened.
pub(super) fn opened(stored: &str) -> Result<Value, String> {
    let plain = encryption().decrypt(stored).map_err(|error| error.to_string())?;
    Ok(Value::from(plain.expose()))
}
