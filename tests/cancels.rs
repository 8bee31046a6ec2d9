//! Cancels at scale: laws W3 and W4, cases L1, L2, L14.

use std::time::Duration;

use belvedere_tests::cancels::{By, PLACES, Place, Tally, WAYS, cancel_one};
use belvedere_tests::closes;

#[test]
fn w4_l14_twenty_thousand_cancels_at_random_points_leave_nothing() {
    let mut tally = Tally::default();
    for seed in 0..20_000 {
        match cancel_one(seed) {
            Ok((by, place)) => tally.add(by, place),
            Err(what) => panic!("seed {seed}: {what}"),
        }
    }
    println!("{tally}");
    for by in WAYS {
        for place in PLACES {
            let expected = by != By::Deadline || place == Place::Over;
            assert_eq!(tally.count(by, place) > 0, expected, "{by:?} {place:?}\n{tally}");
        }
    }
}

#[test]
fn l1_a_server_sees_the_close_of_a_cancelled_call_soon() {
    let times = closes(500).unwrap();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "500 cancels over loopback: the server sees the close after {:?} (p50), {:?} (p99)",
        at(50),
        at(99)
    );
    // What is aimed at is 50 ms. A machine that has other work to do must not fail the test.
    assert!(at(99) < Duration::from_secs(1), "{:?}", at(99));
}
