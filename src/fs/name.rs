//! Which names can be one step below a directory.

use std::io;

use rustix::io::Errno;

/// The longest name, in bytes: the limit of ext4, XFS and btrfs.
const MAX_BYTES: usize = 255;

/// Refuses what is not the name of one entry: a path would lead outside the
/// directory that it is looked up in.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for the empty name, `.`, `..`, and names with
/// `/` or NUL; [`io::ErrorKind::InvalidFilename`] above 255 bytes.
pub(crate) fn check_name(name: &str) -> io::Result<()> {
    if name.len() > MAX_BYTES {
        return Err(Errno::NAMETOOLONG.into());
    }
    if matches!(name, "" | "." | "..") || name.bytes().any(|byte| matches!(byte, b'/' | 0)) {
        return Err(Errno::INVAL.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::check_name;

    #[test]
    fn paths_are_no_names() {
        for name in ["", ".", "..", "/", "a/b", "/a", "a/", "../a", "a\0b"] {
            let refused = check_name(name).expect_err(name);
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{name:?}");
        }
    }

    #[test]
    fn a_name_of_255_bytes_is_the_longest() {
        check_name(&"x".repeat(255)).expect("255 bytes fit");
        let refused = check_name(&"x".repeat(256)).expect_err("256 bytes do not");
        assert_eq!(refused.kind(), ErrorKind::InvalidFilename);
    }

    #[test]
    fn anything_else_is_a_name() {
        for name in ["a", ".a", "...", " ", "a\\b", "\u{2028}", "%2e"] {
            check_name(name).expect(name);
        }
    }
}
