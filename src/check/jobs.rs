//! Work on several threads.

/// Does the work on so many threads, this one among them; on fewer where the system has no
/// more to give. `work` is the same for all: what is left to do it must ask for itself.
#[expect(clippy::disallowed_methods, reason = "jobs are threads")]
pub fn on_jobs(jobs: usize, work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            if std::thread::Builder::new().spawn_scoped(scope, &work).is_err() {
                break;
            }
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Barrier, Mutex},
        thread,
    };

    use super::on_jobs;

    #[test]
    fn each_job_has_a_thread_of_its_own() {
        for jobs in [1, 3] {
            let (threads, all_are_there) = (Mutex::new(BTreeSet::new()), Barrier::new(jobs));
            on_jobs(jobs, || {
                all_are_there.wait();
                threads.lock().unwrap().insert(format!("{:?}", thread::current().id()));
            });
            assert_eq!(threads.into_inner().unwrap().len(), jobs);
        }
    }
}
