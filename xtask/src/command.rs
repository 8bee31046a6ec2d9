//! Running other programs: their output streams through, and test results are counted on the way.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tests as the runners count them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; ...`, which all our runners print.
    fn of_line(line: &str) -> Option<Tally> {
        let (_, counts) = line.split_once("test result: ")?.1.split_once(". ")?;
        let mut tally = Tally::default();
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (words.next().and_then(|n| n.parse().ok()), words.next()) else {
                continue;
            };
            match what {
                "passed" => tally.passed = count,
                "failed" => tally.failed = count,
                "ignored" => tally.ignored = count,
                _ => {}
            }
        }
        Some(tally)
    }
}

/// The repository's root: that of the clone this was called in, which may not be the one it was built in.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// A program, to be run at the repository's root.
///
/// What `cargo run` told this process about its own package is taken away: build scripts that watch those
/// variables would run again each time a build moves between `cargo` and `cargo xtask`.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    for (key, _) in std::env::vars_os() {
        let key_text = key.to_string_lossy();
        if key_text.starts_with("CARGO_PKG_") || key_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// Cargo, with the toolchain that runs this.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// Runs a command, shows what it says, and counts tests.
///
/// # Errors
/// The command line and how it ended. The tally is in both cases what was counted until then.
pub(crate) fn stream(command: &mut Command, tally: &mut Tally) -> Result<(), String> {
    println!("    $ {}", shown(command));
    stream_to(&mut std::io::stdout(), command, tally)
}

fn stream_to(out: &mut dyn Write, command: &mut Command, tally: &mut Tally) -> Result<(), String> {
    let line = shown(command);
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("`{line}`: {e}"))?;
    if let Some(stdout) = child.stdout.take() {
        for read in BufReader::new(stdout).split(b'\n') {
            let bytes = read.map_err(|e| format!("`{line}`: {e}"))?;
            if let Some(found) = std::str::from_utf8(&bytes).ok().and_then(Tally::of_line) {
                tally.add(found);
            }
            // A closed terminal is no reason to stop counting.
            let _ = out.write_all(&bytes).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
        }
    }
    let status = child.wait().map_err(|e| format!("`{line}`: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` ended with {status}")) }
}

/// Runs a command and gives what it wrote.
///
/// # Errors
/// The command line, how it ended, and what it said on its error output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let line = shown(command);
    let output = command.output().map_err(|e| format!("`{line}`: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{line}` ended with {}: {}", output.status, said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command line as one would type it: the program by its name, added variables first.
fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_stem().unwrap_or_default().to_string_lossy();
    // A path is long, and says little.
    let variables = command.get_envs().filter(|(key, _)| *key != "PATH").filter_map(|(key, value)| {
        Some(format!("{}={}", key.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    let arguments = command.get_args().map(|a| quoted(&a.to_string_lossy()));
    variables.chain([name.into_owned()]).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> String {
    if text.contains(char::is_whitespace) { format!("'{text}'") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_of_the_runners_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.1s";
        assert_eq!(Tally::of_line(line), Some(Tally { passed: 12, failed: 3, ignored: 1 }));
        assert_eq!(Tally::of_line("test result_is_read ... ok"), None);
        let mut sum = Tally { passed: 1, failed: 0, ignored: 0 };
        sum.add(Tally { passed: 2, failed: 3, ignored: 4 });
        assert_eq!(sum, Tally { passed: 3, failed: 3, ignored: 4 });
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/somewhere/bin/cargo");
        command.args(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings").env_remove("OTHER");
        assert_eq!(shown(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[cfg(unix)]
    #[test]
    fn what_a_program_prints_is_counted_whether_it_fails_or_not() {
        let (mut tally, mut out) = (Tally::default(), Vec::new());
        let script = "echo 'test result: FAILED. 1 passed; 2 failed; 0 ignored'; exit 3";
        let error = stream_to(&mut out, &mut program("sh", &["-c", script]), &mut tally).unwrap_err();
        assert!(error.ends_with("exit status: 3"), "{error}");
        assert_eq!(tally, Tally { passed: 1, failed: 2, ignored: 0 });
        assert_eq!(out, b"test result: FAILED. 1 passed; 2 failed; 0 ignored\n");
    }
}
