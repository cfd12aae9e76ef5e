//! The keys that any handle of a collection ever declared. Every writer keeps
//! all of them, so that a handle that declares one finds it kept.

use std::sync::Arc;

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::{
    connection::{Handle, Tx},
    errors::{Failed, Step},
    row::{Stored, columns},
    schema::COLLECTION_VERSION,
};
use crate::seam::{
    CollectionSpec, Error, KeyPart, KeySpec, KeyValue, Outcome, Payload, RecordId, Result, Site,
};

/// The declared keys of a collection.
#[derive(Default)]
pub(super) struct Declared {
    /// As `collections.keys` has them; empty: nothing was read yet.
    text: String,
    /// What `record_keys.key` says for each, and what it is made of.
    keys: Vec<(String, KeySpec)>,
}

/// A part of a key as the database has it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPart {
    Pointer(String),
    WithDefault(String, String),
}

/// What `record_keys.key` says for a key: the parts alone make it, so that one
/// name may stand for different keys.
pub(super) fn name_of(key: &KeySpec) -> String {
    let part = |part: &KeyPart| match &part.default {
        None => StoredPart::Pointer(part.pointer.to_string()),
        Some(default) => StoredPart::WithDefault(part.pointer.to_string(), default.to_string()),
    };
    let parts: Vec<StoredPart> = key.parts.iter().map(part).collect();
    // Strings in lists can always be written.
    serde_json::to_string(&parts).unwrap_or_default()
}

fn key_named(name: &str) -> Option<KeySpec> {
    let parts: Vec<StoredPart> = serde_json::from_str(name).ok()?;
    let part = |part: StoredPart| match part {
        StoredPart::Pointer(pointer) => KeyPart { pointer: pointer.into(), default: None },
        StoredPart::WithDefault(pointer, default) => {
            KeyPart { pointer: pointer.into(), default: Some(default.into()) }
        }
    };
    let parts = parts.into_iter().map(part).collect();
    let key = KeySpec { name: Arc::from(name), unique: false, parts };
    key.problem().is_none().then_some(key)
}

impl Declared {
    fn parse(text: String) -> Option<Self> {
        let names: Vec<String> = serde_json::from_str(&text).ok()?;
        let keys = names.into_iter().map(|name| Some((key_named(&name)?, name)));
        let keys = keys.map(|key| key.map(|(key, name)| (name, key)));
        Some(Self { keys: keys.collect::<Option<_>>()?, text })
    }

    fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|(known, _)| known == name)
    }

    fn with(&self, names: &[String]) -> Option<Self> {
        let known = self.keys.iter().map(|(name, _)| name);
        let names: Vec<&String> = known.chain(names).collect();
        Self::parse(serde_json::to_string(&names).ok()?)
    }
}

/// Makes `declared` what the collection has now.
pub(super) fn refresh(tx: &Tx<'_>, declared: &mut Arc<Declared>) -> Step<()> {
    let mut statement =
        tx.connection.prepare_cached("SELECT keys, version FROM collections WHERE name = ?1")?;
    let mut rows = statement.query([tx.collection])?;
    let Some(row) = rows.next()? else {
        *declared = Arc::default();
        return Ok(());
    };
    let version: i64 = row.get(1)?;
    if version > COLLECTION_VERSION {
        return Err(unreadable(tx, "was written by a newer release: open it with that one"));
    }
    let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    if declared.text != text {
        let read = Declared::parse(text.to_owned());
        *declared = Arc::new(read.ok_or_else(|| unreadable(tx, "is damaged: restore a backup"))?);
    }
    Ok(())
}

fn unreadable(tx: &Tx<'_>, problem: &str) -> Failed {
    Failed::Told(Error::Backend {
        site: Site::new("open", &Arc::from(tx.collection), None),
        problem: format!("the collection's row in the table collections {problem}"),
        outcome: Outcome::NotDone,
    })
}

/// Declares the keys of `spec`; those that nobody declared before are built for
/// the records that there are.
pub(super) fn declare(handle: &Handle, spec: &CollectionSpec, site: &Site) -> Result<()> {
    let names: Vec<String> = spec.keys.iter().map(name_of).collect();
    let known = handle.read(
        || site.clone(),
        |tx| {
            let mut declared = Arc::default();
            refresh(tx, &mut declared)?;
            Ok(!declared.text.is_empty() && names.iter().all(|name| declared.has(name)))
        },
    )?;
    if known {
        return Ok(());
    }
    handle.write(
        || site.clone(),
        |tx, declared| {
            refresh(tx, declared)?;
            let mut missing = Vec::new();
            for name in &names {
                if !declared.has(name) && !missing.contains(name) {
                    missing.push(name.clone());
                }
            }
            let all = declared.with(&missing);
            let all = all.ok_or_else(|| unreadable(tx, "could not be written"))?;
            tx.connection.execute(
                "INSERT INTO collections (name, keys, version) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET keys = excluded.keys",
                params![tx.collection, all.text, COLLECTION_VERSION],
            )?;
            *declared = Arc::new(all);
            if missing.is_empty() { Ok(()) } else { build(tx, declared, &missing) }
        },
    )
}

fn build(tx: &Tx<'_>, declared: &Declared, missing: &[String]) -> Step<()> {
    let sql = concat!("SELECT ", columns!(), " FROM records WHERE collection = ?1");
    let mut statement = tx.connection.prepare(sql)?;
    let mut rows = statement.query([tx.collection])?;
    while let Some(row) = rows.next()? {
        let Ok(record) = Stored::read(row)?.content else { continue };
        for (name, key) in declared.keys.iter().filter(|(name, _)| missing.contains(name)) {
            insert(tx, name, &record.id, key.value_in(&record.data).as_ref())?;
        }
    }
    Ok(())
}

/// Makes the keys of the record `id` those of its new data.
pub(super) fn keep(tx: &Tx<'_>, declared: &Declared, id: &RecordId, data: &Payload) -> Step<()> {
    if declared.keys.is_empty() {
        return Ok(());
    }
    tx.connection
        .prepare_cached("DELETE FROM record_keys WHERE collection = ?1 AND id = ?2")?
        .execute(params![tx.collection, id.as_str()])?;
    let values = KeySpec::values_in(declared.keys.iter().map(|(_, key)| key), data);
    for ((name, _), value) in declared.keys.iter().zip(&values) {
        insert(tx, name, id, value.as_ref())?;
    }
    Ok(())
}

fn insert(tx: &Tx<'_>, name: &str, id: &RecordId, value: Option<&KeyValue>) -> Step<()> {
    let Some(value) = value else { return Ok(()) };
    // Nothing that someone else left under these names counts.
    tx.connection
        .prepare_cached(
            "INSERT OR IGNORE INTO record_keys (collection, key, value, id) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![tx.collection, name, value.as_text().as_bytes(), id.as_str()])?;
    Ok(())
}
