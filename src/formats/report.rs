//! report.json.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Format, Sample, Writer,
    value::{Unknown, as_read},
};
use crate::{
    check::{
        campaign::WayOfFailing,
        exhaustive::Scopes,
        regression::{Outcome, RegressionResult},
        totals::Totals,
        violation::{Kind, Signature, Violation},
    },
    report::{
        Cell, CorpusSize, Report, SCHEMA,
        speed::{Calibration, CellSpeed, Speed},
    },
};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "report",
    version: SCHEMA,
    about: "report.json: what a check found",
    writer: Writer::ThisRelease,
    samples,
    decode,
}];

fn samples() -> Vec<Sample> {
    let cell = |store: &str, backend: &str, violations, missing: &[&str]| Cell {
        store: store.to_owned(),
        backend: backend.to_owned(),
        cases: 20_000,
        totals: Totals {
            operations: 1_234_567,
            schedules: 30_000,
            crash_images: 4_000_000_000,
            scopes: Scopes::default(),
            violations,
        },
        missing: missing.iter().map(ToString::to_string).collect(),
        ..Cell::default()
    };
    let holds = Report {
        schema: SCHEMA,
        version: "0.1.0".to_owned(),
        seed: 7,
        profile: "smoke".to_owned(),
        trace_hash: "00ff00ff00ff00ff".to_owned(),
        seconds: 61.5,
        interrupted: false,
        allowed: Vec::new(),
        results: vec![cell("users", "memory", 0, &[])],
        reached: BTreeMap::from([("users.get:found".to_owned(), 3)]),
        counterexamples: Vec::new(),
        ..Report::default()
    };
    let violated = Report {
        seed: u64::MAX,
        profile: "default".to_owned(),
        interrupted: true,
        allowed: vec!["created_at_on_put".to_owned()],
        results: vec![
            cell("users", "file", 2, &[]),
            cell("collection", "memory", 0, &["get:corrupt"]),
        ],
        counterexamples: vec!["out/counterexamples/users-file-17.json".to_owned()],
        ..holds.clone()
    };
    let mut proven = holds.clone();
    for cell in &mut proven.results {
        cell.totals.scopes = Scopes { whole: 90, bounded: 7, cut: 1, interleavings: 81_234 };
    }
    let planted = Report { planted: Some("A7".to_owned()), ..violated.clone() };
    let mut on_threads = part_of_a_campaign(&violated);
    let ways = on_threads.results.iter_mut().flat_map(|cell| &mut cell.ways);
    ways.for_each(|way| way.uncertain = true);
    let named = [
        ("part-of-a-campaign", part_of_a_campaign(&violated)),
        ("failed-on-threads", on_threads),
        ("holds", holds),
        ("violated", violated),
        ("every-interleaving", proven),
        ("planted", planted),
    ];
    named.into_iter().map(sample).collect()
}

/// One with everything that a campaign adds.
fn part_of_a_campaign(violated: &Report) -> Report {
    let signature = |rule: &str| Signature { kind: Kind::Outcome, rule: rule.to_owned() };
    let way = |case, mutated| WayOfFailing {
        case,
        mutated,
        uncertain: false,
        seen: signature("the record, or NotFound"),
        shrunk: signature("there is no such record"),
    };
    let violation = Violation {
        signature: signature("there is no such record"),
        steps: Vec::new(),
        crash: None,
    };
    let regression = |file: &str, outcome, violation| RegressionResult {
        file: file.to_owned(),
        digest: "0123456789abcdef".to_owned(),
        store: "users".to_owned(),
        backend: "file".to_owned(),
        outcome,
        violation,
    };
    let mut report = Report {
        shard: Some("2/5".to_owned()),
        cases: Some(1_000),
        time: Some(28_800),
        regressions: vec![
            regression("saved/a.json", Outcome::Holds, None),
            regression("saved/b.json", Outcome::Broken, Some(violation)),
            regression("saved/c.json", Outcome::Stale, None),
            regression("saved/d.json", Outcome::NotRun, None),
        ],
        corpus: Some(CorpusSize { entries: 900, keys: 3_000 }),
        speed: Some(Speed {
            calibration: Calibration { name: "work-1".to_owned(), per_second: 70.5 },
            cells: vec![CellSpeed {
                store: "users".to_owned(),
                backend: "file".to_owned(),
                operations: 1_234_567,
                seconds: 3.25,
            }],
        }),
        ..violated.clone()
    };
    for cell in &mut report.results {
        cell.trace_hash = "fedcba9876543210".to_owned();
        cell.ways = vec![way(17, false), way(3, true)];
    }
    report
}

fn sample((name, report): (&'static str, Report)) -> Sample {
    let value = serde_json::to_value(&report).unwrap_or_default();
    Sample::new(name, report.to_text(), value)
}

fn decode(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let report = Report::read(text).map_err(|error| error.to_string())?;
    let read = serde_json::to_value(&report).map_err(|error| error.to_string())?;
    let document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(as_read(&document, &read, Unknown::PassedOver))
}
