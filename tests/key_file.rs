//! The key that a data directory keeps.

use std::sync::Arc;

use storeproof::{
    fs::{Durability, FileTime, OsFs},
    seam::{Entropy, OsEntropy},
    sim::{
        disk::{ImageKind, SimDisk, SimFs},
        entropy::SimEntropy,
        executor::{Client, End, Sim, run},
        schedule::{Decider, Schedule},
    },
    store::{
        encryption::{EncryptionKey, SecretText},
        key_file::{KeyFileError, read, read_or_make},
    },
};

use super::{
    backends::wait,
    file_backend::process::{Fate, Process},
};

const PATH: &str = "auth/encryption_key";

fn disk_with(content: Option<&str>) -> SimFs {
    let mut disk = SimDisk::new();
    if let Some(content) = content {
        disk.write_raw(PATH, content.as_bytes(), FileTime::default()).unwrap();
    }
    SimFs::new(disk, Sim::default())
}

fn entropy(seed: u64) -> Arc<dyn Entropy> {
    Arc::new(SimEntropy::new(seed))
}

fn stored_key(fs: &SimFs) -> Option<String> {
    let bytes = fs.with_disk(|disk| disk.read_raw(PATH))?;
    Some(String::from_utf8(bytes.to_vec()).expect("text"))
}

/// Keys can't be looked into: the same one opens what the other made.
fn assert_same(one: &EncryptionKey, key_string: &str) {
    let other = EncryptionKey::new(key_string.as_bytes()).expect("a key");
    let stored = one.encrypt(&SecretText::new("x"), &OsEntropy).unwrap();
    assert!(other.decrypt(&stored).is_ok(), "the key is another one than {key_string:?}");
}

#[test]
fn the_whole_content_is_the_key() {
    for content in ["k", "k\n", " k\r\n", "\u{feff}k"] {
        let fs = disk_with(Some(content));
        assert_same(&wait(read(&fs)).unwrap().expect("a key"), content);
        assert_same(&wait(read_or_make(&fs, &entropy(1))).unwrap(), content);
        assert_eq!(stored_key(&fs).as_deref(), Some(content), "it is left as it is");
    }
}

#[test]
fn reading_makes_nothing() {
    let fs = disk_with(None);
    assert!(wait(read(&fs)).unwrap().is_none());
    assert!(fs.with_disk(SimDisk::files).is_empty() && fs.with_disk(SimDisk::trace_len) == 0);
}

#[test]
fn a_new_key_is_32_random_bytes_in_base64_and_stays() {
    let fs = disk_with(None);
    let key = wait(read_or_make(&fs, &entropy(1))).unwrap();
    let made = stored_key(&fs).expect("it is kept");
    assert_same(&key, &made);
    assert!(made.len() == 44 && made.ends_with('='), "{} bytes", made.len());
    assert_same(&wait(read_or_make(&fs, &entropy(2))).unwrap(), &made);
    assert_same(&wait(read(&fs)).unwrap().expect("a key"), &made);
    let other = disk_with(None);
    wait(read_or_make(&other, &entropy(2))).unwrap();
    assert_ne!(stored_key(&other), Some(made), "another source, another key");
}

#[test]
fn an_empty_file_is_no_key_and_is_not_replaced() {
    let fs = disk_with(Some(""));
    assert!(wait(read(&fs)).unwrap().is_none());
    let refused = wait(read_or_make(&fs, &entropy(1))).unwrap_err();
    assert!(matches!(refused, KeyFileError::Empty), "{refused}");
    assert_eq!(stored_key(&fs).as_deref(), Some(""));
}

#[test]
fn a_file_in_the_place_of_the_directory_is_told() {
    let mut disk = SimDisk::new();
    disk.write_raw("auth", *b"x", FileTime::default()).unwrap();
    let fs = SimFs::new(disk, Sim::default());
    assert!(wait(read(&fs)).is_err() && wait(read_or_make(&fs, &entropy(1))).is_err());
}

#[test]
fn a_crash_leaves_the_whole_key_or_none_and_never_loses_one_that_was_handed_out() {
    let fs = disk_with(None);
    wait(read_or_make(&fs, &entropy(1))).unwrap();
    let made = stored_key(&fs);
    let disk = fs.disk();
    for after in 0..=disk.trace_len() {
        for kind in ImageKind::ALL {
            let image = SimFs::new(disk.image(after, &kind), Sim::default());
            let left = stored_key(&image);
            assert!(left.is_none() || left == made, "{left:?} after {after} steps, {kind:?}");
            assert!(after < disk.trace_len() || left == made, "lost by {kind:?}");
            let again = wait(read_or_make(&image, &entropy(2))).expect("it can be opened again");
            assert_same(&again, &stored_key(&image).expect("a key"));
        }
    }
}

/// Whoever finds a key that its maker could not make durable does so.
#[test]
fn a_key_that_was_found_survives_the_power() {
    let fs = disk_with(None);
    wait(read_or_make(&fs, &entropy(1))).unwrap();
    let made = stored_key(&fs).unwrap();
    let disk = fs.disk();
    for after in 0..disk.trace_len() {
        let killed = SimFs::new(disk.image(after, ImageKind::Everything), Sim::default());
        wait(read_or_make(&killed, &entropy(2))).unwrap();
        let handed_out = stored_key(&killed).unwrap();
        let kept = stored_key(&SimFs::new(
            killed.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::NothingUnsynced)),
            Sim::default(),
        ));
        assert_eq!(kept, Some(handed_out), "after {after} steps (first made: {made})");
    }
}

#[test]
fn all_who_make_a_key_at_the_same_time_get_one() {
    for seed in 0..200 {
        let sim = Sim::default();
        let fs = SimFs::new(SimDisk::new(), sim.clone());
        let keys = std::sync::Mutex::new(Vec::new());
        let clients = (0..3).map(|client| -> Client<'_> {
            let (fs, keys, sim) = (fs.clone(), &keys, sim.clone());
            Box::pin(async move {
                sim.begin(client, 0);
                let key = read_or_make(&fs, &entropy(client as u64)).await.unwrap();
                keys.lock().unwrap().push(key);
            })
        });
        let mut decider = Decider::new(&Schedule::Random { seed, one_in: 2 });
        assert_eq!(run(&sim, clients.collect(), &mut decider), End::Finished);
        let kept = stored_key(&fs).expect("a key");
        for key in keys.into_inner().unwrap() {
            assert_same(&key, &kept);
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it looks at what the system has")]
fn a_real_key_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let fs = OsFs::open(directory.path()).unwrap().with_durability(Durability::Process);
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    wait(read_or_make(&fs, &entropy)).unwrap();
    let mode = |path: &str| {
        std::fs::metadata(directory.path().join(path)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(PATH), mode("auth")), (0o600, 0o750));
}

#[test]
fn a_key_that_can_t_be_made_is_an_error_and_none_is_handed_out_that_is_not_kept() {
    let mut failures = 0;
    for calls in 0.. {
        let fs = disk_with(None);
        let process = Process::new(fs.clone());
        process.meets(Fate::FailAfter(calls));
        let made = wait(read_or_make(&process, &entropy(1)));
        let Some(failed) = process.failed() else { break };
        let error = made.expect_err(failed);
        failures += 1;
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let message = format!("{error}: {}", source.unwrap_or_default());
        assert!(message.contains("an injected failure"), "{failed}: {message}");
        let key = wait(read_or_make(&fs, &entropy(2))).expect("the next one can");
        assert_same(&key, &stored_key(&fs).expect("it is kept"));
    }
    assert!(failures > 5, "only {failures} failures");
}
