//! Every layer of `benches/all-layers.yaml` does its work in the stack that the document builds: each has a check here
//! that holds with all layers, and fails without that one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use belvedere::client::Client;
use belvedere::clock::Clock;
use belvedere::testing::{Fault, Piece, Reply, Simulation};
use belvedere::{Config, ErrorKind, Request};
use serde_json::{Value, json};

const ALL_LAYERS: &str = include_str!("../benches/all-layers.yaml");
const CANNED: &str = "I can't answer just now. Please try again later.";

/// A pipeline of a document, on a simulated machine.
struct Stack {
    simulation: Simulation,
    client: Client,
}

impl Stack {
    fn of(document: Value) -> Self {
        let simulation = Simulation::new(1);
        let client = belvedere::registry().client_with(&Config::from(document), simulation.lent()).unwrap();
        Stack { simulation, client }
    }

    fn replies(self, replies: impl IntoIterator<Item = Reply>) -> Self {
        replies.into_iter().for_each(|reply| self.simulation.network.push(reply));
        self
    }

    /// The text of an answer, or the kind of the error.
    fn ask(&self, request: Request) -> Result<String, ErrorKind> {
        let answer = self.simulation.run(self.client.complete(request));
        answer.map(|answer| answer.text()).map_err(|error| error.kind())
    }

    /// The same, streamed.
    fn stream(&self, request: Request) -> Result<String, ErrorKind> {
        let answer = self.simulation.run(async { self.client.stream(request).await?.collect().await });
        answer.map(|answer| answer.text()).map_err(|error| error.kind())
    }

    /// Which hosts were asked, in order.
    fn hosts(&self) -> Vec<String> {
        let requests = self.simulation.network.requests();
        requests.iter().map(|request| request.uri().host().unwrap_or_default().to_owned()).collect()
    }

    /// Which models were asked for, in order.
    fn models(&self) -> Vec<String> {
        let body = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
        let requests = self.simulation.network.requests();
        requests.iter().map(|request| body(request.body())["model"].as_str().unwrap().to_owned()).collect()
    }
}

fn request() -> Request {
    Request::from("Why is the sky blue?")
}

fn whole(text: &str) -> Reply {
    let body = json!({
        "id": "a", "object": "chat.completion", "created": 0, "model": "gpt-5-mini",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10 },
    });
    Reply::ok("application/json", body.to_string())
}

/// A whole answer of the other target's wire.
fn other(text: &str) -> Reply {
    let body = json!({
        "id": "b", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
        "content": [{ "type": "text", "text": text }], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": { "input_tokens": 5, "output_tokens": 5 },
    });
    Reply::ok("application/json", body.to_string())
}

fn chunk(delta: &str) -> String {
    let chunk = json!({
        "id": "a", "object": "chat.completion.chunk", "created": 0, "model": "gpt-5-mini",
        "choices": [{ "index": 0, "delta": { "content": delta }, "finish_reason": null }],
    });
    format!("data: {chunk}\n\n")
}

fn streamed(deltas: &[&str]) -> Reply {
    let end = json!({
        "id": "a", "object": "chat.completion.chunk", "created": 0, "model": "gpt-5-mini",
        "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }],
    });
    let body: String = deltas.iter().map(|delta| chunk(delta)).collect();
    Reply::ok("text/event-stream", format!("{body}data: {end}\n\ndata: [DONE]\n\n"))
}

/// Sets a field of the first layer of this type, where the document has one.
fn set(document: &mut Value, layer: &str, field: &str, value: Value) {
    let layers = document["layers"].as_array_mut().unwrap();
    if let Some(found) = layers.iter_mut().find(|found| found["type"] == layer) {
        found[field] = value;
    }
}

/// What a layer is for, seen from outside. `Err` says what was seen instead.
type Check = fn(Value) -> Result<(), String>;

/// `Ok` when both are the same.
fn is<T: PartialEq + std::fmt::Debug>(seen: T, expected: T) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{seen:?} instead of {expected:?}")) }
}

const CHECKS: [(&str, Check); 10] = [
    ("throttle", |mut document| {
        set(&mut document, "throttle", "tokens", json!("1/s"));
        let stack = Stack::of(document).replies([streamed(&["one ", "two ", "three ", "four ", "five"])]);
        let began = stack.simulation.clock.now();
        is(stack.stream(request()), Ok("one two three four five".into()))?;
        let took = stack.simulation.clock.now().since(began);
        is(took > Duration::from_secs(2), true)
    }),
    ("budget", |mut document| {
        set(&mut document, "budget", "limit", json!({ "usd": "0.000001", "every": "1d" }));
        let stack = Stack::of(document).replies([whole("free")]);
        is(stack.ask(request()), Err(ErrorKind::BudgetExceeded))?;
        is(stack.hosts().len(), 0)
    }),
    ("limit", |mut document| {
        set(&mut document, "limit", "requests", json!("1/min"));
        let stack = Stack::of(document).replies([whole("one"), whole("two")]);
        is(stack.ask(request()), Ok("one".into()))?;
        is(stack.ask(request()), Err(ErrorKind::RateLimited))
    }),
    ("choose", |document| {
        let stack = Stack::of(document).replies([whole("code")]);
        let mut request = request();
        let mut options = belvedere::request::Options::default();
        options.scope.tags.insert("plan".into(), "free".into());
        request = request.with_options(options);
        is(stack.ask(request), Ok("code".into()))?;
        is(stack.models(), vec!["gpt-4.1-nano".to_owned()])
    }),
    ("degrade", |document| {
        let stack = Stack::of(document);
        stack.simulation.network.always(Reply::status(500));
        is(stack.ask(request()), Ok(CANNED.into()))
    }),
    ("route", |document| {
        let stack = Stack::of(document).replies([Reply::status(503), Reply::status(503), Reply::status(503)]);
        let stack = stack.replies([other("from the other")]);
        is(stack.ask(request()), Ok("from the other".into()))
    }),
    ("repair", |document| {
        let broken = Reply::ok("text/event-stream", chunk("The sky is blue because air "))
            .with(Piece::Error(Fault::Reset));
        let stack = Stack::of(document).replies([broken, streamed(&["scatters light."])]);
        is(stack.stream(request()), Ok("The sky is blue because air scatters light.".into()))
    }),
    ("retry", |document| {
        let stack = Stack::of(document).replies([Reply::status(429), whole("again")]);
        is(stack.ask(request()), Ok("again".into()))?;
        is(stack.hosts(), vec!["api.openai.com".to_owned(); 2])
    }),
    ("breaker", |mut document| {
        set(&mut document, "breaker", "failures", json!(3));
        let stack = Stack::of(document);
        stack.simulation.network.always(Reply::status(503));
        is(stack.ask(request()), Ok(CANNED.into()))?;
        let asked = stack.hosts().iter().filter(|host| *host == "api.openai.com").count();
        is(asked, 3)?;
        is(stack.ask(request()), Ok(CANNED.into()))?;
        let asked = stack.hosts().iter().filter(|host| *host == "api.openai.com").count();
        is(asked, 3)
    }),
    ("timeout", |mut document| {
        set(&mut document, "timeout", "first_event", json!("1s"));
        let silent = Reply::ok("application/json", "").with(Piece::Stall(true));
        let stack = Stack::of(document).replies([silent, whole("in time")]);
        let mut options = belvedere::request::Options::default();
        options.timeout = Some(Duration::from_secs(60));
        is(stack.ask(request().with_options(options)), Ok("in time".into()))
    }),
];

fn document() -> Value {
    Config::from_yaml(ALL_LAYERS).unwrap().document().clone()
}

fn names(document: &Value) -> Vec<String> {
    let layers = document["layers"].as_array().unwrap();
    layers.iter().map(|layer| layer["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_layer_has_a_check() {
    let checked: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&document()), checked);
}

#[test]
fn every_layer_works_in_the_built_stack() {
    let failed: Vec<_> =
        CHECKS.iter().filter_map(|(name, check)| Some((name, check(document()).err()?))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn without_any_one_layer_its_check_fails() {
    let passed = |(name, check): &(&'static str, Check)| {
        let mut without = document();
        without["layers"].as_array_mut().unwrap().retain(|layer| layer["type"] != *name);
        check(without).is_ok().then_some(*name)
    };
    let unnoticed: Vec<_> = CHECKS.iter().filter_map(passed).collect();
    assert!(unnoticed.is_empty(), "nobody notices that these are gone: {unnoticed:?}");
}
