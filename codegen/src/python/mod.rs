//! The generated part of the package `belvedere` for Python: typed layers, providers and sections of the
//! configuration, and the exceptions.

mod advice;
mod class;
mod errors;
mod literal;
mod module;
mod names;
mod schema;
mod text;

use std::fs;
use std::path::Path;

/// Where the files stand, below the repository's root.
const FOLDER: &str = "bindings-python/python/belvedere";

/// Writes all files, and says how many.
///
/// # Errors
/// When one can't be made or written.
pub(crate) fn write(root: &Path) -> Result<String, String> {
    let files = files()?;
    for (name, text) in &files {
        let path = root.join(FOLDER).join(name);
        fs::write(&path, text).map_err(|e| format!("{FOLDER}/{name}: {e}"))?;
    }
    let lines: usize = files.iter().map(|(_, text)| text.lines().count()).sum();
    Ok(format!("{FOLDER}: {} files, {lines} lines", files.len()))
}

/// Checks that the files are those that would be written.
///
/// # Errors
/// The names of those that are not.
pub(crate) fn check(root: &Path) -> Result<String, String> {
    let files = files()?;
    let stale: Vec<&str> = files
        .iter()
        .filter(|(name, text)| {
            fs::read_to_string(root.join(FOLDER).join(name)).map_or(true, |found| found != *text)
        })
        .map(|(name, _)| *name)
        .collect();
    if stale.is_empty() {
        Ok(format!("{FOLDER}: {} files are fresh", files.len()))
    } else {
        Err(format!("{FOLDER}: {} must be written anew: cargo xtask python", stale.join(", ")))
    }
}

/// Each file's name and text.
fn files() -> Result<Vec<(&'static str, String)>, String> {
    let schema = belvedere::registry().schema();
    let mut files = vec![
        ("config.py", module::config(&schema)?),
        ("errors.py", errors::module()),
        ("layers.py", module::layers(&schema)?),
        ("providers.py", module::providers(&schema)?),
    ];
    files.extend(module::stores(&schema)?.map(|text| ("stores.py", text)));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_what_would_be_written() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        check(&root).unwrap();
    }
}
