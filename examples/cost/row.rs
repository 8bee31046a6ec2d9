//! One recorded usage, and its cost.

use belvedere::Request;
use belvedere::middleware::prices::{Above, ModelPrice, PerMillion, PriceTable};
use belvedere::providers::wire;
use belvedere::reader::recorded;
use belvedere::usage::Usage;
use futures_util::FutureExt;
use serde_json::{Map, Value, json};

/// A row of the file.
pub(crate) struct Row {
    /// Handed back as it came.
    pub(crate) id: Value,
    provider: String,
    flavor: String,
    model: String,
    usage: Value,
    prices: Option<ModelPrice>,
}

impl Row {
    /// Reads a line. A fault names the field.
    pub(crate) fn read(line: &str) -> Result<Self, String> {
        let row: Map<String, Value> = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let text = |field: &str| {
            let value = row.get(field).and_then(Value::as_str);
            value.map(str::to_owned).ok_or_else(|| format!("{field}: a text is needed"))
        };
        let prices = match row.get("prices_usd_per_mtok") {
            Some(Value::Object(prices)) if !prices.is_empty() => Some(stated(prices)?),
            Some(Value::Object(_) | Value::Null) | None => None,
            Some(_) => return Err("prices_usd_per_mtok: an object is needed".to_owned()),
        };
        Ok(Row {
            id: row.get("id").cloned().ok_or("id: it is missing")?,
            provider: text("provider")?,
            flavor: text("api_flavor").unwrap_or_default(),
            model: text("model")?,
            usage: row
                .get("usage")
                .filter(|usage| usage.is_object())
                .cloned()
                .ok_or("usage: an object is needed")?,
            prices,
        })
    }

    /// What it costs in US dollars, as an exact decimal; `None` where a price is not known.
    pub(crate) fn usd(&self) -> Result<Option<String>, String> {
        let usage = self.levelled().map_err(|fault| format!("usage: {fault}"))?;
        let price = self.prices.as_ref().or_else(|| PriceTable::shipped().price(&self.provider, &self.model));
        let cost = price.and_then(|price| price.exact_cost(&usage));
        Ok(cost.map(|cost| cost.to_string().trim_start_matches('$').to_owned()))
    }

    /// The usage in disjoint classes, as the provider's wire reads it out of an answer.
    fn levelled(&self) -> Result<Usage, String> {
        let (name, body) = self.answer();
        let fault = |e: &dyn std::fmt::Display| e.to_string();
        let provider = wire(name, Some(&self.provider)).map_err(|e| fault(&e))?;
        let head = http::header::CONTENT_TYPE;
        let response =
            http::Response::builder().header(head, "application/json").body(()).map_err(|e| fault(&e))?;
        let body = body.to_string();
        let events =
            recorded(provider.as_ref(), &Request::default(), &response.into_parts().0, [body.as_bytes()]);
        // Everything is there, so nothing waits.
        let answer = events.collect().now_or_never().ok_or("a recorded answer waited")?;
        Ok(answer.map_err(|e| fault(&e))?.usage.map(|usage| (*usage).clone()).unwrap_or_default())
    }

    /// The wire, and a short answer in it that carries the usage.
    fn answer(&self) -> (&'static str, Value) {
        let Row { model, usage, .. } = self;
        match (self.provider.as_str(), self.flavor.as_str()) {
            (_, "responses") => {
                let text = json!([{"type": "output_text", "text": "."}]);
                let output = json!([{"type": "message", "role": "assistant", "content": text}]);
                (
                    "openai.responses",
                    json!({"id": "r", "model": model, "status": "completed", "output": output, "usage": usage}),
                )
            }
            ("anthropic", _) => {
                let content = json!([{"type": "text", "text": "."}]);
                (
                    "anthropic.messages",
                    json!({"id": "m", "type": "message", "role": "assistant", "model": model,
                    "content": content, "stop_reason": "end_turn", "usage": usage}),
                )
            }
            ("google" | "vertex", "" | "default") => {
                let content = json!({"role": "model", "parts": [{"text": "."}]});
                (
                    "google.generate",
                    json!({"candidates": [{"content": content, "finishReason": "STOP"}],
                    "modelVersion": model, "usageMetadata": usage}),
                )
            }
            ("bedrock", _) => {
                let message = json!({"role": "assistant", "content": [{"text": "."}]});
                (
                    "bedrock.converse",
                    json!({"output": {"message": message}, "stopReason": "end_turn", "usage": usage}),
                )
            }
            ("cohere", _) => {
                let message = json!({"role": "assistant", "content": [{"type": "text", "text": "."}]});
                (
                    "cohere.chat",
                    json!({"id": "c", "finish_reason": "COMPLETE", "message": message, "usage": usage}),
                )
            }
            _ => {
                let message = json!({"role": "assistant", "content": "."});
                (
                    "openai.chat",
                    json!({"id": "c", "object": "chat.completion", "model": model,
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}),
                )
            }
        }
    }
}

/// Prices as rows state them, `{"input_mtok": 0.5, "output_mtok": {"base": 3, "tiers": [{"start": 200000, "price": 6}]}}`:
/// the form of genai-prices. There a class without a price of its own costs what the wider class does.
fn stated(prices: &Map<String, Value>) -> Result<ModelPrice, String> {
    let mut model = ModelPrice::default();
    for (field, value) in prices {
        let fault = |e: serde_json::Error| format!("prices_usd_per_mtok.{field}: {e}");
        let price = |value: &Value| serde_json::from_value::<PerMillion>(value.clone()).map_err(fault);
        let Some(tiers) = value.get("tiers").and_then(Value::as_array) else {
            put(&mut model, field, price(value)?);
            continue;
        };
        put(&mut model, field, price(value.get("base").unwrap_or(&Value::Null))?);
        for tier in tiers {
            let start = tier.get("start").and_then(Value::as_u64);
            let start = start
                .ok_or_else(|| format!("prices_usd_per_mtok.{field}.tiers.start: a number is needed"))?;
            let above = model.above.entry(Above(start)).or_default();
            put(above, field, price(tier.get("price").unwrap_or(&Value::Null))?);
        }
    }
    model.above.values_mut().for_each(widen);
    widen(&mut model);
    Ok(model)
}

fn put(model: &mut ModelPrice, field: &str, price: PerMillion) {
    let place = match field {
        "input_mtok" => &mut model.input,
        "output_mtok" => &mut model.output,
        "cache_read_mtok" => &mut model.cache_read,
        "cache_write_mtok" => &mut model.cache_write_5m,
        "input_audio_mtok" => &mut model.audio_input,
        "output_audio_mtok" => &mut model.audio_output,
        "input_image_mtok" => &mut model.image_input,
        "output_image_mtok" => &mut model.image_output,
        // What is not among our classes, such as audio from the cache, is in a wider one.
        _ => return,
    };
    *place = Some(price);
}

fn widen(model: &mut ModelPrice) {
    model.cache_write_5m = model.cache_write_5m.or(model.input);
    model.cache_write_1h = model.cache_write_1h.or(model.cache_write_5m);
    model.audio_input = model.audio_input.or(model.input);
    model.audio_output = model.audio_output.or(model.output);
    model.image_output = model.image_output.or(model.output);
}
