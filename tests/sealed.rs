//! What the tests of stores with secret values share: keys, and payloads as
//! older software puts them.

use std::sync::Arc;

use storeproof::{
    seam::{Collection, CollectionExt, CollectionSpec, Entropy, Instant, Payload, Record},
    sim::entropy::SimEntropy,
    store::{
        encryption::{Encryption, EncryptionKey},
        key_file,
    },
};

use super::{
    backends::{World, at, id, wait},
    genuine::Genuine,
};

/// Encryption with this key string; the empty one is no key.
pub(crate) fn encryption(key_string: &str) -> Encryption {
    Encryption::new(EncryptionKey::new(key_string.as_bytes()), Arc::new(SimEntropy::new(1)))
}

/// A store's collection, as older software sees it: without keys.
pub(crate) async fn raw(world: &World, name: &str) -> Arc<dyn Collection> {
    world.open(CollectionSpec::new(name)).await
}

/// Puts a payload as older software would, created and changed at
/// [`at`]`(0)`.
pub(crate) async fn put(world: &World, name: &str, text: &str, json: &str) {
    put_at(world, name, text, json, at(0)).await;
}

pub(crate) async fn put_at(world: &World, name: &str, text: &str, json: &str, at: Instant) {
    let record = Record::json(id(text), Payload::json(json.as_bytes()).expect("JSON"), at);
    raw(world, name).await.put(record).await.unwrap();
}

/// The payload under an id.
pub(crate) async fn payload(world: &World, name: &str, text: &str) -> String {
    let record = raw(world, name).await.get(&id(text)).await.unwrap();
    record.data.to_text_lossy().into_owned()
}

/// The encryption of a genuine data directory, with the key that lies in it.
pub(crate) fn encryption_of(genuine: &Genuine) -> Encryption {
    let key = wait(key_file::read(&genuine.fs)).unwrap();
    assert!(key.is_some(), "the directory has a key");
    Encryption::new(key, Arc::new(SimEntropy::new(1)))
}

/// A system that has no random bytes.
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> std::io::Result<()> {
        Err(std::io::Error::other("there are no random bytes"))
    }
}

/// Encryption with this key string that can't encrypt.
pub(crate) fn without_entropy(key_string: &str) -> Encryption {
    Encryption::new(EncryptionKey::new(key_string.as_bytes()), Arc::new(NoEntropy))
}
