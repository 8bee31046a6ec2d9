//! The tour: six calls to two providers in this process, and a table of what happened.

use std::num::NonZeroU32;

use belvedere::{Client, Request};
use serde_json::{Value, json};

use crate::ask::{self, Outcome};
use crate::screen::Screen;
use crate::server::{self, FRAGILE_MODEL, KEY, MODEL, SLOW_MODEL};

/// A key that no provider knows.
const WRONG_KEY: &str = "sk-wrong-key-that-must-not-be-printed";

/// Configuration is the client: this is the whole of it, and it could as well stand in a YAML file.
fn client(provider: &str, base_url: &str, model: &str, key: &str) -> Result<Client, String> {
    let document = json!({
        "version": 1,
        "provider": { "type": provider, "base_url": base_url, "model": model, "api_key": key },
        "layers": [
            { "type": "repair" },
            { "type": "timeout", "connect": "1s", "first_event": "500ms", "idle": "2s", "total": "10s" },
        ],
        "transport": { "proxy": "none" },
    });
    Client::from_config(document).map_err(|error| error.to_string())
}

/// Walks through everything. `Err` when something did not go as it should.
pub(crate) async fn run(screen: &mut Screen) -> Result<(), String> {
    let address = server::start().await.map_err(|e| format!("no port to listen on: {e}"))?;
    let openai_url = format!("http://{address}/openai/v1");
    let anthropic_url = format!("http://{address}/anthropic");
    screen.say("Two providers run in this process and are asked over real HTTP. No key, no network.");

    let openai = client("openai", &openai_url, MODEL, KEY)?;
    let anthropic = client("anthropic", &anthropic_url, MODEL, KEY)?;
    let mut table = Vec::new();

    screen.title(1, "A streamed answer: why does a stream need a typed end?", "OpenAI's wire");
    table.push(ask::stream(screen, &openai, "stream", "Why does a stream need a typed end?").await);

    screen.title(2, "The same code, another provider: what is Belvedere?", "Anthropic's wire");
    table.push(ask::stream(screen, &anthropic, "stream", "What is Belvedere?").await);

    screen.title(3, "A reader who pauses, and a connection that breaks in the middle", "Anthropic's wire");
    let fragile = Request::from("What happens when a stream breaks?").with_model(FRAGILE_MODEL);
    table.push(ask::stream_with_pause(screen, &anthropic, "pause, cut", fragile, 16).await);

    screen.title(4, "A whole answer that follows a JSON Schema", "OpenAI's wire");
    table.push(ask::whole(screen, &openai, "JSON answer", ends_as_json()?).await);

    screen.title(5, "A model that thinks too long, cut by the first_event clock", "Anthropic's wire");
    let mut slow = Request::from("Take your time.").with_model(SLOW_MODEL);
    // Who waited once need not wait again: without this, `repair` would ask two more times.
    slow.options.get_or_insert_default().attempts = Some(NonZeroU32::MIN);
    table.push(ask::stream(screen, &anthropic, "slow model", slow).await);

    screen.title(6, "A wrong key, which the provider repeats and the error does not", "OpenAI's wire");
    let stranger = client("openai", &openai_url, MODEL, WRONG_KEY)?;
    table.push(ask::stream(screen, &stranger, "wrong key", "Who am I?").await);

    screen.say("\nWhat happened:\n");
    let rows: Vec<_> = std::iter::once(Outcome::heading()).chain(table.iter().map(Outcome::row)).collect();
    screen.table(&rows);
    check(&table)
}

/// A question whose answer has to be JSON of a given form. A request is what OpenAI's users already have.
fn ends_as_json() -> Result<Request, String> {
    let schema = json!({
        "type": "object",
        "properties": { "ends": { "type": "array", "items": { "type": "string" } }, "success": { "type": "string" } },
        "required": ["ends", "success"],
        "additionalProperties": false,
    });
    let request: Value = json!({
        "messages": [{ "role": "user", "content": "Which ends does a stream have, and which one is success?" }],
        "response_format": { "type": "json_schema", "json_schema": { "name": "ends", "strict": true, "schema": schema } },
    });
    serde_json::from_value(request).map_err(|e| e.to_string())
}

/// The tour is also a test of the front door: it fails when an end is another than the expected one.
fn check(table: &[Outcome]) -> Result<(), String> {
    let expected = [
        "finished (stop)",
        "finished (end_turn)",
        "finished (end_turn)",
        "finished (stop)",
        "timeout (first_event)",
        "unauthorized",
    ];
    let ends: Vec<&str> = table.iter().map(|outcome| outcome.end.as_str()).collect();
    if ends != expected {
        return Err(format!("\nexpected the ends {expected:?}, found {ends:?}"));
    }
    let fragile: Vec<&str> =
        table.iter().flat_map(|outcome| &outcome.on_the_way).map(String::as_str).collect();
    match fragile.as_slice() {
        ["paused 0.7 s", "survived a cut", "2 attempts"] => Ok(()),
        other => Err(format!("\nexpected a pause, a cut and a second attempt, found {other:?}")),
    }
}
