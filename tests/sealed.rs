//! What the tests of stores with secret values share: keys, and the genuine
//! data of older software where they lie beside the repository.

#![expect(clippy::disallowed_methods, reason = "it reads genuine data")]

use std::sync::Arc;

use serde_json::Value;
use storeproof::{
    seam::{Collection, CollectionExt, CollectionSpec, Instant, Payload, Record},
    sim::entropy::SimEntropy,
    store::encryption::{Encryption, EncryptionKey},
};

use super::backends::{World, at, id};

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

/// Genuine data: the key string, what the manifest says of a store, and its
/// files. None where they are not there.
pub(crate) struct Genuine {
    pub(crate) key_string: String,
    pub(crate) expected: Vec<Value>,
    /// Id and content.
    pub(crate) files: Vec<(String, String)>,
}

pub(crate) fn genuine(name: &str) -> Option<Genuine> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data");
    let manifest = std::fs::read(format!("{data}/legacy.manifest.json")).ok()?;
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(format!("{data}/legacy/{name}")).unwrap() {
        let path = entry.unwrap().path();
        let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
        files.push((id, std::fs::read_to_string(&path).unwrap()));
    }
    let key_string = std::fs::read_to_string(format!("{data}/legacy/auth/encryption_key")).unwrap();
    Some(Genuine { key_string, expected: manifest[name].as_array().unwrap().clone(), files })
}
