//! The methods of the secrets store.

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
    store::secrets::{Secret, SecretError, SecretStore, SecretValue, Secrets},
};

/// The secrets; an entity is the inner `secret` object alone.
pub(super) const SECRET: Subject = Subject {
    name: "secret",
    methods: &[
        "create",
        "get",
        "get_by_ref",
        "list",
        "update",
        "delete",
        "write_value",
        "current_version",
        "resolve",
    ],
    spec: |_| Ok(SecretStore::spec()),
    serve,
};

fn serve(collection: Arc<dyn Collection>, with: &Surroundings) -> Box<dyn Handle> {
    let clock = Arc::clone(&with.clock);
    Box::new(SecretHandle(SecretStore::new(collection, clock, with.encryption())))
}

struct SecretHandle(SecretStore);

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        Self::new(error.kind(), error.outcome(), error.to_string())
    }
}

#[derive(Serialize)]
struct One {
    secret: Answer,
}

#[derive(Serialize)]
struct Many<'a> {
    secrets: Vec<Answer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<DamagedOut<'a>>,
}

#[derive(Serialize)]
struct Version {
    version: u64,
}

#[derive(Serialize)]
struct Value<'a> {
    value: &'a str,
    version: u64,
}

fn given(params: &Params) -> Result<Secret, Failure> {
    params.entity("secret", Secret::from_document)
}

fn value(params: &Params) -> Result<SecretValue, Failure> {
    params.entity("value", |document| SecretValue::from_document(&document))
}

fn one(secret: Result<Secret, SecretError>) -> Result<Answer, Failure> {
    result(&One { secret: entity(&secret?.to_document())? })
}

#[async_trait]
impl Handle for SecretHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        let secrets = &self.0;
        match method {
            "create" => {
                let first = params.optional_object("value")?.map(|_| value(params)).transpose()?;
                done(secrets.create(given(params)?, first).await)
            }
            "get" => one(secrets.get(&params.text("id")?).await),
            "get_by_ref" => {
                let (workspace, reference) = (params.text("workspace")?, params.text("ref")?);
                one(secrets.get_by_ref(&workspace, &reference).await)
            }
            "list" => {
                let workspace = params.optional_text("workspace")?;
                let list = secrets.list(workspace.as_deref()).await?;
                let all = list.secrets.iter().map(|secret| entity(&secret.to_document()));
                result(&Many {
                    secrets: all.collect::<Result<_, _>>()?,
                    damaged: list.damaged.iter().map(DamagedOut::from).collect(),
                })
            }
            "update" => done(secrets.update(given(params)?).await),
            "delete" => done(secrets.delete(&params.text("id")?).await),
            "write_value" => {
                let (id, value) = (params.text("id")?, value(params)?);
                one(secrets.write_value(&id, value).await)
            }
            "current_version" => {
                let version = secrets.current_version(&params.text("id")?).await?;
                result(&Version { version })
            }
            "resolve" => {
                let resolved = secrets.resolve(&params.text("id")?).await?;
                result(&Value { value: resolved.value.expose(), version: resolved.version })
            }
            other => Err(Failure::unknown_method(other)),
        }
    }
}
