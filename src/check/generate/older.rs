//! What older software and others have left, and do meanwhile.

use arbitrary::{Result, Unstructured};

use crate::{
    check::scenario::{Action, ForeignFile},
    model::{legacy::OlderAction, source::Source, subject::Subject},
};

/// What a process of older software does.
pub(super) fn older_program<S: Subject>(source: &mut Source<'_, '_>) -> Result<Vec<Action<S::Op>>> {
    (0..=source.below(3)?).map(|_| older_action::<S>(source).map(Action::Older)).collect()
}

/// Puts changes by older software between the actions of a client.
pub(super) fn interspersed<S: Subject>(
    source: &mut Source<'_, '_>,
    program: &mut Vec<Action<S::Op>>,
) -> Result<()> {
    for _ in 0..=source.below(4)? {
        let place = source.below(program.len() + 1)?;
        program.insert(place, Action::Older(older_action::<S>(source)?));
    }
    Ok(())
}

fn older_action<S: Subject>(source: &mut Source<'_, '_>) -> Result<OlderAction> {
    let document = S::generate_legacy_write(source)?;
    Ok(match source.below(4)? {
        0 => OlderAction::Remove { id: document.id },
        _ => OlderAction::Write(document),
    })
}

/// Files that are nobody's records, as they are found in the field.
pub(super) fn foreign_files(bytes: &mut Unstructured<'_>) -> Result<Vec<ForeignFile>> {
    if !bytes.ratio(1_u8, 4)? {
        return Ok(Vec::new());
    }
    let paths =
        [".tmp-123", "a.json.tmp.9", "state.json.tmp", "notes.txt", ".old/a.json", "a.json~"];
    let mut foreign: Vec<ForeignFile> = Vec::new();
    for _ in 0..bytes.int_in_range(1..=2_usize)? {
        let path = (*bytes.choose(&paths)?).to_owned();
        let text = (*bytes.choose(&["", "{\"id\":\"a\"}", "half a sen"])?).to_owned();
        if foreign.iter().all(|other| other.path != path) {
            foreign.push(ForeignFile { path, text });
        }
    }
    Ok(foreign)
}

/// Files beside the collection's directory, and above it: another collection's
/// records, one of whose names begins as this one's does.
pub(super) fn neighbours<S: Subject>(bytes: &mut Unstructured<'_>) -> Result<Vec<ForeignFile>> {
    if !bytes.ratio(1_u8, 4)? {
        return Ok(Vec::new());
    }
    let spec = S::spec();
    let own = spec.directories().last().unwrap_or_default();
    let paths = ["../a.json".to_owned(), "../x/a.json".to_owned(), format!("../{own}2/a.json")];
    let text = r#"{"id":"a","n":1}"#.to_owned();
    Ok(paths.map(|path| ForeignFile { path, text: text.clone() }).into())
}
