//! A session, and its JSON.

use std::fmt;

use super::message::{Message, in_order};
use crate::{
    seam::{Instant, Payload, Record},
    store::{
        document::Document,
        instant_text::InstantText,
        raw_object::{RawObject, quoted},
    },
};

/// A session of an agent. Its JSON has these names, in this order.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Without `/`, `\` and `..`.
    pub id: String,
    /// Whose it is; without `/`, `\` and `..`.
    pub user_id: String,
    /// What it is about.
    pub dag_name: Option<String>,
    /// Missing or empty: the first message of the user will give one.
    pub title: Option<String>,
    /// The language model.
    pub model: Option<String>,
    /// When it was created; none given: now.
    pub created_at: Option<InstantText>,
    /// When it was changed; none given: now, or what is stored.
    pub updated_at: Option<InstantText>,
    /// The session that it is a sub-session of; missing or empty: of none, it
    /// is a top-level one. There need not be a session of that id.
    pub parent_session_id: Option<String>,
    /// What it was started for.
    pub delegate_task: Option<String>,
    /// For creation. What reads return has none:
    /// [`messages`](super::Sessions::messages) gives them.
    pub messages: Vec<Message>,
    /// Members that this release does not know.
    pub unknown: Document,
}

const KNOWN: &[&str] = &[
    "id",
    "user_id",
    "dag_name",
    "title",
    "model",
    "created_at",
    "updated_at",
    "parent_session_id",
    "delegate_task",
    "messages",
];

impl Session {
    /// A session with nothing but an id and a user.
    #[must_use]
    pub fn new(id: impl Into<String>, user_id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            user_id: user_id.into(),
            dag_name: None,
            title: None,
            model: None,
            created_at: None,
            updated_at: None,
            parent_session_id: None,
            delegate_task: None,
            messages: Vec::new(),
            unknown: Document::default(),
        }
    }

    /// Whether it is no sub-session.
    #[must_use]
    pub fn is_top_level(&self) -> bool {
        self.parent_session_id.as_deref().is_none_or(str::is_empty)
    }

    /// Reads the session that a record holds, without its messages; instants
    /// that its payload does not have are the record's.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub(super) fn from_record(record: &Record) -> Result<Self, String> {
        Self::read(record, &object_of(record)?)
    }

    fn read(record: &Record, object: &RawObject<'_>) -> Result<Self, String> {
        let text = |name: &str| Ok::<_, String>(object.text(name)?.map(String::from));
        let session = Self {
            id: object.not_empty("id")?.into_owned(),
            user_id: object.not_empty("user_id")?.into_owned(),
            dag_name: text("dag_name")?,
            title: text("title")?,
            model: text("model")?,
            created_at: Some(object.instant("created_at")?.unwrap_or(record.created_at.into())),
            updated_at: Some(object.instant("updated_at")?.unwrap_or(record.updated_at.into())),
            parent_session_id: text("parent_session_id")?,
            delegate_task: text("delegate_task")?,
            messages: Vec::new(),
            unknown: object.without(KNOWN),
        };
        if object.get("messages").is_some_and(|messages| !messages.starts_with('[')) {
            return Err("\"messages\" is not an array".to_owned());
        }
        if !session.record_ids().contains(&record.id.as_str().to_owned()) {
            return Err("its user_id and id are not the record's".to_owned());
        }
        Ok(session)
    }

    /// The ids of records that a session may lie under, the one that we use
    /// first.
    pub(super) fn record_ids(&self) -> [String; 2] {
        [format!("{}/{}", self.user_id, self.id), self.id.clone()]
    }

    /// The session's JSON object.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        let instant = |at: &Option<InstantText>| at.as_ref().map(|at| at.as_str().to_owned());
        for (name, text) in [
            ("id", Some(self.id.clone())),
            ("user_id", Some(self.user_id.clone())),
            ("dag_name", self.dag_name.clone()),
            ("title", self.title.clone()),
            ("model", self.model.clone()),
            ("created_at", instant(&self.created_at)),
            ("updated_at", instant(&self.updated_at)),
            ("parent_session_id", self.parent_session_id.clone()),
            ("delegate_task", self.delegate_task.clone()),
        ] {
            if let Some(text) = text {
                document.set_text(name, &text);
            }
        }
        let messages: Vec<_> =
            self.messages.iter().filter_map(|message| message.document().to_raw()).collect();
        if let Ok(messages) = serde_json::value::to_raw_value(&messages) {
            document.set("messages", messages);
        }
        document.merge(&self.unknown.clone().without(KNOWN));
        document
    }

    /// What an update by `self` makes of a stored session: another title, or
    /// none, and another `updated_at`, if one is given.
    pub(super) fn merged_into(&self, record: &Record) -> Result<Payload, String> {
        let stored = Self::from_record(record)?;
        let mut document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        match &self.title {
            Some(title) => document.set_text("title", title),
            None => document.remove("title"),
        }
        // An instant that does not change keeps its text. One that older software
        // left to the file's own time is written down: the file gets another.
        let given = self.updated_at.as_ref().filter(|at| Some(*at) != stored.updated_at.as_ref());
        let updated_at = given.or(stored.updated_at.as_ref());
        for (name, instant) in
            [("created_at", stored.created_at.as_ref()), ("updated_at", updated_at)]
        {
            if let Some(instant) = instant {
                document.set_text(name, instant.as_str());
            }
        }
        Ok(document.to_payload())
    }
}

/// The messages of the session that a record holds, in order.
pub(super) fn messages_of(record: &Record) -> Result<Vec<Message>, String> {
    let document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
    let messages: Option<Vec<Document>> =
        document.value("messages").map_err(|_| "\"messages\" is not an array of objects")?;
    let messages = messages.unwrap_or_default().into_iter().map(Message::from_document);
    Ok(in_order(messages.collect::<Result<_, _>>()?))
}

/// A stored session with a further message, changed at `now`.
///
/// The messages that are there are neither read nor written anew: a session may
/// have thousands.
pub(super) fn with_message(
    record: &Record,
    message: &Message,
    now: Instant,
) -> Result<Payload, String> {
    let object = object_of(record)?;
    let stored = Session::read(record, &object)?;
    let mut changes = Vec::with_capacity(4);
    // What older software left to the file's own time: the file gets another.
    if let Some(created_at) = stored.created_at.filter(|_| object.get("created_at").is_none()) {
        changes.push(("created_at", quoted(created_at.as_str())));
    }
    if stored.title.is_none_or(|title| title.is_empty())
        && let Some(title) = message.title()
    {
        changes.push(("title", quoted(&title)));
    }
    changes.push(("updated_at", quoted(&now.to_string())));
    changes.push(("messages", message.appended_to(object.get("messages"))));
    Ok(object.with(&changes))
}

fn object_of(record: &Record) -> Result<RawObject<'_>, &'static str> {
    RawObject::of(record).ok_or("it is no JSON object")
}

/// Without what was said.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("dag_name", &self.dag_name)
            .field("title", &self.title)
            .field("model", &self.model)
            .field("created_at", &self.created_at)
            .field("updated_at", &self.updated_at)
            .field("parent_session_id", &self.parent_session_id)
            .field("delegate_task", &self.delegate_task)
            .field("messages", &self.messages)
            .field("unknown", &self.unknown)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Session, messages_of, with_message};
    use crate::{
        seam::{Instant, Payload, Record, RecordId},
        store::{document::Document, instant_text::InstantText},
    };

    fn record(json: &str) -> Record {
        let id = RecordId::new("u/s").unwrap();
        Record::json(id, Payload::json(json.as_bytes()).unwrap(), Instant::ZERO)
    }

    fn message(json: &str) -> Message {
        Message::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap()
    }

    const FULL: &str = r#"{"id":"s","user_id":"u","dag_name":"d","title":"t","model":"m","created_at":"2026-01-01T09:00:00+09:00","updated_at":"2026-01-01T00:00:00.50Z","parent_session_id":"p","delegate_task":"do","messages":[{"sequence_id":2},{"sequence_id":1,"x":1e400}],"z":123456789012345678901234567890}"#;

    #[test]
    fn a_session_is_read_without_its_messages_and_written_in_order() {
        let mut session = Session::from_record(&record(FULL)).unwrap();
        assert_eq!(session.messages, []);
        session.messages =
            vec![message(r#"{"sequence_id":2}"#), message(r#"{"sequence_id":1,"x":1e400}"#)];
        assert_eq!(session.to_document().to_text(), FULL);
        let plain = Session::new("s", "u").to_document().to_text();
        assert_eq!(plain, r#"{"id":"s","user_id":"u","messages":[]}"#);
    }

    #[test]
    fn what_is_no_session_says_why_and_shows_nothing() {
        for (json, problem) in [
            ("[]", "no JSON object"),
            ("{}", "\"id\""),
            (r#"{"id":"s"}"#, "\"user_id\""),
            (r#"{"id":"s","user_id":7}"#, "\"user_id\""),
            (r#"{"id":"secret","user_id":"u"}"#, "not the record's"),
            (r#"{"id":"s","user_id":"secret"}"#, "not the record's"),
            (r#"{"id":"s","user_id":"u","created_at":"secret"}"#, "\"created_at\""),
            (r#"{"id":"s","user_id":"u","title":["secret"]}"#, "\"title\""),
            (r#"{"id":"s","user_id":"u","messages":"secret"}"#, "\"messages\""),
        ] {
            let said = Session::from_record(&record(json)).expect_err(json);
            assert!(said.contains(problem) && !said.contains("secret"), "{json}: {said}");
        }
        for messages in ["[1]", r#"[{"sequence_id":"secret"}]"#] {
            let json = format!(r#"{{"id":"s","user_id":"u","messages":{messages}}}"#);
            assert!(!messages_of(&record(&json)).expect_err(&json).contains("secret"));
        }
    }

    #[test]
    fn an_update_changes_the_title_and_the_time_of_the_change_alone() {
        let mut given = Session::new("s", "another");
        given.model = Some("another".into());
        given.created_at = Some(Instant::UNIX_EPOCH.into());
        given.updated_at = InstantText::parse("2026-01-01T00:00:00.5Z");
        let merged = given.merged_into(&record(FULL)).unwrap();
        assert_eq!(merged.to_text_lossy(), FULL.replace(r#""title":"t","#, ""));
        given.title = Some("new".into());
        given.updated_at = Some(Instant::ZERO.into());
        let merged = given.merged_into(&record(FULL)).unwrap();
        let expected = FULL
            .replace(r#""title":"t""#, r#""title":"new""#)
            .replace("2026-01-01T00:00:00.50Z", "0001-01-01T00:00:00Z");
        assert_eq!(merged.to_text_lossy(), expected);
    }

    #[test]
    fn instants_that_only_the_file_told_are_written_down() {
        let older = record(r#"{"id":"s","user_id":"u","updated_at":null}"#);
        let merged = Session::new("s", "u").merged_into(&older).unwrap();
        let zero = "0001-01-01T00:00:00Z";
        assert_eq!(
            merged.to_text_lossy(),
            format!(r#"{{"id":"s","user_id":"u","updated_at":"{zero}","created_at":"{zero}"}}"#)
        );
        let with = with_message(&older, &message("{}"), Instant::UNIX_EPOCH).unwrap();
        assert!(with.to_text_lossy().contains(&format!(r#""created_at":"{zero}""#)));
    }

    #[test]
    fn a_message_leaves_all_else_as_it_is_written() {
        let said = message(r#"{"type":"user","content":"hi"}"#);
        let with = |json: &str| {
            let payload = with_message(&record(json), &said, Instant::UNIX_EPOCH).unwrap();
            payload.to_text_lossy().into_owned()
        };
        let expected = FULL
            .replace("2026-01-01T00:00:00.50Z", "1970-01-01T00:00:00Z")
            .replace("1e400}]", r#"1e400},{"type":"user","content":"hi"}]"#);
        assert_eq!(with(FULL), expected);
        for messages in ["", r#","messages":null"#] {
            let json = format!(r#"{{"user_id":"u","title":"","id":"s"{messages}}}"#);
            let session = record(&with(&json));
            assert_eq!(Session::from_record(&session).unwrap().title.as_deref(), Some("hi"));
            assert_eq!(messages_of(&session).unwrap(), [said.clone()]);
        }
    }
}
