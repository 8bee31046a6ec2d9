//! Compares the decoder of streams with a plain loop that parses each frame into a `serde_json::Value`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use belvedere_core::framing::Framer;
use belvedere_core::provider::{Framing, Provider};
use belvedere_core::request::Request;
use belvedere_providers::openai::{OpenAi, hosts};
use serde_json::{Value, json};

/// The least that the decoder must be faster.
const FACTOR: f64 = 1.5;

fn body() -> Vec<u8> {
    let mut body = String::new();
    for i in 0..2000 {
        let chunk = json!({
            "id": "chatcmpl-0123456789", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-x",
            "service_tier": "default", "system_fingerprint": "fp_0123456789", "obfuscation": "abcdefgh", "usage": null,
            "choices": [{ "index": 0, "delta": { "content": format!(" word{i}") }, "logprobs": null, "finish_reason": null }],
        });
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    body.push_str(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
    );
    body.into_bytes()
}

/// The best of many runs, so that other work on the machine does not count.
fn best(mut run: impl FnMut()) -> Duration {
    let time = |run: &mut dyn FnMut()| {
        #[expect(clippy::disallowed_methods, reason = "it measures real time")]
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..30).map(|_| time(&mut run)).min().unwrap()
}

#[test]
#[ignore = "measures time: for release builds"]
fn a_stream_is_read_faster_than_a_plain_loop_reads_it() {
    let body = body();
    let head = http::Response::builder()
        .header("content-type", "text/event-stream")
        .body(())
        .unwrap()
        .into_parts()
        .0;
    let openai = OpenAi::new(hosts::find("openai").unwrap());
    let ours = best(|| {
        let (framing, mut decoder) = openai.decode(&Request::from("hi"), &head).unwrap();
        let mut framer = Framer::new(framing, 1 << 20);
        let mut out = Vec::new();
        for piece in body.chunks(8 << 10) {
            framer.feed(piece, &mut |frame| decoder.frame(frame, &mut out)).unwrap();
            black_box(&out);
            out.clear();
        }
    });
    let plain = best(|| {
        let mut framer = Framer::new(Framing::Sse, 1 << 20);
        for piece in body.chunks(8 << 10) {
            let mut texts: Vec<String> = Vec::new();
            framer
                .feed(piece, &mut |frame| {
                    if let Ok(value) = serde_json::from_slice::<Value>(frame.data) {
                        texts.extend(value["choices"][0]["delta"]["content"].as_str().map(str::to_owned));
                    }
                    Ok(())
                })
                .unwrap();
            black_box(&texts);
        }
    });
    let rate = |time: Duration| body.len() as f64 / 1e6 / time.as_secs_f64();
    let factor = plain.as_secs_f64() / ours.as_secs_f64();
    println!(
        "ours {:.0} MB/s, the plain loop {:.0} MB/s: {factor:.2} times as fast",
        rate(ours),
        rate(plain)
    );
    assert!(factor >= FACTOR, "{factor:.2}");
}
