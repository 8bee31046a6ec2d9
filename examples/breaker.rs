//! A circuit breaker: a provider that is down is left alone, and asked again once it had time to recover.
//!
//! `cargo run --example breaker` asks a local server, and prints what its breaker does.

use std::error::Error;
use std::time::Duration;

use belvedere::hooks::Signal;
use belvedere::middleware::breaker::Breaker;
use belvedere::mock::{MockServer, Step};
use belvedere::{Client, Settings, provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = MockServer::start([Step::error(503).times(3), Step::text("I am well again.")]).await?;
    let settings = Settings::default().with_base_url(server.url()).with_api_key("none").with_model("any");
    let breaker: Breaker = serde_json::from_str(r#"{"failures": 3, "open_for": "300ms"}"#)?;
    let client = Client::new(provider("openai", settings)?).layer(breaker.clone());
    let client = client.on_state_change(|signal: &Signal| {
        if let Signal::StateChange { from, to, .. } = signal {
            println!("  {from:?} -> {to:?}");
        }
    });
    for call in 1..=6 {
        match client.complete("How are you?").await {
            Ok(answer) => println!("call {call}: {}", answer.text()),
            Err(error) => println!("call {call}: {}", error.kind()),
        }
    }
    println!("the server was asked {} times", server.stats().requests);
    client.lent().clock.sleep(Duration::from_millis(300)).await;
    println!("call 7: {}", client.complete("How are you now?").await?.text());
    for circuit in breaker.states() {
        println!("  {}: {:?}", circuit.model.as_deref().unwrap_or("all models"), circuit.state);
    }
    Ok(())
}
