//! Cursors, which clients may keep and send.

use serde_json::{Value, json};

use super::{Format, Sample, Writer, value};
use crate::seam::{Cursor, Error, Instant, Position, RecordId};

pub(super) const FORMATS: &[Format] = &[Format {
    name: "cursor",
    version: 1,
    about: "where a listing goes on: seam::Cursor",
    writer: Writer::ThisRelease,
    samples,
    decode,
}];

fn samples() -> Vec<Sample> {
    let half = Instant::new(1_767_225_600, 500_000_000).unwrap_or(Instant::MAX);
    vec![
        sample("damaged", "a", None),
        sample("record", "users/ann", Some(half)),
        sample("year-0000", "\u{2028}?>~ü", Some(Instant::MIN)),
        sample("year-9999", "a.b", Some(Instant::MAX)),
    ]
}

fn sample(name: &'static str, id: &str, at: Option<Instant>) -> Sample {
    let text = |id: RecordId| {
        let position = match at {
            None => Position::Damaged(id),
            Some(at) => Position::Record(at, id),
        };
        Cursor::new(&position).as_str().to_owned()
    };
    let value = match at {
        None => json!({ "damaged": id }),
        Some(at) => json!({ "record": id, "created_at": value::instant(at) }),
    };
    Sample::new::<Error>(name, RecordId::new(id).map(text), value)
}

fn decode(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    match Cursor::from_text(text).position().ok_or("it is not one of our cursors")? {
        Position::Damaged(id) => Ok(json!({ "damaged": id.as_str() })),
        Position::Record(at, id) => {
            Ok(json!({ "record": id.as_str(), "created_at": value::instant(at) }))
        }
    }
}
