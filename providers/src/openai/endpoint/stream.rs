//! Streamed answers of a chat: chunks, and `[DONE]` at their end.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::endpoint::Encoder;
use belvedere_core::error::Error;
use belvedere_core::event::{Event, Notice};
use belvedere_core::message::{Media, MediaKind, MediaSource, ToolBy, extra_of};
use belvedere_core::request::Request;
use bytes::{BufMut, BytesMut};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{WIRE, details, is_ours};
use super::calls::{self, Call};
use super::{OWN, fault, id_of, model_of, pieces, usage};
use crate::endpoint::{created, frame, restarted};

/// Writes the chunks of one answer.
#[derive(Debug)]
pub(super) struct Chunks {
    request: Request,
    id: SmolStr,
    model: SmolStr,
    /// The client asked for the usage.
    wants_usage: bool,
    created: u64,
    /// The client asked for sound: then text is its transcript.
    speaks: bool,
    usage: Option<Value>,
    /// The choices that have begun, by index.
    choices: BTreeMap<u32, State>,
    over: bool,
}

/// What is known of a choice.
#[derive(Debug, Default)]
struct State {
    /// Its first chunk, which says whose words they are, is written.
    begun: bool,
    calls: Vec<Begun>,
    /// Bytes of sound that make no whole group of base64 yet, and their part.
    sound: (Vec<u8>, u32),
    /// Images whose bytes may go on.
    images: Vec<(u32, Media)>,
}

/// A call that has begun.
#[derive(Debug)]
struct Begun {
    part: u32,
    custom: bool,
}

#[derive(Debug, Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    /// Null in all chunks but the last when usage was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<&'a Value>>,
}

#[derive(Debug, Default, Serialize)]
struct Choice<'a> {
    index: u32,
    delta: Delta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<Value>,
    finish_reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<&'a str>,
}

#[derive(Debug, Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[Value; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<[Value; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executed_tools: Option<&'a Value>,
}

impl Chunks {
    pub(super) fn new(request: &Request) -> Self {
        let declined = request.extra.get(OWN).and_then(|own| own.get("include_usage")) == Some(&json!(false));
        Chunks {
            id: SmolStr::default(),
            model: SmolStr::default(),
            wants_usage: !declined,
            created: created(request),
            speaks: request.extra.contains_key("audio"),
            usage: None,
            choices: BTreeMap::new(),
            over: false,
            request: request.clone(),
        }
    }

    fn state(&mut self, index: u32) -> &mut State {
        self.choices.entry(index).or_default()
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<&Value>, out: &mut BytesMut) {
        let usage = self.wants_usage.then_some(usage);
        let (id, model) = (self.id.as_str(), self.model.as_str());
        let (object, created) = ("chat.completion.chunk", self.created);
        frame(&Chunk { id, object, created, model, choices, usage }, out);
    }

    fn choice(&mut self, mut choice: Choice<'_>, out: &mut BytesMut) {
        let first = !std::mem::replace(&mut self.state(choice.index).begun, true);
        choice.delta.role = first.then_some("assistant");
        self.chunk(&[choice], None, out);
    }

    fn delta(&mut self, index: u32, delta: Delta<'_>, out: &mut BytesMut) {
        self.choice(Choice { index, delta, ..Choice::default() }, out);
    }

    fn call(&mut self, index: u32, call: Call<'_>, out: &mut BytesMut) {
        self.delta(index, Delta { tool_calls: Some([call]), ..Delta::default() }, out);
    }

    fn text(&mut self, index: u32, text: &str, out: &mut BytesMut) {
        let delta = match self.speaks {
            true => Delta { audio: Some(json!({ "transcript": text })), ..Delta::default() },
            false => Delta { content: Some(text), ..Delta::default() },
        };
        self.delta(index, delta, out);
    }

    fn tool_start(&mut self, (index, part): (u32, u32), id: &SmolStr, name: &str, out: &mut BytesMut) {
        let custom = calls::custom(&self.request, name, None);
        let begun = &mut self.state(index).calls;
        let at = begun.len();
        begun.push(Begun { part, custom });
        let start = Some((calls::id(id, &self.id, at), name));
        self.call(index, Call { index: Some(at), start, custom, input: Some(""), extra: None }, out);
    }

    /// The place of a call among those of its choice, and whether its input is free text.
    fn place(&mut self, index: u32, part: u32) -> Option<(usize, bool)> {
        let calls = &self.state(index).calls;
        let at = calls.iter().position(|call| call.part == part)?;
        calls.get(at).map(|call| (at, call.custom))
    }

    fn media(&mut self, (index, part): (u32, u32), media: &Media, out: &mut BytesMut) {
        match (media.kind, &media.source) {
            (MediaKind::Image, source) => {
                let images = &mut self.state(index).images;
                let old = images.iter_mut().find(|(of, _)| *of == part).map(|(_, media)| &mut media.source);
                match (old, source) {
                    (Some(MediaSource::Data { data: all, .. }), MediaSource::Data { data, .. }) => {
                        *all = [all.as_ref(), data.as_ref()].concat().into();
                    }
                    (Some(_), _) => {}
                    (None, _) => images.push((part, media.clone())),
                }
            }
            (MediaKind::Audio, MediaSource::Data { data, .. }) => {
                let (held, of) = &mut self.state(index).sound;
                *of = part;
                held.extend_from_slice(data);
                let ready: Vec<u8> = held.drain(..held.len() / 3 * 3).collect();
                let mut audio = json!({ "data": STANDARD.encode(ready) });
                if let (Some(id), Some(map)) = (media.extra.get("id"), audio.as_object_mut()) {
                    map.insert("id".into(), id.clone());
                }
                self.delta(index, Delta { audio: Some(audio), ..Delta::default() }, out);
            }
            _ => {}
        }
    }

    /// Writes what was held back for the end of a part.
    fn part_end(&mut self, index: u32, part: u32, out: &mut BytesMut) {
        let Some(state) = self.choices.get_mut(&index) else { return };
        let at = state.images.iter().position(|(of, _)| *of == part);
        let image = at.map(|at| state.images.remove(at)).and_then(|(_, media)| pieces::image(&media));
        let sound = match state.sound.1 == part {
            true => std::mem::take(&mut state.sound.0),
            false => Vec::new(),
        };
        if let Some(image) = image {
            self.delta(index, Delta { images: Some([image]), ..Delta::default() }, out);
        }
        if !sound.is_empty() {
            let audio = Some(json!({ "data": STANDARD.encode(sound) }));
            self.delta(index, Delta { audio, ..Delta::default() }, out);
        }
    }

    fn opaque(&mut self, index: u32, kind: &str, data: &Value, out: &mut BytesMut) {
        match kind {
            details::KIND => {
                self.delta(index, Delta { reasoning_details: Some(data), ..Delta::default() }, out);
            }
            "executed_tools" => {
                self.delta(index, Delta { executed_tools: Some(data), ..Delta::default() }, out);
            }
            _ => {}
        }
    }

    /// The rarer events of a choice.
    fn further(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Extra { choice, part, extra } => {
                let place = self.place(*choice, *part);
                if let Some((at, custom)) = place.filter(|_| extra_of(extra, WIRE).next().is_some()) {
                    let call = Call { index: Some(at), custom, extra: Some(extra), ..Call::default() };
                    self.call(*choice, call, out);
                }
            }
            Event::Media { choice, part, media } => self.media((*choice, *part), media, out),
            Event::Opaque { choice, kind, data, wire, .. } if is_ours(wire) => {
                self.opaque(*choice, kind, data, out);
            }
            Event::Source { choice, source } => {
                if let Some(annotation) = pieces::annotation(source) {
                    let delta = Delta { annotations: Some([annotation]), ..Delta::default() };
                    self.delta(*choice, delta, out);
                }
            }
            Event::Logprobs { choice, data } => {
                let logprobs = pieces::logprobs([&**data]);
                self.choice(Choice { index: *choice, logprobs, ..Choice::default() }, out);
            }
            _ => {}
        }
    }
}

impl Encoder for Chunks {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model } => {
                self.id = id_of(&self.request, id.as_deref());
                self.model = model_of(&self.request, model.as_deref());
            }
            Event::Text { choice, delta, .. } => self.text(*choice, delta, out),
            Event::Reasoning { choice, delta, .. } if !delta.is_empty() => {
                self.delta(*choice, Delta { reasoning_content: Some(delta), ..Delta::default() }, out);
            }
            Event::Refusal { choice, delta, .. } => {
                self.delta(*choice, Delta { refusal: Some(delta), ..Delta::default() }, out);
            }
            Event::ToolStart { choice, part, id, name, by: ToolBy::Client } => {
                self.tool_start((*choice, *part), id, name, out);
            }
            Event::ToolInput { choice, part, delta } => {
                if let Some((at, custom)) = self.place(*choice, *part) {
                    let call = Call { index: Some(at), custom, input: Some(delta), ..Call::default() };
                    self.call(*choice, call, out);
                }
            }
            Event::PartEnd { choice, part } => self.part_end(*choice, *part, out),
            Event::Usage(usage) => self.usage = Some(usage::chat(usage)),
            Event::Notice(Notice::Restart { .. }) if self.choices.values().any(|choice| choice.begun) => {
                frame(&fault::body(&restarted()), out);
                self.over = true;
            }
            Event::Finish { choice, finish } => {
                let finish_reason = Some(pieces::finish_reason(finish));
                let stop_reason = finish.stop_sequence.as_deref();
                self.choice(Choice { index: *choice, finish_reason, stop_reason, ..Choice::default() }, out);
            }
            other => self.further(other, out),
        }
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if let Some(error) = error {
            frame(&fault::body(error), out);
            return;
        }
        if let Some(usage) = self.usage.take().filter(|_| self.wants_usage) {
            self.chunk(&[], Some(&usage), out);
        }
        out.put_slice(b"data: [DONE]\n\n");
    }
}
