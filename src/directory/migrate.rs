//! Bringing a data directory to the present format, record by record.
//!
//! Every sound record becomes a versioned envelope at its own path. Each is
//! rewritten wholly or not at all, under its collection's lock: what is killed
//! half-way is taken up again by the next run, and other processes may go on
//! using the directory. What is damaged or foreign stays where it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    backend::file::{
        FileBackend,
        rewrite::{Rewriter, Rewritten},
    },
    fs::Fs,
    seam::{Clock, Entropy, Record},
};

use super::{
    DirectoryError,
    content::{self, RecordFile, StoreContent, StoreWatch},
    inspect::format_name,
    problem::{Notice, NoticeKind, Problem},
};

/// The schema of a migration's JSON.
pub const SCHEMA: u64 = 1;

/// What `migrate` did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// [`SCHEMA`].
    pub schema: u64,
    /// Whether it only says what it would do.
    pub dry_run: bool,
    /// Whether it was interrupted before it was through. Running it again goes
    /// on where it ended.
    pub interrupted: bool,
    /// How many records were in the present format already.
    pub current: u64,
    /// The records that were brought to it, or are to be, by path.
    pub migrated: Vec<Migrated>,
    /// The sound records that stay as they are because something is in the way,
    /// by path.
    pub kept: Vec<Kept>,
    /// What is wrong with other files, by path. They stay as they are.
    pub problems: Vec<Problem>,
    /// What is none of ours or left over, by path. It stays as it is, but for
    /// temporary files of our own that nobody uses.
    pub information: Vec<Notice>,
}

/// A record that was brought to the present format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrated {
    /// Where its older file lay, below the data directory.
    pub path: String,
    /// Which store's it is.
    pub store: String,
    /// Which record it is.
    pub id: String,
    /// How it was written before: `older_envelope` or `flat`.
    pub from: String,
}

/// A record that stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its file, below the data directory.
    pub path: String,
    /// What is in the way.
    pub message: String,
}

impl Migration {
    /// Whether everything is in the present format now, or would be.
    #[must_use]
    pub fn holds(&self) -> bool {
        let is_damage = |problem: &Problem| problem.kind.is_damage();
        self.kept.is_empty() && !self.problems.iter().any(is_damage)
    }

    /// The JSON text, with a final newline.
    ///
    /// # Errors
    /// As `serde_json` reports them.
    pub fn to_text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// What a migration works with.
pub struct Migrator<F: Fs> {
    /// Its root is the data directory.
    pub fs: F,
    /// Decides what has expired.
    pub clock: Arc<dyn Clock>,
    /// Names temporary files.
    pub entropy: Arc<dyn Entropy>,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// Is told how far it has come; ends it in good order.
    pub watch: StoreWatch,
}

impl<F: Fs> Migrator<F> {
    /// Migrates the data directory. Where everything is in the present format
    /// and nothing was left by a writer that died, nothing is written at all.
    ///
    /// # Errors
    /// As [`content::read`]; those of opening and writing the collections. What
    /// was done until then stays done.
    pub async fn run(&self) -> Result<Migration, DirectoryError> {
        let content = content::read(&self.fs, None, self.clock.now(), &self.watch).await?;
        let mut migration = Migration {
            schema: SCHEMA,
            dry_run: self.dry_run,
            interrupted: false,
            current: 0,
            migrated: Vec::new(),
            kept: Vec::new(),
            problems: content.problems(),
            information: content.notices(),
        };
        migration.information.retain(|notice| notice.kind != NoticeKind::Legacy);
        for store in &content.stores {
            let is_current = |file: &&RecordFile| file.is_sound() && !file.is_legacy();
            let current = store.files.iter().filter(is_current).count();
            migration.current += u64::try_from(current).unwrap_or(u64::MAX);
            if !migration.interrupted {
                self.migrate(store, &mut migration).await?;
            }
        }
        migration.migrated.sort_by(|a, b| a.path.cmp(&b.path));
        migration.kept.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(migration)
    }

    async fn migrate(
        &self,
        store: &StoreContent,
        migration: &mut Migration,
    ) -> Result<(), DirectoryError> {
        let legacy: Vec<&RecordFile> = store.files.iter().filter(|file| file.is_legacy()).collect();
        if self.dry_run {
            migration.migrated.extend(legacy.iter().map(|file| migrated(store, file)));
            return Ok(());
        }
        if store.is_stuck {
            // Nobody may write there before a human has looked.
            let message = "a commit that was interrupted can't be used; see the problems";
            migration.kept.extend(
                legacy
                    .iter()
                    .map(|file| Kept { path: file.path.clone(), message: message.to_owned() }),
            );
            return Ok(());
        }
        if legacy.is_empty() && !store.is_unsettled {
            return Ok(());
        }
        let failed = |source| DirectoryError::Collection { folder: store.layout.folder(), source };
        let rewriter = self.open(store).await.map_err(failed)?;
        for (place, file) in legacy.into_iter().enumerate() {
            if !(self.watch)(store.layout.name, u64::try_from(place).unwrap_or(u64::MAX)) {
                migration.interrupted = true;
                return Ok(());
            }
            let layout = store.layout;
            let is_sound = move |record: &Record| {
                (layout.holds)(&record.id) && (layout.read)(record, None).is_ok()
            };
            match rewriter.rewrite(&file.id, is_sound).await.map_err(failed)? {
                Rewritten::Done | Rewritten::Already => {
                    migration.migrated.push(migrated(store, file));
                }
                // Somebody else changed it meanwhile.
                Rewritten::NothingSound => {}
                Rewritten::InTheWay(message) => {
                    migration.kept.push(Kept { path: file.path.clone(), message });
                }
            }
        }
        Ok(())
    }

    async fn open(&self, store: &StoreContent) -> crate::seam::Result<Rewriter<F>> {
        let (clock, entropy) = (Arc::clone(&self.clock), Arc::clone(&self.entropy));
        FileBackend::new(self.fs.clone(), clock, entropy).rewriter((store.layout.spec)()).await
    }
}

fn migrated(store: &StoreContent, file: &RecordFile) -> Migrated {
    Migrated {
        path: file.path.clone(),
        store: store.layout.name.to_owned(),
        id: file.id.to_string(),
        from: format_name(file.format).to_owned(),
    }
}
