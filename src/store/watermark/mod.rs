//! The watermark of a scheduler.

mod state;

use std::sync::Arc;

use async_trait::async_trait;

pub use state::{CURRENT_VERSION, DagWatermark, OneOff, Watermark};

use super::{document::Document, error::Kind};
use crate::seam::{
    Action, Clock, Collection, CollectionSpec, Condition, Error, Outcome, Payload, Record,
    RecordId, Write,
};

/// The one state of a scheduler.
///
/// Both operations are linearizable.
#[async_trait]
pub trait Watermarks: Send + Sync {
    /// The state as it was last saved, in the present version. Where nothing
    /// was saved it is empty, and so it is where what is stored is damaged or
    /// written by a newer release: then that is said beside it.
    ///
    /// # Errors
    /// Those of the storage.
    async fn load(&self) -> Result<Loaded, WatermarkError>;

    /// Saves a JSON object of any version in place of what is stored. What
    /// [`Self::load`] can't use is quarantined first.
    ///
    /// # Errors
    /// `InvalidState`; those of the storage; `OnlySetAside` when the storage failed
    /// after the quarantine.
    async fn save(&self, state: Payload) -> Result<(), WatermarkError>;
}

/// What `load` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The state.
    pub state: Watermark,
    /// Why what is stored can't be used, if it can't; the state is empty then.
    pub problem: Option<String>,
}

/// What can go wrong with the watermark.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatermarkError {
    /// What is to be saved is not a JSON object.
    #[error("the state is not a JSON object: nothing was saved")]
    InvalidState,
    /// The storage failed when what can't be used was quarantined already: nothing
    /// is stored, or the new state.
    #[error("what could not be used was set aside, then: {0}")]
    OnlySetAside(#[source] Error),
    /// Anything else.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl WatermarkError {
    /// The kind on the wire.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::InvalidState => Kind::InvalidArgument,
            Self::OnlySetAside(error) | Self::Storage(error) => Kind::from(error),
        }
    }

    /// Whether the operation may have happened all the same.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::InvalidState => Outcome::NotDone,
            Self::OnlySetAside(_) => Outcome::Unknown,
            Self::Storage(error) => error.outcome(),
        }
    }
}

/// [`Watermarks`] over any collection that was opened with
/// [`WatermarkStore::spec`].
pub struct WatermarkStore {
    collection: Arc<dyn Collection>,
    clock: Arc<dyn Clock>,
}

/// The id of the one record. Whatever else lies beside it is foreign.
const STATE: &str = "state";

/// What is stored.
enum Stored {
    Nothing,
    Usable(Record, Watermark),
    /// A sound record whose payload can't be used.
    Unusable(Record, String),
    Damaged {
        problem: String,
        bytes: Vec<u8>,
    },
}

impl WatermarkStore {
    /// A store on a collection; `clock` gives the times of its record.
    #[must_use]
    pub fn new(collection: Arc<dyn Collection>, clock: Arc<dyn Clock>) -> Self {
        Self { collection, clock }
    }

    /// How the collection is to be opened.
    #[must_use]
    pub fn spec() -> CollectionSpec {
        let mut spec = CollectionSpec::new("watermark");
        spec.directory = Some(Arc::from([Arc::from("scheduler")]));
        spec
    }

    /// Whether a record of that id is the state: any other is foreign.
    #[must_use]
    pub fn is_state(id: &RecordId) -> bool {
        id.as_str() == STATE
    }

    async fn stored(&self, id: &RecordId) -> Result<Stored, Error> {
        match self.collection.get(id).await {
            Err(Error::NotFound(_)) => Ok(Stored::Nothing),
            Err(Error::Corrupt { problem, bytes, .. }) => {
                Ok(Stored::Damaged { problem, bytes: bytes.bytes().to_vec() })
            }
            Err(error) => Err(error),
            Ok(record) => Ok(match Watermark::from_payload(&record.data) {
                Ok(state) => Stored::Usable(record, state),
                Err(problem) => Stored::Unusable(record, problem),
            }),
        }
    }
}

#[async_trait]
impl Watermarks for WatermarkStore {
    async fn load(&self) -> Result<Loaded, WatermarkError> {
        let stored = self.stored(&RecordId::new(STATE)?).await;
        Ok(match stored.map_err(|error| error.during("load"))? {
            Stored::Nothing => Loaded::default(),
            Stored::Usable(_, state) => Loaded { state, problem: None },
            Stored::Unusable(_, problem) | Stored::Damaged { problem, .. } => {
                Loaded { problem: Some(problem), ..Loaded::default() }
            }
        })
    }

    async fn save(&self, state: Payload) -> Result<(), WatermarkError> {
        if Document::parse(state.bytes()).is_none() {
            return Err(WatermarkError::InvalidState);
        }
        let id = RecordId::new(STATE)?;
        let now = self.clock.now();
        let mut record = Record::json(id.clone(), state, now);
        let mut is_set_aside = false;
        let failed = |error: Error, is_set_aside: bool| {
            let error = error.during("save");
            let kind =
                if is_set_aside { WatermarkError::OnlySetAside } else { WatermarkError::Storage };
            kind(error)
        };
        loop {
            let stored = self.stored(&id).await;
            let (unusable, when) = match stored.map_err(|error| failed(error, is_set_aside))? {
                Stored::Nothing => (None, Condition::Absent),
                // As it was read: what somebody saves meanwhile may have to be
                // quarantined.
                Stored::Usable(stored, _) => (None, Condition::Data(stored.data)),
                Stored::Unusable(stored, _) => {
                    record.created_at = stored.created_at;
                    (Some(stored.data.bytes().to_vec()), Condition::Absent)
                }
                Stored::Damaged { bytes, .. } => (Some(bytes), Condition::Absent),
            };
            if let Some(bytes) = unusable {
                match self.collection.quarantine(&id, &bytes).await {
                    Ok(()) => is_set_aside = true,
                    // Somebody changed it meanwhile: look again.
                    Err(Error::Conflict(_) | Error::NotFound(_)) => {
                        record.created_at = now;
                        continue;
                    }
                    Err(error) => return Err(failed(error, is_set_aside)),
                }
            }
            let write = Write { action: Action::Put(record.clone()), when };
            match self.collection.commit(vec![write]).await {
                Ok(()) => return Ok(()),
                Err(
                    Error::AlreadyExists(_)
                    | Error::Conflict(_)
                    | Error::NotFound(_)
                    | Error::Corrupt { .. },
                ) => record.created_at = now,
                Err(error) => return Err(failed(error, is_set_aside)),
            }
        }
    }
}
