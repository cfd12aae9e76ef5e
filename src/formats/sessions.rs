//! Sessions, as we and as older software write them.

use serde_json::{Map, Value, json};

use super::{Format, Sample, Writer, flat, value};
use crate::store::{
    document::Document,
    instant_text::InstantText,
    sessions::{Message, Session, SessionStore},
};

pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "sessions",
        version: 1,
        about: "the payload of a session",
        writer: Writer::ThisRelease,
        samples,
        decode: |bytes| Ok(value_of(&read(bytes)?)),
    },
    Format {
        name: "sessions-nested",
        version: 0,
        about: "a session as a file of older software, in its user's directory",
        writer: Writer::OlderSoftware,
        samples: nested_samples,
        decode: |bytes| decode_flat(&format!("{USER_ID}/{ID}"), bytes),
    },
    Format {
        name: "sessions-flat",
        version: 0,
        about: "a session as a file of older software, beside those of all users",
        writer: Writer::OlderSoftware,
        samples: flat_samples,
        decode: |bytes| decode_flat(ID, bytes),
    },
];

fn read(bytes: &[u8]) -> Result<Session, String> {
    Session::from_document(Document::parse(bytes).ok_or("it is no JSON object")?)
}

fn value_of(session: &Session) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        members.extend(value.map(|value| (name.to_owned(), value)));
    };
    let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
    // The text itself: an instant that does not change keeps it.
    let instant = |at: &Option<InstantText>| at.as_ref().map(|at| json!(at.as_str()));
    add("id", Some(json!(session.id)));
    add("user_id", Some(json!(session.user_id)));
    add("dag_name", text(&session.dag_name));
    add("title", text(&session.title));
    add("model", text(&session.model));
    add("created_at", instant(&session.created_at));
    add("updated_at", instant(&session.updated_at));
    add("parent_session_id", text(&session.parent_session_id));
    add("delegate_task", text(&session.delegate_task));
    let messages = session.messages.iter();
    let messages = messages.map(|message| value::with_unknown(Map::new(), message.document()));
    add("messages", Some(messages.collect()));
    value::with_unknown(members, &session.unknown)
}

/// The id of every sample, and whose it is.
const ID: &str = "d0000000-0000-4000-8000-000000000001";
const USER_ID: &str = "ユーザー";

fn samples() -> Vec<Sample> {
    let sample = |name, session: Session| {
        Sample::of(name, session.to_document().to_text(), value_of(&session))
    };
    let document = |json: &str| Document::parse(json.as_bytes()).unwrap_or_default();
    let text = |text: &str| Some(text.to_owned());
    let plain = Session::new(ID, USER_ID);
    let messages = [
        r#"{"id":"m1","session_id":"d0000000-0000-4000-8000-000000000001","type":"user","sequence_id":1,"content":"\u003cb\u003e \"hi\"","created_at":"2026-04-01T10:00:00+09:00"}"#,
        r#"{"type":"assistant","sequence_id":9223372036854775807,"tool_calls":[{"a":"}]"}],"cost":0.00123,"n":1e400}"#,
        "{}",
    ];
    vec![
        sample("smallest", plain.clone()),
        sample(
            "full",
            Session {
                dag_name: text("etl"),
                title: text("これは \"長い\" <title>\u{2028}..."),
                model: text("gpt-x"),
                created_at: InstantText::parse("2025-11-03T09:15:30.123456789+09:00"),
                updated_at: InstantText::parse("2026-01-01T00:00:00.50Z"),
                parent_session_id: text("d0000000-0000-4000-8000-000000000002"),
                delegate_task: text("check <logs> & \\"),
                messages: messages
                    .iter()
                    .filter_map(|json| Message::from_document(document(json)).ok())
                    .collect(),
                ..plain.clone()
            },
        ),
        sample(
            "empty-but-present",
            Session {
                dag_name: text(""),
                title: text(""),
                model: text(""),
                created_at: InstantText::parse("0001-01-01T00:00:00Z"),
                updated_at: InstantText::parse("9999-12-31T23:59:59.999999999Z"),
                parent_session_id: text(""),
                delegate_task: text(""),
                ..plain.clone()
            },
        ),
        sample(
            "members-of-another-release",
            Session {
                unknown: document(
                    r#"{"quota":123456789012345678901234567890,"tags":{"a":"\u00e9"},"big":1e400}"#,
                ),
                ..plain
            },
        ),
    ]
}

fn nested_samples() -> Vec<Sample> {
    let modified = json!({ "seconds": flat::MODIFIED.0, "nanoseconds": flat::MODIFIED.1 });
    vec![
        Sample::of(
            "indented",
            r#"{
  "id": "d0000000-0000-4000-8000-000000000001",
  "user_id": "ユーザー",
  "dag_name": "etl",
  "title": "\u003cb\u003e...",
  "model": "gpt-x",
  "created_at": "2026-01-01T09:00:00.123456789+09:00",
  "updated_at": "2026-01-01T00:01:01Z",
  "parent_session_id": "p",
  "delegate_task": "look",
  "messages": [
    {
      "id": "m1",
      "session_id": "d0000000-0000-4000-8000-000000000001",
      "type": "user",
      "sequence_id": 1,
      "content": "\u003cb\u003e",
      "created_at": "2026-01-01T09:00:00+09:00"
    },
    {
      "type": "ui_action",
      "sequence_id": 2,
      "ui_action": {
        "path": "/"
      },
      "cost": 0.00123
    }
  ]
}"#,
            json!({
                "created_at": { "seconds": 1_767_225_600, "nanoseconds": 123_456_789 },
                "updated_at": { "seconds": 1_767_225_661, "nanoseconds": 0 },
                "session": {
                    "id": ID,
                    "user_id": USER_ID,
                    "dag_name": "etl",
                    "title": "<b>...",
                    "model": "gpt-x",
                    "created_at": "2026-01-01T09:00:00.123456789+09:00",
                    "updated_at": "2026-01-01T00:01:01Z",
                    "parent_session_id": "p",
                    "delegate_task": "look",
                    "messages": [
                        {
                            "id": "m1",
                            "session_id": ID,
                            "type": "user",
                            "sequence_id": 1,
                            "content": { "raw": "\"\\u003cb\\u003e\"" },
                            "created_at": "2026-01-01T09:00:00+09:00",
                        },
                        {
                            "type": "ui_action",
                            "sequence_id": 2,
                            "ui_action": { "raw": "{\n        \"path\": \"/\"\n      }" },
                            "cost": 0.00123,
                        },
                    ],
                },
            }),
        ),
        Sample::of(
            "without-times-and-messages",
            r#"{"user_id":"ユーザー","id":"d0000000-0000-4000-8000-000000000001","messages":null}"#,
            json!({
                "created_at": modified,
                "updated_at": modified,
                "session": { "id": ID, "user_id": USER_ID, "messages": [] },
            }),
        ),
    ]
}

fn flat_samples() -> Vec<Sample> {
    vec![Sample::of(
        "compact",
        r#"{"id":"d0000000-0000-4000-8000-000000000001","user_id":"ユーザー","title":"t","created_at":"0001-01-01T00:00:00Z","updated_at":"2026-01-01T00:01:01Z","messages":[{"type":"error","sequence_id":3,"content":"x"}]}
"#,
        json!({
            "created_at": { "seconds": -62_135_596_800_i64, "nanoseconds": 0 },
            "updated_at": { "seconds": 1_767_225_661, "nanoseconds": 0 },
            "session": {
                "id": ID,
                "user_id": USER_ID,
                "title": "t",
                "created_at": "0001-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:01:01Z",
                "messages": [{ "type": "error", "sequence_id": 3, "content": "x" }],
            },
        }),
    )]
}

fn decode_flat(id: &str, bytes: &[u8]) -> Result<Value, String> {
    let record = flat::record(id, bytes, &SessionStore::spec().legacy)?;
    Ok(json!({
        "created_at": value::instant(record.created_at),
        "updated_at": value::instant(record.updated_at),
        "session": value_of(&read(bytes)?),
    }))
}
