//! A new configuration while a stream is open: the stream ends as it began, the next call takes the new one, and a
//! document with faults changes nothing.
//!
//! `cargo run --example reload` asks two local servers.

use std::error::Error;

use belvedere::hooks::Signal;
use belvedere::mock::{MockServer, Step};
use belvedere::{Client, Config};
use futures_util::StreamExt;
use serde_json::{Value, json};

fn document(server: &MockServer) -> Value {
    json!({
        "version": 1,
        "provider": { "type": "openai", "base_url": server.url(), "api_key": "none", "model": "any" },
        "layers": [{ "type": "timeout", "first_event": "30s" }],
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let old = MockServer::start([Step::text("The old server, to the end.")]).await?;
    let new = MockServer::start([Step::text("The new server.")]).await?;
    let registry = belvedere::registry();
    let client = Client::from_config(document(&old))?.on(|signal: &Signal| {
        if let Signal::Reloaded { generation } = signal {
            println!("generation {generation} holds for new calls");
        }
    });

    let mut stream = client.stream("Who are you?").await?;
    let first = stream.next().await.ok_or("the stream has begun")??;
    println!("a stream has begun: {}", first.name());

    registry.reload(&client, &Config::from(document(&new)), client.generation())?;
    println!("a new call:  {}", client.complete("Who are you?").await?.text());
    println!("the stream:  {}", stream.collect().await?.text());

    let faulty = json!({
        "version": 1,
        "provider": { "type": "openai", "api_key": { "env": "A_VARIABLE_THAT_IS_NOT_SET" } },
        "layers": [{ "type": "timeout", "first_event": 30 }, { "type": "retyr" }],
    });
    if let Err(error) = registry.reload(&client, &Config::from(faulty), client.generation()) {
        println!("\nrefused, {}", error.message());
    }
    println!("\nstill {}: {}", client.generation(), client.complete("Who are you?").await?.text());

    // Who read an older generation has been overtaken.
    match registry.reload(&client, &Config::from(document(&old)), 1) {
        Ok(generation) => {
            Err(format!("generation {generation} was made from a document that is out of date").into())
        }
        Err(error) => {
            println!("refused, {}", error.message());
            Ok(())
        }
    }
}
