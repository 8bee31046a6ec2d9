//! Look at a call while and after it runs: every chunk, event and state, with times, and no secret.
//!
//! `cargo run --example debugger` asks a local server whose answer breaks in the middle, and prints what happened.

use std::error::Error;

use belvedere::Client;
use belvedere::mock::{Fault, MockServer, Step};
use belvedere::testing::debugger::DebuggerLayer;
use belvedere::{Settings, provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut step = Step::text("A debugger sees what you would only guess.");
    step.fault = Some(Fault::Reset { after: 4 });
    let server = MockServer::start([step]).await?;
    let settings = Settings::default()
        .with_base_url(server.url())
        .with_api_key("a-key-that-is-not-shown")
        .with_model("any");
    let debugger = DebuggerLayer::default();
    let client = Client::new(provider("openai", settings)?).layer(debugger.clone());

    if let Err(error) = client.stream("What is a debugger?").await?.collect().await {
        println!("the call ended with an error: {}\n", error.kind().name());
    }
    let recording = debugger.last().ok_or("the call was not recorded")?;
    print!("{recording}");

    // The same call as a cassette: to be replayed in a test.
    let cassette = recording.to_cassette().to_json()?;
    println!("\nas a cassette it has {} lines; its key is kept as <scrubbed>", cassette.lines().count());
    if cassette.contains("a-key-that-is-not-shown") { Err("the key was kept".into()) } else { Ok(()) }
}
