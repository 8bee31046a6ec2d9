//! The simulation: seeds in release, on all cores.

use crate::command::{Tally, cargo, stream};

/// How many seeds `cargo xtask test` runs.
const SEEDS: &str = "20000";

/// Runs the simulation with these arguments.
///
/// # Errors
/// When a law was broken, a cell of the coverage tables stayed empty, or it could not be run.
fn simulate(arguments: &[&str], tally: &mut Tally) -> Result<(), String> {
    let mut line =
        vec!["run", "--quiet", "--release", "--package", "belvedere-tests", "--bin", "simulate", "--"];
    line.extend(arguments);
    stream(&mut cargo(&line), tally)
}

/// The step of `cargo xtask test`.
///
/// # Errors
/// As above.
pub(crate) fn step(tally: &mut Tally) -> Result<(), String> {
    simulate(&["--seeds", SEEDS, "--from", "0"], tally)
}

/// `cargo xtask simulate`. `Ok(false)`: it was run, and something is wrong.
///
/// # Errors
/// When an argument is unknown.
pub(crate) fn command(arguments: &[String]) -> Result<bool, String> {
    const KNOWN: [&str; 5] = ["--seeds", "--from", "--threads", "--replay", "--report"];
    if let Some(unknown) = arguments.iter().step_by(2).find(|argument| !KNOWN.contains(&argument.as_str())) {
        return Err(format!("unknown argument `{unknown}`; known: {}", KNOWN.join(", ")));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Ok(simulate(&arguments, &mut Tally::default()).inspect_err(|reason| eprintln!("{reason}")).is_ok())
}
