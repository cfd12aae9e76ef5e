//! What a campaign keeps in its output directory: its state, and its corpus.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Format, Sample, Writer,
    value::{Unknown, as_read},
};
use crate::check::{
    campaign::WayOfFailing,
    campaign_state::{CampaignState, CellState, Identity, SCHEMA},
    corpus::{
        entry::{EntryError, SCHEMA as ENTRY_SCHEMA},
        reached::ReachedKeys,
    },
    coverage::Coverage,
    exhaustive::Scopes,
    findings::Found,
    registry::store_named,
    regression::{Outcome, RegressionResult},
    totals::Totals,
    violation::{Kind, Signature, Violation},
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "campaign-state",
        version: SCHEMA,
        about: "campaign.json: how far a campaign came",
        writer: Writer::ThisRelease,
        samples: states,
        decode: decode_state,
    },
    Format {
        name: "corpus-entry",
        version: ENTRY_SCHEMA,
        about: "a scenario of a corpus, and what it was the first to reach",
        writer: Writer::ThisRelease,
        samples: entries,
        decode: decode_entry,
    },
    Format {
        name: "corpus-reached",
        version: ENTRY_SCHEMA,
        about: "which keys of coverage a campaign has reached on a backend",
        writer: Writer::ThisRelease,
        samples: reached,
        decode: decode_reached,
    },
];

fn states() -> Vec<Sample> {
    let begun = CampaignState {
        schema: SCHEMA,
        identity: Identity {
            version: "0.1.0".to_owned(),
            program: String::new(),
            seed: u64::MAX,
            profile: "deep".to_owned(),
            shard: "1/1".to_owned(),
            allowed: Vec::new(),
        },
        seconds: 0.5,
        calibration: None,
        finished: false,
        regressions: Vec::new(),
        cells: Vec::new(),
    };
    let signature = Signature { kind: Kind::Crash, rule: "what is there".to_owned() };
    let cell = CellState {
        store: "users".to_owned(),
        backend: "file".to_owned(),
        fresh: 1_024,
        mutated: 512,
        fresh_operations: 9_000,
        fresh_seconds: 1.25,
        totals: Totals {
            operations: 14_000,
            schedules: 700,
            crash_images: 80_000,
            scopes: Scopes { whole: 2, bounded: 1, cut: 0, interleavings: 900 },
            violations: 3,
        },
        trace_hash: "00ff00ff00ff00ff".to_owned(),
        reached: BTreeMap::from([("get:user".to_owned(), 40), ("fault:io".to_owned(), 2)]),
        ways: vec![WayOfFailing {
            case: 7,
            mutated: true,
            uncertain: false,
            seen: signature.clone(),
            shrunk: signature.clone(),
        }],
        found: vec![Found {
            case: 7,
            mutated: true,
            executions: 200,
            seen_again: true,
            steps: 3,
            violation: Violation { signature, steps: Vec::new(), crash: Some("killed".to_owned()) },
            replay: String::new(),
        }],
    };
    let regression = RegressionResult {
        file: "saved/a.json".to_owned(),
        digest: "0123456789abcdef".to_owned(),
        store: "users".to_owned(),
        backend: "file".to_owned(),
        outcome: Outcome::Holds,
        violation: None,
    };
    let far = CampaignState {
        schema: SCHEMA,
        identity: Identity {
            shard: "2/5".to_owned(),
            allowed: vec!["created_at_on_put".to_owned()],
            ..begun.identity.clone()
        },
        seconds: 28_800.25,
        calibration: None,
        finished: true,
        regressions: vec![regression],
        cells: vec![cell],
    };
    let sample = |(name, state): (&'static str, CampaignState)| {
        let value = serde_json::to_value(&state).unwrap_or_default();
        Sample::new(name, state.to_text(), value)
    };
    let mut on_threads = far.clone();
    let ways = on_threads.cells.iter_mut().flat_map(|cell| &mut cell.ways);
    ways.for_each(|way| way.uncertain = true);
    let mut of_a_program = begun.clone();
    of_a_program.identity.program = "fedcba9876543210".to_owned();
    let calibrated = CampaignState { calibration: Some(70.5), ..far.clone() };
    [
        ("begun", begun),
        ("far", far),
        ("failed-on-threads", on_threads),
        ("of-a-program", of_a_program),
        ("calibrated", calibrated),
    ]
    .map(sample)
    .into()
}

fn decode_state(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let state = CampaignState::read(text).map_err(|error| error.to_string())?;
    let read = serde_json::to_value(&state).map_err(|error| error.to_string())?;
    let document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(as_read(&document, &read, Unknown::PassedOver))
}

fn entries() -> Vec<Sample> {
    let entry = json!({
        "schema": ENTRY_SCHEMA,
        "version": "0.1.0",
        "store": "users",
        "backend": "file",
        "keys": [7, 131_071],
        "scenario": {
            "start": "2026-01-01T00:00:00Z",
            "seed": 1,
            "handles": 2,
            "setup": [{ "call": "count" }],
            "clients": [[{ "call": { "get": { "id": "a" } } }], [{ "reopen": { "variant": 0 } }]],
            "mode": { "simulated": { "random": { "seed": 9, "one_in": 2 } } },
        },
    });
    vec![Sample::new("interleaved", rewrite(&entry.to_string()), entry)]
}

fn rewrite(text: &str) -> Result<String, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let name = document.get("store").and_then(Value::as_str).ok_or("it names no store")?;
    let store = store_named(name).ok_or_else(|| format!("there is no store {name:?}"))?;
    store.rewrite_entry(text).map_err(|error| error.to_string())
}

fn decode_entry(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let parse = |text: &str| -> Result<Value, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    };
    Ok(as_read(&parse(text)?, &parse(&rewrite(text)?)?, Unknown::Matters))
}

fn reached() -> Vec<Sample> {
    let mut coverage = Coverage::default();
    for key in [0, 9, 131_071] {
        coverage.insert(key);
    }
    let keys = ReachedKeys::of("users", "file", &coverage);
    let value = serde_json::to_value(&keys).unwrap_or_default();
    vec![Sample::new("three-keys", Ok::<_, EntryError>(keys.to_text()), value)]
}

fn decode_reached(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let read = ReachedKeys::read(text, "users").map_err(|error| error.to_string())?;
    let document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let read = serde_json::to_value(&read).map_err(|error| error.to_string())?;
    Ok(as_read(&document, &read, Unknown::PassedOver))
}
