//! The file operations: what Linux checks, in its order, and what then
//! happens.

use std::{io, sync::Arc};

use rustix::io::Errno;

use super::{
    SimDisk,
    trace::{Event, NodeId},
    tree::{Body, Content, Node},
};
use crate::fs::{DirEntry, EntryKind, FileTime, HEAD_BYTES, Metadata, check_name};

impl SimDisk {
    /// The node that has this name.
    fn look_up(&self, dir: NodeId, name: &str) -> io::Result<(NodeId, &Node)> {
        check_name(name)?;
        let entries = self.tree.entries(dir).ok_or(Errno::NOTDIR)?;
        let id = *entries.get(name).ok_or(Errno::NOENT)?;
        Ok((id, self.node(id)?))
    }

    /// The node itself. Only a handle of another disk can name one that is not
    /// there.
    fn node(&self, id: NodeId) -> io::Result<&Node> {
        self.tree.node(id).ok_or_else(|| Errno::BADF.into())
    }

    /// The name as the directory has it, so that it is kept only once.
    fn shared_name(&self, dir: NodeId, name: &str) -> Arc<str> {
        let entry = self.tree.entries(dir).and_then(|entries| entries.get_key_value(name));
        entry.map_or_else(|| Arc::from(name), |(name, _)| Arc::clone(name))
    }

    pub(super) fn open_dir(&self, parent: NodeId, name: &str) -> io::Result<NodeId> {
        match self.look_up(parent, name)? {
            (id, Node { body: Body::Directory { .. }, .. }) => Ok(id),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    pub(super) fn open_file(
        &self,
        dir: NodeId,
        name: &str,
    ) -> io::Result<(NodeId, &Node, &Content)> {
        match self.look_up(dir, name)? {
            (id, node @ Node { body: Body::File(content), .. }) => Ok((id, node, content)),
            (_, Node { body: Body::Directory { .. }, .. }) => Err(Errno::ISDIR.into()),
            (_, Node { body: Body::Other, .. }) => Err(Errno::LOOP.into()),
        }
    }

    /// `AlreadyExists` if anything has the name.
    fn must_be_free(&self, dir: NodeId, name: &str) -> io::Result<()> {
        match self.look_up(dir, name) {
            Ok(_) => Err(Errno::EXIST.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(super) fn create(
        &mut self,
        dir: NodeId,
        name: &str,
        kind: EntryKind,
    ) -> io::Result<NodeId> {
        self.must_be_free(dir, name)?;
        if self.tree.is_removed(dir) {
            return Err(Errno::NOENT.into());
        }
        let node = self.tree.next_id();
        self.record(Event::Create { dir, name: Arc::from(name), node, kind });
        Ok(node)
    }

    /// The entries, in an order that nobody takes for sorted.
    pub(super) fn read_dir(&self, dir: NodeId) -> io::Result<Vec<DirEntry>> {
        let entries = self.tree.entries(dir).ok_or(Errno::NOTDIR)?;
        let listed = entries.iter().rev().map(|(name, id)| {
            Ok(DirEntry { name: name.as_ref().into(), kind: self.node(*id)?.kind() })
        });
        listed.collect()
    }

    pub(super) fn metadata(&self, dir: NodeId, name: &str) -> io::Result<Metadata> {
        Ok(self.look_up(dir, name)?.1.metadata())
    }

    pub(super) fn node_metadata(&self, node: NodeId) -> io::Result<Metadata> {
        Ok(self.node(node)?.metadata())
    }

    pub(super) fn set_modified(&mut self, node: NodeId, modified: FileTime) -> io::Result<()> {
        if modified.nanoseconds >= 1_000_000_000 {
            return Err(Errno::INVAL.into());
        }
        self.node(node)?;
        self.record(Event::SetModified { node, modified });
        Ok(())
    }

    fn content(&self, file: NodeId) -> io::Result<&Content> {
        self.tree.content(file).ok_or_else(|| Errno::BADF.into())
    }

    pub(super) fn append(&mut self, file: NodeId, bytes: &[u8]) -> io::Result<()> {
        let end = self.content(file)?.bytes().len();
        self.write(file, end.try_into().unwrap_or(u64::MAX), bytes);
        Ok(())
    }

    pub(super) fn write_head(&mut self, file: NodeId, bytes: &[u8]) -> io::Result<()> {
        self.content(file)?;
        self.write(file, 0, bytes);
        Ok(())
    }

    fn write(&mut self, file: NodeId, offset: u64, bytes: &[u8]) {
        // Writing nothing is no step, and moves no time of modification.
        if !bytes.is_empty() {
            self.record(Event::Write { file, offset, bytes: Arc::from(bytes) });
        }
    }

    pub(super) fn read_head(&self, file: NodeId) -> io::Result<Vec<u8>> {
        let bytes = self.content(file)?.bytes();
        Ok(bytes.get(..HEAD_BYTES).unwrap_or(bytes).to_vec())
    }

    /// Gives a node another name, which nothing may have unless it `replaces`. Returns
    /// what had that name before, if it is now without any.
    pub(super) fn rename(
        &mut self,
        from_dir: NodeId,
        from: &str,
        to_dir: NodeId,
        to: &str,
        replaces: bool,
    ) -> io::Result<Option<NodeId>> {
        check_name(from)?;
        check_name(to)?;
        let (node, moved) = self.look_up(from_dir, from)?;
        let is_directory = matches!(moved.body, Body::Directory { .. });
        if self.tree.is_removed(to_dir) {
            return Err(Errno::NOENT.into());
        }
        let entries = self.tree.entries(to_dir).ok_or(Errno::NOTDIR)?;
        let replaced = entries.get(to).copied();
        if replaced.is_some() && !replaces {
            return Err(Errno::EXIST.into());
        }
        if is_directory && self.tree.lies_in(to_dir, node) {
            return Err(Errno::INVAL.into());
        }
        if let Some(replaced) = replaced {
            if replaced == node {
                // Nothing happens, says rename(2).
                return Ok(None);
            }
            match self.tree.entries(replaced) {
                // What is moved lies in it.
                Some(_) if self.tree.lies_in(from_dir, replaced) => {
                    return Err(Errno::NOTEMPTY.into());
                }
                Some(_) if !is_directory => return Err(Errno::ISDIR.into()),
                Some(entries) if !entries.is_empty() => return Err(Errno::NOTEMPTY.into()),
                None if is_directory => return Err(Errno::NOTDIR.into()),
                _ => {}
            }
        }
        let from = self.shared_name(from_dir, from);
        let to = self.shared_name(to_dir, to);
        self.record(Event::Rename { from_dir, from, to_dir, to, node });
        Ok(replaced.filter(|replaced| self.is_nameless(*replaced)))
    }

    /// Removes a name. Returns what had it, if it is now without any.
    pub(super) fn remove(&mut self, dir: NodeId, name: &str) -> io::Result<Option<NodeId>> {
        let (id, node) = self.look_up(dir, name)?;
        if matches!(node.body, Body::Directory { .. }) {
            return Err(Errno::ISDIR.into());
        }
        let name = self.shared_name(dir, name);
        self.record(Event::Remove { dir, name });
        Ok(Some(id).filter(|id| self.is_nameless(*id)))
    }

    /// Removes the name of an empty directory.
    pub(super) fn remove_dir(&mut self, parent: NodeId, name: &str) -> io::Result<()> {
        let (id, _) = self.look_up(parent, name)?;
        if !self.tree.entries(id).ok_or(Errno::NOTDIR)?.is_empty() {
            return Err(Errno::NOTEMPTY.into());
        }
        let name = self.shared_name(parent, name);
        self.record(Event::Remove { dir: parent, name });
        Ok(())
    }

    fn is_nameless(&self, node: NodeId) -> bool {
        self.tree.node(node).is_some_and(|node| node.links == 0)
    }

    /// Forgets a file that has no name and is not open; another gets its inode
    /// number. (The handles of a directory are not counted, so that its number
    /// stays taken.)
    pub(super) fn release(&mut self, node: NodeId) {
        if self.is_nameless(node) && !self.tree.is_directory(node) {
            self.tree.free(node);
        }
    }

    pub(super) fn sync_file(&mut self, file: NodeId) {
        self.record(Event::SyncFile { file });
    }

    pub(super) fn fail_sync(&mut self, file: NodeId) {
        self.record(Event::FailedSync { file });
    }

    pub(super) fn sync_dir(&mut self, dir: NodeId) {
        self.record(Event::SyncDirectory { dir });
    }

    pub(super) fn note_lock(&mut self, file: NodeId) {
        self.record(Event::Lock { file });
    }

    pub(super) fn note_unlock(&mut self, file: NodeId) {
        self.record(Event::Unlock { file });
    }
}
