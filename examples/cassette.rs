//! Record a call once, then answer it from the file: the same chunks, the same break, without a network.
//!
//! `cargo run --example cassette` records a stream that a local server breaks off, stops the server, and replays it.
//! With `-- FILE` the cassette is kept there to look at.

use std::error::Error;
use std::path::Path;

use belvedere::Client;
use belvedere::mock::{Fault, MockServer, Step};
use belvedere::testing::cassette::{Cassette, CassetteLayer, Mode};
use belvedere::{Settings, provider};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let kept = std::env::args().nth(1);
    let own = std::env::temp_dir().join(format!("cassette-{}.json", std::process::id()));
    let path = kept.as_ref().map_or(own.as_path(), Path::new);

    let mut step = Step::text("A cassette remembers every byte, and when it came.");
    step.fault = Some(Fault::Reset { after: 6 });
    let server = MockServer::start([step]).await?;
    let url = server.url();
    let recorded = ask(&url, CassetteLayer::new(path, Mode::Record)).await?;
    println!("recorded: {recorded}");

    drop(server);
    let replayed = ask(&url, CassetteLayer::new(path, Mode::Replay)).await?;
    println!("replayed: {replayed}");
    println!("the same: {}", recorded == replayed);

    let cassette = Cassette::load(path)?;
    for exchange in &cassette.exchanges {
        let chunks = exchange.response.as_ref().map_or(0, |response| response.chunks.len());
        println!("the file holds {} {}, {chunks} chunks", exchange.request.method, exchange.request.url);
        println!("its key is kept as {:?}", exchange.request.headers.get("authorization"));
    }
    match kept {
        Some(file) => println!("look at it: {file}"),
        None => std::fs::remove_file(path)?,
    }
    if recorded == replayed { Ok(()) } else { Err("the replay differs from the recording".into()) }
}

/// What came of the call: the text as far as it came, and why it ended.
async fn ask(url: &str, cassette: CassetteLayer) -> Result<String, Box<dyn Error>> {
    let settings =
        Settings::default().with_base_url(url).with_api_key("a-key-that-is-not-kept").with_model("any");
    let client = Client::new(provider("openai", settings)?).layer(cassette);
    let answer = client.stream("What is a cassette?").await?.collect().await;
    Ok(match answer {
        Ok(answer) => format!("{:?}, whole", answer.text()),
        Err(error) => {
            let text = error.partial().map(|partial| partial.text()).unwrap_or_default();
            format!("{text:?}, then {}", error.kind().name())
        }
    })
}
