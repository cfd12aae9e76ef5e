//! The files that the command line itself reads and writes.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::usage::Failure;

/// A directory for storages on the real file system; gone with the process.
pub(super) fn scratch_directory() -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("storeproof-")
        .tempdir()
        .map_err(|error| Failure::new(format!("can't make a temporary directory: {error}")))
}

/// The bytes of a file.
#[expect(clippy::disallowed_methods, reason = "the command line reads its own arguments")]
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| failed(path, "can't be read", &error))
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read_bytes(path)?)
        .map_err(|_| Failure::new(format!("{}: not a text in UTF-8", path.display())))
}

/// Names of files with what is in them.
pub(super) type Texts = Vec<(String, Vec<u8>)>;

/// The files below a directory whose names end in `suffix`, which may be text or
/// not: their paths below it, separated by `/`, without the suffix. In the order
/// of the paths.
#[expect(clippy::disallowed_methods, reason = "the command line reads its own arguments")]
pub(super) fn read_all(root: &Path, suffix: &str) -> Result<Texts, Failure> {
    let mut found = Vec::new();
    let mut directories = vec![(root.to_owned(), String::new())];
    while let Some((directory, prefix)) = directories.pop() {
        let unreadable = |error| failed(&directory, "can't be read", &error);
        for entry in std::fs::read_dir(&directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if entry.file_type().map_err(unreadable)?.is_dir() {
                directories.push((entry.path(), format!("{prefix}{name}/")));
            } else if let Some(stem) = name.strip_suffix(suffix) {
                let path = entry.path();
                let bytes = std::fs::read(&path);
                let bytes = bytes.map_err(|error| failed(&path, "can't be read", &error))?;
                found.push((format!("{prefix}{stem}"), bytes));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a file.
#[expect(clippy::disallowed_methods, reason = "the command line writes its own results")]
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| failed(path, "can't be written", &error))
}

/// Makes the directory of a file where it is missing.
#[expect(clippy::disallowed_methods, reason = "the command line writes its own results")]
pub(super) fn make_room_for(path: &Path) -> Result<(), Failure> {
    let Some(parent) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(parent).map_err(|error| failed(parent, "can't be made", &error))
}

/// Whether these are names of one file, which need not be there yet.
pub(super) fn are_same(one: &Path, other: &Path) -> bool {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// The path without links and relative parts, as far as there is such a thing now.
fn whole(path: &Path) -> Option<PathBuf> {
    if let Ok(whole) = std::fs::canonicalize(path) {
        return Some(whole);
    }
    let path = std::path::absolute(path).ok()?;
    let parent = std::fs::canonicalize(path.parent()?);
    Some(
        parent.map_or_else(
            |_| path.clone(),
            |parent| parent.join(path.file_name().unwrap_or_default()),
        ),
    )
}

/// The directory that results go to.
pub(super) struct OutputDirectory(PathBuf);

impl OutputDirectory {
    /// Makes the directory where it is missing, and finds out before any work
    /// is done whether it can be written to.
    #[expect(clippy::disallowed_methods, reason = "the command line writes its own results")]
    pub(super) fn prepare(path: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(path).map_err(|error| failed(path, "can't be made", &error))?;
        tempfile::Builder::new()
            .prefix(".storeproof-")
            .tempfile_in(path)
            .map_err(|error| failed(path, "can't be written to", &error))?;
        let output = Self(path.to_owned());
        let replays = output.path("counterexamples");
        if replays.exists() && !replays.is_dir() {
            let what = "it is a file, where replay files are to go: move it away";
            return Err(Failure::new(format!("{}: {what}", replays.display())));
        }
        Ok(output)
    }

    /// The path of a file in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.path(name);
        make_room_for(&path)?;
        write(&path, text)
    }

    /// Writes a file in it so that whoever looks sees all of the old one or all of the
    /// new one, whenever this process is killed.
    #[expect(clippy::disallowed_methods, reason = "the command line writes its own results")]
    pub(super) fn replace(&self, name: &str, text: &str) -> Result<(), Failure> {
        let temporary = format!("{name}.tmp");
        self.write(&temporary, text)?;
        let path = self.path(name);
        std::fs::rename(self.path(&temporary), &path)
            .map_err(|error| failed(&path, "can't be written", &error))
    }

    /// Removes a file in it, if it is there.
    #[expect(clippy::disallowed_methods, reason = "the command line writes its own results")]
    pub(super) fn remove(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failed(&path, "can't be removed", &error))
            }
            _ => Ok(()),
        }
    }

    /// The text of a file in it; none: there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        let path = self.path(name);
        match path.try_exists() {
            Ok(false) => Ok(None),
            Ok(true) => read(&path).map(Some),
            Err(error) => Err(failed(&path, "can't be read", &error)),
        }
    }

    /// The files in a folder of it whose names end in `suffix`, as [`read_all`] gives
    /// them; none where there is no such folder.
    pub(super) fn read_all(&self, folder: &str, suffix: &str) -> Result<Texts, Failure> {
        let path = self.path(folder);
        match path.try_exists() {
            Ok(false) => Ok(Vec::new()),
            Ok(true) => read_all(&path, suffix),
            Err(error) => Err(failed(&path, "can't be read", &error)),
        }
    }

    /// Keeps other processes out until what is returned is dropped; none: another one
    /// is there.
    pub(super) fn lock(&self, name: &str) -> Result<Option<File>, Failure> {
        let path = self.path(name);
        let unlocked = |error: &std::io::Error| failed(&path, "can't be locked", error);
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).create(true).open(&path);
        let file = file.map_err(|error| unlocked(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(unlocked(&error)),
        }
    }
}

fn failed(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::new(format!("{} {what}: {error}", path.display()))
}
