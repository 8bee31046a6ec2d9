//! Breaks every recorded stream at every event, repairs it, and writes what came of it:
//! `repair_report INDEX.jsonl [PAGE.md]`. Without a page it prints.

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use belvedere_tests::{Places, Recording, Report, break_and_repair};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let index = args.next().ok_or("usage: repair_report INDEX.jsonl [PAGE.md]")?;
    let streams = Recording::listed(Path::new(&index))?;
    let report = all(&streams);
    match args.next() {
        Some(page) => std::fs::write(page, report.page())?,
        None => println!("{}", report.page()),
    }
    let (runs, whole) = report.whole();
    println!("{whole} of {runs} runs ended as one valid answer");
    match report.broken() {
        [] => Ok(()),
        broken => Err(format!("laws were broken:\n{}", broken.join("\n")).into()),
    }
}

/// Every stream, on as many threads as there are processors.
fn all(streams: &[Recording]) -> Report {
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Report::default()));
    let work = || {
        while let Some(stream) = streams.get(next.fetch_add(1, Ordering::Relaxed)) {
            let report = break_and_repair(stream, Places::All);
            sum.lock().unwrap_or_else(PoisonError::into_inner).add(report);
            eprint!("\r{} of {} streams", next.load(Ordering::Relaxed).min(streams.len()), streams.len());
            let _ = std::io::stderr().flush();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    eprintln!();
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}
