//! Processes whose files can't grow, as on a full disk: what is refused, what goes on, and
//! what the next process finds.

use serde_json::{Value, json};

use super::{
    open_collection,
    processes::{Process, record},
    request,
};

/// How long a file may become.
const KIBIBYTES: u32 = 256;

/// The kind and the outcome of an answer that is an error; none: it was done.
fn refusal(process: &mut Process, method: &str, params: &Value) -> Option<(String, String)> {
    process.send(&request(0, method, params));
    let answer: Value = serde_json::from_str(&process.receive()).expect("an answer is JSON");
    let data = &answer.get("error")?["data"];
    let text = |member: &str| data[member].as_str().unwrap_or("none").to_owned();
    Some((text("kind"), text("outcome")))
}

fn put(id: &str, length: usize) -> Value {
    json!({"record": record(id, &format!("\"{}\"", "x".repeat(length)))})
}

fn ids(process: &mut Process) -> Vec<String> {
    let page = process.call("collection.list", &json!({"limit": 1_000})).expect("it is listed");
    assert_eq!(page.get("damaged"), None, "{page}");
    let records = page["records"].as_array().expect("a list").iter();
    records.map(|record| record["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_file_that_can_t_grow_is_an_error_of_one_call_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut short = Process::start_with_short_files("file", KIBIBYTES);
    assert_eq!(short.call("open", &open_collection(directory.path())), Ok(json!({})));
    assert_eq!(refusal(&mut short, "collection.create", &put("a", 1_000)), None);
    let refused = Some(("io".to_owned(), "not_done".to_owned()));
    assert_eq!(refusal(&mut short, "collection.create", &put("b", 400_000)), refused);
    assert_eq!(refusal(&mut short, "collection.put", &put("a", 400_000)), refused);
    assert_eq!(ids(&mut short), ["a"], "nothing of it is there");
    assert_eq!(refusal(&mut short, "collection.create", &put("c", 1_000)), None, "others go on");
    short.finish();

    let mut next = Process::start("file");
    assert_eq!(next.call("open", &open_collection(directory.path())), Ok(json!({})));
    assert_eq!(ids(&mut next), ["a", "c"]);
    assert_eq!(next.call("collection.get", &json!({"id": "a"})), Ok(put("a", 1_000)));
    assert_eq!(refusal(&mut next, "collection.create", &put("b", 400_000)), None);
    next.finish();
}

/// A commit that SQLite could not write whole may be in its log or not: nobody knows, and
/// the connection takes no more writes, until somebody opens the database anew.
#[test]
fn a_database_whose_log_can_t_grow_takes_no_more_writes_and_loses_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("db");
    let mut short = Process::start_with_short_files("sqlite", KIBIBYTES);
    assert_eq!(short.call("open", &open_collection(&path)), Ok(json!({})));
    let mut acknowledged = Vec::new();
    let refused = loop {
        let id = format!("r{:03}", acknowledged.len());
        match refusal(&mut short, "collection.create", &put(&id, 3_000)) {
            None => acknowledged.push(id),
            Some(refused) => break refused,
        }
        assert!(acknowledged.len() < 500, "the files grew beyond all bounds");
    };
    assert!(acknowledged.len() > 3, "only {acknowledged:?} had room");
    assert_eq!(refused, ("io".to_owned(), "unknown".to_owned()), "the commit failed");
    let closed = refusal(&mut short, "collection.create", &put("later", 1));
    assert_eq!(closed.map(|(_, outcome)| outcome), Some("not_done".to_owned()), "it is closed");
    assert_eq!(ids(&mut short), acknowledged, "reads go on");
    short.finish();

    let mut next = Process::start("sqlite");
    assert_eq!(next.call("open", &open_collection(&path)), Ok(json!({})));
    let found = ids(&mut next);
    let in_doubt = format!("r{:03}", acknowledged.len());
    let with_it: Vec<_> = acknowledged.iter().cloned().chain([in_doubt]).collect();
    assert!(found == acknowledged || found == with_it, "{found:?} of {acknowledged:?}");
    assert_eq!(refusal(&mut next, "collection.create", &put("later", 1)), None);
    next.finish();
}
