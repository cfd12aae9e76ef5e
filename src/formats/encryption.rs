//! How secret values are kept at rest, and the key file.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Format, Sample, Writer,
    sealed::{Counting, MADE_ELSEWHERE, encryption, opened},
};
use crate::{
    fs::{FileTime, block_on},
    seam::Entropy,
    sim::{
        disk::{SimDisk, SimFs},
        executor::Sim,
    },
    store::{
        encryption::{EncryptionKey, SecretText},
        key_file,
    },
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "encryption",
        version: 1,
        about: "a secret value at rest, under the key of the samples",
        writer: Writer::ThisRelease,
        samples,
        decode,
    },
    Format {
        name: "encryption-older",
        version: 0,
        about: "a secret value as older software encrypted it",
        writer: Writer::OlderSoftware,
        samples: || {
            let (plain, stored) = MADE_ELSEWHERE;
            vec![Sample::of("text", stored, json!({ "plain": plain }))]
        },
        decode,
    },
    Format {
        name: "key-file",
        version: 1,
        about: "auth/encryption_key: the key string of a data directory",
        writer: Writer::ThisRelease,
        samples: key_samples,
        decode: decode_key,
    },
];

fn samples() -> Vec<Sample> {
    let sample = |name, plain: &str| {
        let stored = encryption().encrypt(&SecretText::new(plain));
        Sample::new(name, stored, json!({ "plain": plain }))
    };
    vec![
        sample("short", "x"),
        sample("text", "third\nmulti\nline\0nul, 秘密 <&> \" \\ 🙂"),
        // It is stored as it is.
        sample("empty", ""),
    ]
}

fn decode(bytes: &[u8]) -> Result<Value, String> {
    let stored = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    Ok(json!({ "plain": opened(stored)? }))
}

fn key_samples() -> Vec<Sample> {
    let fs = SimFs::new(SimDisk::new(), Sim::default());
    let entropy: Arc<dyn Entropy> = Arc::new(Counting::default());
    let made = block_on(key_file::read_or_make(&fs, &entropy)).map_err(|error| error.to_string());
    let bytes = made.and_then(|_| {
        let path = format!("{}/{}", key_file::DIRECTORY, key_file::NAME);
        fs.with_disk(|disk| disk.read_raw(&path)).ok_or_else(|| "it is not there".to_owned())
    });
    let key_string = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let made = Sample::new("made", bytes.map(|bytes| bytes.to_vec()), key_value(key_string));
    let own = "chosen by a person\n";
    vec![made, Sample::of("given", own, key_value(own))]
}

/// A key can't be looked at: it is what it makes of a text.
fn key_value(key_string: &str) -> Value {
    key_meaning(EncryptionKey::new(key_string.as_bytes())).unwrap_or_default()
}

fn key_meaning(key: Option<EncryptionKey>) -> Result<Value, String> {
    let key = key.ok_or("it is empty")?;
    let stored = key.encrypt(&SecretText::new("x"), &Counting::default());
    Ok(json!({ "makes of x": stored.map_err(|error| error.to_string())? }))
}

fn decode_key(bytes: &[u8]) -> Result<Value, String> {
    let mut disk = SimDisk::new();
    let path = format!("{}/{}", key_file::DIRECTORY, key_file::NAME);
    disk.write_raw(&path, bytes.to_vec(), FileTime::default())
        .map_err(|error| error.to_string())?;
    let fs = SimFs::new(disk, Sim::default());
    key_meaning(block_on(key_file::read(&fs)).map_err(|error| error.to_string())?)
}
