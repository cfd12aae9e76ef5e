//! Bringing the files of older software to the present format, record by
//! record.

use std::sync::Arc;

use crate::{
    fs::Fs,
    seam::{CollectionSpec, Error, Record, RecordId, Result},
};

use super::{
    FileBackend,
    apply::apply,
    judge::{Change, Decided},
    load::{FileState, load},
    lock::{self, Purpose},
    open,
    plan::{FileStep, Step, plan},
    storage::{Call, Storage},
    stored::{Form, Stored, read_stored},
};

/// Rewrites records of a collection of files, as one of its handles.
///
/// A record keeps its id, its data byte for byte, its encoding and its times,
/// those included that only its file's time told. Nothing is set aside: where
/// something would have to go first that is damaged, foreign, or not what the
/// caller takes for sound, the record stays as it is.
pub struct Rewriter<F: Fs> {
    storage: Arc<Storage<F>>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// It is now a versioned envelope at its own place, durably.
    Done,
    /// It was one already: it has made way for another record, or somebody else
    /// wrote it.
    Already,
    /// It is gone, can't be read, or is not what the caller takes for sound.
    NothingSound,
    /// It stays as it is, because something else is in the way: what.
    InTheWay(String),
}

impl<F: Fs> FileBackend<F> {
    /// Opens a collection to have its records rewritten. What writers that died
    /// have left is settled first.
    ///
    /// # Errors
    /// As [`Backend::open`](crate::seam::Backend::open).
    pub async fn rewriter(&self, spec: CollectionSpec) -> Result<Rewriter<F>> {
        spec.validate()?;
        let storage = self.fs.run(open::open(self.parts(spec))).await?;
        Ok(Rewriter { storage: Arc::new(storage) })
    }
}

impl<F: Fs> Rewriter<F> {
    /// Rewrites one record that lies in a file without version, if `is_sound`
    /// says that its payload is one. Wholly or not at all, for readers and
    /// across a crash.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn rewrite(
        &self,
        id: &RecordId,
        is_sound: impl Fn(&Record) -> bool + Send + Sync + 'static,
    ) -> Result<Rewritten> {
        let (storage, id) = (Arc::clone(&self.storage), id.clone());
        let rewrite =
            async move { rewrite(&Call::new(&storage, "migrate", Some(&id)), &id, is_sound).await };
        self.storage.fs.run(rewrite).await
    }
}

async fn rewrite<F: Fs>(
    call: &Call<'_, F>,
    id: &RecordId,
    is_sound: impl Fn(&Record) -> bool + Send + Sync,
) -> Result<Rewritten> {
    call.must_take_writes()?;
    let mut held = lock::acquire(call, Purpose::Write).await?;
    let current = load(call, id).await?;
    let record = match current.files().next() {
        Some(FileState { stored: Stored { form, content: Ok(record), .. }, .. })
            if is_sound(record) =>
        {
            match form {
                Form::Versioned => return Ok(Rewritten::Already),
                Form::Unversioned => record.clone(),
            }
        }
        _ => return Ok(Rewritten::NothingSound),
    };
    let keys = call.key_values(&record);
    // The record does not change, so that no key is given to anybody.
    let change = Change::Put { record, keys_before: keys.clone(), keys };
    let decided = Decided { current, change, sets_aside: false };
    let plan = match plan(call, vec![decided]).await {
        Ok(plan) => plan,
        Err(error @ (Error::Backend { .. } | Error::Corrupt { .. })) => {
            return Ok(Rewritten::InTheWay(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    // What would have to make way may be none that the caller takes for sound.
    let unsound = plan.steps.iter().find_map(|step| match step {
        Step::File(FileStep { path, before: Some(bytes), .. }) => {
            let spec = &call.storage.spec;
            let stored = read_stored(path, bytes, call.storage.fs.now(), &spec.legacy);
            let is_fine = stored.content.as_ref().is_ok_and(&is_sound);
            (!is_fine).then_some(path)
        }
        _ => None,
    });
    if let Some(path) = plan.quarantine.first().map(|(path, _)| path).or(unsound) {
        let problem = format!("{:?} is in the way, and is not sound", path.as_str());
        return Ok(Rewritten::InTheWay(problem));
    }
    apply(call, &mut held, plan).await?;
    Ok(Rewritten::Done)
}
