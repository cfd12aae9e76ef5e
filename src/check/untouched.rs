//! "Untouched legacy files keep their bytes", and what is nobody's record is
//! left alone.

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

/// The files that are not as they were, and what became of each.
pub(super) type Differing = Vec<(String, &'static str)>;

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

    /// The files that nobody should have touched, with their bytes.
    fn files(&self) -> impl Iterator<Item = (String, &'a str)> {
        let foreign = self.scenario.foreign.iter();
        let foreign = foreign.map(|file| (file.path.clone(), file.text.as_str()));
        let documents = self.documents.iter();
        let documents =
            documents.map(|document| (format!("{}.json", document.id), document.text.as_str()));
        foreign.chain(documents)
    }

    /// Those of the files that are not as they were, on this storage.
    pub(super) fn differing(&self, storage: &dyn Storage) -> Differing {
        let differing = self.files().filter_map(|(path, text)| {
            let bytes: Option<Arc<[u8]>> = storage.file(&path);
            match bytes {
                Some(bytes) if *bytes == *text.as_bytes() => None,
                Some(_) => Some((path, "has other bytes")),
                None => Some((path, "is gone")),
            }
        });
        differing.collect()
    }

    /// What is wrong with the files that are left, on this storage.
    pub(super) fn violation(&self, storage: &dyn Storage) -> Option<Violation> {
        self.violation_among(&self.differing(storage))
    }

    /// The same where it is known which files are not as they were.
    pub(super) fn violation_among(&self, differing: &Differing) -> Option<Violation> {
        let (path, what) = self
            .files()
            .find_map(|(path, _)| differing.iter().find(|(differing, _)| *differing == path))?;
        let rule = format!("what no call is about is left alone: {path} {what}");
        let signature = Signature { kind: Kind::OtherFiles, rule };
        Some(Violation { signature, steps: Vec::new(), crash: None })
    }
}
