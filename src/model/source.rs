//! Where generated values come from: bytes, and the pools of hot and
//! adversarial values that they choose from.

use std::sync::{Arc, LazyLock, OnceLock};

use arbitrary::{Result, Unstructured};
use serde::{Deserialize, Serialize};

use super::payload::shown;
use crate::seam::Instant;

/// A text that may or may not be a record id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawId(pub Arc<str>);

impl RawId {
    /// A copy of its own: clones of a shared text would make all threads of a
    /// campaign count on one cache line.
    fn copy(&self) -> Self {
        Self(Arc::from(&*self.0))
    }

    /// "A non-empty UTF-8 string without NUL, at most 1 024 bytes."
    #[must_use]
    pub fn is_legal(&self) -> bool {
        let text = &self.0;
        !text.is_empty() && text.len() <= 1_024 && text.bytes().all(|byte| byte != 0)
    }

    /// The id for a table.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("\"{}\"", shown(self.0.as_bytes()))
    }

    /// Simpler ids: `a`, then `b`.
    pub fn simpler(&self) -> impl Iterator<Item = Self> + use<> {
        simpler_texts(["a", "b"], &self.0).map(Self)
    }
}

/// Those of the texts that are simpler than `text`, the simplest first: those
/// that come before it.
pub fn simpler_texts<const N: usize>(
    simple: [&'static str; N],
    text: &str,
) -> impl Iterator<Item = Arc<str>> + use<N> {
    let rank = simple.iter().position(|simple| *simple == text).unwrap_or(usize::MAX);
    simple.into_iter().take(rank).map(Arc::from)
}

/// What a case concentrates on: few hot ids, some of the operations (swarm
/// testing: Groce et al., ISSTA 2012), a handful of instants.
#[derive(Clone, Debug)]
pub struct Focus {
    /// The ids in use, the hottest first; never empty.
    pub ids: Vec<RawId>,
    /// Bit *k* says whether operation number *k* is switched on.
    pub operations: u64,
    /// The instants in use; never empty.
    pub instants: Vec<Instant>,
    /// What its operations are about.
    pub aim: Aim,
    /// A number of the case's own, for what is to be the same in all of it.
    pub salt: u8,
    /// The numbers of the operations that are switched on, each as often as its
    /// weight says: made when the first one is drawn.
    tickets: OnceLock<Box<[u8]>>,
}

/// What the operations of a case are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Anything.
    Anything,
    /// Mostly commits of several records, which ask for little: for what becomes
    /// durable in one place and not yet in another.
    Commits,
    /// Mostly changes of one record that ask for what is in it, with few values: for
    /// what others do within a call.
    OneRecord,
    /// Mostly changes of two records that want one unique name: for the same.
    OneName,
    /// That there are records: what comes before a race.
    Filling,
}

/// A source of choices.
pub struct Source<'a, 'b> {
    bytes: &'a mut Unstructured<'b>,
    focus: &'a Focus,
}

impl Focus {
    /// Chooses what a case with `operations` kinds of operation concentrates
    /// on.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn generate(bytes: &mut Unstructured<'_>, operations: usize) -> Result<Self> {
        let mut ids = Vec::new();
        // Half of all cases stay with plain ids, so that what they find is
        // not about names.
        let adversarial = bytes.ratio(1_u8, 2)?;
        for place in 0..bytes.int_in_range(1..=5_usize)? {
            let id = if adversarial {
                bytes.choose(adversarial_ids())?.clone()
            } else {
                plain_ids().get(place).cloned().unwrap_or_else(|| raw("a"))
            };
            if !ids.contains(&id) {
                ids.push(id.copy());
            }
        }
        let all = if operations >= 64 { u64::MAX } else { (1 << operations) - 1 };
        let mut enabled = all;
        if bytes.ratio(3_u8, 4)? {
            enabled &= bytes.arbitrary::<u64>()? | bytes.arbitrary::<u64>()?;
            if enabled == 0 {
                enabled = all;
            }
        }
        let mut instants = Vec::new();
        for _ in 0..bytes.int_in_range(1..=4_usize)? {
            instants.push(*bytes.choose(INSTANTS)?);
        }
        let salt = bytes.arbitrary()?;
        let tickets = OnceLock::new();
        Ok(Self { ids, operations: enabled, instants, aim: Aim::Anything, salt, tickets })
    }
}

impl Focus {
    /// The same with other ids: few, and some of them in a directory of their
    /// own, whose names become durable apart from each other. If `commits` are
    /// there, at times with [those](Aim::Commits) most of all.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn in_directories(self, bytes: &mut Unstructured<'_>, commits: bool) -> Result<Self> {
        let ids: &[&str] = bytes.choose(&[
            &["d/a", "a"] as &[&str],
            &["d/a", "e/b"],
            &["d/a", "e/b", "c"],
            &["d/a", "a", "d/b"],
            &["d/e/a", "d/b", "c"],
        ])?;
        let commits = commits && bytes.arbitrary()?;
        let (aim, operations) =
            if commits { (Aim::Commits, u64::MAX) } else { (self.aim, self.operations) };
        Ok(Self { ids: ids.iter().map(|id| raw(id)).collect(), aim, operations, ..self })
    }

    /// The same for a race, [of one record](Aim::OneRecord) or
    /// [of one name](Aim::OneName).
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn in_a_race(mut self, bytes: &mut Unstructured<'_>) -> Result<Self> {
        let aim = if bytes.arbitrary()? { Aim::OneRecord } else { Aim::OneName };
        self.ids.truncate(1);
        if aim == Aim::OneName {
            let other = plain_ids().iter().find(|id| !self.ids.contains(id));
            self.ids.extend(other.map(RawId::copy));
        }
        Ok(Self { aim, ..self })
    }

    /// The same [for what is to be there](Aim::Filling) before.
    #[must_use]
    pub fn filling(&self) -> Self {
        let tickets = OnceLock::new();
        Self { aim: Aim::Filling, operations: u64::MAX, tickets, ..self.clone() }
    }
}

impl<'a, 'b> Source<'a, 'b> {
    /// A source that draws from `bytes` and keeps to `focus`.
    pub fn new(bytes: &'a mut Unstructured<'b>, focus: &'a Focus) -> Self {
        Self { bytes, focus }
    }

    /// A number below `end`, which is not 0.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn below(&mut self, end: usize) -> Result<usize> {
        below(self.bytes, end)
    }

    /// True in `part` of `whole` cases.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn ratio(&mut self, part: u8, whole: u8) -> Result<bool> {
        Ok(below(self.bytes, usize::from(whole))? < usize::from(part))
    }

    /// One of `items`.
    ///
    /// # Errors
    /// As `arbitrary` reports them; when there are none.
    pub fn choose<'i, T>(&mut self, items: &'i [T]) -> Result<&'i T> {
        let place = below(self.bytes, items.len())?;
        items.get(place).ok_or(arbitrary::Error::EmptyChoose)
    }

    /// One of these texts.
    ///
    /// # Errors
    /// As [`Self::choose`].
    pub fn text(&mut self, texts: &[&str]) -> Result<Arc<str>> {
        Ok(Arc::from(*self.choose(texts)?))
    }

    /// The number of an operation that is switched on, by weight: `weights[k]`
    /// belongs to operation number *k*, and is the same in every draw of a case.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn operation(&mut self, weights: &[u8]) -> Result<usize> {
        let focus = self.focus;
        let tickets = focus.tickets.get_or_init(|| {
            let kinds = (0_u8..).zip(weights);
            let on = kinds.clone().filter(|(kind, _)| focus.operations >> (kind % 64) & 1 == 1);
            let tickets = on.flat_map(|(kind, weight)| std::iter::repeat_n(kind, (*weight).into()));
            let tickets: Box<[u8]> = tickets.collect();
            if tickets.is_empty() { kinds.map(|(kind, _)| kind).collect() } else { tickets }
        });
        self.choose(tickets).map(|kind| usize::from(*kind))
    }

    /// An id: mostly the hottest ones of the case, at times any.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn id(&mut self) -> Result<RawId> {
        if self.ratio(1, 64)? {
            return self.choose(adversarial_ids()).map(RawId::copy);
        }
        // The smaller of two draws: the first ids are the hot ones. What two records
        // want they want alike.
        let count = self.focus.ids.len();
        let mut place = self.below(count)?;
        if self.focus.aim != Aim::OneName {
            place = place.min(self.below(count)?);
        }
        self.focus.ids.get(place).cloned().ok_or(arbitrary::Error::IncorrectFormat)
    }

    /// Some of the hot ids, at least one, each once.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn distinct_ids(&mut self) -> Result<Vec<RawId>> {
        let ids = &self.focus.ids;
        let (first, count) = (self.below(ids.len())?, 1 + self.below(ids.len())?);
        Ok(ids.iter().cycle().skip(first).take(count).map(RawId::copy).collect())
    }

    /// One of the case's instants.
    ///
    /// # Errors
    /// As `arbitrary` reports them.
    pub fn instant(&mut self) -> Result<Instant> {
        self.choose(&self.focus.instants).copied()
    }

    /// The case's focus.
    #[must_use]
    pub fn focus(&self) -> &Focus {
        self.focus
    }
}

/// A number below `end`, from a byte where one is enough (multiply and shift,
/// without rejection: choices among a few need no better). `arbitrary` does it
/// more exactly, and takes most of the time of a generator.
fn below(bytes: &mut Unstructured<'_>, end: usize) -> Result<usize> {
    if end == 0 {
        return Err(arbitrary::Error::EmptyChoose);
    }
    // At the end of the bytes everything is 0, the simplest choice.
    if end <= 128 {
        let drawn =
            bytes.bytes(1).map_or(0, |byte| byte.iter().fold(0, |_, byte| usize::from(*byte)));
        return Ok((drawn * end) >> 8);
    }
    let drawn: u32 = bytes.arbitrary()?;
    Ok(usize::try_from((u128::from(drawn) * end as u128) >> 32).unwrap_or(0))
}

/// Instants that matter: the same one often, the zero time of another
/// language, the far ends, steps of a second and of a nanosecond.
pub const INSTANTS: &[Instant] = &[
    at(1_767_225_600, 0),
    at(1_767_225_600, 0),
    at(1_767_225_601, 0),
    at(1_767_225_599, 999_999_999),
    at(1_767_225_600, 1),
    Instant::ZERO,
    Instant::MAX,
    Instant::MIN,
];

const fn at(seconds: i64, nanoseconds: u32) -> Instant {
    match Instant::new(seconds, nanoseconds) {
        Some(instant) => instant,
        None => Instant::UNIX_EPOCH,
    }
}

fn plain_ids() -> &'static [RawId] {
    static IDS: LazyLock<Vec<RawId>> =
        LazyLock::new(|| ["a", "b", "c", "d", "e"].into_iter().map(raw).collect());
    &IDS
}

/// Ids that collide, escape, hide or overflow where names become paths, and
/// some that are no ids at all.
#[must_use]
pub fn adversarial_ids() -> &'static [RawId] {
    static IDS: LazyLock<Vec<RawId>> = LazyLock::new(|| {
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let fixed = [
            "a",
            "b",
            "a/b",
            "a-b",
            "a.b",
            "A",
            "a/../b",
            "..",
            ".",
            "../a",
            "a//b",
            "/a",
            "a/",
            "./a",
            "/",
            "a.json",
            "a.json/b",
            "a.JSON",
            ".json",
            "a.json.json",
            "%2e",
            "%2E%2E",
            "a%2Fb",
            "%",
            "~",
            "~a",
            " a",
            "a ",
            "a.",
            "a..",
            "CON",
            ".hidden",
            ".tmp-1",
            ".storeproof.lock",
            "\u{e9}",
            "e\u{301}",
            "ユーザー",
            "\u{2028}",
            "\\",
            "a\\b",
            "\u{1}",
            "\u{7f}",
            "\n",
            "🙂",
            "id/a",
            hash,
            "",
            "a\0b",
        ];
        let long = [200, 201, 250, 300, 1_024, 1_025].map(|length| "x".repeat(length));
        let deep = ["a/".repeat(40) + "a", "é".repeat(125)];
        fixed.into_iter().map(raw).chain(long.iter().chain(&deep).map(|id| raw(id))).collect()
    });
    &IDS
}

fn raw(id: &str) -> RawId {
    RawId(Arc::from(id))
}
