//! What a crash leaves: one test for each promise of the journalling file
//! systems, and for what they do not promise.

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

/// What a crash left is durable: a second one right after it changes nothing.
#[test]
fn an_image_is_durable_itself() {
    let fs = holding(&[("a", "1")]);
    written(&fs, &fs.root(), "b", "2");
    let image = fs.with_disk(|disk| disk.image(disk.trace_len(), ImageKind::Everything));
    let after = SimFs::new(image, Sim::default());
    assert_eq!(after_power_loss(&after), are(&[("a", "1"), ("b", "2")]));
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
