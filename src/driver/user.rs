//! The methods of the users store.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use super::{
    failure::Failure,
    message::Answer,
    params::Params,
    registry::{Handle, Subject, Surroundings},
    values::{DamagedOut, counted, done, entity, result},
};
use crate::{
    seam::Collection,
    store::users::{User, UserError, UserStore, Users},
};

/// The users.
pub(super) const USER: Subject = Subject {
    name: "user",
    methods: &[
        "create",
        "get",
        "get_by_username",
        "get_by_oidc_identity",
        "list",
        "update",
        "delete",
        "count",
    ],
    spec: |_| Ok(UserStore::spec()),
    serve,
};

fn serve(collection: Arc<dyn Collection>, with: &Surroundings) -> Box<dyn Handle> {
    Box::new(UserHandle(UserStore::new(collection, Arc::clone(&with.clock))))
}

struct UserHandle(UserStore);

impl From<UserError> for Failure {
    fn from(error: UserError) -> Self {
        Self::new(error.kind(), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct One {
    user: Answer,
}

#[derive(Serialize)]
struct Many<'a> {
    users: Vec<Answer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<DamagedOut<'a>>,
}

fn given(params: &Params) -> Result<User, Failure> {
    params.entity("user", User::from_document)
}

fn one(user: Result<User, UserError>) -> Result<Answer, Failure> {
    result(&One { user: entity(&user?.to_document())? })
}

#[async_trait]
impl Handle for UserHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        let users = &self.0;
        match method {
            "create" => done(users.create(given(params)?).await),
            "get" => one(users.get(&params.text("id")?).await),
            "get_by_username" => one(users.get_by_username(&params.text("username")?).await),
            "get_by_oidc_identity" => {
                let (issuer, subject) = (params.text("issuer")?, params.text("subject")?);
                one(users.get_by_oidc_identity(&issuer, &subject).await)
            }
            "list" => {
                let list = users.list().await?;
                let all = list.users.iter().map(|user| entity(&user.to_document()));
                result(&Many {
                    users: all.collect::<Result<_, _>>()?,
                    damaged: list.damaged.iter().map(DamagedOut::from).collect(),
                })
            }
            "update" => done(users.update(given(params)?).await),
            "delete" => done(users.delete(&params.text("id")?).await),
            "count" => counted(users.count().await),
            other => Err(Failure::unknown_method(other)),
        }
    }
}
