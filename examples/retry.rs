//! Retries: a provider that is busy twice, one that says when to come back, and one that is down.
//!
//! `cargo run --example retry` asks a local server, and prints what each call took.

use std::error::Error;
use std::time::Duration;

use belvedere::hooks::Signal;
use belvedere::middleware::retry::Retry;
use belvedere::mock::{Failure, MockServer, RetryForm, Step};
use belvedere::{Client, Settings, provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut limited = Failure::default();
    (limited.status, limited.retry_after) = (429, Some(Duration::from_millis(300)));
    limited.retry_after_form = RetryForm::Milliseconds;
    let server = MockServer::start([
        Step::error(529).times(1),
        Step::error(503).times(1),
        Step::text("Third time lucky.").times(1),
        Step::from(limited).times(1),
        Step::text("Not a moment too soon.").times(1),
        Step::error(503),
    ])
    .await?;
    let settings = Settings::default().with_base_url(server.url()).with_api_key("none").with_model("any");
    let mut retry = Retry::default();
    retry.backoff = Duration::from_millis(50);
    let client = Client::new(provider("openai", settings)?).layer(retry);
    let client = client.on_retry(|signal: &Signal| {
        if let Signal::Retry { retry, reason, after, .. } = signal {
            println!("  retry {retry} in {after:?}: {reason}");
        }
    });
    for question in ["Are you busy?", "Too many questions?"] {
        println!("{question}");
        let answer = client.complete(question).await?;
        println!("  {} ({} attempts)", answer.text(), answer.attempts.len());
    }
    println!("Are you down?");
    if let Err(error) = client.complete("Are you down?").await {
        println!("  {} ({} attempts)", error.kind(), error.attempts());
    }
    Ok(())
}
