//! Where the committed corpora come from: inputs made of the snapshots that this program
//! carries, and of the saved counterexamples.
//!
//! The inputs of operations are choices, which nobody can make of a scenario: their
//! corpora are distilled from runs of the fuzzer.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    backend::file::path::RecordPath,
    directory::layout::STORES,
    formats::{shipped::SHIPPED, snapshot::Snapshot},
    seam::{Payload, RecordId},
};

/// The inputs of a target, by names that say where each comes from. `saved` are replay
/// files with their names.
#[must_use]
pub fn seeds(target: &str, saved: &[(String, String)]) -> BTreeMap<String, Vec<u8>> {
    let shipped = SHIPPED.iter().filter_map(|(path, text)| Snapshot::parse(path, text).ok());
    let mut seeds = BTreeMap::new();
    for snapshot in shipped {
        if let Some(input) = of_snapshot(target, &snapshot) {
            seeds.insert(snapshot.path().replace('/', "-"), input);
        }
    }
    if target == "scenario_file" {
        for (name, text) in saved {
            seeds.extend(compact(text.as_bytes()).map(|input| (name.clone(), input)));
        }
    }
    seeds
}

fn of_snapshot(target: &str, snapshot: &Snapshot) -> Option<Vec<u8>> {
    let Snapshot { format, bytes, value, .. } = snapshot;
    match (target, format.as_str()) {
        ("path_mapping", "record-path") => {
            let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
            Some([id.as_bytes(), bytes].join(&0))
        }
        ("envelope_decode", "envelope" | "envelope-unversioned") => Some(bytes.clone()),
        ("cursor_decode", "cursor") => Some(bytes.clone()),
        ("crypto_decode", "encryption" | "encryption-older") => Some([SAMPLE_KEY, bytes].join(&0)),
        ("scenario_file", "replay") => compact(bytes),
        ("scenario_file", "report" | "campaign-state" | "corpus-entry" | "corpus-reached") => {
            Some(serde_json::from_slice::<Value>(bytes).ok()?.to_string().into_bytes())
        }
        ("legacy_detect", "envelope-unversioned") => {
            let id = value.get("id").and_then(Value::as_str).unwrap_or("a");
            Some(at("9", &RecordPath::raw(&RecordId::new(id).ok()?)?, bytes))
        }
        ("legacy_detect", "envelope") => {
            let id = value.get("id").and_then(Value::as_str).unwrap_or("a");
            Some(at("9", &RecordPath::of(&RecordId::new(id).ok()?), bytes))
        }
        ("legacy_detect", format) => {
            let name = format.replace('-', "_");
            let place = STORES.iter().position(|store| {
                let rest = name.strip_prefix(store.name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            })?;
            let rule = (STORES.get(place)?.spec)().legacy.id;
            let ids = rule.map(|rule| (rule.ids_of)(&Payload::new(bytes.as_slice())));
            let id = ids.and_then(|ids| ids.into_iter().next()).unwrap_or_else(|| "state".into());
            let path = RecordPath::raw(&RecordId::new(id).ok()?)?;
            Some(at(&place.to_string(), &path, bytes))
        }
        _ => None,
    }
}

/// The key string that the samples of secret values are kept with.
const SAMPLE_KEY: &[u8] = b"a key with a newline\n";

fn at(store: &str, path: &RecordPath, bytes: &[u8]) -> Vec<u8> {
    [store.as_bytes(), path.as_str().as_bytes(), b"\n", bytes].concat()
}

/// A replay file without white space, and without the table of its steps, which nobody
/// reads again.
fn compact(text: &[u8]) -> Option<Vec<u8>> {
    let mut file: Value = serde_json::from_slice(text).ok()?;
    *file.get_mut("violation")?.get_mut("steps")? = Value::Array(Vec::new());
    Some(file.to_string().into_bytes())
}
