#![allow(clippy::all, missing_docs)]
use std::{sync::Arc, time::Instant as Clk, pin::pin, task::{Context, Poll, Waker}};
use storeproof::{backend::file::FileBackend, fs::{Durability, OsFs}, seam::*, store::{document::Document, sessions::*}};
fn wait<T>(f: impl Future<Output = T>) -> T {
    match pin!(f).poll(&mut Context::from_waker(Waker::noop())) { Poll::Ready(o) => o, Poll::Pending => panic!() }
}
fn msg(n: usize) -> Message {
    Message::from_document(Document::parse(format!(r#"{{"id":"message-{n}","session_id":"s","type":"user","sequence_id":{n},"content":"message number {n}, with some words to go on","created_at":"2026-01-01T00:00:00Z"}}"#).as_bytes()).unwrap()).unwrap()
}
fn main() {
    let dir = std::path::PathBuf::from("/dev/shm/sess-bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let fs = OsFs::open(&dir).unwrap().with_durability(Durability::Process);
    let backend = FileBackend::new(fs, Arc::new(SystemClock), Arc::new(OsEntropy));
    let collection = wait(backend.open(SessionStore::spec())).unwrap();
    let store = SessionStore::new(Arc::clone(&collection), Arc::new(SystemClock));
    let mut s = Session::new("s", "u");
    s.messages = (0..1000).map(msg).collect();
    wait(store.create(s)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    println!("size {}", wait(collection.get(&RecordId::new("u/s").unwrap())).unwrap().data.bytes().len());
    for round in 0..5 {
        let mut times = vec![];
        for n in 0..100 {
            let m = msg(1000 + n);
            let t = Clk::now();
            wait(store.add_message("s", None, m)).unwrap();
            times.push(t.elapsed().as_micros());
        }
        times.sort();
        let mut finds = vec![];
        for _ in 0..100 { let t = Clk::now(); wait(collection.find("id", &["s"])).unwrap(); finds.push(t.elapsed().as_micros()); }
        finds.sort();
        let mut gets = vec![];
        for _ in 0..100 { let t = Clk::now(); wait(collection.get(&RecordId::new("u/s").unwrap())).unwrap(); gets.push(t.elapsed().as_micros()); }
        gets.sort();
        println!("round {round}: add min {} median {}; find min {} median {}; get min {} median {}", times[0], times[50], finds[0], finds[50], gets[0], gets[50]);
    }
    let r = wait(collection.get(&RecordId::new("u/s").unwrap())).unwrap();
    let bytes = r.data.bytes().to_vec();
    let time = |name: &str, f: &mut dyn FnMut()| { let mut v: Vec<_> = (0..50).map(|_| { let t = Clk::now(); f(); t.elapsed().as_micros() }).collect(); v.sort(); println!("{name}: {}", v[0]); };
    time("is_json", &mut || { std::hint::black_box(Payload::json(bytes.clone())); });
    time("key", &mut || { std::hint::black_box(SessionStore::spec().keys[0].value_in(&r.data)); });
    time("utf8", &mut || { std::hint::black_box(std::str::from_utf8(&bytes).is_ok()); });
}
