//! The calls of the watermark store, as plain data.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        members::{Members, object_of},
        payload::{PayloadInput, simplest},
        subject::Operation,
    },
    store::instant_text::InstantText,
};

/// One call of the watermark store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum WatermarkOp {
    Load,
    Save { state: PayloadInput },
}

/// The names of the operations, in the order of [`WatermarkOp`].
pub(super) const OPERATIONS: &[&str] = &["load", "save"];

/// A state as a store returns it. Instants are compared as instants, all else
/// exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the member of its name in the state's JSON")]
pub struct StateData {
    pub last_tick: InstantText,
    pub dags: BTreeMap<Arc<str>, DagData>,
    pub unknown: Members,
}

/// What a state says of a DAG.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the member of its name in the DAG's JSON")]
pub struct DagData {
    pub last_scheduled_time: InstantText,
    pub start_schedule_fingerprint: Option<Arc<str>>,
    pub skip_success_reset_at: InstantText,
    pub one_offs: Option<BTreeMap<Arc<str>, OneOffData>>,
    pub unknown: Members,
}

/// What a state says of a single run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the member of its name in the run's JSON")]
pub struct OneOffData {
    pub scheduled_time: InstantText,
    pub status: Option<Arc<str>>,
    pub unknown: Members,
}

impl StateData {
    /// Whether nothing was scheduled yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dags.is_empty()
            && self.unknown.is_empty()
            && self.last_tick.instant() == crate::seam::Instant::ZERO
    }

    /// The state for a table.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("last tick {}", self.last_tick);
        for (name, dag) in &self.dags {
            text += &format!(", {name:?} {}", dag.last_scheduled_time);
            if let Some(fingerprint) = &dag.start_schedule_fingerprint {
                text += &format!(" of {fingerprint:?}");
            }
            text += &format!(" reset {}", dag.skip_success_reset_at);
            for (name, run) in dag.one_offs.iter().flatten() {
                let status = run.status.as_deref().unwrap_or("-");
                text += &format!(" {name:?} {} {status}{}", run.scheduled_time, more(&run.unknown));
            }
            text += &more(&dag.unknown);
        }
        text + &more(&self.unknown)
    }
}

fn more(unknown: &Members) -> String {
    if unknown.is_empty() { String::new() } else { format!(" {}", object_of(unknown)) }
}

impl Operation for WatermarkOp {
    fn kind(&self) -> usize {
        match self {
            Self::Load => 0,
            Self::Save { .. } => 1,
        }
    }

    fn is_read(&self) -> bool {
        *self == Self::Load
    }

    fn describe(&self) -> String {
        match self {
            Self::Load => "load".to_owned(),
            Self::Save { state } => format!("save {state:?}"),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Load => Vec::new(),
            Self::Save { state } => simplest()
                .take(1)
                .chain([PayloadInput::new(br#"{"version":4}"#), PayloadInput::new(br#"{"x":1}"#)])
                .take_while(|simple| simple != state)
                .map(|state| Self::Save { state })
                .collect(),
        }
    }
}
