//! The seeded executor: one thread, one client at a time, and a decision at
//! every scheduling point.

mod handle;
mod task;

use std::{future::Future, pin::Pin};

pub use self::handle::{Ended, MOST_STEPS, Sim, Step};
use self::task::Task;
use super::{
    clock::enter_client,
    schedule::{Decider, Point},
};

/// How a simulated run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Every client came to its end.
    Finished,
    /// Those left wait for each other.
    Deadlock,
    /// [`MOST_STEPS`] were made, and some go on.
    Endless,
}

/// A client's whole life, as a future.
pub type Client<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs the clients to their ends, interleaved as `decider` says, or until they
/// have made [`MOST_STEPS`].
///
/// A pure function of the clients and the decider: nothing else decides
/// anything.
pub fn run(sim: &Sim, clients: Vec<Client<'_>>, decider: &mut Decider) -> End {
    sim.allow(MOST_STEPS);
    let end = run_bounded(sim, clients, decider);
    if end != End::Endless {
        sim.allow_all();
    }
    end
}

fn run_bounded(sim: &Sim, clients: Vec<Client<'_>>, decider: &mut Decider) -> End {
    let mut tasks: Vec<Task<'_>> = clients.into_iter().map(Task::new).collect();
    let mut alive = tasks.len();
    sim.start(alive);
    let mut runnable: Vec<usize> = (0..tasks.len()).collect();
    let start = Point { client: 0, operation: 0, step: "start", occurrence: 0 };
    let mut current = if alive > 1 { decider.decide(start, &runnable) } else { 0 };
    while let Some(task) = tasks.get_mut(current) {
        enter_client(current);
        let otherwise = if task.poll() { "blocked" } else { "end" };
        let adopted = sim.adopt(&mut tasks);
        alive += adopted;
        if otherwise == "end" {
            alive -= 1;
        }
        if otherwise == "end" || adopted > 0 {
            sim.set_alive(alive);
            if alive == 0 {
                return End::Finished;
            }
        }
        let point = sim.point(current, otherwise);
        if point.step == "blocked"
            && otherwise == "blocked"
            && let Some(task) = tasks.get_mut(current)
        {
            task.blocked = true;
            // It may wake itself for ever.
            sim.count();
        }
        if sim.is_spent() {
            sim.abandon(tasks);
            return End::Endless;
        }
        runnable.clear();
        runnable
            .extend(tasks.iter_mut().enumerate().filter_map(|(k, t)| t.is_runnable().then_some(k)));
        if runnable.is_empty() {
            sim.abandon(tasks);
            return End::Deadlock;
        }
        current = decider.decide(point, &runnable);
    }
    End::Finished
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, task::Poll};

    use super::{Client, End, Sim, run};
    use crate::sim::{
        schedule::{Decider, Schedule},
        single::run_alone,
    };

    fn trace(schedule: &Schedule) -> (Vec<(usize, u32)>, Decider) {
        let sim = Sim::default();
        let log = RefCell::new(Vec::new());
        let client = |number: usize| -> Client<'_> {
            let (sim, log) = (&sim, &log);
            Box::pin(async move {
                for step in 0..3 {
                    sim.begin(number, step as usize);
                    sim.step("begin").await;
                    log.borrow_mut().push((number, step));
                }
            })
        };
        let mut decider = Decider::new(schedule);
        let clients = vec![client(0), client(1), client(2)];
        assert_eq!(run(&sim, clients, &mut decider), End::Finished);
        (log.into_inner(), decider)
    }

    #[test]
    fn without_preemptions_clients_run_one_after_the_other() {
        let (log, _) = trace(&Schedule::default());
        let expected: Vec<_> = (0..3).flat_map(|client| (0..3).map(move |n| (client, n))).collect();
        assert_eq!(log, expected);
    }

    #[test]
    fn a_random_schedule_replays_from_its_preemptions() {
        let mut differing = 0;
        for seed in 0..50 {
            let (log, decider) = trace(&Schedule::Random { seed, one_in: 2 });
            let (again, _) = trace(&Schedule::Random { seed, one_in: 2 });
            assert_eq!(log, again, "seed {seed} gave two runs");
            let (replayed, replay) = trace(&Schedule::Preemptions(decider.into_taken()));
            assert_eq!(log, replayed, "seed {seed} did not replay");
            assert_eq!(replay.stale(), 0, "seed {seed} has stale preemptions");
            differing += usize::from(log != trace(&Schedule::default()).0);
        }
        assert!(differing > 40, "only {differing} of 50 random schedules interleaved anything");
    }

    #[test]
    fn clients_that_go_on_for_ever_are_stopped() {
        for clients in [1, 2] {
            for schedule in [Schedule::default(), Schedule::Random { seed: 1, one_in: 2 }] {
                let sim = Sim::default();
                let spinning = || -> Client<'_> {
                    Box::pin(async {
                        loop {
                            sim.step("again").await;
                        }
                    })
                };
                let mut decider = Decider::new(&schedule);
                let all = (0..clients).map(|_| spinning()).collect();
                assert_eq!(run(&sim, all, &mut decider), End::Endless, "{clients} clients");
                assert!(sim.is_spent());
            }
        }
        let sim = Sim::default();
        let waking: Client<'_> = Box::pin(std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        let mut decider = Decider::new(&Schedule::default());
        assert_eq!(run(&sim, vec![waking], &mut decider), End::Endless, "it wakes itself");
    }

    #[test]
    fn who_has_made_all_steps_waits_also_when_alone() {
        let sim = Sim::default();
        let sim = &sim;
        let make = |count: u64| async move {
            for _ in 0..count {
                sim.step("again").await;
            }
        };
        assert_eq!(run_alone(0, make(10)), Some(()), "nothing is bounded yet");
        sim.allow(10);
        assert_eq!(run_alone(0, make(10)), Some(()));
        assert_eq!(run_alone(0, make(1)), None);
        assert!(sim.is_spent());
    }

    #[test]
    fn clients_that_wait_for_nobody_are_a_deadlock() {
        let sim = Sim::default();
        let stuck: Client<'_> = Box::pin(std::future::poll_fn(|_| Poll::<()>::Pending));
        let mut decider = Decider::new(&Schedule::default());
        assert_eq!(run(&sim, vec![stuck], &mut decider), End::Deadlock);
    }
}
