//! A message of a session, and what it does to the session's title.

use std::fmt;

use crate::store::document::Document;

/// A message, as it was written: what this release does not know of it is kept
/// like all the rest.
///
/// The field's names are `id session_id type sequence_id content? created_at`
/// and further ones; the types in use are `user`, `assistant`, `error`,
/// `ui_action` and `user_prompt`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    document: Document,
    is_from_user: bool,
    sequence_id: i64,
    content: Option<String>,
}

impl Message {
    /// Reads a message's JSON object.
    ///
    /// # Errors
    /// What is wrong, without any content: `type` or `content` is no string,
    /// `sequence_id` no integer of 64 bits.
    pub fn from_document(document: Document) -> Result<Self, String> {
        let sequence_id: Option<i64> = document
            .value("sequence_id")
            .map_err(|_| "\"sequence_id\" is not an integer of 64 bits".to_owned())?;
        Ok(Self {
            is_from_user: document.text("type")?.as_deref() == Some("user"),
            sequence_id: sequence_id.unwrap_or_default(),
            content: document.text("content")?,
            document,
        })
    }

    /// Its place among the messages of its session; a missing one is 0.
    #[must_use]
    pub fn sequence_id(&self) -> i64 {
        self.sequence_id
    }

    /// What was said.
    #[must_use]
    pub fn content(&self) -> Option<&str> {
        self.content.as_deref()
    }

    /// The message's JSON object.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The title that the message gives a session which has none.
    pub(super) fn title(&self) -> Option<String> {
        let content = self.content.as_deref().filter(|content| !content.is_empty());
        content.filter(|_| self.is_from_user).map(title)
    }
}

/// What stands before one more message at the end of `messages`, a JSON array or
/// nothing: the array up to its end, and a comma where one is needed. What is
/// there is not looked into.
pub(super) fn before_another(messages: Option<&str>) -> [&str; 2] {
    let before = messages.and_then(|text| text.trim_ascii_end().strip_suffix(']'));
    let before = before.unwrap_or("[").trim_ascii_end();
    [before, if before == "[" { "" } else { "," }]
}

/// How long a title may be, in characters (Unicode scalar values).
const LONGEST_TITLE: usize = 50;

/// What ends a title that was cut.
const ELLIPSIS: &str = "...";

/// A content as a title: whole, or cut to 47 characters and `...`.
fn title(content: &str) -> String {
    if content.chars().nth(LONGEST_TITLE).is_none() {
        return content.to_owned();
    }
    content.chars().take(LONGEST_TITLE - ELLIPSIS.len()).chain(ELLIPSIS.chars()).collect()
}

/// By the order in which a session's messages are given: by `sequence_id`, ties
/// as they arrived.
pub(super) fn in_order(mut messages: Vec<Message>) -> Vec<Message> {
    messages.sort_by_key(|message| message.sequence_id);
    messages
}

/// Without the content.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("sequence_id", &self.sequence_id)
            .field("members", &self.document)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Message, before_another, in_order, title};
    use crate::{seam::Payload, store::document::Document};

    fn message(json: &str) -> Message {
        Message::from_document(Document::parse(json.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_message_is_kept_as_it_is_written() {
        let json =
            r#"{"type":"user","sequence_id":7,"content":"\u003cb\u003e","cost":1e-3,"new":[]}"#;
        assert_eq!(message(json).document().to_text(), json);
        assert_eq!(message(json).content(), Some("<b>"));
        assert_eq!(message("{}").sequence_id(), 0, "a missing one is 0");
        assert_eq!(message(r#"{"sequence_id":null}"#).sequence_id(), 0);
    }

    #[test]
    fn what_is_no_message_says_why_and_shows_nothing() {
        for (json, problem) in [
            (r#"{"type":7,"content":"secret"}"#, "\"type\""),
            (r#"{"content":["secret"]}"#, "\"content\""),
            (r#"{"sequence_id":"secret"}"#, "\"sequence_id\""),
            (r#"{"sequence_id":1.5}"#, "\"sequence_id\""),
            (r#"{"sequence_id":9223372036854775808}"#, "\"sequence_id\""),
        ] {
            let document = Document::parse(json.as_bytes()).unwrap();
            let said = Message::from_document(document).expect_err(json);
            assert!(said.contains(problem) && !said.contains("secret"), "{json}: {said}");
        }
        let debug = format!("{:?}", message(r#"{"sequence_id":7,"content":"secret"}"#));
        assert!(debug.starts_with("Message { sequence_id: 7, members: "), "{debug}");
        assert!(!debug.contains("secret"), "{debug}");
    }

    #[test]
    fn a_title_has_fifty_characters_at_most() {
        let of = |length: usize| title(&"é".repeat(length));
        assert_eq!(of(50), "é".repeat(50));
        assert_eq!(of(51), "é".repeat(47) + "...");
        assert_eq!(of(48), "é".repeat(48));
    }

    #[test]
    fn only_users_messages_with_content_give_a_title() {
        let of = |json: &str| message(json).title();
        assert_eq!(of(r#"{"type":"user","content":"hi"}"#).as_deref(), Some("hi"));
        for json in [
            r#"{"type":"user","content":""}"#,
            r#"{"type":"user"}"#,
            r#"{"type":"assistant","content":"hi"}"#,
            r#"{"content":"hi"}"#,
        ] {
            assert_eq!(of(json), None, "{json}");
        }
    }

    #[test]
    fn a_message_goes_to_the_end_of_what_is_there() {
        for (before, after) in [
            (None, r#"[{"a":1}]"#),
            (Some("[]"), r#"[{"a":1}]"#),
            (Some("[ \n ] "), r#"[{"a":1}]"#),
            (Some("[{}]"), r#"[{},{"a":1}]"#),
            (Some("[\n  {\"]\": 1e400}\n]"), "[\n  {\"]\": 1e400},{\"a\":1}]"),
        ] {
            let [before, separator] = before_another(before);
            assert_eq!(format!("{before}{separator}{{\"a\":1}}]"), after);
        }
    }

    #[test]
    fn messages_are_ordered_by_sequence_id_and_ties_as_they_came() {
        let given = [r#"{"sequence_id":2}"#, "{}", r#"{"sequence_id":-1}"#, r#"{"x":1}"#];
        let ordered = in_order(given.iter().map(|json| message(json)).collect());
        let texts: Vec<_> = ordered.iter().map(|one| one.document().to_text()).collect();
        assert_eq!(texts, [given[2], given[1], given[3], given[0]]);
    }

    proptest! {
        /// Any text at all: no character is ever cut in two.
        #[test]
        fn a_title_is_the_content_or_its_first_47_characters(content in "(?s).{0,80}") {
            let cut = title(&content);
            if content.chars().count() <= 50 {
                prop_assert_eq!(cut, content);
            } else {
                prop_assert_eq!(cut.chars().count(), 50);
                let head = cut.strip_suffix("...").expect("what was cut ends in dots");
                prop_assert!(content.starts_with(head));
            }
        }

        #[test]
        fn messages_with_one_more_are_still_json(
            json in r#"\[ ?(\{("a":"[\]\\]?\\"")?\} ?(, ?\{\} ?){0,2})?\] ?"#,
        ) {
            prop_assume!(Payload::new(json.as_bytes()).is_json());
            let count = serde_json::from_str::<Vec<Document>>(&json).expect("objects").len();
            let [before, separator] = before_another(Some(&json));
            let more = format!("{before}{separator}{{\"content\":\"]\"}}]");
            let read: Vec<Document> = serde_json::from_str(&more).expect("still objects");
            prop_assert_eq!(read.len(), count + 1);
        }
    }
}
