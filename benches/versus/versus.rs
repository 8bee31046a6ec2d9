//! What does Belvedere with all layers on cost beside other Rust clients doing the same call bare?
//!
//! The same upstream on loopback, the same prompt of 1 KB, one thread, 64 calls in flight over connections that stand. All
//! figures are CPU time of that thread over raw hyper + serde_json in the same round; the upstream has its own thread.
//! Rounds are short and many: what else a machine does comes and goes in seconds, and is the same for all of a round.
//!
//! 1. A whole answer: CPU µs a call.
//! 2. A stream: CPU ns an event, from the difference of streams of 1,000 and of 10 events.
//!
//! "All layers on" is `benches/all-layers.yaml`. `cargo bench -p belvedere-versus` runs it.

mod peers;

use std::net::SocketAddr;

use belvedere::{Client, Config, Message, Request};
use belvedere_benches::{median, per_call, upstream};
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const CALLS: usize = 640;
const STREAMS: usize = 32;
const ROUNDS: usize = 45;
/// Rounds that are not counted: connections are made, and memory is had.
const WARM_UP: usize = 2;
const SHORT: usize = 10;
const LONG: usize = 1_000;
const MODEL: &str = "gpt-5-mini";
const ALL_LAYERS: &str = include_str!("../all-layers.yaml");

/// A prompt of 1 KB.
fn prompt() -> String {
    "Why is the sky blue, and why is it red in the evening? Say it in plain words. "
        .chars()
        .cycle()
        .take(1024)
        .collect()
}

/// One way to make the same calls.
trait Contender {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The text of a whole answer.
    fn whole(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>>;

    /// The text of a streamed answer, put together from its events.
    fn stream(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>>;
}

/// Makes a contender that calls this address.
type Make = fn(&str) -> Result<Box<dyn Contender>, Box<dyn std::error::Error>>;

/// What a user without a library writes: a body by `json!`, answers as a `Value`.
struct Raw {
    client: Hyper<HttpConnector, Full<Bytes>>,
    uri: String,
}

impl Raw {
    fn make(base: &str) -> Result<Box<dyn Contender>, Box<dyn std::error::Error>> {
        let client = Hyper::builder(TokioExecutor::new()).build_http();
        Ok(Box::new(Raw { client, uri: format!("{base}/chat/completions") }))
    }

    fn post(&self, prompt: &str, stream: bool) -> Option<hyper_util::client::legacy::ResponseFuture> {
        let body =
            json!({ "model": MODEL, "stream": stream, "messages": [{ "role": "user", "content": prompt }] });
        let request = hyper::Request::post(&self.uri)
            .header("content-type", "application/json")
            .header("authorization", "Bearer bench")
            .body(Full::new(Bytes::from(body.to_string())))
            .ok()?;
        Some(self.client.request(request))
    }
}

impl Contender for Raw {
    fn name(&self) -> &'static str {
        "raw hyper + serde_json"
    }

    fn whole(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let response = self.post(prompt, false);
        async move {
            let body = response?.await.ok()?.into_body().collect().await.ok()?.to_bytes();
            let value: Value = serde_json::from_slice(&body).ok()?;
            value.pointer("/choices/0/message/content").and_then(Value::as_str).map(str::to_owned)
        }
        .boxed_local()
    }

    fn stream(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let response = self.post(prompt, true);
        async move {
            let mut body = response?.await.ok()?.into_body();
            let (mut held, mut text) = (Vec::new(), String::new());
            while let Some(frame) = body.frame().await {
                held.extend_from_slice(frame.ok()?.data_ref()?);
                let whole = held.windows(2).rposition(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
                for line in held.get(..whole)?.split(|byte| *byte == b'\n') {
                    let Some(data) = line.strip_prefix(b"data: ").filter(|data| *data != b"[DONE]") else {
                        continue;
                    };
                    let value: Value = serde_json::from_slice(data).ok()?;
                    if let Some(delta) = value.pointer("/choices/0/delta/content").and_then(Value::as_str) {
                        text.push_str(delta);
                    }
                }
                held.drain(..whole);
            }
            Some(text)
        }
        .boxed_local()
    }
}

/// Belvedere, from a configuration.
struct Ours {
    name: &'static str,
    client: Client,
}

impl Ours {
    fn bare(base: &str) -> Result<Box<dyn Contender>, Box<dyn std::error::Error>> {
        let config = json!({ "provider": Ours::provider(base) });
        Ok(Box::new(Ours { name: "belvedere, no layers", client: Client::from_config(config)? }))
    }

    fn all_layers(base: &str) -> Result<Box<dyn Contender>, Box<dyn std::error::Error>> {
        let mut document = Config::from_yaml(ALL_LAYERS)?.document().clone();
        if let Some(provider) = document.get_mut("provider") {
            *provider = Ours::provider(base);
        }
        Ok(Box::new(Ours { name: "belvedere, all layers on", client: Client::from_config(document)? }))
    }

    fn provider(base: &str) -> Value {
        json!({ "type": "openai", "model": MODEL, "base_url": base, "api_key": "bench" })
    }

    fn request(prompt: &str) -> Request {
        Request::new([Message::user(prompt)])
    }
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn whole(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.client.clone(), Ours::request(prompt));
        async move { client.complete(request).await.ok().map(|answer| answer.text()) }.boxed_local()
    }

    fn stream(&self, prompt: &str) -> LocalBoxFuture<'static, Option<String>> {
        let (client, request) = (self.client.clone(), Ours::request(prompt));
        async move {
            let (mut events, mut text) = (client.stream(request).await.ok()?, String::new());
            while let Some(event) = events.next().await {
                if let belvedere::Event::Text { delta, .. } = event.ok()? {
                    text.push_str(&delta);
                }
            }
            Some(text)
        }
        .boxed_local()
    }
}

/// One contender at the upstream's three addresses, and its figures, one of each round.
struct Lane {
    whole: Box<dyn Contender>,
    short: Box<dyn Contender>,
    long: Box<dyn Contender>,
    call: Vec<f64>,
    event: Vec<f64>,
}

impl Lane {
    fn new(make: Make, address: SocketAddr) -> Result<Self, Box<dyn std::error::Error>> {
        let at = |path: &str| make(&format!("http://{address}{path}/v1"));
        Ok(Lane {
            whole: at("")?,
            short: at(&format!("/stream/{SHORT}"))?,
            long: at(&format!("/stream/{LONG}"))?,
            call: Vec::new(),
            event: Vec::new(),
        })
    }

    async fn round(&mut self, prompt: &str) {
        self.call.push(per_call(CALLS, || self.whole.whole(prompt)).await);
        let short = per_call(STREAMS, || self.short.stream(prompt)).await;
        let long = per_call(STREAMS, || self.long.stream(prompt)).await;
        self.event.push((long - short) * 1e3 / (LONG - SHORT) as f64);
    }
}

/// The median of the differences, round by round.
fn over(figures: &[f64], base: &[f64]) -> f64 {
    median(figures.iter().zip(base).map(|(figure, base)| figure - base).collect())
}

async fn versus() -> Result<(), Box<dyn std::error::Error>> {
    let address = upstream()?;
    let makes: [Make; 6] =
        [Raw::make, Ours::bare, Ours::all_layers, peers::async_openai, peers::genai, peers::liter_llm];
    let mut lanes = makes.into_iter().map(|make| Lane::new(make, address)).collect::<Result<Vec<_>, _>>()?;
    let prompt = prompt();
    for n in 0..WARM_UP + ROUNDS {
        for lane in &mut lanes {
            lane.round(&prompt).await;
            if n < WARM_UP {
                (lane.call, lane.event) = (Vec::new(), Vec::new());
            }
        }
        eprint!("\rround {} of {}", n + 1, WARM_UP + ROUNDS);
    }
    eprintln!();
    println!(
        "{:28} {:>12} {:>12} {:>12} {:>12}",
        "CPU time of one thread", "µs a call", "over raw", "ns an event", "over raw"
    );
    let Some(raw) = lanes.first() else { return Ok(()) };
    for lane in &lanes {
        println!(
            "{:28} {:12.2} {:12.2} {:12.0} {:12.0}",
            lane.whole.name(),
            median(lane.call.clone()),
            over(&lane.call, &raw.call),
            median(lane.event.clone()),
            over(&lane.event, &raw.event),
        );
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(versus())
}
