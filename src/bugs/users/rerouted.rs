//! Users, some calls of which go to another store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    bugs::rerouted::{Reroute, Rerouted},
    model::users::UsersSubject,
    store::users::{User, UserError, UserList, Users},
};

impl Reroute for UsersSubject {
    fn reroute(stores: Rerouted<dyn Users>) -> Arc<dyn Users> {
        Arc::new(stores)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Users for Rerouted<dyn Users> {
    async fn create(&self, user: User) -> Result<(), UserError> {
        self.of("create").create(user).await
    }

    async fn get(&self, id: &str) -> Result<User, UserError> {
        self.of("get").get(id).await
    }

    async fn get_by_username(&self, username: &str) -> Result<User, UserError> {
        self.of("get_by_username").get_by_username(username).await
    }

    async fn get_by_oidc_identity(&self, issuer: &str, subject: &str) -> Result<User, UserError> {
        self.of("get_by_oidc_identity").get_by_oidc_identity(issuer, subject).await
    }

    async fn list(&self) -> Result<UserList, UserError> {
        self.of("list").list().await
    }

    async fn update(&self, user: User) -> Result<(), UserError> {
        self.of("update").update(user).await
    }

    async fn delete(&self, id: &str) -> Result<(), UserError> {
        self.of("delete").delete(id).await
    }

    async fn count(&self) -> Result<u64, UserError> {
        self.of("count").count().await
    }
}
