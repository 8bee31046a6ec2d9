//! The checks themselves: what is broken on purpose is found.

use std::path::Path;

use belvedere::event::Notice;
use belvedere::{Error, ErrorKind, Event};

use super::checks::{Ended, check};
use super::hosts::hosts;
use super::known::{Break, Inside, Known};
use super::run::{Fault, Got, Trial, run};
use crate::Recording;

/// A recorded answer of one text, in the middle of it.
fn text() -> (Known, Break) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../providers/tests/cassettes");
    let all = Recording::cassettes(&folder).unwrap();
    let recording = all.iter().find(|recording| recording.name == "text.sse").unwrap();
    let known = Known::new(recording, hosts(recording).swap_remove(0)).unwrap();
    let at = known.breaks.iter().filter(|at| at.inside == Inside::Text).nth(1);
    let at = *at.unwrap();
    (known, at)
}

fn got(trial: Trial) -> (Known, Break, Got) {
    let (known, at) = text();
    let got = run(&known, at, Fault::Reset, trial).unwrap();
    (known, at, got)
}

fn broken(known: &Known, at: Break, trial: Trial, got: &Got) -> String {
    check(known, at, trial, got).broken.join("\n")
}

#[test]
fn a_repaired_run_breaks_nothing() {
    let (known, at, got) = got(Trial::Once);
    let verdict = check(&known, at, Trial::Once, &got);
    assert_eq!(verdict.broken, [""; 0]);
    assert!(matches!(verdict.ended, Ended::Continued(_)), "{verdict:?}");
}

#[test]
fn an_answer_without_its_mark_is_a_silent_splice() {
    let (known, at, mut got) = got(Trial::Once);
    got.events.retain(|event| !matches!(event, Event::Notice(_)));
    assert!(broken(&known, at, Trial::Once, &got).contains("a silent splice behind event"));
}

#[test]
fn a_delta_that_comes_twice_or_not_at_all_is_found() {
    let (known, at, mut got) = got(Trial::Once);
    let text = got.events.iter().rposition(|event| event.delta().is_some()).unwrap();
    let again = got.events[text].clone();
    got.events.insert(text, again);
    assert!(broken(&known, at, Trial::Once, &got).contains("a splice or a duplicate"));
    got.events.drain(text..text + 2);
    assert!(broken(&known, at, Trial::Once, &got).contains("not the answer"));
}

#[test]
fn a_lost_partial_answer_and_a_wrong_count_are_found() {
    let (known, at, mut got) = got(Trial::Fail);
    assert_eq!(broken(&known, at, Trial::Fail, &got), "");
    got.error = Some(Error::new(ErrorKind::Network, "reset").with_attempts(2));
    let broken = broken(&known, at, Trial::Fail, &got);
    assert!(broken.contains("the error's partial answer is not what was handed out"), "{broken}");
    assert!(broken.contains("the error says 2 attempts of 1"), "{broken}");
}

#[test]
fn usage_that_is_not_that_of_all_attempts_is_found() {
    let (known, at, mut got) = got(Trial::Once);
    got.events.retain(|event| !matches!(event, Event::Usage(_)));
    assert!(broken(&known, at, Trial::Once, &got).contains("of all attempts"));
}

#[test]
fn a_sum_that_lacks_an_attempt_and_does_not_say_so_is_found() {
    let (known, at, mut got) = got(Trial::Once);
    got.events.retain(|event| !matches!(event, Event::Notice(Notice::Layer { .. })));
    let broken = broken(&known, at, Trial::Once, &got);
    assert!(broken.contains("a sum lacks an attempt, and nothing says so"), "{broken}");
}

#[test]
fn what_is_left_open_is_found() {
    let (known, at, mut got) = got(Trial::Once);
    got.left = [1, 0, 0];
    assert!(broken(&known, at, Trial::Once, &got).contains("are left"));
}
