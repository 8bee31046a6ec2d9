//! Limits: three requests in a burst, and then one each 100 ms.
//!
//! `cargo run --example limit` asks a local server, and prints who got through, who waited, and who was refused.

use std::error::Error;

use belvedere::middleware::limit::Limit;
use belvedere::mock::{MockServer, Step};
use belvedere::{Client, Settings, provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = MockServer::start([Step::text("You are welcome.")]).await?;
    let settings = Settings::default().with_base_url(server.url()).with_api_key("none").with_model("any");
    let config = serde_json::from_str(
        r#"{ "per": ["user"], "requests": "10/s", "burst": 3, "tokens": "2000/min", "output": 100, "wait": "150ms" }"#,
    )?;
    let limit = Limit::build(config, None)?;
    let client = Client::new(provider("openai", settings)?).layer(limit.clone());

    // All at once: three get through, one waits for its turn, and for the others it would take too long.
    let calls = (1..=6).map(|n| {
        let client = client.clone();
        async move { (n, client.complete("Thank you!").await) }
    });
    for (n, answer) in futures_util::future::join_all(calls).await {
        match answer {
            Ok(answer) => println!("call {n}: {}", answer.text()),
            Err(error) => println!("call {n}: {error}"),
        }
    }
    let levels = limit.levels(client.lent().clock.as_ref(), &Default::default()).await?;
    let tokens = levels.tokens.ok_or("tokens are limited")?;
    println!("\n{} of 2000 tokens are left; all of them in {:?}", tokens.remaining, tokens.full_after);
    Ok(())
}
