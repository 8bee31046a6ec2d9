//! Streams that break and are repaired: every recorded stream, at every event, in three ways.
//!
//! The recorded bytes come up to a place, and break. The pipeline (`repair` around `timeout` around the real wire)
//! asks again, and a target that knows the whole answer reads the request as it went out and answers with what is
//! left, in the words of the wire. What the caller got is then held to the laws.

mod answer;
mod checks;
mod hosts;
mod known;
mod report;
mod run;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use belvedere::entropy::Entropy;
use belvedere::testing::SeededEntropy;

use crate::Recording;
use hosts::hosts;
use known::{Break, Inside, Known};
pub use report::Report;
use report::Row;
use run::{Fault, Trial, judged, run};
use target::Manner;

/// How many places of a stream are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// All of them, in every way.
    All,
    /// So many of each kind, by seed, and each in one way: all take turns.
    Few(usize),
}

/// Breaks a stream on each of its targets, and counts what comes of it.
pub fn break_and_repair(recording: &Recording, places: Places) -> Report {
    let mut report = Report::of_one_stream();
    let mut turn = recording.body.len();
    for host in hosts(recording) {
        let known = match Known::new(recording, host).and_then(unbroken) {
            Ok(known) => known,
            Err(reason) => {
                report.leave_out(reason);
                continue;
            }
        };
        for at in chosen(&known.breaks, places) {
            turn += 1;
            for (fault, trial) in trials(known.host.manner, places, turn) {
                let verdict = judged(&known, at, fault, trial);
                let (wire, target) = (known.wire.clone(), known.host.name());
                let (manner, inside) = (known.host.manner, at.inside);
                report.count(Row { wire, target, manner, inside, fault, trial }, verdict);
            }
        }
    }
    report
}

/// The stream, when it is a whole answer on this target as it stands.
fn unbroken(known: Known) -> Result<Known, String> {
    let end = Break { at: known.body.len(), inside: Inside::End };
    let got = run(&known, end, Fault::Cut, Trial::Fail)?;
    match got.error {
        None => Ok(known),
        Some(error) => Err(format!("{} on {}: {error}", known.name, known.host.provider)),
    }
}

/// What is tried at a place: everything, or what has its turn.
fn trials(manner: Manner, places: Places, turn: usize) -> Vec<(Fault, Trial)> {
    let once = Fault::ALL.map(|fault| (fault, Trial::Once));
    let further = [Trial::Twice, Trial::Refused, Trial::Gone, Trial::Restart, Trial::Fail];
    let further = further.map(|trial| (Fault::Reset, trial));
    let further = further.into_iter().filter(|_| manner != Manner::Rephrase);
    let all: Vec<_> = once.into_iter().chain(further).collect();
    match places {
        Places::All => all,
        Places::Few(_) => all.get(turn % all.len()).copied().into_iter().collect(),
    }
}

/// The places to break a stream at.
fn chosen(all: &[Break], places: Places) -> Vec<Break> {
    let Places::Few(count) = places else { return all.to_vec() };
    let entropy = SeededEntropy::new(all.len() as u64);
    let mut kinds: BTreeMap<Inside, Vec<Break>> = BTreeMap::new();
    all.iter().for_each(|at| kinds.entry(at.inside).or_default().push(*at));
    for places in kinds.values_mut() {
        while places.len() > count {
            let at = usize::try_from(entropy.next_u64() % places.len() as u64).unwrap_or_default();
            places.swap_remove(at);
        }
    }
    kinds.into_values().flatten().collect()
}
