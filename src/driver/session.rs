//! The methods of the sessions store.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use super::{
    failure::Failure,
    message::Answer,
    params::Params,
    registry::{Handle, Subject, Surroundings},
    values::{DamagedOut, done, entity, result},
};
use crate::{
    seam::Collection,
    store::sessions::{Message, Session, SessionError, SessionList, SessionStore, Sessions},
};

/// The sessions of agents.
pub(super) const SESSION: Subject = Subject {
    name: "session",
    methods: &[
        "create",
        "get",
        "list",
        "list_sub",
        "update",
        "delete",
        "add_message",
        "messages",
        "latest_sequence_id",
    ],
    spec: |_| Ok(SessionStore::spec()),
    serve,
};

fn serve(collection: Arc<dyn Collection>, with: &Surroundings) -> Box<dyn Handle> {
    let limit = usize::try_from(with.max_per_user).unwrap_or(usize::MAX);
    let store = SessionStore::new(collection, Arc::clone(&with.clock));
    Box::new(SessionHandle(store.with_limit_per_user(limit)))
}

struct SessionHandle(SessionStore);

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::new(error.kind(), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct One {
    session: Answer,
}

#[derive(Serialize)]
struct Many<'a> {
    sessions: Vec<Answer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<DamagedOut<'a>>,
}

#[derive(Serialize)]
struct Messages {
    messages: Vec<Answer>,
}

#[derive(Serialize)]
struct Latest {
    sequence_id: i64,
}

fn given(params: &Params) -> Result<Session, Failure> {
    params.entity("session", Session::from_document)
}

/// Which session, and, at the caller's wish, whose.
fn wanted(params: &Params) -> Result<(String, Option<String>), Failure> {
    Ok((params.text("id")?, params.optional_text("user_id")?))
}

/// Without messages: they have a method of their own.
fn bare(session: &Session) -> Result<Answer, Failure> {
    entity(&session.to_document().without(&["messages"]))
}

fn listed(list: &SessionList) -> Result<Answer, Failure> {
    result(&Many {
        sessions: list.sessions.iter().map(bare).collect::<Result<_, _>>()?,
        damaged: list.damaged.iter().map(DamagedOut::from).collect(),
    })
}

#[async_trait]
impl Handle for SessionHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        let sessions = &self.0;
        match method {
            "create" => done(sessions.create(given(params)?).await),
            "get" => {
                let (id, user_id) = wanted(params)?;
                let session = sessions.get(&id, user_id.as_deref()).await?;
                result(&One { session: bare(&session)? })
            }
            "list" => listed(&sessions.list(&params.text("user_id")?).await?),
            "list_sub" => listed(&sessions.list_sub(&params.text("parent_id")?).await?),
            "update" => {
                let user_id = params.optional_text("user_id")?;
                done(sessions.update(given(params)?, user_id.as_deref()).await)
            }
            "delete" => {
                let (id, user_id) = wanted(params)?;
                done(sessions.delete(&id, user_id.as_deref()).await)
            }
            "add_message" => {
                let (id, user_id) = wanted(params)?;
                let message = params.entity("message", Message::from_document)?;
                done(sessions.add_message(&id, user_id.as_deref(), message).await)
            }
            "messages" => {
                let (id, user_id) = wanted(params)?;
                let messages = sessions.messages(&id, user_id.as_deref()).await?;
                let messages = messages.iter().map(|message| entity(message.document()));
                result(&Messages { messages: messages.collect::<Result<_, _>>()? })
            }
            "latest_sequence_id" => {
                let (id, user_id) = wanted(params)?;
                let latest = sessions.latest_sequence_id(&id, user_id.as_deref()).await?;
                result(&Latest { sequence_id: latest })
            }
            other => Err(Failure::unknown_method(other)),
        }
    }
}
