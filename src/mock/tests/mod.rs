//! The server over real sockets, asked by this crate's own client in each wire of the build.

mod answers;
mod errors;
mod faults;
mod steering;
mod timing;

use std::time::Duration;

use belvedere_core::completion::Completion;
use belvedere_core::context::Lent;
use belvedere_core::error::{Error, Result};
use belvedere_core::request::Request;
use belvedere_middleware::runtime::{self, HttpVersion, Proxy, TransportOptions};
use belvedere_providers::{Settings, names, provider};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{MockServer, Script, Step};
use crate::Client;

/// A wire, the provider that speaks it, and what its address has before the wire's own path.
const CHAT: &[(&str, &str, &str)] = &[
    ("openai.chat", "openai", "/v1"),
    ("openai.responses", "openai", "/v1"),
    ("anthropic.messages", "anthropic", ""),
    ("google.generate", "google", ""),
    ("bedrock.converse", "bedrock", ""),
    ("bedrock.invoke.anthropic", "bedrock", ""),
    ("ollama.chat", "ollama", ""),
    ("ollama.generate", "ollama", ""),
    ("cohere.chat", "cohere", ""),
];

/// The wire that has no tools.
const WITHOUT_TOOLS: &str = "ollama.generate";

/// The wires of chats that this build has on both sides.
fn wires() -> impl Iterator<Item = &'static str> {
    let names = names();
    let standing =
        move |wire: &str, name: &str| belvedere_providers::endpoint(wire).is_ok() && names.contains(&name);
    CHAT.iter().filter(move |(wire, name, _)| standing(wire, name)).map(|(wire, ..)| *wire)
}

fn lent(http: HttpVersion) -> Lent {
    let mut options = TransportOptions::default();
    options.proxy = Proxy::None;
    options.http = http;
    runtime::lent(&options).unwrap()
}

fn client_of(server: &MockServer, wire: &str) -> Client {
    client_over(server, wire, lent(HttpVersion::Auto))
}

fn client_over(server: &MockServer, wire: &str, lent: Lent) -> Client {
    let (_, name, prefix) = CHAT.iter().find(|row| row.0 == wire).unwrap();
    let mut settings = Settings::default()
        .with_base_url(format!("{}{prefix}", server.url()))
        .with_api_key("any")
        .with_model("mock-1");
    // Where a type has several wires, one is named.
    if CHAT.iter().filter(|row| row.1 == *name).count() > 1 {
        settings = settings.with_wire(wire);
    }
    if *name == "bedrock" {
        settings.region = Some("us-east-1".to_owned());
    }
    belvedere_core::client::Client::new(provider(name, settings).unwrap(), lent).into()
}

/// A server that plays `script`, and a client of each wire.
async fn each(script: impl Into<Script>) -> Vec<(&'static str, MockServer, Client)> {
    let script = script.into();
    let lent = lent(HttpVersion::Auto);
    let mut all = Vec::new();
    for wire in wires() {
        let server = MockServer::start(script.clone()).await.unwrap();
        let client = client_over(&server, wire, lent.clone());
        all.push((wire, server, client));
    }
    assert!(!all.is_empty(), "this build has no wire to test");
    all
}

/// A server that plays `script`, and a client of OpenAI's chat.
async fn one(script: impl Into<Script>) -> (MockServer, Client) {
    let server = MockServer::start(script).await.unwrap();
    let client = client_of(&server, "openai.chat");
    (server, client)
}

/// The answer to "Hi", streamed or whole.
async fn ask(client: &Client, stream: bool) -> Result<Completion> {
    ask_for(client, Request::from("Hi"), stream).await
}

async fn ask_for(client: &Client, request: Request, stream: bool) -> Result<Completion> {
    match stream {
        true => soon(client.stream(request)).await?.collect().await,
        false => soon(client.complete(request)).await,
    }
}

async fn failure(client: &Client, stream: bool) -> Error {
    ask(client, stream).await.expect_err("an error")
}

/// Nothing here takes longer than a moment: a test that hangs fails instead.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    let clock = runtime::TokioClock::new();
    let limit = belvedere_core::clock::Clock::sleep(&clock, Duration::from_secs(20));
    tokio::select! {
        done = work => done,
        () = limit => panic!("it takes too long"),
    }
}

/// A plain HTTP exchange with the server: status, content type and body.
async fn http(server: &MockServer, method: &str, path: &str, body: &str) -> (u16, String, Bytes) {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", server.url()))
        .header("content-type", "application/json")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    let transport = lent(HttpVersion::Auto).transport;
    let response = soon(transport.send(request, None)).await.unwrap();
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(chunk) = soon(body.next()).await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    (status, kind, bytes.into())
}

async fn json_of(server: &MockServer, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, _, bytes) = http(server, method, path, &body).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// A step from its document.
fn step(document: Value) -> Step {
    let script = Script::from_json(json!({"steps": [document]})).unwrap();
    script.steps.into_iter().next().unwrap()
}
