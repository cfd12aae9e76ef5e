//! "Untouched legacy files keep their bytes", what is nobody's record is left
//! alone, "damaged bytes are never destroyed", and nothing is made outside the
//! collection's directory.

use std::{marker::PhantomData, sync::Arc};

use super::{
    backends::Storage,
    history::{Call, Deed},
    scenario::Scenario,
    violation::{Kind, Signature, Violation},
};
use crate::{
    model::{
        legacy::{LegacyDocument, OlderAction, is_plain},
        subject::Subject,
    },
    seam::CollectionSpec,
};

/// The path from the directory of one collection to that of another, which it ends with.
fn path_between(from: &CollectionSpec, to: &CollectionSpec) -> String {
    let common = from.directories().zip(to.directories()).take_while(|(one, other)| one == other);
    let common = common.count();
    let up = from.directories().count() - common;
    let down: String = to.directories().skip(common).map(|name| format!("{name}/")).collect();
    "../".repeat(up) + &down
}

/// What became of damaged bytes that are nowhere any more.
const LOST: &str = "is neither there nor set aside";

/// The files that are not as they were, and what became of each.
pub(super) type Differing = Vec<(String, &'static str)>;

/// What is wrong with a file outside the collection's directory that nobody had put
/// there.
const IS_NEW: &str = "is new";

/// The files that were there at the beginning and that nobody has touched yet.
pub(super) struct Untouched<'a, S: Subject> {
    documents: Vec<&'a LegacyDocument>,
    /// Those from which the store reads nothing, and that older software has not replaced:
    /// their bytes are where they were, or set aside.
    damaged: Vec<&'a LegacyDocument>,
    scenario: &'a Scenario<S::Op>,
    /// Where the store's further collections lie, as paths from its own directory on.
    further: Vec<String>,
    store: PhantomData<fn() -> S>,
}

impl<'a, S: Subject> Untouched<'a, S> {
    /// All files of the scenario's initial storage, but for those whose name is
    /// also the path of another id: who writes that one moves them first.
    pub(super) fn of(scenario: &'a Scenario<S::Op>) -> Self {
        let stays = |document: &&LegacyDocument| document.id.split('/').all(is_plain);
        let documents = scenario.legacy.iter().filter(stays).collect();
        // An empty one has no bytes to lose.
        let is_damage =
            |document: &&LegacyDocument| !document.text.trim().is_empty() && S::is_damage(document);
        let damaged = scenario.legacy.iter().filter(stays).filter(is_damage).collect();
        let further = S::further_collections(scenario.operations());
        let further = further.iter().filter_map(|name| S::further_spec(name));
        let further = further.map(|spec| path_between(&S::spec(), &spec)).collect();
        Self { documents, damaged, scenario, further, store: PhantomData }
    }

    /// Forgets what the call may have changed.
    pub(super) fn called(&mut self, op: &S::Op, seen: Option<&S::Seen>) {
        self.documents.retain(|document| !S::may_change(op, seen, document));
    }

    /// Forgets the file that older software changed.
    pub(super) fn changed(&mut self, action: &OlderAction) {
        self.documents.retain(|document| document.id != action.id());
        self.damaged.retain(|document| document.id != action.id());
    }

    /// Forgets what all calls of a history may have changed.
    pub(super) fn followed(&mut self, calls: &[Call<S>]) {
        if self.documents.is_empty() && self.damaged.is_empty() {
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

    /// The damaged files, with their bytes.
    fn damaged(&self) -> impl Iterator<Item = (String, &'a str)> {
        let damaged = self.damaged.iter();
        damaged.map(|document| (format!("{}.json", document.id), document.text.as_str()))
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
        let lost = self
            .damaged()
            .filter_map(|(path, text)| (!storage.holds(text.as_bytes())).then_some((path, LOST)));
        // Whatever its id, a record lies in its collection's directory.
        let is_new = |path: &String| self.scenario.foreign.iter().all(|file| file.path != *path);
        let is_own = |path: &String| self.further.iter().any(|own| path.starts_with(own));
        let made = storage.outside().into_iter().filter(|path| is_new(path) && !is_own(path));
        let made = made.map(|path| (path, IS_NEW));
        differing.chain(lost).chain(made).collect()
    }

    /// What is wrong with the files that are left, on this storage.
    pub(super) fn violation(&self, storage: &dyn Storage) -> Option<Violation> {
        self.violation_among(&self.differing(storage))
    }

    /// The same where it is known which files are not as they were.
    pub(super) fn violation_among(&self, differing: &Differing) -> Option<Violation> {
        let find = |path: &str, is_loss: bool| {
            differing.iter().find(|(other, what)| other == path && (*what == LOST) == is_loss)
        };
        if let Some((path, _)) = self.damaged().find_map(|(path, _)| find(&path, true)) {
            let rule = format!("damaged bytes are never destroyed: those of {path} are gone");
            let signature = Signature { kind: Kind::OtherFiles, rule };
            return Some(Violation { signature, steps: Vec::new(), crash: None });
        }
        let (path, what) = self
            .files()
            .find_map(|(path, _)| find(&path, false))
            .or_else(|| differing.iter().find(|(_, what)| *what == IS_NEW))?;
        let rule = format!("what no call is about is left alone: {path} {what}");
        let signature = Signature { kind: Kind::OtherFiles, rule };
        Some(Violation { signature, steps: Vec::new(), crash: None })
    }
}
