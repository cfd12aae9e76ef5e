//! What `inspect`, `export` and `migrate` say of single files.

use serde::{Deserialize, Serialize};

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// The file, below the data directory.
    pub path: String,
    /// Which kind it is.
    pub kind: ProblemKind,
    /// What is wrong, without any content.
    pub message: String,
}

/// What can be wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// It can't be read as a record, or its payload is not what its store keeps.
    Damaged,
    /// It is a record of another id than the one that its path stands for.
    IdMismatch,
    /// An older record has the same value of a unique key.
    DuplicateKey,
    /// A newer release wrote it.
    NewerVersion,
    /// A secret value in it does not open with the key.
    Undecryptable,
}

impl ProblemKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::IdMismatch => "id_mismatch",
            Self::DuplicateKey => "duplicate_key",
            Self::NewerVersion => "newer_version",
            Self::Undecryptable => "undecryptable",
        }
    }

    /// Whether the record itself can't be used.
    #[must_use]
    pub const fn is_damage(self) -> bool {
        matches!(self, Self::Damaged | Self::IdMismatch | Self::NewerVersion)
    }
}

/// Something that is worth knowing of a file, and no problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// The file or directory, below the data directory; a directory that is not
    /// looked into ends in `/`.
    pub path: String,
    /// Which kind it is.
    pub kind: NoticeKind,
    /// What it is.
    pub message: String,
}

/// What may be worth knowing of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A sound record in the format of older software.
    Legacy,
    /// What a write or a commit that was interrupted has left, or what was set
    /// aside.
    Leftover,
    /// None of ours: left alone.
    Foreign,
}

impl NoticeKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Leftover => "leftover",
            Self::Foreign => "foreign",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NoticeKind, ProblemKind};

    #[test]
    fn tables_and_documents_name_them_alike() {
        let problems = [
            ProblemKind::Damaged,
            ProblemKind::IdMismatch,
            ProblemKind::DuplicateKey,
            ProblemKind::NewerVersion,
            ProblemKind::Undecryptable,
        ];
        for kind in problems {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for kind in [NoticeKind::Legacy, NoticeKind::Leftover, NoticeKind::Foreign] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
