//! Replay files, which anybody may have written (`check::replay`), and what else is handed
//! in (`handed_in.rs`).
//!
//! An input is the file's text, unless its first byte is 0: then what follows chooses a
//! scenario, and what is changed in its file.

use std::error::Error;

use arbitrary::Unstructured;
use serde_json::{Value, json};

use super::{
    Check, handed_in,
    operations::{COLLECTION, FEW_IMAGES, OTHER_STORES, WORKSPACE, simulated},
};
use crate::check::{registry::store_named, replay::read_header, violation::Kind};

/// What must hold of replay files.
pub(super) struct ScenarioFile;

pub(super) static SOUND: ScenarioFile = ScenarioFile;

impl Check for ScenarioFile {
    fn problem(&self, input: &[u8]) -> Option<String> {
        let problem = match input.split_first() {
            Some((0, choices)) => {
                let (text, is_edited) = edited(&mut Unstructured::new(choices)).ok().flatten()?;
                let problem = match is_edited {
                    true => text_problem(&text),
                    false => text_problem(&text).or_else(|| own_problem(&text)),
                };
                return problem.map(|problem| format!("{problem}: {text}"));
            }
            _ => {
                let text = String::from_utf8_lossy(input);
                text_problem(&text).or_else(|| handed_in::problem(&text))
            }
        };
        problem.map(|problem| format!("{problem}: {}", String::from_utf8_lossy(input)))
    }
}

/// The text is refused in one clear line, or is the same scenario when it is written
/// again, which runs without a panic, whatever it asks for.
fn text_problem(text: &str) -> Option<String> {
    let header = match read_header(text) {
        Ok(header) => header,
        Err(error) => return unclear(&error),
    };
    let store = store_named(&header.store)?;
    let again = match store.rewrite(text) {
        Ok(again) => again,
        Err(error) => return unclear(&error),
    };
    match store.rewrite(&again) {
        Ok(twice) if twice == again => {}
        Ok(twice) => return Some(format!("written twice it is {twice}, not {again}")),
        Err(error) => return Some(format!("what was written does not read again ({error})")),
    }
    let backend = simulated(&header.backend)?;
    // Threads are not the same twice, and all interleavings are too many for one input.
    if !again.contains("\"simulated\"") || again.contains("\"exhaustive\"") {
        return None;
    }
    match store.run_once(&again, backend, FEW_IMAGES) {
        Err(error) => unclear(&error),
        Ok(Some(violation)) if violation.signature.kind == Kind::Panic => {
            Some(format!("it panics ({})", violation.signature))
        }
        // It may ask for what no storage can do right: a file that is no record's under a
        // record's name.
        Ok(_) => None,
    }
}

/// A file that we wrote is the same to the letter when it is written again, and holds: the
/// stores are sound.
fn own_problem(text: &str) -> Option<String> {
    let header = read_header(text).ok()?;
    let store = store_named(&header.store)?;
    if store.rewrite(text).is_ok_and(|again| again != text) {
        return Some("it is another one when it is written again".to_owned());
    }
    let backend = simulated(&header.backend)?;
    let broken = store.run_once(text, backend, FEW_IMAGES).ok().flatten();
    broken.map(|violation| format!("it is broken ({})", violation.signature))
}

/// Why an error is none that one can read, if so.
pub(super) fn unclear(error: &dyn Error) -> Option<String> {
    let said = error.to_string();
    let is_clear = !said.is_empty() && said.len() < 1_000 && !said.contains(char::is_control);
    (!is_clear).then(|| format!("the error is not one clear line ({said:?})"))
}

/// A replay file of a scenario as the operations' targets have them, in which a few
/// values may be others, and whether some were to be.
fn edited(choices: &mut Unstructured<'_>) -> arbitrary::Result<Option<(String, bool)>> {
    let all = [&COLLECTION, &OTHER_STORES, &WORKSPACE];
    let of = choices.choose(&all)?;
    let edits: Vec<[u8; 8]> =
        (0..choices.int_in_range(0..=3)?).map(|_| choices.arbitrary()).collect::<Result<_, _>>()?;
    let rest = choices.bytes(choices.len())?;
    let Some(case) = of.case(rest) else { return Ok(None) };
    let store = store_named(case.store.store_name());
    let file = store.and_then(|store| store.file_of(&case.input(), case.backend));
    let Some(text) = file else { return Ok(None) };
    if edits.is_empty() {
        return Ok(Some((text, false)));
    }
    let Ok(mut file) = serde_json::from_str::<Value>(&text) else { return Ok(None) };
    for edit in edits {
        let [first, way @ .., what] = edit;
        let member = if first < 200 { file.get_mut("scenario") } else { Some(&mut file) };
        if let Some(member) = member {
            change(member, &way, what);
        }
    }
    Ok(Some((file.to_string(), true)))
}

/// Goes some way into a value, and makes of what is there something else.
fn change(value: &mut Value, way: &[u8], what: u8) {
    let Some((choice, rest)) = way.split_first() else { return replace(value, what) };
    let choice = usize::from(*choice);
    match value {
        Value::Object(members) if !members.is_empty() => {
            let name = members.keys().nth(choice % members.len()).cloned().unwrap_or_default();
            if rest.is_empty() && what.is_multiple_of(4) {
                members.remove(&name);
            } else if let Some(member) = members.get_mut(&name) {
                change(member, rest, what);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let place = choice % items.len();
            if rest.is_empty() && what.is_multiple_of(4) {
                let item = items.remove(place);
                if what.is_multiple_of(8) {
                    items.extend([item.clone(), item]);
                }
            } else if let Some(item) = items.get_mut(place) {
                change(item, rest, what);
            }
        }
        _ => replace(value, what),
    }
}

/// What stands in files that nobody should write.
fn replace(value: &mut Value, what: u8) {
    *value = match what % 16 {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(1),
        5 => json!(u64::MAX),
        6 => json!(i64::MIN),
        7 => json!(u32::MAX),
        8 => json!(1e300),
        9 => json!(""),
        10 => json!("../a"),
        11 => json!([]),
        12 => json!({}),
        13 => json!("a\u{0}\n\"\u{202e}"),
        14 => json!([value.clone(), value.clone()]),
        _ => json!(255),
    };
}
