//! What `inspect`, `export` and `migrate` have in common: opening a data
//! directory, and progress while it is read.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use zeroize::Zeroizing;

use super::{files, usage::Failure};
use crate::{
    directory::content::StoreWatch,
    fs::{OsFs, block_on},
    report::terminal::grouped,
    store::{encryption::EncryptionKey, key_file},
};

/// The environment's name for the key of secret values.
const KEY_VARIABLE: &str = "STOREPROOF_ENCRYPTION_KEY";

/// Where the key of secret values comes from.
#[derive(Debug, clap::Args)]
pub(super) struct KeySource {
    /// The file whose exact content is the key of secret values. Otherwise it is
    /// `STOREPROOF_ENCRYPTION_KEY`, or else the directory's own
    /// `auth/encryption_key`, where there is one.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeySource {
    /// The key; none: secret values stay closed.
    #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
    pub(super) fn key(
        &self,
        directory: &Path,
        fs: &OsFs,
    ) -> Result<Option<EncryptionKey>, Failure> {
        if let Some(path) = &self.key_file {
            let text = Zeroizing::new(files::read_bytes(path)?);
            let key = EncryptionKey::new(&text);
            return match key {
                Some(key) => Ok(Some(key)),
                None => Err(failed(path, &"the key file is empty")),
            };
        }
        if let Some(text) = std::env::var_os(KEY_VARIABLE) {
            let text = Zeroizing::new(text.into_encoded_bytes());
            if let Some(key) = EncryptionKey::new(&text) {
                return Ok(Some(key));
            }
        }
        block_on(key_file::read(fs)).map_err(|error| failed(directory, &error))
    }
}

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The file system below the data directory.
pub(super) fn open(path: &Path) -> Result<OsFs, Failure> {
    OsFs::open(path).map_err(|error| failed(path, &format!("can't be opened: {error}")))
}

/// A failure that is about the data directory.
pub(super) fn failed(path: &Path, problem: &impl Display) -> Failure {
    Failure::new(format!("{}: {problem}", path.display()))
}

/// Shows on standard error how far the work has come: a spinner on a terminal,
/// otherwise a line now and then.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
    stop: Arc<AtomicBool>,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "progress is about real time")]
    pub(super) fn new(stop: &Arc<AtomicBool>) -> Arc<Self> {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Arc::new(Self { bar, last_line: Mutex::new(Instant::now()), stop: Arc::clone(stop) })
    }

    /// To be told of each file; says whether to go on.
    pub(super) fn watch(self: &Arc<Self>) -> StoreWatch {
        let progress = Arc::clone(self);
        Arc::new(move |store, count| {
            progress.show(store, count);
            !progress.stop.load(Ordering::Relaxed)
        })
    }

    fn show(&self, store: &str, count: u64) {
        let done = || format!("{store}: {} files", grouped(count));
        if let Some(bar) = &self.bar {
            bar.tick();
            bar.set_message(done());
            return;
        }
        let mut last_line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last_line.elapsed() >= LINE_EVERY {
            *last_line += LINE_EVERY;
            // Progress is a courtesy: nobody may be listening.
            let _ = writeln!(std::io::stderr(), "{}", done());
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
