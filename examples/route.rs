//! Several targets: a fallback while one is busy, and a second attempt beside one that is slow.
//!
//! `cargo run --example route` asks two local servers, and prints who answered, and why.

use std::error::Error;
use std::time::Duration;

use belvedere::event::Notice;
use belvedere::mock::{MockServer, Step};
use belvedere::{Client, Completion};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut usual = Step::text("Main, as usual.").times(30);
    usual.timing.latency = Duration::from_millis(20);
    let mut late = Step::text("Main, very late.").times(1);
    late.timing.latency = Duration::from_secs(5);
    let main = MockServer::start([Step::error(529).times(1), usual, late]).await?;
    let backup = MockServer::start([Step::text("Backup, here to help.")]).await?;
    let client = Client::from_config(json!({
        "layers": [{
            "type": "route",
            // Twenty of a hundred, for a short show; the default is five.
            "hedge": { "quantile": 0.95, "max": 0.2 },
            "targets": [
                { "name": "main", "provider": provider(&main), "layers": [{ "type": "timeout", "first_event": "30s" }] },
                { "name": "backup", "provider": provider(&backup) },
            ],
        }],
    }))?;

    println!("main is busy:");
    ask(&client).await?;
    println!("main is well, 30 times:");
    for _ in 0..29 {
        client.complete("How do you do?").await?;
    }
    ask(&client).await?;
    println!("main would take five seconds:");
    ask(&client).await
}

fn provider(server: &MockServer) -> Value {
    json!({ "type": "openai", "base_url": server.url(), "api_key": "none", "model": "any" })
}

/// Asks, and prints what the pipeline did.
async fn ask(client: &Client) -> Result<(), Box<dyn Error>> {
    let clock = client.lent().clock.clone();
    let began = clock.now();
    let Completion { notices, attempts, .. } = &client.complete("How do you do?").await?;
    for notice in notices {
        match notice {
            Notice::FellBack { from, to, reason } => println!("  {from} failed ({reason}), {to} was asked"),
            Notice::Hedged { target } => println!("  {target} answered beside a slow one"),
            _ => {}
        }
    }
    for attempt in attempts {
        let target = attempt.target.as_deref().unwrap_or_default();
        println!("  attempt at {target}: {:?}", attempt.end);
    }
    println!("  it took {:?}", clock.now().since(began));
    Ok(())
}
