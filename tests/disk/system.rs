//! What holds for real files beyond what a simulated disk can show.

use std::{
    future::Future,
    io::{self, ErrorKind},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use storeproof::fs::{Access, Durability, EntryKind, Fs, HEAD_BYTES, OsFs};
use tempfile::TempDir;

use super::{alone, real};

/// Everything that opens `name`, and what came of it.
fn opened_in_every_way(fs: &OsFs, name: &str) -> Vec<(&'static str, io::Result<()>)> {
    let root = fs.root();
    vec![
        ("open_dir", alone(fs.open_dir(&root, name)).map(drop)),
        ("read", alone(fs.read(&root, name)).map(drop)),
        ("open to read", alone(fs.open_file(&root, name, Access::Read)).map(drop)),
        ("open to write", alone(fs.open_file(&root, name, Access::ReadWrite)).map(drop)),
        ("create_file", alone(fs.create_file(&root, name)).map(drop)),
        ("create_dir", alone(fs.create_dir(&root, name))),
    ]
}

fn permissions(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn no_name_leads_out_of_its_directory() {
    let (dir, fs) = real();
    alone(fs.create_dir(&fs.root(), "sub")).expect("made");
    let absolute = dir.path().join("new");
    for name in ["..", ".", "", "sub/new", "../new", absolute.to_str().expect("UTF-8"), "a\0b"] {
        for (way, outcome) in opened_in_every_way(&fs, name) {
            let refused = outcome.expect_err(way);
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{way} {name:?}");
        }
        let root = fs.root();
        for (way, outcome) in [
            ("metadata", alone(fs.metadata(&root, name)).map(drop)),
            ("rename from", alone(fs.rename(&root, name, &root, "x"))),
            ("rename to", alone(fs.rename(&root, "sub", &root, name))),
            ("remove", alone(fs.remove_file(&root, name))),
        ] {
            assert_eq!(outcome.expect_err(way).kind(), ErrorKind::InvalidInput, "{way} {name:?}");
        }
    }
}

#[test]
fn links_are_listed_and_removed_but_never_followed() {
    let (outside_dir, outside) = real();
    let target = alone(outside.create_file(&outside.root(), "target")).expect("made");
    let (dir, fs) = real();
    let root = fs.root();
    for target in
        [outside_dir.path().join("target"), outside_dir.path().to_owned(), "nowhere".into()]
    {
        symlink(&target, dir.path().join("link")).expect("a link");
        for (way, outcome) in opened_in_every_way(&fs, "link") {
            let refused = outcome.expect_err(way);
            assert_ne!(refused.kind(), ErrorKind::NotFound, "{way} a link to {target:?}");
        }
        let metadata = alone(fs.metadata(&root, "link")).expect("it is there");
        assert_eq!(metadata.kind, EntryKind::Other);
        let entries = alone(fs.read_dir(&root)).expect("listed");
        assert_eq!(entries[0].kind, EntryKind::Other);
        alone(fs.remove_file(&root, "link")).expect("the link goes");
    }
    drop(target);
    alone(outside.metadata(&outside.root(), "target")).expect("its target stays");
}

#[test]
fn a_root_may_be_reached_through_a_link_and_must_be_a_directory() {
    let dir = TempDir::new().expect("a temporary directory");
    symlink(dir.path(), dir.path().join("link")).expect("a link");
    let fs = OsFs::open(&dir.path().join("link")).expect("followed");
    alone(fs.create_file(&fs.root(), "file")).expect("made");
    let refused = OsFs::open(&dir.path().join("file")).expect_err("no directory");
    assert_eq!(refused.kind(), ErrorKind::NotADirectory);
    let refused = OsFs::open(&dir.path().join("none")).expect_err("nothing there");
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}

#[test]
fn what_is_no_file_is_refused_without_blocking() {
    let (dir, fs) = real();
    mknodat(CWD, dir.path().join("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .expect("a FIFO");
    let _socket = UnixListener::bind(dir.path().join("socket")).expect("a socket");
    for name in ["fifo", "socket"] {
        // A FIFO without a writer would hold a blocking open for ever.
        for (way, outcome) in opened_in_every_way(&fs, name) {
            assert_ne!(outcome.expect_err(way).kind(), ErrorKind::NotFound, "{way} {name}");
        }
        let metadata = alone(fs.metadata(&fs.root(), name)).expect("it is there");
        assert_eq!(metadata.kind, EntryKind::Other);
    }
}

#[test]
fn modes_are_exact_whatever_the_umask() {
    let (dir, fs) = real();
    // The mask is the whole process's. What other tests make at this moment
    // loses only what is not their owner's.
    let before = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let made = alone(fs.create_dir(&fs.root(), "dir"));
    let written = alone(fs.create_file(&fs.root(), "file"));
    rustix::process::umask(before);
    made.and(written.map(drop)).expect("both are made");
    assert_eq!(permissions(&dir.path().join("dir")), 0o750);
    assert_eq!(permissions(&dir.path().join("file")), 0o600);
}

#[test]
fn content_of_any_length_comes_back_with_both_durabilities() {
    let (_dir, fs) = real();
    let root = fs.root();
    for (number, length) in [0, 1, 4_095, 4_096, 4_097, 3 << 20].into_iter().enumerate() {
        for durability in [Durability::Process, Durability::Full] {
            let fs = fs.clone().with_durability(durability);
            let name = format!("{number} {durability:?}");
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let file = alone(fs.create_file(&root, &name)).expect("made");
            let (start, rest) = bytes.split_at(length / 3);
            alone(fs.write(&file, start)).expect("written");
            alone(fs.write(&file, rest)).expect("written after it");
            alone(fs.sync_file(&file)).expect("synced");
            alone(fs.sync_dir(&root)).expect("synced");
            let (read, metadata) = alone(fs.read(&root, &name)).expect("read");
            assert!(read == bytes, "{length} bytes came back as {}", read.len());
            assert_eq!(metadata.length, length as u64);
            assert_eq!(metadata, alone(fs.metadata(&root, &name)).expect("it is there"));
        }
    }
}

/// Files in /proc say that they are empty.
#[test]
fn a_file_is_read_to_its_end_whatever_length_it_claims() {
    let fs = OsFs::open(Path::new("/proc/self")).expect("Linux");
    let (bytes, metadata) = alone(fs.read(&fs.root(), "status")).expect("read");
    assert!(bytes.starts_with(b"Name:") && bytes.ends_with(b"\n"), "a part is missing");
    assert_eq!(metadata.length, bytes.len() as u64);
}

#[test]
fn many_entries_are_all_listed_also_by_two_readers_of_one_handle() {
    let (dir, fs) = real();
    for number in 0..500 {
        std::fs::File::create_new(dir.path().join(format!("{number:0200}"))).expect("made");
    }
    let root = fs.root();
    for _ in 0..2 {
        assert_eq!(alone(fs.read_dir(&root)).expect("listed").len(), 500);
    }
}

#[test]
fn a_renamed_file_keeps_its_inode_and_an_open_directory_is_found_after_a_rename() {
    let (_dir, fs) = real();
    let root = fs.root();
    alone(fs.create_dir(&root, "old")).expect("made");
    let opened = alone(fs.open_dir(&root, "old")).expect("opened");
    alone(fs.rename(&root, "old", &root, "new")).expect("renamed");
    alone(fs.create_file(&opened, "a")).expect("made in the renamed directory");
    let before = alone(fs.metadata(&opened, "a")).expect("it is there").inode;
    alone(fs.rename(&opened, "a", &root, "b")).expect("renamed");
    assert_eq!(alone(fs.metadata(&root, "b")).expect("it is there").inode, before);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a reader has to run beside the writer")]
fn a_head_is_never_read_half_written() {
    let (_dir, fs) = real();
    let root = fs.root();
    let file = alone(fs.create_file(&root, "head")).expect("made");
    alone(fs.write_head(&file, &[0; HEAD_BYTES])).expect("written");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let file = alone(fs.open_file(&root, "head", Access::Read)).expect("it is there");
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) || seen == 0 {
                let head = alone(fs.read_head(&file)).expect("read");
                assert_eq!(head.len(), HEAD_BYTES);
                assert!(head.iter().all(|byte| *byte == head[0]), "torn: {head:?}");
                seen += 1;
            }
        });
        for round in 0..300_000_u32 {
            alone(fs.write_head(&file, &[round as u8; HEAD_BYTES])).expect("written");
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("nothing was torn");
    });
    let refused = alone(fs.write_head(&file, &[0; HEAD_BYTES + 1])).expect_err("too long");
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}

#[test]
fn an_operation_runs_to_its_end_at_the_first_poll() {
    use std::task::{Context, Waker};
    let (_dir, fs) = real();
    let operation = {
        let fs = fs.clone();
        async move {
            let file = fs.create_file(&fs.root(), "a").await?;
            fs.write(&file, b"bytes").await
        }
    };
    {
        let mut running = std::pin::pin!(fs.run(operation));
        let outcome = running.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(outcome.is_ready(), "it waits although real files never do");
    }
    assert_eq!(alone(fs.read(&fs.root(), "a")).expect("it is there").0, b"bytes");
}
