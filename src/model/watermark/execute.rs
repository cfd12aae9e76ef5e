//! Calling a real watermark store.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    operation::{DagData, OneOffData, StateData, WatermarkOp},
    outcome::WatermarkSeen,
};
use crate::{
    model::members::from_document,
    store::watermark::{DagWatermark, OneOff, Watermark, Watermarks},
};

/// Does one call.
pub(super) async fn execute(store: &dyn Watermarks, op: &WatermarkOp) -> WatermarkSeen {
    let seen = match op {
        WatermarkOp::Load => store.load().await.map(|loaded| WatermarkSeen::State {
            state: Box::new(from_state(&loaded.state)),
            unusable: loaded.problem.is_some(),
        }),
        WatermarkOp::Save { state } => {
            store.save(state.payload().clone()).await.map(|()| WatermarkSeen::Done)
        }
    };
    seen.unwrap_or_else(|error| WatermarkSeen::failed(&error))
}

fn from_state(state: &Watermark) -> StateData {
    StateData {
        last_tick: state.last_tick.clone(),
        dags: each(&state.dags, from_dag),
        unknown: from_document(&state.unknown),
    }
}

fn from_dag(dag: &DagWatermark) -> DagData {
    DagData {
        last_scheduled_time: dag.last_scheduled_time.clone(),
        start_schedule_fingerprint: dag.start_schedule_fingerprint.as_deref().map(Arc::from),
        skip_success_reset_at: dag.skip_success_reset_at.clone(),
        one_offs: dag.one_offs.as_ref().map(|one_offs| each(one_offs, from_one_off)),
        unknown: from_document(&dag.unknown),
    }
}

fn from_one_off(run: &OneOff) -> OneOffData {
    OneOffData {
        scheduled_time: run.scheduled_time.clone(),
        status: run.status.as_deref().map(Arc::from),
        unknown: from_document(&run.unknown),
    }
}

fn each<T, U>(members: &BTreeMap<String, T>, from: impl Fn(&T) -> U) -> BTreeMap<Arc<str>, U> {
    members.iter().map(|(name, value)| (Arc::from(&**name), from(value))).collect()
}
