//! What the hooks hear of calls that are retried, passed on to another target, answered by a last resort, and fail.
//!
//! `cargo run --example hooks` asks local servers, and prints each signal as JSON.

use std::error::Error;

use belvedere::Client;
use belvedere::hooks::Signal;
use belvedere::mock::{MockServer, Step};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let main = MockServer::start([
        Step::error(529).times(1),
        Step::text("Main, at the second try.").times(1),
        Step::error(500),
    ])
    .await?;
    let backup = MockServer::start([Step::text("Backup, here to help.").times(1), Step::error(503)]).await?;
    let provider = |server: &MockServer| json!({ "type": "openai", "base_url": server.url(), "api_key": "none", "model": "any" });
    let layers = json!([
        { "type": "retry", "attempts": 2, "backoff": "10ms" },
        { "type": "breaker", "failures": 3 },
    ]);
    let client = Client::from_config(json!({
        "layers": [
            { "type": "degrade", "answers": [{ "tags": { "kind": "chat" }, "answer": "Out of order." }] },
            { "type": "route", "targets": [
                { "name": "main", "provider": provider(&main), "layers": layers },
                { "name": "backup", "provider": provider(&backup), "layers": layers },
            ] },
        ],
    }))?;
    let client = client.on(|signal: &Signal| match serde_json::to_string(signal) {
        Ok(json) => println!("  {json}"),
        Err(error) => println!("  {error}"),
    });

    for (what, kind) in [
        ("main is busy once", ""),
        ("main is down", ""),
        ("all are down, and there is a last resort", "chat"),
        ("all are down", ""),
    ] {
        println!("{what}:");
        let mut scope = belvedere::request::Scope::default();
        scope.tags.insert("kind".into(), kind.into());
        match client.complete(belvedere::Request::from("How do you do?").with_scope(scope)).await {
            Ok(answer) => println!("  -> {}", answer.text()),
            Err(error) => println!("  -> {}", error.kind()),
        }
    }
    Ok(())
}
