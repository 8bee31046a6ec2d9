//! Seeds in numbers: those that once failed, and how each is checked.

use super::{Breach, Tally, run};

/// The seeds that once failed, with what was wrong: they run first, for ever.
const KNOWN: &str = include_str!("../../seeds.txt");

/// One seed in so many is run twice.
const TWICE: u64 = 100;

/// The seeds that once failed.
pub fn known_seeds() -> impl Iterator<Item = u64> {
    KNOWN.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok())
}

/// Runs a seed and adds it to the tally. One in a hundred is run twice, with its log, which must be equal (law W17).
pub fn checked(seed: u64, tally: &mut Tally) {
    if !seed.is_multiple_of(TWICE) {
        return tally.add(run(seed, false));
    }
    let (mut first, second) = (run(seed, true), run(seed, true));
    match first.log.lines().zip(second.log.lines()).position(|(one, other)| one != other) {
        None if first.log.len() == second.log.len() => tally.twice += 1,
        at => {
            let what = format!("two runs differ in line {} of their logs", at.unwrap_or_default() + 1);
            first.breaches.push(Breach { law: "W17", what, step: 0 });
        }
    }
    tally.add(first);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_has_a_seed_and_a_reason() {
        let lines: Vec<_> = KNOWN.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        assert_eq!(known_seeds().count(), lines.len());
        assert!(lines.iter().all(|line| line.split_whitespace().count() > 3), "each says what was wrong");
    }
}
