//! Writes what is made from something else: the typed faces of other languages from the schema of the configuration and the
//! error table, and the vocabularies that tokens are counted with.

mod python;
mod vocabularies;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: belvedere-codegen python [--check] | vocabularies";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["python"] => python::write(&root()),
        ["python", "--check"] => python::check(&root()),
        ["vocabularies"] => vocabularies::write(&root()),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("belvedere-codegen: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root.
fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
