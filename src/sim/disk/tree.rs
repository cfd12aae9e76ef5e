//! The inode table and the directories: what one view of the disk holds.

use std::{collections::BTreeMap, sync::Arc};

use super::trace::{Event, NodeId};
use crate::fs::{EntryKind, FileTime, Metadata};

/// The inode number of the root, as in ext4; others count up from it.
const ROOT_NUMBER: u32 = 2;

/// What Linux says of the length of a small directory.
const DIRECTORY_LENGTH: u64 = 4_096;

/// The names in a directory.
pub(super) type Entries = BTreeMap<Arc<str>, NodeId>;

/// One view of a disk: nodes by id, and their names.
///
/// Contents and directories are shared between copies until one of them
/// changes, so that a copy costs no more than a few words a node.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Option<Node>>,
    /// Numbers of freed inodes, the next to be used again last.
    free_numbers: Vec<u32>,
    next_number: u32,
}

/// A file, a directory, or something that is neither.
#[derive(Clone, Debug)]
pub(super) struct Node {
    number: u32,
    /// How many names it has. None: it is gone once it is closed.
    pub(super) links: u32,
    pub(super) modified: FileTime,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    File(Content),
    Directory {
        entries: Arc<Entries>,
        /// Where the directory has its name, or had it.
        parent: NodeId,
    },
    /// A link, a device: it has a name and cannot be opened.
    Other,
}

/// The bytes of a file. An empty one shares nothing, not even a counter.
#[derive(Clone, Debug, Default)]
pub(super) struct Content(Option<Arc<[u8]>>);

/// Multiplies and folds a word at a time (the scheme of wyhash).
#[derive(Default)]
struct Digest(u64);

impl Digest {
    fn word(&mut self, word: u64) {
        let mixed = u128::from(self.0 ^ word ^ 0x9e37_79b9_7f4a_7c15)
            * u128::from(word.rotate_left(32) ^ 0xe703_7ed1_a0b4_28db);
        let (low, high) = ((mixed & u128::from(u64::MAX)) as u64, (mixed >> 64) as u64);
        self.0 = self.0.rotate_left(23) ^ low ^ high;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // Four lanes, so that a long content costs little.
        let (blocks, rest) = bytes.as_chunks::<32>();
        let mut lanes = [1, 2, 3, 4].map(Self);
        for block in blocks {
            for (lane, word) in lanes.iter_mut().zip(block.as_chunks().0) {
                lane.word(u64::from_le_bytes(*word));
            }
        }
        if !blocks.is_empty() {
            lanes.iter().for_each(|lane| self.word(lane.0));
        }
        let (words, rest) = rest.as_chunks();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (slot, byte) in last.iter_mut().zip(rest) {
            *slot = *byte;
        }
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }
}

impl Content {
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    pub(super) fn shared(&self) -> Arc<[u8]> {
        self.0.clone().unwrap_or_default()
    }

    /// Overwrites from `offset` on; a gap before it reads as zeros.
    fn write(&mut self, offset: u64, bytes: &Arc<[u8]>) {
        let old = self.bytes();
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = offset.saturating_add(bytes.len());
        if offset == 0 && end >= old.len() {
            self.0 = Some(Arc::clone(bytes));
            return;
        }
        let mut new = Vec::with_capacity(end.max(old.len()));
        new.extend(old.iter().take(offset));
        new.resize(offset, 0);
        new.extend_from_slice(bytes);
        new.extend(old.iter().skip(end));
        self.0 = Some(new.into());
    }
}

impl Node {
    fn new(number: u32, kind: EntryKind, parent: NodeId, modified: FileTime) -> Self {
        let body = match kind {
            EntryKind::File => Body::File(Content::default()),
            EntryKind::Directory => Body::Directory { entries: Arc::default(), parent },
            EntryKind::Other => Body::Other,
        };
        Self { number, links: 0, modified, body }
    }

    pub(super) fn kind(&self) -> EntryKind {
        match self.body {
            Body::File(_) => EntryKind::File,
            Body::Directory { .. } => EntryKind::Directory,
            Body::Other => EntryKind::Other,
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        let length = match &self.body {
            Body::File(content) => content.bytes().len().try_into().unwrap_or(u64::MAX),
            Body::Directory { .. } => DIRECTORY_LENGTH,
            Body::Other => 0,
        };
        Metadata { kind: self.kind(), inode: self.number.into(), length, modified: self.modified }
    }
}

impl Tree {
    /// A root without entries.
    pub(super) fn new(modified: FileTime) -> Self {
        let root = Node::new(ROOT_NUMBER, EntryKind::Directory, NodeId::ROOT, modified);
        Self {
            nodes: vec![Some(root)],
            free_numbers: Vec::new(),
            next_number: ROOT_NUMBER.saturating_add(1),
        }
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.index())?.as_ref()
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.index())?.as_mut()
    }

    /// The names in `dir`; none when it is no directory.
    pub(super) fn entries(&self, dir: NodeId) -> Option<&Entries> {
        match &self.node(dir)?.body {
            Body::Directory { entries, .. } => Some(entries),
            Body::File(_) | Body::Other => None,
        }
    }

    /// The bytes of `file`; none when it is no file.
    pub(super) fn content(&self, file: NodeId) -> Option<&Content> {
        match &self.node(file)?.body {
            Body::File(content) => Some(content),
            Body::Directory { .. } | Body::Other => None,
        }
    }

    pub(super) fn is_directory(&self, node: NodeId) -> bool {
        self.entries(node).is_some()
    }

    /// Whether nothing can be found or made in `dir` any more, because its own
    /// name is gone.
    pub(super) fn is_removed(&self, dir: NodeId) -> bool {
        dir != NodeId::ROOT && self.node(dir).is_none_or(|node| node.links == 0)
    }

    /// Whether `dir` is `ancestor` or lies below it.
    pub(super) fn lies_in(&self, mut dir: NodeId, ancestor: NodeId) -> bool {
        loop {
            if dir == ancestor {
                return true;
            }
            match self.node(dir).map(|node| &node.body) {
                Some(Body::Directory { parent, .. }) if dir != NodeId::ROOT => dir = *parent,
                _ => return false,
            }
        }
    }

    /// The id that the next node gets.
    pub(super) fn next_id(&self) -> NodeId {
        NodeId(self.nodes.len().try_into().unwrap_or(u32::MAX))
    }

    /// Makes a node without a name.
    pub(super) fn insert(&mut self, id: NodeId, kind: EntryKind, parent: NodeId, at: FileTime) {
        let number = self.free_numbers.pop().unwrap_or_else(|| {
            let number = self.next_number;
            self.next_number = number.saturating_add(1);
            number
        });
        let node = Some(Node::new(number, kind, parent, at));
        if id.index() == self.nodes.len() {
            self.nodes.push(node);
        } else if let Some(slot) = self.nodes.get_mut(id.index()) {
            *slot = node;
        }
    }

    /// Forgets a node that nobody can reach any more; the next one gets its
    /// number.
    pub(super) fn free(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.index()).and_then(Option::take) {
            self.free_numbers.push(node.number);
        }
    }

    /// Points a name to a node, or to none.
    pub(super) fn set_name(
        &mut self,
        dir: NodeId,
        name: &Arc<str>,
        target: Option<NodeId>,
        at: FileTime,
    ) {
        let Some(Node { body: Body::Directory { entries, .. }, modified, .. }) = self.node_mut(dir)
        else {
            return;
        };
        *modified = at;
        let entries = Arc::make_mut(entries);
        let before = match target {
            Some(node) => entries.insert(Arc::clone(name), node),
            None => entries.remove(name),
        };
        if let Some(node) = before.and_then(|id| self.node_mut(id)) {
            node.links = node.links.saturating_sub(1);
        }
        if let Some(node) = target.and_then(|id| self.node_mut(id)) {
            node.links = node.links.saturating_add(1);
            if let Body::Directory { parent, .. } = &mut node.body {
                *parent = dir;
            }
        }
    }

    /// Overwrites the bytes of a file from `offset` on.
    pub(super) fn write(&mut self, file: NodeId, offset: u64, bytes: &Arc<[u8]>, at: FileTime) {
        if let Some(Node { body: Body::File(content), modified, .. }) = self.node_mut(file) {
            content.write(offset, bytes);
            *modified = at;
        }
    }

    /// Makes a file so long, with zeroes at its end, unless it is longer.
    pub(super) fn extend(&mut self, file: NodeId, length: u64) {
        if let Some(Node { body: Body::File(content), .. }) = self.node_mut(file) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if content.bytes().len() < length {
                let mut bytes = content.bytes().to_vec();
                bytes.resize(length, 0);
                content.0 = Some(bytes.into());
            }
        }
    }

    pub(super) fn set_modified(&mut self, node: NodeId, at: FileTime) {
        if let Some(node) = self.node_mut(node) {
            node.modified = at;
        }
    }

    /// Does what the event says. Markers change nothing here.
    pub(super) fn apply(&mut self, event: &Event, at: FileTime) {
        match event {
            Event::Create { dir, name, node, kind } => {
                self.insert(*node, *kind, *dir, at);
                self.set_name(*dir, name, Some(*node), at);
            }
            Event::Write { file, offset, bytes } => self.write(*file, *offset, bytes, at),
            Event::Rename { from_dir, from, to_dir, to, node } => {
                self.set_name(*from_dir, from, None, at);
                self.set_name(*to_dir, to, Some(*node), at);
            }
            Event::Remove { dir, name } => self.set_name(*dir, name, None, at),
            Event::SetModified { node, modified } => self.set_modified(*node, *modified),
            Event::SyncFile { .. }
            | Event::FailedSync { .. }
            | Event::SyncDirectory { .. }
            | Event::Lock { .. }
            | Event::Unlock { .. } => {}
        }
    }

    /// A number that two views have alike if everything that can be reached is:
    /// names, bytes, and the times of files. The times of directories say
    /// nothing to who opens them for the first time.
    ///
    /// Of files that do not count by this judgement only the names do.
    pub(super) fn digest(&self, counts: &dyn Fn(&str, &[u8]) -> bool) -> u64 {
        let mut digest = Digest::default();
        self.digest_below(NodeId::ROOT, counts, &mut digest);
        digest.0
    }

    fn digest_below(&self, dir: NodeId, counts: &dyn Fn(&str, &[u8]) -> bool, digest: &mut Digest) {
        for (name, id) in self.entries(dir).into_iter().flatten() {
            digest.bytes(name.as_bytes());
            match self.node(*id) {
                None => digest.word(1),
                Some(Node { body: Body::Other, .. }) => digest.word(2),
                Some(Node { body: Body::File(content), .. }) if !counts(name, content.bytes()) => {
                    digest.word(6);
                }
                Some(Node { body: Body::File(content), modified, .. }) => {
                    digest.word(3);
                    digest.word(modified.seconds.cast_unsigned());
                    digest.word(modified.nanoseconds.into());
                    digest.bytes(content.bytes());
                }
                Some(Node { body: Body::Directory { .. }, .. }) => {
                    digest.word(4);
                    self.digest_below(*id, counts, digest);
                    digest.word(5);
                }
            }
        }
    }

    /// The path below `dir` of something whose name is like that.
    pub(super) fn find_name(
        &self,
        dir: NodeId,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        self.entries(dir)?.iter().find_map(|(name, id)| {
            if is_wanted(name) {
                return Some(name.to_string());
            }
            let below = self.find_name(*id, is_wanted)?;
            Some(format!("{name}/{below}"))
        })
    }

    /// This view as a new mount finds it: what has no name is gone, and inode
    /// numbers are given out anew, because the views of a disk that never
    /// existed together may have used one twice.
    pub(super) fn remounted(mut self) -> Self {
        let mut number = ROOT_NUMBER;
        for (index, slot) in self.nodes.iter_mut().enumerate() {
            match slot {
                Some(node) if index == 0 || node.links > 0 => node.number = number,
                _ => *slot = None,
            }
            number = number.saturating_add(1);
        }
        Self { nodes: self.nodes, free_numbers: Vec::new(), next_number: number }
    }

    /// Makes a tree of what half-persisted moves of directories left: a
    /// directory keeps one name (the first found, level by level, in the order
    /// of names), what cannot be reached is removed, and links are counted
    /// again. This is what a check of the file system does after a crash.
    pub(super) fn repair(&mut self) {
        let mut found = vec![0_u32; self.nodes.len()];
        let mut level = vec![NodeId::ROOT];
        while !level.is_empty() {
            let mut below = Vec::new();
            for dir in level {
                let mut refused = Vec::new();
                for (name, target) in self.entries(dir).into_iter().flatten() {
                    let is_directory = self.is_directory(*target);
                    let links = found.get_mut(target.index());
                    match links {
                        Some(links) if *target != NodeId::ROOT && !(is_directory && *links > 0) => {
                            *links += 1;
                            if is_directory {
                                below.push((dir, *target));
                            }
                        }
                        _ => refused.push(Arc::clone(name)),
                    }
                }
                if let Some(Node { body: Body::Directory { entries, .. }, .. }) = self.node_mut(dir)
                    && !refused.is_empty()
                {
                    let entries = Arc::make_mut(entries);
                    entries.retain(|name, _| !refused.contains(name));
                }
            }
            for (dir, below) in &below {
                if let Some(Node { body: Body::Directory { parent, .. }, .. }) =
                    self.node_mut(*below)
                {
                    *parent = *dir;
                }
            }
            level = below.into_iter().map(|(_, below)| below).collect();
        }
        for (index, (slot, links)) in self.nodes.iter_mut().zip(found).enumerate() {
            match slot {
                Some(node) if index == 0 || links > 0 => node.links = links,
                _ => *slot = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Content, Tree};
    use crate::{
        fs::{EntryKind, FileTime},
        sim::disk::trace::NodeId,
    };

    fn written(before: &str, offset: u64, bytes: &str) -> Vec<u8> {
        let mut content = Content(Some(Arc::from(before.as_bytes())));
        content.write(offset, &Arc::from(bytes.as_bytes()));
        content.bytes().to_vec()
    }

    #[test]
    fn writing_overwrites_grows_and_fills_gaps_with_zeros() {
        assert_eq!(written("", 0, "abc"), b"abc");
        assert_eq!(written("abcdef", 0, "XY"), b"XYcdef", "the rest stays");
        assert_eq!(written("abcdef", 2, "XY"), b"abXYef", "in the middle");
        assert_eq!(written("abc", 3, "def"), b"abcdef", "appended");
        assert_eq!(written("abc", 2, "XYZ"), b"abXYZ", "past the end");
        assert_eq!(written("a", 3, "b"), b"a\0\0b", "after a gap");
    }

    fn named(tree: &mut Tree, dir: NodeId, name: &str, node: NodeId) {
        tree.set_name(dir, &Arc::from(name), Some(node), FileTime::default());
    }

    #[test]
    fn repair_leaves_each_directory_one_name_and_breaks_cycles() {
        let time = FileTime::default();
        let mut tree = Tree::new(time);
        let [a, b, file] = [1, 2, 3].map(NodeId);
        tree.insert(a, EntryKind::Directory, NodeId::ROOT, time);
        tree.insert(b, EntryKind::Directory, NodeId::ROOT, time);
        tree.insert(file, EntryKind::File, NodeId::ROOT, time);
        // The root has `a`; `a` and `b` have each other; a file has two names.
        named(&mut tree, NodeId::ROOT, "a", a);
        named(&mut tree, a, "b", b);
        named(&mut tree, b, "a", a);
        named(&mut tree, b, "f", file);
        named(&mut tree, NodeId::ROOT, "f", file);
        // Out of reach.
        let lost = NodeId(4);
        tree.insert(lost, EntryKind::Directory, NodeId::ROOT, time);
        named(&mut tree, lost, "lost", lost);

        tree.repair();

        let names =
            |dir| tree.entries(dir).expect("it is kept").keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(NodeId::ROOT), ["a".into(), "f".into()]);
        assert_eq!(names(a), ["b".into()]);
        assert_eq!(names(b), ["f".into()], "the way back to `a` is cut");
        assert_eq!(tree.node(file).expect("it is kept").links, 2);
        assert!(tree.node(lost).is_none(), "what cannot be reached is removed");
        assert!(tree.lies_in(b, a) && !tree.lies_in(a, b));
    }
}
