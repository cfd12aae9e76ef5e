//! Rounds, medians, and the table.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How long to measure.
pub struct Effort {
    /// On how many threads.
    pub jobs: u64,
    /// How often each contender runs.
    pub rounds: usize,
    /// Whether the baselines run as well.
    pub baselines: bool,
    /// How long one run takes, about.
    pub round: Duration,
}

impl Effort {
    pub fn thorough() -> Self {
        Self { jobs: 2, rounds: 9, baselines: true, round: Duration::from_millis(400) }
    }

    pub fn quick(self) -> Self {
        Self { rounds: 3, round: Duration::from_millis(40), ..self }
    }
}

/// Does `count` units of work; `job` tells the threads apart, so that each can
/// do other ones.
pub type Work = Box<dyn Fn(u64, u64) + Sync>;

/// One who does the work.
pub struct Contender {
    /// With its version.
    pub name: String,
    pub work: Work,
}

impl Contender {
    pub fn new(name: impl Into<String>, work: impl Fn(u64, u64) + Sync + 'static) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }
}

/// A line of the table: ourselves and those to compare with.
pub struct Row {
    pub what: String,
    /// The unit of work, in the plural.
    pub unit: &'static str,
    pub goal: &'static str,
    pub ours: Contender,
    pub baselines: Vec<Contender>,
}

/// What came of the rounds of one contender.
struct Rate {
    /// Units in a second of the wall clock, on all threads.
    wall: f64,
    /// Units in a second of processor time: what one core does. Other programs
    /// on the machine hardly matter to it.
    core: f64,
}

fn run(contender: &Contender, jobs: u64, count: u64) -> (f64, f64) {
    let processor = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let (wall, core) = (Instant::now(), processor());
    std::thread::scope(|scope| {
        for job in 0..jobs {
            scope.spawn(move || (contender.work)(job, count));
        }
    });
    let units = (jobs * count) as f64;
    (units / wall.elapsed().as_secs_f64(), units / (processor() - core))
}

/// How many units a thread does in about that time.
fn calibrate(contender: &Contender, jobs: u64, round: Duration) -> u64 {
    // What is made only once is made now.
    run(contender, jobs, 1);
    let mut count = 1;
    loop {
        let (rate, _) = run(contender, jobs, count);
        let wanted = rate * round.as_secs_f64() / jobs as f64;
        if (count as f64) > wanted / 4.0 {
            return (wanted as u64).max(1);
        }
        count *= 8;
    }
}

fn rates(row: &Row, effort: &Effort) -> Vec<Rate> {
    let contenders: Vec<&Contender> = std::iter::once(&row.ours)
        .chain(row.baselines.iter().filter(|_| effort.baselines))
        .collect();
    let counts: Vec<u64> = contenders
        .iter()
        .map(|contender| calibrate(contender, effort.jobs, effort.round))
        .collect();
    let mut rounds = vec![Vec::new(); contenders.len()];
    for _ in 0..effort.rounds {
        for (place, contender) in contenders.iter().enumerate() {
            rounds[place].push(run(contender, effort.jobs, counts[place]));
        }
    }
    let rate = |rounds: &Vec<(f64, f64)>| Rate {
        wall: median(rounds.iter().map(|(wall, _)| *wall).collect()),
        core: median(rounds.iter().map(|(_, core)| *core).collect()),
    };
    rounds.iter().map(rate).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn print_header() {
    println!(
        "{:<36} {:<30} {:>11} {:>11} {:>9}  goal",
        "what", "by whom", "per second", "a core", "ours is"
    );
}

pub fn print(row: &Row, effort: &Effort) {
    let rates = rates(row, effort);
    let ours = &rates[0];
    let names = std::iter::once(&row.ours).chain(&row.baselines).map(|contender| &contender.name);
    for (place, (name, rate)) in names.zip(&rates).enumerate() {
        let what = if place == 0 { format!("{} ({})", row.what, row.unit) } else { String::new() };
        let ratio =
            if place == 0 { String::new() } else { format!("{:.2} x", ours.wall / rate.wall) };
        let goal = if place == 0 { row.goal } else { "" };
        println!(
            "{what:<36} {name:<30} {:>11} {:>11} {ratio:>9}  {goal}",
            number(rate.wall),
            number(rate.core)
        );
    }
}

/// With the thousands apart; a small one with decimals.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
