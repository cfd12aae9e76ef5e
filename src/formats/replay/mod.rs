//! Replay files, with the operations of every store.
//!
//! The samples are JSON as a person would write it; what is shipped is that
//! JSON, read and written again by the store's own code. A new store adds one
//! sample with each of its operations.

mod calls;
mod workspace;

use serde_json::{Value, json};

use super::{
    Format, Sample, Writer,
    value::{Unknown, as_read},
};
use crate::check::{
    registry::store_named,
    replay::{SCHEMA, read_header},
};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "replay",
    version: SCHEMA,
    about: "a scenario with what it was saved for",
    writer: Writer::ThisRelease,
    samples,
    decode,
}];

fn rewrite(text: &str) -> Result<String, String> {
    let header = read_header(text).map_err(|error| error.to_string())?;
    let store = store_named(&header.store);
    let store = store.ok_or_else(|| format!("there is no store {:?}", header.store))?;
    store.rewrite(text).map_err(|error| error.to_string())
}

fn decode(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let parse = |text: &str| -> Result<Value, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    };
    // A member that the reader does not know is another scenario.
    Ok(as_read(&parse(text)?, &parse(&rewrite(text)?)?, Unknown::Matters))
}

fn sample(name: &'static str, replay: Value) -> Sample {
    Sample::new(name, rewrite(&replay.to_string()), replay)
}

/// A replay file of one client that makes these calls.
fn operations(name: &'static str, store: &str, calls: &[Value]) -> Sample {
    let client: Value = calls.iter().map(|call| json!({ "call": call })).collect();
    sample(
        name,
        frame(
            store,
            &json!({
                "start": "2026-01-01T00:00:00Z",
                "seed": 7,
                "handles": 1,
                "clients": [client],
                "mode": { "simulated": { "preemptions": [] } },
            }),
        ),
    )
}

fn frame(store: &str, scenario: &Value) -> Value {
    json!({
        "schema": SCHEMA,
        "store": store,
        "backend": "memory",
        "violation": {
            "kind": "outcome",
            "rule": "the record, or NotFound",
            "steps": [{
                "client": "1",
                "operation": "get \"a\"",
                "expected": "not found",
                "got": "found",
                "broken": true,
            }],
        },
        "scenario": scenario,
    })
}

fn samples() -> Vec<Sample> {
    let mut samples = scenarios();
    samples.extend([
        operations("collection-operations", "collection", &calls::collection()),
        operations("users-operations", "users", &calls::users()),
        operations("api-keys-operations", "api_keys", &calls::api_keys()),
        operations("webhooks-operations", "webhooks", &calls::webhooks()),
        operations("secrets-operations", "secrets", &calls::secrets()),
        operations("sessions-operations", "sessions", &calls::sessions()),
        operations("watermark-operations", "watermark", &calls::watermark()),
        operations(
            "worker-heartbeats-operations",
            "worker_heartbeats",
            &calls::worker_heartbeats(),
        ),
        operations("workspace-operations", "workspace", &workspace::calls()),
        operations("working-sets-operations", "working_sets", &calls::working_sets()),
    ]);
    samples
}

/// Everything but operations that a replay file can have.
fn scenarios() -> Vec<Sample> {
    let mut crash = frame(
        "users",
        &json!({
            "legacy": [{
                "id": "a",
                "text": "{\n  \"id\": \"a\",\n  \"username\": \"ann\"\n}",
                "modified": "2026-01-01T00:00:00.000000001Z",
            }],
            "start": "0001-01-01T00:00:00Z",
            "seed": u64::MAX,
            "page_size": 2,
            "handles": 2,
            "setup": [{ "call": "count" }],
            "clients": [
                [{ "advance_clock": -3600 }, { "reopen": { "variant": 1 } }],
                [{ "call": { "get": { "id": "a" } } }],
            ],
            "mode": { "simulated": { "preemptions": [
                { "client": 0, "operation": 1, "step": "rename", "occurrence": 2, "to": 1 },
                { "client": 1, "operation": 0, "step": "end", "occurrence": 0, "to": 0 },
            ] } },
            "crash": { "after_steps": 4, "image": "nothing_unsynced" },
        }),
    );
    if let Some(replay) = crash.as_object_mut() {
        replay.insert("backend".to_owned(), json!("file"));
        replay.insert("allow".to_owned(), json!(["created_at_on_put", "expiry_ignored"]));
        replay.insert(
            "violation".to_owned(),
            json!({
                "kind": "not_linearizable",
                "rule": "an acknowledged write survives",
                "steps": [],
                "crash": "power lost, only what was synced is left, after 4 I/O steps",
            }),
        );
    }
    let mut older = frame(
        "users",
        &json!({
            "foreign": [{ "path": ".old/notes.txt", "text": "half a sen" }],
            "start": "2026-01-01T00:00:00Z",
            "seed": 1,
            "handles": 1,
            "clients": [
                [{ "call": "list" }],
                [
                    { "older": { "write": {
                        "id": "a",
                        "text": "{\"id\":\"a\",\"username\":\"ann\"}",
                        "modified": "2026-01-01T00:00:00Z",
                    } } },
                    { "older": { "remove": { "id": "a" } } },
                ],
            ],
            "mode": { "simulated": { "preemptions": [] } },
        }),
    );
    if let Some(violation) = older.get_mut("violation") {
        *violation = json!({ "kind": "other_files", "rule": "what no call is about", "steps": [] });
    }
    let small = |mode: Value, crash: Value| {
        let mut scenario = json!({
            "start": "9999-12-31T23:59:59.999999999Z",
            "seed": 0,
            "handles": 1,
            "clients": [[{ "call": "list" }], []],
            "mode": mode,
        });
        if let Some(members) = scenario.as_object_mut().filter(|_| !crash.is_null()) {
            members.insert("crash".to_owned(), crash);
        }
        frame("users", &scenario)
    };
    let random = json!({ "simulated": { "random": { "seed": 9, "one_in": 4 } } });
    let in_order = json!({ "simulated": { "preemptions": [] } });
    let with = |mut replay: Value, member: &str, value: Value| {
        if let Some(scenario) = replay.get_mut("scenario").and_then(Value::as_object_mut) {
            scenario.insert(member.to_owned(), value);
        }
        replay
    };
    let some = json!({ "random": {
        "seed": 5, "one_in": 20, "most": 3, "step": "sync_file", "kinds": ["io", "cancel"],
    } });
    let any = json!({ "random": { "seed": 5, "one_in": 1, "most": 1 } });
    let torn = |kept: &[u32], write: u32, tear: Value| json!({ "torn": { "kept": kept, "write": write, "tear": tear } });
    let crashes = json!({
        "after_steps": 4,
        "image": { "kept": [0, 2] },
        "then": [{ "call": "count" }],
        "again": {
            "after_steps": 1,
            "image": { "dropped": [1] },
            "again": {
                "after_steps": null,
                "image": torn(&[1], 2, json!({ "prefix": 5 })),
                "again": {
                    "after_steps": 2,
                    "image": torn(&[], 0, json!({ "without_sector": 1 })),
                },
            },
        },
    });
    let pct = json!({ "simulated": { "pct": { "seed": 9, "depth": 3, "steps": 40 } } });
    let every = json!({ "exhaustive": { "preemptions": 2, "runs": 2_000 } });
    let kill = json!({ "client": 0, "operation": 0, "after_microseconds": 70 });
    let killed = json!({ "processes": { "kills": [kill] } });
    vec![
        sample("faults", faults()),
        sample(
            "database-faults",
            with(small(in_order.clone(), Value::Null), "faults", database_faults()),
        ),
        sample("random-faults", with(small(in_order.clone(), Value::Null), "faults", some)),
        sample("any-random-faults", with(small(in_order.clone(), Value::Null), "faults", any)),
        sample("crash-after-crash", small(in_order, crashes)),
        sample("crash-legacy-and-preemptions", crash),
        sample("older-software", older),
        sample("random-schedule", small(random.clone(), Value::Null)),
        sample("schedule-by-priorities", small(pct, Value::Null)),
        sample("every-interleaving", small(every, Value::Null)),
        sample("whole-search", small(json!({ "exhaustive": { "runs": 1 } }), Value::Null)),
        sample("killed-process", small(killed, Value::Null)),
        sample("processes", small(json!({ "processes": {} }), Value::Null)),
        sample("threads", small(json!("threads"), Value::Null)),
        sample(
            "killed-at-any-step",
            small(random.clone(), json!({ "after_steps": null, "image": "everything" })),
        ),
        sample("crashes-anywhere", small(random.clone(), crashes_anywhere())),
        sample("crashes-in-turn", small(random, crashes_in_turn())),
    ]
}

/// Two crashes that are not pinned to a moment.
fn crashes_anywhere() -> Value {
    json!({
        "after_steps": null,
        "then": [{ "call": "count" }, { "advance_clock": 5 }],
        "again": { "after_steps": null },
    })
}

/// A crash of each kind, each of what the one before left.
fn crashes_in_turn() -> Value {
    let images = [
        json!({ "kept": [0, 2] }),
        json!({ "dropped": [1] }),
        json!({ "torn": { "kept": [], "write": 2, "tear": { "prefix": 7 } } }),
        json!({ "torn": { "kept": [0], "write": 1, "tear": { "without_sector": 3 } } }),
        json!("nothing_unsynced"),
    ];
    let last = json!({ "after_steps": 1, "image": "everything" });
    images.into_iter().rev().fold(last, |again, image| {
        json!({
            "after_steps": 12,
            "image": image,
            "then": [{ "reopen": { "variant": 0 } }],
            "again": again,
        })
    })
}

/// Every kind of fault, and clocks that differ.
fn faults() -> Value {
    frame(
        "users",
        &json!({
            "start": "2026-01-01T00:00:00Z",
            "seed": 1,
            "handles": 1,
            "setup": [{ "call": "count" }],
            "clients": [[{ "call": "list" }], []],
            "mode": { "simulated": { "preemptions": [] } },
            "faults": { "listed": [
                { "operation": 0, "step": "read_dir", "occurrence": 0, "kind": "too_many_files" },
                {
                    "client": 0, "operation": 0, "step": "write", "occurrence": 2,
                    "kind": "no_space", "written": 20, "lasting": 7,
                },
                { "client": 0, "operation": 1, "step": "rename", "occurrence": 0, "kind": "io" },
                {
                    "client": 0, "operation": 2, "step": "remove_file", "occurrence": 0,
                    "kind": "not_permitted",
                },
                { "client": 1, "operation": 0, "step": "open_file", "occurrence": 1, "kind": "denied" },
                { "client": 1, "operation": 0, "step": "lock", "occurrence": 0, "kind": "no_locks" },
                { "client": 1, "operation": 1, "step": "sync_dir", "occurrence": 0, "kind": "cancel" },
                {
                    "client": 1, "operation": 2, "step": "commit", "occurrence": 0,
                    "kind": "cancel_after",
                },
            ] },
            "skews": [0, -3600],
        }),
    )
}

/// Each way in which a database fails.
fn database_faults() -> Value {
    json!({ "listed": [
        {
            "client": 0, "operation": 0, "step": "list", "occurrence": 0,
            "kind": "connection_lost_before", "lasting": 3,
        },
        {
            "client": 0, "operation": 0, "step": "commit", "occurrence": 1,
            "kind": "connection_lost_after",
        },
        { "client": 0, "operation": 1, "step": "claim", "occurrence": 0, "kind": "timed_out" },
        { "client": 1, "operation": 0, "step": "commit", "occurrence": 0, "kind": "database_full" },
        {
            "client": 1, "operation": 0, "step": "find", "occurrence": 0,
            "kind": "serialization_failure",
        },
    ] })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::samples;
    use crate::check::registry::STORES;

    /// The operations that a store's samples call.
    fn called(store: &str) -> BTreeSet<String> {
        let samples = samples().into_iter().map(|sample| sample.value);
        let clients = samples.filter(|replay| replay["store"] == store).flat_map(|replay| {
            let clients = replay["scenario"]["clients"].as_array().unwrap().clone();
            clients.into_iter().flat_map(|client| client.as_array().unwrap().clone())
        });
        clients.filter_map(|action| named(&action["call"])).collect()
    }

    /// The name of the operation that a call is of.
    fn named(call: &Value) -> Option<String> {
        if let Value::String(name) = call {
            return Some(name.clone());
        }
        let (name, inner) = call.as_object()?.iter().next()?;
        match (name.as_str(), call.get("call")) {
            (_, Some(call)) => named(call),
            ("own", None) => named(inner),
            ("outside", None) => Some(format!("outside_{}", named(inner)?)),
            _ => Some(name.clone()),
        }
    }

    #[test]
    fn every_operation_of_every_store_is_in_a_sample() {
        for store in STORES {
            let called = called(store.name());
            for operation in store.operations() {
                assert!(
                    called.contains(*operation),
                    "no sample of a replay file calls {operation:?} of {:?}: add it to the \
                     operations of that store in {}",
                    store.name(),
                    file!()
                );
            }
        }
    }

    #[test]
    fn a_member_that_the_reader_does_not_know_is_not_passed_over() {
        let mut replay = samples().remove(0).value;
        let plain = super::decode(replay.to_string().as_bytes());
        replay["scenario"]["fire"] = Value::from(1);
        assert_eq!(super::decode(replay.to_string().as_bytes()), plain);
        assert_ne!(plain, Ok(replay));
    }
}
