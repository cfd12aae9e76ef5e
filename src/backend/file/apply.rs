//! Carrying out what was planned: one file by itself, several through an
//! intent.

use std::collections::BTreeMap;

use crate::{
    fs::{FileTime, Fs},
    seam::{Error, Outcome, Result},
};

use super::{
    atomic::{self, Watched},
    catalog::{Entry, directory_of},
    intent::{self, INTENT_NAME},
    lock::Held,
    path::RecordPath,
    plan::{Plan, Step},
    quarantine,
    storage::Call,
};

/// Does what the plan says, all of it or nothing, and makes it durable.
pub(super) async fn apply<F: Fs>(call: &Call<'_, F>, held: &mut Held<F>, plan: Plan) -> Result<()> {
    for (path, bytes) in &plan.quarantine {
        Box::pin(quarantine::keep(call, path, bytes)).await?;
    }
    let mut steps = plan.steps.into_iter();
    let (Some(first), rest) = (steps.next(), steps) else { return Ok(()) };
    if rest.len() == 0 {
        held.begin(call, false).await?;
        let done = apply_one(call, held, first).await;
        conclude(call, held, done).await
    } else {
        held.begin(call, true).await?;
        let steps = std::iter::once(first).chain(rest).collect();
        let done = Box::pin(apply_several(call, held, steps)).await;
        conclude(call, held, done).await
    }
}

/// Says that the change is over, unless something of it may be visible that is
/// not durable, or not whole: then whoever takes the lock next settles it.
pub(super) async fn conclude<F: Fs>(
    call: &Call<'_, F>,
    held: &mut Held<F>,
    done: Result<()>,
) -> Result<()> {
    match &done {
        Err(error) if error.outcome() == Outcome::Unknown => {
            call.storage.catalog().distrust_all();
        }
        _ => held.finish(call).await,
    }
    done
}

async fn apply_one<F: Fs>(call: &Call<'_, F>, held: &Held<F>, step: Step) -> Result<()> {
    let mut watched = watch(call, held, &step).await?;
    make(call, &mut watched, &step).await?;
    atomic::sync(call, &watched.dir, &watched.path).await?;
    learn(call, &step.path, step.entry, watched.modified());
    Ok(())
}

/// Opens the directory of a change, making it if need be, and watches it.
async fn watch<F: Fs>(call: &Call<'_, F>, held: &Held<F>, step: &Step) -> Result<Watched<F>> {
    let dir = call.make_directory(&step.path).await?;
    Ok(Watched::new(call, dir, directory_of(&step.path), held.generation()))
}

async fn make<F: Fs>(call: &Call<'_, F>, watched: &mut Watched<F>, step: &Step) -> Result<()> {
    let name = step.path.file_name();
    match &step.after {
        Some(bytes) => atomic::replace(call, watched, name, bytes).await,
        None => atomic::remove(call, watched, name).await,
    }
}

fn learn<F: Fs>(
    call: &Call<'_, F>,
    path: &RecordPath,
    entry: Option<Entry>,
    modified: Option<FileTime>,
) {
    let now = call.storage.fs.now();
    call.storage.catalog().change(path, entry, modified, now);
}

async fn apply_several<F: Fs>(call: &Call<'_, F>, held: &Held<F>, steps: Vec<Step>) -> Result<()> {
    let mut directories = BTreeMap::new();
    for step in &steps {
        let path = directory_of(&step.path);
        if !directories.contains_key(path) {
            directories.insert(path.to_owned(), watch(call, held, step).await?);
        }
    }
    write_intent(call, held, &mut directories, &steps).await?;
    // From here on the commit happens, now or when somebody completes it.
    for step in &steps {
        if let Some(watched) = directories.get_mut(directory_of(&step.path)) {
            make(call, watched, step).await.map_err(unknown)?;
        }
    }
    for watched in directories.values() {
        atomic::sync(call, &watched.dir, &watched.path).await?;
    }
    if let Some(root) = directories.get_mut("") {
        atomic::remove(call, root, INTENT_NAME).await.map_err(unknown)?;
        atomic::sync(call, &root.dir, ".").await?;
    } else {
        intent::forget(call).await?;
    }
    for step in steps {
        let modified = directories.get(directory_of(&step.path)).and_then(Watched::modified);
        learn(call, &step.path, step.entry, modified);
    }
    Ok(())
}

/// Writes the intent down, durably.
async fn write_intent<F: Fs>(
    call: &Call<'_, F>,
    held: &Held<F>,
    directories: &mut BTreeMap<String, Watched<F>>,
    steps: &[Step],
) -> Result<()> {
    let bytes = intent::encode(call, steps)?;
    let root = directories
        .entry(String::new())
        .or_insert_with(|| Watched::new(call, call.storage.root.clone(), "", held.generation()));
    let written = match atomic::replace(call, root, INTENT_NAME, &bytes).await {
        Ok(()) => atomic::sync(call, &root.dir, ".").await,
        Err(error) => Err(error),
    };
    match written {
        Err(error) if error.outcome() == Outcome::Unknown => match intent::forget(call).await {
            // Nobody has seen it, and nobody will.
            Ok(()) => Err(not_done(error)),
            Err(_) => Err(error),
        },
        written => written,
    }
}

fn unknown(error: Error) -> Error {
    with_outcome(error, Outcome::Unknown)
}

/// The failure of a step before anything of the operation could be visible.
pub(super) fn not_done(error: Error) -> Error {
    with_outcome(error, Outcome::NotDone)
}

fn with_outcome(mut error: Error, wanted: Outcome) -> Error {
    if let Error::Io { outcome, .. } | Error::Backend { outcome, .. } = &mut error {
        *outcome = wanted;
    }
    error
}
