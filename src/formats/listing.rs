//! What `storeproof formats` says, as data: `--format json`, which other
//! releases' tools read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Format, Sample, Writer, all,
    judge::{Judged, Reading, Unreviewed},
    snapshot::path_of,
    value::{Unknown, as_read},
};

/// The version of this document.
pub const SCHEMA: u64 = 1;

/// The formats, and what became of their snapshots if that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// [`SCHEMA`].
    pub schema: u64,
    /// The version of storeproof.
    pub version: String,
    /// Every format that this release knows.
    pub formats: Vec<ListedFormat>,
    /// The snapshots that were judged; none: that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}

/// A format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFormat {
    /// Its name.
    pub name: String,
    /// The version that is written; 0: this release only reads it.
    pub version: u64,
    /// What it is.
    pub about: String,
    /// Where its snapshots lie; see [`path_of`].
    pub snapshots: Vec<String>,
}

/// What became of snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Whether nothing is wrong.
    pub holds: bool,
    /// Each of them.
    pub snapshots: Vec<Judged>,
    /// What is written today and was not reviewed. Empty where the snapshots
    /// are those of another release.
    pub unreviewed: Vec<Unreviewed>,
}

impl Listing {
    /// The formats of this release with the snapshots at these paths.
    #[must_use]
    pub fn of(paths: &[&str]) -> Self {
        let listed = |format: &Format| {
            let folder = format!("{}/", format.name);
            let own = paths.iter().filter(|path| path.starts_with(&folder));
            ListedFormat {
                name: format.name.to_owned(),
                version: format.version,
                about: format.about.to_owned(),
                snapshots: own.map(|path| (*path).to_owned()).collect(),
            }
        };
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            formats: all().map(listed).collect(),
            checked: None,
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// As `serde_json` reports them.
    pub fn to_text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

pub(super) const FORMATS: &[Format] = &[Format {
    name: "formats-list",
    version: SCHEMA,
    about: "what `formats --format json` prints",
    writer: Writer::ThisRelease,
    samples,
    decode,
}];

fn samples() -> Vec<Sample> {
    let path = path_of("cursor", 1, "damaged");
    let listed = Listing {
        schema: SCHEMA,
        version: "0.1.0".to_owned(),
        formats: vec![ListedFormat {
            name: "cursor".to_owned(),
            version: 1,
            about: "where a listing goes on".to_owned(),
            snapshots: vec![path.clone()],
        }],
        checked: None,
    };
    let judged = |reading, detail: Option<&str>| Judged {
        path: path.clone(),
        reading,
        detail: detail.map(str::to_owned),
    };
    let checked = Listing {
        checked: Some(Checked {
            holds: false,
            snapshots: vec![
                judged(Reading::Same, None),
                judged(Reading::Different, Some("/damaged: stored \"a\", read \"b\"")),
                judged(Reading::Unreadable, Some("it is not one of our cursors")),
                judged(Reading::UnknownFormat, None),
            ],
            unreviewed: vec![Unreviewed {
                path: path.clone(),
                problem: "what is written today has no snapshot".to_owned(),
            }],
        }),
        ..listed.clone()
    };
    let sample = |name, listing: &Listing| {
        Sample::new(name, listing.to_text(), serde_json::to_value(listing).unwrap_or_default())
    };
    vec![sample("listed", &listed), sample("checked", &checked)]
}

fn decode(bytes: &[u8]) -> Result<Value, String> {
    let problem = |error: serde_json::Error| error.to_string();
    let document: Value = serde_json::from_slice(bytes).map_err(problem)?;
    let listing: Listing = serde_json::from_slice(bytes).map_err(problem)?;
    if listing.schema != SCHEMA {
        return Err(format!("it has schema version {}", listing.schema));
    }
    let read = serde_json::to_value(&listing).map_err(problem)?;
    Ok(as_read(&document, &read, Unknown::PassedOver))
}
