//! A target that can go on: it reads the request that went out on the wire, and answers with what is left.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use belvedere::context::Wire;
use belvedere::endpoint::Endpoint;
use belvedere::message::{Part, Role, ToolBy};
use belvedere::request::Request;
use belvedere::testing::{Answer, Fault, Piece, Reply, ScriptedTransport, Step};
use belvedere::transport::{Body, Transport};
use belvedere::usage::{Class, Usage};
use belvedere::{Completion, Error, ErrorKind, Event, Result, SmolStr};
use bytes::{Bytes, BytesMut};

use super::answer::{Rest, rest};
use super::known::Known;

/// How a target answers when it is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Manner {
    /// With what is left; asked by a message, it repeats the last words.
    Exact,
    /// With what is left, behind all that it was given of the same part, as Mistral's `prefix` does.
    Echo,
    /// With other words than the first time.
    Rephrase,
}

/// How many words a target repeats that is asked to go on by a message.
const OVERLAP: usize = 6;

/// How many characters the deltas of a further attempt have.
const DELTA: usize = 5;

/// What becomes of further attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Further {
    /// They are answered.
    Answered,
    /// The first of them is reset after so many bytes, modulo the length of its body.
    Breaks(usize),
    /// A request that shows the beginning of an answer is refused.
    Refused,
    /// There is no connection any more.
    Gone,
}

/// The network of one run: a recorded stream that breaks, and then a target that reads what it is asked.
#[derive(Debug, Clone)]
pub(super) struct Target(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    network: ScriptedTransport,
    endpoint: Arc<dyn Endpoint>,
    answer: Arc<Completion>,
    manner: Manner,
    goes_on: bool,
    further: Further,
    /// How many events the caller has been handed.
    handed: AtomicUsize,
    asked: Mutex<Asked>,
}

/// What went on.
#[derive(Debug, Default)]
pub(super) struct Asked {
    first: Option<Reply>,
    /// For each request: how many events had been handed out before it.
    pub(super) seams: Vec<usize>,
    /// Why requests were refused.
    pub(super) refused: Vec<String>,
    /// What further attempts said.
    pub(super) said: Vec<Completion>,
}

impl Target {
    /// A target whose first reply is this one, and which knows the whole answer.
    pub(super) fn new(network: ScriptedTransport, known: &Known, first: Reply, further: Further) -> Self {
        Target(Arc::new(Shared {
            network,
            endpoint: known.endpoint.clone(),
            answer: known.answer.clone(),
            manner: known.host.manner,
            goes_on: known.host.goes_on(),
            further,
            handed: AtomicUsize::new(0),
            asked: Mutex::new(Asked { first: Some(first), ..Asked::default() }),
        }))
    }

    /// Where the caller counts what it is handed.
    pub(super) fn handed(&self) -> &AtomicUsize {
        &self.0.handed
    }

    /// What went on.
    pub(super) fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reply(&self, request: &http::Request<Bytes>) -> Reply {
        let mut asked = self.asked();
        asked.seams.push(self.0.handed.load(Ordering::Acquire));
        if let Some(first) = asked.first.take() {
            return first;
        }
        let attempt = asked.seams.len();
        let endpoint = self.0.endpoint.as_ref();
        let breaks_at = match self.0.further {
            Further::Gone => return Reply::fault(Fault::Refused),
            Further::Breaks(at) if attempt == 2 => Some(at),
            _ => None,
        };
        let answer = endpoint.request(request).and_then(|read| {
            check(&read, endpoint.wire())?;
            let answer = self.0.answer_to(&read, attempt)?;
            Ok((streamed(endpoint, &read, &answer), answer))
        });
        match answer {
            Ok((response, answer)) => {
                asked.said.push(answer);
                reply(response, breaks_at)
            }
            Err(error) => {
                asked.refused.push(error.message().to_owned());
                reply(endpoint.error(&error), None)
            }
        }
    }
}

impl Shared {
    /// The answer of the attempt with this number.
    fn answer_to(&self, request: &Request, attempt: usize) -> Result<Completion> {
        let mut answer = (*self.answer).clone();
        let further = request.messages.get(1..).unwrap_or_default();
        if self.further == Further::Refused && !further.is_empty() {
            return Err(invalid("it takes no beginning of an answer"));
        }
        let shown = further.iter().filter(|message| message.role == Role::Assistant);
        let shown: Vec<Part> = shown.flat_map(|message| message.parts.iter().cloned()).collect();
        let last = further.last().filter(|last| self.goes_on || last.role != Role::Assistant);
        if let (Some(last), [choice]) = (last, answer.choices.as_mut_slice()) {
            let left = rest(&choice.parts, &shown);
            let left = left.ok_or_else(|| invalid("what is shown is not the beginning of the answer"))?;
            choice.parts = self.parts(left, last.role == Role::Assistant);
            (choice.sources, choice.logprobs) = (Vec::new(), Vec::new());
        } else if self.manner == Manner::Rephrase {
            let parts = answer.choices.iter_mut().flat_map(|choice| &mut choice.parts);
            parts.for_each(rephrase);
        }
        let parts = answer.choices.iter_mut().flat_map(|choice| &mut choice.parts);
        parts.enumerate().for_each(|(i, part)| rename(part, attempt, i));
        answer.id = Some(format!("again-{attempt}").into());
        let mut usage = Usage::default();
        usage.set(Class::Input, Some(40 + attempt as u64));
        usage.set(Class::Output, Some(7));
        answer.usage = Some(Arc::new(usage));
        (answer.notices, answer.raw) = (Vec::new(), Vec::new());
        Ok(answer)
    }

    /// What is left, as this target says it.
    fn parts(&self, left: Rest, prefilled: bool) -> Vec<Part> {
        let words = match (self.manner, prefilled) {
            (Manner::Exact, false) => OVERLAP,
            (Manner::Echo, _) => usize::MAX,
            _ => 0,
        };
        let tail = left.tail.map(|tail| tail.part(tail.with_overlap(words)));
        let mut parts: Vec<Part> = tail.into_iter().chain(left.parts).collect();
        if self.manner == Manner::Rephrase {
            parts.iter_mut().for_each(rephrase);
        }
        parts
    }
}

/// Refuses what servers refuse, so that nobody gets far with requests that only a test would take.
fn check(request: &Request, wire: &str) -> Result<()> {
    for (i, message) in request.messages.iter().enumerate() {
        let later = request.messages.get(i..).unwrap_or_default();
        let results = later.iter().flat_map(|message| &message.parts);
        let results: Vec<&SmolStr> = results
            .filter_map(|part| match part {
                Part::ToolResult { id, .. } => Some(id),
                _ => None,
            })
            .collect();
        for part in &message.parts {
            match part {
                Part::Text { text, .. } if text.is_empty() => return Err(invalid("a text is empty")),
                Part::ToolCall { id, by: ToolBy::Client, .. } if !results.contains(&id) => {
                    return Err(invalid("a call of a tool has no result"));
                }
                _ => {}
            }
        }
    }
    // Anthropic: "final assistant content cannot end with trailing whitespace".
    let strict = matches!(wire, "anthropic.messages" | "bedrock.converse" | "bedrock.invoke.anthropic");
    let last = request.messages.last().filter(|last| strict && last.role == Role::Assistant);
    let text = last.and_then(|last| last.parts.last()).and_then(Part::as_text);
    match text {
        Some(text) if text.ends_with(char::is_whitespace) => Err(invalid("it ends in whitespace")),
        _ => Ok(()),
    }
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, what)
}

/// Gives a call of another attempt another id.
fn rename(part: &mut Part, attempt: usize, at: usize) {
    if let Part::ToolCall { id, .. } = part
        && !id.is_empty()
    {
        // Nine letters and digits, as Mistral has them.
        *id = format!("again{:02}{:02}", attempt % 100, at % 100).into();
    }
}

/// Says the same in other words. JSON stays JSON.
fn rephrase(part: &mut Part) {
    match part {
        Part::ToolCall { input, by: ToolBy::Client, .. } => *input = rephrased_json(input),
        Part::Text { text, .. } if serde_json::from_str::<serde_json::Value>(text).is_ok() => {
            *text = rephrased_json(text);
        }
        Part::Text { text, .. } | Part::Refusal { text } => *text = rephrased(text),
        Part::Reasoning { text, signature: None, .. } => *text = rephrased(text),
        _ => {}
    }
}

fn rephrased(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("In other words, {}", text.split(' ').rev().collect::<Vec<_>>().join(" "))
}

fn rephrased_json(text: &str) -> String {
    match text.trim().strip_prefix('{') {
        Some("}") | None => r#"{"other": true}"#.to_owned(),
        Some(fields) => format!(r#"{{"other": true, {fields}"#),
    }
}

/// The streamed answer, in small pieces.
fn streamed(endpoint: &dyn Endpoint, request: &Request, answer: &Completion) -> http::Response<Bytes> {
    let (head, mut encoder) = endpoint.stream(request);
    let mut out = BytesMut::new();
    for step in Answer::of(answer.clone()).steps {
        if let Step::Event(event) = step {
            pieces(event).iter().for_each(|event| encoder.event(event, &mut out));
        }
    }
    encoder.end(None, &mut out);
    head.map(|()| out.freeze())
}

/// An event in small deltas.
fn pieces(event: Event) -> Vec<Event> {
    let Some(delta) = event.delta() else { return vec![event] };
    let letters: Vec<char> = delta.chars().collect();
    let cut = |piece: &[char]| {
        let mut part = event.clone();
        if let Event::Text { delta, .. }
        | Event::Reasoning { delta, .. }
        | Event::Refusal { delta, .. }
        | Event::ToolInput { delta, .. } = &mut part
        {
            *delta = piece.iter().collect::<String>().into();
        }
        part
    };
    letters.chunks(DELTA).map(cut).collect()
}

/// A response as a reply, reset after so many bytes if any.
fn reply(response: http::Response<Bytes>, breaks_at: Option<usize>) -> Reply {
    let (head, mut body) = response.into_parts();
    let headers = head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let reply = headers.fold(Reply::status(head.status.as_u16()), |reply, (n, v)| reply.with_header(n, v));
    match breaks_at {
        None => reply.with_bytes(body),
        Some(at) => {
            body.truncate(at % (body.len() + 1));
            reply.with_bytes(body).with(Piece::Error(Fault::Reset))
        }
    }
}

#[async_trait]
impl Transport for Target {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        wire: Option<Arc<Wire>>,
    ) -> Result<http::Response<Body>> {
        self.0.network.push(self.reply(&request));
        self.0.network.send(request, wire).await
    }
}
