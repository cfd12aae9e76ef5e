//! Where a listing goes on.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{instant::Instant, record_id::RecordId};

/// An opaque place in a listing, as text that may be kept and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

/// The item after which a page begins. Ordered as listings are: damaged
/// records by id, then good ones by (`created_at`, id).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// After the damaged record of that id.
    Damaged(RecordId),
    /// After the record of that time of creation and id.
    Record(Instant, RecordId),
}

impl Cursor {
    /// A cursor that came from outside; [`Self::position`] says whether it is
    /// one of ours.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cursor for a position: `1.d.<id>` or `1.r.<seconds>.<nanoseconds>.<id>`,
    /// ids in unpadded URL-safe base64 (RFC 4648 §5).
    #[must_use]
    pub fn new(position: &Position) -> Self {
        match position {
            Position::Damaged(id) => Self(format!("1.d.{}", URL_SAFE_NO_PAD.encode(id.as_str()))),
            Position::Record(at, id) => Self(format!(
                "1.r.{}.{}.{}",
                at.seconds(),
                at.nanoseconds(),
                URL_SAFE_NO_PAD.encode(id.as_str())
            )),
        }
    }

    /// The position, or `None` when the text is not one that [`Self::new`]
    /// gives.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let mut parts = self.0.split('.');
        if parts.next()? != "1" {
            return None;
        }
        let position = match parts.next()? {
            "d" => Position::Damaged(decode_id(parts.next()?)?),
            "r" => {
                let at = Instant::new(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)?;
                Position::Record(at, decode_id(parts.next()?)?)
            }
            _ => return None,
        };
        // One text for one position: `+1` or `01` for a number is not ours.
        (parts.next().is_none() && Self::new(&position) == *self).then_some(position)
    }
}

fn decode_id(text: &str) -> Option<RecordId> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    RecordId::new(String::from_utf8(bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Position};
    use crate::seam::{Instant, RecordId};

    #[test]
    fn a_cursor_gives_back_its_position() {
        for id in ["a", "a.b/c", "\u{2028}", "%"] {
            let id = RecordId::new(id).unwrap();
            for position in [
                Position::Damaged(id.clone()),
                Position::Record(Instant::ZERO, id.clone()),
                Position::Record(Instant::MAX, id),
            ] {
                assert_eq!(Cursor::new(&position).position(), Some(position));
            }
        }
    }

    #[test]
    fn what_is_not_ours_has_no_position() {
        for text in [
            "",
            "1",
            "1.d",
            "1.d.",
            "2.d.YQ",
            "1.d.YQ.",
            "1.r.01.0.YQ",
            "1.r.0.YQ",
            "1.d.YR",
            "1.x.YQ",
            "x",
        ] {
            assert_eq!(Cursor::from_text(text).position(), None, "{text:?} was taken");
        }
    }
}
