//! Recorded streams of all wires, broken at their events, and repaired.
//!
//! The recordings are not part of this repository. Where they are absent our own cassettes are broken instead. The
//! program `repair_report` breaks the streams at every event, in every way, and writes `docs/repair-report.md`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use belvedere_tests::{Places, Recording, Report, break_and_repair};

/// Places of each kind (inside text, inside a call's arguments, ...) that are broken here, of each stream and target.
const PLACES: usize = 2;

fn streams() -> Vec<Recording> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let index = home.join("../../shared/fixtures/providers/index.jsonl");
    if index.exists() {
        return Recording::listed(&index).unwrap();
    }
    println!("the recordings are absent: our own cassettes are broken");
    Recording::cassettes(&home.join("../providers/tests/cassettes")).unwrap()
}

#[test]
fn w2_what_breaks_is_repaired_without_a_splice() {
    let mut report = Report::default();
    streams().iter().for_each(|stream| report.add(break_and_repair(stream, Places::Few(PLACES))));
    println!("{}", report.page());
    assert_eq!(report.broken(), [""; 0], "laws were broken");
    let (runs, whole) = report.whole();
    assert!(whole * 100 >= runs * 99, "{whole} of {runs} runs ended as one valid answer");
}
