//! Each feature alone: a feature that only builds beside others is a build error waiting for its user.

use std::fs;

use crate::command::{Tally, cargo, root, stream};

/// The packages whose features users choose, and the folder of each.
const PACKAGES: [(&str, &str); 4] = [
    ("belvedere", "."),
    ("belvedere-core", "core"),
    ("belvedere-providers", "providers"),
    ("belvedere-middleware", "middleware"),
];

/// Checks every package without features, and with each feature alone; a warning is a failure. Names all that fail.
pub(crate) fn check(tally: &mut Tally) -> Result<(), String> {
    let mut failed = Vec::new();
    for (package, folder) in PACKAGES {
        let manifest = root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(|e| format!("{}: {e}", manifest.display()))?;
        // Clippy, because cargo itself can't yet make warnings errors without building every dependency again.
        let alone = ["clippy", "--quiet", "--no-deps", "-p", package, "--no-default-features"];
        let strict = ["--", "-D", "warnings"];
        if stream(cargo(&alone).args(strict), tally).is_err() {
            failed.push(format!("{package} without features"));
        }
        for feature in names(&text) {
            if stream(cargo(&alone).args(["--features", feature]).args(strict), tally).is_err() {
                failed.push(format!("{package} with `{feature}` alone"));
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("not clean: {}", failed.join(", "))) }
}

/// The features a manifest declares, `default` left out.
fn names(manifest: &str) -> Vec<&str> {
    let section = manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim())
        .filter(|name| !name.starts_with('#') && *name != "default")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read_from_their_section_only() {
        let manifest = "[package]\nname = \"x\"\n\n[features]\ndefault = [\"a\"]\n# b = none\na = []\nc-d = [\"dep:e\"]\n\n[dependencies]\ne = \"1\"\n";
        assert_eq!(names(manifest), ["a", "c-d"]);
    }
}
