//! Writes whole answers, and the candidates of streamed ones.

use belvedere_core::completion::{Choice, Completion};
use belvedere_core::event::{Finish, Source};
use belvedere_core::message::{Part as OurPart, ToolBy};
use belvedere_core::usage::Usage;
use serde_json::{Map, Value, json};

use super::super::part::Part;
use super::super::{finish, sources, usage};

/// The whole answer.
pub(super) fn whole(answer: &Completion) -> Value {
    let candidates: Vec<Value> = answer.choices.iter().map(choice).collect();
    let mut body = frame(candidates, answer.id.as_deref(), answer.model.as_deref());
    if let (Some(usage), Value::Object(body)) = (&answer.usage, &mut body) {
        body.insert("usageMetadata".into(), metadata(usage));
    }
    body
}

/// A frame of these candidates.
pub(super) fn frame(candidates: Vec<Value>, id: Option<&str>, model: Option<&str>) -> Value {
    let mut frame = Map::from_iter([("candidates".to_owned(), Value::Array(candidates))]);
    for (key, text) in [("responseId", id), ("modelVersion", model)] {
        frame.extend(text.map(|text| (key.to_owned(), Value::from(text))));
    }
    Value::Object(frame)
}

fn choice(choice: &Choice) -> Value {
    let parts: Vec<Value> = choice.parts.iter().filter_map(part).collect();
    let mut candidate = candidate(choice.index, parts);
    choice.logprobs.iter().for_each(|entry| logprobs(&mut candidate, entry));
    end(&mut candidate, choice.finish.as_ref(), &choice.sources);
    Value::Object(candidate)
}

/// A candidate that says these parts.
pub(super) fn candidate(index: u32, parts: Vec<Value>) -> Map<String, Value> {
    let content = json!({"role": "model", "parts": parts});
    Map::from_iter([("index".to_owned(), index.into()), ("content".to_owned(), content)])
}

/// Adds why a candidate ended, and what it rests on.
pub(super) fn end(candidate: &mut Map<String, Value>, finish: Option<&Finish>, from: &[Source]) {
    let told = finish.filter(|finish| **finish != Finish::default());
    candidate.extend(told.map(|finish| ("finishReason".to_owned(), finish::word_for(finish).into())));
    candidate.extend(sources::fields(from));
}

/// Adds log probabilities of this wire's own form; others have no place.
pub(super) fn logprobs(candidate: &mut Map<String, Value>, entry: &Value) {
    for key in ["avgLogprobs", "logprobsResult"] {
        candidate.extend(entry.get(key).map(|value| (key.to_owned(), value.clone())));
    }
}

/// A part; `None` for one that the wire has no place for. A call whose arguments are cut off goes without them.
pub(super) fn part(part: &OurPart) -> Option<Value> {
    let written = |part: &OurPart| serde_json::to_value(Part::of(part, true, "").ok()??).ok();
    written(part).or_else(|| match part {
        OurPart::ToolCall { id, name, by: by @ ToolBy::Client, extra, .. } => {
            let (id, name, extra) = (id.clone(), name.clone(), extra.clone());
            written(&OurPart::ToolCall { id, name, input: String::new(), by: *by, extra })
        }
        _ => None,
    })
}

/// The counts: as they came where they are Google's, else from the classes.
pub(super) fn metadata(usage: &Usage) -> Value {
    Value::Object(usage::write(usage))
}
