//! Real services: one question to OpenAI, Anthropic, or an Ollama on this machine.

use belvedere::Client;
use serde_json::{Value, json};

use crate::ask::{self, Outcome};
use crate::screen::Screen;

/// Asks a real service, or says exactly what is missing for it.
pub(crate) async fn ask(
    screen: &mut Screen,
    provider: &str,
    model: Option<String>,
    question: String,
) -> Result<(), String> {
    let client = match provider {
        "openai" => hosted("openai", "OPENAI_API_KEY", model.as_deref().unwrap_or("gpt-5-mini"))?,
        "anthropic" => {
            hosted("anthropic", "ANTHROPIC_API_KEY", model.as_deref().unwrap_or("claude-haiku-4-5"))?
        }
        "ollama" => ollama(model).await?,
        other => return Err(format!("unknown provider `{other}`; known: openai, anthropic, ollama")),
    };
    let model = client.info().model.unwrap_or_default();
    screen.title(1, &question, &format!("{model} at {provider}"));
    let outcome = ask::stream(screen, &client, "stream", question).await;
    screen.say("");
    screen.table(&[Outcome::heading(), outcome.row()]);
    if outcome.end.starts_with("finished") {
        Ok(())
    } else {
        Err(format!("\nno whole answer: {}", outcome.end))
    }
}

/// A service with a key from the environment.
fn hosted(provider: &str, variable: &str, model: &str) -> Result<Client, String> {
    if std::env::var_os(variable).is_none_or(|key| key.is_empty()) {
        return Err(format!(
            "{variable} is not set: `export {variable}=...` with a key of {provider}, then run this again"
        ));
    }
    client(json!({ "type": provider, "model": model, "api_key": { "env": variable } }), json!({}))
}

/// Ollama speaks OpenAI's wire below `/v1` (<https://docs.ollama.com/api/openai-compatibility>) and asks for no key.
async fn ollama(model: Option<String>) -> Result<Client, String> {
    let host = std::env::var("OLLAMA_HOST").ok().filter(|host| !host.is_empty());
    let host = host.unwrap_or_else(|| "127.0.0.1:11434".to_owned());
    let address = if host.contains("://") { host } else { format!("http://{host}") };
    let base_url = format!("{}/v1", address.trim_end_matches('/'));
    let provider = |model: &str| json!({ "type": "ollama", "base_url": base_url, "model": model });
    let direct = json!({ "proxy": "none" });

    let models = client(provider("any"), direct.clone())?.models().await.map_err(|error| {
        format!("no Ollama answers at {address}: install it from https://ollama.com and run `ollama serve`\n({error})")
    })?;
    let installed = models.models.first().map(|model| model.id.to_string());
    let model = model.or(installed).ok_or_else(|| {
        format!("the Ollama at {address} has no model: run `ollama pull llama3.2`, then this again")
    })?;
    client(provider(&model), direct)
}

fn client(provider: Value, transport: Value) -> Result<Client, String> {
    let document = json!({
        "version": 1,
        "provider": provider,
        "layers": [{ "type": "timeout", "connect": "5s", "first_event": "60s", "idle": "30s", "total": "5m" }],
        "transport": transport,
    });
    Client::from_config(document).map_err(|error| error.to_string())
}
