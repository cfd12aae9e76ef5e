//! The methods of a collection.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

use super::{
    failure::Failure,
    message::Answer,
    params::Params,
    registry::{Handle, Subject, Surroundings},
    values::{
        DamagedOut, RecordOut, counted, data, done, id, query, record, result, selection, writes,
    },
};
use crate::seam::{Collection, CollectionExt, CollectionSpec, KeySpec, Record};

/// A collection of any name, with any keys.
pub(super) const COLLECTION: Subject = Subject {
    name: "collection",
    methods: &[
        "get",
        "put",
        "create",
        "delete",
        "compare_and_swap",
        "compare_and_delete",
        "list",
        "claim",
        "find",
        "commit",
        "count",
        "purge_expired",
        "quarantine",
    ],
    spec,
    serve,
};

fn spec(params: &Params) -> Result<CollectionSpec, Failure> {
    let mut keys = Vec::new();
    for key in params.optional_objects("keys")?.unwrap_or_default() {
        let name = key.text("name")?;
        let pointers = key.texts("pointers")?;
        let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
        keys.push(if key.boolean("unique")? {
            KeySpec::unique(&name, &pointers)
        } else {
            KeySpec::shared(&name, &pointers)
        });
    }
    Ok(CollectionSpec::new(params.text("name")?).with_keys(keys))
}

fn serve(collection: Arc<dyn Collection>, _: &Surroundings) -> Box<dyn Handle> {
    Box::new(CollectionHandle(collection))
}

struct CollectionHandle(Arc<dyn Collection>);

#[derive(Serialize)]
struct One<'a> {
    record: RecordOut<'a>,
}

#[derive(Serialize)]
struct Many<'a> {
    records: Vec<RecordOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<DamagedOut<'a>>,
}

fn one(record: &Record) -> Result<Answer, Failure> {
    result(&One { record: record.into() })
}

#[async_trait]
impl Handle for CollectionHandle {
    async fn call(&self, method: &str, params: &Params) -> Result<Answer, Failure> {
        let collection = &self.0;
        match method {
            "get" => one(&collection.get(&id(params)?).await?),
            "put" => done(collection.put(record(&params.object("record")?)?).await),
            "create" => done(collection.create(record(&params.object("record")?)?).await),
            "delete" => done(collection.delete(&id(params)?).await),
            "compare_and_swap" => {
                let (expected, next) = (data(params, "expected")?, data(params, "next")?);
                done(collection.compare_and_swap(&id(params)?, expected, next).await)
            }
            "compare_and_delete" => {
                let expected = data(params, "expected")?;
                done(collection.compare_and_delete(&id(params)?, expected).await)
            }
            "list" => {
                let page = collection.list(&query(params)?).await?;
                result(&Many {
                    records: page.records.iter().map(RecordOut::from).collect(),
                    next_cursor: page.next_cursor.as_ref().map(|cursor| cursor.as_str()),
                    damaged: page.damaged.iter().map(DamagedOut::from).collect(),
                })
            }
            "claim" => one(&collection.claim(&selection(params)?).await?),
            "find" => {
                let (key, value) = (params.text("key")?, params.texts("value")?);
                let value: Vec<&str> = value.iter().map(String::as_str).collect();
                let found = collection.find(&key, &value).await?;
                result(&Many {
                    records: found.records.iter().map(RecordOut::from).collect(),
                    next_cursor: None,
                    damaged: found.damaged.iter().map(DamagedOut::from).collect(),
                })
            }
            "commit" => done(collection.commit(writes(params)?).await),
            "count" => counted(collection.count(&selection(params)?).await),
            "purge_expired" => counted(collection.purge_expired().await),
            "quarantine" => {
                let expected = params.bytes("expected")?;
                done(collection.quarantine(&id(params)?, &expected).await)
            }
            other => Err(Failure::unknown_method(other)),
        }
    }
}
