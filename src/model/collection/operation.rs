//! The calls of a collection, as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    model::{
        payload::{PayloadInput, shown},
        source::RawId,
        subject::Operation,
    },
    seam::{Encoding, Error, Instant, Record, RecordId},
};

/// One call of a collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the call of its name, with its arguments")]
pub enum CollectionOp {
    Get {
        id: RawId,
    },
    Put(RecordInput),
    Create(RecordInput),
    Delete {
        id: RawId,
    },
    CompareAndSwap {
        id: RawId,
        expected: PayloadInput,
        next: PayloadInput,
    },
    CompareAndDelete {
        id: RawId,
        expected: PayloadInput,
    },
    /// An update whose edit gives `data`, unless that is stored already.
    Update {
        id: RawId,
        data: PayloadInput,
    },
    Find {
        key: Arc<str>,
        parts: Vec<Arc<str>>,
    },
    List(ListInput),
    Count(SelectionInput),
    Claim(SelectionInput),
    Commit {
        writes: Vec<WriteInput>,
    },
    PurgeExpired,
    Quarantine {
        id: RawId,
        expected: PayloadInput,
    },
}

/// The names of the operations, in the order of [`CollectionOp`].
pub(super) const OPERATIONS: &[&str] = &[
    "get",
    "put",
    "create",
    "delete",
    "compare_and_swap",
    "compare_and_delete",
    "update",
    "find",
    "list",
    "count",
    "claim",
    "commit",
    "purge_expired",
    "quarantine",
];

/// A record as a client gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordInput {
    /// Its id, legal or not.
    pub id: RawId,
    /// Its data.
    pub data: PayloadInput,
    /// Its encoding; missing in a file: `json`.
    #[serde(default = "json", skip_serializing_if = "is_json", with = "encoding_text")]
    pub encoding: Encoding,
    /// When it was created, as the client says.
    pub created_at: Instant,
    /// When it was changed, as the client says.
    pub updated_at: Instant,
    /// From when on it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

impl RecordInput {
    /// As a client would have to give it.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        Self {
            id: RawId(Arc::from(record.id.as_str())),
            data: PayloadInput::new(record.data.bytes()),
            encoding: record.encoding.clone(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            expires_at: record.expires_at,
        }
    }

    /// The record that is meant.
    ///
    /// # Errors
    /// When its id is not legal.
    pub fn to_record(&self) -> Result<Record, Error> {
        Ok(Record {
            id: RecordId::new(Arc::clone(&self.id.0))?,
            data: self.data.payload().clone(),
            encoding: self.encoding.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
        })
    }
}

/// Which records a call is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelectionInput {
    /// The id begins with this.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// `created_at` is at or after this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
    /// `created_at` is before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
}

/// A request for a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListInput {
    /// Which records.
    #[serde(flatten)]
    pub selection: SelectionInput,
    /// Where to go on.
    #[serde(skip_serializing_if = "CursorInput::is_none")]
    pub cursor: CursorInput,
    /// How many at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Where a page is to begin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CursorInput {
    /// At the beginning.
    #[default]
    None,
    /// Where the client's last page ended; at the beginning when that was the
    /// last page, or there was none.
    Next,
    /// What [`Self::Next`] came down to when it was executed.
    Resumed {
        /// The cursor that the client had.
        text: Arc<str>,
        /// The last item of the page that it came with.
        after: Place,
    },
    /// This text.
    Text(Arc<str>),
}

impl CursorInput {
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// An item in a listing. Ordered as listings are: damaged records by id, then
/// good ones by (`created_at`, id).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A damaged record.
    Damaged(RecordId),
    /// A good one.
    Record(Instant, RecordId),
}

/// One write of a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteInput {
    /// What to do.
    pub action: ActionInput,
    /// Only if this holds.
    #[serde(default, skip_serializing_if = "ConditionInput::is_any")]
    pub when: ConditionInput,
}

/// What a write does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the action of its name in seam::Action")]
pub enum ActionInput {
    Put(RecordInput),
    Replace { id: RawId, data: PayloadInput },
    Delete(RawId),
    Check(RawId),
}

/// What must hold for a write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the condition of its name in seam::Condition")]
pub enum ConditionInput {
    #[default]
    Any,
    Absent,
    Present,
    Data(PayloadInput),
    Stored(PayloadInput),
}

impl ConditionInput {
    fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

impl ActionInput {
    /// Which record it is about.
    #[must_use]
    pub fn id(&self) -> &RawId {
        match self {
            Self::Put(record) => &record.id,
            Self::Replace { id, .. } | Self::Delete(id) | Self::Check(id) => id,
        }
    }
}

fn json() -> Encoding {
    Encoding::JSON
}

fn is_json(encoding: &Encoding) -> bool {
    *encoding == Encoding::JSON
}

mod encoding_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::seam::Encoding;

    pub(super) fn serialize<S: Serializer>(
        encoding: &Encoding,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(encoding.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Encoding, D::Error> {
        Ok(Encoding::new(&String::deserialize(deserializer)?))
    }
}

impl CollectionOp {
    /// Every id that the call names.
    pub fn ids(&self) -> impl Iterator<Item = &RawId> {
        let one = match self {
            Self::Get { id }
            | Self::Delete { id }
            | Self::CompareAndSwap { id, .. }
            | Self::CompareAndDelete { id, .. }
            | Self::Update { id, .. }
            | Self::Quarantine { id, .. }
            | Self::Put(RecordInput { id, .. })
            | Self::Create(RecordInput { id, .. }) => Some(id),
            _ => None,
        };
        let many = match self {
            Self::Commit { writes } => writes.as_slice(),
            _ => &[],
        };
        one.into_iter().chain(many.iter().map(|write| write.action.id()))
    }

    /// Every payload that the call may store.
    pub fn stored(&self) -> impl Iterator<Item = &PayloadInput> {
        let one = match self {
            Self::CompareAndSwap { next: data, .. }
            | Self::Update { data, .. }
            | Self::Put(RecordInput { data, .. })
            | Self::Create(RecordInput { data, .. }) => Some(data),
            _ => None,
        };
        let many = match self {
            Self::Commit { writes } => writes.as_slice(),
            _ => &[],
        };
        one.into_iter().chain(many.iter().filter_map(|write| match &write.action {
            ActionInput::Put(RecordInput { data, .. }) | ActionInput::Replace { data, .. } => {
                Some(data)
            }
            ActionInput::Delete(_) | ActionInput::Check(_) => None,
        }))
    }
}

impl Operation for CollectionOp {
    fn kind(&self) -> usize {
        match self {
            Self::Get { .. } => 0,
            Self::Put(_) => 1,
            Self::Create(_) => 2,
            Self::Delete { .. } => 3,
            Self::CompareAndSwap { .. } => 4,
            Self::CompareAndDelete { .. } => 5,
            Self::Update { .. } => 6,
            Self::Find { .. } => 7,
            Self::List(_) => 8,
            Self::Count(_) => 9,
            Self::Claim(_) => 10,
            Self::Commit { .. } => 11,
            Self::PurgeExpired => 12,
            Self::Quarantine { .. } => 13,
        }
    }

    fn is_read(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::Find { .. } | Self::List(_) | Self::Count(_))
    }

    fn describe(&self) -> String {
        let name = OPERATIONS.get(self.kind()).copied().unwrap_or_default();
        match self {
            Self::Get { id } | Self::Delete { id } => format!("{name} {}", id_text(id)),
            Self::Put(record) | Self::Create(record) => format!("{name} {}", record_text(record)),
            Self::CompareAndSwap { id, expected, next } => {
                format!("{name} {}: {expected:?} -> {next:?}", id_text(id))
            }
            Self::CompareAndDelete { id, expected } | Self::Quarantine { id, expected } => {
                format!("{name} {}: {expected:?}", id_text(id))
            }
            Self::Update { id, data } => format!("{name} {} to {data:?}", id_text(id)),
            Self::Find { key, parts } => format!("{name} {key} = {parts:?}"),
            Self::List(query) => {
                let mut text = format!("{name}{}", selection_text(&query.selection));
                match &query.cursor {
                    CursorInput::None => {}
                    CursorInput::Next => text += " from the last page on",
                    CursorInput::Resumed { after: Place::Damaged(id), .. } => {
                        text += &format!(" after the damaged {}", shown(id.as_str().as_bytes()));
                    }
                    CursorInput::Resumed { after: Place::Record(at, id), .. } => {
                        text += &format!(" after ({at}, {})", shown(id.as_str().as_bytes()));
                    }
                    CursorInput::Text(cursor) => text += &format!(" cursor {cursor:?}"),
                }
                if let Some(limit) = query.limit {
                    text += &format!(" limit {limit}");
                }
                text
            }
            Self::Count(selection) | Self::Claim(selection) => {
                format!("{name}{}", selection_text(selection))
            }
            Self::Commit { writes } => {
                let writes: Vec<_> = writes.iter().map(write_text).collect();
                format!("{name} [{}]", writes.join("; "))
            }
            Self::PurgeExpired => name.to_owned(),
        }
    }

    fn simpler(&self) -> Vec<Self> {
        super::shrink::simpler(self)
    }
}

fn id_text(id: &RawId) -> String {
    format!("\"{}\"", shown(id.0.as_bytes()))
}

fn record_text(record: &RecordInput) -> String {
    let mut text = format!("{} = {:?}", id_text(&record.id), record.data);
    if record.encoding != Encoding::JSON {
        text += &format!(" as {:?}", record.encoding);
    }
    text += &format!(" at {}", record.created_at);
    if record.updated_at != record.created_at {
        text += &format!(" updated {}", record.updated_at);
    }
    if let Some(expires_at) = record.expires_at {
        text += &format!(" until {expires_at}");
    }
    text
}

fn selection_text(selection: &SelectionInput) -> String {
    let mut text = String::new();
    if !selection.prefix.is_empty() {
        text += &format!(" prefix {:?}", selection.prefix);
    }
    if let Some(since) = selection.since {
        text += &format!(" since {since}");
    }
    if let Some(until) = selection.until {
        text += &format!(" until {until}");
    }
    text
}

fn write_text(write: &WriteInput) -> String {
    let action = match &write.action {
        ActionInput::Put(record) => format!("put {}", record_text(record)),
        ActionInput::Replace { id, data } => format!("replace {} by {data:?}", id_text(id)),
        ActionInput::Delete(id) => format!("delete {}", id_text(id)),
        ActionInput::Check(id) => format!("check {}", id_text(id)),
    };
    match &write.when {
        ConditionInput::Any => action,
        ConditionInput::Absent => action + " if absent",
        ConditionInput::Present => action + " if present",
        ConditionInput::Data(data) => format!("{action} if {data:?}"),
        ConditionInput::Stored(bytes) => format!("{action} if {bytes:?} is stored"),
    }
}
