//! Sessions, some calls of which go to another store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::rerouted::{Reroute, Rerouted},
    model::sessions::SessionsSubject,
    store::sessions::{Message, Session, SessionError, SessionList, Sessions},
};

impl Reroute for SessionsSubject {
    fn reroute(stores: Rerouted<dyn Sessions>) -> Arc<dyn Sessions> {
        Arc::new(stores)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Sessions for Rerouted<dyn Sessions> {
    async fn create(&self, session: Session) -> Result<(), SessionError> {
        self.of("create").create(session).await
    }

    async fn get(&self, id: &str, user_id: Option<&str>) -> Result<Session, SessionError> {
        self.of("get").get(id, user_id).await
    }

    async fn list(&self, user_id: &str) -> Result<SessionList, SessionError> {
        self.of("list").list(user_id).await
    }

    async fn list_sub(&self, parent_id: &str) -> Result<SessionList, SessionError> {
        self.of("list_sub").list_sub(parent_id).await
    }

    async fn update(&self, session: Session, user_id: Option<&str>) -> Result<(), SessionError> {
        self.of("update").update(session, user_id).await
    }

    async fn delete(&self, id: &str, user_id: Option<&str>) -> Result<(), SessionError> {
        self.of("delete").delete(id, user_id).await
    }

    async fn add_message(
        &self,
        id: &str,
        user_id: Option<&str>,
        message: Message,
    ) -> Result<(), SessionError> {
        self.of("add_message").add_message(id, user_id, message).await
    }

    async fn messages(
        &self,
        id: &str,
        user_id: Option<&str>,
    ) -> Result<Vec<Message>, SessionError> {
        self.of("messages").messages(id, user_id).await
    }

    async fn latest_sequence_id(
        &self,
        id: &str,
        user_id: Option<&str>,
    ) -> Result<i64, SessionError> {
        self.of("latest_sequence_id").latest_sequence_id(id, user_id).await
    }
}
