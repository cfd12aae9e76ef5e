//! The file backend on real files, without fsync: what is measured is our own
//! work and the kernel's, not the disk's.

use std::{
    path::Path,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use storeproof::{
    backend::file::FileBackend,
    fs::{Durability, OsFs},
    seam::{Backend, OsEntropy, SystemClock},
    store::{
        document::Document,
        sessions::{Message, Session, SessionStore, Sessions},
    },
};

use crate::measure::{Contender, Row};

/// How many messages the session has.
const MESSAGES: u64 = 1_000;

/// After so many further ones it is made anew.
const FURTHER: u64 = 100;

pub fn rows() -> Vec<Row> {
    vec![Row {
        what: "add message to one of 1 000, file".into(),
        unit: "messages",
        goal: ">= 1 667 a core (600 µs); the Go original: 158 (6 344 µs)",
        ours: Contender::new("storeproof", add_messages),
        baselines: Vec::new(),
    }]
}

/// Each thread in a directory of its own, in memory where there is such a place.
fn add_messages(_job: u64, count: u64) {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let directory = tempfile::tempdir_in(place).expect("a directory");
    let fs = OsFs::open(directory.path()).expect("it opens");
    let fs = fs.with_durability(Durability::Process);
    let backend = FileBackend::new(fs, Arc::new(SystemClock), Arc::new(OsEntropy));
    let collection = ready(backend.open(SessionStore::spec())).expect("it opens");
    let store = SessionStore::new(collection, Arc::new(SystemClock));
    for number in 0..count {
        if number % FURTHER == 0 {
            let session = session(&format!("s{number}"));
            ready(store.create(session)).expect("it is new");
        }
        let id = format!("s{}", number - number % FURTHER);
        let message = message(MESSAGES + number);
        ready(store.add_message(&id, None, message)).expect("the session is there");
        if number % FURTHER == FURTHER - 1 {
            ready(store.delete(&id, None)).expect("the session is there");
        }
    }
}

fn session(id: &str) -> Session {
    let mut session = Session::new(id, "u");
    session.messages = (0..MESSAGES).map(message).collect();
    session
}

/// About 240 bytes of JSON.
fn message(number: u64) -> Message {
    let said = r#"Lorem ipsum dolor sit amet, \"consectetur\" adipiscing\n "#.repeat(2);
    let json = format!(
        r#"{{"id":"m-{number:08}","session_id":"s","type":"assistant","sequence_id":{number},"content":"{said}","created_at":"2026-01-01T00:00:00Z"}}"#
    );
    let document = Document::parse(json.as_bytes()).expect("an object");
    Message::from_document(document).expect("a message")
}

/// Files are always ready.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("files never wait"),
    }
}
