//! Records, queries and results as the protocol writes them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::to_raw_value;

use super::{failure::Failure, message::Answer, params::Params};
use crate::{
    seam::{
        Action, Condition, Cursor, Damaged, Encoding, Instant, ListQuery, Outcome, Payload, Record,
        RecordId, Selection, Write,
    },
    store::{
        document::Document,
        error::{DamagedEntity, Kind},
    },
};

/// A result, as JSON.
pub(super) fn result(value: &impl Serialize) -> Result<Answer, Failure> {
    to_raw_value(value).map_err(|_| Failure::internal("the result can't be written as JSON"))
}

/// The result of a method that has nothing to say.
pub(super) fn done<E: Into<Failure>>(outcome: Result<(), E>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Nothing {}

    outcome.map_err(Into::into)?;
    result(&Nothing {})
}

/// The result of a method that counts.
pub(super) fn counted<E: Into<Failure>>(outcome: Result<u64, E>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Count {
        count: u64,
    }

    let count = outcome.map_err(Into::into)?;
    result(&Count { count })
}

/// An entity in its JSON form.
pub(super) fn entity(document: &Document) -> Result<Answer, Failure> {
    let raw = document.to_raw();
    raw.ok_or_else(|| Failure::internal("a stored entity can't be written as JSON"))
}

/// A record in an answer.
#[derive(Serialize)]
pub(super) struct RecordOut<'a> {
    id: &'a RecordId,
    data: String,
    encoding: &'a str,
    created_at: Instant,
    updated_at: Instant,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Instant>,
}

impl<'a> From<&'a Record> for RecordOut<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            id: &record.id,
            data: STANDARD.encode(record.data.bytes()),
            encoding: record.encoding.as_str(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            expires_at: record.expires_at,
        }
    }
}

/// What could not be read, named beside what could.
#[derive(Serialize)]
pub(super) struct DamagedOut<'a> {
    id: &'a RecordId,
    message: &'a str,
}

impl<'a> From<&'a Damaged> for DamagedOut<'a> {
    fn from(damaged: &'a Damaged) -> Self {
        Self { id: &damaged.id, message: &damaged.message }
    }
}

impl<'a> From<&'a DamagedEntity> for DamagedOut<'a> {
    fn from(damaged: &'a DamagedEntity) -> Self {
        Self { id: &damaged.id, message: &damaged.message }
    }
}

/// A record id.
pub(super) fn id(params: &Params) -> Result<RecordId, Failure> {
    Ok(RecordId::new(params.text("id")?)?)
}

/// Data, in base64.
pub(super) fn data(params: &Params, name: &str) -> Result<Payload, Failure> {
    Ok(Payload::new(params.bytes(name)?))
}

/// A record, judged in the order of the contract: what is malformed, the id,
/// the instants.
pub(super) fn record(object: &Params) -> Result<Record, Failure> {
    let id = object.text("id")?;
    let data = data(object, "data")?;
    let encoding = object.text("encoding")?;
    let created_at = Given::new("created_at", &object.text("created_at")?)?;
    let updated_at = Given::new("updated_at", &object.text("updated_at")?)?;
    let expires_at = object.optional_text("expires_at")?;
    let expires_at = expires_at.map(|text| Given::new("expires_at", &text)).transpose()?;
    Ok(Record {
        id: RecordId::new(id)?,
        data,
        encoding: Encoding::new(&encoding),
        created_at: created_at.instant()?,
        updated_at: updated_at.instant()?,
        expires_at: expires_at.map(|given| given.instant()).transpose()?,
    })
}

/// An instant of a record: a text that is no date-time makes the params
/// malformed, one beyond the range of instants makes the record invalid.
struct Given {
    name: &'static str,
    instant: Option<Instant>,
}

impl Given {
    fn new(name: &'static str, text: &str) -> Result<Self, Failure> {
        let instant = Instant::parse(text);
        if instant.is_none() && !is_beyond_the_range(text) {
            return Err(Failure::invalid_params(format!("{name:?} is not an RFC 3339 date-time")));
        }
        Ok(Self { name, instant })
    }

    fn instant(&self) -> Result<Instant, Failure> {
        self.instant.ok_or_else(|| {
            let problem = format!("{:?} is not in the years 0000 to 9999 UTC", self.name);
            Failure::new(Kind::InvalidRecord, Outcome::NotDone, problem)
        })
    }
}

/// Whether nothing but the year keeps a text from being an instant: it would
/// be one in a year in the middle of the range.
fn is_beyond_the_range(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let rest = unsigned.get(digits..).unwrap_or_default();
    digits >= 4 && Instant::parse(&format!("2000{rest}")).is_some()
}

/// Which records an operation is about.
pub(super) fn selection(params: &Params) -> Result<Selection, Failure> {
    Ok(Selection {
        prefix: params.optional_text("prefix")?.unwrap_or_default(),
        since: params.optional_instant("since")?,
        until: params.optional_instant("until")?,
    })
}

/// A request for a page.
pub(super) fn query(params: &Params) -> Result<ListQuery, Failure> {
    Ok(ListQuery {
        selection: selection(params)?,
        cursor: params.optional_text("cursor")?.map(Cursor::from_text),
        limit: params.optional_count("limit", 1)?,
    })
}

/// The writes of a commit. Of several that can't be read, the gravest decides:
/// one that is malformed, then an invalid id, then an invalid record.
pub(super) fn writes(params: &Params) -> Result<Vec<Write>, Failure> {
    let mut writes = Vec::new();
    let mut gravest: Option<Failure> = None;
    for object in params.objects("writes")? {
        match write(&object) {
            Ok(write) => writes.push(write),
            Err(failure) => {
                if gravest.as_ref().is_none_or(|known| gravity(&failure) > gravity(known)) {
                    gravest = Some(failure);
                }
            }
        }
    }
    gravest.map_or(Ok(writes), Err)
}

fn gravity(failure: &Failure) -> u8 {
    match failure.kind() {
        Kind::InvalidRecord => 0,
        Kind::InvalidId => 1,
        _ => 2,
    }
}

fn write(object: &Params) -> Result<Write, Failure> {
    let put = object.optional_object("put")?;
    let delete = object.optional_text("delete")?;
    let check = object.optional_text("check")?;
    let when = condition(object)?;
    let action = match (put, delete, check) {
        (Some(put), None, None) => Action::Put(record(&put)?),
        (None, Some(id), None) => Action::Delete(RecordId::new(id)?),
        (None, None, Some(id)) => Action::Check(RecordId::new(id)?),
        _ => {
            let problem = "a write is one of \"put\", \"delete\" and \"check\"";
            return Err(Failure::invalid_params(problem));
        }
    };
    Ok(Write { action, when })
}

fn condition(object: &Params) -> Result<Condition, Failure> {
    if let Ok(Some(when)) = object.optional_object("when") {
        return Ok(Condition::Data(data(&when, "data")?));
    }
    match object.optional_text("when").as_ref().map(Option::as_deref) {
        Ok(None | Some("any")) => Ok(Condition::Any),
        Ok(Some("absent")) => Ok(Condition::Absent),
        Ok(Some("present")) => Ok(Condition::Present),
        _ => {
            let expected = "\"any\", \"absent\", \"present\" nor an object with \"data\"";
            Err(Failure::invalid_params(format!("\"when\" is neither {expected}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, record, writes};
    use crate::{
        driver::failure::{Code, Failure},
        seam::{Condition, Record},
        store::{document::Document, error::Kind},
    };

    fn params(text: &str) -> Params {
        Params::new(Document::parse(text.as_bytes()).expect("an object"))
    }

    fn record_at(created_at: &str) -> Result<Record, Failure> {
        record(&params(&format!(
            r#"{{"id":"a","data":"e30=","encoding":"json","created_at":"{created_at}",
               "updated_at":"2026-01-01T00:00:00+09:00","expires_at":null}}"#
        )))
    }

    #[test]
    fn an_instant_beyond_the_range_makes_the_record_invalid_and_no_instant_the_params() {
        for text in [
            "10000-01-01T00:00:00Z",
            "+12026-01-01T00:00:00Z",
            "-0001-12-31T23:59:59Z",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59.9-00:01",
        ] {
            let failure = record_at(text).expect_err(text);
            assert_eq!((failure.code(), failure.kind()), (Code::Failed, Kind::InvalidRecord));
        }
        for text in ["", "today", "2026-01-01", "2026-13-01T00:00:00Z", "1-01-01T00:00:00Z"] {
            let failure = record_at(text).expect_err(text);
            let expected = (Code::InvalidParams, Kind::InvalidArgument);
            assert_eq!((failure.code(), failure.kind()), expected, "{text:?}");
        }
        assert_eq!(record_at("0001-01-01T00:00:00Z").map(|record| record.expires_at), Ok(None));
    }

    #[test]
    fn a_write_has_one_action_and_its_condition() {
        let read = |text: &str| writes(&params(&format!(r#"{{"writes":[{text}]}}"#)));
        let when = |text: &str| read(text).map(|writes| writes[0].when.clone());
        assert_eq!(when(r#"{"check":"a"}"#), Ok(Condition::Any));
        assert_eq!(when(r#"{"check":"a","when":null,"put":null}"#), Ok(Condition::Any));
        assert_eq!(when(r#"{"delete":"a","when":"present"}"#), Ok(Condition::Present));
        let data = when(r#"{"delete":"a","when":{"data":"YQ=="}}"#);
        assert!(matches!(data, Ok(Condition::Data(data)) if data.bytes() == b"a"));
        for text in [
            "{}",
            r#"{"delete":"a","check":"a"}"#,
            r#"{"delete":"a","check":"b","put":{}}"#,
            r#"{"delete":7}"#,
            r#"{"delete":"a","when":"perhaps"}"#,
            r#"{"delete":"a","when":7}"#,
            r#"{"delete":"a","when":{}}"#,
            r#"{"delete":"a","when":{"data":"?"}}"#,
            r#"{"put":{"id":"a"}}"#,
            "7",
        ] {
            let failure = read(text).expect_err(text);
            assert_eq!(failure.code(), Code::InvalidParams, "{text}: {failure:?}");
        }
    }

    #[test]
    fn of_several_bad_writes_the_gravest_decides() {
        let bad_record = r#"{"put":{"id":"a","data":"","encoding":"","created_at":
            "10000-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}}"#;
        let bad_id = r#"{"delete":""}"#;
        let malformed = r#"{"delete":7}"#;
        let kind = |parts: &[&str]| {
            let text = format!(r#"{{"writes":[{}]}}"#, parts.join(","));
            writes(&params(&text)).expect_err("bad").kind()
        };
        assert_eq!(kind(&[bad_record]), Kind::InvalidRecord);
        assert_eq!(kind(&[bad_record, bad_id]), Kind::InvalidId);
        assert_eq!(kind(&[bad_record, bad_id, malformed]), Kind::InvalidArgument);
        assert_eq!(kind(&[malformed, bad_id]), Kind::InvalidArgument);
    }
}
