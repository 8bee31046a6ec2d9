//! Random requests and answers, within what a wire can express: [`Can`] says it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use belvedere_core::completion::{Choice, Completion};
use belvedere_core::event::{Finish, FinishReason, Source};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy};
use belvedere_core::request::{
    Effort, Function, Reasoning, Request, ResponseFormat, Schema, Tool, ToolChoice,
};
use belvedere_core::usage::{Class, Usage};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// What a wire can express.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Can {
    /// Instructions may stand anywhere and be the developer's; else one message of them comes first.
    pub(crate) instructions_anywhere: bool,
    /// Speakers have names.
    pub(crate) names: bool,
    /// Each result of a tool is a message of its own; else those of one turn are one message.
    pub(crate) results_apart: bool,
    /// Calls and results carry pictures, flags and fields of the wire; results may have failed.
    pub(crate) rich_results: bool,
    /// The model's thinking is signed and goes back, as do calls the provider ran and opaque parts.
    pub(crate) carries_back: bool,
    /// The model's refusals are parts of their own.
    pub(crate) refusals: bool,
    /// Media a user may send.
    pub(crate) media: fn() -> BoxedStrategy<Media>,
    /// The names of the parameters, as in a request's JSON.
    pub(crate) parameters: &'static [&'static str],
    /// The name that schemas of answers have, where the wire has none for them.
    pub(crate) schema: Option<&'static str>,
    /// Makes a request one that the wire tells from others: what has two forms gets one.
    pub(crate) settle: fn(&mut Request),
    /// Choices of an answer, at most.
    pub(crate) choices: u32,
    /// The parts of an answer: random draws made into parts the wire has, in an order it keeps.
    pub(crate) parts: fn(Vec<Draw>) -> Vec<Part>,
    /// A source of a part.
    pub(crate) source: fn(Option<u32>, &str) -> Source,
    /// Log probabilities may come.
    pub(crate) logprobs: bool,
    /// Why an answer may end, in the wire's own words.
    pub(crate) finishes: &'static [(FinishReason, &'static str)],
    /// Classes of usage the wire has counters for, beside input and output.
    pub(crate) classes: &'static [Class],
}

/// A random part, before a wire has its say.
#[derive(Debug, Clone)]
pub(crate) enum Draw {
    /// Text.
    Text(String),
    /// Thinking, and its signature.
    Reasoning(String, String),
    /// A refusal.
    Refusal(String),
    /// A call: name, arguments as JSON text, by the provider itself, a field of the wire.
    Call(String, String, bool, Option<Value>),
    /// An opaque part.
    Opaque(String),
    /// An image.
    Image(Vec<u8>),
}

/// Text that is not blank, with what JSON has to escape.
pub(crate) fn text() -> impl Strategy<Value = String> {
    "[a-zé\"\\\\\n🦀 ]{0,8}[a-z]"
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,7}"
}

/// Arguments as models write them: fields in any order, spaces anywhere.
pub(crate) fn arguments() -> impl Strategy<Value = String> {
    (any::<i32>(), text(), any::<bool>()).prop_map(|(n, text, spaced)| {
        let (gap, text) = (if spaced { " " } else { "" }, json!(text));
        format!("{{\"z\":{gap}{n},{gap}\"a\":[{text}{gap},1.50]}}")
    })
}

/// Random parts.
pub(crate) fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let draw = prop_oneof![
        text().prop_map(Draw::Text),
        (text(), "[A-Za-z0-9+/]{4,12}").prop_map(|(text, signature)| Draw::Reasoning(text, signature)),
        text().prop_map(Draw::Refusal),
        (word(), arguments(), any::<bool>(), option::of(word().prop_map(|w| json!({ "type": w }))))
            .prop_map(|(name, input, own, field)| Draw::Call(name, input, own, field)),
        word().prop_map(Draw::Opaque),
        vec(any::<u8>(), 1..9).prop_map(Draw::Image),
    ];
    vec(draw, 0..6)
}

fn schema() -> impl Strategy<Value = Value> {
    word().prop_map(|name| json!({"type": "object", "properties": {name: {"type": "string"}}}))
}

fn eighths() -> impl Strategy<Value = f64> {
    (0u32..16).prop_map(|n| f64::from(n) / 8.0)
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let function = (word(), option::of(text()), schema(), option::of(any::<bool>()), any::<bool>());
    let function = function.prop_map(|(name, description, parameters, strict, cached)| {
        let mut function = Function::new(name, "", parameters);
        (function.description, function.strict) = (description, strict);
        if cached {
            function.extra.insert("cache_control".into(), json!({"type": "ephemeral"}));
        }
        Tool::Function(function)
    });
    let own = word().prop_map(|name| json!({"type": format!("{name}_1"), "name": name}));
    let own = own.prop_map(|own| Tool::Provider(own.as_object().unwrap().clone()));
    vec(prop_oneof![3 => function, 1 => own], 0..3)
}

fn response_format() -> impl Strategy<Value = ResponseFormat> {
    prop_oneof![
        Just(ResponseFormat::Text),
        Just(ResponseFormat::JsonObject),
        (word(), schema(), option::of(any::<bool>())).prop_map(|(name, schema, strict)| {
            let mut json_schema = Schema::new(name, schema);
            json_schema.strict = strict;
            ResponseFormat::JsonSchema { json_schema }
        }),
    ]
}

fn reasoning() -> impl Strategy<Value = Reasoning> {
    let effort =
        prop_oneof![Just(Effort::Low), Just(Effort::Medium), Just(Effort::High), Just(Effort::Xhigh)];
    (option::of(effort), option::of(1u64..9999)).prop_map(|(effort, max_tokens)| {
        let mut reasoning = Reasoning::default();
        (reasoning.effort, reasoning.max_tokens) = (effort, max_tokens);
        reasoning
    })
}

fn choice() -> impl Strategy<Value = ToolChoice> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Required),
        word().prop_map(|name| ToolChoice::Function { name: name.into() }),
    ]
}

fn part_of_user(can: Can) -> impl Strategy<Value = Part> {
    prop_oneof![
        (text(), any::<bool>()).prop_map(|(text, cached)| {
            let cached = cached.then(|| ("cache_control".to_owned(), json!({"type": "ephemeral"})));
            Part::Text { text, extra: cached.into_iter().collect() }
        }),
        (can.media)().prop_map(Part::Media),
    ]
}

/// A user's message, the answer to it, and what its tools returned.
fn exchange(can: Can) -> impl Strategy<Value = Vec<Message>> {
    let user = (vec(part_of_user(can), 1..4), option::of(word()));
    (user, draws(), vec((text(), any::<bool>()), 8), any::<u16>()).prop_map(
        move |((parts, name), draws, returned, salt)| {
            let mut user = Message::new(Role::User, parts);
            user.name = name.filter(|_| can.names).map(Into::into);
            let draws = draws.into_iter().filter(|draw| match draw {
                Draw::Text(_) | Draw::Call(_, _, false, _) => true,
                Draw::Refusal(_) => can.refusals,
                Draw::Reasoning(..) | Draw::Opaque(_) | Draw::Call(..) => can.carries_back,
                Draw::Image(_) => false,
            });
            let mut parts = (can.parts)(draws.collect());
            for (i, part) in parts.iter_mut().enumerate() {
                if let Part::ToolCall { id, .. } = part {
                    *id = format!("call_{salt}_{i}").into();
                }
            }
            let calls = parts.iter().filter_map(|part| match part {
                Part::ToolCall { id, by: ToolBy::Client, .. } => Some(id.clone()),
                _ => None,
            });
            let results = calls.zip(returned).map(|(id, (text, failed))| Part::ToolResult {
                id,
                name: None,
                content: vec![Part::text(text)],
                is_error: failed && can.rich_results,
                extra: Map::new(),
            });
            let results: Vec<Part> = results.collect();
            let mut out = vec![user];
            out.extend((!parts.is_empty()).then(|| Message::new(Role::Assistant, parts)));
            match can.results_apart {
                true => out.extend(results.into_iter().map(|r| Message::new(Role::Tool, vec![r]))),
                false => out.extend((!results.is_empty()).then(|| Message::new(Role::Tool, results))),
            }
            out
        },
    )
}

fn messages(can: Can) -> impl Strategy<Value = Vec<Message>> {
    let instructions = option::of((vec(text(), 1..3), any::<bool>()));
    (instructions, vec(exchange(can), 0..3), vec(part_of_user(can), 1..3)).prop_map(
        move |(instructions, exchanges, last)| {
            let mut all: Vec<Message> = exchanges.concat();
            // Two turns of one role in a row are one on some wires.
            all.dedup_by(|next, before| next.role == before.role && next.role == Role::User);
            if let Some((texts, developer)) = instructions {
                let role =
                    if developer && can.instructions_anywhere { Role::Developer } else { Role::System };
                let at = if can.instructions_anywhere { all.len() / 2 } else { 0 };
                all.insert(at, Message::new(role, texts.into_iter().map(Part::text).collect()));
            }
            if all.last().is_none_or(|message| message.role != Role::User) {
                all.push(Message::new(Role::User, last));
            }
            all
        },
    )
}

/// A request that the wire can express.
pub(crate) fn request(can: Can) -> impl Strategy<Value = Request> {
    let numbers = vec(option::of(eighths()), 4);
    let counts = vec(option::of(1u32..5000), 5);
    let forms = (option::of(response_format()), option::of(reasoning()), option::of(choice()));
    let rest = (vec(text(), 0..3), option::of(word()), any::<[bool; 2]>(), option::of(any::<bool>()));
    (messages(can), tools(), numbers, counts, forms, rest, option::of(word())).prop_map(
        move |(
            messages,
            tools,
            numbers,
            counts,
            forms,
            (stop, user, [stream, logprobs], parallel),
            extra,
        )| {
            let mut request = Request::new(messages).with_model("model-1");
            request.tools = Arc::new(tools);
            let has = |name: &str| can.parameters.contains(&name);
            let number = |i: usize, name: &str| numbers[i].filter(|_| has(name));
            let count = |i: usize, name: &str| counts[i].filter(|_| has(name));
            request.temperature = number(0, "temperature");
            request.top_p = number(1, "top_p");
            request.presence_penalty = number(2, "presence_penalty");
            request.frequency_penalty = number(3, "frequency_penalty");
            request.max_tokens = count(0, "max_tokens").map(u64::from);
            request.top_k = count(1, "top_k").map(u64::from);
            request.seed = count(2, "seed").map(i64::from);
            request.n = count(3, "n");
            request.top_logprobs = count(4, "top_logprobs");
            request.logprobs = has("logprobs").then_some(logprobs);
            (request.response_format, request.reasoning, request.tool_choice) = forms;
            request.parallel_tool_calls = parallel;
            request.stop = stop;
            request.user = user.map(Into::into);
            request.stream = stream;
            if let Some(own) = extra {
                request.extra.insert("service_tier".into(), json!({ own: [1, null] }));
            }
            if let (Some(name), Some(ResponseFormat::JsonSchema { json_schema })) =
                (can.schema, &mut request.response_format)
            {
                (json_schema.name, json_schema.strict) = (name.into(), Some(true));
            }
            (can.settle)(&mut request);
            request
        },
    )
}

fn usage(can: Can) -> impl Strategy<Value = Usage> {
    (vec(1u64..5000, 2), vec(option::of(1u64..5000), can.classes.len())).prop_map(move |(both, others)| {
        let mut usage = Usage::default();
        usage.set(Class::Input, Some(both[0]));
        usage.set(Class::Output, Some(both[1]));
        for (class, count) in can.classes.iter().zip(others) {
            usage.set(class.clone(), count);
        }
        usage
    })
}

fn answered(can: Can, index: u32) -> impl Strategy<Value = Choice> {
    let finish = (0..can.finishes.len()).prop_map(|i| can.finishes[i]);
    (draws(), option::of(text()), finish, vec(word(), 0..3)).prop_map(
        move |(draws, source, (reason, raw), tokens)| {
            let mut choice = Choice::default();
            choice.index = index;
            choice.parts = (can.parts)(draws);
            for (i, part) in choice.parts.iter_mut().enumerate() {
                if let Part::ToolCall { id, .. } = part {
                    *id = format!("call_{index}_{i}").into();
                }
            }
            let text = choice.parts.iter().position(|part| part.as_text().is_some());
            if let (Some(text), Some(title)) = (text, source) {
                choice.sources.push((can.source)(u32::try_from(text).ok(), &title));
            }
            if can.logprobs {
                let entry = |token| json!({"content": [{"token": token, "logprob": -0.5, "bytes": null}]});
                choice.logprobs = tokens.into_iter().map(entry).collect();
            }
            choice.finish = Some(Finish { reason: Some(reason), raw: Some(raw.into()), ..Finish::default() });
            choice
        },
    )
}

/// An answer that the wire can express.
pub(crate) fn answer(can: Can) -> impl Strategy<Value = Completion> {
    let choices = (1..=can.choices)
        .prop_flat_map(move |n| (0..n).map(|index| answered(can, index).boxed()).collect::<Vec<_>>());
    (choices, usage(can), word()).prop_map(|(choices, usage, id)| {
        let mut answer = Completion::default();
        (answer.id, answer.model) = (Some(id.into()), Some("model-1".into()));
        (answer.choices, answer.usage) = (choices, Some(Arc::new(usage)));
        answer
    })
}

/// A picture as bytes or by address.
pub(crate) fn picture() -> BoxedStrategy<Media> {
    let source = prop_oneof![
        vec(any::<u8>(), 1..9)
            .prop_map(|bytes| MediaSource::Data { mime: "image/png".into(), data: bytes.into() }),
        word().prop_map(|word| MediaSource::Url(format!("https://x.example/{word}.png"))),
    ];
    source.prop_map(|source| Media::new(MediaKind::Image, source)).boxed()
}
