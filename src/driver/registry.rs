//! The subjects that are offered. A further one is one line in [`SUBJECTS`].

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    api_key::API_KEY, collection::COLLECTION, failure::Failure, message::Answer, params::Params,
    secret::SECRET, session::SESSION, user::USER, watermark::WATERMARK, webhook::WEBHOOK,
    worker_heartbeat::WORKER_HEARTBEAT,
};
use crate::{
    seam::{Clock, Collection, CollectionSpec, Entropy},
    store::encryption::{Encryption, EncryptionKey, SecretText},
};

/// Every subject, in the protocol's order.
pub const SUBJECTS: &[&Subject] =
    &[&COLLECTION, &USER, &API_KEY, &WEBHOOK, &SECRET, &SESSION, &WATERMARK, &WORKER_HEARTBEAT];

/// A subject of the protocol.
pub struct Subject {
    /// Its name: what `open` takes, and what its methods begin with.
    pub name: &'static str,
    /// The names of its methods, without that beginning.
    pub methods: &'static [&'static str],
    /// Which collection `open` is to open for it, from the params of `open`.
    pub spec: fn(&Params) -> Result<CollectionSpec, Failure>,
    /// The subject over that collection.
    pub serve: fn(Arc<dyn Collection>, &Surroundings) -> Box<dyn Handle>,
}

/// What a store needs beside its collection.
pub struct Surroundings {
    /// The driver's clock.
    pub clock: Arc<dyn Clock>,
    /// Where nonces come from.
    pub entropy: Arc<dyn Entropy>,
    /// The encryption key string; none: the store has no key.
    pub key: Option<SecretText>,
    /// How many sessions a user may have; 0: any number.
    pub max_per_user: u32,
}

impl Surroundings {
    /// What a store of secret values encrypts with.
    pub(super) fn encryption(&self) -> Encryption {
        let key = self.key.as_ref().and_then(|key| EncryptionKey::new(key.expose().as_bytes()));
        Encryption::new(key, Arc::clone(&self.entropy))
    }
}

/// An opened subject.
#[async_trait]
pub trait Handle: Send + Sync {
    /// Calls a method; `method` is one of [`Subject::methods`].
    ///
    /// # Errors
    /// Those of the method.
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure>;
}

/// The subject of that name.
pub(super) fn subject(name: &str) -> Option<&'static Subject> {
    SUBJECTS.iter().copied().find(|subject| subject.name == name)
}

/// The subject and its own name for the method that is called `method`.
pub(super) fn method(method: &str) -> Option<(&'static Subject, &'static str)> {
    let (subject, name) = method.split_once('.')?;
    let subject = self::subject(subject)?;
    let name = subject.methods.iter().find(|known| **known == name)?;
    Some((subject, name))
}
