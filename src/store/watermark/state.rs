//! The scheduler's watermark, and its JSON.

use std::collections::BTreeMap;

use crate::{
    seam::{Instant, Payload},
    store::{document::Document, instant_text::InstantText},
};

/// The version that this release writes, and the highest that it reads.
pub const CURRENT_VERSION: i64 = 3;

/// How far the scheduler has come. Its JSON has these names, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// `lastTick`: the last minute that was scheduled.
    pub last_tick: InstantText,
    /// `dags`: what is known of each DAG, by name.
    pub dags: BTreeMap<String, DagWatermark>,
    /// Members that this release does not know.
    pub unknown: Document,
}

/// How far a DAG has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DagWatermark {
    /// `lastScheduledTime`
    pub last_scheduled_time: InstantText,
    /// `startScheduleFingerprint`: of the schedule that the time belongs to.
    pub start_schedule_fingerprint: Option<String>,
    /// `skipSuccessResetAt`
    pub skip_success_reset_at: InstantText,
    /// `oneOffs`: single runs, by fingerprint.
    pub one_offs: Option<BTreeMap<String, OneOff>>,
    /// Members that this release does not know.
    pub unknown: Document,
}

/// A single run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOff {
    /// `scheduledTime`
    pub scheduled_time: InstantText,
    /// `pending`, `consumed`, or one that another release knows.
    pub status: Option<String>,
    /// Members that this release does not know.
    pub unknown: Document,
}

/// Nothing was scheduled yet.
impl Default for Watermark {
    fn default() -> Self {
        Self { last_tick: zero(), dags: BTreeMap::new(), unknown: Document::default() }
    }
}

/// Nothing is known of the DAG yet.
impl Default for DagWatermark {
    fn default() -> Self {
        Self {
            last_scheduled_time: zero(),
            start_schedule_fingerprint: None,
            skip_success_reset_at: zero(),
            one_offs: None,
            unknown: Document::default(),
        }
    }
}

/// How the field writes "no time".
fn zero() -> InstantText {
    Instant::ZERO.into()
}

fn instant(document: &Document, name: &str) -> Result<InstantText, String> {
    Ok(document.instant(name)?.unwrap_or_else(zero))
}

/// The members of an object that holds objects, each read by `read`. Of a
/// repeated name the last counts.
fn objects<T>(
    document: &Document,
    name: &str,
    read: impl Fn(Document) -> Result<T, String>,
) -> Result<Option<BTreeMap<String, T>>, String> {
    let Some(members) = document.object(name)? else { return Ok(None) };
    let mut read_members = BTreeMap::new();
    for member in members.names() {
        let inner =
            members.object(member).map_err(|_| format!("one of {name:?} is not an object"))?;
        if let Some(inner) = inner {
            read_members.insert(member.to_owned(), read(inner)?);
        }
    }
    Ok(Some(read_members))
}

fn set_objects<T>(
    document: &mut Document,
    name: &str,
    members: &BTreeMap<String, T>,
    write: impl Fn(&T) -> Document,
) {
    let mut object = Document::default();
    for (member, value) in members {
        object.set_or_remove(member, write(value).to_raw());
    }
    document.set_or_remove(name, object.to_raw());
}

const KNOWN: &[&str] = &["version", "lastTick", "dags"];
const KNOWN_OF_DAG: &[&str] =
    &["lastScheduledTime", "startScheduleFingerprint", "skipSuccessResetAt", "oneOffs"];
const KNOWN_OF_ONE_OFF: &[&str] = &["scheduledTime", "status"];

impl Watermark {
    /// Reads the JSON object of any version up to the present one: they have
    /// the same members, the older ones fewer of them. A missing instant is the
    /// year 0001's.
    ///
    /// # Errors
    /// What is wrong, without any content; also a higher version.
    pub fn from_document(document: Document) -> Result<Self, String> {
        let version: Option<i64> = document
            .value("version")
            .map_err(|_| "\"version\" is not a whole number".to_owned())?;
        match version.unwrap_or(0) {
            0..=CURRENT_VERSION => {}
            version if version < 0 => return Err(format!("there is no version {version}")),
            version => {
                return Err(format!(
                    "it was written by a newer release (version {version}; this one knows {CURRENT_VERSION})"
                ));
            }
        }
        Ok(Self {
            last_tick: instant(&document, "lastTick")?,
            dags: objects(&document, "dags", DagWatermark::from_document)?.unwrap_or_default(),
            unknown: document.without(KNOWN),
        })
    }

    /// Reads a payload.
    pub(crate) fn from_payload(payload: &Payload) -> Result<Self, String> {
        let document = Document::parse(payload.bytes()).ok_or("it is no JSON object")?;
        Self::from_document(document)
    }

    /// The JSON object, in the present version.
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        let version = serde_json::value::to_raw_value(&CURRENT_VERSION);
        document.set_or_remove("version", version.ok());
        document.set_text("lastTick", self.last_tick.as_str());
        set_objects(&mut document, "dags", &self.dags, DagWatermark::to_document);
        document.merge(&self.unknown.clone().without(KNOWN));
        document
    }
}

impl DagWatermark {
    fn from_document(document: Document) -> Result<Self, String> {
        Ok(Self {
            last_scheduled_time: instant(&document, "lastScheduledTime")?,
            start_schedule_fingerprint: document.text("startScheduleFingerprint")?,
            skip_success_reset_at: instant(&document, "skipSuccessResetAt")?,
            one_offs: objects(&document, "oneOffs", OneOff::from_document)?,
            unknown: document.without(KNOWN_OF_DAG),
        })
    }

    fn to_document(&self) -> Document {
        let mut document = Document::default();
        document.set_text("lastScheduledTime", self.last_scheduled_time.as_str());
        let fingerprint = self.start_schedule_fingerprint.as_deref();
        document.set_or_remove_text("startScheduleFingerprint", fingerprint);
        document.set_text("skipSuccessResetAt", self.skip_success_reset_at.as_str());
        if let Some(one_offs) = &self.one_offs {
            set_objects(&mut document, "oneOffs", one_offs, OneOff::to_document);
        }
        document.merge(&self.unknown.clone().without(KNOWN_OF_DAG));
        document
    }
}

impl OneOff {
    fn from_document(document: Document) -> Result<Self, String> {
        Ok(Self {
            scheduled_time: instant(&document, "scheduledTime")?,
            status: document.text("status")?,
            unknown: document.without(KNOWN_OF_ONE_OFF),
        })
    }

    fn to_document(&self) -> Document {
        let mut document = Document::default();
        document.set_text("scheduledTime", self.scheduled_time.as_str());
        document.set_or_remove_text("status", self.status.as_deref());
        document.merge(&self.unknown.clone().without(KNOWN_OF_ONE_OFF));
        document
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Watermark;
    use crate::{seam::Payload, store::document::Document};

    fn read(json: &str) -> Result<Watermark, String> {
        Watermark::from_payload(&Payload::new(json.as_bytes()))
    }

    #[test]
    fn a_state_is_written_as_it_was_read() {
        for json in [
            r#"{"version":3,"lastTick":"0001-01-01T00:00:00Z","dags":{}}"#,
            r#"{"version":3,"lastTick":"2026-05-01T12:34:00.50+09:00","dags":{"a \u2028":{"lastScheduledTime":"2026-05-01T00:00:00Z","startScheduleFingerprint":"f","skipSuccessResetAt":"2026-04-29T01:02:03.000000004Z","oneOffs":{"g":{"scheduledTime":"2026-05-02T00:00:00+09:00","status":"pending","x":1e400}},"y":[]},"b":{"lastScheduledTime":"0001-01-01T00:00:00Z","skipSuccessResetAt":"0001-01-01T00:00:00Z","oneOffs":{}}},"z":123456789012345678901234567890}"#,
        ] {
            let written = read(json).unwrap().to_document().to_text();
            assert_eq!(written, json.replace("\\u2028", "\u{2028}"));
        }
    }

    #[test]
    fn older_versions_migrate() {
        let empty = read(r#"{"version":3}"#).unwrap();
        assert_eq!(empty, Watermark::default());
        for version in ["", r#""version":null"#, r#""version":0"#, r#""version":2"#] {
            assert_eq!(read(&format!("{{{version}}}")), Ok(empty.clone()), "{version}");
        }
        let old = read(r#"{"version":1,"dags":{"a":{"oneOffs":{"g":{"status":"x"}}}}}"#).unwrap();
        assert_eq!(
            old.to_document().to_text(),
            r#"{"version":3,"lastTick":"0001-01-01T00:00:00Z","dags":{"a":{"lastScheduledTime":"0001-01-01T00:00:00Z","skipSuccessResetAt":"0001-01-01T00:00:00Z","oneOffs":{"g":{"scheduledTime":"0001-01-01T00:00:00Z","status":"x"}}}}}"#
        );
    }

    #[test]
    fn what_can_not_be_used_says_why() {
        for (json, problem) in [
            ("null", "no JSON object"),
            (r#"{"version":4}"#, "newer release (version 4"),
            (r#"{"version":-1}"#, "no version -1"),
            (r#"{"version":"3"}"#, "\"version\""),
            (r#"{"version":3.0}"#, "\"version\""),
            (r#"{"version":3,"lastTick":"secret"}"#, "\"lastTick\""),
            (r#"{"version":3,"dags":[]}"#, "\"dags\""),
            (r#"{"version":3,"dags":{"secret":1}}"#, "\"dags\""),
            (r#"{"version":3,"dags":{"secret":{"oneOffs":{"g":[]}}}}"#, "\"oneOffs\""),
        ] {
            let said = read(json).expect_err(json);
            assert!(said.contains(problem) && !said.contains("secret"), "{json}: {said}");
        }
    }

    /// A part of these members, each with its value.
    fn some_of(
        members: &'static [(&'static str, &'static str)],
    ) -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
        prop::sample::subsequence(members, 0..=members.len())
    }

    fn object(members: &[(&str, &str)]) -> String {
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    const STATE: &[(&str, &str)] = &[
        ("lastTick", "\"2026-05-01T12:34:00.50+09:00\""),
        ("z", "123456789012345678901234567890"),
        ("shard", "{\"a\":1,\"a\":2}"),
    ];
    const DAG: &[(&str, &str)] = &[
        ("lastScheduledTime", "\"2026-05-01T00:00:00Z\""),
        ("startScheduleFingerprint", "\"f\""),
        ("skipSuccessResetAt", "\"2026-04-29T01:02:03.000000004Z\""),
        ("y", "[null]"),
    ];
    const ONE_OFF: &[(&str, &str)] = &[
        ("scheduledTime", "\"2026-05-02T00:00:00+09:00\""),
        ("status", "\"consumed\""),
        ("x", "1e400"),
    ];

    proptest! {
        #[test]
        fn every_older_version_means_the_same_and_migrates_once(
            version in prop::sample::select(vec![None, Some("null"), Some("0"), Some("1"), Some("2")]),
            state in some_of(STATE),
            dag in some_of(DAG),
            one_off in prop::option::of(some_of(ONE_OFF)),
        ) {
            let one_offs = one_off.as_ref().map(|run| format!("{{\"g\":{}}}", object(run)));
            let mut in_dag = dag.clone();
            in_dag.extend(one_offs.as_deref().map(|one_offs| ("oneOffs", one_offs)));
            let dags = format!("{{\"etl\":{}}}", object(&in_dag));
            let of_version = |version: Option<&str>| {
                let mut members: Vec<_> = version.map(|v| ("version", v)).into_iter().collect();
                members.extend(&state);
                members.push(("dags", &dags));
                read(&object(&members))
            };
            let migrated = of_version(version).unwrap();
            prop_assert_eq!(&migrated, &of_version(Some("3")).unwrap(), "the same fields");
            let written = migrated.to_document();
            prop_assert_eq!(&Watermark::from_document(written.clone()).unwrap(), &migrated);

            // Whatever was there is there still, to the letter; what was missing
            // is the zero time.
            let has = |document: &Document, members: &[(&str, &str)]| {
                members.iter().all(|(name, value)| {
                    document.get(name).is_some_and(|raw| raw.get() == *value)
                })
            };
            prop_assert!(has(&written, &state) && has(&written, &[("version", "3")]));
            let dags = written.object("dags").unwrap().unwrap();
            let etl = dags.object("etl").unwrap().unwrap();
            prop_assert!(has(&etl, &dag));
            let zero = "\"0001-01-01T00:00:00Z\"";
            for (document, given, name) in [
                (&written, &state, "lastTick"),
                (&etl, &dag, "lastScheduledTime"),
                (&etl, &dag, "skipSuccessResetAt"),
            ] {
                let is_missing = given.iter().all(|(known, _)| *known != name);
                prop_assert!(!is_missing || has(document, &[(name, zero)]), "{}", name);
            }
            let one_offs = etl.object("oneOffs").unwrap();
            prop_assert_eq!(one_offs.is_some(), one_off.is_some());
            if let (Some(one_offs), Some(given)) = (one_offs, one_off) {
                prop_assert!(has(&one_offs.object("g").unwrap().unwrap(), &given));
            }
        }
    }
}
