//! What is looked at while others write is one moment's state.

use std::sync::{Arc, Mutex};

use storeproof::{
    backend::file::survey::{Watch, survey},
    seam::Write,
    sim::{
        disk::{SimDisk, SimFs},
        executor::{Client, End, Sim, run},
        schedule::{Decider, Schedule},
    },
};

use crate::file_backend::{open, record, things};

/// A writer changes two records at once, time and again; a look in between sees
/// both at one value, whatever the schedule.
#[test]
fn a_survey_sees_commits_wholly_or_not_at_all() {
    let mut seen_between = 0;
    for seed in 0..400 {
        let sim = Sim::default();
        let fs = SimFs::new(SimDisk::new(), sim.clone());
        let collection = open(&fs, things());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let writer = async {
            for value in ["1", "2", "3"] {
                let writes = vec![Write::put(record("a", value)), Write::put(record("d/b", value))];
                collection.commit(writes).await.unwrap();
            }
        };
        let looker = {
            let (fs, seen) = (fs.clone(), Arc::clone(&seen));
            async move {
                for _ in 0..3 {
                    let watch: Watch = Arc::new(|_| true);
                    let found = survey(&fs, things(), watch).await.unwrap();
                    let values: Vec<String> = found
                        .records
                        .iter()
                        .map(|file| {
                            file.stored.content.as_ref().unwrap().data.to_text_lossy().into()
                        })
                        .collect();
                    seen.lock().unwrap().push(values);
                }
            }
        };
        let clients: Vec<Client<'_>> = vec![Box::pin(writer), Box::pin(looker)];
        let mut decider = Decider::new(&Schedule::Random { seed, one_in: 3 });
        assert!(matches!(run(&sim, clients, &mut decider), End::Finished), "seed {seed}");
        for values in seen.lock().unwrap().iter() {
            match values.as_slice() {
                [] => {}
                [a, b] if a == b => seen_between += usize::from(a != "3"),
                torn => panic!("seed {seed}: a commit was seen by halves: {torn:?}"),
            }
        }
    }
    assert!(seen_between > 20, "only {seen_between} looks were taken between two commits");
}
