//! What the harness must know of a store to prove it: one implementation of
//! [`Subject`] per store, beside its reference model.

use std::{fmt, future::Future, hash::Hash, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    divergence::{Divergence, Divergences},
    failure::StorageFailure,
    legacy::LegacyDocument,
    source::Source,
};
use crate::seam::{Clock, Collection, CollectionSpec, Entropy, Instant, RecordId};

/// A store under proof.
///
/// The operations are plain data. One definition drives campaigns, property
/// tests and fuzzing: all make them from bytes by [`Self::generate`].
pub trait Subject: Sized + 'static {
    /// The store's name on the command line and in files.
    const NAME: &'static str;
    /// The names of the operations; [`Operation::kind`] is a place in it.
    const OPERATIONS: &'static [&'static str];
    /// The names of the outcome classes; [`Verdict::class`] is a place in it.
    const CLASSES: &'static [&'static str];
    /// What a campaign must have reached, as (operation, class) by name.
    fn required(reach: &Reach) -> Vec<(&'static str, &'static str)>;

    /// One call of the store.
    type Op: Operation;
    /// What a call returned.
    type Seen: Verdict + Serialize + DeserializeOwned;
    /// The state of the reference model.
    type Model: Clone + Eq + Hash + Default + Send + Sync + fmt::Debug;
    /// The store's trait object.
    type Store: ?Sized + Send + Sync;
    /// What one client remembers between its calls (the cursor of its last
    /// page).
    type Memory: Default + Send;

    /// The spec of the collection that the store lives in.
    fn spec() -> CollectionSpec;

    /// The names of the further collections that a store for these operations lives in:
    /// [`Surroundings::further`] has them in this order.
    fn further_collections<'a>(ops: impl Iterator<Item = &'a Self::Op>) -> Vec<Arc<str>> {
        let _ = ops;
        Vec::new()
    }

    /// The spec of a further collection; none: there is none of that name.
    fn further_spec(name: &str) -> Option<CollectionSpec> {
        let _ = name;
        None
    }

    /// Which of the store's collections the operation is about: what happens to a handle
    /// on one of them is nothing to the others.
    fn collection_of(op: &Self::Op) -> usize {
        let _ = op;
        0
    }

    /// Opens our own implementation.
    fn open(collection: Arc<dyn Collection>, surroundings: &Surroundings) -> Arc<Self::Store>;

    /// How many ways of opening the store there are, for stores whose outcomes
    /// depend on it (with a key, without one, with a wrong one). Variant 0 is
    /// what clients begin with; a client may reopen the store in another.
    const VARIANTS: u8 = 1;

    /// Whether one call may write any records at once: of such a call a crash
    /// leaves more, and recovering it may crash at more places.
    const WRITES_SEVERAL: bool = false;

    /// Whether it is many stores in one: each of them has few of its cases, so a part of
    /// those of one call after the other, which is half of all, are about failing
    /// storage.
    const IS_MANY_STORES: bool = false;

    /// Whether the clock may be moved while calls may overlap, may go back, and may differ
    /// between clients.
    const CLOCK_MOVES: bool = true;

    /// What the store does differently by its nature: permitted in every run.
    const DECLARED: &'static [Divergence] = &[];

    /// Makes an operation.
    ///
    /// # Errors
    /// When the bytes run out in a way that `arbitrary` reports.
    fn generate(source: &mut Source<'_, '_>) -> arbitrary::Result<Self::Op>;

    /// Makes what older software may have left: documents with distinct raw
    /// ids, each of which the model understands.
    ///
    /// # Errors
    /// As [`Self::generate`].
    fn generate_legacy(source: &mut Source<'_, '_>) -> arbitrary::Result<Vec<LegacyDocument>>;

    /// Makes a document as older software writes it while newer software runs,
    /// too: a sound one under an id that is a file's name as it is
    /// ([`legacy::plain_id`]), with whatever times it has inside.
    ///
    /// # Errors
    /// As [`Self::generate`].
    ///
    /// [`legacy::plain_id`]: super::legacy::plain_id
    fn generate_legacy_write(source: &mut Source<'_, '_>) -> arbitrary::Result<LegacyDocument>;

    /// What it does to the state that older software writes this file: in place
    /// of whatever record has the id, without asking for anything. A document
    /// that the model does not understand is a damaged record.
    fn legacy_written(model: &mut Self::Model, document: &LegacyDocument);

    /// Whether the store reads nothing from what older software wrote there: then it is
    /// damage, whose bytes are never destroyed.
    fn is_damage(document: &LegacyDocument) -> bool {
        document.is_unreadable()
    }

    /// What it does to the state that older software removes the file
    /// `<id>.json`, if there is one.
    fn legacy_removed(model: &mut Self::Model, id: &str);

    /// What a call that goes through many records may find besides while older software
    /// writes this file: the record need not be where it was, so it was not there unchanged
    /// even if it says the same.
    fn legacy_meanwhile(model: &Self::Model, document: &LegacyDocument) -> Self::Model {
        let mut without = model.clone();
        Self::legacy_removed(&mut without, &document.id);
        without
    }

    /// Gives what the file `<id>.json` stands for the state that it had
    /// `earlier`: what older software did to it is undone.
    fn legacy_undone(model: &mut Self::Model, earlier: &Self::Model, id: &str);

    /// The model's state on a storage that holds these documents.
    fn model_of_legacy(documents: &[LegacyDocument]) -> Self::Model {
        let mut model = Self::Model::default();
        for document in documents {
            Self::legacy_written(&mut model, document);
        }
        model
    }

    /// The record, as [`Self::writes`] names it, that a file of older software
    /// stands for; none: any. `text` is what is written; none: it is removed.
    fn legacy_touches(id: &str, text: Option<&str>) -> Option<RecordId> {
        let _ = text;
        RecordId::new(id).ok()
    }

    /// Does the operation on the real store. May change `op` by what the
    /// client remembers before it is recorded: the recorded operation is the
    /// one that the model is asked about.
    fn execute(
        store: &Self::Store,
        op: &mut Self::Op,
        memory: &mut Self::Memory,
    ) -> impl Future<Output = Self::Seen> + Send;

    /// The model's judgement: whether `seen` is what `op` must give in this
    /// state, which becomes the state after it. On an error the state is
    /// unspecified.
    ///
    /// # Errors
    /// [`Broken`], with what was expected and the rule that says so.
    fn step(
        model: &mut Self::Model,
        op: &Self::Op,
        seen: &Self::Seen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<Self::Seen>>;

    /// All the states that `op` may leave when it took effect but its outcome
    /// was never seen. An operation that fails, or only reads, leaves none
    /// that differs from `model`.
    fn outcomes_unseen(model: &Self::Model, op: &Self::Op, moment: &Moment<'_>)
    -> Vec<Self::Model>;

    /// Whether the operation goes through many records over a while, so that no
    /// single point in time need explain what it returned: [`Self::judge_interval`]
    /// judges it, and [`Self::step`] only when it overlapped with no write.
    /// Such an operation changes nothing, unless it has [`Self::partial_steps`].
    fn interval(op: &Self::Op) -> bool {
        let _ = op;
        false
    }

    /// Judges an operation for which [`Self::interval`] holds by all the states
    /// that there were between its beginning and its end, in their order;
    /// `moment` tells how the client had opened the store.
    ///
    /// # Errors
    /// [`Broken`], as [`Self::step`].
    fn judge_interval(
        states: &mut dyn Iterator<Item = &Self::Model>,
        op: &Self::Op,
        seen: &Self::Seen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<Self::Seen>> {
        let _ = (states, op, seen, moment);
        Ok(())
    }

    /// How many stages the operation has: parts that take effect one after the
    /// other, each at a moment of its own while the call runs ("creates a
    /// session, then removes what is too many"). A refused call has one.
    fn stages(op: &Self::Op, variant: u8) -> usize {
        let _ = (op, variant);
        1
    }

    /// Judges one stage of a call with several, as [`Self::step`] judges the
    /// whole: the last moment of the stage.
    ///
    /// # Errors
    /// [`Broken`], as [`Self::step`].
    fn step_stage(
        stage: usize,
        model: &mut Self::Model,
        op: &Self::Op,
        seen: &Self::Seen,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<Self::Seen>> {
        let _ = stage;
        Self::step(model, op, seen, moment)
    }

    /// Whether the operation may set aside what can't be used before it does what it is
    /// asked to: one that fails after that can't say that nothing was done.
    fn sets_aside(op: &Self::Op) -> bool {
        let _ = op;
        false
    }

    /// As [`Self::outcomes_unseen`], for one stage of a call with several.
    fn stage_unseen(
        stage: usize,
        model: &Self::Model,
        op: &Self::Op,
        moment: &Moment<'_>,
    ) -> Vec<Self::Model> {
        let _ = stage;
        Self::outcomes_unseen(model, op, moment)
    }

    /// For a stage, or an operation for which [`Self::interval`] holds, that
    /// changes several records one after the other, each at a moment of its
    /// own: the states that one more of these steps may leave, every one
    /// smaller than `model` in some order that has an end. A stage does them
    /// before it is taken, which does the rest. Whether an interval did all
    /// that it had to is for [`Self::judge_interval`], which sees the states
    /// that the steps left, too. A call that was killed may have done any of
    /// them; one that was refused, none.
    fn partial_steps(
        stage: usize,
        model: &Self::Model,
        op: &Self::Op,
        moment: &Moment<'_>,
    ) -> Vec<Self::Model> {
        let _ = (stage, model, op, moment);
        Vec::new()
    }

    /// How many [`Self::partial_steps`] an interval that returned `seen` did;
    /// none: its outcome does not tell.
    fn steps_made(op: &Self::Op, seen: &Self::Seen) -> Option<usize> {
        let _ = (op, seen);
        None
    }

    /// Which ids the operation, with this outcome, may have written. None:
    /// it may have written any.
    fn writes(op: &Self::Op, seen: Option<&Self::Seen>) -> Option<Vec<RecordId>>;

    /// Whether the operation, with this outcome, may have changed the record
    /// that this file of older software stands for.
    fn may_change(op: &Self::Op, seen: Option<&Self::Seen>, document: &LegacyDocument) -> bool {
        let record = Self::legacy_touches(&document.id, Some(&document.text));
        match (Self::writes(op, seen), record) {
            (Some(ids), Some(record)) => ids.contains(&record),
            (Some(ids), None) => !ids.is_empty(),
            (None, _) => true,
        }
    }

    /// Reads that together show the whole state, for looking at what a crash
    /// or the end of a run left; `ops` are all operations of the scenario.
    fn observations<'a>(ops: impl Iterator<Item = &'a Self::Op>) -> Vec<Self::Op>;

    /// What a client asks at its end, through the store that it has: what shows to nobody
    /// else.
    fn parting() -> Vec<Self::Op> {
        Vec::new()
    }

    /// A write, a read and a delete, by which one sees that a store can be used
    /// after a crash.
    fn trial() -> Vec<Self::Op>;
}

/// An operation of a [`Subject`].
pub trait Operation:
    Clone + PartialEq + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Its place in [`Subject::OPERATIONS`].
    fn kind(&self) -> usize;
    /// Whether it never changes anything, whatever its outcome.
    fn is_read(&self) -> bool;
    /// A short description for tables: the name and the arguments.
    fn describe(&self) -> String;
    /// Simpler operations to try instead when shrinking, the simplest first.
    fn simpler(&self) -> Vec<Self>;
}

/// What an operation returned.
pub trait Verdict: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Its place in [`Subject::CLASSES`].
    fn class(&self) -> usize;
    /// Whether the operation surely changed nothing: an error with the outcome
    /// `NotDone`, or word that there was nothing to do.
    fn is_refusal(&self) -> bool;
    /// Whether the operation may or may not have happened.
    fn is_unknown(&self) -> bool;
    /// How the storage failed the call, if that is what its error says.
    fn storage_failure(&self) -> Option<StorageFailure>;
    /// A short description for tables, without secrets.
    fn describe(&self) -> String;
    /// Feeds everything that must be the same in a repeated run to a hash.
    fn digest(&self, into: &mut impl std::hash::Hasher);
}

/// What a store is opened with.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where nonces and the like come from.
    pub entropy: Arc<dyn Entropy>,
    /// Which of the [`Subject::VARIANTS`]; below that number.
    pub variant: u8,
    /// The collections that [`Subject::further_collections`] asked for.
    pub further: Vec<Arc<dyn Collection>>,
}

/// The circumstances of a step.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The clock that the operation read.
    pub now: Instant,
    /// The variant in which the client had opened the store.
    pub variant: u8,
    /// The store that was called.
    pub handle: Handle,
    /// When the call began. All times of a history are distinct.
    pub invoked: u64,
    /// When it returned; of a call that never did, the last of all times.
    pub returned: u64,
    /// What differs from the contract by declaration.
    pub divergences: &'a Divergences,
    /// The ids that operations overlapping with this one may write.
    pub overlap: Overlap<'a>,
}

impl<'a> Moment<'a> {
    /// The moment of a call beside which there is no other, of the only store.
    #[must_use]
    pub fn alone(now: Instant, divergences: &'a Divergences) -> Self {
        Self {
            now,
            variant: 0,
            handle: Handle::default(),
            invoked: 0,
            returned: 0,
            divergences,
            overlap: Overlap::Ids(&[]),
        }
    }
}

/// A store that was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handle {
    /// Each opening has its own.
    pub number: usize,
    /// When opening it began: a time as those of calls are.
    pub opened: u64,
}

/// Which records overlapping operations may change while one runs.
#[derive(Clone, Copy, Debug)]
pub enum Overlap<'a> {
    /// These, sorted; none in a sequential run.
    Ids(&'a [RecordId]),
    /// Possibly any.
    Any,
}

impl Overlap<'_> {
    /// Whether an overlapping operation may change this record.
    #[must_use]
    pub fn touches(&self, id: &RecordId) -> bool {
        match self {
            Self::Ids(ids) => ids.binary_search(id).is_ok(),
            Self::Any => true,
        }
    }
}

/// What a backend makes possible, as far as it decides which outcomes must be
/// reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Storage may begin with what older software left.
    pub legacy: bool,
    /// Storage may hold records that can't be read.
    pub damage: bool,
}

/// An outcome that the model does not allow.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken<Seen> {
    /// What it expects instead.
    pub expected: Box<Seen>,
    /// The rule that says so.
    pub rule: &'static str,
}
