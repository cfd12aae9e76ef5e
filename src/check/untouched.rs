//! "Untouched legacy files keep their bytes", what is nobody's record is left
//! alone, and nothing is made outside the collection's directory.

use std::{marker::PhantomData, sync::Arc};

use super::{
    backends::Storage,
    history::{Call, Deed},
    scenario::Scenario,
    violation::{Kind, Signature, Violation},
};
use crate::model::{
    legacy::{LegacyDocument, OlderAction, is_plain},
    subject::Subject,
};

/// The files that were there at the beginning and that nobody has touched yet.
pub(super) struct Untouched<'a, S: Subject> {
    documents: Vec<&'a LegacyDocument>,
    scenario: &'a Scenario<S::Op>,
    store: PhantomData<fn() -> S>,
}

impl<'a, S: Subject> Untouched<'a, S> {
    /// All files of the scenario's initial storage, but for those whose name is
    /// also the path of another id: who writes that one moves them first.
    pub(super) fn of(scenario: &'a Scenario<S::Op>) -> Self {
        let stays = |document: &&LegacyDocument| document.id.split('/').all(is_plain);
        let documents = scenario.legacy.iter().filter(stays).collect();
        Self { documents, scenario, store: PhantomData }
    }

    /// Forgets what the call may have changed.
    pub(super) fn called(&mut self, op: &S::Op, seen: Option<&S::Seen>) {
        self.documents.retain(|document| !S::may_change(op, seen, document));
    }

    /// Forgets the file that older software changed.
    pub(super) fn changed(&mut self, action: &OlderAction) {
        self.documents.retain(|document| document.id != action.id());
    }

    /// Forgets what all calls of a history may have changed.
    pub(super) fn followed(&mut self, calls: &[Call<S>]) {
        if self.documents.is_empty() {
            return;
        }
        for call in calls {
            match &call.deed {
                Deed::Call { op, seen } => self.called(op, seen.as_ref()),
                Deed::Older(action) => self.changed(action),
                Deed::Undone(_) => {}
            }
        }
    }

    /// What is wrong with the files that are left, on this storage.
    pub(super) fn violation(&self, storage: &dyn Storage) -> Option<Violation> {
        let foreign = self.scenario.foreign.iter();
        let foreign = foreign.map(|file| (file.path.clone(), &file.text));
        let documents = self.documents.iter();
        let documents = documents.map(|document| (format!("{}.json", document.id), &document.text));
        let changed = foreign.chain(documents).find_map(|(path, text)| {
            let bytes: Option<Arc<[u8]>> = storage.file(&path);
            match bytes {
                Some(bytes) if *bytes == *text.as_bytes() => None,
                Some(_) => Some((path, "has other bytes")),
                None => Some((path, "is gone")),
            }
        });
        // Whatever its id, a record lies in its collection's directory.
        let is_new = |path: &String| self.scenario.foreign.iter().all(|file| file.path != *path);
        let made = || storage.outside().into_iter().find(is_new);
        let (path, what) = changed.or_else(|| made().map(|path| (path, "is new")))?;
        let rule = format!("what no call is about is left alone: {path} {what}");
        let signature = Signature { kind: Kind::OtherFiles, rule };
        Some(Violation { signature, steps: Vec::new(), crash: None })
    }
}
