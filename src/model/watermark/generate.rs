//! Making calls of the watermark store, and states of older software, from
//! bytes.

use arbitrary::Result;

use super::operation::WatermarkOp;
use crate::model::{
    legacy::{LegacyDocument, modified, object_text, offset_text},
    members::{generate_unknown, quoted},
    payload::PayloadInput,
    source::Source,
};

/// How often each operation comes, in the order of
/// [`OPERATIONS`](super::operation::OPERATIONS).
const WEIGHTS: &[u8] = &[12, 10];

/// One call.
pub(super) fn operation(source: &mut Source<'_, '_>) -> Result<WatermarkOp> {
    Ok(match source.operation(WEIGHTS)? {
        0 => WatermarkOp::Load,
        _ => {
            let state = if source.ratio(1, 10)? {
                source.choose(NO_OBJECTS)?.as_bytes().to_vec()
            } else {
                state(source)?.into_bytes()
            };
            WatermarkOp::Save { state: PayloadInput::new(&state) }
        }
    })
}

/// What is no JSON object: the null that a caller without a state would save,
/// for one.
const NO_OBJECTS: &[&str] = &["null", "[]", "\"x\"", "", "{", "{} {}", "\u{feff}{}", "3"];

/// Objects that are no state, for all that is known.
const UNUSABLE: &[&str] = &[
    r#"{"version":4,"dags":{}}"#,
    r#"{"version":99,"lastTick":7}"#,
    r#"{"version":"3"}"#,
    r#"{"version":3.0}"#,
    r#"{"version":-1}"#,
    r#"{"version":1e400}"#,
    r#"{"version":3,"lastTick":"today"}"#,
    r#"{"version":3,"dags":[]}"#,
    r#"{"version":3,"dags":{"a":1}}"#,
    r#"{"version":2,"dags":{"a":{"oneOffs":{"f":{"scheduledTime":0}}}}}"#,
    r#"{"version":1,"dags":{"a":{"startScheduleFingerprint":[]}}}"#,
];

/// A state of any version; at times one that can't be used.
fn state(source: &mut Source<'_, '_>) -> Result<String> {
    if source.ratio(1, 6)? {
        return Ok((*source.choose(UNUSABLE)?).to_owned());
    }
    let mut members = Vec::new();
    let version = *source.choose(&["3", "3", "3", "2", "1", "0", "null", ""])?;
    if !version.is_empty() {
        members.push(format!("\"version\": {version}"));
    }
    instant(source, "lastTick", &mut members)?;
    let mut dags: Vec<String> = Vec::new();
    for name in ["etl", "レポート <月次>", "a\u{2028}"] {
        if source.ratio(1, 3)? {
            dags.push(format!("{}:{}", quoted(name), dag(source)?));
        }
    }
    if !dags.is_empty() || source.ratio(1, 2)? {
        members.push(format!("\"dags\": {{{}}}", dags.join(",")));
    }
    for (name, value) in generate_unknown(source)? {
        members.push(format!("{}: {value}", quoted(&name)));
    }
    object_text(source, &members)
}

fn dag(source: &mut Source<'_, '_>) -> Result<String> {
    let mut members = Vec::new();
    instant(source, "lastScheduledTime", &mut members)?;
    if source.ratio(1, 3)? {
        let fingerprint = *source.choose(&["\"sha:\\u003cabc\\u003e\"", "\"\"", "null"])?;
        members.push(format!("\"startScheduleFingerprint\": {fingerprint}"));
    }
    instant(source, "skipSuccessResetAt", &mut members)?;
    if source.ratio(1, 3)? {
        let mut runs = Vec::new();
        for name in ["f", "g"] {
            if source.ratio(1, 2)? {
                let mut run = Vec::new();
                instant(source, "scheduledTime", &mut run)?;
                let status = *source.choose(&["\"pending\"", "\"consumed\"", "\"\"", "null"])?;
                run.push(format!("\"status\": {status}"));
                runs.push(format!("\"{name}\": {}", object_text(source, &run)?));
            }
        }
        members.push(format!("\"oneOffs\": {{{}}}", runs.join(",")));
    }
    for (name, value) in generate_unknown(source)? {
        members.push(format!("{}: {value}", quoted(&name)));
    }
    object_text(source, &members)
}

/// A member that is missing at times.
fn instant(source: &mut Source<'_, '_>, name: &str, members: &mut Vec<String>) -> Result<()> {
    if source.ratio(3, 4)? {
        let at = offset_text(source.instant()?);
        members.push(format!("\"{name}\": \"{at}\""));
    }
    Ok(())
}

/// A state as older software wrote it, or what a crash left of one; beside it
/// at times the file where a newer release keeps its last tick.
pub(super) fn legacy(source: &mut Source<'_, '_>) -> Result<Vec<LegacyDocument>> {
    let mut documents = Vec::new();
    let mut add = |id: &str, text: String, modified| {
        documents.push(LegacyDocument { id: id.to_owned(), text, modified });
    };
    if source.ratio(5, 6)? {
        let text = if source.ratio(1, 8)? {
            (*source.choose(NO_OBJECTS)?).to_owned()
        } else {
            state(source)?
        };
        add("state", text, modified(source)?);
    }
    if source.ratio(1, 4)? {
        add("checkpoint", r#"{"lastTick":"2026-05-01T12:34:00Z"}"#.to_owned(), modified(source)?);
    }
    Ok(documents)
}

/// A state as older software writes it while we run.
pub(super) fn legacy_write(source: &mut Source<'_, '_>) -> Result<LegacyDocument> {
    let text = state(source)?;
    Ok(LegacyDocument { id: "state".to_owned(), text, modified: modified(source)? })
}
