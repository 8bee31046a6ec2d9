//! The simulation in the debug build, where every stream of every layer is held to the laws: some seeds, and those that
//! once failed. `cargo xtask simulate` runs many.

use belvedere_tests::simulation::{self, Tally, checked, known_seeds};

const SEEDS: u64 = 400;

#[test]
fn w17_no_seed_breaks_a_law_and_the_same_seed_is_the_same_run() {
    let mut tally = Tally::default();
    known_seeds().chain(0..SEEDS).for_each(|seed| checked(seed, &mut tally));
    println!("{}", tally.summary());
    let replay = |seed| format!("cargo xtask simulate --replay {seed}\n{}", simulation::run(seed, true).log);
    if let Some((seed, breach)) = tally.broken.first() {
        panic!("seed {seed}: {breach:?}\n{}", replay(*seed));
    }
    assert!(tally.twice >= SEEDS / 100);
}
