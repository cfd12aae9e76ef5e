//! A session, and its JSON.

use std::fmt;

use serde_json::value::RawValue;

use super::message::{Message, before_another, in_order};
use crate::{
    seam::{Instant, Payload, Record},
    store::{document::Document, instant_text::InstantText, long_member::LongMember},
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

/// The member that may be long.
const MESSAGES: &str = "messages";

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
    MESSAGES,
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

    /// Reads a session's JSON object, messages included. Whether ids are
    /// acceptable is for the store to judge.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub fn from_document(document: Document) -> Result<Self, String> {
        Ok(Self {
            id: document.required_text("id")?,
            user_id: document.required_text("user_id")?,
            dag_name: document.text("dag_name")?,
            title: document.text("title")?,
            model: document.text("model")?,
            created_at: document.instant("created_at")?,
            updated_at: document.instant("updated_at")?,
            parent_session_id: document.text("parent_session_id")?,
            delegate_task: document.text("delegate_task")?,
            messages: messages_in(document.get(MESSAGES).map(RawValue::get))?,
            unknown: document.without(KNOWN),
        })
    }

    /// Reads the session that a record holds, without its messages; instants
    /// that its payload does not have are the record's.
    pub(super) fn from_record(record: &Record) -> Result<Self, String> {
        Ok(Stored::of(record)?.session)
    }

    /// Reads the session that a record holds, with its messages, by
    /// `sequence_id`.
    pub(crate) fn with_messages(record: &Record) -> Result<Self, String> {
        let stored = Stored::of(record)?;
        let messages = stored.messages()?;
        Ok(Self { messages, ..stored.session })
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
        document.set_text("id", &self.id);
        document.set_text("user_id", &self.user_id);
        document.set_or_remove_text("dag_name", self.dag_name.as_deref());
        document.set_or_remove_text("title", self.title.as_deref());
        document.set_or_remove_text("model", self.model.as_deref());
        document.set_or_remove_instant("created_at", self.created_at.as_ref());
        document.set_or_remove_instant("updated_at", self.updated_at.as_ref());
        document.set_or_remove_text("parent_session_id", self.parent_session_id.as_deref());
        document.set_or_remove_text("delegate_task", self.delegate_task.as_deref());
        let messages = self.messages.iter().map(|message| message.document().to_raw());
        let messages = serde_json::value::to_raw_value(&messages.collect::<Option<Vec<_>>>());
        document.set_or_remove(MESSAGES, messages.ok());
        document.merge(&self.unknown.clone().without(KNOWN));
        document
    }
}

/// A session as it is stored, its messages unread.
pub(super) struct Stored {
    /// Without its messages; with the record's instants where the payload has
    /// none.
    pub(super) session: Session,
    object: LongMember,
}

impl Stored {
    /// What a record holds.
    pub(super) fn of(record: &Record) -> Result<Self, String> {
        let object = LongMember::of(&record.data, MESSAGES).ok_or("it is no JSON object")?;
        let mut session = Session::from_document(object.document().clone())?;
        for (name, text) in [("id", &session.id), ("user_id", &session.user_id)] {
            if text.is_empty() {
                return Err(format!("{name:?} is empty"));
            }
        }
        if object.text().is_some_and(|messages| !messages.starts_with('[')) {
            return Err("\"messages\" is not an array".to_owned());
        }
        if !session.record_ids().iter().any(|id| id == record.id.as_str()) {
            return Err("its user_id and id are not the record's".to_owned());
        }
        session.created_at.get_or_insert_with(|| record.created_at.into());
        session.updated_at.get_or_insert_with(|| record.updated_at.into());
        Ok(Self { session, object })
    }

    /// What an update by `given` makes of it: another title, or none, and
    /// another `updated_at`, if one is given. None: it stays as it is.
    pub(super) fn updated(&self, given: &Session) -> Option<Payload> {
        let mut document = self.object.document().clone();
        document.set_or_remove_text("title", given.title.as_deref());
        // An instant that does not change keeps its text. One that older software
        // left to the file's own time is written down: the file gets another.
        let stored = &self.session;
        let changed =
            given.updated_at.as_ref().filter(|at| Some(*at) != stored.updated_at.as_ref());
        if changed.is_none() && given.title == stored.title {
            return None;
        }
        document.set_or_remove_instant("created_at", stored.created_at.as_ref());
        document.set_or_remove_instant("updated_at", changed.or(stored.updated_at.as_ref()));
        Some(self.object.within(&document))
    }

    /// It with a further message, changed at `now`. The messages that are there
    /// are neither read nor written anew.
    pub(super) fn with_message(&self, message: &Message, now: Instant) -> Payload {
        let mut document = self.object.document().clone();
        document.set_or_remove_instant("created_at", self.session.created_at.as_ref());
        if self.session.title.as_deref().is_none_or(str::is_empty)
            && let Some(title) = message.title()
        {
            document.set_text("title", &title);
        }
        document.set_text("updated_at", &now.to_string());
        let own = message.document().to_text();
        let [before, separator] = before_another(self.object.text());
        document.to_payload_with(MESSAGES, &[before, separator, &own, "]"])
    }

    /// Its messages, in order.
    pub(super) fn messages(&self) -> Result<Vec<Message>, String> {
        Ok(in_order(messages_in(self.object.text())?))
    }
}

/// The messages of a JSON array; none where there is none.
fn messages_in(text: Option<&str>) -> Result<Vec<Message>, String> {
    let messages: Option<Vec<Document>> = serde_json::from_str(text.unwrap_or("null"))
        .map_err(|_| "\"messages\" is not an array of objects")?;
    messages.unwrap_or_default().into_iter().map(Message::from_document).collect()
}

/// Without what was said.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("dag_name", &self.dag_name)
            .field("title", &self.title.as_ref().map(|_| "…"))
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
    use super::{Message, Session, Stored};
    use crate::{
        seam::{Instant, Payload, Record, RecordId},
        store::{document::Document, instant_text::InstantText},
    };

    fn record(json: &str) -> Record {
        let id = RecordId::new("u/s").unwrap();
        Record::json(id, Payload::json(json.as_bytes()).unwrap(), Instant::ZERO)
    }

    fn stored(json: &str) -> Stored {
        Stored::of(&record(json)).unwrap()
    }

    fn message(json: &str) -> Message {
        Message::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn what_was_said_is_not_shown() {
        let session = stored(r#"{"id":"s","user_id":"u","z":"hunter3"}"#).session;
        let messages = vec![message(r#"{"content":"hunter2"}"#)];
        let shown = format!("{:?}", Session { messages, ..session });
        assert!(shown.contains("\"s\"") && shown.contains("\"u\""), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }

    const FULL: &str = r#"{"id":"s","user_id":"u","dag_name":"d","title":"t","model":"m","created_at":"2026-01-01T09:00:00+09:00","updated_at":"2026-01-01T00:00:00.50Z","parent_session_id":"p","delegate_task":"do","messages":[{"sequence_id":2},{"sequence_id":1,"x":1e400}],"z":123456789012345678901234567890}"#;

    #[test]
    fn a_session_is_read_without_its_messages_and_written_in_order() {
        let mut session = Session::from_record(&record(FULL)).unwrap();
        assert_eq!(session.messages, []);
        session.messages =
            vec![message(r#"{"sequence_id":2}"#), message(r#"{"sequence_id":1,"x":1e400}"#)];
        assert_eq!(session.to_document().to_text(), FULL);
        assert_eq!(Session::from_document(session.to_document()), Ok(session));
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
            (r#"{"id":"","user_id":"u"}"#, "\"id\" is empty"),
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
            assert!(!stored(&json).messages().expect_err(&json).contains("secret"));
        }
    }

    #[test]
    fn an_update_changes_the_title_and_the_time_of_the_change_alone() {
        let mut given = Session::new("s", "another");
        given.model = Some("another".into());
        given.created_at = Some(Instant::UNIX_EPOCH.into());
        given.updated_at = InstantText::parse("2026-01-01T00:00:00.5Z");
        let merged = stored(FULL).updated(&given).expect("its title goes");
        assert_eq!(merged.to_text_lossy(), FULL.replace(r#""title":"t","#, ""));
        given.title = Some("new".into());
        given.updated_at = Some(Instant::ZERO.into());
        let merged = stored(FULL).updated(&given).expect("its title changes");
        let expected = FULL
            .replace(r#""title":"t""#, r#""title":"new""#)
            .replace("2026-01-01T00:00:00.50Z", "0001-01-01T00:00:00Z");
        assert_eq!(merged.to_text_lossy(), expected);
    }

    #[test]
    fn instants_that_only_the_file_told_are_written_down() {
        let older = stored(r#"{"id":"s","user_id":"u","updated_at":null}"#);
        assert_eq!(older.updated(&Session::new("s", "u")), None, "nothing changes");
        let mut given = Session::new("s", "u");
        given.title = Some("t".into());
        let merged = older.updated(&given).expect("its title changes");
        let zero = "0001-01-01T00:00:00Z";
        assert_eq!(
            merged.to_text_lossy(),
            format!(
                r#"{{"id":"s","user_id":"u","updated_at":"{zero}","title":"t","created_at":"{zero}"}}"#
            )
        );
        let with = older.with_message(&message("{}"), Instant::UNIX_EPOCH);
        assert!(with.to_text_lossy().contains(&format!(r#""created_at":"{zero}""#)));
    }

    #[test]
    fn a_message_leaves_all_else_as_it_is_written() {
        let said = message(r#"{"type":"user","content":"hi"}"#);
        let with = |json: &str| {
            let payload = stored(json).with_message(&said, Instant::UNIX_EPOCH);
            payload.to_text_lossy().into_owned()
        };
        let expected = FULL
            .replace("2026-01-01T00:00:00.50Z", "1970-01-01T00:00:00Z")
            .replace("1e400}]", r#"1e400},{"type":"user","content":"hi"}]"#);
        assert_eq!(with(FULL), expected);
        for messages in ["", r#","messages":null"#] {
            let json = format!(r#"{{"user_id":"u","title":"","id":"s"{messages}}}"#);
            let with = stored(&with(&json));
            assert_eq!(with.session.title.as_deref(), Some("hi"));
            assert_eq!(with.messages().unwrap(), std::slice::from_ref(&said));
        }
    }
}
