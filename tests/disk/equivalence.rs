//! The simulated disk does what the operating system does, operation by
//! operation, on random traces.

use std::{collections::BTreeMap, io, os::unix::fs::symlink, path::Path, sync::Arc};

use proptest::{collection::vec, prelude::*, sample::select};
use storeproof::{
    fs::{Access, EntryKind, FileTime, Fs},
    sim::{
        disk::{Event, ImageKind, NodeId, SimDisk, SimFs},
        executor::Sim,
    },
};

use super::{TIME, alone, real};

/// One call. Directories and files are named by their place among the handles
/// opened so far, modulo their number.
#[derive(Clone, Debug)]
enum Call {
    OpenDir { parent: usize, name: String },
    CreateDir { parent: usize, name: String },
    RemoveDir { parent: usize, name: String },
    ReadDir { dir: usize },
    Metadata { dir: usize, name: String },
    Read { dir: usize, name: String },
    CreateFile { dir: usize, name: String },
    Write { file: usize, bytes: Vec<u8> },
    SyncFile { file: usize },
    SyncDir { dir: usize },
    Rename { from_dir: usize, from: String, to_dir: usize, to: String },
    RenameNoReplace { from_dir: usize, from: String, to_dir: usize, to: String },
    RemoveFile { dir: usize, name: String },
    OpenFile { dir: usize, name: String, access: Access },
    ReadHead { file: usize },
    WriteHead { file: usize, bytes: Vec<u8> },
    TryLock { file: usize },
    Close { file: usize },
}

/// What a call gave, as far as two file systems can agree on it.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Done,
    Entries(Vec<(String, EntryKind)>),
    /// The kind, and the length of a file.
    Metadata(EntryKind, Option<u64>),
    Bytes(Vec<u8>),
    Locked(bool),
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => select(vec!["a", "b", "c"]).prop_map(str::to_owned),
        2 => Just("link".to_owned()),
        1 => select(vec!["", ".", "..", "a/b", "nul\0", "é", " "]).prop_map(str::to_owned),
        1 => (254_usize..258).prop_map(|length| "x".repeat(length)),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..8), 1 => vec(any::<u8>(), 60..70)]
}

fn call() -> impl Strategy<Value = Call> {
    let at = || 0_usize..6;
    let access = select(vec![Access::Read, Access::ReadWrite]);
    prop_oneof![
        3 => (at(), name()).prop_map(|(parent, name)| Call::OpenDir { parent, name }),
        3 => (at(), name()).prop_map(|(parent, name)| Call::CreateDir { parent, name }),
        2 => (at(), name()).prop_map(|(parent, name)| Call::RemoveDir { parent, name }),
        1 => at().prop_map(|dir| Call::ReadDir { dir }),
        1 => (at(), name()).prop_map(|(dir, name)| Call::Metadata { dir, name }),
        2 => (at(), name()).prop_map(|(dir, name)| Call::Read { dir, name }),
        4 => (at(), name()).prop_map(|(dir, name)| Call::CreateFile { dir, name }),
        3 => (at(), bytes()).prop_map(|(file, bytes)| Call::Write { file, bytes }),
        1 => at().prop_map(|file| Call::SyncFile { file }),
        1 => at().prop_map(|dir| Call::SyncDir { dir }),
        6 => (at(), name(), at(), name())
            .prop_map(|(from_dir, from, to_dir, to)| Call::Rename { from_dir, from, to_dir, to }),
        3 => (at(), name(), at(), name()).prop_map(|(from_dir, from, to_dir, to)| {
            Call::RenameNoReplace { from_dir, from, to_dir, to }
        }),
        2 => (at(), name()).prop_map(|(dir, name)| Call::RemoveFile { dir, name }),
        3 => (at(), name(), access)
            .prop_map(|(dir, name, access)| Call::OpenFile { dir, name, access }),
        1 => at().prop_map(|file| Call::ReadHead { file }),
        1 => (at(), bytes()).prop_map(|(file, bytes)| Call::WriteHead { file, bytes }),
        1 => at().prop_map(|file| Call::TryLock { file }),
        1 => at().prop_map(|file| Call::Close { file }),
    ]
}

/// A file system with the handles that a trace has opened on it.
struct Client<F: Fs> {
    fs: F,
    dirs: Vec<F::Dir>,
    files: Vec<F::File>,
}

impl<F: Fs> Client<F> {
    fn new(fs: F) -> Self {
        Self { dirs: vec![fs.root()], files: Vec::new(), fs }
    }

    fn dir(&self, at: usize) -> &F::Dir {
        &self.dirs[at % self.dirs.len()]
    }

    /// Does what is asked; `None` where there is no file to do it on.
    fn call(&mut self, call: &Call) -> Option<Result<Outcome, io::ErrorKind>> {
        let file = match call {
            Call::Write { file, .. }
            | Call::SyncFile { file }
            | Call::ReadHead { file }
            | Call::WriteHead { file, .. }
            | Call::TryLock { file }
            | Call::Close { file } => {
                Some(file.checked_rem(self.files.len()).map(|at| (at, &self.files[at]))?)
            }
            _ => None,
        };
        let outcome = match (call, file) {
            (Call::OpenDir { parent, name }, _) => alone(self.fs.open_dir(self.dir(*parent), name))
                .map(|dir| {
                    self.dirs.push(dir);
                    Outcome::Done
                }),
            (Call::CreateDir { parent, name }, _) => {
                alone(self.fs.create_dir(self.dir(*parent), name)).map(|()| Outcome::Done)
            }
            (Call::RemoveDir { parent, name }, _) => {
                alone(self.fs.remove_dir(self.dir(*parent), name)).map(|()| Outcome::Done)
            }
            (Call::ReadDir { dir }, _) => alone(self.fs.read_dir(self.dir(*dir))).map(|entries| {
                let named = |name: std::ffi::OsString| name.into_string().expect("all are UTF-8");
                let mut entries: Vec<_> =
                    entries.into_iter().map(|entry| (named(entry.name), entry.kind)).collect();
                entries.sort();
                Outcome::Entries(entries)
            }),
            (Call::Metadata { dir, name }, _) => {
                alone(self.fs.metadata(self.dir(*dir), name)).map(|metadata| {
                    let length = (metadata.kind == EntryKind::File).then_some(metadata.length);
                    Outcome::Metadata(metadata.kind, length)
                })
            }
            (Call::Read { dir, name }, _) => {
                alone(self.fs.read(self.dir(*dir), name)).map(|(bytes, metadata)| {
                    assert_eq!(metadata.kind, EntryKind::File);
                    assert_eq!(metadata.length, bytes.len() as u64);
                    Outcome::Bytes(bytes)
                })
            }
            (Call::CreateFile { dir, name }, _) => alone(self.fs.create_file(self.dir(*dir), name))
                .map(|file| {
                    self.files.push(file);
                    Outcome::Done
                }),
            (Call::OpenFile { dir, name, access }, _) => {
                alone(self.fs.open_file(self.dir(*dir), name, *access)).map(|file| {
                    self.files.push(file);
                    Outcome::Done
                })
            }
            (Call::SyncDir { dir }, _) => {
                alone(self.fs.sync_dir(self.dir(*dir))).map(|()| Outcome::Done)
            }
            (Call::Rename { from_dir, from, to_dir, to }, _) => {
                alone(self.fs.rename(self.dir(*from_dir), from, self.dir(*to_dir), to))
                    .map(|()| Outcome::Done)
            }
            (Call::RenameNoReplace { from_dir, from, to_dir, to }, _) => {
                let (from_dir, to_dir) = (self.dir(*from_dir), self.dir(*to_dir));
                alone(self.fs.rename_no_replace(from_dir, from, to_dir, to)).map(|()| Outcome::Done)
            }
            (Call::RemoveFile { dir, name }, _) => {
                alone(self.fs.remove_file(self.dir(*dir), name)).map(|()| Outcome::Done)
            }
            (Call::Write { bytes, .. }, Some((_, file))) => {
                alone(self.fs.write(file, bytes)).map(|()| Outcome::Done)
            }
            (Call::SyncFile { .. }, Some((_, file))) => {
                alone(self.fs.sync_file(file)).map(|()| Outcome::Done)
            }
            (Call::ReadHead { .. }, Some((_, file))) => {
                alone(self.fs.read_head(file)).map(Outcome::Bytes)
            }
            (Call::WriteHead { bytes, .. }, Some((_, file))) => {
                alone(self.fs.write_head(file, bytes)).map(|()| Outcome::Done)
            }
            (Call::TryLock { .. }, Some((_, file))) => {
                alone(self.fs.try_lock(file)).map(Outcome::Locked)
            }
            (Call::Close { .. }, Some((at, _))) => {
                self.files.swap_remove(at);
                Ok(Outcome::Done)
            }
            (_, None) => unreachable!("calls on files have one"),
        };
        Some(outcome.map_err(|error| error.kind()))
    }

    /// Sets every open directory's time of modification to the same moment.
    fn reset_times(&self) {
        for dir in &self.dirs {
            alone(self.fs.set_dir_modified(dir, TIME)).expect("an open directory");
        }
    }

    /// Which open directories were changed since.
    fn touched(&self) -> Vec<bool> {
        let metadata = |dir| alone(self.fs.dir_metadata(dir)).expect("an open directory");
        self.dirs.iter().map(|dir| metadata(dir).modified != TIME).collect()
    }
}

/// Everything below a real directory: path, kind and bytes, ordered by path.
#[expect(clippy::disallowed_methods, reason = "the judge must not be the one that is judged")]
fn real_entries(dir: &Path, prefix: &str, found: &mut Vec<(String, EntryKind, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let path = format!("{prefix}{}", entry.file_name().into_string().expect("UTF-8"));
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            real_entries(&entry.path(), &format!("{path}/"), found);
            found.push((path, EntryKind::Directory, Vec::new()));
        } else if kind.is_file() {
            found.push((path, EntryKind::File, std::fs::read(entry.path()).expect("a file")));
        } else {
            found.push((path, EntryKind::Other, Vec::new()));
        }
    }
    found.sort();
}

fn simulated_entries(disk: &SimDisk) -> Vec<(String, EntryKind, Vec<u8>)> {
    let entries = disk.entries().into_iter();
    entries.map(|entry| (entry.path, entry.kind, entry.bytes.to_vec())).collect()
}

fn linked_disk() -> SimFs {
    let mut disk = SimDisk::new();
    disk.place_other("link").expect("the name is free");
    SimFs::new(disk, Sim::default())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_trace_of_calls_gives_what_the_operating_system_gives(calls in vec(call(), 1..60)) {
        let (dir, os) = real();
        symlink("a", dir.path().join("link")).expect("a link");
        let (mut real, mut simulated) = (Client::new(os), Client::new(linked_disk()));
        for (number, call) in calls.iter().enumerate() {
            real.reset_times();
            simulated.reset_times();
            let expected = real.call(call);
            let outcome = simulated.call(call);
            prop_assert_eq!(&outcome, &expected, "call {}, {:?}: simulated, then real", number, call);
            prop_assert_eq!(
                simulated.touched(), real.touched(),
                "directories that call {}, {:?} changed: simulated, then real", number, call,
            );
        }
        let mut expected = Vec::new();
        real_entries(dir.path(), "", &mut expected);
        prop_assert_eq!(simulated_entries(&simulated.fs.disk()), expected);
    }

    #[test]
    fn a_run_without_a_crash_equals_the_image_of_everything(calls in vec(call(), 1..80)) {
        let mut client = Client::new(linked_disk());
        let mut states = vec![(0, client.fs.disk().entries())];
        for call in &calls {
            client.call(call);
            let disk = client.fs.disk();
            states.push((disk.trace_len(), disk.entries()));
        }
        let disk = client.fs.disk();
        let mut images = disk.images();
        for (at, entries) in states {
            images.advance_to(at);
            prop_assert_eq!(
                images.image(ImageKind::Everything).entries(), entries,
                "after {} steps of {:#?}", at, disk.trace(),
            );
        }
    }

    #[test]
    fn a_power_loss_keeps_what_was_synced_and_nothing_else(calls in vec(call(), 1..80)) {
        let mut client = Client::new(linked_disk());
        for call in &calls {
            client.call(call);
        }
        let disk = client.fs.disk();
        let mut images = disk.images();
        let mut judge = Judge::default();
        judge.create(NodeId::ROOT, EntryKind::Directory);
        let link = disk.image(0, ImageKind::Everything);
        prop_assert_eq!(simulated_entries(&link), vec![("link".to_owned(), EntryKind::Other, vec![])]);
        let mut moved_directory = false;
        for at in 0..=disk.trace_len() {
            images.advance_to(at);
            let image = images.image(ImageKind::NothingUnsynced);
            // Once half of a directory's move may persist, all that is
            // promised is a tree, which `entries` gets to the end of.
            let mut entries = simulated_entries(&image);
            if !moved_directory {
                // The judge knows only what the trace made.
                let mut expected = Vec::new();
                judge.durable_entries(NodeId::ROOT, "", &mut expected);
                entries.retain(|(_, kind, _)| *kind != EntryKind::Other);
                prop_assert_eq!(entries, expected, "after {} steps of {:#?}", at, disk.trace());
            }
            if let Some(step) = disk.trace().get(at) {
                moved_directory |= judge.is_move_of_directory(&step.event);
                judge.step(&step.event);
            }
        }
    }
}

/// What is durable, worked out the slow way: a sync copies all that the node
/// has.
#[derive(Default)]
struct Judge {
    live: BTreeMap<NodeId, Node>,
    durable: BTreeMap<NodeId, Node>,
}

#[derive(Clone)]
struct Node {
    kind: EntryKind,
    names: BTreeMap<Arc<str>, NodeId>,
    bytes: Vec<u8>,
}

impl Judge {
    fn create(&mut self, node: NodeId, kind: EntryKind) {
        let new = Node { kind, names: BTreeMap::new(), bytes: Vec::new() };
        self.live.insert(node, new.clone());
        self.durable.insert(node, new);
    }

    fn names(&mut self, dir: NodeId) -> &mut BTreeMap<Arc<str>, NodeId> {
        &mut self.live.get_mut(&dir).expect("it was created").names
    }

    fn step(&mut self, event: &Event) {
        match event {
            Event::Create { dir, name, node, kind } => {
                self.create(*node, *kind);
                self.names(*dir).insert(Arc::clone(name), *node);
            }
            Event::Remove { dir, name } => {
                self.names(*dir).remove(name);
            }
            Event::Rename { from_dir, from, to_dir, to, node } => {
                self.names(*from_dir).remove(from);
                // The link of the setting is not the judge's.
                if self.live.contains_key(node) {
                    self.names(*to_dir).insert(Arc::clone(to), *node);
                } else {
                    self.names(*to_dir).remove(to);
                }
            }
            Event::Write { file, offset, bytes } => {
                let content = &mut self.live.get_mut(file).expect("it was created").bytes;
                let (from, to) = (*offset as usize, *offset as usize + bytes.len());
                content.resize(content.len().max(to), 0);
                content[from..to].copy_from_slice(bytes);
            }
            Event::SyncFile { file: node } | Event::SyncDirectory { dir: node } => {
                self.durable.insert(*node, self.live[node].clone());
            }
            Event::SetModified { .. }
            | Event::FailedSync { .. }
            | Event::Lock { .. }
            | Event::Unlock { .. } => {}
        }
    }

    fn is_move_of_directory(&self, event: &Event) -> bool {
        match event {
            Event::Rename { from_dir, to_dir, node, .. } => {
                from_dir != to_dir
                    && self.live.get(node).is_some_and(|node| node.kind == EntryKind::Directory)
            }
            _ => false,
        }
    }

    fn durable_entries(
        &self,
        dir: NodeId,
        prefix: &str,
        found: &mut Vec<(String, EntryKind, Vec<u8>)>,
    ) {
        for (name, node) in &self.durable[&dir].names {
            let (path, entry) = (format!("{prefix}{name}"), &self.durable[node]);
            self.durable_entries(*node, &format!("{path}/"), found);
            found.push((path, entry.kind, entry.bytes.clone()));
        }
        found.sort();
    }
}

/// The trace is too rare for chance: an open directory goes when another takes
/// its name, and is found empty from then on.
#[test]
fn a_replaced_directory_takes_nothing_in() {
    fn outcomes<F: Fs>(fs: F) -> Vec<Option<Result<Outcome, io::ErrorKind>>> {
        let mut client = Client::new(fs);
        let name = |name: &str| name.to_owned();
        let calls = [
            Call::CreateDir { parent: 0, name: name("new") },
            Call::CreateDir { parent: 0, name: name("gone") },
            Call::OpenDir { parent: 0, name: name("gone") },
            Call::CreateFile { dir: 0, name: name("file") },
            Call::Rename { from_dir: 0, from: name("new"), to_dir: 0, to: name("gone") },
            Call::CreateFile { dir: 1, name: name("a") },
            Call::CreateDir { parent: 1, name: name("a") },
            Call::Rename { from_dir: 0, from: name("file"), to_dir: 1, to: name("a") },
            Call::Rename { from_dir: 0, from: name("gone"), to_dir: 1, to: name("a") },
            Call::ReadDir { dir: 1 },
            Call::Read { dir: 1, name: name("a") },
            Call::SyncDir { dir: 1 },
            Call::ReadDir { dir: 0 },
        ];
        calls.iter().map(|call| client.call(call)).collect()
    }
    let (_dir, os) = real();
    let expected = outcomes(os);
    assert_eq!(expected[5], Some(Err(io::ErrorKind::NotFound)), "not the case that was meant");
    assert_eq!(outcomes(super::simulated()), expected, "simulated, then real");
}

/// Too rare for chance as well: a directory that is open goes.
#[test]
fn a_removed_directory_takes_nothing_in() {
    fn outcomes<F: Fs>(fs: F) -> Vec<Option<Result<Outcome, io::ErrorKind>>> {
        let mut client = Client::new(fs);
        let name = |name: &str| name.to_owned();
        let calls = [
            Call::CreateDir { parent: 0, name: name("d") },
            Call::OpenDir { parent: 0, name: name("d") },
            Call::CreateFile { dir: 1, name: name("a") },
            Call::RemoveDir { parent: 0, name: name("d") },
            Call::RemoveDir { parent: 1, name: name("a") },
            Call::RemoveFile { dir: 1, name: name("a") },
            Call::RemoveDir { parent: 0, name: name("d") },
            Call::RemoveDir { parent: 0, name: name("d") },
            Call::CreateFile { dir: 1, name: name("a") },
            Call::RemoveDir { parent: 1, name: name("a") },
            Call::ReadDir { dir: 1 },
            Call::SyncDir { dir: 1 },
            Call::CreateFile { dir: 0, name: name("d") },
            Call::ReadDir { dir: 0 },
        ];
        calls.iter().map(|call| client.call(call)).collect()
    }
    let (_dir, os) = real();
    let expected = outcomes(os);
    assert_eq!(expected[3], Some(Err(io::ErrorKind::DirectoryNotEmpty)), "it is not empty");
    assert_eq!(expected[4], Some(Err(io::ErrorKind::NotADirectory)), "a file is none");
    assert_eq!(expected[6], Some(Ok(Outcome::Done)), "it is empty now");
    assert_eq!(outcomes(super::simulated()), expected, "simulated, then real");
}

#[test]
fn the_clocks_are_those_of_the_stamps() {
    fn stamped<F: Fs>(fs: &F) -> (FileTime, FileTime) {
        let before = fs.now();
        alone(fs.create_file(&fs.root(), "file")).expect("the name is free");
        let metadata = alone(fs.metadata(&fs.root(), "file")).expect("it was made");
        (before, metadata.modified)
    }
    let (_dir, os) = real();
    let (before, stamp) = stamped(&os);
    assert!(before <= stamp, "real: stamped {stamp:?}, before the {before:?} that was now");
    let (before, stamp) = stamped(&super::simulated());
    assert!(before <= stamp, "simulated: stamped {stamp:?}, before the {before:?} that was now");
}
