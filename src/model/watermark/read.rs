//! A reader of the watermark's JSON of the model's own.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, value::RawValue};

use super::operation::{DagData, OneOffData, StateData};
use crate::{model::members::Members, seam::Instant, store::instant_text::InstantText};

/// "Empty is `{"version":3,"lastTick":"0001-01-01T00:00:00Z","dags":{}}`."
pub(super) fn empty() -> StateData {
    StateData { last_tick: Instant::ZERO.into(), dags: BTreeMap::new(), unknown: Members::new() }
}

/// "The current version is 3; 0 (or none), 1 and 2 have the same fields, fewer
/// of them." "`load` of an older version is the same with version 3 and missing
/// instants zero." None for what can't be used.
pub(super) fn read(bytes: &[u8]) -> Option<StateData> {
    let mut object = Object::read(std::str::from_utf8(bytes).ok()?)?;
    if let Some(version) = object.take("version")
        && !(0..=3).contains(&version.as_i64()?)
    {
        return None;
    }
    let last_tick = object.instant("lastTick")?;
    let dags = object.objects("dags", dag)?.unwrap_or_default();
    Some(StateData { last_tick, dags, unknown: object.rest() })
}

fn dag(mut object: Object) -> Option<DagData> {
    Some(DagData {
        last_scheduled_time: object.instant("lastScheduledTime")?,
        start_schedule_fingerprint: object.text("startScheduleFingerprint")?,
        skip_success_reset_at: object.instant("skipSuccessResetAt")?,
        one_offs: object.objects("oneOffs", one_off)?,
        unknown: object.rest(),
    })
}

fn one_off(mut object: Object) -> Option<OneOffData> {
    Some(OneOffData {
        scheduled_time: object.instant("scheduledTime")?,
        status: object.text("status")?,
        unknown: object.rest(),
    })
}

/// The members that were not taken yet. A known one that is null is missing.
struct Object(BTreeMap<String, Box<RawValue>>);

impl Object {
    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// A member that is there and not null.
    fn take(&mut self, name: &str) -> Option<Value> {
        let raw = self.0.remove(name)?;
        let value = serde_json::from_str(raw.get()).unwrap_or(Value::Bool(false));
        (!matches!(value, Value::Null)).then_some(value)
    }

    /// `Some(None)`: it is missing; `None`: it is something else.
    fn text(&mut self, name: &str) -> Option<Option<Arc<str>>> {
        match self.take(name) {
            None => Some(None),
            Some(value) => value.as_str().map(|text| Some(Arc::from(text))),
        }
    }

    fn instant(&mut self, name: &str) -> Option<InstantText> {
        match self.text(name)? {
            None => Some(Instant::ZERO.into()),
            Some(text) => InstantText::parse(&text),
        }
    }

    fn objects<T>(
        &mut self,
        name: &str,
        read: impl Fn(Self) -> Option<T>,
    ) -> Option<Option<BTreeMap<Arc<str>, T>>> {
        let Some(raw) = self.0.remove(name).filter(|raw| raw.get() != "null") else {
            return Some(None);
        };
        let mut objects = BTreeMap::new();
        for (name, raw) in Self::read(raw.get())?.0 {
            if raw.get() != "null" {
                objects.insert(Arc::from(name), read(Self::read(raw.get())?)?);
            }
        }
        Some(Some(objects))
    }

    fn rest(self) -> Members {
        let members = self.0.into_iter();
        members.map(|(name, raw)| (Arc::from(name), Arc::from(raw.get()))).collect()
    }
}
