//! Runs every scenario of `tests/scenarios` as a test of its own.
//!
//! With `BELVEDERE_RECORD=1` it writes what really came out into the files instead, for a person to read and commit.

use std::path::{Path, PathBuf};

use belvedere_tests::{Scenario, run, run_and_record};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(e) => {
            eprintln!("{}: {e}", folder.display());
            std::process::exit(1);
        }
    };
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let record = std::env::var_os("BELVEDERE_RECORD").is_some();
    let trials = files.into_iter().map(|file| trial(file, record)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(file: PathBuf, record: bool) -> Trial {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Trial::test(name, move || check(&file, record))
}

fn check(file: &Path, record: bool) -> Result<(), Failed> {
    let text = std::fs::read_to_string(file)?;
    let scenario: Scenario = serde_json::from_str(&text)?;
    if record {
        let actual = run_and_record(&scenario)?;
        std::fs::write(file, serde_json::to_string_pretty(&actual)? + "\n")?;
        return Ok(());
    }
    run(&scenario).map_err(Failed::from)
}
