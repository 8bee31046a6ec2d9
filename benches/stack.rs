//! What does the pipeline cost?
//!
//! 1. An empty stack over raw hyper + serde_json, CPU µs a call, on loopback at 64 in flight.
//! 2. A pass-through layer, and one that hears the end of each call: CPU ns a call and an event.
//! 3. Retry, breaker, timeout, limit, budget and a route with one target, together: CPU µs a call and ns an event.
//!
//! `cargo bench --bench stack`. All figures are CPU time of the calling thread; the upstream has its own.

mod six;

use std::net::SocketAddr;
use std::sync::Arc;

use async_stack::{Answers, PassThrough, Watching};
use belvedere::layer::Layer;
use belvedere::{Client, Message, Request, Settings};
use belvedere_benches::{median, per_call, thread_cpu, upstream};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const CALLS: usize = 6_400;
const ROUNDS: usize = 9;
const PROMPT: &str = "Why is the sky blue? Answer in one sentence, please.";

/// What a user without a library writes: a body by `json!`, the answer as a `Value`.
async fn raw(client: &Hyper<HttpConnector, Full<Bytes>>, address: SocketAddr) -> Option<String> {
    let body = json!({ "model": "gpt-bench", "messages": [{ "role": "user", "content": PROMPT }] });
    let request = hyper::Request::post(format!("http://{address}/v1/chat/completions"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer bench")
        .body(Full::new(Bytes::from(body.to_string())))
        .ok()?;
    let body = client.request(request).await.ok()?.into_body().collect().await.ok()?.to_bytes();
    let value: Value = serde_json::from_slice(&body).ok()?;
    value.pointer("/choices/0/message/content").and_then(Value::as_str).map(str::to_owned)
}

async fn ours(client: &Client) -> Option<String> {
    let request = Request::new([Message::user(PROMPT)]);
    client.complete(request).await.ok().map(|answer| answer.text())
}

async fn over_the_network() -> Result<(), Box<dyn std::error::Error>> {
    let address = upstream()?;
    let settings = Settings::default()
        .with_base_url(format!("http://{address}/v1"))
        .with_model("gpt-bench")
        .with_api_key("bench");
    let client = Client::new(belvedere::provider("openai", settings)?);
    let hyper = Hyper::builder(TokioExecutor::new()).build_http();
    let (mut raws, mut added) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let raw = per_call(CALLS, || raw(&hyper, address)).await;
        let ours = per_call(CALLS, || ours(&client)).await;
        raws.push(raw);
        added.push(ours - raw);
    }
    println!(
        "raw hyper + serde_json        {:6.2} µs CPU a call (median of {ROUNDS} rounds of {CALLS})",
        median(raws)
    );
    println!("empty stack, added            {:6.2} µs CPU a call", median(added));
    Ok(())
}

mod async_stack {
    //! A service that answers from memory, and a layer that does nothing.

    use async_trait::async_trait;
    use belvedere::context::Context;
    use belvedere::events::{Closing, End, Observer, watch};
    use belvedere::layer::Layer;
    use belvedere::service::{Info, Service, Stack};
    use belvedere::{Event, Events, Request, Result};

    /// Answers with these events.
    #[derive(Debug)]
    pub(crate) struct Answers(pub(crate) Vec<Event>);

    #[async_trait]
    impl Service for Answers {
        fn info(&self) -> Info {
            Info::new("memory", "memory")
        }

        async fn call(&self, _: Context, _: Request) -> Result<Events> {
            Ok(Events::from_events(self.0.clone()))
        }
    }

    /// Hears the end of each call, as layers do that settle something.
    #[derive(Debug)]
    pub(crate) struct Watching;

    #[derive(Debug)]
    struct WatchingService(Stack);

    struct Ear;

    impl Observer for Ear {
        fn end(self: Box<Self>, _: End<'_>) -> Closing {
            Closing::Done
        }
    }

    impl Layer for Watching {
        fn layer(&self, inner: Stack) -> Stack {
            Stack::new(WatchingService(inner))
        }
    }

    #[async_trait]
    impl Service for WatchingService {
        fn info(&self) -> Info {
            self.0.info()
        }

        async fn call(&self, cx: Context, request: Request) -> Result<Events> {
            let call = (*self.0).call(cx.clone(), request);
            watch(&cx, call, Ear).await
        }
    }

    /// Hands calls on.
    #[derive(Debug)]
    pub(crate) struct PassThrough;

    #[derive(Debug)]
    struct PassService(Stack);

    impl Layer for PassThrough {
        fn layer(&self, inner: Stack) -> Stack {
            Stack::new(PassService(inner))
        }
    }

    #[async_trait]
    impl Service for PassService {
        fn info(&self) -> Info {
            self.0.info()
        }

        async fn call(&self, cx: Context, request: Request) -> Result<Events> {
            self.0.call(cx, request).await
        }
    }
}

/// CPU ns of a call that streams `events` through so many layers.
async fn in_memory(
    layer: impl Fn() -> Arc<dyn Layer>,
    layers: usize,
    events: &[belvedere::Event],
    calls: u32,
) -> f64 {
    let client = Client::new(Answers(events.to_vec())).into_core();
    let client = (0..layers).fold(client, |client, _| client.shared_layer(layer()));
    let began = thread_cpu();
    for _ in 0..calls {
        if let Ok(mut stream) = client.stream(Request::default()).await {
            while let Some(item) = stream.next().await {
                std::hint::black_box(&item);
            }
        }
    }
    (thread_cpu() - began).as_secs_f64() * 1e9 / f64::from(calls)
}

async fn layers(name: &str, layer: impl Fn() -> Arc<dyn Layer>) {
    let short = belvedere::Completion::of_text("x").into_events().collect_events().await;
    let mut long = short.clone();
    let text = belvedere::Event::Text { choice: 0, part: 0, delta: "x".into() };
    for _ in 0..1000 {
        long.insert(1, text.clone());
    }
    let (mut per_call, mut per_event) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (none, ten) =
            (in_memory(&layer, 0, &short, 20_000).await, in_memory(&layer, 10, &short, 20_000).await);
        per_call.push((ten - none) / 10.0);
        let (none, ten) = (in_memory(&layer, 0, &long, 300).await, in_memory(&layer, 10, &long, 300).await);
        per_event.push((ten - none - (per_call.last().copied().unwrap_or_default() * 10.0)) / 10.0 / 1000.0);
    }
    println!("{name:28}  {:6.1} ns CPU a call, {:.2} ns an event", median(per_call), median(per_event));
}

trait CollectEvents {
    async fn collect_events(self) -> Vec<belvedere::Event>;
}

impl CollectEvents for belvedere::Events {
    async fn collect_events(self) -> Vec<belvedere::Event> {
        self.filter_map(|item| std::future::ready(item.ok())).collect().await
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(over_the_network())?;
    runtime.block_on(layers("pass-through layer", || Arc::new(PassThrough)));
    runtime.block_on(layers("layer that hears the end", || Arc::new(Watching)));
    runtime.block_on(six::run())?;
    Ok(())
}
