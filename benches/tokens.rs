//! What does counting tokens cost?
//!
//! 1. A conversation of 200 messages, 200 bytes each, counted again after one new turn: with what was counted before
//!    remembered, and counted anew. CPU µs a request (bound 100).
//! 2. A kilobyte of text, CPU µs; and 100,000 times the letter a, CPU ms.
//!
//! `cargo bench --bench tokens`. All figures are CPU time of the calling thread, medians.

use std::sync::Arc;

use belvedere::middleware::tokens::{Counted, Encoding, Tiktoken, counter};
use belvedere::tokens::{Estimate, TokenCounter};
use belvedere::{Message, Request};
use belvedere_benches::thread_cpu;

const ROUNDS: usize = 101;
const WORDS: &[&str] = &[
    "The", "river", "runs", "past", "a", "mill", "in", "1932", "and", "nobody's", "there,", "naïve", "世界",
];

/// 200 bytes of words, others for each turn.
fn text(turn: usize, bytes: usize) -> String {
    let words = WORDS.iter().cycle().skip(turn % WORDS.len());
    let mut text = format!("Turn {turn}:");
    for word in words {
        if text.len() + word.len() >= bytes {
            break;
        }
        text.push(' ');
        text.push_str(word);
    }
    let rest = bytes.saturating_sub(text.len());
    text + &".".repeat(rest)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// CPU µs of counting each request, in turn.
fn micros(counter: &dyn TokenCounter, requests: &[Request]) -> f64 {
    let each = requests.iter().map(|request| {
        let began = thread_cpu();
        std::hint::black_box(counter.request(request));
        (thread_cpu() - began).as_secs_f64() * 1e6
    });
    median(each.collect())
}

fn main() {
    let exact = Tiktoken::new(Encoding::O200kBase);
    let began = thread_cpu();
    exact.load();
    println!("o200k_base is loaded in {:.0} ms CPU, once", (thread_cpu() - began).as_secs_f64() * 1e3);

    let turns: Vec<Message> = (0..199 + ROUNDS).map(|turn| Message::user(text(turn, 200))).collect();
    // Each is the one before it with a new turn at its end, and its oldest turn left out, so that all are as long.
    let requests: Vec<Request> = turns.windows(200).map(|turns| Request::new(turns.to_vec())).collect();
    let counted = Counted::new(Arc::new(exact));
    counted.request(&Request::new(turns.get(..199).unwrap_or_default().to_vec()));
    println!(
        "200 messages of 200 bytes, one of them new: {:.1} µs CPU (bound 100); anew {:.0}, by estimate {:.1}",
        micros(&counted, &requests),
        micros(&exact, &requests),
        micros(&Estimate, &requests),
    );

    let of = |text: String| vec![Request::embed([text]); ROUNDS];
    println!(
        "1 KB of text: {:.1} µs CPU exact, {:.2} by estimate, {:.2} calibrated",
        micros(&exact, &of(text(0, 1_000))),
        micros(&Estimate, &of(text(0, 1_000))),
        micros(counter("claude-sonnet-4-5").as_ref(), &of(text(0, 1_000))),
    );
    println!("100,000 times a: {:.1} ms CPU", micros(&exact, &of("a".repeat(100_000))) / 1e3);
}
