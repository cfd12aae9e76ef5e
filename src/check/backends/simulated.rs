//! The file backend on the simulated disk, under proof.

use std::sync::Arc;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{
    BackendUnderTest, Capabilities, Crashes, OlderSoftware, Storage, World, older::FlatFiles,
};
use crate::{
    backend::file::{FileBackend, FileOptions},
    fs::{FileTime, Fs},
    model::subject::Reach,
    seam::{Backend, Entropy, Error, Instant, Outcome, Result, Site},
    sim::{
        clock::SimClock,
        disk::{ImageBuilder, ImageKind, SimDisk, SimFs},
        entropy::SimEntropy,
        executor::Sim,
        schedule::Bounds,
    },
};

/// The file backend over a simulated file system, or over what `wrap` makes of
/// one: a file system that forgets a lock or a sync, say.
#[derive(Clone, Copy, Debug)]
pub struct Simulated<F> {
    name: &'static str,
    older_software: bool,
    wrap: fn(SimFs) -> F,
}

impl Simulated<SimFs> {
    /// The file backend on storage that is empty at first.
    #[must_use]
    pub fn file() -> Self {
        Self { name: "file", older_software: false, wrap: |fs| fs }
    }

    /// The file backend on storage that begins with flat files of older
    /// software.
    #[must_use]
    pub fn legacy() -> Self {
        Self { name: "legacy", older_software: true, wrap: |fs| fs }
    }
}

impl<F> Simulated<F> {
    /// The file backend over what `wrap` makes of the simulated file system.
    #[must_use]
    pub fn wrapped(name: &'static str, wrap: fn(SimFs) -> F) -> Self {
        Self { name, older_software: false, wrap }
    }

    /// The same on storage that begins with flat files of older software, which
    /// may go on writing.
    #[must_use]
    pub fn with_older_software(self) -> Self {
        Self { older_software: true, ..self }
    }
}

impl<F: Fs> BackendUnderTest for Simulated<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            has_points: true,
            threads: false,
            crashes: true,
            faults: true,
            processes: false,
            older_software: self.older_software,
            steady_clock: false,
            // A few calls have more interleavings than can be run, but few of
            // them with two preemptions.
            every_interleaving: Some(Bounds { preemptions: Some(2), runs: 2_000 }),
            reach: Reach { legacy: self.older_software, damage: self.older_software },
        }
    }

    fn storage(&self, world: &World<'_>) -> Result<Box<dyn Storage>> {
        let directory = world.spec.directories().collect::<Vec<_>>().join("/");
        let mut disk = SimDisk::new();
        let legacy = world.legacy.iter();
        let legacy = legacy.map(|file| (format!("{}.json", file.id), &file.text, file.modified));
        let foreign = world.foreign.iter();
        let foreign = foreign.map(|file| (file.path.clone(), &file.text, Instant::UNIX_EPOCH));
        for (path, text, modified) in legacy.chain(foreign) {
            let modified =
                FileTime { seconds: modified.seconds(), nanoseconds: modified.nanoseconds() };
            let path = absolute(&directory, &path);
            disk.write_raw(&path, text.as_bytes(), modified).map_err(|source| {
                let site = Site::new("write_legacy", &world.spec.name, None);
                Error::Io { site, doing: path.clone(), outcome: Outcome::NotDone, source }
            })?;
        }
        let settings = Settings {
            sim: world.sim.clone(),
            clock: Arc::new(world.clock.clone()),
            entropy: Arc::new(SimEntropy::new(world.seed)),
            page_size: world.page_size,
            wrap: self.wrap,
            directory: directory.into(),
            older_software: self.older_software,
        };
        Ok(Box::new(DiskStorage { fs: SimFs::new(disk, world.sim.clone()), settings }))
    }
}

/// A path from the root on; `path` leads from `directory` on.
fn absolute(directory: &str, path: &str) -> String {
    let (mut above, mut rest) = (directory, path);
    while let Some(outer) = rest.strip_prefix("../") {
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
        rest = outer;
    }
    if above.is_empty() { rest.to_owned() } else { format!("{above}/{rest}") }
}

/// The inverse of [`absolute`].
fn relative(directory: &str, path: &str) -> String {
    let levels = directory.split('/').zip(path.split('/'));
    let common = levels.take_while(|(one, other)| one == other).count();
    let up = directory.split('/').count() - common;
    let rest: Vec<&str> = path.split('/').skip(common).collect();
    "../".repeat(up) + &rest.join("/")
}

/// What every handle on a storage has in common.
struct Settings<F> {
    sim: Sim,
    clock: Arc<SimClock>,
    entropy: Arc<dyn Entropy>,
    page_size: Option<u32>,
    wrap: fn(SimFs) -> F,
    /// Where the collection lies.
    directory: Arc<str>,
    older_software: bool,
}

impl<F> Clone for Settings<F> {
    fn clone(&self) -> Self {
        Self {
            sim: self.sim.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            directory: Arc::clone(&self.directory),
            ..*self
        }
    }
}

struct DiskStorage<F> {
    fs: SimFs,
    settings: Settings<F>,
}

impl<F: Fs> Storage for DiskStorage<F> {
    fn handle(&self) -> Result<Arc<dyn Backend>> {
        let fs = (self.settings.wrap)(self.fs.clone());
        let clock = Arc::clone(&self.settings.clock);
        let mut backend = FileBackend::new(fs, clock, Arc::clone(&self.settings.entropy));
        if let Some(size) = self.settings.page_size {
            backend =
                backend.with_options(FileOptions { page_size: size, ..FileOptions::default() });
        }
        Ok(Arc::new(backend))
    }

    fn io_steps(&self) -> usize {
        self.fs.with_disk(SimDisk::trace_len)
    }

    fn older_software(&self) -> Option<Arc<dyn OlderSoftware>> {
        let directory = self.settings.directory.split('/');
        let older = || FlatFiles::new(self.fs.without_faults(), directory);
        self.settings.older_software.then(|| Arc::new(older()) as Arc<dyn OlderSoftware>)
    }

    fn file(&self, path: &str) -> Option<Arc<[u8]>> {
        let path = absolute(&self.settings.directory, path);
        self.fs.with_disk(|disk| disk.read_raw(&path))
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        self.fs.with_disk(|disk| disk.files().iter().any(|(_, held)| **held == *bytes))
    }

    fn outside(&self) -> Vec<String> {
        let directory = &self.settings.directory;
        let files = self.fs.with_disk(|disk| disk.files_outside(directory));
        files.into_iter().map(|path| relative(directory, &path)).collect()
    }

    fn changes(&self) -> usize {
        self.fs.with_disk(|disk| disk.trace().iter().filter(|step| step.event.is_change()).count())
    }

    fn digest(&self) -> Option<u64> {
        Some(self.fs.with_disk(|disk| disk.digest_of(|name, bytes| !is_quiet_lock(name, bytes))))
    }

    fn leftover(&self) -> Option<String> {
        self.fs.with_disk(|disk| disk.find_name(is_leftover))
    }

    fn crashes(&self, explore: &mut dyn FnMut(&mut dyn Crashes)) {
        let disk = self.fs.disk();
        explore(&mut DiskCrashes { images: disk.images(), made: None, settings: &self.settings });
    }
}

/// What is ours beside the records, but for the lock file and the quarantine.
fn is_leftover(name: &str) -> bool {
    name.starts_with(".storeproof.")
        && !matches!(name, ".storeproof.lock" | ".storeproof.quarantine")
}

/// Whether it is the lock file, and says that no change is under way: how many
/// there were before makes no difference.
fn is_quiet_lock(name: &str, bytes: &[u8]) -> bool {
    let is_even = bytes.first().is_none_or(|byte| byte % 2 == 0);
    name == ".storeproof.lock" && is_even && bytes.get(8).is_none_or(|several| *several == 0)
}

/// The crashes of a simulated disk.
struct DiskCrashes<'a, F> {
    images: ImageBuilder<'a>,
    made: Option<SimDisk>,
    settings: &'a Settings<F>,
}

impl<F: Fs> Crashes for DiskCrashes<'_, F> {
    fn position(&self) -> usize {
        self.images.position()
    }

    fn advance(&mut self) -> bool {
        self.images.advance()
    }

    fn next_matters(&self) -> bool {
        self.images.next_matters()
    }

    fn kinds(&self, most: usize, seed: u64) -> Vec<ImageKind> {
        self.images.kinds(most, &mut Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn image(&mut self, kind: &ImageKind) -> u64 {
        let disk = self.images.image(kind);
        let digest = disk.digest();
        self.made = Some(disk);
        digest
    }

    fn storage(&mut self) -> Option<Box<dyn Storage>> {
        let fs = SimFs::new(self.made.take()?, self.settings.sim.clone());
        Some(Box::new(DiskStorage { fs, settings: self.settings.clone() }))
    }

    fn describe(&self, kind: &ImageKind) -> String {
        self.images.describe(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::{absolute, relative};

    #[test]
    fn a_path_leads_in_and_out() {
        for (directory, path, whole) in [
            ("users", "a.json", "users/a.json"),
            ("users", "../a.json", "a.json"),
            ("agent/sessions", "../x/a.json", "agent/x/a.json"),
            ("agent/sessions", "../../a.json", "a.json"),
        ] {
            assert_eq!(absolute(directory, path), whole);
            assert_eq!(relative(directory, whole), path);
        }
    }
}
