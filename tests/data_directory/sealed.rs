//! Secret values in an export: with a key, without one, with another.

#![expect(clippy::disallowed_methods, reason = "the tests prepare real files")]

use std::process::{Command, Output};

use serde_json::{Value, json};
use storeproof::{
    directory::{export::export, problem::ProblemKind},
    store::encryption::EncryptionKey,
};

use super::{
    built, inspect, problems,
    program::{real, storeproof},
    read_with,
};

/// The built directory's content with other values.
fn content_with(value: &Value, empty: &Value) -> Value {
    let mut content = built::content();
    content["webhooks"][0]["hmacSecret"] = value.clone();
    content["secrets"][0]["versions"][0]["value"] = empty.clone();
    content["secrets"][0]["versions"][1]["value"] = value.clone();
    content
}

fn exported_with(key: Option<&str>) -> Value {
    let key = key.and_then(|key| EncryptionKey::new(key.as_bytes()));
    let text = export(read_with(&built::fs(), key.as_ref()).unwrap()).text;
    serde_json::from_str(&text).unwrap()
}

#[test]
fn without_a_key_values_are_null_and_that_is_no_problem() {
    assert_eq!(exported_with(None), content_with(&json!(null), &json!(null)));
}

/// The empty value is stored as it is, whatever the key.
#[test]
fn with_a_wrong_key_the_entity_stays_with_a_null_and_one_problem() {
    let mut found = exported_with(Some("another"));
    let named: Vec<(Value, Value)> = found["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["path"].clone(), problem["kind"].clone()))
        .collect();
    let undecryptable = json!("undecryptable");
    assert_eq!(
        named,
        [
            (json!("secrets/s1.json"), undecryptable.clone()),
            (json!("webhooks/h1.json"), undecryptable),
        ]
    );
    found["problems"] = json!([]);
    assert_eq!(found, content_with(&json!(null), &json!("")));
}

#[test]
fn an_inspection_names_what_the_directorys_own_key_does_not_open() {
    let mut disk = built::disk();
    disk.write_raw("auth/encryption_key", &b"k\n"[..], built::MODIFIED).unwrap();
    let inspection = inspect(&crate::file_backend::sim(disk));
    let expected = [
        ("secrets/s1.json", ProblemKind::Undecryptable),
        ("webhooks/h1.json", ProblemKind::Undecryptable),
    ];
    assert_eq!(problems(&inspection), expected);
}

fn with_variable(value: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storeproof"));
    command.args(arguments).env("STOREPROOF_ENCRYPTION_KEY", value).output().unwrap()
}

/// A file that is named, else the environment, else the directory's own.
#[test]
fn the_key_is_the_one_that_is_named_most_closely() {
    let directory = real();
    let path = directory.path().to_str().unwrap();
    let key_file = tempfile::NamedTempFile::new().unwrap();
    let key_path = key_file.path().to_str().unwrap();
    std::fs::write(key_file.path(), "k").unwrap();
    let value = |output: &Output| -> Value {
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["webhooks"][0]["hmacSecret"].clone()
    };
    assert_eq!(value(&storeproof(&["export", path])), "x", "the directory's own");
    assert_eq!(value(&with_variable("another", &["export", path])), json!(null));
    assert_eq!(value(&with_variable("", &["export", path])), "x", "an empty one is none");
    let named = with_variable("another", &["export", path, "--key-file", key_path]);
    assert_eq!(value(&named), "x");
    assert_eq!(named.status.code(), Some(0));
    std::fs::remove_file(directory.path().join("auth/encryption_key")).unwrap();
    assert_eq!(value(&storeproof(&["export", path])), json!(null));
    assert_eq!(value(&with_variable("k", &["export", path])), "x");
    assert!(!directory.path().join("auth/encryption_key").exists(), "a key was made");
    std::fs::write(key_file.path(), "").unwrap();
    for file in [key_path, "/no/such/file"] {
        let refused = storeproof(&["export", path, "--key-file", file]);
        assert_eq!(refused.status.code(), Some(2), "{file}");
        assert!(refused.stdout.is_empty());
    }
}

/// Nothing but the export itself shows a value.
#[test]
fn neither_values_nor_ciphertexts_are_shown_by_an_inspection_or_a_migration() {
    let directory = real();
    let path = directory.path().to_str().unwrap();
    for arguments in [
        &["inspect", path, "--files"][..],
        &["inspect", path, "--format", "json"],
        &["migrate", path, "--dry-run"],
        &["migrate", path, "--format", "json"],
    ] {
        let output = storeproof(arguments);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains("AAAAAAAA") && !said.contains("hmacSecret"), "{said}");
    }
}
