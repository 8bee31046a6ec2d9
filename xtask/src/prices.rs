//! The refresh of the table of prices that the crates ship.

use std::path::PathBuf;

use crate::command::{cargo, root};

const TABLE: &str = "middleware/src/prices/table.txt";

/// `cargo xtask prices FILE`: writes the table anew. The file is described in `middleware/examples/price_table.rs`.
///
/// # Errors
/// When there is not exactly one argument, or the table can't be written.
pub(crate) fn command(arguments: &[String]) -> Result<bool, String> {
    let [file] = arguments else { return Err("prices needs one file of prices".to_owned()) };
    let file: PathBuf = std::path::absolute(file).map_err(|e| format!("{file}: {e}"))?;
    let mut command = cargo(&["run", "--quiet", "--package", "belvedere-middleware", "--features", "prices"]);
    let output = command
        .args(["--example", "price_table", "--"])
        .arg(file)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("cargo: {e}"))?;
    if !output.status.success() {
        return Ok(false);
    }
    let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    std::fs::write(root().join(TABLE), output.stdout).map_err(|e| format!("{TABLE}: {e}"))?;
    println!("{TABLE}: {lines} lines");
    Ok(true)
}
