//! Runs seeds of the simulation: `simulate [--seeds N] [--from S] [--threads N] [--report PATH]`, or
//! `simulate --replay S` for the whole log of one.
//!
//! The seeds that once failed (`tests/seeds.txt`) always run first. One seed in a hundred is run twice, with its log:
//! both logs must be equal. The exit code is 1 when a law was broken, or a cell of the coverage tables is empty where
//! enough seeds were run to fill it.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool of the project runs on the machine's own clock and threads"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use belvedere_tests::simulation::{self, Tally, checked, known_seeds};

/// From this many seeds on, every cell has to be covered.
const ENOUGH: u64 = 10_000;

/// A run stops here: more would say the same.
const TOO_MANY: usize = 20;

struct Arguments {
    seeds: u64,
    from: u64,
    threads: usize,
    replay: Option<u64>,
    report: Option<PathBuf>,
}

type Fault = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Fault> {
    let arguments = Arguments::read()?;
    match arguments.replay {
        Some(seed) => Ok(replay(seed)),
        None => simulate(&arguments),
    }
}

impl Arguments {
    fn read() -> Result<Self, Fault> {
        let threads = thread::available_parallelism().map_or(1, |n| n.get());
        let mut read = Arguments { seeds: 20_000, from: 0, threads, replay: None, report: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
            match arg.as_str() {
                "--seeds" => read.seeds = value.parse()?,
                "--from" => read.from = value.parse()?,
                "--threads" => read.threads = value.parse()?,
                "--replay" => read.replay = Some(value.parse()?),
                "--report" => read.report = Some(value.into()),
                _ => return Err(format!("unknown argument `{arg}`").into()),
            }
        }
        Ok(read)
    }
}

/// Prints the whole log of one seed.
fn replay(seed: u64) -> ExitCode {
    let run = simulation::run(seed, true);
    print!("{}", run.log);
    println!("{} steps, {:?} of virtual time, {} broken laws", run.steps, run.elapsed, run.breaches.len());
    if run.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn simulate(arguments: &Arguments) -> Result<ExitCode, Fault> {
    let began = Instant::now();
    let total = Mutex::new(Tally::default());
    let add = |tally| total.lock().unwrap_or_else(PoisonError::into_inner).join(tally);
    let mut known = Tally::default();
    known_seeds().for_each(|seed| checked(seed, &mut known));
    add(known);
    let (next, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let work = || work(arguments, &next, &add, &|| total.lock().map_or(0, |sum| sum.broken.len()));
        let workers: Vec<_> = (0..arguments.threads.max(1)).map(|_| scope.spawn(work)).collect();
        scope.spawn(|| show_progress(&next, arguments.seeds, began, &done));
        for worker in workers {
            // A worker that panics has broken a law that has no name: the panic is shown by its thread.
            if worker.join().is_err() {
                eprintln!("a worker panicked");
            }
        }
        done.store(true, Ordering::Release);
    });
    let tally = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    finish(arguments, &tally, began.elapsed())
}

/// Takes seeds in small lots until there are no more.
fn work(arguments: &Arguments, next: &AtomicU64, add: &dyn Fn(Tally), broken: &dyn Fn() -> usize) {
    const LOT: u64 = 64;
    while broken() < TOO_MANY {
        let first = next.fetch_add(LOT, Ordering::AcqRel);
        if first >= arguments.seeds {
            return;
        }
        let mut tally = Tally::default();
        for offset in first..arguments.seeds.min(first + LOT) {
            checked(arguments.from.wrapping_add(offset), &mut tally);
        }
        add(tally);
    }
}

/// A line a second.
fn show_progress(next: &AtomicU64, seeds: u64, began: Instant, done: &AtomicBool) {
    let mut shown = Instant::now();
    while !done.load(Ordering::Acquire) {
        thread::sleep(Duration::from_millis(20));
        if shown.elapsed() >= Duration::from_secs(1) {
            shown = Instant::now();
            let taken = next.load(Ordering::Acquire).min(seeds);
            eprintln!(
                "{taken} of {seeds} seeds, {:.0} a second",
                taken as f64 / began.elapsed().as_secs_f64()
            );
        }
    }
}

fn finish(arguments: &Arguments, tally: &Tally, took: Duration) -> Result<ExitCode, Fault> {
    for (seed, breach) in tally.broken.iter().take(TOO_MANY) {
        let run = simulation::run(*seed, true);
        let lines: Vec<&str> = run.log.lines().collect();
        println!("seed {seed}, step {}: {} is broken: {}", breach.step, breach.law, breach.what);
        lines.iter().skip(lines.len().saturating_sub(25)).for_each(|line| println!("    {line}"));
        println!("    replay: cargo xtask simulate --replay {seed}\n");
    }
    println!("{}", tally.tables());
    let rate = tally.runs as f64 / took.as_secs_f64();
    let pace = format!(
        "{:.1} s on {} threads, {rate:.0} seeds a second, from seed {}",
        took.as_secs_f64(),
        arguments.threads,
        arguments.from
    );
    println!("{}\n{pace}", tally.summary());
    let holes = tally.holes();
    let whole = tally.runs < ENOUGH || holes.is_empty();
    if !whole {
        println!("cells that no seed covered: {}", holes.join(", "));
    }
    if let Some(path) = &arguments.report {
        std::fs::write(path, report(tally, &pace, &holes))?;
        println!("report: {}", path.display());
    }
    Ok(if tally.broken.is_empty() && whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The report in Markdown.
fn report(tally: &Tally, pace: &str, holes: &[String]) -> String {
    let covered = match holes {
        [] => "Every cell that can be is covered.".to_owned(),
        holes => format!("Not covered: {}.", holes.join(", ")),
    };
    let broken: String =
        tally.broken.iter().map(|(seed, b)| format!("- seed {seed}: {}: {}\n", b.law, b.what)).collect();
    format!(
        "# Simulation report\n\nWritten by `cargo xtask simulate --report`; `docs/simulation.md` says what is simulated.\n\n\
         {}\n\n{pace}\n\n{broken}\n## Coverage\n\n{covered} A dash is a cell that can't be; the last column says why.\n\n{}",
        tally.summary(),
        tally.tables()
    )
}
