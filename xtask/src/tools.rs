//! The tools the checks need beside cargo: found, or installed into the cache.

use std::path::{Path, PathBuf};

use crate::command::{Tally, cargo, output, program, root, stream};

/// The wasm target all browser checks use.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// A folder outside the clone for tools and build output.
///
/// # Errors
/// When neither `BELVEDERE_CACHE` nor a home folder is known.
pub(crate) fn cache() -> Result<PathBuf, String> {
    if let Some(cache) = std::env::var_os("BELVEDERE_CACHE") {
        return Ok(cache.into());
    }
    let home = std::env::home_dir().ok_or("no home folder: set BELVEDERE_CACHE to a folder for tools")?;
    Ok(home.join(".cache").join("belvedere"))
}

/// `cargo-deny`, of the version its configuration is written for.
pub(crate) fn cargo_deny() -> Result<PathBuf, String> {
    installed("cargo-deny", "cargo-deny", "0.20")
}

/// The runner of wasm tests. It must have exactly the version of the crate in `Cargo.lock`.
pub(crate) fn wasm_test_runner() -> Result<PathBuf, String> {
    let lock = root().join("Cargo.lock");
    let text = std::fs::read_to_string(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    let version = locked(&text, "wasm-bindgen").ok_or("Cargo.lock names no wasm-bindgen")?;
    installed("wasm-bindgen-cli", "wasm-bindgen-test-runner", version)
}

/// Node, which runs the wasm tests.
pub(crate) fn node() -> Result<(), String> {
    match output(&mut program("node", &["--version"])) {
        Ok(_) => Ok(()),
        Err(_) => Err("node is missing: install Node.js 18 or newer (Debian: apt-get install nodejs)".into()),
    }
}

/// The wasm target of the toolchain in use; added when it is missing.
pub(crate) fn wasm_target() -> Result<(), String> {
    let missing = |e| format!("the target {WASM} is needed, and rustup adds it: {e}");
    let targets = output(&mut program("rustup", &["target", "list", "--installed"])).map_err(missing)?;
    if targets.lines().any(|target| target.trim() == WASM) {
        return Ok(());
    }
    stream(&mut program("rustup", &["target", "add", WASM]), &mut Tally::default()).map_err(missing)
}

/// A binary of `package` at `version`: the one on the path, the cached one, or a freshly installed one.
fn installed(package: &str, binary: &str, version: &str) -> Result<PathBuf, String> {
    let tools = cache()?.join("tools");
    let cached = tools.join("bin").join(format!("{binary}{}", std::env::consts::EXE_SUFFIX));
    for candidate in [Path::new(binary), &cached] {
        let said = output(&mut program(candidate, &["--version"])).unwrap_or_default();
        if said.split_whitespace().last().is_some_and(|found| is_version(found, version)) {
            return Ok(candidate.to_path_buf());
        }
    }
    println!("    installing {package} {version} into {}", tools.display());
    // A lock file may name a version that the registry in use lacks: then the newest fitting ones do.
    install(package, version, &tools, true)
        .or_else(|_| install(package, version, &tools, false))
        .map_err(|e| format!("{package} {version} can't be installed: {e}"))?;
    Ok(cached)
}

/// Optimising a tool that runs for a second costs minutes; so it is built without.
fn install(package: &str, version: &str, tools: &Path, locked: bool) -> Result<(), String> {
    let mut command = cargo(&["install", "--quiet", package, "--version"]);
    // Three numbers are one version, two are its newest fix.
    let exact = version.split('.').count() == 3;
    command.arg(if exact { format!("={version}") } else { format!("~{version}") });
    command.arg("--root").arg(tools).args(locked.then_some("--locked"));
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
    command.env_remove("CARGO_TARGET_DIR");
    stream(&mut command, &mut Tally::default())
}

fn is_version(found: &str, wanted: &str) -> bool {
    found.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The version a lock file holds a package at.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_take_any_fix_and_three_are_exact() {
        assert!(is_version("0.20.2", "0.20"));
        assert!(is_version("0.2.130", "0.2.130"));
        assert!(!is_version("0.2.13", "0.2.130"));
        assert!(!is_version("0.200.1", "0.20"));
    }

    #[test]
    fn the_locked_version_is_the_packages_own() {
        let lock = "[[package]]\nname = \"wasm-bindgen-test\"\nversion = \"0.3.80\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked(lock, "other"), None);
    }
}
