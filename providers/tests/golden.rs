//! What each wire sends for each feature: one file for a wire and a feature, `tests/golden/<wire>/<feature>.json`.
//!
//! A file holds what the target lacks of the request (which refuses it, or is dropped with a notice), and the request
//! as it goes out then. `BELVEDERE_RECORD=1 cargo test -p belvedere-providers --test golden` writes them again: read
//! the difference before you commit it.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use belvedere_core::provider::Provider;
use belvedere_core::request::{Operation, Request};
use belvedere_providers::wire;
use serde_json::{Value, json};

/// A target: the folder of its files, its wire and host, and a model of its own.
struct Target {
    folder: &'static str,
    wire: &'static str,
    host: &'static str,
    model: &'static str,
}

const fn target(folder: &'static str, wire: &'static str, host: &'static str, model: &'static str) -> Target {
    Target { folder, wire, host, model }
}

const TARGETS: [Target; 15] = [
    target("openai.chat", "openai.chat", "openai", "gpt-4.1-mini"),
    target("openai.chat-reasoning", "openai.chat", "openai", "gpt-5-mini"),
    target("openai.chat-vllm", "openai.chat", "vllm", "some-model"),
    target("openai.chat-mistral", "openai.chat", "mistral", "mistral-large-latest"),
    target("openai.chat-openrouter", "openai.chat", "openrouter", "some/model"),
    target("openai.chat-deepseek", "openai.chat", "deepseek", "deepseek-chat"),
    target("openai.responses", "openai.responses", "openai", "gpt-5-mini"),
    target("anthropic.messages", "anthropic.messages", "anthropic", "claude-haiku-4-5"),
    target("google.generate", "google.generate", "google", "gemini-2.5-flash"),
    target("google.generate-3", "google.generate", "google", "gemini-3-pro-preview"),
    target("bedrock.converse", "bedrock.converse", "bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0"),
    target(
        "bedrock.invoke.anthropic",
        "bedrock.invoke.anthropic",
        "bedrock",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
    target("ollama.chat", "ollama.chat", "ollama", "qwen3:4b"),
    target("ollama.generate", "ollama.generate", "ollama", "qwen3:4b"),
    target("cohere.chat", "cohere.chat", "cohere", "command-a-03-2025"),
];

const PNG: &str = "iVBORw0KGgo=";

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

fn media(kind: &str, source: Value) -> Value {
    let medium = json!({"type": "media", "kind": kind, "source": source});
    user(json!([medium, {"type": "text", "text": "What is this?"}]))
}

/// A question with these further fields.
fn ask(fields: Value) -> Value {
    let mut request = user(json!("Why is the sky blue?"));
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

fn weather() -> Value {
    let parameters = json!({
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false
    });
    json!({"name": "weather", "description": "The weather of a city.", "parameters": parameters})
}

/// A question with a tool, and these further fields.
fn tools(fields: Value) -> Value {
    let mut request = ask(json!({"tools": [weather()]}));
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

/// A conversation in which tools were called, and these are their results.
fn called(results: Value) -> Value {
    let call = |id: &str, city: &str| json!({"type": "tool_call", "id": id, "name": "weather", "input": json!({"city": city}).to_string()});
    let calls: Vec<Value> =
        ["Rome", "Oslo"].iter().zip(["call_1", "call_2"]).map(|(city, id)| call(id, city)).collect();
    let calls = &calls[..results.as_array().unwrap().len().min(2)];
    tools(json!({"messages": [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": calls},
        {"role": "tool", "content": results},
    ]}))
}

fn result(id: &str, content: Value) -> Value {
    json!({"type": "tool_result", "id": id, "name": "weather", "content": content})
}

fn text(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

/// What the model said before, to be carried back.
fn said(parts: Value) -> Value {
    json!({"messages": [
        {"role": "user", "content": "Think."},
        {"role": "assistant", "content": parts},
        {"role": "user", "content": "Go on."},
    ]})
}

/// The beginning of an answer, to be gone on with.
fn begun(parts: Value) -> Value {
    json!({"continue_final_message": true, "messages": [
        {"role": "user", "content": "Why is the sky blue?"},
        {"role": "assistant", "content": parts},
    ]})
}

fn schema() -> Value {
    json!({
        "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"], "additionalProperties": false
    })
}

/// The features, by the names of their files.
fn features(target: &Target) -> Vec<(&'static str, Value)> {
    let family = target.wire;
    let data = |mime: &str| json!({"data": {"mime": mime, "data": PNG}});
    let url = |file: &str| json!({"url": format!("https://example.com/{file}")});
    let mut all = vec![
        ("text", ask(json!({}))),
        ("stream", ask(json!({"stream": true}))),
        (
            "system",
            json!({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]}),
        ),
        (
            "developer",
            json!({"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}]}),
        ),
        (
            "system-later",
            json!({"messages": [
                {"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"},
                {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"},
            ]}),
        ),
        (
            "turns",
            json!({"messages": [
                {"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}, {"role": "user", "content": "Why?"},
            ]}),
        ),
        ("name", json!({"messages": [{"role": "user", "name": "ann", "content": "hi"}]})),
    ];
    all.extend([
        ("image-data", media("image", data("image/png"))),
        ("image-url", media("image", url("a.png"))),
        ("image-id", media("image", json!({"id": "file-1"}))),
        ("audio-data", media("audio", data("audio/wav"))),
        ("audio-url", media("audio", url("a.wav"))),
        ("video-data", media("video", data("video/mp4"))),
        ("video-url", media("video", url("a.mp4"))),
        (
            "file-data",
            user(json!([
                {"type": "media", "kind": "file", "source": data("application/pdf"), "name": "a.pdf"},
                {"type": "text", "text": "What is this?"},
            ])),
        ),
        ("file-url", media("file", url("a.pdf"))),
        ("file-id", media("file", json!({"id": "file-1"}))),
    ]);
    all.extend([
        ("tools", tools(json!({}))),
        ("tools-strict", ask(json!({"tools": [{"name": "f", "parameters": schema(), "strict": true}]}))),
        ("tools-no-parameters", ask(json!({"tools": [{"name": "now"}]}))),
        ("tools-of-the-provider", ask(json!({"tools": [provider_tool(family)]}))),
        ("tools-of-another-provider", ask(json!({"tools": [foreign_tool(family)]}))),
        ("tool-choice-auto", tools(json!({"tool_choice": "auto"}))),
        ("tool-choice-none", tools(json!({"tool_choice": "none"}))),
        ("tool-choice-required", tools(json!({"tool_choice": "required"}))),
        ("tool-choice-function", tools(json!({"tool_choice": {"type": "function", "function": {"name": "weather"}}}))),
        ("tools-one-at-a-time", tools(json!({"parallel_tool_calls": false}))),
        ("tools-result", called(json!([result("call_1", text("rain"))]))),
        ("tools-results", called(json!([result("call_1", text("rain")), result("call_2", text("snow"))]))),
        ("tools-result-json", called(json!([result("call_1", text("{\"degrees\":7}"))]))),
        ("tools-result-image", called(json!([result("call_1", json!([{"type": "media", "kind": "image", "source": data("image/png")}]))]))),
        ("tools-result-error", called(json!([{
            "type": "tool_result", "id": "call_1", "name": "weather", "content": text("no such city"), "is_error": true
        }]))),
    ]);
    all.extend([
        ("json-object", ask(json!({"response_format": {"type": "json_object"}}))),
        ("json-schema", ask(json!({"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema(), "strict": true}}}))),
        ("json-schema-loose", ask(json!({"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema()}}}))),
        ("reasoning-off", ask(json!({"reasoning": {"effort": "none"}}))),
        ("reasoning-minimal", ask(json!({"reasoning": {"effort": "minimal"}}))),
        ("reasoning-low", ask(json!({"reasoning": {"effort": "low"}}))),
        ("reasoning-medium", ask(json!({"reasoning": {"effort": "medium"}}))),
        ("reasoning-high", ask(json!({"reasoning": {"effort": "high"}}))),
        ("reasoning-xhigh", ask(json!({"reasoning": {"effort": "xhigh"}}))),
        ("reasoning-budget", ask(json!({"reasoning": {"max_tokens": 2048}}))),
        ("reasoning-back", said(json!([
            {"type": "reasoning", "text": "Hm.", "signature": "c2ln", "wire": family}, {"type": "text", "text": "So."},
        ]))),
        ("reasoning-of-another-wire", said(json!([
            {"type": "reasoning", "text": "Hm.", "signature": "c2ln", "wire": "elsewhere.chat"}, {"type": "text", "text": "So."},
        ]))),
        ("continued", begun(text("The sky is "))),
        ("continued-with-reasoning", begun(json!([
            {"type": "reasoning", "text": "Hm.", "signature": "c2ln", "wire": family},
            {"type": "reasoning", "text": "So", "wire": ""},
            {"type": "text", "text": ""}, {"type": "text", "text": "The sky "}, {"type": "text", "text": "is"},
        ]))),
        ("continued-behind-a-call", begun(json!([
            {"type": "text", "text": "I look."},
            {"type": "tool_call", "id": "call_1", "name": "weather", "input": "{\"city\":\"Rome\"}"},
        ]))),
        ("cut-off", json!({"messages": [
            {"role": "user", "content": "Why is the sky blue?"},
            {"role": "assistant", "content": [
                {"type": "text", "text": ""}, {"type": "reasoning", "text": "Hm", "wire": ""}, {"type": "text", "text": "The sky is"},
            ]},
            {"role": "user", "content": "Go on."},
        ]})),
        ("refusal-back", said(json!([{"type": "refusal", "text": "No."}]))),
        ("opaque-of-another-wire", said(json!([
            {"type": "opaque", "kind": "x", "data": {"type": "x"}, "wire": "elsewhere.chat"}, {"type": "text", "text": "So."},
        ]))),
        ("max-tokens", ask(json!({"max_tokens": 100}))),
        ("temperature", ask(json!({"temperature": 0.5}))),
        ("top-p", ask(json!({"top_p": 0.9}))),
        ("top-k", ask(json!({"top_k": 40}))),
        ("stop", ask(json!({"stop": ["END", "###"]}))),
        ("seed", ask(json!({"seed": 7}))),
        ("n", ask(json!({"n": 2}))),
        ("penalties", ask(json!({"presence_penalty": 0.5, "frequency_penalty": -0.5}))),
        ("logprobs", ask(json!({"logprobs": true, "top_logprobs": 2}))),
        ("user", ask(json!({"user": "u-1"}))),
        ("extra", ask(json!({"x_field": {"a": 1}}))),
        ("cache-control", user(json!([{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]))),
        ("embed", json!({"operation": "embed", "input": ["sky", "sea"]})),
        ("embed-dimensions", json!({"operation": "embed", "input": ["sky"], "dimensions": 256})),
        ("models", json!({"operation": "models"})),
    ]);
    all
}

/// The web search of a wire's own provider.
fn provider_tool(wire: &str) -> Value {
    match wire {
        "openai.responses" => json!({"type": "web_search"}),
        "google.generate" => json!({"type": "google_search", "google_search": {}}),
        "anthropic.messages" | "bedrock.invoke.anthropic" => {
            json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 2})
        }
        "bedrock.converse" => json!({"type": "system_tool", "systemTool": {"name": "nova_grounding"}}),
        _ => json!({"type": "web_search"}),
    }
}

fn foreign_tool(wire: &str) -> Value {
    match wire {
        "anthropic.messages" | "bedrock.invoke.anthropic" => {
            json!({"type": "code_interpreter", "container": {"type": "auto"}})
        }
        _ => json!({"type": "web_search_20250305", "name": "web_search"}),
    }
}

/// What becomes of a request.
fn outgoing(provider: &dyn Provider, mut request: Request) -> Value {
    let lacks: Vec<String> = provider
        .fit(&mut request)
        .iter()
        .map(|lack| format!("{}: {}", lack.parameter, lack.reason))
        .collect();
    let sent = match provider.encode(&request) {
        Ok(sent) => sent,
        Err(error) => {
            return json!({"lacks": lacks, "refused": {"kind": error.kind().name(), "message": error.message()}});
        }
    };
    let headers: serde_json::Map<String, Value> = sent
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
        .collect();
    let body: Value = serde_json::from_slice(sent.body()).unwrap_or(Value::Null);
    json!({
        "lacks": lacks,
        "request": {"method": sent.method().as_str(), "url": sent.uri().to_string(), "headers": headers, "body": body},
    })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
fn each_wire_sends_each_feature_as_it_did() {
    let recording = std::env::var_os("BELVEDERE_RECORD").is_some();
    let (mut files, mut changed) = (0, Vec::new());
    for target in &TARGETS {
        let provider = wire(target.wire, Some(target.host)).unwrap();
        for (feature, request) in features(target) {
            let mut request: Request = serde_json::from_value(request).unwrap();
            if request.operation != Operation::Models {
                request.model = Some(target.model.into());
            }
            let found = format!("{:#}\n", outgoing(provider.as_ref(), request));
            let path = folder().join(target.folder).join(format!("{feature}.json"));
            files += 1;
            if recording {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &found).unwrap();
            } else if std::fs::read_to_string(&path).ok().as_deref() != Some(found.as_str()) {
                changed.push(format!("{} is otherwise:\n{found}", path.display()));
            }
        }
    }
    println!("{files} requests");
    if !changed.is_empty() {
        panic!("{} of {files} differ\n{}", changed.len(), changed.join("\n"));
    }
}
