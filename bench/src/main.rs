//! What the harness gets through in a second, each number beside a baseline
//! that is measured in the same run.
//!
//! `--quick` takes a few seconds and says little; `--ours` leaves the baselines
//! out, and `--exactly N` only does so many units of our work on one thread, for
//! profiling; `--only TEXT` measures the
//! rows whose name contains the text; `--jobs N` runs on so many threads
//! (2, as the goals say, if not given).

mod crash_images;
mod files;
mod hybrid;
mod interleavings;
mod linearizability;
mod measure;
mod sequential;

use measure::{Effort, Row};

fn main() {
    let mut effort = Effort::thorough();
    let mut only = String::new();
    let mut exactly = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| usage());
        match argument.as_str() {
            "--quick" => effort = effort.quick(),
            "--ours" => effort.baselines = false,
            "--exactly" => exactly = Some(value().parse().unwrap_or_else(|_| usage())),
            "--jobs" => effort.jobs = value().parse().unwrap_or_else(|_| usage()),
            "--only" => only = value(),
            _ => usage(),
        }
    }
    let rows: Vec<Row> = [
        sequential::rows(),
        interleavings::rows(),
        linearizability::rows(),
        crash_images::rows(),
        files::rows(),
        hybrid::rows(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let rows: Vec<Row> = rows.into_iter().filter(|row| row.what.contains(&only)).collect();
    if let Some(count) = exactly {
        rows.iter().for_each(|row| (row.ours.work)(0, count));
        return;
    }
    println!(
        "on {} threads, medians of {} rounds; every contender runs in every round\n",
        effort.jobs, effort.rounds
    );
    measure::print_header();
    for row in &rows {
        measure::print(row, &effort);
    }
}

fn usage() -> ! {
    eprintln!("usage: storeproof-bench [--quick] [--ours | --exactly N] [--jobs N] [--only TEXT]");
    std::process::exit(2)
}
