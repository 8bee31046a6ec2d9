//! Budgets: calls until the money is at its end, and the ledger that says where it went.
//!
//! `cargo run --example budget` asks a local server, at the prices of a real model.

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::Arc;

use belvedere::hooks::Signal;
use belvedere::middleware::budget::Budget;
use belvedere::mock::{MockServer, Step};
use belvedere::store::MemoryStore;
use belvedere::usage::Money;
use belvedere::{Client, Request, Settings, provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = MockServer::start([Step::text("Because air scatters blue light more than red.")]).await?;
    let settings = Settings::default().with_base_url(server.url()).with_api_key("none").with_model("gpt-4o");
    let client = Client::new(provider("openai", settings)?);
    let clock = client.lent().clock.clone();
    let config = serde_json::from_str(r#"{ "limit": { "usd": "0.002", "every": "1d" }, "soft": 0.7 }"#)?;
    let budget = Budget::build(config, Arc::new(MemoryStore::new(clock.clone())))?;
    let client = client.layer(budget.clone()).on_quota(|signal: &Signal| {
        if let Signal::Quota { used, limit, refused: false, .. } = signal {
            println!("  warning: {used} of {limit} nano-dollars are spent or reserved");
        }
    });

    for n in 1.. {
        let mut request = Request::from("Why is the sky blue?");
        request.max_tokens = Some(50);
        match client.complete(request).await {
            Ok(_) => println!("call {n}: answered"),
            Err(error) => {
                println!("call {n}: {error}");
                break;
            }
        }
    }
    let scope = Default::default();
    let balance = budget.ledger().balance(clock.as_ref(), &scope).await?;
    let money = |nanos| Money::from_nanos(nanos).to_string();
    println!("\nreserved {}, of which", money(balance.reserved));
    println!("  spent    {}", money(balance.settled));
    println!("  released {}", money(balance.released));
    println!("  open     {}", money(balance.open));
    let entries = budget.ledger().entries(clock.as_ref(), &scope, None, NonZeroUsize::MIN).await?;
    for (call, entry) in entries.entries {
        println!("\nthe first call, {call}:\n{}", serde_json::to_string_pretty(&entry.lines)?);
    }
    if balance.is_conserved() { Ok(()) } else { Err("the ledger does not add up".into()) }
}
