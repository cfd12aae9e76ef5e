//! The calls of the sessions store, as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        members::{Members, quoted},
        source::{RawId, simpler_texts},
        subject::Operation,
    },
    store::instant_text::InstantText,
};

/// One call of the sessions store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum SessionsOp {
    Create(SessionData),
    Get(Wanted),
    List {
        user_id: Arc<str>,
    },
    ListSub {
        parent_id: RawId,
    },
    /// The session as the client has it, and whose it is to be.
    Update {
        session: SessionData,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<Arc<str>>,
    },
    Delete(Wanted),
    AddMessage {
        #[serde(flatten)]
        to: Wanted,
        message: MessageData,
    },
    Messages(Wanted),
    LatestSequenceId(Wanted),
}

/// Which session a call is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its id.
    pub id: RawId,
    /// Whose it is to be; none: anybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Arc<str>>,
}

/// The names of the operations, in the order of [`SessionsOp`].
pub(super) const OPERATIONS: &[&str] = &[
    "create",
    "get",
    "list",
    "list_sub",
    "update",
    "delete",
    "add_message",
    "messages",
    "latest_sequence_id",
];

/// A session, as a client gives it and as a store returns it. Instants are
/// compared as instants, all else exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the field of its name in the session's JSON")]
pub struct SessionData {
    pub id: RawId,
    pub user_id: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dag_name: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<InstantText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_session_id: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate_task: Option<Arc<str>>,
    /// In the order in which they arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageData>,
    /// Members that the store does not know: name and JSON text.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub unknown: Members,
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageData {
    /// Its `type`.
    #[serde(rename = "type", default = "empty", skip_serializing_if = "is_empty")]
    pub kind: Arc<str>,
    /// "A missing `sequence_id` is 0."
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sequence_id: i64,
    /// What was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Arc<str>>,
    /// All other members: name and JSON text.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub unknown: Members,
}

impl SessionData {
    /// A session with nothing but an id and a user.
    #[must_use]
    pub fn new(id: RawId, user_id: Arc<str>) -> Self {
        Self {
            id,
            user_id,
            dag_name: None,
            title: None,
            model: None,
            created_at: None,
            updated_at: None,
            parent_session_id: None,
            delegate_task: None,
            messages: Vec::new(),
            unknown: Members::new(),
        }
    }

    /// Whether it is nobody's sub-session.
    #[must_use]
    pub fn is_top_level(&self) -> bool {
        self.parent_session_id.as_deref().is_none_or(str::is_empty)
    }

    /// The session for a table: what differs from [`Self::new`].
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("{} of {:?}", self.id.describe(), self.user_id);
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                text += &format!(" {name}={value}");
            }
        };
        let given = |text: &Option<Arc<str>>| text.as_ref().map(|text| format!("{text:?}"));
        add("parent", given(&self.parent_session_id));
        add("title", given(&self.title));
        add("dag_name", given(&self.dag_name));
        add("model", given(&self.model));
        add("delegate_task", given(&self.delegate_task));
        add("created_at", self.created_at.as_ref().map(ToString::to_string));
        add("updated_at", self.updated_at.as_ref().map(ToString::to_string));
        add("messages", Some(messages_text(&self.messages)).filter(|_| !self.messages.is_empty()));
        for (name, value) in &self.unknown {
            add(name, Some(value.to_string()));
        }
        text
    }

    /// Every session that differs from this one in one respect and is simpler
    /// in it.
    fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let mut candidates: Vec<_> = self.id.simpler().map(|id| Self { id, ..now() }).collect();
        candidates.extend(simpler_users(&self.user_id).map(|user_id| Self { user_id, ..now() }));
        let plain = Self::new(self.id.clone(), Arc::clone(&self.user_id));
        candidates.extend([
            plain,
            Self { dag_name: None, ..now() },
            Self { title: None, ..now() },
            Self { model: None, ..now() },
            Self { created_at: None, ..now() },
            Self { updated_at: None, ..now() },
            Self { parent_session_id: None, ..now() },
            Self { delegate_task: None, ..now() },
            Self { messages: Vec::new(), ..now() },
            Self { unknown: Members::new(), ..now() },
        ]);
        if let Some(parent) = &self.parent_session_id {
            candidates.extend(
                simpler_texts(["a", "b"], parent)
                    .map(|parent| Self { parent_session_id: Some(parent), ..now() }),
            );
        }
        for place in 0..self.messages.len() {
            let mut fewer = now();
            fewer.messages.remove(place);
            candidates.push(fewer);
        }
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

impl MessageData {
    /// The message for a table.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("#{} {}", self.sequence_id, self.kind);
        if let Some(content) = &self.content {
            text += &format!(" {content:?}");
        }
        for (name, value) in &self.unknown {
            text += &format!(" {name}={value}");
        }
        text
    }

    /// Its JSON members, `"name": value`.
    pub(super) fn members(&self) -> Vec<String> {
        let mut all = Vec::new();
        if !self.kind.is_empty() {
            all.push(format!("\"type\": {}", quoted(&self.kind)));
        }
        if self.sequence_id != 0 {
            all.push(format!("\"sequence_id\": {}", self.sequence_id));
        }
        let content = self.content.as_deref();
        all.extend(content.map(|content| format!("\"content\": {}", quoted(content))));
        all.extend(self.unknown.iter().map(|(name, value)| format!("{}: {value}", quoted(name))));
        all
    }

    fn simpler(&self) -> Vec<Self> {
        let now = || self.clone();
        let mut candidates = vec![
            Self::default(),
            Self { unknown: Members::new(), ..now() },
            Self { sequence_id: 0, ..now() },
            Self { content: None, ..now() },
            Self { content: self.content.as_ref().map(|_| Arc::from("a")), ..now() },
            Self { kind: empty(), ..now() },
        ];
        candidates.retain(|candidate| candidate != self);
        candidates
    }
}

/// Messages for a table.
pub(super) fn messages_text(messages: &[MessageData]) -> String {
    let messages: Vec<_> = messages.iter().map(MessageData::describe).collect();
    format!("[{}]", messages.join("; "))
}

impl Wanted {
    fn describe(&self) -> String {
        match &self.user_id {
            None => self.id.describe(),
            Some(user_id) => format!("{} of {user_id:?}", self.id.describe()),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let mut candidates: Vec<_> =
            self.id.simpler().map(|id| Self { id, ..self.clone() }).collect();
        if self.user_id.is_some() {
            candidates.push(Self { user_id: None, ..self.clone() });
        }
        candidates
    }
}

fn empty() -> Arc<str> {
    Arc::default()
}

fn is_empty(text: &Arc<str>) -> bool {
    text.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Simpler users: `u`, then `v`.
fn simpler_users(user_id: &str) -> impl Iterator<Item = Arc<str>> + use<> {
    simpler_texts(["u", "v"], user_id)
}

impl Operation for SessionsOp {
    fn kind(&self) -> usize {
        match self {
            Self::Create(_) => 0,
            Self::Get(_) => 1,
            Self::List { .. } => 2,
            Self::ListSub { .. } => 3,
            Self::Update { .. } => 4,
            Self::Delete(_) => 5,
            Self::AddMessage { .. } => 6,
            Self::Messages(_) => 7,
            Self::LatestSequenceId(_) => 8,
        }
    }

    fn is_read(&self) -> bool {
        !matches!(
            self,
            Self::Create(_) | Self::Update { .. } | Self::Delete(_) | Self::AddMessage { .. }
        )
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        match self {
            Self::Create(session) => format!("{name} {}", session.describe()),
            Self::Get(wanted)
            | Self::Delete(wanted)
            | Self::Messages(wanted)
            | Self::LatestSequenceId(wanted) => format!("{name} {}", wanted.describe()),
            Self::List { user_id } => format!("{name} of {user_id:?}"),
            Self::ListSub { parent_id } => format!("{name} {}", parent_id.describe()),
            Self::Update { session, user_id } => match user_id {
                None => format!("{name} {}", session.describe()),
                Some(user_id) => {
                    format!("{name} among those of {user_id:?}: {}", session.describe())
                }
            },
            Self::AddMessage { to, message } => {
                format!("{name} {}: {}", to.describe(), message.describe())
            }
        }
    }

    fn simpler(&self) -> Vec<Self> {
        let of = |wanted: &Wanted, call: fn(Wanted) -> Self| {
            wanted.simpler().into_iter().map(call).collect::<Vec<_>>()
        };
        match self {
            Self::Create(session) => session.simpler().into_iter().map(Self::Create).collect(),
            Self::Get(wanted) => of(wanted, Self::Get),
            Self::Delete(wanted) => of(wanted, Self::Delete),
            Self::Messages(wanted) => of(wanted, Self::Messages),
            Self::LatestSequenceId(wanted) => of(wanted, Self::LatestSequenceId),
            Self::List { user_id } => {
                simpler_users(user_id).map(|user_id| Self::List { user_id }).collect()
            }
            Self::ListSub { parent_id } => {
                parent_id.simpler().map(|parent_id| Self::ListSub { parent_id }).collect()
            }
            Self::Update { session, user_id } => {
                let with = |session| Self::Update { session, user_id: user_id.clone() };
                let mut candidates: Vec<_> = session.simpler().into_iter().map(with).collect();
                if user_id.is_some() {
                    candidates.push(Self::Update { session: session.clone(), user_id: None });
                }
                candidates
            }
            Self::AddMessage { to, message } => {
                let message_too = |to| Self::AddMessage { to, message: message.clone() };
                let mut candidates: Vec<_> = to.simpler().into_iter().map(message_too).collect();
                let to_too = |message| Self::AddMessage { to: to.clone(), message };
                candidates.extend(message.simpler().into_iter().map(to_too));
                candidates
            }
        }
    }
}
