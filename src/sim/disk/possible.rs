//! Which images a crash may leave at one moment.

use rand_core::Rng;

use super::image::{Change, ImageBuilder, ImageKind, SECTOR, Tear, Unsynced};

impl ImageBuilder<'_> {
    /// What a crash at this moment may leave, the plainest first, `most` at
    /// most: everything; nothing unsynced; each unsynced change alone kept, and
    /// alone lost; the last write to each file torn; any part of the changes.
    /// All of it where there is room, else what `random` chooses. Some may
    /// look the same.
    #[must_use]
    pub fn kinds(&self, most: usize, random: &mut impl Rng) -> Vec<ImageKind> {
        let mut kinds = Vec::from(ImageKind::ALL);
        let count = u32::try_from(self.unsynced().len()).unwrap_or(u32::MAX);
        if count == 0 {
            // Nothing is in doubt.
            kinds.truncate(most);
            return kinds;
        }
        let room = most.saturating_sub(kinds.len());
        let mut single = singles(count);
        single.extend(self.torn(count, random));
        let lasting = self.lasting();
        let parts = 1_usize.checked_shl(u32::try_from(lasting.len()).unwrap_or(u32::MAX));
        if let Some(parts) = parts.filter(|parts| single.len().saturating_add(*parts) <= room) {
            kinds.append(&mut single);
            kinds.extend((0..parts).filter_map(|part| part_of(&lasting, part)));
            return kinds;
        }
        // Half of the room for what is named, half for parts.
        let named = room - room / 2;
        for place in 0..single.len().min(named) {
            let other = place + below(random, single.len() - place);
            single.swap(place, other);
        }
        single.truncate(named);
        kinds.append(&mut single);
        while kinds.len() < most {
            let coins: Vec<bool> = (0..count).map(|_| random.next_u32() & 1 == 1).collect();
            let kept = (0..count).zip(coins).filter(|(_, kept)| *kept).map(|(k, _)| k);
            kinds.push(ImageKind::Kept(kept.collect()));
        }
        kinds.truncate(most);
        kinds
    }

    /// The changes that no later one hides: of several writes over the same
    /// bytes the last.
    fn lasting(&self) -> Vec<u32> {
        let unsynced = self.unsynced();
        let is_hidden = |place: usize, own: &Unsynced| {
            let mut later = unsynced.iter().skip(place + 1);
            later.any(|later| hides(&later.change, &own.change))
        };
        let lasting = unsynced.iter().enumerate().filter(|(place, own)| !is_hidden(*place, own));
        lasting.filter_map(|(place, _)| u32::try_from(place).ok()).collect()
    }

    /// The last unsynced write to each file torn, with and without the rest.
    fn torn(&self, count: u32, random: &mut impl Rng) -> Vec<ImageKind> {
        let mut torn = Vec::new();
        let mut files = Vec::new();
        for (write, unsynced) in (0..count).zip(self.unsynced()).rev() {
            let Change::Content { file, offset, bytes } = &unsynced.change else { continue };
            if files.contains(file) {
                continue;
            }
            files.push(*file);
            let length = bytes.len().try_into().unwrap_or(u64::MAX);
            for tear in tears(*offset, length, random) {
                let others: Vec<u32> = (0..count).filter(|other| *other != write).collect();
                for kept in [others, Vec::new()] {
                    torn.push(ImageKind::Torn { kept, write, tear });
                }
            }
        }
        torn
    }
}

/// Each change alone, and all but each.
fn singles(count: u32) -> Vec<ImageKind> {
    let mut kinds = Vec::new();
    // With one change these are the whole and nothing; with two, the kept one
    // of either is the lost one of the other.
    if count > 1 {
        kinds.extend((0..count).map(|k| ImageKind::Kept(vec![k])));
    }
    if count > 2 {
        kinds.extend((0..count).map(|k| ImageKind::Dropped(vec![k])));
    }
    kinds
}

/// The part that these bits stand for, unless it is one that [`singles`] names.
fn part_of(changes: &[u32], bits: usize) -> Option<ImageKind> {
    let kept = changes.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
    let kept: Vec<u32> = kept.map(|(_, change)| *change).collect();
    (kept.len() > 1).then_some(ImageKind::Kept(kept))
}

/// Whether nothing of `earlier` is left once `later` is done.
fn hides(later: &Change, earlier: &Change) -> bool {
    match (later, earlier) {
        (
            Change::Content { file: later, offset: from, bytes: new },
            Change::Content { file: earlier, offset, bytes: old },
        ) => {
            let end = |from: &u64, bytes: &[u8]| {
                from.saturating_add(bytes.len().try_into().unwrap_or(u64::MAX))
            };
            later == earlier && from <= offset && end(from, new) >= end(offset, old)
        }
        (Change::Modified { node: later, .. }, Change::Modified { node: earlier, .. }) => {
            later == earlier
        }
        _ => false,
    }
}

/// How a write may be torn: at the borders of sectors, without one sector, and
/// at single bytes.
fn tears(offset: u64, length: u64, random: &mut impl Rng) -> Vec<Tear> {
    let end = offset.saturating_add(length);
    let mut prefixes = vec![0, 1, length / 2, length.saturating_sub(1)];
    prefixes.push(u64::from(random.next_u32()) % length.max(1));
    let (first, last) = (offset / SECTOR, end.saturating_sub(1) / SECTOR);
    // Of a long write its ends and its middle say it all.
    let mut sectors = vec![first, first + 1, first.midpoint(last), last];
    sectors.retain(|sector| *sector <= last);
    sectors.dedup();
    prefixes.extend(sectors.iter().filter_map(|sector| (sector * SECTOR).checked_sub(offset)));
    prefixes.retain(|prefix| *prefix < length);
    prefixes.sort_unstable();
    prefixes.dedup();
    // Nothing of it, in a file that has its length, is what a prefix is not.
    let without = sectors.into_iter().map(Tear::WithoutSector);
    // A prefix of nothing is the write lost.
    prefixes.into_iter().filter(|prefix| *prefix > 0).map(Tear::Prefix).chain(without).collect()
}

fn below(random: &mut impl Rng, end: usize) -> usize {
    let end = u32::try_from(end).unwrap_or(u32::MAX);
    let wide = u64::from(random.next_u32()) * u64::from(end);
    usize::try_from(wide >> 32).unwrap_or(0)
}
