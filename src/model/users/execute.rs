//! Calling a real users store.

use std::sync::Arc;

use super::{
    operation::{UserData, UsersOp},
    outcome::UsersSeen,
};
use crate::{
    model::{
        access::AccessData,
        members::{from_document, to_document},
        source::RawId,
    },
    store::users::{User, UserError, Users},
};

/// Does one call.
pub(super) async fn execute(store: &dyn Users, op: &UsersOp) -> UsersSeen {
    match op {
        UsersOp::Create(user) => done(store.create(to_user(user)).await),
        UsersOp::Get { id } => one(store.get(&id.0).await),
        UsersOp::GetByUsername { username } => one(store.get_by_username(username).await),
        UsersOp::GetByOidcIdentity { issuer, subject } => {
            one(store.get_by_oidc_identity(issuer, subject).await)
        }
        UsersOp::List => match store.list().await {
            Ok(list) => UsersSeen::List {
                users: list.users.iter().map(from_user).collect(),
                damaged: list.damaged.into_iter().map(|damaged| damaged.id).collect(),
            },
            Err(error) => UsersSeen::failed(&error),
        },
        UsersOp::Update(user) => done(store.update(to_user(user)).await),
        UsersOp::Delete { id } => done(store.delete(&id.0).await),
        UsersOp::Count => match store.count().await {
            Ok(count) => UsersSeen::Count(count),
            Err(error) => UsersSeen::failed(&error),
        },
    }
}

fn done(result: Result<(), UserError>) -> UsersSeen {
    result.map_or_else(|error| UsersSeen::failed(&error), |()| UsersSeen::Done)
}

fn one(result: Result<User, UserError>) -> UsersSeen {
    match result {
        Ok(user) => UsersSeen::User(Box::new(from_user(&user))),
        Err(error) => UsersSeen::failed(&error),
    }
}

fn to_user(data: &UserData) -> User {
    let text = |text: &Option<Arc<str>>| text.as_ref().map(ToString::to_string);
    let mut user = User::new(&*data.id.0, &*data.username);
    user.password_hash = data.password_hash.to_string();
    user.role = data.role.to_string();
    user.workspace_access = data.workspace_access.as_ref().map(AccessData::to_store);
    user.created_at = data.created_at.clone();
    user.updated_at = data.updated_at.clone();
    user.auth_provider = text(&data.auth_provider);
    user.oidc_issuer = text(&data.oidc_issuer);
    user.oidc_subject = text(&data.oidc_subject);
    user.is_disabled = data.is_disabled;
    user.unknown = to_document(&data.unknown);
    user
}

fn from_user(user: &User) -> UserData {
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    let mut data = UserData::new(RawId(Arc::from(&*user.id)), Arc::from(&*user.username));
    data.password_hash = Arc::from(&*user.password_hash);
    data.role = Arc::from(&*user.role);
    data.workspace_access = user.workspace_access.as_ref().map(AccessData::from_store);
    data.created_at = user.created_at.clone();
    data.updated_at = user.updated_at.clone();
    data.auth_provider = text(&user.auth_provider);
    data.oidc_issuer = text(&user.oidc_issuer);
    data.oidc_subject = text(&user.oidc_subject);
    data.is_disabled = user.is_disabled;
    data.unknown = from_document(&user.unknown);
    data
}
