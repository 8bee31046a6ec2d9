//! Random requests and answers, of what Converse can express.

use std::sync::Arc;

use belvedere_core::completion::{Choice, Completion};
use belvedere_core::event::{Finish, FinishReason, Source};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::request::{
    Effort, Function, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use belvedere_core::usage::{Class, Reported, Usage};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const WIRE: &str = "bedrock.converse";

/// Text of some characters; a wire leaves empty text out.
fn text() -> impl Strategy<Value = String> {
    "[a-z \\\\\"\n\u{e9}\u{1f980}]{1,12}"
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,8}"
}

/// A number that JSON gives back as it was.
fn share() -> impl Strategy<Value = f64> {
    (0_u32..=1000).prop_map(|n| f64::from(n) / 1000.0)
}

fn cache() -> impl Strategy<Value = Map<String, Value>> {
    let marks = [
        json!({}),
        json!({"cache_control": {"type": "ephemeral"}}),
        json!({"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
    ];
    select(marks.to_vec()).prop_map(|mark| mark.as_object().unwrap().clone())
}

fn plain() -> impl Strategy<Value = Part> {
    (text(), cache()).prop_map(|(text, extra)| Part::Text { text, extra })
}

fn bytes() -> impl Strategy<Value = bytes::Bytes> {
    vec(any::<u8>(), 1..20).prop_map(Into::into)
}

fn media() -> impl Strategy<Value = Media> {
    let rows = select(vec![
        (MediaKind::Image, "image/png", "png"),
        (MediaKind::Image, "image/jpeg", "jpeg"),
        (MediaKind::Video, "video/mp4", "mp4"),
        (MediaKind::Audio, "audio/mpeg", "mp3"),
        (MediaKind::File, "application/pdf", "pdf"),
        (MediaKind::File, "text/csv", "csv"),
    ]);
    (rows, bytes(), any::<bool>(), "[a-z]{1,5}( [a-z0-9]{1,5})?", cache()).prop_map(
        |((kind, mime, ending), data, stored, name, extra)| {
            let source = match stored {
                true => MediaSource::Url(format!("s3://bucket/key.{ending}")),
                false => MediaSource::Data { mime: mime.into(), data },
            };
            let mut media = Media::new(kind, source);
            media.name = (kind == MediaKind::File).then_some(name);
            media.extra = extra;
            media
        },
    )
}

/// Arguments as they are written again: an object without blanks.
fn input() -> impl Strategy<Value = String> {
    of((word(), text())).prop_map(|field| match field {
        Some((name, text)) => json!({ name: text }).to_string(),
        None => "{}".to_owned(),
    })
}

fn call(by: ToolBy) -> impl Strategy<Value = Part> {
    (word(), word(), input()).prop_map(move |(id, name, input)| Part::ToolCall {
        id: id.into(),
        name: name.into(),
        input,
        by,
        extra: Map::new(),
    })
}

fn reasoning() -> impl Strategy<Value = Part> {
    (text(), of(word())).prop_map(|(text, signature)| Part::Reasoning {
        text,
        wire: signature.as_ref().map(|_| WIRE.into()).unwrap_or_default(),
        signature,
        extra: Map::new(),
    })
}

fn server_result() -> impl Strategy<Value = Part> {
    (word(), text()).prop_map(|(id, text)| {
        let result =
            json!({"toolUseId": id, "type": "x_result", "status": "success", "content": [{"text": text}]});
        Part::opaque(WIRE, "toolResult", json!({ "toolResult": result }))
    })
}

fn redacted() -> impl Strategy<Value = Part> {
    "[a-z]{4}".prop_map(|data| {
        Part::opaque(WIRE, "reasoningContent", json!({"reasoningContent": {"redactedContent": data}}))
    })
}

fn citation() -> impl Strategy<Value = Value> {
    word().prop_map(|page| json!({"location": {"web": {"url": format!("https://{page}.example")}}}))
}

fn cited() -> impl Strategy<Value = Part> {
    (text(), vec(citation(), 1..3)).prop_map(|(text, citations)| {
        let extra = Map::from_iter([(WIRE.to_owned(), json!({ "citations": citations }))]);
        Part::Text { text, extra }
    })
}

fn result() -> impl Strategy<Value = Part> {
    let content = prop_oneof![
        text().prop_map(Part::text),
        media().prop_map(|mut media| {
            media.extra = Map::new();
            Part::Media(media)
        })
    ];
    (word(), vec(content, 0..3), any::<bool>(), cache()).prop_map(|(id, content, is_error, extra)| {
        Part::ToolResult { id: id.into(), name: None, content, is_error, extra }
    })
}

fn turn() -> impl Strategy<Value = Vec<Message>> {
    let asked = vec(prop_oneof![plain(), media().prop_map(Part::Media)], 1..4);
    let said = vec(
        prop_oneof![
            plain(),
            reasoning(),
            redacted(),
            cited(),
            call(ToolBy::Client),
            call(ToolBy::Provider),
            server_result()
        ],
        1..5,
    );
    (vec(result(), 0..3), asked, said).prop_map(|(results, asked, said)| {
        let tool = (!results.is_empty()).then(|| Message::new(Role::Tool, results));
        // Thinking comes to words: Claude takes none that nothing follows.
        let is_idle = |part: &Part| match part {
            Part::Reasoning { .. } => true,
            Part::Opaque { data, .. } => data.get("reasoningContent").is_some(),
            _ => false,
        };
        let words = said.last().is_some_and(is_idle).then(|| Part::text("so"));
        let said = said.into_iter().chain(words).collect();
        let rest = [Message::new(Role::User, asked), Message::new(Role::Assistant, said)];
        tool.into_iter().chain(rest).collect()
    })
}

fn function() -> impl Strategy<Value = Tool> {
    (word(), of(text()), of(any::<bool>()), cache()).prop_map(|(name, description, strict, extra)| {
        let mut function = Function::new(name, "", json!({"type": "object", "properties": {}}));
        function.description = description;
        function.strict = strict;
        function.extra = extra;
        Tool::Function(function)
    })
}

fn own_tool() -> impl Strategy<Value = Tool> {
    word()
        .prop_map(|name| Tool::Provider(Map::from_iter([("systemTool".to_owned(), json!({ "name": name }))])))
}

fn schema() -> impl Strategy<Value = ResponseFormat> {
    (word(), of(text())).prop_map(|(name, description)| {
        let mut json_schema = Schema::new(name, json!({"type": "object", "required": ["a"]}));
        json_schema.description = description;
        ResponseFormat::JsonSchema { json_schema }
    })
}

/// A model, with the thinking and `top_k` it takes.
fn model() -> impl Strategy<Value = (&'static str, Option<Reasoning>, Option<u64>)> {
    let thinks = |effort: Option<Effort>, max_tokens: Option<u64>| {
        let mut reasoning = Reasoning::default();
        (reasoning.effort, reasoning.max_tokens) = (effort, max_tokens);
        Some(reasoning)
    };
    prop_oneof![
        Just(("us.amazon.nova-2-lite-v1:0", thinks(Some(Effort::High), None), Some(3))),
        Just(("us.amazon.nova-2-lite-v1:0", thinks(Some(Effort::None), None), None)),
        Just(("arn:aws:bedrock:us-east-1:1:application-inference-profile/a", None, None)),
        Just(("openai.gpt-oss-20b-1:0", thinks(Some(Effort::Low), None), None)),
        Just(("qwen.qwen3-32b-v1:0", thinks(Some(Effort::Medium), None), None)),
        Just(("mistral.mistral-large-2402-v1:0", None, Some(7))),
    ]
}

/// A request.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    let tools = vec(prop_oneof![4 => function(), 1 => own_tool()], 0..3);
    let choice = select(vec![
        None,
        Some(ToolChoice::Auto),
        Some(ToolChoice::Required),
        Some(ToolChoice::Function { name: "f".into() }),
    ]);
    let numbers = (of(1_u64..9999), of(share()), of(share()), vec(text(), 0..3));
    let further = (of(word()), of(schema()), any::<bool>(), any::<bool>());
    (of(vec(plain(), 1..3)), vec(turn(), 1..3), tools, choice, numbers, further, model()).prop_map(
        |(
            system,
            turns,
            tools,
            choice,
            numbers,
            (user, format, stream, guarded),
            (model, reasoning, top_k),
        )| {
            let system = system.map(|parts| Message::new(Role::System, parts));
            let mut request: Request = system.into_iter().chain(turns.concat()).collect::<Vec<_>>().into();
            request.tool_choice = choice.filter(|_| !tools.is_empty());
            request.tools = Arc::new(tools);
            (request.max_tokens, request.temperature, request.top_p, request.stop) = numbers;
            (request.model, request.reasoning, request.top_k) = (Some(model.into()), reasoning, top_k);
            (request.user, request.response_format, request.stream) = (user.map(Into::into), format, stream);
            if guarded {
                request.extra.insert("guardrailConfig".into(), json!({"guardrailIdentifier": "g"}));
            }
            request
        },
    )
}

fn picture() -> impl Strategy<Value = Part> {
    bytes().prop_map(|data| {
        Part::Media(Media::new(MediaKind::Image, MediaSource::Data { mime: "image/png".into(), data }))
    })
}

fn finish() -> impl Strategy<Value = Finish> {
    let words = select(vec![
        ("end_turn", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("tool_use", FinishReason::ToolCalls),
        ("guardrail_intervened", FinishReason::ContentFilter),
        ("malformed_tool_use", FinishReason::Error),
        ("a_new_word", FinishReason::Other),
    ]);
    (words, of(word())).prop_map(|((raw, reason), stop_sequence)| Finish {
        reason: Some(reason),
        raw: Some(raw.into()),
        stop_sequence: stop_sequence.map(Into::into),
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    (0_u64..9999, 0_u64..9999, of(0_u64..999)).prop_map(|(input, output, read)| {
        let mut usage = Usage::default();
        let mut reported = Reported::default();
        let mut raw = json!({"inputTokens": input, "outputTokens": output});
        usage.set(Class::Input, Some(input));
        usage.set(Class::Output, Some(output));
        usage.set(Class::CacheRead, read);
        (reported.input_tokens, reported.output_tokens, reported.cache_read_tokens) =
            (Some(input), Some(output), read);
        if let Some(read) = read {
            raw["cacheReadInputTokens"] = json!(read);
        }
        usage.reported = Some(reported);
        usage.raw = raw.as_object().unwrap().clone();
        usage
    })
}

/// The sources that the citations of these parts stand for.
fn sources(parts: &[Part]) -> Vec<Source> {
    let mut sources = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let Part::Text { extra, .. } = part else { continue };
        let citations = extra.get(WIRE).and_then(|own| own["citations"].as_array());
        for citation in citations.into_iter().flatten() {
            let mut source = Source::default();
            source.part = u32::try_from(at).ok();
            source.url = citation["location"]["web"]["url"].as_str().map(Into::into);
            source.raw = citation.clone();
            sources.push(source);
        }
    }
    sources
}

/// An answer.
pub(crate) fn answer() -> impl Strategy<Value = Completion> {
    let part = prop_oneof![
        text().prop_map(Part::text),
        reasoning(),
        redacted(),
        cited(),
        call(ToolBy::Client),
        call(ToolBy::Provider),
        server_result(),
        picture(),
    ];
    (vec(part, 0..6), finish(), of(usage())).prop_map(|(parts, finish, usage)| {
        let mut choice = Choice::default();
        choice.sources = sources(&parts);
        choice.parts = parts;
        choice.finish = Some(finish);
        let mut answer = Completion::default();
        answer.choices = vec![choice];
        answer.usage = usage.map(Arc::new);
        answer
    })
}
