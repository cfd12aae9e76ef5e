//! Whether snapshots still read, and whether what is written was reviewed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    all, named,
    snapshot::{Snapshot, path_of},
};

/// What today's reader makes of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// The value that was stored.
    Same,
    /// Another value.
    Different,
    /// Nothing.
    Unreadable,
    /// There is no format of that name.
    UnknownFormat,
}

impl Reading {
    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Same => "reads the same",
            Self::Different => "reads differently",
            Self::Unreadable => "cannot read",
            Self::UnknownFormat => "format unknown to me",
        }
    }
}

/// A snapshot, and what today's reader makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Where it lies; see [`path_of`].
    pub path: String,
    /// What becomes of it.
    pub reading: Reading,
    /// How the value differs, or why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Reads the snapshot that lies at `path` with today's reader of its format.
#[must_use]
pub fn judge(path: &str, text: &str) -> Judged {
    let judged = |reading, detail| Judged { path: path.to_owned(), reading, detail };
    let snapshot = match Snapshot::parse(path, text) {
        Ok(snapshot) => snapshot,
        Err(problem) => return judged(Reading::Unreadable, Some(problem)),
    };
    let Some(format) = named(&snapshot.format) else {
        return judged(Reading::UnknownFormat, None);
    };
    match (format.decode)(&snapshot.bytes) {
        Err(problem) => judged(Reading::Unreadable, Some(problem)),
        Ok(value) => match difference(&snapshot.value, &value) {
            None => judged(Reading::Same, None),
            different => judged(Reading::Different, different),
        },
    }
}

/// Something written today that no snapshot shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreviewed {
    /// Where its snapshot is, or would be; see [`path_of`].
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

/// The samples of today's formats that are not written as `shipped` shows them,
/// or do not read as the value that they were made of. `shipped` are paths and
/// texts of snapshots.
#[must_use]
pub fn unreviewed(shipped: &[(&str, &str)]) -> Vec<Unreviewed> {
    let mut found = Vec::new();
    for format in all() {
        for sample in (format.samples)() {
            let path = path_of(format.name, format.version, sample.name);
            let text = shipped.iter().find(|(place, _)| *place == path).map(|(_, text)| *text);
            let problem = match Snapshot::of(format, sample) {
                Err(problem) => Some(format!("the sample can't be written: {problem}")),
                Ok(today) => changed(&path, &today, text),
            };
            found.extend(problem.map(|problem| Unreviewed { path, problem }));
        }
    }
    found
}

/// What is wrong with a sample as it is written today.
fn changed(path: &str, today: &Snapshot, shipped: Option<&str>) -> Option<String> {
    let Some(shipped) = shipped else {
        return Some("what is written today has no snapshot".to_owned());
    };
    // A snapshot that is none is found by reading it.
    let shipped = Snapshot::parse(path, shipped).ok()?;
    if shipped.bytes != today.bytes {
        return Some(
            "what is written today has other bytes than its snapshot: give the format a new \
             version, or undo the change"
                .to_owned(),
        );
    }
    // That it reads is found by reading the snapshot: the bytes are the same.
    difference(&shipped.value, &today.value).map(|difference| {
        format!("the value that is written is not the one that its snapshot has: {difference}")
    })
}

/// Where two values differ first, and how; none: they are equal.
fn difference(stored: &Value, now: &Value) -> Option<String> {
    match (stored, now) {
        _ if stored == now => None,
        (Value::Object(stored), Value::Object(now)) => {
            let names = stored.keys().chain(now.keys());
            let both = |name: &String| (stored.get(name), now.get(name));
            names
                .filter(|name| both(name).0 != both(name).1)
                .find_map(|name| within(&name.replace('~', "~0").replace('/', "~1"), both(name)))
        }
        (Value::Array(stored), Value::Array(now)) => (0..stored.len().max(now.len()))
            .find_map(|place| within(&place.to_string(), (stored.get(place), now.get(place)))),
        _ => Some(format!(": stored {}, read {}", cut(stored), cut(now))),
    }
}

fn within(step: &str, values: (Option<&Value>, Option<&Value>)) -> Option<String> {
    let rest = match values {
        (Some(stored), Some(now)) => difference(stored, now)?,
        (Some(stored), None) => format!(": stored {}, read nothing", cut(stored)),
        (None, Some(now)) => format!(": stored nothing, read {}", cut(now)),
        (None, None) => return None,
    };
    Some(format!("/{step}{rest}"))
}

/// A value as text of bearable length.
fn cut(value: &Value) -> String {
    const LONGEST: usize = 100;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Judged, Reading, difference, judge, unreviewed};
    use crate::formats::{all, snapshot::Snapshot};

    fn cursors() -> Vec<Snapshot> {
        let format = crate::formats::named("cursor").unwrap();
        let samples = (format.samples)().into_iter();
        samples.map(|sample| Snapshot::of(format, sample).unwrap()).collect()
    }

    fn judged(change: impl Fn(&mut Snapshot)) -> Judged {
        let mut snapshot = cursors().remove(0);
        change(&mut snapshot);
        judge(&snapshot.path(), &snapshot.to_text())
    }

    #[test]
    fn the_value_that_was_stored_decides() {
        assert_eq!(judged(|_| ()).reading, Reading::Same);
        let different = judged(|snapshot| snapshot.value = json!(1));
        assert_eq!(different.reading, Reading::Different);
        assert_eq!(different.detail.as_deref(), Some(": stored 1, read {\"damaged\":\"a\"}"));
        let unreadable = judged(|snapshot| snapshot.bytes = b"2.d.YQ".into());
        assert_eq!(unreadable.reading, Reading::Unreadable);
        assert_eq!(unreadable.detail.as_deref(), Some("it is not one of our cursors"));
        let unknown = judged(|snapshot| snapshot.format = "papyrus".into());
        assert_eq!(unknown.reading, Reading::UnknownFormat);
    }

    #[test]
    fn what_is_no_snapshot_cannot_be_read() {
        assert_eq!(judge("cursor/v1/x", "").reading, Reading::Unreadable);
        let cursor = cursors().remove(0);
        assert_eq!(judge("cursor/v2/x", &cursor.to_text()).reading, Reading::Unreadable);
    }

    #[test]
    fn what_is_written_without_a_snapshot_is_unreviewed() {
        let texts = all().flat_map(|format| {
            let samples = (format.samples)().into_iter();
            samples.map(|sample| Snapshot::of(format, sample).unwrap())
        });
        let mut texts: Vec<_> = texts.map(|today| (today.path(), today.to_text())).collect();
        let found = |texts: &[(String, String)]| {
            let texts: Vec<_> = texts.iter().map(|(path, text)| (&**path, &**text)).collect();
            unreviewed(&texts)
        };
        assert_eq!(found(&texts), []);

        let (path, text) = texts.pop().unwrap();
        let [missing] = &found(&texts)[..] else { panic!("one is missing") };
        assert_eq!(missing.path, path);
        assert!(missing.problem.contains("has no snapshot"), "{}", missing.problem);

        texts.push((path, text.replacen("| ", "| !", 1)));
        let [changed] = &found(&texts)[..] else { panic!("one is changed") };
        assert!(changed.problem.contains("a new version"), "{}", changed.problem);
    }

    #[test]
    fn the_first_difference_is_named() {
        let stored = json!({"a": [1, {"b/c": 2}], "d": null});
        for (now, expected) in [
            (json!({"a": [1, {"b/c": 3}], "d": null}), "/a/1/b~1c: stored 2, read 3"),
            (json!({"a": [1], "d": null}), "/a/1: stored {\"b/c\":2}, read nothing"),
            (json!({"a": [1, {"b/c": 2}]}), "/d: stored null, read nothing"),
            (json!({"a": [1, {"b/c": 2}], "d": null, "e": 1}), "/e: stored nothing, read 1"),
            (json!(7), ": stored {\"a\":[1,{\"b/c\":2}],\"d\":null}, read 7"),
        ] {
            assert_eq!(difference(&stored, &now).as_deref(), Some(expected));
        }
        assert_eq!(difference(&stored, &stored.clone()), None);
    }
}
