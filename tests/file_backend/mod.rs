//! What is particular to collections of files: what lies on the disk, what
//! older software left or writes meanwhile, and what crashes leave.

mod aside;
mod crash;
mod damage;
mod faults;
mod legacy;
mod make_way;
mod meddling;
mod opening;
mod other_writers;
pub(crate) mod process;
mod storage;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use storeproof::{
    backend::file::FileBackend,
    fs::{FileTime, Fs},
    seam::{
        Backend, Clock, Collection, CollectionSpec, Entropy, Instant, KeySpec, LegacySpec, Payload,
        PayloadId, Record, RecordId,
    },
    sim::{
        clock::SimClock,
        disk::{SimDisk, SimFs},
        executor::Sim,
    },
};

/// Random bytes that are the same in every run.
#[derive(Default)]
pub(crate) struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        let count = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (slot, byte) in bytes.iter_mut().zip(count) {
            *slot = byte;
        }
        Ok(())
    }
}

/// Runs what never has to wait: a lone client.
#[track_caller]
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a lone client had to wait"),
    }
}

pub(crate) fn now() -> Instant {
    Instant::new(1_767_225_600, 0).unwrap()
}

pub(crate) fn id(text: &str) -> RecordId {
    RecordId::new(text).unwrap()
}

pub(crate) fn record(text: &str, json: &str) -> Record {
    Record::json(id(text), Payload::json(json.as_bytes()).expect("the test's JSON"), now())
}

pub(crate) fn sim(disk: SimDisk) -> SimFs {
    SimFs::new(disk, Sim::default())
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SimClock::new(now(), 1))
}

pub(crate) fn backend<F: Fs>(fs: &F) -> FileBackend<F> {
    FileBackend::new(fs.clone(), clock(), Arc::new(CountingEntropy::default()))
}

pub(crate) fn open<F: Fs>(fs: &F, spec: CollectionSpec) -> Arc<dyn Collection> {
    wait(backend(fs).open(spec)).expect("the collection opens")
}

/// A collection called `things` without keys.
pub(crate) fn things() -> CollectionSpec {
    CollectionSpec::new("things")
}

/// A collection of payloads that have their own id, and a unique name.
pub(crate) fn users() -> CollectionSpec {
    let mut spec =
        CollectionSpec::new("users").with_keys([KeySpec::unique("username", &["/username"])]);
    spec.legacy = LegacySpec {
        id: Some(PayloadId { description: "its `id`", ids_of: payload_id }),
        created_at: Some("/created_at"),
        updated_at: Some("/updated_at"),
    };
    spec
}

fn payload_id(payload: &Payload) -> Vec<String> {
    let document: Option<serde_json::Value> = serde_json::from_slice(payload.bytes()).ok();
    let id = document.as_ref().and_then(|document| document.get("id")?.as_str());
    id.map(str::to_owned).into_iter().collect()
}

/// The files of the disk but for the lock file, as (path, content).
pub(crate) fn files(fs: &SimFs) -> Vec<(String, String)> {
    let disk = fs.disk();
    disk.files()
        .into_iter()
        .filter(|(path, _)| !path.ends_with("/.storeproof.lock"))
        .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
        .collect()
}

/// What older software does: it writes beside and renames, without a lock.
pub(crate) fn old_writer_puts(fs: &SimFs, path: &str, content: &str) {
    wait(async {
        let mut dir = fs.root();
        let (directories, name) = path.rsplit_once('/').expect("a file in a directory");
        for level in directories.split('/') {
            if fs.open_dir(&dir, level).await.is_err() {
                fs.create_dir(&dir, level).await.unwrap();
            }
            dir = fs.open_dir(&dir, level).await.unwrap();
        }
        let file = fs.create_file(&dir, ".tmp-1").await.unwrap();
        fs.write(&file, content.as_bytes()).await.unwrap();
        fs.rename(&dir, ".tmp-1", &dir, name).await.unwrap();
    });
}

pub(crate) fn old_writer_removes(fs: &SimFs, directory: &str, name: &str) {
    wait(async {
        let dir = fs.open_dir(&fs.root(), directory).await.unwrap();
        fs.remove_file(&dir, name).await.unwrap();
    });
}

/// A disk with one file of a time long past.
pub(crate) fn disk_with(files: &[(&str, &str)]) -> SimDisk {
    let mut disk = SimDisk::new();
    for (path, content) in files {
        let modified = FileTime { seconds: 1_700_000_000, nanoseconds: 123 };
        disk.write_raw(path, content.as_bytes(), modified).expect("the fixture is written");
    }
    disk
}

/// Every record of the collection as (id, payload), by id.
pub(crate) fn contents(collection: &Arc<dyn Collection>) -> Vec<(String, String)> {
    use storeproof::seam::{CollectionExt, Selection};

    let page = wait(collection.drain(Selection::all())).expect("the collection lists");
    let mut all: Vec<_> = page
        .records
        .into_iter()
        .map(|record| (record.id.to_string(), record.data.to_text_lossy().into_owned()))
        .collect();
    all.sort();
    all
}
