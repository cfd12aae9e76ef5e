//! Whole data directories: `inspect`, `export` and `migrate`.

mod any_files;
mod beside_writers;
mod built;
mod crash;
mod damage;
mod genuine_ones;
mod intent;
mod killed;
mod migration;
pub(crate) mod program;
mod sealed;

use std::sync::Arc;

use serde_json::Value;
use storeproof::{
    directory::{
        DirectoryError,
        content::{self, Content, StoreWatch},
        export::export,
        inspect::Inspection,
        migrate::{Migration, Migrator},
        problem::ProblemKind,
    },
    sim::disk::SimFs,
    store::{encryption::EncryptionKey, key_file},
};

use super::file_backend::{CountingEntropy, clock, now, wait};

fn watch() -> StoreWatch {
    Arc::new(|_, _| true)
}

/// What lies in the data directory that the disk is.
#[track_caller]
fn read(fs: &SimFs) -> Content {
    try_read(fs).expect("it is a data directory")
}

fn try_read(fs: &SimFs) -> Result<Content, DirectoryError> {
    // As the program does: with the directory's own key, if it has one.
    let key = wait(key_file::read(fs)).unwrap_or_default();
    read_with(fs, key.as_ref())
}

fn read_with(fs: &SimFs, key: Option<&EncryptionKey>) -> Result<Content, DirectoryError> {
    wait(content::read(fs, key, now(), &watch()))
}

#[track_caller]
fn inspect(fs: &SimFs) -> Inspection {
    Inspection::of(&read(fs))
}

/// What `export` prints, as a value.
#[track_caller]
fn exported(fs: &SimFs) -> Value {
    let text = export_of(fs);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
}

/// The very text that `export` prints.
#[track_caller]
fn export_of(fs: &SimFs) -> String {
    export(read(fs)).text.to_string()
}

fn migrator(fs: &SimFs, dry_run: bool) -> Migrator<SimFs> {
    let entropy = Arc::new(CountingEntropy::default());
    Migrator { fs: fs.clone(), clock: clock(), entropy, dry_run, watch: watch() }
}

#[track_caller]
fn migrate(fs: &SimFs) -> Migration {
    wait(migrator(fs, false).run()).expect("it can be migrated")
}

/// The problems as (path, kind).
fn problems(inspection: &Inspection) -> Vec<(&str, ProblemKind)> {
    inspection.problems.iter().map(|problem| (&*problem.path, problem.kind)).collect()
}

/// What is worth knowing, as (path, kind), but for files of older software.
fn notices(inspection: &Inspection) -> Vec<(&str, &'static str)> {
    inspection
        .information
        .iter()
        .map(|notice| (&*notice.path, notice.kind.name()))
        .filter(|(_, kind)| *kind != "legacy")
        .collect()
}
