//! Random requests and answers, as far as Google's wire can express them.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::completion::{Choice, Completion};
use belvedere_core::event::{Finish, FinishReason};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::request::{
    Effort, Function, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use belvedere_providers::google::Google;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{Read, head};

fn text() -> impl Strategy<Value = String> {
    "[a-z é\"\\\\\n\u{1F600}]{1,8}"
}

fn name() -> impl Strategy<Value = SmolStr> {
    "[a-z_]{1,6}".prop_map(SmolStr::from)
}

/// The text of a JSON object that is neither empty nor one of those that stand for plain text.
fn object() -> impl Strategy<Value = String> {
    (text(), -9i64..9).prop_map(|(a, b)| json!({"a": a, "b": [b, null, {"c": 0.5}]}).to_string())
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Fields that only this wire is sent.
fn own(fields: Option<Value>) -> Map<String, Value> {
    fields.map(|fields| map(json!({"google.generate": fields}))).unwrap_or_default()
}

fn signature() -> impl Strategy<Value = Map<String, Value>> {
    option::of(text()).prop_map(|s| own(s.map(|s| json!({"thoughtSignature": s}))))
}

fn media() -> impl Strategy<Value = Part> {
    let data = (0..4usize, vec(any::<u8>(), 1..6)).prop_map(|(kind, bytes)| {
        let (kind, mime) = [
            (MediaKind::Image, "image/png"),
            (MediaKind::Audio, "audio/wav"),
            (MediaKind::Video, "video/mp4"),
            (MediaKind::File, "application/pdf"),
        ][kind];
        Media::new(kind, MediaSource::Data { mime: mime.into(), data: bytes.into() })
    });
    let url =
        name().prop_map(|n| Media::new(MediaKind::Image, MediaSource::Url(format!("https://h/{n}.webp"))));
    let id = name().prop_map(|n| Media::new(MediaKind::File, MediaSource::Id(format!("files/{n}"))));
    prop_oneof![data, url, id].prop_map(Part::Media)
}

fn call(by: ToolBy) -> impl Strategy<Value = Part> {
    let input = prop_oneof![object(), Just(String::new())];
    (name(), name(), input, signature(), any::<bool>()).prop_map(move |(id, name, input, extra, has_id)| {
        match by {
            ToolBy::Client => {
                let id = if has_id { id } else { SmolStr::default() };
                Part::ToolCall { id, name, input, by, extra }
            }
            ToolBy::Provider if has_id => Part::ToolCall { id, name: "FILE_SEARCH".into(), input, by, extra },
            ToolBy::Provider => {
                let input = json!({"code": name, "language": "PYTHON"}).to_string();
                Part::ToolCall { id: SmolStr::default(), name: "executableCode".into(), input, by, extra }
            }
        }
    })
}

/// A part of the model.
fn said() -> impl Strategy<Value = Part> {
    let plain = (text(), signature()).prop_map(|(text, extra)| Part::Text { text, extra });
    let empty = text()
        .prop_map(|s| Part::Text { text: String::new(), extra: own(Some(json!({"thoughtSignature": s}))) });
    let thought = (text(), option::of(text())).prop_map(|(text, signature)| {
        let wire = signature.as_ref().map(|_| "google.generate".into()).unwrap_or_default();
        Part::Reasoning { text, signature, wire, extra: Map::new() }
    });
    let result = text().prop_map(|output| {
        let data = json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": output}});
        Part::opaque("google.generate", "codeExecutionResult", data)
    });
    prop_oneof![3 => plain, 1 => empty, 2 => thought, 2 => call(ToolBy::Client), 1 => call(ToolBy::Provider), 1 => result]
}

fn result() -> impl Strategy<Value = Part> {
    let pictures = vec(media(), 0..2);
    let content = prop_oneof![text().prop_map(Some), object().prop_map(Some), Just(None)];
    (name(), name(), content, pictures, any::<bool>()).prop_map(|(id, name, text, pictures, is_error)| {
        let is_error = is_error && text.is_some();
        let content = text.map(Part::text).into_iter().chain(pictures).collect();
        Part::ToolResult { id, name: Some(name), content, is_error, extra: Map::new() }
    })
}

/// A turn: what the user says, what the model says, and results where there are any.
fn turn() -> impl Strategy<Value = Vec<Message>> {
    let user = vec(prop_oneof![text().prop_map(Part::text), media()], 1..3);
    (user, vec(said(), 1..4), vec(result(), 0..3)).prop_map(|(user, said, results)| {
        let mut turn = vec![Message::new(Role::User, user), Message::new(Role::Assistant, said)];
        turn.extend((!results.is_empty()).then(|| Message::new(Role::Tool, results)));
        turn
    })
}

fn tools() -> impl Strategy<Value = (Vec<Tool>, Option<ToolChoice>)> {
    let own = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let other = json!({"type": "object", "additionalProperties": false});
    let function = (name(), option::of(text()), option::of(any::<bool>()));
    let choice = prop_oneof![
        Just(None),
        Just(Some(ToolChoice::Auto)),
        Just(Some(ToolChoice::None)),
        Just(Some(ToolChoice::Required)),
        name().prop_map(|name| Some(ToolChoice::Function { name })),
    ];
    (vec(function, 1..3), choice, any::<bool>(), any::<bool>()).prop_map(
        move |(functions, choice, strict, search)| {
            let mut tools: Vec<Tool> = functions
                .into_iter()
                .map(|(name, description, schema)| {
                    let mut function = Function::new(name, "", Value::Null);
                    function.description = description;
                    function.parameters =
                        schema.map(|is_own| if is_own { own.clone() } else { other.clone() });
                    function.strict = (strict && choice.is_none()).then_some(true);
                    Tool::Function(function)
                })
                .collect();
            if search {
                tools.push(Tool::Provider(map(json!({"type": "googleSearch", "googleSearch": {}}))));
            }
            (tools, choice)
        },
    )
}

fn reasoning() -> impl Strategy<Value = Reasoning> {
    let efforts = [None, Some(Effort::Minimal), Some(Effort::Low), Some(Effort::Medium), Some(Effort::High)];
    prop_oneof![
        proptest::sample::select(efforts.to_vec()).prop_map(|effort| {
            let mut reasoning = Reasoning::default();
            reasoning.effort = effort;
            reasoning
        }),
        (0..3000u64).prop_map(|tokens| {
            let mut reasoning = Reasoning::default();
            reasoning.max_tokens = Some(tokens);
            reasoning
        }),
    ]
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    let schema = |schema: Value| ResponseFormat::JsonSchema { json_schema: Schema::new("answer", schema) };
    prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        Just(schema(json!({"type": "object", "properties": {}}))),
        Just(schema(json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}))),
    ]
}

/// A request.
pub(crate) fn request() -> impl Strategy<Value = Request> {
    let conversation = (option::of(vec(text(), 1..3)), vec(turn(), 0..3));
    let numbers = (option::of(0..9000u64), option::of(0..16i32), option::of(0..9u64), option::of(-9..9i64));
    let counts = (option::of(1..4u32), option::of(any::<bool>()), option::of(0..5u32), vec(text(), 0..3));
    let rest =
        (option::of(tools()), option::of(reasoning()), option::of(format()), any::<bool>(), any::<bool>());
    (conversation, numbers, counts, rest).prop_map(|((system, turns), numbers, counts, rest)| {
        let mut messages = Vec::new();
        messages.extend(
            system.map(|texts| Message::new(Role::System, texts.into_iter().map(Part::text).collect())),
        );
        messages.extend(turns.into_iter().flatten());
        let mut request = Request::new(messages).with_model("gemini-3-flash");
        let fraction = |n: Option<i32>| n.map(|n| f64::from(n) / 8.0);
        (request.max_tokens, request.top_k, request.seed) = (numbers.0, numbers.2, numbers.3);
        (request.temperature, request.top_p) = (fraction(numbers.1), fraction(numbers.1));
        (request.presence_penalty, request.frequency_penalty) = (fraction(numbers.1), None);
        (request.n, request.logprobs, request.top_logprobs, request.stop) = counts;
        let (tools, reasoning, format, stream, extra) = rest;
        if let Some((tools, choice)) = tools {
            (request.tools, request.tool_choice) = (Arc::new(tools), choice);
        }
        (request.reasoning, request.response_format, request.stream) = (reasoning, format, stream);
        if extra {
            request.extra = map(json!({
                "cachedContent": "cachedContents/x", "generationConfig": {"responseModalities": ["TEXT"]},
                "safetySettings": [{"category": "c", "threshold": "BLOCK_NONE"}],
            }));
        }
        request
    })
}

/// What an answer rests on and what it used, as this wire tells them: read from an answer of the wire.
fn told(candidate: Value, usage: Value) -> Completion {
    let body = json!({"candidates": [candidate], "usageMetadata": usage}).to_string();
    let head = head(200, [("content-type", "application/json")]);
    Read::new(&Google::default(), &Request::default(), &head, [body.as_bytes()]).completion()
}

fn finish(has_calls: bool) -> impl Strategy<Value = Finish> {
    let stop = if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop };
    let words = [
        ("STOP", stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("RECITATION", FinishReason::ContentFilter),
        ("UNEXPECTED_TOOL_CALL", FinishReason::Error),
        ("SOMETHING_NEW", FinishReason::Other),
    ];
    proptest::sample::select(words.to_vec()).prop_map(|(word, reason)| Finish {
        reason: Some(reason),
        raw: Some(word.into()),
        stop_sequence: None,
    })
}

fn choice() -> impl Strategy<Value = Choice> {
    let picture = vec(any::<u8>(), 1..6).prop_map(|bytes| {
        let source = MediaSource::Data { mime: "image/png".into(), data: bytes.into() };
        Part::Media(Media::new(MediaKind::Image, source))
    });
    vec(prop_oneof![5 => said(), 1 => picture], 0..6).prop_flat_map(|parts| {
        let client = |part: &Part| matches!(part, Part::ToolCall { by: ToolBy::Client, .. });
        let finish = finish(parts.iter().any(client));
        (Just(parts), finish, any::<bool>(), any::<bool>()).prop_map(|(parts, finish, grounded, logprobs)| {
            let mut choice = Choice::default();
            (choice.parts, choice.finish) = (parts, Some(finish));
            if grounded {
                let mut told = told(grounding(), Value::Null);
                choice.sources = told.choices.remove(0).sources;
            }
            if logprobs {
                choice.logprobs =
                    vec![json!({"avgLogprobs": -0.25, "logprobsResult": {"chosenCandidates": []}})];
            }
            choice
        })
    })
}

/// A candidate with sources of every kind.
fn grounding() -> Value {
    json!({
        "groundingMetadata": {
            "searchEntryPoint": {"renderedContent": "<p>"},
            "retrievalMetadata": {"googleSearchDynamicRetrievalScore": 0.5},
            "groundingChunks": [{"web": {"uri": "u", "title": "t"}}, {"retrievedContext": {"text": "x"}}],
            "groundingSupports": [
                {"segment": {"endIndex": 4}, "groundingChunkIndices": [0, 1]},
                {"segment": {"startIndex": 5, "endIndex": 9}, "groundingChunkIndices": [1]},
            ],
        },
        "citationMetadata": {"citationSources": [{"uri": "c", "startIndex": 1}]},
        "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "p", "urlRetrievalStatus": "OK"}]},
    })
}

/// An answer.
pub(crate) fn answer() -> impl Strategy<Value = Completion> {
    let counts = option::of((0..50u64, 0..50u64, option::of(0..50u64)));
    (option::of(name()), option::of(name()), vec(choice(), 1..3), counts).prop_map(
        |(id, model, choices, counts)| {
            let usage = counts.and_then(|(prompt, candidates, thoughts)| {
                let counts = json!({"promptTokenCount": prompt, "candidatesTokenCount": candidates,
                                "thoughtsTokenCount": thoughts, "cachedContentTokenCount": prompt / 2,
                                "totalTokenCount": prompt + candidates + thoughts.unwrap_or(0)});
                told(Value::Null, counts).usage
            });
            let mut answer = Completion::default();
            (answer.id, answer.model, answer.usage, answer.choices) = (id, model, usage, choices);
            for (index, choice) in answer.choices.iter_mut().enumerate() {
                choice.index = u32::try_from(index).unwrap_or_default();
            }
            answer
        },
    )
}
