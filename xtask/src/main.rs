//! `cargo xtask`: the one place that knows how to set up and run everything.
//!
//! It has no dependencies, so that it builds in seconds. `cargo xtask --help` lists what it does.

mod architecture;
mod clients;
mod command;
mod extra;
mod features;
mod prices;
mod python;
mod report;
mod simulate;
mod steps;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  test [--only <step>]... [--list]   every check, in order; --list names the steps
  ci   [--only <step>]...            the same, with the build output outside the clone
  wasm                               the browser's target: check every package, run the tests in Node
  deny [--advisories]                licences, bans and sources; advisories need their database
  docs                               the documentation, warnings are errors
  fuzz [--seconds <n>] [target]...   each fuzz target for n seconds (default 60); needs nightly and cargo-fuzz
  bench [arguments]...               the benchmarks
  prices <file>                      writes the table of prices anew (docs/prices.md)
  python                             writes the generated modules of the Python package anew
  simulate [--seeds <n>] [--from <s>] [--report <path>]
                                     the simulation (default 20000 seeds from 0); --replay <s> shows one seed's log

Tools and CI output are kept in $BELVEDERE_CACHE (default ~/.cache/belvedere).";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Runs a command line. `Ok(false)`: something was run and failed; `Err`: it could not be run.
fn run(arguments: &[String]) -> Result<bool, String> {
    let Some((command, rest)) = arguments.split_first() else {
        println!("{HELP}");
        return Ok(false);
    };
    match command.as_str() {
        "test" => test(rest),
        "ci" => extra::ci(rest),
        "wasm" => {
            nothing_more(rest)?;
            steps::run(&["wasm-check", "wasm-test"])
        }
        "docs" => {
            nothing_more(rest)?;
            steps::run(&["docs"])
        }
        "deny" => extra::deny(rest),
        "fuzz" => extra::fuzz(rest),
        "bench" => extra::bench(rest),
        "prices" => prices::command(rest),
        "python" => python::command(rest),
        "simulate" => simulate::command(rest),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(true)
        }
        other => Err(format!("unknown command `{other}`\n\n{HELP}")),
    }
}

fn test(arguments: &[String]) -> Result<bool, String> {
    let mut only = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--list" => {
                steps::list();
                return Ok(true);
            }
            "--only" => only.push(rest.next().ok_or("--only needs the name of a step")?.as_str()),
            other => return Err(format!("unknown argument `{other}`\n\n{HELP}")),
        }
    }
    steps::run(&only)
}

fn nothing_more(arguments: &[String]) -> Result<(), String> {
    match arguments.first() {
        Some(argument) => Err(format!("unknown argument `{argument}`\n\n{HELP}")),
        None => Ok(()),
    }
}
