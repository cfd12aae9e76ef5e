//! What the clients did and saw.

use crate::{
    model::{
        divergence::Divergences,
        legacy::OlderAction,
        subject::{Broken, Handle, Moment, Operation, Overlap, Subject, Verdict},
    },
    seam::{Instant, RecordId},
    sim::faults::Fault,
};

/// Which client number the setup and the observations after a run have.
pub const ALONE: usize = 0;

/// One thing that a client did.
#[derive(Debug)]
pub struct Call<S: Subject> {
    /// In which part of the run.
    pub phase: Phase,
    /// By which client.
    pub client: usize,
    /// The number of the client's action, from 0.
    pub action: usize,
    /// What was done.
    pub deed: Deed<S>,
    /// The variant in which the client had opened the store.
    pub variant: u8,
    /// The handle that it went through.
    pub handle: Handle,
    /// What failed under it, and where its client gave up.
    pub faults: Vec<Fault>,
    /// The clock that the call read.
    pub now: Instant,
    /// When it began. All times of a history are distinct.
    pub invoked: u64,
    /// When it returned; [`PENDING`] if it never did. Of one that its client gave
    /// up: when it came to its end without the client.
    pub returned: u64,
    /// How many I/O steps had been made when it began.
    pub io_invoked: usize,
    /// How many when it returned.
    pub io_returned: usize,
}

/// What was done.
#[derive(Debug)]
pub enum Deed<S: Subject> {
    /// A call of the store.
    Call {
        /// What was called, with everything resolved.
        op: S::Op,
        /// What came back; none: nothing did, the client was killed or gave up.
        seen: Option<S::Seen>,
    },
    /// Older software changed a file, at the very moment of its rename or
    /// removal.
    Older(OlderAction),
    /// The change that older software made at this time may be gone again: the
    /// power was lost, and older software syncs no directory.
    Undone(u64),
}

impl<S: Subject> Clone for Call<S> {
    fn clone(&self) -> Self {
        Self { deed: self.deed.clone(), faults: self.faults.clone(), ..*self }
    }
}

impl<S: Subject> Clone for Deed<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Call { op, seen } => Self::Call { op: op.clone(), seen: seen.clone() },
            Self::Older(action) => Self::Older(action.clone()),
            Self::Undone(time) => Self::Undone(*time),
        }
    }
}

/// The time of return of a call that never returned.
pub const PENDING: u64 = u64::MAX;

/// The parts of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before the clients.
    Setup,
    /// The clients.
    Clients,
    /// Going on with what a crash left.
    Recovered,
    /// Looking at what the run, or a crash, left.
    Afterwards,
}

impl<S: Subject> Call<S> {
    /// The operation and its outcome, where it is a call that surely happened
    /// as it was seen.
    pub(super) fn seen(&self) -> Option<(&S::Op, &S::Seen)> {
        match &self.deed {
            Deed::Call { op, seen: Some(seen) } if !seen.is_unknown() => Some((op, seen)),
            _ => None,
        }
    }

    /// The circumstances in which it is judged.
    pub(super) fn moment<'a>(
        &self,
        divergences: &'a Divergences,
        overlap: Overlap<'a>,
    ) -> Moment<'a> {
        let Self { now, variant, handle, invoked, returned, .. } = *self;
        Moment { now, variant, handle, invoked, returned, divergences, overlap }
    }

    /// Whether its client gave it up.
    pub(super) fn is_given_up(&self) -> bool {
        self.faults.iter().any(|fault| fault.kind.is_cancel())
    }

    /// Whether the storage failed under it and it surely was not done: then it is
    /// as if it had never been called.
    pub(super) fn has_failed(&self) -> bool {
        match &self.deed {
            Deed::Call { seen: Some(seen), .. } => {
                seen.storage_failure().is_some() && !seen.is_unknown()
            }
            _ => false,
        }
    }

    /// Whether it may have had its effect, or not.
    pub(super) fn is_optional(&self) -> bool {
        match &self.deed {
            Deed::Call { seen, .. } => seen.as_ref().is_none_or(Verdict::is_unknown),
            Deed::Older(_) => false,
            Deed::Undone(_) => true,
        }
    }

    /// Whether it surely changed nothing.
    pub(super) fn changes_nothing(&self) -> bool {
        match &self.deed {
            Deed::Call { op, seen } => {
                op.is_read() || seen.as_ref().is_some_and(Verdict::is_refusal)
            }
            Deed::Older(_) | Deed::Undone(_) => false,
        }
    }

    /// Whether it has no place of its own in the order of calls; see
    /// [`Subject::interval`].
    pub(super) fn is_interval(&self) -> bool {
        matches!(&self.deed, Deed::Call { op, .. } if S::interval(op))
    }

    /// How many stages it has; see [`Subject::stages`].
    pub(super) fn stages(&self) -> usize {
        match &self.deed {
            Deed::Call { seen: Some(seen), .. } if seen.is_refusal() => 1,
            Deed::Call { op, .. } => S::stages(op, self.variant).max(1),
            Deed::Older(_) | Deed::Undone(_) => 1,
        }
    }

    /// The model's judgement of the whole call, which brings the model to the
    /// state after it. Of one that is optional: that it happened.
    pub(super) fn step(
        &self,
        model: &mut S::Model,
        moment: &Moment<'_>,
    ) -> Result<(), Broken<S::Seen>> {
        match &self.deed {
            Deed::Call { op, seen: Some(seen) } => S::step(model, op, seen, moment),
            Deed::Call { seen: None, .. } | Deed::Undone(_) => Ok(()),
            Deed::Older(action) => {
                older_step::<S>(model, action);
                Ok(())
            }
        }
    }

    /// The states that the stage may leave when it is taken.
    pub(super) fn after_stage(
        &self,
        stage: usize,
        model: &S::Model,
        moment: &Moment<'_>,
    ) -> Result<Vec<S::Model>, Broken<S::Seen>> {
        let mut next = model.clone();
        match (&self.deed, self.seen()) {
            (_, Some((op, seen))) => S::step_stage(stage, &mut next, op, seen, moment)?,
            (Deed::Call { op, .. }, None) => return Ok(S::stage_unseen(stage, model, op, moment)),
            (Deed::Older(action), None) => older_step::<S>(&mut next, action),
            (Deed::Undone(_), None) => {}
        }
        Ok(vec![next])
    }

    /// The states that one more step of the stage may leave before it is taken.
    pub(super) fn partial_steps(
        &self,
        stage: usize,
        model: &S::Model,
        moment: &Moment<'_>,
    ) -> Vec<S::Model> {
        match &self.deed {
            Deed::Call { op, .. } if !self.changes_nothing() => {
                S::partial_steps(stage, model, op, moment)
            }
            _ => Vec::new(),
        }
    }

    /// The ids that it may have written; none: any.
    pub(super) fn writes(&self) -> Option<Vec<RecordId>> {
        match &self.deed {
            Deed::Call { op, seen } => S::writes(op, seen.as_ref()),
            Deed::Older(action) => touched::<S>(action).map(|id| vec![id]),
            Deed::Undone(_) => None,
        }
    }

    /// Whether it is known to write the record that older software changed, if
    /// it writes anything.
    pub(super) fn surely_writes(&self, action: &OlderAction) -> bool {
        match (self.writes(), touched::<S>(action)) {
            (Some(ids), Some(touched)) => ids.contains(&touched),
            _ => false,
        }
    }

    /// What was done, for tables.
    pub(super) fn describe(&self) -> String {
        let own = match &self.deed {
            Deed::Call { op, .. } => op.describe(),
            Deed::Older(action) => action.describe(),
            Deed::Undone(_) => "(what older software did is lost)".to_owned(),
        };
        // First: long descriptions are cut at their ends.
        let faults = self.faults.iter().map(Fault::describe);
        faults.chain([own]).collect::<Vec<_>>().join(" ")
    }

    /// What came of it, for tables.
    pub(super) fn describe_outcome(&self) -> String {
        match &self.deed {
            Deed::Call { seen: Some(seen), .. } => seen.describe(),
            Deed::Call { seen: None, .. } if self.is_given_up() => "(given up)".to_owned(),
            Deed::Call { seen: None, .. } => "(killed)".to_owned(),
            Deed::Older(_) | Deed::Undone(_) => String::new(),
        }
    }
}

/// Brings the model to the state after a change by older software.
pub(super) fn older_step<S: Subject>(model: &mut S::Model, action: &OlderAction) {
    match action {
        OlderAction::Write(document) => S::legacy_written(model, document),
        OlderAction::Remove { id } => S::legacy_removed(model, id),
    }
}

/// The record that older software changes; none: it is not known which.
fn touched<S: Subject>(action: &OlderAction) -> Option<RecordId> {
    match action {
        OlderAction::Write(document) => S::legacy_touches(&document.id, Some(&document.text)),
        OlderAction::Remove { id } => S::legacy_touches(id, None),
    }
}
