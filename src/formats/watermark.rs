//! A scheduler's watermark, as we and as older software write it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Format, Sample, Writer, flat, value};
use crate::store::{
    document::Document,
    instant_text::InstantText,
    watermark::{DagWatermark, OneOff, Watermark, WatermarkStore},
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "watermark",
        version: 3,
        about: "the state of a scheduler",
        writer: Writer::ThisRelease,
        samples,
        decode: |bytes| read(bytes).map(|state| value_of(&state)),
    },
    Format {
        name: "watermark-flat",
        version: 0,
        about: "the state of a scheduler as a file of older software",
        writer: Writer::OlderSoftware,
        samples: flat_samples,
        decode: decode_flat,
    },
];

/// As `load` gives it: of any version, in the present one.
fn read(bytes: &[u8]) -> Result<Watermark, String> {
    Watermark::from_document(Document::parse(bytes).ok_or("it is no JSON object")?)
}

fn value_of(state: &Watermark) -> Value {
    let members = [
        ("lastTick".to_owned(), json!(state.last_tick.as_str())),
        ("dags".to_owned(), each(&state.dags, dag_value)),
    ];
    value::with_unknown(Map::from_iter(members), &state.unknown)
}

fn dag_value(dag: &DagWatermark) -> Value {
    let mut members = Map::from_iter([
        ("lastScheduledTime".to_owned(), json!(dag.last_scheduled_time.as_str())),
        ("skipSuccessResetAt".to_owned(), json!(dag.skip_success_reset_at.as_str())),
    ]);
    if let Some(fingerprint) = &dag.start_schedule_fingerprint {
        members.insert("startScheduleFingerprint".to_owned(), json!(fingerprint));
    }
    if let Some(one_offs) = &dag.one_offs {
        members.insert("oneOffs".to_owned(), each(one_offs, one_off_value));
    }
    value::with_unknown(members, &dag.unknown)
}

fn one_off_value(run: &OneOff) -> Value {
    let mut members =
        Map::from_iter([("scheduledTime".to_owned(), json!(run.scheduled_time.as_str()))]);
    if let Some(status) = &run.status {
        members.insert("status".to_owned(), json!(status));
    }
    value::with_unknown(members, &run.unknown)
}

fn each<T>(members: &BTreeMap<String, T>, value_of: impl Fn(&T) -> Value) -> Value {
    members
        .iter()
        .map(|(name, member)| (name.clone(), value_of(member)))
        .collect::<Map<_, _>>()
        .into()
}

fn samples() -> Vec<Sample> {
    let sample = |name, state: Watermark| {
        let bytes = state.to_document().to_text();
        Sample::of(name, bytes, value_of(&state))
    };
    let document = |json: &str| Document::parse(json.as_bytes()).unwrap_or_default();
    let at = |text: &str| InstantText::parse(text).unwrap_or(Watermark::default().last_tick);
    let run = |at, status: &str| OneOff {
        scheduled_time: at,
        status: Some(status.to_owned()),
        unknown: Document::default(),
    };
    let runs = [
        ("fp-1", run(at("2026-05-02T00:00:00+09:00"), "pending")),
        ("fp-2", run(at("2026-04-02T00:00:00Z"), "consumed")),
    ];
    let daily = DagWatermark {
        last_scheduled_time: at("2026-05-01T00:00:00Z"),
        start_schedule_fingerprint: Some("sha:<abc>&".to_owned()),
        skip_success_reset_at: at("2026-04-29T01:02:03.000000004Z"),
        ..DagWatermark::default()
    };
    let once = DagWatermark {
        one_offs: Some(runs.map(|(name, run)| (name.to_owned(), run)).into()),
        ..DagWatermark::default()
    };
    let none = DagWatermark { one_offs: Some(BTreeMap::new()), ..DagWatermark::default() };
    let of_tomorrow = DagWatermark {
        unknown: document(r#"{"catchUp":{"since":[1,null]}}"#),
        one_offs: Some(BTreeMap::from([(
            "f".to_owned(),
            OneOff {
                unknown: document(r#"{"by":1e400}"#),
                ..run(at("0001-01-01T00:00:00Z"), "of tomorrow")
            },
        )])),
        ..DagWatermark::default()
    };
    let dags = |dags: Vec<(&str, DagWatermark)>| {
        dags.into_iter().map(|(name, dag)| (name.to_owned(), dag)).collect()
    };
    vec![
        sample("empty", Watermark::default()),
        sample(
            "full",
            Watermark {
                last_tick: at("2026-05-01T12:34:00+09:00"),
                dags: dags(vec![
                    ("etl-daily", daily),
                    ("once", once),
                    ("レポート <月次>\u{2028}", none),
                ]),
                unknown: Document::default(),
            },
        ),
        sample(
            "members-of-another-release",
            Watermark {
                dags: dags(vec![("etl", of_tomorrow)]),
                unknown: document(r#"{"shard":123456789012345678901234567890}"#),
                ..Watermark::default()
            },
        ),
    ]
}

fn flat_samples() -> Vec<Sample> {
    let zero = "0001-01-01T00:00:00Z";
    vec![
        Sample::of(
            "without-version",
            "{\n  \"lastTick\": \"2026-05-01T12:34:00+09:00\",\n  \"dags\": {\n    \"etl\": {\n      \"lastScheduledTime\": \"2026-05-01T00:00:00Z\"\n    }\n  }\n}",
            json!({
                "lastTick": "2026-05-01T12:34:00+09:00",
                "dags": { "etl": {
                    "lastScheduledTime": "2026-05-01T00:00:00Z",
                    "skipSuccessResetAt": zero,
                } },
            }),
        ),
        Sample::of(
            "version-1",
            r#"{"version":1,"lastTick":"2026-05-01T12:34:00.5-05:00","dags":{"etl":{"lastScheduledTime":"2026-05-01T00:00:00Z","startScheduleFingerprint":"sha:\u003cabc\u003e"}},"owner":"ann"}"#,
            json!({
                "lastTick": "2026-05-01T12:34:00.5-05:00",
                "dags": { "etl": {
                    "lastScheduledTime": "2026-05-01T00:00:00Z",
                    "startScheduleFingerprint": "sha:<abc>",
                    "skipSuccessResetAt": zero,
                } },
                "owner": "ann",
            }),
        ),
        Sample::of(
            "version-2",
            r#"{"version":2,"dags":{"once":{"oneOffs":{"f":{"scheduledTime":"2026-05-02T00:00:00+09:00","status":"pending"},"g":{}}},"gone":null}}"#,
            json!({
                "lastTick": zero,
                "dags": { "once": {
                    "lastScheduledTime": zero,
                    "skipSuccessResetAt": zero,
                    "oneOffs": {
                        "f": { "scheduledTime": "2026-05-02T00:00:00+09:00", "status": "pending" },
                        "g": { "scheduledTime": zero },
                    },
                } },
            }),
        ),
        Sample::of(
            "version-3",
            "{\n  \"version\": 3,\n  \"lastTick\": \"0001-01-01T00:00:00Z\",\n  \"dags\": {}\n}",
            json!({ "lastTick": zero, "dags": {} }),
        ),
    ]
}

fn decode_flat(bytes: &[u8]) -> Result<Value, String> {
    let record = flat::record("state", bytes, &WatermarkStore::spec().legacy)?;
    Ok(value_of(&read(record.data.bytes())?))
}
