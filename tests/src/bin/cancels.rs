//! Cancels calls at random points in simulation: `cancels [--count N] [--from SEED]`; then, over loopback, shows how
//! soon a server sees the close: `--closes N` (default 500).

use belvedere_tests::cancels::{Tally, cancel_one};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut count, mut from, mut closes) = (1_000_000, 0, 500);
    while let Some(arg) = args.next() {
        let mut number = || args.next().ok_or(format!("{arg} needs a number"));
        match arg.as_str() {
            "--count" => count = number()?.parse()?,
            "--from" => from = number()?.parse()?,
            "--closes" => closes = number()?.parse()?,
            _ => return Err("usage: cancels [--count N] [--from SEED] [--closes N]".into()),
        }
    }
    let mut tally = Tally::default();
    for seed in from..from + count {
        let (by, place) = cancel_one(seed).map_err(|what| format!("seed {seed}: {what}"))?;
        tally.add(by, place);
    }
    println!("{count} calls cancelled, from seed {from}; nothing was left of any\n\n{tally}");
    let times = belvedere_tests::closes(closes)?;
    let at = |percent: usize| {
        times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    };
    println!("{closes} calls cancelled over loopback; the server saw the close after");
    println!("{:?} (p50), {:?} (p99), {:?} (most)", at(50), at(99), at(100));
    Ok(())
}
