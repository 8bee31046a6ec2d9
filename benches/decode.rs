//! Is decoding a wire faster than the plain loop that parses each frame into a `serde_json::Value`?
//!
//! `cargo bench --bench decode`; the last lines give the ratio for each wire, all of one run.

use std::hint::black_box;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere::Request;
use belvedere::http::Limits;
use belvedere::providers::wire;
use belvedere::reader::{Outcome, Reader};
use belvedere::wire::{Framing, Provider};
use belvedere_benches::streams::{self, Stream};
use belvedere_benches::thread_cpu;
use criterion::{Criterion, Throughput};
use serde_json::Value;

/// What a reader without a plan writes: every frame a `Value`, then look for the text.
fn plain_loop(stream: &Stream) -> usize {
    let text = |data: &[u8]| {
        let Ok(value) = serde_json::from_slice::<Value>(data) else { return 0 };
        let delta = value.pointer(stream.text).and_then(Value::as_str).map(str::to_owned);
        black_box(delta).map_or(0, |delta| delta.len())
    };
    let lines = || stream.body.split(|byte| *byte == b'\n');
    match stream.framing {
        Framing::Sse => lines().filter_map(|line| line.strip_prefix(b"data: ")).map(text).sum(),
        Framing::Lines => lines().map(text).sum(),
        Framing::AwsEventStream => messages(&stream.body).map(|data| text(&unwrapped(stream, data))).sum(),
        _ => {
            let Ok(Value::Array(frames)) = serde_json::from_slice(&stream.body) else { return 0 };
            let delta = |frame: &Value| frame.pointer(stream.text).and_then(Value::as_str).map(str::to_owned);
            frames.iter().map(|frame| black_box(delta(frame)).map_or(0, |delta| delta.len())).sum()
        }
    }
}

/// The payloads of an AWS event stream, its checksums unread.
fn messages(mut body: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let number = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize);
        let (total, headers) = (number(body.get(..4)?)?, number(body.get(4..8)?)?);
        let payload = body.get(12 + headers..total.checked_sub(4)?)?;
        body = body.get(total..)?;
        Some(payload)
    })
}

/// The event inside a Bedrock `chunk`; other payloads are events themselves.
fn unwrapped(stream: &Stream, payload: &[u8]) -> Vec<u8> {
    if stream.wire != "bedrock.invoke.anthropic" {
        return payload.to_vec();
    }
    let chunk: Value = serde_json::from_slice(payload).unwrap_or_default();
    chunk.get("bytes").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default()
}

fn head(content_type: &'static str) -> http::response::Parts {
    let mut response = http::Response::new(());
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    response.into_parts().0
}

/// The driver's own reader, fed in pieces as a socket gives them.
fn ours(provider: &dyn Provider, stream: &Stream) -> usize {
    let mut request = Request::default();
    request.stream = true;
    let reader = Reader::new(provider, &request, &head(stream.content_type), &Limits::default());
    let Ok(mut reader) = reader else { return 0 };
    let mut events = 0;
    for piece in stream.body.chunks(8 * 1024) {
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
    assert!(matches!(reader.outcome(), Outcome::Finished), "{}: {:?}", stream.wire, reader.outcome());
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

/// How much faster ours is. Interleaved, so that the machine's mood hits both alike; the median of the ratios.
fn ratio(provider: &dyn Provider, stream: &Stream) -> f64 {
    let one = || {
        let plain = cost(20, || plain_loop(stream));
        let ours = cost(20, || ours(provider, stream));
        plain.as_secs_f64() / ours.as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..15).map(|_| one()).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let streams = streams::all(1000);
    let mut criterion = Criterion::default().configure_from_args().measurement_time(Duration::from_secs(1));
    let mut ratios = Vec::new();
    for stream in &streams {
        let Ok(provider) = wire(stream.wire, None) else { continue };
        let name = format!("{}, {:?}", stream.wire, stream.framing);
        let mut group = criterion.benchmark_group(&name);
        group.throughput(Throughput::Bytes(stream.body.len() as u64));
        group.bench_function("Belvedere", |b| b.iter(|| ours(provider.as_ref(), stream)));
        group.bench_function("plain Value loop", |b| b.iter(|| plain_loop(stream)));
        group.finish();
        ratios.push((name, ratio(provider.as_ref(), stream)));
    }
    criterion.final_summary();
    println!("times the speed of the plain Value loop (median of 15 interleaved runs, CPU time):");
    for (name, ratio) in ratios {
        println!("{ratio:>6.2}  {name}");
    }
}
