//! The driver protocol, as a client meets it.

mod arbitrary_lines;
mod no_room;
mod permissions;
mod processes;
mod transcripts;

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};
use storeproof::{
    driver::{BackendChoice, Server},
    seam::{OsEntropy, SystemClock},
};

/// A driver in this process.
fn server(choice: BackendChoice) -> Server {
    Server::new(choice, Arc::new(SystemClock), Arc::new(OsEntropy))
}

/// A request with its params.
fn request(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// What an answer says: its result, or the kind of its error.
fn outcome(answer: &str, id: u64) -> Result<Value, String> {
    let answer: Value = serde_json::from_str(answer)
        .unwrap_or_else(|error| panic!("the answer {answer:?} is not JSON: {error}"));
    assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
    assert_eq!(answer["id"], id, "{answer}");
    match answer.get("error") {
        None => Ok(answer["result"].clone()),
        Some(error) => Err(error["data"]["kind"].as_str().unwrap_or("no kind").to_owned()),
    }
}

/// Params of `open` for a collection called `c`.
fn open_collection(path: &Path) -> Value {
    json!({
        "subject": "collection",
        "path": path.to_str().unwrap(),
        "name": "c",
        "keys": [{"name": "owner", "unique": true, "pointers": ["/owner"]}],
    })
}
