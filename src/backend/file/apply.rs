//! Carrying out what was planned: one file by itself, several through an
//! intent.

use std::collections::BTreeMap;

use crate::{
    fs::{FileTime, Fs},
    seam::{Error, Outcome, Result},
};

use super::{
    aside,
    atomic::{self, Watched},
    catalog::directory_of,
    intent::{self, INTENT_NAME, digest},
    lock::Held,
    plan::{FileStep, Plan, Step},
    quarantine,
    storage::Call,
};

/// Does what the plan says, all of it or nothing, and makes it durable.
pub(super) async fn apply<F: Fs>(call: &Call<'_, F>, held: &mut Held<F>, plan: Plan) -> Result<()> {
    for (path, bytes) in &plan.quarantine {
        Box::pin(quarantine::keep(call, path, bytes)).await?;
    }
    let mut steps = plan.steps;
    match steps.pop() {
        None => Ok(()),
        Some(Step::File(only)) if steps.is_empty() => {
            // What is removed is aside for a moment.
            held.begin(call, only.after.is_none()).await?;
            let done = apply_one(call, held, only).await;
            conclude(call, held, done).await
        }
        Some(last) => {
            steps.push(last);
            held.begin(call, true).await?;
            let done = Box::pin(apply_several(call, held, steps)).await;
            conclude(call, held, done).await
        }
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

async fn apply_one<F: Fs>(call: &Call<'_, F>, held: &Held<F>, step: FileStep) -> Result<()> {
    let mut watched = watch(call, held, directory_of(&step.path)).await?;
    change_file(call, &mut watched, &step).await?;
    atomic::sync(call, &watched.dir, &watched.path).await?;
    let modified = watched.modified();
    learn(call, Step::File(step), modified);
    Ok(())
}

/// Opens a directory that is to be changed, making it if need be, and watches
/// it.
async fn watch<F: Fs>(call: &Call<'_, F>, held: &Held<F>, path: &str) -> Result<Watched<F>> {
    let dir = call.make_directory(path).await?;
    Ok(Watched::new(call, dir, path, held.generation()))
}

async fn change_file<F: Fs>(
    call: &Call<'_, F>,
    watched: &mut Watched<F>,
    step: &FileStep,
) -> Result<()> {
    let name = step.path.file_name();
    match &step.after {
        Some(bytes) => atomic::replace(call, watched, name, bytes).await,
        None => {
            let judged = digest(step.before.as_deref().unwrap_or_default());
            aside::remove(call, watched, &step.path, &judged).await
        }
    }
}

fn learn<F: Fs>(call: &Call<'_, F>, step: Step, modified: Option<FileTime>) {
    let now = call.storage.fs.now();
    let mut catalog = call.storage.catalog();
    match step {
        Step::File(FileStep { path, entry, .. }) => catalog.change(&path, entry, modified, now),
        Step::RemoveDirectory(path) => catalog.directory_removed(&path, modified, now),
    }
}

async fn apply_several<F: Fs>(call: &Call<'_, F>, held: &Held<F>, steps: Vec<Step>) -> Result<()> {
    let mut directories = BTreeMap::new();
    for step in &steps {
        let path = step.directory();
        if !directories.contains_key(path) {
            directories.insert(path.to_owned(), watch(call, held, path).await?);
        }
    }
    // What older software has renamed there need not be durable. It must not be
    // gone when somebody compares the files with what the intent says of them.
    for watched in directories.values() {
        atomic::sync(call, &watched.dir, &watched.path).await.map_err(not_done)?;
    }
    write_intent(call, held, &mut directories, &steps).await?;
    // From here on the commit happens, now or when somebody completes it,
    // unless a directory of older software gets a new file.
    let refusal = make(call, &mut directories, &steps).await.map_err(unknown)?;
    for watched in directories.values() {
        atomic::sync(call, &watched.dir, &watched.path).await?;
    }
    if let Some(root) = directories.get_mut("") {
        atomic::remove(call, root, INTENT_NAME).await.map_err(unknown)?;
        atomic::sync(call, &root.dir, ".").await?;
    } else {
        intent::forget(call).await?;
    }
    if let Some(refusal) = refusal {
        call.storage.catalog().distrust_all();
        return Err(refusal);
    }
    for step in steps {
        let modified = directories.get(step.directory()).and_then(Watched::modified);
        learn(call, step, modified);
    }
    Ok(())
}

/// Makes the steps, one after the other. Should a directory that is to go not
/// be empty, none of the commit's own writes is made yet, and none will be:
/// then the error that says so is returned.
async fn make<F: Fs>(
    call: &Call<'_, F>,
    directories: &mut BTreeMap<String, Watched<F>>,
    steps: &[Step],
) -> Result<Option<Error>> {
    for step in steps {
        let Some(watched) = directories.get_mut(step.directory()) else { continue };
        match step {
            Step::File(step) => change_file(call, watched, step).await?,
            Step::RemoveDirectory(path) => {
                let name = path.rsplit_once('/').map_or(&**path, |(_, name)| name);
                if !atomic::remove_directory(call, watched, name).await? {
                    return Ok(Some(call.backend(format!(
                        "other software has just written into {path:?}, which is in the way; \
                         try again"
                    ))));
                }
                call.storage.forget_directory(path);
                directories.remove(&**path);
            }
        }
    }
    Ok(None)
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

/// The failure of a step after something of the operation may be visible.
pub(super) fn unknown(error: Error) -> Error {
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
