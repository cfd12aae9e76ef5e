//! A record that is a heartbeat of the worker under whose id it lies.

use super::{heartbeat::Heartbeat, place::Places};
use crate::seam::{Action, Condition, Instant, Record, RecordId, Write};

/// A worker's heartbeat with its record.
pub(super) struct Beat {
    pub(super) record: Record,
    pub(super) heartbeat: Heartbeat,
}

/// A sound record that is no heartbeat, and why, without its content.
pub(super) struct Foreign {
    pub(super) record: Record,
    pub(super) problem: String,
}

/// What lies under one of a worker's ids.
pub(super) enum Found {
    Nothing,
    Beat(Box<Beat>),
    /// These bytes, which are no heartbeat of the worker.
    Other(Vec<u8>),
}

impl Beat {
    pub(super) fn read(record: Record) -> Result<Self, Box<Foreign>> {
        match Heartbeat::from_record(&record) {
            Ok((heartbeat, _)) => Ok(Self { record, heartbeat }),
            Err(problem) => {
                Err(Box::new(Foreign { record, problem: format!("not a heartbeat: {problem}") }))
            }
        }
    }

    /// Which of a worker's two heartbeats counts: the fresher one, then ours.
    fn freshness(&self, places: &Places) -> (i64, bool) {
        (self.heartbeat.last_heartbeat_at, self.record.id == places.own)
    }

    /// Holds while the record is as it was read.
    pub(super) fn unchanged(&self) -> Condition {
        Condition::Data(self.record.data.clone())
    }

    /// Removes the record while it is as it was read.
    pub(super) fn removal(&self) -> Write {
        Write { action: Action::Delete(self.record.id.clone()), when: self.unchanged() }
    }
}

/// The one that counts of a worker's heartbeats.
pub(super) fn freshest(places: &Places, beats: impl IntoIterator<Item = Beat>) -> Option<Beat> {
    beats.into_iter().max_by_key(|beat| beat.freshness(places))
}

impl Found {
    pub(super) fn beat(&self) -> Option<&Beat> {
        match self {
            Self::Beat(beat) => Some(beat),
            Self::Nothing | Self::Other(_) => None,
        }
    }

    /// What a commit that removes the worker does to the record of that id:
    /// nothing that older software wrote meanwhile may outlive it.
    pub(super) fn removal(&self, id: &RecordId) -> Option<Write> {
        match self {
            Self::Nothing => Some(absent(id)),
            Self::Beat(beat) => Some(beat.removal()),
            Self::Other(_) => None,
        }
    }
}

/// Makes a commit depend on there being no such record.
pub(super) fn absent(id: &RecordId) -> Write {
    Write { action: Action::Check(id.clone()), when: Condition::Absent }
}

/// The next instant, but at the end of time.
pub(super) fn just_after(instant: Instant) -> Instant {
    let next = match instant.nanoseconds() {
        999_999_999 => Instant::new(instant.seconds().saturating_add(1), 0),
        nanoseconds => Instant::new(instant.seconds(), nanoseconds + 1),
    };
    next.unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::just_after;
    use crate::seam::Instant;

    #[test]
    fn an_instant_has_a_next_one_but_for_the_last() {
        let at = |seconds, nanoseconds| Instant::new(seconds, nanoseconds).unwrap();
        assert_eq!(just_after(at(1, 7)), at(1, 8));
        assert_eq!(just_after(at(-2, 999_999_999)), at(-1, 0));
        assert_eq!(just_after(Instant::MAX), Instant::MAX);
    }
}
