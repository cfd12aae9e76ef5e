//! What a case reaches, as keys: by them a campaign knows what is new.
//!
//! A key is one of these, by chance one of 131 072 numbers:
//!
//! - an operation with its outcome;
//! - the operation before it, or one of another client's that began before and overlapped;
//! - an operation with its outcome, and the kind of fault that it met; an operation, and
//!   the step at which it met one;
//! - an operation with its outcome, and how many I/O steps it took (alone: the way
//!   that it went through the code);
//! - an operation that was preempted, at which step, and how often it had come by;
//! - the shape of the state that a client alone has left: the reference model without
//!   its texts and numbers, in one of 256 classes;
//! - how many I/O steps and crash images a crash had, by order of magnitude.
//!
//! All of it is at hand when a case was verified; nothing is measured in the code under
//! proof.

use std::{
    fmt::{self, Write},
    hash::Hasher,
};

use super::trace_hash::TraceHasher;

/// How many keys there are.
const KEYS: u32 = 1 << 17;

/// A set of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    words: Vec<u64>,
    count: usize,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { words: vec![0; KEYS as usize / 64], count: 0 }
    }
}

impl Coverage {
    /// Adds a key; false: it was there. What is no key is taken for one that is.
    pub fn insert(&mut self, key: u32) -> bool {
        let key = key % KEYS;
        let Some(word) = self.words.get_mut(key as usize / 64) else { return false };
        let bit = 1 << (key % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// Those that are in it, in the order of their numbers.
    pub fn keys(&self) -> impl Iterator<Item = u32> {
        let words = (0_u32..).zip(&self.words).filter(|(_, word)| **word != 0);
        words.flat_map(|(place, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| place * 64 + bit)
        })
    }

    /// How many keys there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Something that a case may reach.
#[derive(Clone, Copy, Debug)]
pub(super) enum Feature<'a> {
    /// An operation with its outcome: both as one number, here and below.
    Outcome(usize),
    /// An operation, and the next one with its outcome.
    InARow(usize, usize),
    /// An operation, and one with its outcome that began while it ran.
    Overlapping(usize, usize),
    /// A call that met a fault of this kind.
    Fault(usize, usize),
    /// An operation that met one at this step.
    FaultAt(usize, &'a str),
    /// A call that took so many I/O steps.
    Steps(usize, usize),
    /// An operation of this kind that was preempted before this step.
    Preempted(usize, &'a str, u32),
    /// A crash with so many I/O steps before it, and so many images.
    Crash(usize, u64),
    /// A shape of the state.
    State(u64),
}

/// How many classes of shapes there are.
const SHAPES: u64 = 256;

impl Feature<'_> {
    fn key(self) -> u32 {
        let mut hasher = TraceHasher::default();
        let mut write = |tag: u64, numbers: [usize; 2], text: &str| {
            hasher.write_u64(tag);
            numbers.into_iter().for_each(|number| hasher.write_usize(number));
            hasher.write(text.as_bytes());
        };
        match self {
            Self::Outcome(place) => write(1, [place, 0], ""),
            Self::InARow(first, second) => write(2, [first, second], ""),
            Self::Overlapping(first, second) => write(3, [first, second], ""),
            Self::Fault(place, kind) => write(4, [place, kind], ""),
            Self::FaultAt(kind, step) => write(9, [kind, 0], step),
            Self::Steps(place, steps) => write(5, [place, magnitude(steps)], ""),
            Self::Preempted(kind, step, occurrence) => {
                // The first time, the second one, or later.
                write(6, [kind, occurrence.min(2) as usize], step);
            }
            Self::Crash(steps, images) => {
                let images = usize::try_from(images).unwrap_or(usize::MAX);
                write(7, [magnitude(steps), magnitude(images)], "");
            }
            Self::State(shape) => {
                write(8, [usize::try_from(shape % SHAPES).unwrap_or_default(), 0], "");
            }
        }
        // The remainder is below 2^17.
        u32::try_from(hasher.finish() % u64::from(KEYS)).unwrap_or_default()
    }
}

/// Small numbers as they are, larger ones by about a half more each.
fn magnitude(number: usize) -> usize {
    match number {
        0..=8 => number,
        _ => {
            let log = number.ilog2() as usize;
            // The bit below the highest one.
            8 + 2 * log + (number >> (log - 1) & 1)
        }
    }
}

/// Notes what a worker's cases reach that nobody has reached before, as far as the
/// worker knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    known: Coverage,
    /// What the present case is the first to reach.
    new: Vec<u32>,
    /// The last operation.
    previous: Option<usize>,
}

impl Watch {
    /// One that knows this.
    pub(super) const fn new(known: Coverage) -> Self {
        Self { known, new: Vec::new(), previous: None }
    }

    /// Notes something.
    pub(super) fn note(&mut self, feature: Feature<'_>) {
        let key = feature.key();
        if self.known.insert(key) {
            self.new.push(key);
        }
    }

    /// Notes a call: the number of its operation, and that of both it and its outcome.
    pub(super) fn note_call(&mut self, kind: usize, place: usize) {
        self.note(Feature::Outcome(place));
        if let Some(previous) = self.previous.replace(kind) {
            self.note(Feature::InARow(previous, place));
        }
    }

    /// Notes the state that a client has left.
    pub(super) fn note_state(&mut self, model: &impl fmt::Debug) {
        let mut shape = Shape::default();
        // It never fails.
        let _ = write!(shape, "{model:?}");
        self.note(Feature::State(shape.hasher.finish()));
    }

    /// What the case that now ends was the first to reach.
    pub(super) fn end_case(&mut self) -> Vec<u32> {
        self.previous = None;
        std::mem::take(&mut self.new)
    }
}

/// A hash of a debug text without what stands between quotes, and in which all
/// numbers are alike, however many there are in a row.
#[derive(Default)]
struct Shape {
    hasher: TraceHasher,
    in_quotes: bool,
    is_escaped: bool,
    in_number: bool,
}

impl Write for Shape {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.in_quotes {
                self.in_quotes = self.is_escaped || byte != b'"';
                self.is_escaped = byte == b'\\' && !self.is_escaped;
                continue;
            }
            match byte {
                b'"' => self.in_quotes = true,
                b'0'..=b'9' => {
                    if !self.in_number {
                        self.hasher.write_u8(b'0');
                    }
                    self.in_number = true;
                    continue;
                }
                // Bytes are lists of numbers.
                b',' | b' ' | b'-' if self.in_number => continue,
                _ => self.hasher.write_u8(byte),
            }
            self.in_number = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Coverage, Feature, Watch, magnitude};

    #[test]
    fn a_key_is_new_once() {
        let mut watch = Watch::new(Coverage::default());
        watch.note_call(0, 1);
        watch.note_call(1, 2);
        assert_eq!(watch.end_case().len(), 3, "two outcomes, and the two in a row");
        watch.note_call(1, 2);
        assert!(watch.end_case().is_empty(), "nothing stands before the first call of a case");
        watch.note_call(1, 2);
        watch.note_call(0, 1);
        assert_eq!(watch.end_case().len(), 1, "the other way round");
    }

    #[test]
    fn a_shape_has_neither_texts_nor_numbers() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "it is shown")]
        struct Record {
            id: &'static str,
            bytes: Vec<u8>,
            expires: Option<u32>,
        }
        let key = |record: &[Record]| {
            let mut watch = Watch::new(Coverage::default());
            watch.note_state(&record);
            watch.end_case()
        };
        let one = Record { id: "a\", {", bytes: vec![1, 2], expires: None };
        let same = Record { id: "b", bytes: vec![255, 0, 7], expires: None };
        let other = Record { id: "b", bytes: vec![255, 0, 7], expires: Some(1) };
        let first = key(&[one]);
        assert_eq!(first, key(&[same]));
        assert_ne!(first, key(&[other]));
    }

    #[test]
    fn features_are_told_apart() {
        let keys = [
            Feature::Outcome(1),
            Feature::InARow(1, 0),
            Feature::Overlapping(1, 0),
            Feature::Fault(1, 0),
            Feature::FaultAt(1, ""),
            Feature::FaultAt(1, "rename"),
            Feature::Steps(1, 0),
            Feature::Preempted(1, "", 0),
            Feature::Crash(1, 0),
            Feature::State(1),
        ]
        .map(Feature::key);
        let mut coverage = Coverage::default();
        assert!(keys.iter().all(|key| coverage.insert(*key)), "{keys:?}");
        assert!(!coverage.insert(keys[0]), "once");
        assert_eq!(coverage.len(), keys.len());
    }

    #[test]
    fn magnitudes_grow() {
        let magnitudes: Vec<usize> = [0, 1, 8, 9, 12, 17, 25, 33, 1_000].map(magnitude).into();
        assert!(magnitudes.is_sorted(), "{magnitudes:?}");
        assert_eq!(magnitude(100), magnitude(101));
        assert!(magnitude(8) < magnitude(9), "{magnitudes:?}");
    }
}
