use super::*;
use crate::model::testing::run_many;

#[test]
fn agrees_with_the_store_on_memory_and_reaches_every_required_outcome() {
    run_many::<SessionsSubject>(3_000);
}
