//! Random requests and answers, as far as the Responses wire can express them.

use std::sync::Arc;

use belvedere_core::SmolStr;
use belvedere_core::completion::{Choice, Completion};
use belvedere_core::event::{Finish, FinishReason};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::request::{
    Effort, Function, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use belvedere_core::usage::{Class, Usage};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{WIRE, own};

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 \"{}\\\\\\n\u{e9}\u{1f600}]{1,12}"
}

fn ident() -> impl Strategy<Value = String> {
    "[a-z]{1,8}"
}

/// A medium that a user's message can hold.
fn media() -> impl Strategy<Value = Media> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    let data = |mime: &'static str| {
        bytes.clone().prop_map(move |data| MediaSource::Data { mime: mime.into(), data: data.into() })
    };
    let url = ident().prop_map(|name| MediaSource::Url(format!("https://a.example/{name}"))).boxed();
    let id = ident().prop_map(MediaSource::Id).boxed();
    prop_oneof![
        (data("image/png"), any::<bool>()).prop_map(|(source, detailed)| {
            let mut media = Media::new(MediaKind::Image, source);
            if detailed {
                media.extra.insert("detail".into(), "high".into());
            }
            media
        }),
        prop_oneof![url.clone(), id.clone()].prop_map(|source| Media::new(MediaKind::Image, source)),
        (prop_oneof![data("application/pdf"), url, id], prop::option::of(ident())).prop_map(
            |(source, name)| {
                let mut media = Media::new(MediaKind::File, source);
                media.name = name;
                media
            }
        ),
        prop_oneof![data("audio/wav"), data("audio/mpeg")]
            .prop_map(|source| Media::new(MediaKind::Audio, source)),
    ]
}

/// A part of what is said to the model.
fn asked() -> impl Strategy<Value = Part> {
    prop_oneof![words().prop_map(Part::text), media().prop_map(Part::Media)]
}

/// The parts that one item of the model becomes. `n` makes its ids.
fn item(n: usize) -> impl Strategy<Value = Vec<Part>> {
    let fields = move |prefix: &str| json!({"id": format!("{prefix}_{n}"), "status": "completed"});
    let text = move |text| Part::Text { text, extra: own(fields("msg")) };
    let message =
        prop::collection::vec(words(), 1..3).prop_map(move |texts| texts.into_iter().map(text).collect());
    let refused =
        (words(), words()).prop_map(move |(said, refusal)| vec![text(said), Part::Refusal { text: refusal }]);
    let reasoning = (prop::collection::vec((words(), any::<bool>()), 1..3), prop::option::of(ident()));
    let reasoning = reasoning.prop_map(move |(mut texts, signature)| {
        // Summaries come first.
        texts.sort_by_key(|(_, is_thought)| *is_thought);
        let count = texts.len();
        let part = |(i, (text, is_thought)): (usize, (String, bool))| {
            let mut fields = json!({"id": format!("rs_{n}")});
            if is_thought {
                fields["type"] = "reasoning_text".into();
            }
            let signature = signature.clone().filter(|_| i + 1 == count);
            let wire = if signature.is_some() { WIRE.into() } else { SmolStr::default() };
            Part::Reasoning { text, signature, wire, extra: own(fields) }
        };
        texts.into_iter().enumerate().map(part).collect()
    });
    let hidden = ident().prop_map(move |secret| {
        let extra = own(json!({"id": format!("rs_{n}")}));
        vec![Part::Reasoning { text: String::new(), signature: Some(secret), wire: WIRE.into(), extra }]
    });
    let call = (ident(), words(), any::<bool>()).prop_map(move |(name, text, is_custom)| {
        let mut extra = fields("fc");
        let mut input = json!({ "a": text }).to_string();
        if is_custom {
            extra["type"] = "custom_tool_call".into();
            input = text;
        }
        let id = format!("call_{n}").into();
        vec![Part::ToolCall { id, name: name.into(), input, by: ToolBy::Client, extra: own(extra) }]
    });
    let search = words().prop_map(move |query| {
        let item = json!({"type": "web_search_call", "id": format!("ws_{n}"), "action": {"type": "search", "query": query}});
        vec![Part::opaque(WIRE, "web_search_call", item)]
    });
    let image = prop::collection::vec(any::<u8>(), 1..20).prop_map(move |bytes| {
        let id = format!("ig_{n}");
        let item = json!({"type": "image_generation_call", "id": id, "status": "completed"});
        let mut media =
            Media::new(MediaKind::Image, MediaSource::Data { mime: "image/png".into(), data: bytes.into() });
        media.extra = own(json!({ "id": id }));
        vec![Part::opaque(WIRE, "image_generation_call", item), Part::Media(media)]
    });
    prop_oneof![message, refused, reasoning, hidden, call, search, image]
}

/// The parts of one message of the model.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    (1..5usize)
        .prop_flat_map(|count| (0..count).map(|n| item(n).boxed()).collect::<Vec<_>>())
        .prop_map(|items| items.into_iter().flatten().collect())
}

fn message() -> impl Strategy<Value = Message> {
    let said = prop::collection::vec(asked(), 1..3);
    let role = prop::sample::select(vec![Role::System, Role::Developer, Role::User]);
    let result = (ident(), prop::collection::vec(asked(), 1..3)).prop_map(|(id, content)| {
        let extra = Map::new();
        let part = Part::ToolResult { id: id.into(), name: None, content, is_error: false, extra };
        Message::new(Role::Tool, vec![part])
    });
    prop_oneof![(role, said).prop_map(|(role, parts)| Message::new(role, parts)), result]
}

/// Turns of a conversation: the model never speaks twice in a row.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let turn = (prop::collection::vec(message(), 1..3), prop::option::of(parts()));
    prop::collection::vec(turn, 0..3).prop_map(|turns| {
        let mut all = Vec::new();
        for (said, answer) in turns {
            all.extend(said);
            all.extend(answer.map(|parts| Message::new(Role::Assistant, parts)));
        }
        all
    })
}

fn tool() -> impl Strategy<Value = Tool> {
    let function =
        (ident(), words(), prop::option::of(any::<bool>())).prop_map(|(name, description, strict)| {
            let mut function = Function::new(name, description, json!({"type": "object"}));
            function.strict = strict;
            Tool::Function(function)
        });
    let own = json!({"type": "web_search"}).as_object().cloned().unwrap();
    prop_oneof![function, Just(Tool::Provider(own))]
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    let schema = ident().prop_map(|name| ResponseFormat::JsonSchema {
        json_schema: Schema::new(name, json!({"type": "object"})),
    });
    prop_oneof![Just(ResponseFormat::Text), Just(ResponseFormat::JsonObject), schema]
}

fn choice() -> impl Strategy<Value = ToolChoice> {
    let function = ident().prop_map(|name| ToolChoice::Function { name: name.into() });
    prop_oneof![Just(ToolChoice::Auto), Just(ToolChoice::None), Just(ToolChoice::Required), function]
}

fn extra() -> impl Strategy<Value = Map<String, Value>> {
    let fields = prop::sample::subsequence(
        vec![
            ("metadata", json!({"k": "v"})),
            ("store", json!(false)),
            ("previous_response_id", json!("resp_0")),
            ("include", json!(["web_search_call.action.sources"])),
            ("reasoning", json!({"summary": "auto"})),
            ("text", json!({"verbosity": "low"})),
        ],
        0..=6,
    );
    fields.prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(crate) fn requests() -> impl Strategy<Value = Request> {
    let settings = (
        prop::option::of(choice()),
        prop::option::of(any::<bool>()),
        prop::option::of(1..9999u64),
        prop::option::of(0..8u32),
        prop::option::of(format()),
        prop::option::of(prop::sample::select(vec![
            Effort::None,
            Effort::Minimal,
            Effort::Low,
            Effort::Xhigh,
        ])),
        extra(),
    );
    let flags = (any::<bool>(), any::<bool>(), prop::option::of(ident()));
    (messages(), prop::collection::vec(tool(), 0..3), settings, flags).prop_map(
        |(messages, tools, (choice, parallel, max, top, format, effort, extra), (stream, logprobs, user))| {
            let mut request = Request::new(messages).with_model("m");
            request.tools = Arc::new(tools);
            request.tool_choice = choice;
            request.parallel_tool_calls = parallel;
            request.max_tokens = max;
            request.temperature = top.map(|n| f64::from(n) / 8.0);
            request.top_p = max.map(|_| 0.5);
            request.top_logprobs = top;
            request.logprobs = logprobs.then_some(true);
            request.response_format = format;
            request.reasoning = effort.map(|effort| {
                let mut reasoning = Reasoning::default();
                reasoning.effort = Some(effort);
                reasoning
            });
            request.user = user.map(Into::into);
            request.stream = stream;
            request.extra = extra;
            request
        },
    )
}

fn finishes() -> impl Strategy<Value = (FinishReason, &'static str)> {
    prop::sample::select(vec![
        (FinishReason::Stop, "completed"),
        (FinishReason::Length, "max_output_tokens"),
        (FinishReason::ContentFilter, "content_filter"),
        (FinishReason::Other, "odd_word"),
    ])
}

pub(crate) fn answers() -> impl Strategy<Value = Completion> {
    let counts = (0..99u64, 0..99u64, 0..99u64, 0..99u64);
    (parts(), finishes(), prop::option::of(counts)).prop_map(|(parts, (reason, raw), counts)| {
        let is_call = |part: &Part| matches!(part, Part::ToolCall { .. });
        let reason = match reason {
            FinishReason::Stop if parts.iter().any(is_call) => FinishReason::ToolCalls,
            other => other,
        };
        let finish = Finish { reason: Some(reason), raw: Some(raw.into()), stop_sequence: None };
        let mut choice = Choice::default();
        choice.parts = parts;
        choice.finish = Some(finish);
        let mut answer = Completion::default();
        answer.id = Some("resp_1".into());
        answer.model = Some("m".into());
        answer.choices = vec![choice];
        answer.usage = counts.map(|(input, cached, output, reasoning)| {
            let mut usage = Usage::default();
            usage.set(Class::Input, Some(input));
            usage.set(Class::CacheRead, Some(cached));
            usage.set(Class::Output, Some(output));
            usage.set(Class::Reasoning, Some(reasoning));
            Arc::new(usage)
        });
        answer
    })
}
