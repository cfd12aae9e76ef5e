//! Heartbeats of workers, as we and as older software write them.

use serde_json::{Map, Value, json};

use super::{Format, Sample, Writer, flat, value};
use crate::store::{
    document::Document,
    worker_heartbeats::{Heartbeat, WorkerHeartbeatStore},
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "worker-heartbeats",
        version: 1,
        about: "the payload of a worker's heartbeat",
        writer: Writer::ThisRelease,
        samples,
        decode: |bytes| read(bytes).map(|heartbeat| value_of(&heartbeat)),
    },
    Format {
        name: "worker-heartbeats-flat",
        version: 0,
        about: "a worker's heartbeat as a file of older software",
        writer: Writer::OlderSoftware,
        samples: flat_samples,
        decode: decode_flat,
    },
];

fn read(bytes: &[u8]) -> Result<Heartbeat, String> {
    Heartbeat::from_document(Document::parse(bytes).ok_or("it is no JSON object")?)
}

fn value_of(heartbeat: &Heartbeat) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    let object = |object: &Document| value::with_unknown(Map::new(), object);
    add("workerId", Some(json!(heartbeat.worker_id)));
    add("labels", heartbeat.labels.as_ref().map(object));
    add("stats", heartbeat.stats.as_ref().map(object));
    add("lastHeartbeatAt", Some(json!(heartbeat.last_heartbeat_at)));
    value::with_unknown(members, &heartbeat.unknown)
}

fn samples() -> Vec<Sample> {
    let sample = |name, heartbeat: Heartbeat| {
        let bytes = heartbeat.to_document().to_text();
        Sample::of(name, bytes, value_of(&heartbeat))
    };
    let document = |json: &str| Document::parse(json.as_bytes()).unwrap_or_default();
    let plain = Heartbeat::new("worker-1", 1_767_225_600_123);
    vec![
        sample("smallest", plain.clone()),
        sample(
            "full",
            Heartbeat {
                worker_id: "pool/a\\ワーカー <&>\u{2028}".to_owned(),
                labels: Some(document(r#"{"expr":"a\u003cb\u0026c","gpu":"true","zone":"東京"}"#)),
                stats: Some(document(
                    r#"{"total_pollers":4,"busy_pollers":1,"running_tasks":[{"dag_run_id":"run-1","dag_name":"etl","started_at":1767225600,"root_dag_run_name":"root","root_dag_run_id":"root-1","attempt_key":"k"}]}"#,
                )),
                ..plain.clone()
            },
        ),
        sample(
            "empty-but-present",
            Heartbeat {
                labels: Some(Document::default()),
                stats: Some(Document::default()),
                last_heartbeat_at: -1,
                ..plain.clone()
            },
        ),
        sample(
            "members-of-another-release",
            Heartbeat {
                stats: Some(document(r#"{"queue_depth":1e400}"#)),
                last_heartbeat_at: i64::MAX,
                unknown: document(r#"{"quota":123456789012345678901234567890,"tags":[null]}"#),
                ..plain
            },
        ),
    ]
}

/// Every flat sample is a file of the worker `worker-1`, named by the SHA-256
/// of that.
const FLAT_ID: &str = "13029f9e83d15b3d437c2a7568fc1ca7990ecf3ff79bef6da08f13ff5ae12af8";

fn flat_samples() -> Vec<Sample> {
    let modified = json!({ "seconds": flat::MODIFIED.0, "nanoseconds": flat::MODIFIED.1 });
    vec![
        Sample::of(
            "full",
            r#"{"workerId":"worker-1","labels":{"expr":"a\u003cb","zone":"東京"},"stats":{"total_pollers":4,"busy_pollers":1,"running_tasks":[{"dag_run_id":"run-1","started_at":1767225600}]},"lastHeartbeatAt":1767225600123}"#,
            json!({
                "created_at": modified,
                "heartbeat": {
                    "workerId": "worker-1",
                    "labels": { "expr": { "raw": r#""a\u003cb""# }, "zone": "東京" },
                    "stats": {
                        "total_pollers": 4,
                        "busy_pollers": 1,
                        "running_tasks": [{ "dag_run_id": "run-1", "started_at": 1_767_225_600 }],
                    },
                    "lastHeartbeatAt": 1_767_225_600_123_i64,
                },
            }),
        ),
        Sample::of(
            "without-stats",
            "{\n  \"lastHeartbeatAt\": 0,\n  \"workerId\": \"worker-1\"\n}\n",
            json!({
                "created_at": modified,
                "heartbeat": { "workerId": "worker-1", "lastHeartbeatAt": 0 },
            }),
        ),
    ]
}

fn decode_flat(bytes: &[u8]) -> Result<Value, String> {
    let record = flat::record(FLAT_ID, bytes, &WorkerHeartbeatStore::spec().legacy)?;
    Ok(json!({
        "created_at": value::instant(record.created_at),
        "heartbeat": value_of(&read(bytes)?),
    }))
}
