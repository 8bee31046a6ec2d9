//! A response as a list of acts: what is written, what is waited for, how it ends. Pure: bytes and times only.

use std::collections::VecDeque;
use std::time::Duration;

use belvedere_core::endpoint::Endpoint;
use belvedere_core::event::Event;
use belvedere_core::request::Request;
use bytes::{Bytes, BytesMut};
use http::response::Parts;

use super::say;
use super::script::{Fault, Split, Step, error_of};

/// One thing that a body does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Write(Bytes),
    /// Lets go of what is written, so that it is on its way before the next act.
    Flush,
    /// Waits; `None`: for ever.
    Wait(Option<Duration>),
    /// Ends the body as HTTP ends bodies, whatever is missing.
    Cut,
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
}

/// A response: its head, and what its body does.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) head: Parts,
    /// What is waited for before the head.
    pub(super) latency: Duration,
    pub(super) acts: VecDeque<Act>,
    /// A sign of life, and how much silence it follows.
    pub(super) keep_alive: Option<(Duration, Bytes)>,
    /// The length of the body, where it is told.
    pub(super) length: Option<u64>,
}

impl Plan {
    /// A response with nothing special about it.
    pub(super) fn plain(response: http::Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        let length = body.len().try_into().ok();
        Plan { head, latency: Duration::ZERO, acts: writes([body]), keep_alive: None, length }
    }

    /// The answer to `request` that a step gives on this wire.
    pub(super) fn answer(endpoint: &dyn Endpoint, request: &Request, step: &Step) -> Self {
        let mut plan =
            if request.stream { streamed(endpoint, request, step) } else { whole(endpoint, request, step) };
        plan.deliver(step);
        plan
    }

    /// The error of a step, whose body is `body`.
    pub(super) fn error(response: http::Response<Bytes>, step: &Step) -> Self {
        let mut plan = Plan::plain(response);
        plan.latency = step.timing.latency;
        plan.deliver(step);
        plan
    }

    /// Headers, line ends and cuts, which are the same for every wire.
    fn deliver(&mut self, step: &Step) {
        let binary = kind(&self.head).contains("eventstream");
        let delivery = &step.delivery;
        for act in &mut self.acts {
            if let Act::Write(bytes) = act
                && delivery.crlf
                && !binary
            {
                *bytes = crlf(bytes);
            }
        }
        self.acts =
            std::mem::take(&mut self.acts).into_iter().flat_map(|act| cut(act, delivery.split)).collect();
        self.length = self.length.and_then(|_| length(&self.acts));
        for (name, value) in delivery.headers() {
            self.head.headers.insert(name, value);
        }
    }
}

fn writes(bytes: impl IntoIterator<Item = Bytes>) -> VecDeque<Act> {
    bytes.into_iter().filter(|bytes| !bytes.is_empty()).map(Act::Write).collect()
}

/// The length of a body that ends as it should.
fn length(acts: &VecDeque<Act>) -> Option<u64> {
    let size = |act: &Act| match act {
        Act::Write(bytes) => u64::try_from(bytes.len()).ok(),
        Act::Flush | Act::Wait(Some(_)) => Some(0),
        _ => None,
    };
    acts.iter().try_fold(0u64, |sum, act| Some(sum + size(act)?))
}

fn kind(head: &Parts) -> &str {
    head.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default()
}

/// What a fault does at its place. An error is written by the wire, not here.
fn broken(fault: &Fault, head: &Parts) -> Vec<Act> {
    match fault {
        Fault::Cut { .. } | Fault::Error { .. } => vec![Act::Cut],
        Fault::Close { .. } => vec![Act::Flush, Act::Close],
        Fault::Reset { .. } => vec![Act::Flush, Act::Reset],
        Fault::Stall { lasts, .. } => vec![Act::Wait(*lasts)],
        Fault::Garbage { text, .. } => vec![Act::Write(garbage(text.as_deref(), kind(head)))],
    }
}

fn garbage(text: Option<&str>, kind: &str) -> Bytes {
    const NONSENSE: &[u8] = b"}garb\xff\xfeage{";
    match text {
        Some(text) => Bytes::copy_from_slice(text.as_bytes()),
        None if kind.starts_with("text/event-stream") => [b"data: ", NONSENSE, b"\n\n"].concat().into(),
        None => [NONSENSE, b"\n"].concat().into(),
    }
}

fn is_token(event: &Event) -> bool {
    matches!(
        event,
        Event::Text { .. } | Event::Reasoning { .. } | Event::Refusal { .. } | Event::ToolInput { .. }
    )
}

/// A stream: the events of the answer one by one, each token after its time.
fn streamed(endpoint: &dyn Endpoint, request: &Request, step: &Step) -> Plan {
    let (head, mut encoder) = endpoint.stream(request);
    let (head, ()) = head.into_parts();
    let (mut acts, mut out) = (VecDeque::new(), BytesMut::new());
    let mut fault = step.fault.as_ref();
    let mut tokens = 0;
    let answer = say::completion(request, &step.answer);
    let events = say::events(answer, step.answer.token_size).into_iter();
    for event in events.map(Some).chain([None]) {
        let token = event.as_ref().is_some_and(is_token);
        let last = matches!(event, None | Some(Event::Finish { .. }));
        if let Some(fault) = fault.take_if(|fault| last || (token && fault.after() <= tokens)) {
            if let Fault::Error { status, message, .. } = fault {
                encoder.end(Some(&error_of(*status, None, message.as_deref())), &mut out);
                acts.extend(writes([out.split().freeze()]));
            }
            acts.extend(broken(fault, &head));
            if !matches!(fault, Fault::Stall { .. } | Fault::Garbage { .. }) {
                break;
            }
        }
        if token {
            let wait = if tokens == 0 { step.timing.first_token } else { step.timing.pace() };
            acts.extend((wait > Duration::ZERO).then_some(Act::Wait(Some(wait))));
            tokens += 1;
        }
        match event {
            Some(event) => encoder.event(&event, &mut out),
            None => encoder.end(None, &mut out),
        }
        acts.extend(writes([out.split().freeze()]));
    }
    let alive = sign_of_life(endpoint.wire(), kind(&head));
    let keep_alive = step.timing.keep_alive.zip(alive);
    Plan { head, latency: step.timing.latency, acts, keep_alive, length: None }
}

/// What a wire says when it has nothing to say; `None` where there is no such thing.
fn sign_of_life(wire: &str, kind: &str) -> Option<Bytes> {
    if wire == "anthropic.messages" {
        return Some(Bytes::from_static(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"));
    }
    match kind.split(';').next().unwrap_or_default().trim() {
        // A comment: WHATWG HTML, "Server-sent events".
        "text/event-stream" => Some(Bytes::from_static(b": ping\n\n")),
        "application/x-ndjson" | "application/json" => Some(Bytes::from_static(b"\n")),
        _ => None,
    }
}

/// A whole answer. All of its time passes before its head; what breaks, breaks after its share of the bytes.
fn whole(endpoint: &dyn Endpoint, request: &Request, step: &Step) -> Plan {
    let answer = say::completion(request, &step.answer);
    let events = say::events(answer.clone(), step.answer.token_size);
    let tokens = events.iter().filter(|event| is_token(event)).count();
    let response = match &step.fault {
        Some(Fault::Error { status, message, .. }) => {
            let mut response = endpoint.error(&error_of(*status, None, message.as_deref()));
            *response.status_mut() = http::StatusCode::OK;
            response
        }
        _ => endpoint.whole(request, &answer),
    };
    let mut plan = Plan::plain(response);
    let spoken = u32::try_from(tokens.saturating_sub(1)).unwrap_or(u32::MAX);
    plan.latency = step.timing.latency + step.timing.first_token + step.timing.pace().saturating_mul(spoken);
    if let Some(fault) = step.fault.as_ref().filter(|fault| !matches!(fault, Fault::Error { .. })) {
        plan.acts = plan.acts.drain(..).flat_map(|act| break_whole(act, fault, tokens, &plan.head)).collect();
    }
    plan
}

fn break_whole(act: Act, fault: &Fault, tokens: usize, head: &Parts) -> Vec<Act> {
    let Act::Write(mut rest) = act else { return vec![act] };
    let share = rest.len() * fault.after().min(tokens) / tokens.max(1);
    let before = rest.split_to(share.min(rest.len().saturating_sub(1)));
    let mut acts: Vec<Act> = writes([before]).into();
    acts.extend(broken(fault, head));
    if matches!(fault, Fault::Stall { .. } | Fault::Garbage { .. }) {
        acts.push(Act::Write(rest));
    }
    acts
}

/// Line ends as CR LF. JSON has none inside its texts, so every line end is one of the framing.
fn crlf(bytes: &Bytes) -> Bytes {
    let mut out = Vec::with_capacity(bytes.len() + 8);
    for byte in bytes {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out.into()
}

/// Cuts what is written into pieces that are flushed one by one.
fn cut(act: Act, split: Split) -> Vec<Act> {
    let mut rest = match act {
        Act::Write(bytes) if split != Split::Events => bytes,
        other => return vec![other],
    };
    let mut acts = Vec::new();
    while !rest.is_empty() {
        let at = match split {
            Split::Bytes(size) => size.get(),
            // The first byte of a longer character is `11xxxxxx` (RFC 3629, section 3).
            _ => rest.iter().position(|byte| *byte >= 0xc0).map_or(rest.len(), |at| at + 1),
        };
        acts.push(Act::Write(rest.split_to(at.min(rest.len()))));
        acts.push(Act::Flush);
    }
    acts
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
