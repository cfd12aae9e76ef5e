//! Images in words.

use super::{
    image::{Change, ImageBuilder, ImageKind, Tear, Unsynced},
    trace::NodeId,
    tree::Tree,
};

impl ImageBuilder<'_> {
    /// What the image of a crash at this moment shows, for reports.
    #[must_use]
    pub fn describe(&self, kind: &ImageKind) -> String {
        let all = (0_u32..).zip(self.unsynced());
        let part = |is_kept: &dyn Fn(u32) -> bool| {
            let (kept, lost): (Vec<_>, Vec<_>) = all.clone().partition(|(k, _)| is_kept(*k));
            format!(
                "power lost; kept of what was not synced: {}; lost: {}",
                self.list(&kept),
                self.list(&lost)
            )
        };
        match kind {
            ImageKind::Everything => "process killed".to_owned(),
            ImageKind::NothingUnsynced => "power lost, only what was synced is left".to_owned(),
            ImageKind::Kept(kept) => part(&|k| kept.contains(&k)),
            ImageKind::Dropped(dropped) => part(&|k| !dropped.contains(&k)),
            ImageKind::Torn { kept, write, tear } => {
                let torn = all.clone().find(|(k, _)| k == write);
                let torn = torn.map_or_else(String::new, |(_, torn)| self.change(torn));
                let left = match tear {
                    Tear::Prefix(length) => format!("its first {length} bytes alone"),
                    Tear::WithoutSector(number) => format!("all but sector {number}"),
                };
                let others: Vec<_> = all.clone().filter(|(k, _)| k != write).collect();
                let (kept, lost): (Vec<_>, Vec<_>) =
                    others.into_iter().partition(|(k, _)| kept.contains(k));
                format!(
                    "power lost; torn: {torn}, {left}; kept of what else was not synced: {}; \
                     lost: {}",
                    self.list(&kept),
                    self.list(&lost)
                )
            }
        }
    }

    fn list(&self, changes: &[(u32, &Unsynced)]) -> String {
        if changes.is_empty() {
            return "nothing".to_owned();
        }
        let words: Vec<String> = changes.iter().map(|(_, change)| self.change(change)).collect();
        words.join(", ")
    }

    fn change(&self, Unsynced { change, .. }: &Unsynced) -> String {
        match change {
            Change::Names { dir, removed, given } => {
                let directory = path_of(self.live(), *dir);
                let place = |name: &str| match directory.as_str() {
                    "" => name.to_owned(),
                    directory => format!("{directory}/{name}"),
                };
                match (removed, given) {
                    (Some(from), Some((to, _))) => format!("the rename of {from} to {}", place(to)),
                    (Some(name), None) => format!("the removal of {}", place(name)),
                    (None, Some((name, _))) => format!("the name {}", place(name)),
                    (None, None) => "nothing".to_owned(),
                }
            }
            Change::Content { file, offset, bytes } => {
                let end = offset.saturating_add(bytes.len().try_into().unwrap_or(u64::MAX));
                format!("the content of {} ({offset} to {end})", path_of(self.live(), *file))
            }
            Change::Modified { node, .. } => {
                format!("the time that was set of {:?}", path_of(self.live(), *node))
            }
        }
    }
}

/// The path of a node, the one that comes first.
fn path_of(tree: &Tree, wanted: NodeId) -> String {
    let mut waiting = vec![(String::new(), NodeId::ROOT)];
    if wanted == NodeId::ROOT {
        return String::new();
    }
    while let Some((prefix, dir)) = waiting.pop() {
        for (name, node) in tree.entries(dir).into_iter().flatten() {
            let path = format!("{prefix}{name}");
            if *node == wanted {
                return path;
            }
            if tree.is_directory(*node) {
                waiting.push((format!("{path}/"), *node));
            }
        }
    }
    "a file without a name".to_owned()
}
