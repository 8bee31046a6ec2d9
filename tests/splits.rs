//! Law W1 over recorded streams: however the bytes are cut, frames and events are the same.
//!
//! The recordings are not part of this repository. Where they are absent our own cassettes are cut instead. The
//! program `splits` cuts at every pair of places, which takes minutes even when optimised.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use belvedere::entropy::Entropy;
use belvedere::testing::SeededEntropy;
use belvedere_tests::{Recording, Truth};

/// Streams up to this size are cut at each byte into the two whole pieces, in bytes.
const WHOLE: usize = 8 << 10;
/// In longer ones both pieces reach this far from the cut, in bytes: over some frames.
const REACH: usize = 2 << 10;
/// Where lines end otherwise, the ends are what matters: the pieces reach this far, in bytes.
const NEAR: usize = 128;
/// Pairs of cuts for each stream.
const PAIRS: u64 = 2000;
/// How many of them are decoded, too.
const DECODED: u64 = 20;

fn streams() -> Vec<Recording> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let index = home.join("../../shared/fixtures/providers/index.jsonl");
    if index.exists() {
        return Recording::listed(&index).unwrap();
    }
    println!("the recordings are absent: our own cassettes are cut");
    Recording::cassettes(&home.join("../providers/tests/cassettes")).unwrap()
}

#[test]
fn w1_every_cut_gives_the_same_frames() {
    let streams = streams();
    for stream in &streams {
        let reach = if stream.body.len() <= WHOLE { WHOLE } else { REACH };
        let checked = Truth::of(stream.framing, &stream.body).and_then(|truth| truth.check_every_cut(reach));
        assert_eq!(checked, Ok(()), "{}", stream.name);
    }
    println!(
        "{} cuts over {} streams",
        streams.iter().map(|s| s.body.len() + 1).sum::<usize>(),
        streams.len()
    );
}

#[test]
fn w1_two_cuts_give_the_same_frames_and_events() {
    let entropy = SeededEntropy::new(1);
    for stream in &streams() {
        let truth = Truth::of(stream.framing, &stream.body).unwrap();
        let place = || usize::try_from(entropy.next_u64()).unwrap() % (stream.body.len() + 1);
        let uncut = stream.decode(&[&stream.body]).unwrap();
        assert!(uncut.is_some(), "{}: its wire is not in this build", stream.name);
        for pair in 0..PAIRS {
            let (one, other) = (place(), place());
            let (i, j) = (one.min(other), one.max(other));
            assert_eq!(truth.check_two_cuts(i, j), Ok(()), "{}", stream.name);
            if pair < DECODED {
                let (front, back) = stream.body.split_at(j);
                let (front, middle) = front.split_at(i);
                let cut = stream.decode(&[front, middle, back]).unwrap();
                assert_eq!(cut, uncut, "{} cut at {i} and {j}", stream.name);
            }
        }
    }
}

#[test]
fn w1_lines_that_end_otherwise_give_the_same_frames_at_every_cut() {
    for stream in streams().iter().filter(|stream| stream.has_lines()) {
        let lf = stream.with_line_ends(b"\n");
        let truth = Truth::of(stream.framing, &lf).unwrap();
        for (name, end) in [("CRLF", &b"\r\n"[..]), ("CR", b"\r")] {
            let body = stream.with_line_ends(end);
            let other = Truth::of(stream.framing, &body).unwrap();
            assert!(other.has_the_frames_of(&truth), "{}, {name}", stream.name);
            assert_eq!(other.check_every_cut(NEAR), Ok(()), "{}, {name}", stream.name);
        }
    }
}
