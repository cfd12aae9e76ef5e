use super::*;
use crate::{
    model::{
        divergence::Divergences,
        subject::{Operation, Verdict},
        testing::{moment, run_many},
    },
    seam::Instant,
};

fn model(text: &str) -> WatermarkModel {
    WatermarkModel { stored: Some(PayloadInput::new(text.as_bytes())) }
}

fn state(seconds: i64, unusable: bool) -> WatermarkSeen {
    let last_tick = Instant::ZERO.saturating_add_seconds(seconds).into();
    let state = StateData { last_tick, ..read::empty() };
    WatermarkSeen::State { state: Box::new(state), unusable }
}

fn accepts(model: &WatermarkModel, seen: &WatermarkSeen) -> bool {
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    WatermarkSubject::step(&mut model.clone(), &WatermarkOp::Load, seen, &moment).is_ok()
}

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<WatermarkSubject>(2_000);
}

#[test]
fn a_state_that_can_not_be_used_is_empty_and_that_is_said() {
    for text in [r#"{"version":4}"#, r#"{"version":3,"lastTick":1}"#, "null", "{"] {
        assert!(accepts(&model(text), &state(0, true)), "{text}");
        assert!(!accepts(&model(text), &state(0, false)), "{text}");
        assert!(!accepts(&model(text), &state(1, true)), "{text}");
    }
    for text in ["{}", r#"{"version":0}"#, r#"{"lastTick":"0001-01-01T09:00:00+09:00"}"#] {
        assert!(accepts(&model(text), &state(0, false)), "{text}");
        assert!(!accepts(&model(text), &state(0, true)), "{text}");
    }
    assert!(accepts(&WatermarkModel::default(), &state(0, false)));
    assert!(!accepts(&model(r#"{"lastTick":"0001-01-01T00:00:01Z"}"#), &state(0, false)));
    assert!(!accepts(&model(r#"{"x":1}"#), &state(0, false)), "what is unknown is kept");
}

#[test]
fn a_save_that_was_cut_off_may_have_set_aside_what_it_found() {
    let divergences = Divergences::default();
    let moment = moment(&divergences);
    let save = WatermarkOp::Save { state: PayloadInput::new(b"{}") };
    let unseen = |text| WatermarkSubject::outcomes_unseen(&model(text), &save, &moment);
    let steps = |text| WatermarkSubject::partial_steps(0, &model(text), &save, &moment);
    assert_eq!(unseen(r#"{"version":4}"#), [model("{}")]);
    assert_eq!(steps(r#"{"version":4}"#), [WatermarkModel::default()]);
    assert_eq!(
        (unseen(r#"{"version":2}"#), steps(r#"{"version":2}"#)),
        (vec![model("{}")], vec![])
    );
    assert_eq!(unseen("{}"), []);
}

#[test]
fn shrinking_a_call_ends() {
    let mut op = WatermarkOp::Save { state: PayloadInput::new(br#"{"version":1}"#) };
    let mut steps = 0;
    while let Some(next) = op.simpler().pop() {
        op = next;
        steps += 1;
        assert!(steps < 100, "shrinking goes round in circles at {}", op.describe());
    }
    assert_eq!(op.describe(), "save {}");
    assert_eq!(
        state(0, true).describe(),
        "last tick 0001-01-01T00:00:00Z; what is stored can't be used"
    );
}
