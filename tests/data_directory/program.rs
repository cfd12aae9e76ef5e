//! The subcommands, as their users meet them.

#![expect(clippy::disallowed_methods, reason = "the tests prepare and look at real files")]

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use super::built;

/// Who owns nothing.
const NOBODY: u32 = 65_534;

pub(super) fn storeproof(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storeproof"));
    command.args(arguments).env_remove("STOREPROOF_ENCRYPTION_KEY").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The built data directory as real files.
pub(super) fn real() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in built::FILES {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_735_689_600);
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }
    directory
}

/// Everything below a directory: names, kinds, modes, times of modification and
/// bytes.
pub(super) fn listing(directory: &Path) -> Vec<(PathBuf, u32, i64, i64, Vec<u8>)> {
    let mut found = Vec::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(path) = ahead.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let bytes = if metadata.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        if metadata.is_dir() {
            ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push((path, metadata.mode(), metadata.mtime(), metadata.mtime_nsec(), bytes));
    }
    found.sort();
    found
}

/// Bad surroundings: exit status 2, one line on standard error, nothing else.
#[track_caller]
fn assert_refused(output: &Output, message: &str) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(stderr.contains(message), "{stderr:?} lacks {message:?}");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn what_is_no_data_directory_is_refused_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let file = file.to_str().unwrap();
    for command in ["inspect", "export", "migrate"] {
        assert_refused(&storeproof(&[command, "/etc"]), "/etc: it is no data directory");
        assert_refused(&storeproof(&[command, file]), "Not a directory");
        assert_refused(&storeproof(&[command, &format!("{file}/below")]), "Not a directory");
        assert_refused(&storeproof(&[command, "/no/such"]), "No such file or directory");
        assert_refused(&storeproof(&[command]), "were not provided: <DIR>");
    }
}

#[test]
fn an_empty_directory_holds_nothing_and_nothing_is_made_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    for command in ["inspect", "export", "migrate"] {
        for format in ["human", "json"] {
            let output = storeproof(&[command, path, "--format", format]);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{command}");
    }
    assert!(text(&storeproof(&["inspect", path]).stdout).contains("Nothing found."));
}

#[test]
fn inspect_and_export_change_nothing_and_migrate_makes_nothing_else_of_it() {
    let directory = real();
    let path = directory.path().to_str().unwrap();
    let before = listing(directory.path());
    for arguments in [
        &["inspect", path][..],
        &["inspect", path, "--files"],
        &["inspect", path, "--format", "json"],
        &["export", path],
        &["export", path, "--format", "human"],
        &["migrate", path, "--dry-run"],
    ] {
        let output = storeproof(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(listing(directory.path()), before, "{arguments:?} changed something");
    }
    let exported = storeproof(&["export", path]).stdout;
    assert_eq!(storeproof(&["migrate", path]).status.code(), Some(0));
    assert_eq!(storeproof(&["export", path]).stdout, exported);
    let migrated = listing(directory.path());
    assert_ne!(migrated, before);
    assert_eq!(storeproof(&["migrate", path]).status.code(), Some(0));
    assert_eq!(listing(directory.path()), migrated, "the second migration changed something");
    assert_eq!(storeproof(&["inspect", path]).status.code(), Some(0));
    assert_eq!(listing(directory.path()), migrated);
}

#[test]
fn json_has_a_schema_and_people_get_a_table() {
    let directory = real();
    let path = directory.path().to_str().unwrap();
    for arguments in [&["inspect", path][..], &["export", path], &["migrate", path, "--dry-run"]] {
        let output = storeproof(&[arguments, &["--format", "json"]].concat());
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["schema"], 1, "{arguments:?}");
    }
    let human = storeproof(&["export", path, "--format", "human"]).stdout;
    let json = storeproof(&["export", path]).stdout;
    let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    assert_eq!(value(&human), value(&json));
    let inspected = storeproof(&["inspect", path]).stdout;
    let inspected = text(&inspected);
    assert!(inspected.starts_with("store "), "{inspected}");
    assert!(inspected.contains("leftover  users/.tmp-123"), "{inspected}");
    let (legacy, all) = (built::LEGACY, built::LEGACY as u64 + built::CURRENT);
    let said = format!("{legacy} of {all} records are as older software wrote them");
    assert!(inspected.contains(&said), "{inspected}");
}

#[test]
fn damage_ends_with_exit_status_1() {
    let directory = real();
    let path = directory.path().to_str().unwrap();
    fs::write(directory.path().join("users/u1.json"), "{").unwrap();
    let inspected = storeproof(&["inspect", path]);
    assert_eq!(inspected.status.code(), Some(1));
    assert!(text(&inspected.stdout).contains("damaged  users/u1.json"));
    let exported = storeproof(&["export", path]);
    assert_eq!(exported.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&exported.stdout).unwrap();
    assert_eq!(document["problems"][0]["path"], "users/u1.json");
    assert_eq!(document["problems"][0]["kind"], "damaged");
    assert_eq!(document["users"].as_array().unwrap().len(), 4);
    for _ in 0..2 {
        let migrated = storeproof(&["migrate", path]);
        assert_eq!(migrated.status.code(), Some(1));
    }
    assert_eq!(fs::read(directory.path().join("users/u1.json")).unwrap(), b"{");
}

#[test]
fn a_name_that_is_no_text_is_shown_as_far_as_it_is_one_and_left_alone() {
    let directory = real();
    let file = directory.path().join("users").join(OsStr::from_bytes(b"n\xff.json"));
    fs::write(&file, "{}").unwrap();
    let path = directory.path().to_str().unwrap();
    let inspected = storeproof(&["inspect", path]);
    assert_eq!(inspected.status.code(), Some(0), "{}", text(&inspected.stderr));
    assert!(
        text(&inspected.stdout).contains("foreign   users/n\u{fffd}.json "),
        "{}",
        text(&inspected.stdout)
    );
    assert_eq!(storeproof(&["migrate", path]).status.code(), Some(0));
    assert_eq!(fs::read(&file).unwrap(), b"{}");
}

/// Runs the program as somebody who owns `directory` and whom its modes bind:
/// they do not bind root.
fn run_bound(directory: &Path, arguments: &[&str]) -> Output {
    let (_place, mut command) = bound(directory);
    command.args(arguments).output().unwrap()
}

/// The same program, to be run while the directory lives where it was copied to.
pub(crate) fn bound(directory: &Path) -> (TempDir, Command) {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("storeproof");
    // Not by this process: another test's child would have the copy open for
    // writing until it runs its own program, and this one could not be run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_storeproof")).arg(&program).status();
    assert!(copied.unwrap().success(), "the program can't be copied");
    // Another test may have had the whole process's umask changed in this moment.
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&program);
    command.current_dir("/");
    if is_root() {
        for (path, ..) in listing(directory) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    (place, command)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn set_modes(directory: &Path, directories: u32, files: u32) {
    for (path, ..) in listing(directory).into_iter().rev() {
        let mode = if path.is_dir() { directories } else { files };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn a_directory_without_write_permission_is_inspected_and_exported() {
    let directory = real();
    let path = directory.path().to_str().unwrap();
    set_modes(directory.path(), 0o555, 0o444);
    let exported = run_bound(directory.path(), &["export", path]);
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported.stderr));
    assert_eq!(exported.stdout, storeproof(&["export", path]).stdout);
    let inspected = run_bound(directory.path(), &["inspect", path]);
    assert_eq!(inspected.status.code(), Some(0), "{}", text(&inspected.stderr));
    let migrated = run_bound(directory.path(), &["migrate", path]);
    assert_refused(&migrated, "Permission denied");
    set_modes(directory.path(), 0o755, 0o644);
    // The same with the files that our own writers leave there.
    assert_eq!(storeproof(&["migrate", path]).status.code(), Some(0));
    set_modes(directory.path(), 0o555, 0o444);
    let exported = run_bound(directory.path(), &["export", path]);
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported.stderr));
    set_modes(directory.path(), 0o755, 0o644);
}

#[test]
fn a_directory_without_read_permission_is_refused_and_a_file_without_it_is_named() {
    let directory = real();
    let path = directory.path().to_str().unwrap();
    let users = directory.path().join("users");
    fs::set_permissions(users.join("u1.json"), fs::Permissions::from_mode(0o000)).unwrap();
    let inspected = run_bound(directory.path(), &["inspect", path]);
    assert_eq!(inspected.status.code(), Some(1), "{}", text(&inspected.stderr));
    assert!(
        text(&inspected.stdout).contains("users/u1.json  it can't be read: Permission denied"),
        "{}",
        text(&inspected.stdout)
    );
    fs::set_permissions(&users, fs::Permissions::from_mode(0o000)).unwrap();
    for command in ["inspect", "export", "migrate"] {
        assert_refused(&run_bound_again(&[command, path]), "Permission denied");
    }
    fs::set_permissions(&users, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o000)).unwrap();
    for command in ["inspect", "export", "migrate"] {
        assert_refused(&run_bound_again(&[command, path]), "can't be opened: Permission denied");
    }
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// The same, where the owner is nobody already.
fn run_bound_again(arguments: &[&str]) -> Output {
    let nothing = tempfile::tempdir().unwrap();
    run_bound(nothing.path(), arguments)
}
