//! What retry, breaker, timeout, limit, budget and a route with one target cost together: a prompt of 1 KB, a provider
//! in memory that tells its usage, over the same client without layers in the same round.

use std::sync::Arc;

use async_trait::async_trait;
use belvedere::client::Client;
use belvedere::context::Context;
use belvedere::events::End;
use belvedere::service::{Info, Service};
use belvedere::usage::{Class, Usage};
use belvedere::{Completion, Config, Event, Events, Message, Request, Result};
use belvedere_benches::{median, thread_cpu};
use futures_util::StreamExt;
use serde_json::{Value, json};

const ROUNDS: usize = 15;
const CALLS: u32 = 8_000;
const STREAMS: u32 = 200;
const EVENTS: usize = 1_000;
const MODEL: &str = "gpt-5-mini";

/// Answers with these events, as a provider does that tells what it used.
#[derive(Debug)]
struct Provider(Vec<Event>);

#[async_trait]
impl Service for Provider {
    fn info(&self) -> Info {
        Info::new("openai", "openai.chat").with_model(Some(MODEL.into()))
    }

    async fn call(&self, cx: Context, _: Request) -> Result<Events> {
        let ticket = cx.attempt("openai".into(), Some(MODEL.into()));
        ticket.status(200);
        for event in &self.0 {
            if let Event::Usage(usage) = event {
                ticket.usage(usage);
            }
        }
        ticket.end(End::Finished);
        Ok(Events::from_events(self.0.clone()))
    }
}

/// Outermost first; limits are so high that none of them is reached.
fn layers() -> Value {
    json!([
        { "type": "budget", "per": ["tenant"], "limit": { "usd": "1000000", "every": "1d" } },
        { "type": "limit", "per": ["user"], "requests": "100000000/s", "tokens": "1000000000000/s" },
        { "type": "route" },
        { "type": "retry" },
        { "type": "breaker" },
        { "type": "timeout", "connect": "5s", "first_event": "30s", "idle": "20s", "total": "5m" },
    ])
}

fn client(events: &[Event], layers: Value) -> Result<Client> {
    let document =
        json!({ "version": 1, "provider": { "type": "host", "name": "memory" }, "layers": layers });
    let mut registry = belvedere::registry();
    registry.host_provider("memory", Provider(events.to_vec()));
    registry.client(&Config::from(document))
}

/// CPU ns of a call that is read to its end.
async fn per_call(client: &Client, request: &Request, calls: u32) -> Result<f64> {
    let began = thread_cpu();
    for _ in 0..calls {
        let mut stream = client.stream(request.clone()).await?;
        while let Some(event) = stream.next().await {
            std::hint::black_box(event?);
        }
    }
    Ok((thread_cpu() - began).as_secs_f64() * 1e9 / f64::from(calls))
}

/// Prints CPU µs a call and CPU ns an event.
pub(crate) async fn run() -> Result<()> {
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(250));
    usage.set(Class::Output, Some(23));
    let answer = Completion::of_text("A stream is a promise kept.").into_events();
    let mut short: Vec<Event> = answer.filter_map(|item| std::future::ready(item.ok())).collect().await;
    short.insert(1, Event::Usage(Arc::new(usage)));
    let text = short.iter().position(|event| matches!(event, Event::Text { .. })).unwrap_or(1);
    let mut long = short.clone();
    long.splice(
        text..text,
        std::iter::repeat_n(Event::Text { choice: 0, part: 0, delta: "x".into() }, EVENTS),
    );

    let prompt = "Why is the sky blue, and why is it red in the evening? ".chars().cycle().take(1024);
    let request = Request::new([Message::user(prompt.collect::<String>())]);
    let (bare, six) = (client(&short, json!([]))?, client(&short, layers())?);
    let (bare_long, six_long) = (client(&long, json!([]))?, client(&long, layers())?);
    let (mut calls, mut events) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let call = per_call(&six, &request, CALLS).await? - per_call(&bare, &request, CALLS).await?;
        let stream =
            per_call(&six_long, &request, STREAMS).await? - per_call(&bare_long, &request, STREAMS).await?;
        calls.push(call / 1e3);
        events.push((stream - call) / EVENTS as f64);
    }
    println!(
        "six layers of a call          {:6.2} µs CPU a call (bound 12), {:.1} ns an event (bound 60)",
        median(calls),
        median(events)
    );
    Ok(())
}
