//! What is run by hand: advisories, fuzzing, benchmarks.

use std::process::Command;

use crate::command::{Tally, cargo, program, root, stream};
use crate::steps::VERSUS;
use crate::{steps, tools};

/// The checks of `cargo xtask test`, with the build output in the cache instead of the clone.
pub(crate) fn ci(arguments: &[String]) -> Result<bool, String> {
    let xtask = std::env::current_exe().map_err(|e| format!("this program's own path: {e}"))?;
    let mut command = program(xtask, &["test"]);
    command.args(arguments).env("CARGO_TARGET_DIR", tools::cache()?.join("target"));
    Ok(command.status().map_err(|e| format!("cargo xtask test: {e}"))?.success())
}

/// Licences, bans and sources; with `--advisories` also known vulnerabilities, from a database on the network.
pub(crate) fn deny(arguments: &[String]) -> Result<bool, String> {
    match arguments {
        [] => steps::run(&["deny"]),
        [flag] if flag == "--advisories" => {
            let checks = ["--all-features", "check", "licenses", "bans", "sources", "advisories"];
            Ok(run(&mut program(tools::cargo_deny()?, &checks)))
        }
        [other, ..] => Err(format!("unknown argument `{other}`; known: --advisories")),
    }
}

/// Runs each fuzz target, or those named, for some seconds.
pub(crate) fn fuzz(arguments: &[String]) -> Result<bool, String> {
    let (mut seconds, mut chosen) = (60_u32, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let number = rest.next().and_then(|n| n.parse().ok());
            seconds = number.ok_or("--seconds needs a whole number")?;
        } else {
            chosen.push(argument.as_str());
        }
    }
    let folder = root().join("fuzz");
    let manifest = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).map_err(|e| format!("{}: {e}", manifest.display()))?;
    let known = targets(&text);
    if let Some(unknown) = chosen.iter().find(|name| !known.contains(name)) {
        return Err(format!("unknown fuzz target `{unknown}`; known: {}", known.join(", ")));
    }
    let mut all_well = true;
    for target in if chosen.is_empty() { known } else { chosen } {
        let corpus = folder.join("corpus").join(target);
        std::fs::create_dir_all(&corpus).map_err(|e| format!("{}: {e}", corpus.display()))?;
        all_well &= run(&mut campaign(target, seconds));
    }
    Ok(all_well)
}

/// Fuzzes one target: what it finds goes into the first folder, the seeds are only read.
fn campaign(target: &str, seconds: u32) -> Command {
    let mut command = program("rustup", &["run", "nightly", "cargo", "fuzz", "run", target]);
    command.args([format!("corpus/{target}"), format!("seeds/{target}")]);
    command.args(["--", &format!("-max_total_time={seconds}")]).current_dir(root().join("fuzz"));
    command
}

/// The names of the binaries a manifest declares.
fn targets(manifest: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_binary = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_binary = line.trim() == "[[bin]]";
        } else if let Some((key, value)) = line.split_once('=')
            && in_binary
            && key.trim() == "name"
        {
            found.push(value.trim().trim_matches('"'));
        }
    }
    found
}

/// The benchmarks; further arguments go to `cargo bench`.
pub(crate) fn bench(arguments: &[String]) -> Result<bool, String> {
    Ok(run(cargo(&["bench", "--workspace", VERSUS, "--all-features"]).args(arguments)))
}

fn run(command: &mut Command) -> bool {
    match stream(command, &mut Tally::default()) {
        Ok(()) => true,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_targets_are_the_binaries_of_the_manifest() {
        let manifest = "[package]\nname = \"fuzz\"\n\n[[bin]]\nname = \"sse\"\npath = \"sse.rs\"\n\n[[bin]]\nname = \"config\"\n\n[profile.release]\nname = \"x\"\n";
        assert_eq!(targets(manifest), ["sse", "config"]);
    }

    #[test]
    fn a_campaign_keeps_its_corpus_and_starts_from_seeds() {
        let command = campaign("framer", 5);
        let arguments: Vec<_> = command.get_args().filter_map(|a| a.to_str()).collect();
        let line = "run nightly cargo fuzz run framer corpus/framer seeds/framer -- -max_total_time=5";
        assert_eq!(arguments.join(" "), line);
        let folder = command.get_current_dir().unwrap();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for target in targets(&manifest) {
            assert!(folder.join("seeds").join(target).is_dir(), "{target} has seeds");
        }
    }
}
