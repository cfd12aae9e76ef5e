//! Calling a real sessions store.

use std::sync::Arc;

use super::{
    operation::{MessageData, SessionData, SessionsOp},
    outcome::SessionsSeen,
};
use crate::{
    model::{
        members::{from_document, to_document},
        source::RawId,
    },
    store::{
        document::Document,
        sessions::{Message, Session, SessionError, SessionList, Sessions},
    },
};

/// Does one call.
pub(super) async fn execute(store: &dyn Sessions, op: &SessionsOp) -> SessionsSeen {
    match op {
        SessionsOp::Create(session) => done(store.create(to_session(session)).await),
        SessionsOp::Get(wanted) => {
            seen(store.get(&wanted.id.0, wanted.user_id.as_deref()).await, |session| {
                SessionsSeen::Session(Box::new(from_session(&session)))
            })
        }
        SessionsOp::List { user_id } => seen(store.list(user_id).await, list),
        SessionsOp::ListSub { parent_id } => seen(store.list_sub(&parent_id.0).await, list),
        SessionsOp::Update { session, user_id } => {
            done(store.update(to_session(session), user_id.as_deref()).await)
        }
        SessionsOp::Delete(wanted) => {
            done(store.delete(&wanted.id.0, wanted.user_id.as_deref()).await)
        }
        SessionsOp::AddMessage { to, message } => {
            // What is generated and what replay files hold are messages.
            let message = to_message(message);
            done(store.add_message(&to.id.0, to.user_id.as_deref(), message).await)
        }
        SessionsOp::Messages(wanted) => {
            let messages = store.messages(&wanted.id.0, wanted.user_id.as_deref()).await;
            seen(messages, |messages| {
                SessionsSeen::Messages(messages.iter().map(from_message).collect())
            })
        }
        SessionsOp::LatestSequenceId(wanted) => {
            let latest = store.latest_sequence_id(&wanted.id.0, wanted.user_id.as_deref()).await;
            seen(latest, SessionsSeen::SequenceId)
        }
    }
}

fn seen<T>(result: Result<T, SessionError>, tell: impl FnOnce(T) -> SessionsSeen) -> SessionsSeen {
    result.map_or_else(|error| SessionsSeen::failed(&error), tell)
}

fn done(result: Result<(), SessionError>) -> SessionsSeen {
    seen(result, |()| SessionsSeen::Done)
}

fn list(list: SessionList) -> SessionsSeen {
    SessionsSeen::List {
        sessions: list.sessions.iter().map(from_session).collect(),
        damaged: list.damaged.into_iter().map(|damaged| damaged.id).collect(),
    }
}

fn to_session(data: &SessionData) -> Session {
    let text = |text: &Option<Arc<str>>| text.as_ref().map(ToString::to_string);
    let mut session = Session::new(&*data.id.0, &*data.user_id);
    session.dag_name = text(&data.dag_name);
    session.title = text(&data.title);
    session.model = text(&data.model);
    session.created_at = data.created_at.clone();
    session.updated_at = data.updated_at.clone();
    session.parent_session_id = text(&data.parent_session_id);
    session.delegate_task = text(&data.delegate_task);
    session.messages = data.messages.iter().map(to_message).collect();
    session.unknown = to_document(&data.unknown);
    session
}

fn to_message(data: &MessageData) -> Message {
    let json = format!("{{{}}}", data.members().join(","));
    let document = Document::parse(json.as_bytes()).unwrap_or_default();
    Message::from_document(document).unwrap_or_default()
}

fn from_session(session: &Session) -> SessionData {
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    let mut data = SessionData::new(RawId(Arc::from(&*session.id)), Arc::from(&*session.user_id));
    data.dag_name = text(&session.dag_name);
    data.title = text(&session.title);
    data.model = text(&session.model);
    data.created_at = session.created_at.clone();
    data.updated_at = session.updated_at.clone();
    data.parent_session_id = text(&session.parent_session_id);
    data.delegate_task = text(&session.delegate_task);
    data.messages = session.messages.iter().map(from_message).collect();
    data.unknown = from_document(&session.unknown);
    data
}

fn from_message(message: &Message) -> MessageData {
    let document = message.document();
    let kind = document.value::<String>("type").ok().flatten().unwrap_or_default();
    MessageData {
        kind: Arc::from(kind),
        sequence_id: message.sequence_id(),
        content: message.content().map(Arc::from),
        unknown: from_document(&document.clone().without(&["type", "sequence_id", "content"])),
    }
}
