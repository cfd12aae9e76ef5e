//! A worker's heartbeat, and its JSON.

use super::place::Places;
use crate::{
    seam::{Instant, Payload, Record},
    store::document::Document,
};

/// What a worker last said of itself. Its JSON has these names, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// `workerId`: any record id.
    pub worker_id: String,
    /// `labels`: texts by name.
    pub labels: Option<Document>,
    /// `stats`: `total_pollers`, `busy_pollers`, `running_tasks` and whatever
    /// else the worker says; kept as it is.
    pub stats: Option<Document>,
    /// `lastHeartbeatAt`: milliseconds since the Unix epoch. On writing, 0 is
    /// now.
    pub last_heartbeat_at: i64,
    /// Members that this release does not know.
    pub unknown: Document,
}

const KNOWN: &[&str] = &["workerId", "labels", "stats", "lastHeartbeatAt"];

impl Heartbeat {
    /// A heartbeat of a worker that says nothing else.
    #[must_use]
    pub fn new(worker_id: impl Into<String>, last_heartbeat_at: i64) -> Self {
        Self {
            worker_id: worker_id.into(),
            labels: None,
            stats: None,
            last_heartbeat_at,
            unknown: Document::default(),
        }
    }

    /// Reads a heartbeat's JSON object. A missing time is 0. Whether the id is
    /// acceptable is for the store to judge.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub fn from_document(document: Document) -> Result<Self, String> {
        Ok(Self {
            worker_id: document.required_text("workerId")?,
            labels: document.object("labels")?,
            stats: document.object("stats")?,
            last_heartbeat_at: document
                .value("lastHeartbeatAt")
                .map_err(|_| {
                    "\"lastHeartbeatAt\" is not a whole number of milliseconds".to_owned()
                })?
                .unwrap_or_default(),
            unknown: document.without(KNOWN),
        })
    }

    /// Reads a payload.
    pub(super) fn from_payload(payload: &Payload) -> Result<Self, String> {
        let document = Document::parse(payload.bytes()).ok_or("it is no JSON object")?;
        document.non_empty_text("workerId")?;
        Self::from_document(document)
    }

    /// Reads the heartbeat that a record holds, and says whether the record is
    /// where we keep the worker, and not where older software does.
    pub(crate) fn from_record(record: &Record) -> Result<(Self, bool), String> {
        let heartbeat = Self::from_payload(&record.data)?;
        let places = Places::of(&heartbeat.worker_id)
            .map_err(|_| "its \"workerId\" can't be one".to_owned())?;
        if !places.contain(&record.id) {
            return Err("its \"workerId\" is not that of its record".to_owned());
        }
        let is_own = record.id == places.own;
        Ok((heartbeat, is_own))
    }

    /// The heartbeat's JSON object.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        document.set_text("workerId", &self.worker_id);
        document.set_or_remove("labels", self.labels.as_ref().and_then(Document::to_raw));
        document.set_or_remove("stats", self.stats.as_ref().and_then(Document::to_raw));
        let at = serde_json::value::to_raw_value(&self.last_heartbeat_at);
        document.set_or_remove("lastHeartbeatAt", at.ok());
        document.merge(&self.unknown.clone().without(KNOWN));
        document
    }

    /// Whether the heartbeat is not after that instant.
    #[must_use]
    pub fn is_stale(&self, before: Instant) -> bool {
        let heartbeat = i128::from(self.last_heartbeat_at) * 1_000_000;
        let before =
            i128::from(before.seconds()) * 1_000_000_000 + i128::from(before.nanoseconds());
        heartbeat <= before
    }
}

/// Whole milliseconds since the Unix epoch, rounded down.
pub(super) fn milliseconds(instant: Instant) -> i64 {
    instant.seconds() * 1_000 + i64::from(instant.nanoseconds() / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::{Heartbeat, Places, milliseconds};
    use crate::seam::{Instant, Payload, Record, RecordId};

    fn read(json: &str) -> Result<Heartbeat, String> {
        Heartbeat::from_payload(&Payload::new(json.as_bytes()))
    }

    #[test]
    fn a_heartbeat_is_written_as_it_was_read() {
        for json in [
            r#"{"workerId":"w","lastHeartbeatAt":0}"#,
            r#"{"workerId":"w","labels":{"a":"\u003c"},"stats":{},"lastHeartbeatAt":-1}"#,
            r#"{"workerId":"w","stats":{"total_pollers":4,"running_tasks":[{"x":1e400}],"y":1},"lastHeartbeatAt":9223372036854775807,"z":[1,2]}"#,
        ] {
            assert_eq!(read(json).unwrap().to_document().to_text(), json);
        }
    }

    #[test]
    fn what_is_no_heartbeat_says_why() {
        for (json, problem) in [
            ("null", "no JSON object"),
            ("{}", "workerId"),
            (r#"{"workerId":""}"#, "workerId"),
            (r#"{"workerId":"secret","labels":1}"#, "labels"),
            (r#"{"workerId":"secret","stats":[]}"#, "stats"),
            (r#"{"workerId":"secret","lastHeartbeatAt":"1"}"#, "lastHeartbeatAt"),
            (r#"{"workerId":"secret","lastHeartbeatAt":1.5}"#, "lastHeartbeatAt"),
        ] {
            let said = read(json).expect_err(json);
            assert!(said.contains(problem) && !said.contains("secret"), "{json}: {said}");
        }
    }

    #[test]
    fn a_record_is_ours_under_the_worker_s_id_and_older_software_s_under_its_hash() {
        let places = Places::of("w").unwrap();
        let record = |id: &RecordId| {
            let data = Payload::new(br#"{"workerId":"w","lastHeartbeatAt":7}"#.as_slice());
            Record::json(id.clone(), data, Instant::ZERO)
        };
        for (id, is_own) in [(&places.own, true), (&places.older, false)] {
            assert_eq!(Heartbeat::from_record(&record(id)), Ok((Heartbeat::new("w", 7), is_own)));
        }
        let other = RecordId::new("v").unwrap();
        assert!(Heartbeat::from_record(&record(&other)).is_err());
    }

    #[test]
    fn stale_is_not_after() {
        let at = |seconds, nanoseconds| Instant::new(seconds, nanoseconds).unwrap();
        let beat = Heartbeat::new("w", 1_500);
        assert!(beat.is_stale(at(1, 500_000_000)) && !beat.is_stale(at(1, 499_999_999)));
        assert!(!Heartbeat::new("w", i64::MAX).is_stale(Instant::MAX));
        assert!(Heartbeat::new("w", i64::MIN).is_stale(Instant::MIN));
        assert!(Heartbeat::new("w", -1).is_stale(at(-1, 999_000_000)));
        assert!(!Heartbeat::new("w", -1).is_stale(at(-1, 998_999_999)));
    }

    #[test]
    fn milliseconds_are_rounded_down() {
        let at = |seconds, nanoseconds| milliseconds(Instant::new(seconds, nanoseconds).unwrap());
        assert_eq!([at(1, 999_999), at(1, 1_000_000), at(-1, 999_999_999)], [1_000, 1_001, -1]);
    }
}
