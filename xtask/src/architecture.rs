//! The arrows between the packages, checked on what cargo really resolves; and a reason for every dependency.

use std::fs;

use crate::command::{Tally, cargo, output, root};

/// What a package, built with these features, must not reach.
struct Rule {
    package: &'static str,
    /// `None`: all features.
    features: Option<&'static str>,
    never: &'static [&'static str],
    /// Features of tokio it must not switch on.
    never_of_tokio: &'static [&'static str],
}

const RUNTIME: &[&str] = &["rt", "rt-multi-thread", "time", "net"];

const RULES: [Rule; 4] = [
    Rule {
        package: "belvedere-core",
        features: None,
        never: &["belvedere", "belvedere-providers", "belvedere-middleware", "reqwest", "hyper", "rustls"],
        never_of_tokio: RUNTIME,
    },
    Rule {
        package: "belvedere-providers",
        features: None,
        never: &["belvedere", "belvedere-middleware", "reqwest", "hyper", "rustls"],
        never_of_tokio: RUNTIME,
    },
    Rule {
        package: "belvedere-middleware",
        features: None,
        never: &["belvedere", "belvedere-providers"],
        never_of_tokio: &[],
    },
    // A layer without the native runtime stays fit for the browser.
    Rule {
        package: "belvedere-middleware",
        features: Some("breaker,repair,retry,throttle,timeout"),
        never: &["reqwest", "hyper", "rustls"],
        never_of_tokio: RUNTIME,
    },
];

/// Checks all rules, and names every arrow that points the wrong way and every dependency without a reason.
pub(crate) fn check(_: &mut Tally) -> Result<(), String> {
    let mut broken = Vec::new();
    for rule in &RULES {
        let format = ["tree", "--prefix", "none", "--format", "{p}|{f}", "-e", "normal", "--target", "all"];
        let mut tree = cargo(&format);
        tree.args(["-p", rule.package]);
        match rule.features {
            None => tree.arg("--all-features"),
            Some(features) => tree.args(["--no-default-features", "--features", features]),
        };
        broken.extend(violations(rule, &output(&mut tree)?));
    }
    println!("    {} rules, {} arrows the wrong way", RULES.len(), broken.len());
    let read = |path: &str| fs::read_to_string(root().join(path)).map_err(|e| format!("{path}: {e}"));
    let (manifest, reasons) = (read("Cargo.toml")?, read("docs/dependencies.md")?);
    broken.extend(unexplained(&manifest, &reasons));
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
}

/// Reads lines of `name vVERSION (path)|feature,feature`.
fn violations(rule: &Rule, tree: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in tree.lines() {
        let (package, features) = line.split_once('|').unwrap_or((line, ""));
        let name = package.split(' ').next().unwrap_or_default();
        if rule.never.contains(&name) {
            found.push(format!("{} depends on {name}", rule.package));
        }
        if name == "tokio" {
            let on = features.split(',').filter(|f| rule.never_of_tokio.contains(f));
            found.extend(on.map(|f| format!("{} switches on tokio's `{f}`", rule.package)));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The dependencies of the workspace that have no row in `docs/dependencies.md`.
fn unexplained(manifest: &str, reasons: &str) -> Vec<String> {
    let section = manifest.lines().skip_while(|line| line.trim() != "[workspace.dependencies]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim())
        .filter(|name| !name.starts_with('#') && !name.starts_with("belvedere"))
        .filter(|name| !reasons.lines().any(|line| line.starts_with(&format!("| {name} |"))))
        .map(|name| format!("docs/dependencies.md gives no reason for {name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_arrow_is_named_once() {
        let tree = "belvedere-core v0.1.0 (/x/core)|\nreqwest v0.13.5|http2\ntokio v1.54.1|default,rt,sync\nreqwest v0.13.5|http2";
        let found = violations(&RULES[0], tree);
        assert_eq!(found, ["belvedere-core depends on reqwest", "belvedere-core switches on tokio's `rt`"]);
    }

    #[test]
    fn a_package_may_be_what_it_is() {
        let tree = "belvedere-core v0.1.0 (/x/core)|\ntokio v1.54.1|sync\nbelvedere-core-like v1.0.0|";
        assert_eq!(violations(&RULES[0], tree), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_needs_a_reason() {
        let manifest = "[workspace.dependencies]\nbelvedere-core = { path = \"core\" }\nbytes = \"1\"\nrand = \"1\"\n\n[package]\nname = \"x\"\n";
        let found = unexplained(manifest, "| crate | why |\n| bytes | bodies |\n");
        assert_eq!(found, ["docs/dependencies.md gives no reason for rand"]);
    }
}
