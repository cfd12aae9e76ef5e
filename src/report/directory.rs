//! What was found in a data directory, as text that one can read at a glance.

use super::terminal::{aligned, grouped};
use crate::directory::{
    inspect::{Inspection, StoreSummary},
    migrate::Migration,
    problem::{Notice, NoticeKind, Problem},
};

/// What an inspection found: a table of the stores, what is wrong, and what is
/// worth knowing; with `list_files` also every record's file.
#[must_use]
pub fn inspection(inspection: &Inspection, list_files: bool) -> String {
    let (files, information) = (&inspection.files, &inspection.information);
    if files.is_empty() && information.is_empty() && inspection.problems.is_empty() {
        return "Nothing found.\n".to_owned();
    }
    let mut text = String::new();
    if list_files && !files.is_empty() {
        let mut rows = vec![["file", "format", "bytes", "record", ""].map(str::to_owned)];
        rows.extend(inspection.files.iter().map(|file| {
            [
                one_line(&file.path),
                format_in_words(&file.format).to_owned(),
                grouped(file.bytes),
                one_line(&file.id),
                if file.sound { String::new() } else { "<-- see below".to_owned() },
            ]
        }));
        text += &aligned(&rows, &[2]);
        text.push('\n');
    }
    text += &stores(&inspection.stores);
    text += &problems(&inspection.problems);
    // Files of older software are counted in the table already.
    text += &notices_of(information.iter().filter(|notice| notice.kind != NoticeKind::Legacy));
    let records: u64 = inspection.stores.iter().map(|store| store.records).sum();
    let current: u64 = inspection.stores.iter().map(|store| store.current).sum();
    text += &match (inspection.problems.len(), records) {
        (0, 0) => "\nNo records.\n".to_owned(),
        (0, _) if current == records => "\nAll is sound, and in the present format.\n".to_owned(),
        (0, _) => format!(
            "\nAll is sound. {} of {} records are as older software wrote them: they read, and \
             `storeproof migrate` brings them to the present format.\n",
            grouped(records - current),
            grouped(records)
        ),
        (count, _) => format!("\n{count} {}.\n", plural(count, "problem", "problems")),
    };
    text
}

/// What a migration did, or would do.
#[must_use]
pub fn migration(migration: &Migration) -> String {
    let mut text = String::new();
    let (done, kept) = (migration.migrated.len(), migration.kept.len());
    if migration.dry_run && done > 0 {
        let mut rows = vec![["file", "is now", "record"].map(str::to_owned)];
        rows.extend(migration.migrated.iter().map(|migrated| {
            [
                one_line(&migrated.path),
                format_in_words(&migrated.from).to_owned(),
                one_line(&migrated.id),
            ]
        }));
        text += &aligned(&rows, &[]);
        text.push('\n');
    }
    text += &format!(
        "{} {} brought to the present format; {} {} in it already.\n",
        grouped(u64::try_from(done).unwrap_or(u64::MAX)),
        match (migration.dry_run, done) {
            (true, 1) => "record is to be",
            (true, _) => "records are to be",
            (false, 1) => "record was",
            (false, _) => "records were",
        },
        grouped(migration.current),
        if migration.current == 1 { "was" } else { "were" },
    );
    if migration.interrupted {
        text += "Interrupted: run it again to go on.\n";
    }
    if kept > 0 {
        text += &format!("\n{kept} {} as before:\n", plural(kept, "record stays", "records stay"));
        let rows: Vec<[String; 2]> = migration
            .kept
            .iter()
            .map(|kept| [one_line(&kept.path), one_line(&kept.message)])
            .collect();
        text += &aligned(&rows, &[]);
    }
    text += &problems(&migration.problems);
    text += &notices_of(migration.information.iter());
    text
}

fn stores(stores: &[StoreSummary]) -> String {
    let head = [
        "store",
        "folder",
        "records",
        "present format",
        "older envelope",
        "flat",
        "problems",
        "leftovers",
        "foreign",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(stores.iter().map(|store| {
        [
            store.store.clone(),
            store.folder.clone(),
            grouped(store.records),
            grouped(store.current),
            grouped(store.older_envelopes),
            grouped(store.flat),
            grouped(store.problems),
            grouped(store.leftovers),
            grouped(store.foreign),
        ]
    }));
    aligned(&rows, &[2, 3, 4, 5, 6, 7, 8])
}

fn problems(problems: &[Problem]) -> String {
    let row = |problem: &Problem| {
        [problem.kind.name().to_owned(), one_line(&problem.path), one_line(&problem.message)]
    };
    listed("Problems", &problems.iter().map(row).collect::<Vec<_>>())
}

fn notices_of<'a>(notices: impl Iterator<Item = &'a Notice>) -> String {
    let row = |notice: &Notice| {
        [notice.kind.name().to_owned(), one_line(&notice.path), one_line(&notice.message)]
    };
    listed("No problems, but worth knowing", &notices.map(row).collect::<Vec<_>>())
}

fn listed(title: &str, rows: &[[String; 3]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!("\n{title}:\n{}", aligned(rows, &[]))
}

fn format_in_words(name: &str) -> &str {
    match name {
        "envelope" => "present format",
        "older_envelope" => "older envelope",
        other => other,
    }
}

fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// A name may hold anything.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
