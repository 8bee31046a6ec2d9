//! The answer to a request, as the script says or as the request demands.

use std::sync::Arc;

use belvedere_core::completion::{Choice, Completion, Embedding};
use belvedere_core::event::{Event, Finish, FinishReason, Model};
use belvedere_core::message::{Part, Role, ToolBy};
use belvedere_core::request::{Function, Operation, Request, ResponseFormat, Tool, ToolChoice};
use belvedere_core::usage::{Class, Usage};
use futures_util::{FutureExt, StreamExt, future};
use serde_json::{Map, Value, json};

use super::example::example;
use super::script::{Answer, Call};
use super::vector::embedding;

/// The answer to `request`.
pub(super) fn completion(request: &Request, answer: &Answer) -> Completion {
    let mut whole = Completion::default();
    whole.id = answer.id.as_deref().map(Into::into);
    whole.model = answer.model.as_deref().map(Into::into).or_else(|| request.model.clone());
    let mut counted = Counted::default();
    match request.operation {
        Operation::Embed => whole.embeddings = embeddings(request, answer),
        Operation::Models => whole.models = answer.models.iter().map(|id| model(id)).collect(),
        _ => {
            let choices = 0..request.n.unwrap_or(1);
            whole.choices = choices.map(|index| choice(index, request, answer, &mut counted)).collect();
        }
    }
    whole.usage =
        (answer.usage && request.operation != Operation::Models).then(|| Arc::new(usage(request, &counted)));
    whole
}

/// The events of an answer, its texts cut into tokens. What was read is told at the start, as providers do: it is
/// known even if the answer breaks.
pub(super) fn events(answer: Completion, token_size: Option<usize>) -> Vec<Event> {
    let read = answer.usage.as_deref().map(|usage| {
        let mut read = Usage::default();
        let classes = usage.classes.iter().filter(|(class, _)| !class.is_output());
        read.classes.extend(classes.map(|(class, count)| (class.clone(), *count)));
        Event::Usage(Arc::new(read))
    });
    // The events of a whole answer are all there, so nothing is waited for.
    let all: Vec<Event> = answer
        .into_events()
        .filter_map(|event| future::ready(event.ok()))
        .collect()
        .now_or_never()
        .unwrap_or_default();
    let mut all: Vec<Event> = all.into_iter().flat_map(|event| split(event, token_size)).collect();
    let start = all.iter().position(|event| matches!(event, Event::Start { .. })).map_or(0, |at| at + 1);
    all.splice(start..start, read);
    all
}

fn split(event: Event, token_size: Option<usize>) -> Vec<Event> {
    let delta = match &event {
        Event::Text { delta, .. }
        | Event::Reasoning { delta, .. }
        | Event::Refusal { delta, .. }
        | Event::ToolInput { delta, .. } => delta.clone(),
        _ => return vec![event],
    };
    let with = |token: &str| {
        let mut event = event.clone();
        if let Event::Text { delta, .. }
        | Event::Reasoning { delta, .. }
        | Event::Refusal { delta, .. }
        | Event::ToolInput { delta, .. } = &mut event
        {
            *delta = token.into();
        }
        event
    };
    tokens(&delta, token_size).into_iter().map(with).collect()
}

/// The tokens of a text: of `size` characters, or words with the space after them.
fn tokens(text: &str, size: Option<usize>) -> Vec<&str> {
    match size {
        None => text.split_inclusive(' ').collect(),
        Some(size) => {
            let mut tokens = Vec::new();
            let mut rest = text;
            while !rest.is_empty() {
                let at = rest.char_indices().nth(size.max(1)).map_or(rest.len(), |(at, _)| at);
                let (token, left) = rest.split_at_checked(at).unwrap_or((rest, ""));
                tokens.push(token);
                rest = left;
            }
            tokens
        }
    }
}

#[derive(Debug, Default)]
struct Counted {
    output: u64,
    reasoning: u64,
}

fn count(tokens: usize) -> u64 {
    tokens.try_into().unwrap_or(u64::MAX)
}

fn choice(index: u32, request: &Request, answer: &Answer, counted: &mut Counted) -> Choice {
    let size = answer.token_size;
    let mut parts = Vec::new();
    if let Some(thinking) = &answer.reasoning {
        counted.reasoning += count(tokens(thinking, size).len());
        parts.push(Part::reasoning(thinking.clone()));
    }
    let mut finish = Finish { reason: Some(FinishReason::Stop), ..Finish::default() };
    if let Some(text) = &answer.refusal {
        counted.output += count(tokens(text, size).len());
        parts.push(Part::Refusal { text: text.clone() });
        finish.reason = Some(FinishReason::Refusal);
    } else {
        let calls = calls(request, answer, index);
        let text = answer.text.clone().or_else(|| calls.is_empty().then(|| default_text(request, index)));
        if let Some(mut text) = text {
            shorten(&mut text, request, size, &mut finish);
            counted.output += count(tokens(&text, size).len());
            parts.push(Part::text(text));
        }
        if !calls.is_empty() && finish.reason == Some(FinishReason::Stop) && finish.stop_sequence.is_none() {
            let cut = answer.tool_calls.iter().any(|call| call.truncate.is_some());
            finish.reason = Some(if cut { FinishReason::Length } else { FinishReason::ToolCalls });
            counted.output += calls.iter().map(|call| input_tokens(call, size)).sum::<u64>();
            parts.extend(calls);
        }
    }
    let finish = said_finish(answer.finish_reason.as_deref(), finish);
    let mut choice = Choice::default();
    (choice.index, choice.parts, choice.finish) = (index, parts, finish);
    choice
}

fn input_tokens(call: &Part, size: Option<usize>) -> u64 {
    match call {
        Part::ToolCall { input, .. } => count(tokens(input, size).len()),
        _ => 0,
    }
}

/// Ends a text before the first stop sequence, and at the token limit.
fn shorten(text: &mut String, request: &Request, size: Option<usize>, finish: &mut Finish) {
    let hits = request.stop.iter().filter(|stop| !stop.is_empty());
    if let Some((at, stop)) = hits.filter_map(|stop| Some((text.find(stop)?, stop))).min_by_key(|(at, _)| *at)
    {
        text.truncate(at);
        finish.stop_sequence = Some(stop.into());
    }
    let limit = request.max_tokens.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let tokens = tokens(text, size);
    if tokens.len() > limit {
        let kept: String = tokens.into_iter().take(limit).collect();
        *text = kept;
        *finish = Finish { reason: Some(FinishReason::Length), ..Finish::default() };
    }
}

/// The finish the script asks for. A word that is none of ours is sent as the provider's own.
fn said_finish(said: Option<&str>, natural: Finish) -> Option<Finish> {
    match said {
        None => Some(natural),
        Some("missing") => None,
        Some(word) => Some(match serde_json::from_value(json!(word)) {
            Ok(reason) => Finish { reason: Some(reason), ..Finish::default() },
            Err(_) => {
                Finish { reason: Some(FinishReason::Other), raw: Some(word.into()), stop_sequence: None }
            }
        }),
    }
}

/// The calls that the script asks for, or the one that the request demands.
fn calls(request: &Request, answer: &Answer, choice: u32) -> Vec<Part> {
    let functions: Vec<&Function> = request
        .tools
        .iter()
        .filter_map(|tool| match tool {
            Tool::Function(function) => Some(function),
            _ => None,
        })
        .collect();
    let demanded = match &request.tool_choice {
        Some(ToolChoice::Required) => functions.first().map(|function| function.name.as_str()),
        Some(ToolChoice::Function { name }) => Some(name.as_str()),
        _ => None,
    };
    let one = [Call::default()];
    let calls = match answer.tool_calls.as_slice() {
        [] if demanded.is_some() && answer.text.is_none() => &one,
        calls => calls,
    };
    let turn = request.messages.len();
    let call = |(at, call): (usize, &Call)| {
        let in_turn =
            || functions.get(at.checked_rem(functions.len())?).map(|function| function.name.as_str());
        let name = call.name.as_deref().or(demanded).or_else(in_turn).unwrap_or("tool");
        let schema = functions.iter().find(|function| function.name == name);
        let input = match &call.input {
            Some(Value::String(text)) => text.clone(),
            Some(input) => input.to_string(),
            None => arguments(schema.and_then(|function| function.parameters.as_ref())),
        };
        Part::ToolCall {
            id: call.id.as_deref().map_or_else(|| format!("call_{turn}_{choice}_{at}").into(), Into::into),
            name: name.into(),
            input: input.chars().take(call.truncate.unwrap_or(usize::MAX)).collect(),
            by: ToolBy::Client,
            extra: Map::new(),
        }
    };
    calls.iter().enumerate().map(call).collect()
}

/// Arguments are always an object.
fn arguments(schema: Option<&Value>) -> String {
    match schema.map(example) {
        Some(Value::Object(arguments)) => Value::Object(arguments).to_string(),
        _ => "{}".to_owned(),
    }
}

/// JSON of the form that is asked for, or what was said last, repeated.
fn default_text(request: &Request, choice: u32) -> String {
    match &request.response_format {
        Some(ResponseFormat::JsonSchema { json_schema }) => {
            return json_schema.schema.as_ref().map_or(json!({}), example).to_string();
        }
        Some(ResponseFormat::JsonObject) => return json!({"answer": last_words(request)}).to_string(),
        _ => {}
    }
    match choice {
        0 => last_words(request),
        other => format!("{} (answer {})", last_words(request), other + 1),
    }
}

fn last_words(request: &Request) -> String {
    let last = request.messages.iter().rev().find_map(|message| match message.role {
        Role::User => Some((false, text_of(&message.parts))),
        Role::Tool => Some((true, text_of(&message.parts))),
        _ => None,
    });
    match last {
        Some((true, text)) => format!("The tool says: {text}"),
        Some((false, text)) if text.is_empty() => "Hello from the mock server.".to_owned(),
        Some((false, text)) => format!("You said: {text}"),
        None => "Hello from the mock server.".to_owned(),
    }
}

/// Texts and results of tools, with nothing between.
fn text_of(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Text { text, .. } => text.clone(),
        Part::ToolResult { content, .. } => text_of(content),
        _ => String::new(),
    };
    parts.iter().map(text).collect()
}

fn embeddings(request: &Request, answer: &Answer) -> Vec<Embedding> {
    let dimensions = request.dimensions.unwrap_or(answer.dimensions);
    let vector = |text: &String| Arc::from(embedding(text, dimensions));
    let inputs = (0..).zip(request.input.iter());
    inputs.map(|(index, text)| Embedding { index, vector: vector(text) }).collect()
}

fn model(id: &str) -> Model {
    let mut model = Model::default();
    id.clone_into(&mut model.id);
    model
}

/// Words count as tokens, which is close enough.
fn usage(request: &Request, counted: &Counted) -> Usage {
    let said = request.messages.iter().map(|message| text_of(&message.parts));
    let input =
        said.chain(request.input.iter().cloned()).map(|text| count(text.split_whitespace().count())).sum();
    let mut usage = Usage::default();
    usage.set(Class::Input, Some(input));
    if request.operation == Operation::Chat {
        usage.set(Class::Output, Some(counted.output));
        usage.set(Class::Reasoning, (counted.reasoning > 0).then_some(counted.reasoning));
    }
    usage
}

#[cfg(test)]
#[path = "say_tests.rs"]
mod tests;
