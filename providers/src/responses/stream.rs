//! A streamed answer, <https://platform.openai.com/docs/api-reference/responses-streaming>.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::event::Event;
use belvedere_core::provider::{Decoder, Frame};

use super::answer::{Answer, Place, read};
use super::item::Voice;
use super::wire::{Content, Incoming, Response};
use crate::fault::{self, Head};
use crate::lax::{self, Object};
use crate::openai::answer::{broken_frame, filled};

/// Reads the events of one stream. The terminal signal is an event that ends the response; it brings the usage.
#[derive(Debug)]
pub(super) struct Stream {
    head: Head,
    answer: Answer,
}

impl Stream {
    pub(super) fn new(head: Head) -> Self {
        Stream { head, answer: Answer::default() }
    }

    fn fault(&mut self, data: &[u8]) -> Error {
        self.head.begun = self.answer.has_begun();
        fault::of_body(&self.head, data)
    }

    fn read(&mut self, data: &[u8], name: Option<&str>, out: &mut Vec<Event>) -> Result<()> {
        let text = lax::text_of(data);
        let incoming: Incoming<'_> = match serde_json::from_str(&text) {
            Ok(Object(Some(incoming))) => incoming,
            _ if name == Some("error") => return Err(self.fault(data)),
            Ok(Object(None)) => return Err(Error::new(ErrorKind::Malformed, "a frame is not an object")),
            Err(error) => return Err(broken_frame(&error)),
        };
        let kind = incoming.kind.get().or(name).unwrap_or_default();
        let is_error = matches!(kind, "error" | "response.failed" | "response.error");
        if is_error || name == Some("error") || filled(incoming.error).is_some() {
            // What was generated is billed, though it is no whole answer.
            if let Some(Ok(Object(Some(response)))) = incoming.response.map(|raw| read(raw, "a response")) {
                self.answer.usage_of_failed(&response, out);
            }
            return Err(self.fault(data));
        }
        match kind.strip_prefix("response.").unwrap_or(kind) {
            kind @ ("completed" | "incomplete" | "cancelled" | "done") => {
                let response = self.response(&incoming, data)?;
                let mut response = response.unwrap_or_default();
                // Some servers end with a response as it began.
                if matches!(response.status.get(), None | Some("queued" | "in_progress")) {
                    response.status.0 =
                        if kind == "done" { "completed".into() } else { kind.to_owned().into() };
                }
                self.answer.end(&response, out)
            }
            "created" | "in_progress" | "queued" => {
                let response = self.response(&incoming, data)?;
                self.answer.start(response.as_ref(), out);
                Ok(())
            }
            kind => self.piece(kind, &incoming, out),
        }
    }

    /// The response an event tells of; the error, where it is one.
    fn response<'a>(&mut self, incoming: &Incoming<'a>, data: &[u8]) -> Result<Option<Response<'a>>> {
        let Some(raw) = incoming.response else { return Ok(None) };
        let Object(response) = read::<Object<Response<'a>>>(raw, "a response")?;
        match &response {
            Some(response) if filled(response.error).is_some() => Err(self.fault(data)),
            _ => Ok(response),
        }
    }

    /// Takes a piece of an item in. Events that repeat what others bring, and those yet to be invented, bring
    /// nothing.
    fn piece(&mut self, kind: &str, incoming: &Incoming<'_>, out: &mut Vec<Event>) -> Result<()> {
        let place = Place { index: incoming.output_index.0, id: incoming.item_id.get() };
        let (content, summary) = (incoming.content_index.0, incoming.summary_index.0);
        let (delta, text) = (&*incoming.delta.0, &*incoming.text.0);
        let answer = &mut self.answer;
        match kind {
            "output_text.delta" => {
                answer.say(place, Voice::Text, content, delta, out)?;
                if let Some(raw) = filled(incoming.logprobs) {
                    answer.logprobs(place, content, raw, out);
                }
                Ok(())
            }
            "refusal.delta" => answer.say(place, Voice::Refusal, content, delta, out),
            "reasoning_summary_text.delta" => answer.say(place, Voice::Summary, summary, delta, out),
            "reasoning_text.delta" => answer.say(place, Voice::Thought, content, delta, out),
            "function_call_arguments.delta" | "custom_tool_call_input.delta" => {
                answer.input(place, delta, false, out)
            }
            "output_text.done" => answer.said(place, Voice::Text, content, text, out),
            "refusal.done" => answer.said(place, Voice::Refusal, content, &incoming.refusal.0, out),
            "reasoning_summary_text.done" => answer.said(place, Voice::Summary, summary, text, out),
            "reasoning_text.done" => answer.said(place, Voice::Thought, content, text, out),
            "function_call_arguments.done" => answer.input(place, &incoming.arguments.0, true, out),
            "custom_tool_call_input.done" => answer.input(place, &incoming.input.0, true, out),
            "content_part.done" => self.content(place, content, incoming, out),
            "output_text.annotation.added" => {
                if let Some(raw) = filled(incoming.annotation) {
                    answer.cite(place, content, raw, out);
                }
                Ok(())
            }
            "output_item.added" | "output_item.done" => match (incoming.item, kind) {
                (Some(raw), "output_item.added") => answer.open(place.index, raw, out),
                (Some(raw), _) => answer.complete(place.index, raw, out),
                (None, _) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Takes a whole content part in, of which nothing may have come before.
    fn content(
        &mut self,
        place: Place<'_>,
        at: Option<u32>,
        incoming: &Incoming<'_>,
        out: &mut Vec<Event>,
    ) -> Result<()> {
        let Some(raw) = incoming.part else { return Ok(()) };
        let Object(content) = read::<Object<Content<'_>>>(raw, "a content part")?;
        let Some(content) = content else { return Ok(()) };
        let voice = match &*content.kind.0 {
            "output_text" | "text" => Voice::Text,
            "refusal" => Voice::Refusal,
            "reasoning_text" => Voice::Thought,
            _ => return Ok(()),
        };
        self.answer.said(place, voice, at, content.words(), out)
    }
}

impl Decoder for Stream {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" || data == b"null" {
            return Ok(());
        }
        self.read(data, frame.name, out)
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Err(Error::new(ErrorKind::Truncated, "the stream ended before the response was complete"))
    }
}
