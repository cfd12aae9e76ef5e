//! Genuine data directories of older software, where they are at hand: they
//! are not part of the source, and fixtures in the tests stand for them
//! elsewhere.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use storeproof::{
    fs::FileTime,
    seam::{Clock, Collection, CollectionSpec},
    sim::disk::{SimDisk, SimFs},
};

use super::file_backend::{clock, open, sim};

/// A data directory, on a simulated disk, with what its manifest says of it.
pub(crate) struct Genuine {
    pub(crate) fs: SimFs,
    pub(crate) manifest: Value,
}

/// Where they are; none, which is said: they are not at hand, and nothing was tried.
pub(crate) fn data_directories() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !data.is_dir() {
        println!("SKIPPED: there are no genuine data in {}", data.display());
        return None;
    }
    Some(data)
}

impl Genuine {
    /// The data directory of that name; none where there are none.
    #[expect(clippy::disallowed_methods, reason = "the test copies real files")]
    pub(crate) fn read(name: &str) -> Option<Self> {
        let data = data_directories()?;
        let manifest = data.join(format!("{name}.manifest.json"));
        let manifest = std::fs::read(&manifest)
            .unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
        let mut disk = SimDisk::new();
        let mut ahead = vec![data.join(name)];
        while let Some(directory) = ahead.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    ahead.push(path);
                    continue;
                }
                let below = path.strip_prefix(data.join(name)).unwrap().to_str().unwrap();
                let modified = FileTime { seconds: 1_700_000_000, nanoseconds: 0 };
                disk.write_raw(below, std::fs::read(&path).unwrap(), modified).unwrap();
            }
        }
        Some(Self { fs: sim(disk), manifest: serde_json::from_slice(&manifest).unwrap() })
    }

    pub(crate) fn open(&self, spec: CollectionSpec) -> Arc<dyn Collection> {
        open(&self.fs, spec)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        clock()
    }
}

/// JSON text as a value: in any order of members, numbers as numbers.
pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
