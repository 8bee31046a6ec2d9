//! The `generationConfig`.

use belvedere_core::error::Result;
use belvedere_core::request::{Request, ResponseFormat};
use serde_json::{Map, Value};

use super::{schema, thinking};
use crate::outgoing::{invalid, unsupported};

const JSON: &str = "application/json";

/// What the request says of how to answer.
///
/// # Errors
/// `InvalidRequest` or `Unsupported` naming what the wire cannot express.
pub(super) fn of(model: &str, request: &Request) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    let mut put = |key: &str, value: Option<Value>| config.extend(value.map(|value| (key.to_owned(), value)));
    put("maxOutputTokens", request.max_tokens.map(Value::from));
    put("temperature", request.temperature.map(Value::from));
    put("topP", request.top_p.map(Value::from));
    put("topK", request.top_k.map(Value::from));
    put("stopSequences", (!request.stop.is_empty()).then(|| request.stop.clone().into()));
    put("seed", request.seed.map(Value::from));
    put("candidateCount", request.n.map(Value::from));
    put("presencePenalty", request.presence_penalty.map(Value::from));
    put("frequencyPenalty", request.frequency_penalty.map(Value::from));
    put("responseLogprobs", request.logprobs.map(Value::from));
    put("logprobs", request.top_logprobs.map(Value::from));
    let thinking = request.reasoning.as_ref().map(|reasoning| thinking::config(model, reasoning));
    put("thinkingConfig", thinking.map(Value::Object));
    match &request.response_format {
        None => {}
        Some(ResponseFormat::Text) => put("responseMimeType", Some("text/plain".into())),
        Some(ResponseFormat::JsonObject) => put("responseMimeType", Some(JSON.into())),
        Some(ResponseFormat::JsonSchema { json_schema }) => {
            let schema = json_schema.schema.as_ref();
            let schema = schema.ok_or_else(|| invalid("response_format.json_schema.schema", "is missing"))?;
            put("responseMimeType", Some(JSON.into()));
            let field = if schema::is_own(schema) { "responseSchema" } else { "responseJsonSchema" };
            put(field, Some(schema.clone()));
        }
        Some(_) => {
            return Err(unsupported("response_format", "Google's wire lacks an answer of this form"));
        }
    }
    Ok(config)
}
