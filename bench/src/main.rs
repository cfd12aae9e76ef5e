//! What the harness gets through in a second, each number beside a baseline
//! that is measured in the same run.
//!
//! `--quick` takes a few seconds and says little; `--only TEXT` measures the
//! rows whose name contains the text; `--jobs N` runs on so many threads
//! (2, as the goals say, if not given).

mod interleavings;
mod linearizability;
mod measure;
mod sequential;

use measure::{Effort, Row};

fn main() {
    let mut effort = Effort::thorough();
    let mut only = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| usage());
        match argument.as_str() {
            "--quick" => effort = effort.quick(),
            "--jobs" => effort.jobs = value().parse().unwrap_or_else(|_| usage()),
            "--only" => only = value(),
            _ => usage(),
        }
    }
    let rows: Vec<Row> = [sequential::rows(), interleavings::rows(), linearizability::rows()]
        .into_iter()
        .flatten()
        .collect();
    println!(
        "on {} threads, medians of {} rounds; every contender runs in every round\n",
        effort.jobs, effort.rounds
    );
    measure::print_header();
    for row in rows.iter().filter(|row| row.what.contains(&only)) {
        measure::print(row, &effort);
    }
}

fn usage() -> ! {
    eprintln!("usage: storeproof-bench [--quick] [--jobs N] [--only TEXT]");
    std::process::exit(2)
}
