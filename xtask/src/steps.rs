//! The steps of `cargo xtask test`, in the order they run: what is quick and fails often comes first.

use std::time::Instant;

use crate::command::{Tally, cargo, program, stream};
use crate::report::{Outcome, Row, summary};
use crate::tools::WASM;
use crate::{architecture, clients, features, python, simulate, tools};

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&mut Tally) -> Result<(), String>,
}

/// The comparison with other clients builds them and what they stand on, C code included: `cargo bench -p
/// belvedere-versus` does, by itself.
pub(crate) const VERSUS: &str = "--exclude=belvedere-versus";

const STEPS: [Step; 14] = [
    Step { name: "format", what: "rustfmt would change nothing", run: format },
    Step { name: "architecture", what: "no dependency points the wrong way", run: architecture::check },
    Step { name: "lint", what: "clippy, all targets and features, warnings are errors", run: lint },
    Step { name: "test", what: "unit, integration and documentation tests, all features", run: test },
    Step {
        name: "simulate",
        what: "20,000 seeded runs of the whole stack break no law",
        run: simulate::step,
    },
    Step {
        name: "quickstart",
        what: "the front door opens: the example runs and ends well",
        run: quickstart,
    },
    Step {
        name: "clients",
        what: "the official Python and Node clients talk to the mock server",
        run: clients::check,
    },
    Step {
        name: "python",
        what: "the Python package: its tests, types, stubs and examples, in a fresh environment",
        run: python::check,
    },
    Step {
        name: "wheel",
        what: "pip builds the wheel from the sdist; its size, import and fixtures are as they should be",
        run: python::wheel,
    },
    Step { name: "docs", what: "rustdoc, warnings are errors", run: docs },
    Step { name: "features", what: "every feature alone builds, without a warning", run: features::check },
    Step { name: "wasm-check", what: "core, wires and layers build for the browser", run: wasm_check },
    Step { name: "wasm-test", what: "core's tests pass in Node", run: wasm_test },
    Step { name: "deny", what: "licences, duplicate and unknown sources of dependencies", run: deny },
];

/// Prints the names of the steps and what each is for.
pub(crate) fn list() {
    for step in &STEPS {
        println!("{:<14}{}", step.name, step.what);
    }
}

/// Runs all steps, or those named in `only`; goes on after a failure, so that one run tells everything.
///
/// # Errors
/// When `only` names a step that does not exist.
pub(crate) fn run(only: &[&str]) -> Result<bool, String> {
    if let Some(unknown) = only.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        let known: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("unknown step `{unknown}`; known: {}", known.join(", ")));
    }
    let mut rows = Vec::new();
    for step in &STEPS {
        let row = if only.is_empty() || only.contains(&step.name) {
            println!("==> {}: {}", step.name, step.what);
            let row = timed(step);
            println!("<== {}", row.line());
            row
        } else {
            let (took, tally) = (Default::default(), Tally::default());
            Row { name: step.name, outcome: Outcome::NotRun, took, tally }
        };
        rows.push(row);
    }
    println!("{}", summary(&rows));
    Ok(!rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_))))
}

#[expect(clippy::disallowed_methods, reason = "a development tool runs on the machine's own clock")]
fn timed(step: &Step) -> Row {
    let began = Instant::now();
    let mut tally = Tally::default();
    let outcome = match (step.run)(&mut tally) {
        Ok(()) => Outcome::Passed,
        Err(reason) => Outcome::Failed(reason),
    };
    Row { name: step.name, outcome, took: began.elapsed(), tally }
}

fn format(tally: &mut Tally) -> Result<(), String> {
    stream(&mut cargo(&["fmt", "--all", "--", "--check"]), tally)
}

fn lint(tally: &mut Tally) -> Result<(), String> {
    let arguments =
        ["clippy", "--workspace", VERSUS, "--all-targets", "--all-features", "--", "-D", "warnings"];
    stream(&mut cargo(&arguments), tally)
}

/// Examples are built here, too: `cargo test` compiles them.
fn test(tally: &mut Tally) -> Result<(), String> {
    stream(&mut cargo(&["test", "--workspace", VERSUS, "--all-features", "--no-fail-fast"]), tally)
}

fn quickstart(tally: &mut Tally) -> Result<(), String> {
    stream(&mut cargo(&["run", "--quiet", "--example", "quickstart"]), tally)
}

fn docs(tally: &mut Tally) -> Result<(), String> {
    let mut command = cargo(&["doc", "--workspace", "--all-features", "--no-deps"]);
    stream(command.env("RUSTDOCFLAGS", "-D warnings"), tally)
}

/// Package by package: together, one could lend another the feature it forgot to ask for.
fn wasm_check(tally: &mut Tally) -> Result<(), String> {
    tools::wasm_target()?;
    let packages = [
        ("belvedere-core", "yaml,toml,tower"),
        ("belvedere-providers", "openai,anthropic,responses,google,bedrock,ollama,cohere"),
        ("belvedere-middleware", "breaker,budget,choose,degrade,limit,repair,retry,route,throttle,timeout"),
    ];
    for (package, features) in packages {
        stream(&mut cargo(&["check", "-p", package, "--features", features, "--target", WASM]), tally)?;
    }
    Ok(())
}

fn wasm_test(tally: &mut Tally) -> Result<(), String> {
    tools::node()?;
    tools::wasm_target()?;
    let runner = tools::wasm_test_runner()?;
    let mut command = cargo(&["test", "-p", "belvedere-core", "--lib", "--all-features", "--target", WASM]);
    stream(command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner), tally)?;
    // A runner that finds nothing to run is content; we are not.
    if tally.passed == 0 { Err("no test ran in Node".into()) } else { Ok(()) }
}

fn deny(tally: &mut Tally) -> Result<(), String> {
    let checks = ["--all-features", "check", "licenses", "bans", "sources"];
    stream(&mut program(tools::cargo_deny()?, &checks), tally)
}
