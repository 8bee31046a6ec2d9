//! Texts to count: recorded ones, and random ones of the kinds of characters that the encodings tell apart.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

/// Every text in the recordings that stand beside the checkout: requests, answers, articles, attacks. Empty when they are
/// not there.
pub(crate) fn recorded() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures");
    let mut texts = BTreeSet::new();
    for file in files(&folder) {
        match lines(&file) {
            Some(text) => {
                for row in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
                    strings(&row, &mut texts);
                }
            }
            // What is not in rows, such as a recorded stream, is one text.
            None => texts.extend(std::fs::read_to_string(&file)),
        }
    }
    texts
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn lines(file: &Path) -> Option<String> {
    match file.extension()?.to_str()? {
        "jsonl" => std::fs::read_to_string(file).ok(),
        "gz" => unpacked(file),
        _ => None,
    }
}

/// What `gzip` makes of a file; nothing where there is no such program.
fn unpacked(file: &Path) -> Option<String> {
    let output = std::process::Command::new("gzip").arg("-dc").arg(file).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

fn strings(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            texts.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, texts)),
        _ => {}
    }
}

/// Words and signs in any order.
pub(crate) fn random() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z]{1,12}",
        "[ \t\r\n]{1,5}",
        "[0-9]{1,8}",
        "[!-/:-@\\[-`{-~]{1,6}",
        "'(s|t|re|ve|m|ll|d|S|LL|x)",
        "\\p{L}{1,6}",
        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]{1,4}",
        "\\p{N}{1,4}",
        "\\p{Z}{1,3}",
        "[\\p{S}\\p{P}]{1,4}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}
