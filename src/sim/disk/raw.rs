//! Setting a disk up and looking at it, past the simulation.

use std::{io, sync::Arc};

use rustix::io::Errno;

use super::{
    SimDisk,
    trace::{Event, NodeId},
};
use crate::fs::{EntryKind, FileTime, check_name};

/// Something on a disk, as [`SimDisk::entries`] shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// Its names from the root on, joined by `/`.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// The bytes of a file; nothing otherwise.
    pub bytes: Arc<[u8]>,
    /// When it was last changed.
    pub modified: FileTime,
}

/// Paths are names joined by `/`, from the root on, without one in front.
/// What is made here is durable at once, is no scheduling point, and does not
/// move the clock. It belongs to the time before clients run: a disk that has a
/// trace notes it there.
impl SimDisk {
    /// Makes the directory `path` and those above it, as far as they are
    /// missing.
    ///
    /// # Errors
    /// `NotADirectory` when something else has one of the names, and what
    /// is wrong with a name.
    pub fn create_dir_all(&mut self, path: &str) -> io::Result<()> {
        self.make_dirs(path).map(drop)
    }

    /// Writes a file and the directories above it, as if it had always been
    /// there. A file that has the name is replaced by a new one.
    ///
    /// # Errors
    /// `IsADirectory` when a directory has the name; otherwise those of
    /// [`create_dir_all`](Self::create_dir_all).
    pub fn write_raw(
        &mut self,
        path: &str,
        bytes: impl Into<Arc<[u8]>>,
        modified: FileTime,
    ) -> io::Result<()> {
        let (dir, name) = self.make_room(path)?;
        let file = self.place(dir, name, EntryKind::File);
        let bytes = bytes.into();
        if !bytes.is_empty() {
            self.record_raw(Event::Write { file, offset: 0, bytes });
        }
        self.record_raw(Event::SetModified { node: file, modified });
        self.record_raw(Event::SyncFile { file });
        self.record_raw(Event::SyncDirectory { dir });
        Ok(())
    }

    /// Puts something there that is neither file nor directory, such as a
    /// symbolic link: listed as [`EntryKind::Other`], it can be renamed and
    /// removed, and opening it fails as for a link that is not followed.
    ///
    /// # Errors
    /// As [`write_raw`](Self::write_raw).
    pub fn place_other(&mut self, path: &str) -> io::Result<()> {
        let (dir, name) = self.make_room(path)?;
        self.place(dir, name, EntryKind::Other);
        self.record_raw(Event::SyncDirectory { dir });
        Ok(())
    }

    /// Removes a file, if there is one.
    ///
    /// # Errors
    /// As [`write_raw`](Self::write_raw).
    pub fn remove_raw(&mut self, path: &str) -> io::Result<()> {
        let (dir, _) = self.make_room(path)?;
        self.record_raw(Event::SyncDirectory { dir });
        Ok(())
    }

    /// The bytes of the file `path`; none when there is no such file.
    #[must_use]
    pub fn read_raw(&self, path: &str) -> Option<Arc<[u8]>> {
        let mut node = NodeId::ROOT;
        for name in path.split('/') {
            node = *self.tree.entries(node)?.get(name)?;
        }
        Some(self.tree.content(node)?.shared())
    }

    /// The path of something whose name is like that.
    #[must_use]
    pub fn find_name(&self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.tree.find_name(NodeId::ROOT, &is_wanted)
    }

    /// All files with their bytes, ordered by path.
    #[must_use]
    pub fn files(&self) -> Vec<(String, Arc<[u8]>)> {
        let entries = self.entries().into_iter();
        let files = entries.filter(|entry| entry.kind == EntryKind::File);
        files.map(|entry| (entry.path, entry.bytes)).collect()
    }

    /// The paths of all files that are not below `directory`.
    #[must_use]
    pub fn files_outside(&self, directory: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut waiting = vec![(String::new(), NodeId::ROOT)];
        while let Some((above, dir)) = waiting.pop() {
            for (name, id) in self.tree.entries(dir).into_iter().flatten() {
                let path =
                    if above.is_empty() { name.to_string() } else { format!("{above}/{name}") };
                match self.tree.is_directory(*id) {
                    true if path != directory => waiting.push((path, *id)),
                    true => {}
                    false => found.push(path),
                }
            }
        }
        found
    }

    /// A number that two disks have alike if they hold the same names, bytes
    /// and times of files.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.tree.digest(&|_, _| true)
    }

    /// The same, where of those files that do not count only the names do:
    /// `counts` is asked by name and bytes.
    #[must_use]
    pub fn digest_of(&self, counts: impl Fn(&str, &[u8]) -> bool) -> u64 {
        self.tree.digest(&counts)
    }

    /// Everything below the root, ordered by path.
    #[must_use]
    pub fn entries(&self) -> Vec<RawEntry> {
        let mut found = Vec::new();
        let mut waiting = vec![(String::new(), NodeId::ROOT)];
        while let Some((prefix, dir)) = waiting.pop() {
            for (name, id) in self.tree.entries(dir).into_iter().flatten() {
                let Some(node) = self.tree.node(*id) else {
                    continue;
                };
                let path = format!("{prefix}{name}");
                if self.tree.is_directory(*id) {
                    waiting.push((format!("{path}/"), *id));
                }
                let content = self.tree.content(*id);
                found.push(RawEntry {
                    path,
                    kind: node.kind(),
                    bytes: content.map(super::tree::Content::shared).unwrap_or_default(),
                    modified: node.modified,
                });
            }
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        found
    }

    /// The directory `path`, made if need be.
    fn make_dirs(&mut self, path: &str) -> io::Result<NodeId> {
        let mut dir = NodeId::ROOT;
        for name in path.split('/') {
            check_name(name)?;
            let entries = self.tree.entries(dir).ok_or(Errno::NOTDIR)?;
            dir = match entries.get(name) {
                Some(id) => *id,
                None => {
                    let made = self.place(dir, name, EntryKind::Directory);
                    self.record_raw(Event::SyncDirectory { dir });
                    made
                }
            };
        }
        if self.tree.is_directory(dir) { Ok(dir) } else { Err(Errno::NOTDIR.into()) }
    }

    /// Makes the directories above `path`, and sees that nothing has its name.
    fn make_room<'path>(&mut self, path: &'path str) -> io::Result<(NodeId, &'path str)> {
        let (dir, name) = match path.rsplit_once('/') {
            Some((above, name)) => (self.make_dirs(above)?, name),
            None => (NodeId::ROOT, path),
        };
        check_name(name)?;
        let entry = self.tree.entries(dir).and_then(|entries| entries.get_key_value(name));
        if let Some((shared, id)) = entry {
            let (shared, id) = (Arc::clone(shared), *id);
            if self.tree.is_directory(id) {
                return Err(Errno::ISDIR.into());
            }
            self.record_raw(Event::Remove { dir, name: shared });
            self.release(id);
        }
        Ok((dir, name))
    }

    fn place(&mut self, dir: NodeId, name: &str, kind: EntryKind) -> NodeId {
        let node = self.tree.next_id();
        self.record_raw(Event::Create { dir, name: Arc::from(name), node, kind });
        node
    }

    fn record_raw(&mut self, event: Event) {
        self.record_at(event, self.clock.now);
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use crate::{
        fs::{EntryKind, FileTime},
        sim::disk::{ImageKind, SimDisk, SimFs},
        sim::executor::Sim,
    };

    const TIME: FileTime = FileTime { seconds: -62_135_596_800, nanoseconds: 5 };

    fn paths(disk: &SimDisk) -> Vec<(String, EntryKind)> {
        disk.entries().into_iter().map(|entry| (entry.path, entry.kind)).collect()
    }

    #[test]
    fn what_is_written_is_there_with_its_directories_and_time() {
        let mut disk = SimDisk::new();
        disk.write_raw("a/b/c.json", *b"{}", TIME).expect("written");
        disk.write_raw("a.json", *b"", TIME).expect("written");
        disk.place_other("a/link").expect("placed");
        disk.create_dir_all("a/b/d").expect("made");
        let expected = [
            ("a", EntryKind::Directory),
            ("a.json", EntryKind::File),
            ("a/b", EntryKind::Directory),
            ("a/b/c.json", EntryKind::File),
            ("a/b/d", EntryKind::Directory),
            ("a/link", EntryKind::Other),
        ];
        assert_eq!(paths(&disk), expected.map(|(path, kind)| (path.to_owned(), kind)));
        assert_eq!(disk.read_raw("a/b/c.json").as_deref(), Some(&b"{}"[..]));
        assert_eq!(disk.read_raw("a/b"), None);
        assert_eq!(disk.entries()[3].modified, TIME);
        assert_eq!(disk.files_outside("a/b"), ["a.json", "a/link"]);
        assert_eq!(disk.trace_len(), 0, "setting up is not traced");
    }

    #[test]
    fn a_file_is_replaced_and_a_directory_is_not() {
        let mut disk = SimDisk::new();
        disk.write_raw("a/b", *b"1", TIME).expect("written");
        disk.write_raw("a/b", *b"2", TIME).expect("replaced");
        assert_eq!(disk.files(), [("a/b".to_owned(), (*b"2").into())]);
        let kind = |result: std::io::Result<()>| result.map_err(|error| error.kind());
        assert_eq!(kind(disk.write_raw("a", *b"", TIME)), Err(ErrorKind::IsADirectory));
        assert_eq!(kind(disk.write_raw("a/b/c", *b"", TIME)), Err(ErrorKind::NotADirectory));
        assert_eq!(kind(disk.create_dir_all("a/b")), Err(ErrorKind::NotADirectory));
        assert_eq!(kind(disk.create_dir_all("../a")), Err(ErrorKind::InvalidInput));
        disk.remove_raw("a/b").expect("removed");
        assert_eq!(disk.files(), []);
    }

    #[test]
    fn what_is_written_after_the_trace_began_is_durable_too() {
        let mut disk = SimFs::new(SimDisk::new(), Sim::default()).disk();
        disk.write_raw("a/b", *b"1", TIME).expect("written");
        let image = disk.image(disk.trace_len(), ImageKind::NothingUnsynced);
        assert_eq!(image.entries(), disk.entries());
        assert_eq!(disk.image(0, ImageKind::Everything).entries(), []);
    }
}
