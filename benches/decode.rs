//! Is decoding a wire faster than the plain loop that parses each data line into a `serde_json::Value`?
//!
//! `cargo bench --bench decode`; the last lines give the ratio of one run.

use std::hint::black_box;
use std::time::Duration;

use belvedere::Request;
use belvedere::http::Limits;
use belvedere::providers::wire;
use belvedere::reader::{Outcome, Reader};
use belvedere_benches::{openai_stream, thread_cpu};
use criterion::{Criterion, Throughput};
use serde_json::Value;

/// What a reader without a plan writes: every line a `Value`, then look for the text.
fn plain_loop(body: &[u8]) -> usize {
    let mut text = 0;
    for line in body.split(|b| *b == b'\n') {
        let Some(data) = line.strip_prefix(b"data: ") else { continue };
        if data == b"[DONE]" {
            break;
        }
        let Ok(value) = serde_json::from_slice::<Value>(data) else { continue };
        let delta = value.pointer("/choices/0/delta/content").and_then(Value::as_str).map(str::to_owned);
        text += black_box(delta).map_or(0, |d| d.len());
    }
    text
}

fn head() -> http::response::Parts {
    let mut response = http::Response::new(());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response.into_parts().0
}

/// The driver's own reader, fed in pieces as a socket gives them.
fn ours(provider: &dyn belvedere::wire::Provider, body: &[u8]) -> usize {
    let mut request = Request::default();
    request.stream = true;
    let Ok(mut reader) = Reader::new(provider, &request, &head(), &Limits::default()) else { return 0 };
    let mut events = 0;
    for piece in body.chunks(8 * 1024) {
        reader.feed(piece);
        while let Some(event) = reader.next() {
            black_box(&event);
            events += 1;
        }
    }
    reader.eof();
    while let Some(event) = reader.next() {
        black_box(&event);
        events += 1;
    }
    assert!(matches!(reader.outcome(), Outcome::Finished));
    events
}

/// CPU time of `rounds` runs.
fn cost(rounds: u32, mut run: impl FnMut() -> usize) -> Duration {
    let began = thread_cpu();
    for _ in 0..rounds {
        black_box(run());
    }
    thread_cpu() - began
}

fn main() {
    let body = openai_stream(1000);
    let Ok(provider) = wire("openai.chat", None) else { return };
    let mut criterion = Criterion::default().configure_from_args().measurement_time(Duration::from_secs(3));
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("openai.chat, Belvedere", |b| b.iter(|| ours(provider.as_ref(), &body)));
    group.bench_function("openai.chat, plain Value loop", |b| b.iter(|| plain_loop(&body)));
    group.finish();
    criterion.final_summary();

    // Interleaved, so that the machine's mood hits both alike; the median of the ratios.
    let mut ratios: Vec<f64> = (0..15)
        .map(|_| {
            let plain = cost(40, || plain_loop(&body));
            let ours = cost(40, || ours(provider.as_ref(), &body));
            plain.as_secs_f64() / ours.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    println!(
        "openai.chat: {median:.2} x the plain Value loop (median of {} interleaved runs, CPU time)",
        ratios.len()
    );
}
