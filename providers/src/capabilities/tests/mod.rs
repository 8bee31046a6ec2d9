//! Each parameter on each wire is sent, mapped or named as lacking; `docs/parameters.md` says which.

mod content;
mod continuation;
mod docs;
mod matrix;
mod rules;

use std::sync::Arc;

use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::{Lack, Provider};
use belvedere_core::request::{
    Effort, Function, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use bytes::Bytes;
use serde_json::{Value, json};

#[cfg(feature = "openai")]
use crate::capabilities::rule::{Field, Rule, Rules};
use crate::openai::{OpenAi, hosts};

/// A model of a server on a wire.
struct Target {
    wire: &'static str,
    host: Option<&'static str>,
    model: &'static str,
}

/// One target for each wire, to show what is sent as what.
const WIRES: [Target; 8] = [
    target("openai.chat", Some("openai"), "gpt-4.1"),
    target("openai.responses", Some("openai"), "gpt-4.1"),
    target("anthropic.messages", None, "claude-opus-4-6"),
    target("google.generate", None, "gemini-2.5-flash"),
    target("bedrock.converse", None, "amazon.nova-pro-v1:0"),
    target("ollama.chat", None, "qwen3"),
    target("ollama.generate", None, "qwen3"),
    target("cohere.chat", None, "command-a-reasoning-08-2025"),
];

/// Models and servers that differ.
const SPECIAL: [Target; 24] = [
    target("openai.chat", Some("openai"), "o3"),
    target("openai.chat", Some("openai"), "gpt-5-mini"),
    target("openai.chat", Some("openai"), "gpt-5.1"),
    target("openai.chat", Some("openai"), "gpt-5.2"),
    target("openai.chat", Some("lm_studio"), "some-model"),
    target("openai.chat", Some("openrouter"), "anthropic/claude-opus-4.6"),
    target("openai.chat", Some("alibaba"), "qwen3-max"),
    target("openai.chat", Some("deepseek"), "deepseek-chat"),
    target("openai.chat", Some("groq"), "openai/gpt-oss-120b"),
    target("openai.chat", Some("mistral"), "mistral-large-latest"),
    target("openai.chat", Some("xai"), "grok-3-mini"),
    target("openai.chat", Some("xai"), "grok-4-fast-non-reasoning"),
    target("openai.responses", Some("openai"), "gpt-5.2"),
    target("anthropic.messages", None, "claude-sonnet-4-5"),
    target("anthropic.messages", None, "claude-3-5-haiku-latest"),
    target("anthropic.messages", None, "claude-opus-4-7"),
    target("anthropic.messages", None, "kimi-k2"),
    target("google.generate", None, "gemini-2.5-pro"),
    target("google.generate", None, "gemini-3-pro-preview"),
    target("google.generate", None, "gemini-3-flash-preview"),
    target("bedrock.converse", None, "us.anthropic.claude-opus-4-6-v1"),
    target("bedrock.converse", None, "us.anthropic.claude-opus-4-7-v1:0"),
    target("bedrock.converse", None, "mistral.mistral-large-3-675b-instruct"),
    target("bedrock.invoke.anthropic", None, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
];

/// Who goes on with an answer, and who could be thought to.
const CONTINUING: [Target; 32] = [
    target("anthropic.messages", None, "claude-3-5-haiku-latest"),
    target("anthropic.messages", None, "claude-opus-4-5"),
    target("anthropic.messages", None, "claude-opus-4-6"),
    target("anthropic.messages", None, "claude-opus-5"),
    target("anthropic.messages", None, "claude-sonnet-4@20250514"),
    target("anthropic.messages", None, "claude-sonnet-4-6"),
    target("anthropic.messages", None, "kimi-k2"),
    target("bedrock.invoke.anthropic", None, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    target("bedrock.invoke.anthropic", None, "us.anthropic.claude-opus-4-6-v1"),
    target("bedrock.converse", None, "anthropic.claude-haiku-4-5-20251001-v1:0"),
    target("bedrock.converse", None, "us.anthropic.claude-opus-4-6-v1"),
    target("bedrock.converse", None, "amazon.nova-pro-v1:0"),
    target("bedrock.converse", None, "mistral.mistral-large-3-675b-instruct"),
    target("openai.chat", Some("alibaba"), "qwen3-max"),
    target("openai.chat", Some("alibaba"), "qwen3-235b-a22b-thinking-2507"),
    target("openai.chat", Some("alibaba"), "deepseek-v3.2"),
    target("openai.chat", Some("deepseek"), "deepseek-chat"),
    target("openai.chat", Some("groq"), "llama-3.3-70b-versatile"),
    target("openai.chat", Some("llama_cpp"), "some-model"),
    target("openai.chat", Some("mistral"), "mistral-large-latest"),
    target("openai.chat", Some("moonshot"), "kimi-k2.5"),
    target("openai.chat", Some("ollama"), "qwen3"),
    target("openai.chat", Some("openrouter"), "meta-llama/llama-4-maverick"),
    target("openai.chat", Some("openrouter"), "anthropic/claude-sonnet-4.5"),
    target("openai.chat", Some("openrouter"), "anthropic/claude-opus-4.6"),
    target("openai.chat", Some("sglang"), "some-model"),
    target("openai.chat", Some("vllm"), "some-model"),
    target("openai.chat", Some("openai"), "gpt-4.1"),
    target("openai.responses", None, "gpt-4.1"),
    target("google.generate", None, "gemini-2.5-flash"),
    target("ollama.chat", None, "qwen3"),
    target("cohere.chat", None, "command-a-reasoning-08-2025"),
];

const fn target(wire: &'static str, host: Option<&'static str>, model: &'static str) -> Target {
    Target { wire, host, model }
}

impl Target {
    /// The provider; `None` when this build does not have its wire.
    fn provider(&self) -> Option<Arc<dyn Provider>> {
        Some(match self.wire {
            #[cfg(feature = "openai")]
            "openai.chat" => Arc::new(OpenAi::new(hosts::find(self.host?)?)),
            #[cfg(feature = "responses")]
            "openai.responses" => Arc::new(crate::responses::Responses::default()),
            #[cfg(feature = "anthropic")]
            "anthropic.messages" => Arc::new(crate::anthropic::Anthropic::default()),
            #[cfg(feature = "google")]
            "google.generate" => Arc::new(crate::google::Google::default()),
            #[cfg(feature = "bedrock")]
            "bedrock.converse" => Arc::new(crate::bedrock::Converse::in_region("us-east-1").ok()?),
            #[cfg(feature = "bedrock")]
            "bedrock.invoke.anthropic" => {
                Arc::new(crate::bedrock::InvokeAnthropic::in_region("us-east-1").ok()?)
            }
            #[cfg(feature = "ollama")]
            "ollama.chat" => Arc::new(crate::ollama::Ollama::default()),
            #[cfg(feature = "ollama")]
            "ollama.generate" => {
                Arc::new(crate::ollama::Ollama::default().with_api(crate::ollama::Api::Generate))
            }
            #[cfg(feature = "cohere")]
            "cohere.chat" => Arc::new(crate::cohere::Cohere::default()),
            _ => return None,
        })
    }

    fn name(&self) -> String {
        format!("{} {} {}", self.wire, self.host.unwrap_or_default(), self.model)
    }

    /// A request that every target takes, with a tool where it takes tools.
    fn plain(&self, provider: &dyn Provider) -> Request {
        let mut request = Request::from("hi").with_model(self.model).with_tools([get_time()]);
        provider.fit(&mut request);
        request
    }
}

/// The targets of this build.
fn targets() -> impl Iterator<Item = (&'static Target, Arc<dyn Provider>)> {
    WIRES.iter().chain(&SPECIAL).filter_map(|target| Some((target, target.provider()?)))
}

fn get_time() -> Function {
    let schema = json!({
        "type": "object",
        "properties": { "city": { "type": "string" } },
        "required": ["city"],
        "additionalProperties": false,
    });
    Function::new("get_time", "The time in a city.", schema)
}

/// What goes out: everything that a change of the request could change.
fn sent(provider: &dyn Provider, request: &Request) -> (String, Value) {
    let outgoing = provider.encode(request).unwrap_or_else(|error| panic!("{error} {request:?}"));
    let (head, body): (_, Bytes) = outgoing.into_parts();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    (format!("{} {:?}", head.uri, head.headers), body)
}

/// A change of a request.
type Change = Box<dyn Fn(&mut Request)>;

/// One thing asked for: where it stands in a request, and how it looks in a table.
struct Probe {
    /// What the name of its lack begins with.
    name: &'static str,
    shown: String,
    change: Change,
}

fn probe(name: &'static str, shown: impl Into<String>, change: impl Fn(&mut Request) + 'static) -> Probe {
    Probe { name, shown: shown.into(), change: Box::new(change) }
}

/// Every parameter of a chat request, each alone.
fn parameters() -> Vec<Probe> {
    let mut list = vec![
        probe("max_tokens", "max_tokens: 77", |r| r.max_tokens = Some(77)),
        probe("temperature", "temperature: 0.5", |r| r.temperature = Some(0.5)),
        probe("top_p", "top_p: 0.5", |r| r.top_p = Some(0.5)),
        probe("top_k", "top_k: 7", |r| r.top_k = Some(7)),
        probe("stop", "stop: [END]", |r| r.stop = vec!["END".into()]),
        probe("seed", "seed: 7", |r| r.seed = Some(7)),
        probe("n", "n: 2", |r| r.n = Some(2)),
        probe("presence_penalty", "presence_penalty: 0.5", |r| r.presence_penalty = Some(0.5)),
        probe("frequency_penalty", "frequency_penalty: 0.5", |r| r.frequency_penalty = Some(0.5)),
        probe("logprobs", "logprobs: true", |r| r.logprobs = Some(true)),
        probe("top_logprobs", "logprobs: true, top_logprobs: 3", |r| {
            (r.logprobs, r.top_logprobs) = (Some(true), Some(3));
        }),
        probe("user", "user: u-1", |r| r.user = Some("u-1".into())),
        probe("dimensions", "dimensions: 64", |r| r.dimensions = Some(64)),
        probe("parallel_tool_calls", "parallel_tool_calls: false", |r| r.parallel_tool_calls = Some(false)),
        probe("tool_choice", "tool_choice: none", |r| r.tool_choice = Some(ToolChoice::None)),
        probe("tool_choice", "tool_choice: required", |r| r.tool_choice = Some(ToolChoice::Required)),
        probe("tool_choice", "tool_choice: get_time", |r| {
            r.tool_choice = Some(ToolChoice::Function { name: "get_time".into() });
        }),
        probe("tools[0]", "tools[0].strict: true", |r| {
            let mut tool = get_time();
            tool.strict = Some(true);
            r.tools = Arc::new(vec![Tool::Function(tool)]);
        }),
        probe("response_format", "response_format: json_object", |r| {
            r.response_format = Some(ResponseFormat::JsonObject);
        }),
        probe("response_format", "response_format: json_schema", |r| {
            let schema = get_time().parameters.unwrap_or_default();
            r.response_format = Some(ResponseFormat::JsonSchema { json_schema: Schema::new("city", schema) });
        }),
        probe("reasoning.max_tokens", "reasoning.max_tokens: 2048", |r| r.reasoning = Some(budget(2048))),
    ];
    list.extend(efforts());
    list
}

fn budget(tokens: u64) -> Reasoning {
    let mut reasoning = Reasoning::default();
    reasoning.max_tokens = Some(tokens);
    reasoning
}

fn efforts() -> impl Iterator<Item = Probe> {
    super::parameters::EFFORTS.into_iter().map(|effort| {
        probe("reasoning.effort", effort.as_str(), move |r| r.reasoning = Some(effort_of(effort)))
    })
}

fn effort_of(effort: Effort) -> Reasoning {
    let mut reasoning = Reasoning::default();
    reasoning.effort = Some(effort);
    reasoning
}

/// Media of every kind from every source, and where else they may stand.
fn media() -> Vec<Probe> {
    let kinds = [
        (MediaKind::Image, "image", "image/png", "https://files.test/a.png"),
        (MediaKind::Audio, "audio", "audio/wav", "https://files.test/a.wav"),
        (MediaKind::Video, "video", "video/mp4", "https://files.test/a.mp4"),
        (MediaKind::File, "file", "application/pdf", "https://files.test/a.pdf"),
    ];
    let mut list = Vec::new();
    for (kind, name, mime, url) in kinds {
        let data = MediaSource::Data { mime: mime.into(), data: Bytes::from_static(b"data") };
        let id = if kind == MediaKind::Image { "file-1" } else { "file-2" };
        let sources =
            [("bytes", data), ("address", MediaSource::Url(url.into())), ("id", MediaSource::Id(id.into()))];
        for (from, source) in sources {
            let part = Part::Media(named(kind, source));
            list.push(probe("messages[0].content[1]", format!("{name} by {from}"), move |r| {
                Arc::make_mut(&mut r.messages)[0].parts.push(part.clone());
            }));
        }
    }
    list
}

fn named(kind: MediaKind, source: MediaSource) -> Media {
    let mut media = Media::new(kind, source);
    media.name = (kind == MediaKind::File).then(|| "a.pdf".into());
    media
}

fn said(role: Role, part: Part) -> Change {
    Box::new(move |request| {
        Arc::make_mut(&mut request.messages).push(Message::new(role, vec![part.clone()]));
    })
}

/// The beginning of an answer, to be gone on with.
fn continued() -> Probe {
    let begun = said(Role::Assistant, Part::text("Hello, I"));
    probe("continue_final_message", "continue_final_message: true", move |request| {
        begun(request);
        request.continue_final_message = true;
    })
}

/// Holds a probe to the law: what is asked is sent or named, never silently gone.
fn hold(target: &Target, provider: &dyn Provider, probe: &Probe) -> Vec<Lack> {
    let plain = target.plain(provider);
    let mut asked = plain.clone();
    (probe.change)(&mut asked);
    // Without tools there is nothing to choose from, and a model that never thinks need not be told not to.
    let no_choice = plain.tools.is_empty() && asked.tool_choice == Some(ToolChoice::None);
    let is_nothing = no_choice || (probe.shown == "none" && is_thoughtless(target));
    let lacks = provider.fit(&mut asked);
    let named = lacks.iter().any(|lack| lack.parameter.starts_with(probe.name));
    let goes_out = is_nothing || sent(provider, &asked) != sent(provider, &plain);
    assert!(named || goes_out, "{}: {} is silently gone", target.name(), probe.shown);
    assert!(lacks.iter().all(|lack| !lack.reason.is_empty()));
    assert_eq!(provider.fit(&mut asked), [], "{}: {}: what is left fits", target.name(), probe.shown);
    lacks
}

fn is_thoughtless(target: &Target) -> bool {
    let rules = Rules::new(target.wire).with_rows(target.host.unwrap_or(target.wire), target.model);
    matches!(rules.get(Field::Effort), Rule::Thoughtless(_))
}
