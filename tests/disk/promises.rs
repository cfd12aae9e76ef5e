//! What a crash leaves: one test for each promise of the journalling file
//! systems, and for what they do not promise. The simulated disk never loses
//! what is promised, and never keeps what is not.

use std::collections::BTreeSet;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use storeproof::{
    fs::{Access, Fs},
    sim::{
        disk::{Change, Event, ImageKind, SimDir, SimDisk, SimFile, SimFs},
        executor::Sim,
    },
};

use super::{TIME, alone, simulated};

/// The disk with the files given, all durable, in the hands of a client.
fn holding(files: &[(&str, &str)]) -> SimFs {
    let mut disk = SimDisk::new();
    for (path, bytes) in files {
        disk.write_raw(path, bytes.as_bytes(), TIME).expect("a path");
    }
    SimFs::new(disk, Sim::default())
}

fn files(disk: &SimDisk) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    disk.files().iter().map(|(path, bytes)| (path.clone(), text(bytes))).collect()
}

/// The files after a power loss now that wrote nothing back on its own.
fn after_power_loss(fs: &SimFs) -> Vec<(String, String)> {
    fs.with_disk(|disk| files(&disk.image(disk.trace_len(), ImageKind::NothingUnsynced)))
}

fn are(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, bytes)| ((*path).to_owned(), (*bytes).to_owned())).collect()
}

fn written(fs: &SimFs, dir: &SimDir, name: &str, bytes: &str) -> SimFile {
    let file = alone(fs.create_file(dir, name)).expect("the name is free");
    alone(fs.write(&file, bytes.as_bytes())).expect("written");
    file
}

fn sync_file(fs: &SimFs, file: &SimFile) {
    alone(fs.sync_file(file)).expect("synced");
}

fn sync_dir(fs: &SimFs, dir: &SimDir) {
    alone(fs.sync_dir(dir)).expect("synced");
}

fn dir(fs: &SimFs, name: &str) -> SimDir {
    alone(fs.open_dir(&fs.root(), name)).expect("it is there")
}

/// fsync(2): "flushes all modified in-core data of the file … so that all
/// changed information can be retrieved even if the system crashes"; for its
/// name "an explicit `fsync()` on a file descriptor for the directory is also
/// needed".
#[test]
fn content_is_durable_after_a_sync_of_the_file_and_its_name_after_one_of_the_directory() {
    let fs = simulated();
    let file = written(&fs, &fs.root(), "a", "bytes");
    sync_file(&fs, &file);
    sync_dir(&fs, &fs.root());
    assert_eq!(after_power_loss(&fs), are(&[("a", "bytes")]));
}

/// fsync(2): "Calling `fsync()` does not necessarily ensure that the entry in the
/// directory containing the file has also reached disk."
#[test]
fn a_synced_file_has_no_name_until_its_directory_is_synced() {
    let fs = simulated();
    let file = written(&fs, &fs.root(), "a", "bytes");
    sync_file(&fs, &file);
    assert_eq!(after_power_loss(&fs), are(&[]));
}

/// The kernel's admin-guide/ext4.rst, `auto_da_alloc`: without it, files that
/// were renamed into place without fsync are found with the "zero-length"
/// problem "when a system crashes before the delayed allocation blocks are
/// forced to disk". XFS has no such option.
#[test]
fn a_durable_name_of_a_file_that_was_not_synced_is_empty() {
    let fs = holding(&[("target", "old")]);
    written(&fs, &fs.root(), "temporary", "new");
    alone(fs.rename(&fs.root(), "temporary", &fs.root(), "target")).expect("renamed");
    sync_dir(&fs, &fs.root());
    assert_eq!(after_power_loss(&fs), are(&[("target", "")]));
}

/// fsync(2): what is made durable is what was written when it was called, by
/// whichever opening.
#[test]
fn a_sync_covers_all_earlier_writes_and_no_later_ones() {
    let fs = holding(&[("a", "1")]);
    let open = || alone(fs.open_file(&fs.root(), "a", Access::ReadWrite)).expect("it is there");
    let (writer, syncer) = (open(), open());
    alone(fs.write(&writer, b"2")).expect("written");
    sync_file(&fs, &syncer);
    alone(fs.write(&writer, b"3")).expect("written");
    alone(fs.write_head(&writer, b"x")).expect("written");
    assert_eq!(fs.disk().read_raw("a").as_deref(), Some(&b"x23"[..]));
    assert_eq!(after_power_loss(&fs), are(&[("a", "12")]));
}

/// fsync(2), of the directory, as for any change of its entries.
#[test]
fn a_removed_file_is_back_until_its_directory_is_synced() {
    let fs = holding(&[("a", "bytes")]);
    alone(fs.remove_file(&fs.root(), "a")).expect("removed");
    assert_eq!(after_power_loss(&fs), are(&[("a", "bytes")]));
    sync_dir(&fs, &fs.root());
    assert_eq!(after_power_loss(&fs), are(&[]));
}

/// fsync(2), of the directory above; what lay in it goes with the name, synced or
/// not.
#[test]
fn a_removed_directory_is_back_with_its_content_until_the_one_above_is_synced() {
    let fs = holding(&[("d/a", "bytes")]);
    let removed = dir(&fs, "d");
    alone(fs.remove_file(&removed, "a")).expect("removed");
    alone(fs.remove_dir(&fs.root(), "d")).expect("it is empty");
    assert_eq!(fs.disk().entries(), []);
    assert_eq!(after_power_loss(&fs), are(&[("d/a", "bytes")]));
    sync_dir(&fs, &fs.root());
    assert_eq!(after_power_loss(&fs), are(&[]));
    sync_dir(&fs, &removed);
    let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::NothingUnsynced));
    assert_eq!(image.entries(), []);
}

/// unlink(2): the file "will remain in existence until the last file descriptor
/// referring to it is closed", and no longer: syncing it gives it no name.
#[test]
fn syncing_an_unlinked_file_does_not_bring_it_back() {
    let fs = holding(&[("a", "old")]);
    let file = alone(fs.open_file(&fs.root(), "a", Access::ReadWrite)).expect("it is there");
    alone(fs.remove_file(&fs.root(), "a")).expect("removed");
    alone(fs.write_head(&file, b"new")).expect("an open file can be written");
    assert_eq!(alone(fs.read_head(&file)).expect("read"), b"new");
    sync_file(&fs, &file);
    assert_eq!(after_power_loss(&fs), are(&[("a", "new")]), "only its name is in doubt");
    sync_dir(&fs, &fs.root());
    assert_eq!(after_power_loss(&fs), are(&[]));
}

/// rename(2): "If newpath already exists, it will be atomically replaced";
/// ext4, XFS and btrfs journal the change of one directory as one transaction.
#[test]
fn a_rename_within_a_directory_persists_wholly_or_not_at_all() {
    let fs = holding(&[("a", "new"), ("b", "old")]);
    alone(fs.rename(&fs.root(), "a", &fs.root(), "b")).expect("renamed");
    assert_eq!(after_power_loss(&fs), are(&[("a", "new"), ("b", "old")]));
    fs.with_disk(|disk| {
        let mut images = disk.images();
        images.advance_to(disk.trace_len());
        let changes: Vec<_> = images.unsynced().iter().map(|unsynced| &unsynced.change).collect();
        let [Change::Names { removed: Some(removed), given: Some((given, _)), .. }] = changes[..]
        else {
            panic!("not one change of both names: {changes:?}");
        };
        assert_eq!((&**removed, &**given), ("a", "b"));
    });
    sync_dir(&fs, &fs.root());
    assert_eq!(after_power_loss(&fs), are(&[("b", "new")]));
}

/// fsync(2) speaks of one directory, and POSIX promises nothing for two: Pillai
/// et al., "All File Systems Are Not Created Equal" (OSDI 2014), found no
/// atomicity across directories that an application may count on.
#[test]
fn of_a_rename_across_directories_the_synced_half_persists() {
    let moved = || {
        let fs = holding(&[("from/a", "bytes"), ("to/other", "")]);
        let (from, to) = (dir(&fs, "from"), dir(&fs, "to"));
        alone(fs.rename(&from, "a", &to, "b")).expect("renamed");
        (fs, from, to)
    };
    let (fs, ..) = moved();
    assert_eq!(after_power_loss(&fs), are(&[("from/a", "bytes"), ("to/other", "")]));
    let (fs, from, _) = moved();
    sync_dir(&fs, &from);
    assert_eq!(after_power_loss(&fs), are(&[("to/other", "")]), "the file is lost");
    let (fs, from, to) = moved();
    sync_dir(&fs, &to);
    let both = [("from/a", "bytes"), ("to/b", "bytes"), ("to/other", "")];
    assert_eq!(after_power_loss(&fs), are(&both), "the file has both names");
    sync_dir(&fs, &from);
    assert_eq!(after_power_loss(&fs), are(&[("to/b", "bytes"), ("to/other", "")]));
}

/// After half of a rename a file may have two names: then it is one file.
#[test]
fn a_file_left_with_two_names_outlives_the_first_removal() {
    let fs = holding(&[("from/a", "bytes"), ("to/other", "")]);
    let (from, to) = (dir(&fs, "from"), dir(&fs, "to"));
    alone(fs.rename(&from, "a", &to, "b")).expect("renamed");
    sync_dir(&fs, &to);
    let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::NothingUnsynced));
    let fs = SimFs::new(image, Sim::default());
    let inode = |dir, name| alone(fs.metadata(&dir, name)).expect("it is there").inode;
    assert_eq!(inode(dir(&fs, "from"), "a"), inode(dir(&fs, "to"), "b"));
    alone(fs.remove_file(&dir(&fs, "from"), "a")).expect("removed");
    let (bytes, _) = alone(fs.read(&dir(&fs, "to"), "b")).expect("the other name is left");
    assert_eq!(bytes, b"bytes");
}

/// fsync(2), for each directory on the way.
#[test]
fn what_lies_in_a_new_directory_is_durable_only_with_the_directorys_own_name() {
    let fs = simulated();
    alone(fs.create_dir(&fs.root(), "new")).expect("the name is free");
    let new = dir(&fs, "new");
    let file = written(&fs, &new, "a", "bytes");
    sync_file(&fs, &file);
    sync_dir(&fs, &new);
    assert_eq!(after_power_loss(&fs), are(&[]));
    sync_dir(&fs, &fs.root());
    assert_eq!(after_power_loss(&fs), are(&[("new/a", "bytes")]));
}

/// As above, the other way round: the name of a directory says nothing of what
/// lies in it.
#[test]
fn a_new_directory_whose_name_alone_was_synced_is_empty() {
    let fs = simulated();
    alone(fs.create_dir(&fs.root(), "new")).expect("the name is free");
    sync_file(&fs, &written(&fs, &dir(&fs, "new"), "a", "bytes"));
    sync_dir(&fs, &fs.root());
    let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::NothingUnsynced));
    let paths: Vec<_> = image.entries().into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["new"]);
}

/// write(2): "A successful return from `write()` does not make any guarantee that
/// data has been committed to disk", but the kernel has it: the page cache does
/// not die with a process.
#[test]
fn a_kill_keeps_everything_that_was_done() {
    let fs = simulated();
    let file = written(&fs, &fs.root(), "a", "bytes");
    alone(fs.lock(&file)).expect("nobody has it");
    let disk = fs.disk();
    assert_eq!(files(&disk.image(disk.trace_len(), ImageKind::Everything)), are(&[("a", "bytes")]));
    assert_eq!(files(&disk.image(1, ImageKind::Everything)), are(&[("a", "")]), "before the write");
    assert_eq!(files(&disk.image(0, ImageKind::Everything)), are(&[]), "before it was made");
    let names: Vec<_> = disk.trace().iter().map(|step| &step.event).collect();
    assert!(
        matches!(names[..], [Event::Create { .. }, Event::Write { .. }, Event::Lock { .. }]),
        "{names:?}"
    );
}

/// flock(2): the lock is released "when all such file descriptors have been
/// closed", which a crash does.
#[test]
fn after_a_crash_all_locks_are_free_and_the_trace_is_new() {
    let fs = simulated();
    let file = written(&fs, &fs.root(), "lock", "");
    alone(fs.lock(&file)).expect("nobody has it");
    let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::Everything));
    assert_eq!(image.trace_len(), 0);
    let after = SimFs::new(image, Sim::default());
    let file = alone(after.open_file(&after.root(), "lock", Access::Read)).expect("it is there");
    assert!(alone(after.try_lock(&file)).expect("locks work here"), "a dead process has the lock");
}

/// The clock of a machine does not go back because it was restarted.
#[test]
fn the_clock_goes_on_after_a_crash() {
    let fs = simulated();
    let before = fs.now();
    for number in 0..100 {
        written(&fs, &fs.root(), &number.to_string(), "x");
    }
    assert!(fs.now() > before, "200 changes took no time");
    let disk = fs.disk();
    let mut last = before;
    for at in 0..=disk.trace_len() {
        let now = disk.image(at, ImageKind::NothingUnsynced).now();
        assert!(last <= now && now <= fs.now(), "{now:?} after {at} steps");
        last = now;
    }
}

/// ext4 and XFS give the number of a freed inode to one of the next files.
#[test]
fn the_inode_number_of_a_file_is_used_again_once_it_is_removed_and_closed() {
    let fs = simulated();
    let root = fs.root();
    let inode = |name| alone(fs.metadata(&root, name)).expect("it is there").inode;
    let open = written(&fs, &root, "a", "");
    let first = inode("a");
    alone(fs.remove_file(&root, "a")).expect("removed");
    written(&fs, &root, "b", "");
    assert_ne!(inode("b"), first, "the number of an open file was given away");
    drop(open);
    written(&fs, &root, "c", "");
    assert_eq!(inode("c"), first);
    written(&fs, &root, "d", "");
    alone(fs.rename(&root, "d", &root, "c")).expect("renamed");
    written(&fs, &root, "e", "");
    assert_eq!(inode("e"), first, "replacing a file frees its number too");
}

/// Two files never have one number, even where a power loss shows together what
/// never was there together.
#[test]
fn after_a_crash_inode_numbers_are_unique() {
    let fs = holding(&[("one/a", "old"), ("two/x", "")]);
    let (one, two) = (dir(&fs, "one"), dir(&fs, "two"));
    alone(fs.remove_file(&one, "a")).expect("removed");
    // It takes the number of the removed file, whose name is still durable.
    let file = written(&fs, &two, "b", "new");
    sync_file(&fs, &file);
    sync_dir(&fs, &two);
    let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::NothingUnsynced));
    let after = SimFs::new(image, Sim::default());
    let inode = |dir, name| alone(after.metadata(&dir, name)).expect("it is there").inode;
    assert_ne!(inode(dir(&after, "one"), "a"), inode(dir(&after, "two"), "b"));
}

/// utimensat(2) changes the inode, which fsync(2) flushes with the rest.
#[test]
fn a_time_that_was_set_is_durable_after_a_sync_of_the_directory() {
    let fs = holding(&[("sub/a", "")]);
    let sub = dir(&fs, "sub");
    alone(fs.set_dir_modified(&sub, TIME)).expect("set");
    let modified = |fs: &SimFs| {
        let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::NothingUnsynced));
        let entry = image.entries().into_iter().find(|entry| entry.path == "sub");
        entry.expect("it is there").modified
    };
    assert_ne!(modified(&fs), TIME);
    sync_dir(&fs, &sub);
    assert_eq!(modified(&fs), TIME);
}

/// A directory has one name in every image, and none lies in itself: e2fsck(8)
/// removes further links to a directory, and so does every check after a
/// crash.
#[test]
fn whatever_half_of_a_directorys_move_persists_a_tree_is_left() {
    let fs = holding(&[("a/in_a", ""), ("b/in_b", ""), ("c/in_c", "")]);
    let [a, b] = ["a", "b"].map(|name| dir(&fs, name));
    let root = fs.root();
    let paths = |fs: &SimFs| {
        let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::NothingUnsynced));
        image.entries().into_iter().map(|entry| entry.path).collect::<Vec<_>>()
    };
    // Only the new name of `c` persists: it was in the root and is in `b`.
    alone(fs.rename(&root, "c", &b, "c")).expect("moved");
    sync_dir(&fs, &b);
    let one_c = ["a", "a/in_a", "b", "b/in_b", "c", "c/in_c"];
    assert_eq!(paths(&fs), one_c);
    // `b` into `a`, back out, and `a` into `b`: each has the other.
    alone(fs.rename(&root, "b", &a, "b")).expect("moved");
    sync_dir(&fs, &a);
    alone(fs.rename(&a, "b", &root, "b")).expect("moved back");
    alone(fs.rename(&root, "a", &b, "a")).expect("moved");
    sync_dir(&fs, &b);
    assert_eq!(paths(&fs), one_c);
    sync_dir(&fs, &a);
    sync_dir(&fs, &root);
    assert_eq!(paths(&fs), ["b", "b/a", "b/a/in_a", "b/c", "b/c/in_c", "b/in_b"]);
}

/// Everything that a crash now may leave, each once.
fn after_any_crash(fs: &SimFs) -> BTreeSet<Vec<(String, String)>> {
    fs.with_disk(|disk| {
        let mut images = disk.images();
        images.advance_to(disk.trace_len());
        let kinds = images.kinds(1_024, &mut Xoshiro256PlusPlus::seed_from_u64(1));
        assert!(kinds.len() <= 1_024, "{} images", kinds.len());
        kinds.iter().map(|kind| files(&images.image(kind))).collect()
    })
}

fn set_of<const N: usize>(images: [&[(&str, &str)]; N]) -> BTreeSet<Vec<(String, String)>> {
    images.into_iter().map(are).collect()
}

/// Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014), table 1:
/// no file system that they looked at keeps the order of all changes; and
/// fsync(2) is the only promise that POSIX makes.
#[test]
fn of_what_was_not_synced_any_part_may_persist() {
    let fs = simulated();
    for name in ["a", "b", "c", "d"] {
        sync_file(&fs, &written(&fs, &fs.root(), name, "bytes"));
    }
    assert_eq!(after_any_crash(&fs).len(), 16, "each of four names is there or is not");
    sync_dir(&fs, &fs.root());
    assert_eq!(after_any_crash(&fs).len(), 1, "nothing is in doubt once it is synced");
}

/// The kernel's admin-guide/ext4.rst on `auto_da_alloc` ("replace via rename"),
/// as above: the rename may persist without the data. And rename(2) makes no
/// promise that it persists when the data do.
#[test]
fn a_rename_may_persist_without_its_data_and_the_data_without_the_rename() {
    let fs = holding(&[("target", "old")]);
    written(&fs, &fs.root(), "temporary", "ab");
    alone(fs.rename(&fs.root(), "temporary", &fs.root(), "target")).expect("renamed");
    let expected = set_of([
        &[("target", "old")],
        // Made, and not renamed: without its data, torn, and with it.
        &[("target", "old"), ("temporary", "")],
        &[("target", "old"), ("temporary", "a")],
        &[("target", "old"), ("temporary", "ab")],
        &[("target", "old"), ("temporary", "\0\0")],
        // Renamed.
        &[("target", "")],
        &[("target", "a")],
        &[("target", "ab")],
        &[("target", "\0\0")],
    ]);
    let found = after_any_crash(&fs);
    assert!(found.is_subset(&expected), "more is possible: {found:#?}");
    for must in [
        are(&[("target", "old")]),
        are(&[("target", "")]),
        are(&[("target", "ab")]),
        are(&[("target", "old"), ("temporary", "ab")]),
    ] {
        assert!(found.contains(&must), "{must:?} is not among {found:#?}");
    }
}

/// rename(2): the target is replaced atomically, and ext4, XFS and btrfs journal
/// both names as one: there is no moment without either, and none with half.
#[test]
fn no_crash_leaves_half_of_a_rename_within_a_directory() {
    let fs = holding(&[("a", "new"), ("b", "old")]);
    alone(fs.rename(&fs.root(), "a", &fs.root(), "b")).expect("renamed");
    let expected = set_of([&[("a", "new"), ("b", "old")], &[("b", "new")]]);
    assert_eq!(after_any_crash(&fs), expected);
}

/// A disk writes a sector wholly or not at all (Pillai et al., section 2: "the
/// atomicity of block writes"), and more than one sector in any order; a file
/// system may besides lay down the length of a file before or after its bytes,
/// so that a short file, and one with zeroes, are possible.
#[test]
fn an_unsynced_write_may_be_torn_between_sectors_and_at_any_byte() {
    let fs = holding(&[("log", "head")]);
    let file = alone(fs.open_file(&fs.root(), "log", Access::ReadWrite)).expect("it is there");
    let long = "x".repeat(1_500);
    alone(fs.write(&file, long.as_bytes())).expect("written");
    let images = after_any_crash(&fs);
    let contents: BTreeSet<&str> = images.iter().map(|files| files[0].1.as_str()).collect();
    let whole = format!("head{long}");
    for content in &contents {
        let written = content.bytes().zip(whole.bytes());
        let is_part = content.starts_with("head")
            && written.clone().all(|(byte, whole)| byte == whole || byte == 0);
        assert!(is_part, "it is no part of what was written: {} bytes", content.len());
    }
    for length in ["head".len(), "head".len() + 1, 512, 1_024, whole.len() - 1, whole.len()] {
        assert!(contents.contains(&whole[..length]), "never cut to {length} bytes");
    }
    let hole = format!("{}{}{}", &whole[..512], "\0".repeat(512), &whole[1_024..]);
    assert!(contents.contains(hole.as_str()), "the middle sector is never missing");
    sync_file(&fs, &file);
    let synced: BTreeSet<_> = after_any_crash(&fs);
    assert_eq!(
        synced,
        BTreeSet::from([are(&[("log", whole.as_str())])]),
        "a synced write is whole"
    );
}

/// What is overwritten and not synced is as it was, where the new bytes did not
/// reach the disk.
#[test]
fn a_torn_write_over_other_bytes_leaves_those() {
    let fs = holding(&[("head", "old bytes")]);
    let file = alone(fs.open_file(&fs.root(), "head", Access::ReadWrite)).expect("it is there");
    alone(fs.write_head(&file, b"NEW")).expect("written");
    for image in after_any_crash(&fs) {
        let content = &image[0].1;
        let is_mixed = content.starts_with(['o', 'N']) && content.ends_with(" bytes");
        assert!(is_mixed && content.len() == 9, "{content:?}");
    }
}

/// write(2) and signal(7): a killed process takes nothing back, and syncs
/// nothing either. What it had not synced is in the page cache for the next
/// process to see, and for a loss of power to take.
#[test]
fn what_a_killed_process_had_not_synced_may_still_be_lost_with_the_power() {
    let fs = simulated();
    written(&fs, &fs.root(), "a", "1");
    let killed = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::Everything));
    let next = SimFs::new(killed, Sim::default());
    assert_eq!(files(&next.disk()), are(&[("a", "1")]), "the next process sees it");
    assert_eq!(after_power_loss(&next), are(&[]));
    let file = alone(next.open_file(&next.root(), "a", Access::Read)).expect("it is there");
    sync_file(&next, &file);
    assert_eq!(after_power_loss(&next), are(&[]), "its name is not durable");
    sync_dir(&next, &next.root());
    assert_eq!(after_power_loss(&next), are(&[("a", "1")]), "the next process can sync it");
}

/// As above: a second kill makes no difference.
#[test]
fn two_kills_are_as_one() {
    let fs = simulated();
    written(&fs, &fs.root(), "a", "1");
    let kill = |fs: &SimFs| {
        let disk = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::Everything));
        SimFs::new(disk, Sim::default())
    };
    let next = kill(&kill(&fs));
    written(&next, &next.root(), "b", "2");
    assert_eq!(files(&next.disk()), are(&[("a", "1"), ("b", "2")]));
    assert_eq!(after_power_loss(&next), are(&[]));
    sync_dir(&next, &next.root());
    assert_eq!(after_power_loss(&next), are(&[("a", ""), ("b", "")]), "names without data");
}

/// What a loss of power left is on the disk: the next one finds it there.
#[test]
fn what_a_loss_of_power_left_is_durable() {
    let fs = holding(&[("a", "1")]);
    written(&fs, &fs.root(), "b", "2");
    fs.with_disk(|disk| {
        let mut images = disk.images();
        images.advance_to(disk.trace_len());
        for kind in images.kinds(64, &mut Xoshiro256PlusPlus::seed_from_u64(1)) {
            if kind.is_power_loss() {
                let left = images.image(&kind);
                let expected = files(&left);
                assert_eq!(after_any_crash(&SimFs::new(left, Sim::default())), [expected].into());
            }
        }
    });
}
