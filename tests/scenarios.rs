//! Runs every scenario of `tests/scenarios` as two tests: as it is written, and with the network cut into single
//! bytes.
//!
//! With `BELVEDERE_RECORD=1` it writes what really came out into the files instead, for a person to read and commit.

use std::path::{Path, PathBuf};

use belvedere_tests::{Scenario, run, run_and_record, run_in_single_bytes, text};
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
    let trials = match std::env::var_os("BELVEDERE_RECORD") {
        Some(_) => files.into_iter().map(|file| trial(file, "recorded", record)).collect(),
        None => {
            files.into_iter().flat_map(|file| [trial(file.clone(), "as written", check), cut(file)]).collect()
        }
    };
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(file: PathBuf, kind: &str, body: fn(&Path) -> Result<(), Failed>) -> Trial {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Trial::test(name, move || body(&file)).with_kind(kind)
}

fn cut(file: PathBuf) -> Trial {
    trial(file, "in single bytes", |file| run_in_single_bytes(&read(file)?).map_err(Failed::from))
}

fn check(file: &Path) -> Result<(), Failed> {
    run(&read(file)?).map_err(Failed::from)
}

fn record(file: &Path) -> Result<(), Failed> {
    let actual = run_and_record(&read(file)?)?;
    std::fs::write(file, text(&actual)?)?;
    Ok(())
}

fn read(file: &Path) -> Result<Scenario, Failed> {
    Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
}
