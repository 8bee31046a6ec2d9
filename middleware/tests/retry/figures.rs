//! What the layer must show, in numbers. The runs are seeded and print what they saw.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use belvedere_core::Result;
use belvedere_core::context::Context;
use belvedere_core::entropy::Entropy;
use belvedere_core::events::Events;
use belvedere_core::request::Request;
use belvedere_core::service::Info;
use belvedere_core::testing::SeededEntropy;
use futures_util::StreamExt;
use serde_json::json;

use super::*;

/// Fails a share of its attempts, each for itself, in every way that passes.
#[derive(Debug, Clone)]
struct Flaky {
    /// Of 1,000 attempts.
    failing: u64,
    dice: Arc<SeededEntropy>,
    attempts: Arc<AtomicU64>,
}

impl Flaky {
    fn new(failing: u64) -> Self {
        Flaky { failing, dice: Arc::new(SeededEntropy::new(7)), attempts: Arc::default() }
    }
}

#[async_trait]
impl Service for Flaky {
    fn info(&self) -> Info {
        Info::new("flaky", "flaky")
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let answer = if self.dice.next_u64() % 1_000 < self.failing {
            let reset = Error::new(ErrorKind::Network, "reset");
            match self.dice.next_u64() % 5 {
                0 => Answer::refused(reset),
                1 => failing(ErrorKind::Overloaded),
                2 => failing(ErrorKind::RateLimited),
                3 => Answer::text("a").with(1, Step::Fail(reset)),
                _ => Answer::text("a").cut(1),
            }
        } else {
            Answer::text("a")
        };
        let answer = answer.opening(Step::Wait(Duration::from_millis(self.dice.next_u64() % 20)));
        ScriptedService::new([answer]).call(cx, request).await
    }
}

/// The shares of calls that were answered, and of calls whose first attempt failed that were.
fn campaign(retry: Retry, failing: u64, calls: usize, at_once: usize) -> (f64, f64) {
    let simulation = Simulation::new(1);
    let service = Flaky::new(failing);
    let client = Client::new(service.clone(), simulation.lent()).layer(retry);
    let seen = Mutex::new((0_u32, 0_u32, 0_u32));
    simulation.run(futures_util::stream::iter(0..calls).for_each_concurrent(at_once, |_| async {
        let answer = client.complete("hi").await;
        let attempts = answer.as_ref().map_or_else(|error| error.history().len(), |a| a.attempts.len());
        let mut seen = seen.lock().unwrap();
        seen.0 += u32::from(answer.is_ok());
        seen.1 += u32::from(answer.is_err() || attempts > 1);
        seen.2 += u32::from(answer.is_ok() && attempts > 1);
    }));
    let (good, failed, recovered) = seen.into_inner().unwrap();
    let good = f64::from(good) / calls as f64;
    let recovered = f64::from(recovered) / f64::from(failed);
    let attempts = service.attempts.load(Ordering::Relaxed);
    println!(
        "{calls} calls, {at_once} at once, {failing} of 1,000 attempts failing: {:.3}% answered, {:.2}% of transient \
         failures recovered, {:.3} attempts a call",
        good * 100.0,
        recovered * 100.0,
        attempts as f64 / calls as f64
    );
    (good, recovered)
}

#[test]
fn five_attempts_answer_999_of_1000_calls_while_a_fifth_of_the_attempts_fails() {
    for at_once in [64, 500] {
        let (good, _) = campaign(retry(json!({ "attempts": 5 })), 200, 20_000, at_once);
        assert!(good >= 0.999, "{good}");
    }
}

#[test]
fn the_default_recovers_95_of_100_transient_failures() {
    for failing in [10, 200] {
        let (_, recovered) = campaign(Retry::default(), failing, 10_000, 64);
        assert!(recovered >= 0.95, "{recovered}");
    }
}

#[test]
fn once_drained_an_upstream_that_is_down_gets_no_more_than_its_calls() {
    let simulation = Simulation::new(1);
    let service = Flaky::new(1_000);
    let client = Client::new(service.clone(), simulation.lent()).layer(retry(json!({ "attempts": 5 })));
    // One call each 20 ms, for three minutes; the budget is used up within the first seconds.
    let mut at = Vec::new();
    let began = simulation.clock.now();
    for _ in 0..9_000 {
        let before = service.attempts.load(Ordering::Relaxed);
        let _ = simulation.run(client.complete("hi"));
        let made = service.attempts.load(Ordering::Relaxed) - before;
        at.push((simulation.clock.now().since(began), made));
        simulation.advance(Duration::from_millis(20));
    }
    let drained = at.iter().position(|(_, made)| *made == 1).unwrap();
    let rest = &at[drained..];
    let worst = rest.iter().enumerate().map(|(i, (from, _))| {
        let minute = rest[i..].iter().take_while(|(when, _)| *when < *from + 60 * SECOND);
        let (calls, attempts) = minute.fold((0, 0), |(calls, sum), (_, made)| (calls + 1, sum + made));
        attempts as f64 / f64::from(calls)
    });
    let worst = worst.fold(0.0, f64::max);
    println!("drained after {drained} calls; then at most {worst:.3} attempts a call in any 60 s");
    assert!(worst <= 1.10, "{worst}");
}
