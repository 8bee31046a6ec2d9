//! A recorded stream whose answer is known, with the places where it can break.

use std::sync::Arc;

use belvedere::completion::Fold;
use belvedere::endpoint::Endpoint;
use belvedere::http::Limits;
use belvedere::message::Part;
use belvedere::providers::{endpoint, wire};
use belvedere::reader::{Outcome, Reader};
use belvedere::request::Function;
use belvedere::service::Stack;
use belvedere::{Completion, Error, Request};
use serde_json::json;

use super::hosts::Host;
use crate::Recording;

/// A recorded stream on one target.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) wire: String,
    pub(super) host: Host,
    pub(super) service: Stack,
    pub(super) endpoint: Arc<dyn Endpoint>,
    pub(super) request: Request,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// Where it can break: after no event, and after each piece that gave some.
    pub(super) breaks: Vec<Break>,
    pub(super) answer: Arc<Completion>,
}

/// A place where a stream can break.
#[derive(Debug, Clone, Copy)]
pub(super) struct Break {
    /// After so many bytes.
    pub(super) at: usize,
    /// What is broken off there.
    pub(super) inside: Inside,
}

/// What a break is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Inside {
    /// Visible text, or the words in which the model declines.
    Text,
    /// Text that is JSON.
    Json,
    /// The arguments of a call.
    Arguments,
    /// Thinking.
    Reasoning,
    /// Nothing: no content has come yet.
    Opening,
    /// Nothing: one part has ended and the next has not begun, or the answer has not finished.
    Between,
    /// Several answers, or parts that are carried whole.
    Other,
    /// Nothing: the answer had finished.
    End,
}

impl Known {
    /// The recording on this target.
    ///
    /// # Errors
    /// In words, when the target is none of this build, or the recording is no whole answer by its rules.
    pub(super) fn new(recording: &Recording, host: Host) -> Result<Self, String> {
        let is_json = recording.features.iter().any(|f| f == "req:json_schema" || f == "req:json_mode");
        let (breaks, answer) = read(recording, &host.provider, is_json)?;
        let fault = |error: Error| format!("{} on {}: {error}", recording.name, host.provider);
        Ok(Known {
            name: recording.name.clone(),
            wire: recording.endpoint.clone(),
            service: host.service(&recording.endpoint).map_err(fault)?,
            endpoint: endpoint(&recording.endpoint).map_err(fault)?,
            request: request(&answer, is_json),
            content_type: recording.content_type(),
            body: recording.body.clone(),
            answer: Arc::new(answer),
            host,
            breaks,
        })
    }

    /// Whether its text is JSON.
    pub(super) fn is_json(&self) -> bool {
        self.request.response_format.is_some()
    }
}

/// Reads a recording byte by byte: where it can break, and its whole answer.
fn read(recording: &Recording, host: &str, is_json: bool) -> Result<(Vec<Break>, Completion), String> {
    let fault = |error: Error| format!("{} on {host} is no whole answer: {error}", recording.name);
    let provider = wire(&recording.endpoint, Some(host)).map_err(fault)?;
    let response = http::Response::builder().header("content-type", recording.content_type()).body(());
    let head = response.map_err(|e| e.to_string())?.into_parts().0;
    let mut asked = Request::from("hi");
    asked.stream = true;
    let mut reader = Reader::new(provider.as_ref(), &asked, &head, &Limits::default()).map_err(fault)?;
    let mut breaks = vec![Break { at: 0, inside: Inside::Opening }];
    let mut fold = Fold::default();
    for (i, byte) in recording.body.iter().enumerate() {
        reader.feed(std::slice::from_ref(byte));
        if take(&mut reader, &mut fold) {
            breaks.push(Break { at: i + 1, inside: inside(&fold, is_json) });
        }
    }
    reader.eof();
    take(&mut reader, &mut fold);
    match reader.outcome() {
        Outcome::Failed(error) => Err(fault(error)),
        _ => Ok((breaks, fold.into_completion())),
    }
}

/// Folds what is there; true when there was something.
fn take(reader: &mut Reader, fold: &mut Fold) -> bool {
    let mut came = false;
    while let Some(event) = reader.next() {
        fold.event(&event);
        came = true;
    }
    came
}

/// A request that an answer like this one answers.
fn request(answer: &Completion, is_json: bool) -> Request {
    let mut request = Request::from("Tell me.");
    request.n = u32::try_from(answer.choices.len()).ok().filter(|n| *n > 1);
    let mut names: Vec<&str> = answer.tool_calls().map(|call| call.name).collect();
    names.sort_unstable();
    names.dedup();
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    if !names.is_empty() {
        request = request.with_tools(names.into_iter().map(|name| Function::new(name, "", schema.clone())));
    }
    if is_json {
        let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
        request.response_format = serde_json::from_value(format).ok();
    }
    request
}

/// What is broken off when the stream ends after what was folded.
fn inside(fold: &Fold, is_json: bool) -> Inside {
    let answer = fold.completion();
    let [choice] = answer.choices.as_slice() else {
        return if answer.choices.is_empty() { Inside::Opening } else { Inside::Other };
    };
    if choice.finish.is_some() {
        return Inside::End;
    }
    let open = fold.open().last().and_then(|open| choice.parts.get(open.at));
    match open {
        None if choice.parts.is_empty() => Inside::Opening,
        None => Inside::Between,
        Some(Part::Text { .. }) if is_json => Inside::Json,
        Some(Part::Text { .. } | Part::Refusal { .. }) => Inside::Text,
        Some(Part::Reasoning { .. }) => Inside::Reasoning,
        Some(Part::ToolCall { by, .. }) if by.is_client() => Inside::Arguments,
        Some(_) => Inside::Other,
    }
}
