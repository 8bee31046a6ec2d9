//! The server's side, by way of Anthropic's endpoint: the bodies are the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::completion::Completion;
use belvedere_core::endpoint::{Encoder, Endpoint};
use belvedere_core::error::{Error, Result};
use belvedere_core::event::{Event, Notice};
use belvedere_core::framing::Framer;
use belvedere_core::provider::Framing;
use belvedere_core::request::Request;
use bytes::{Bytes, BytesMut};
use http::{Method, Response};
use serde_json::json;

use super::super::{messages, target};
use super::{CHUNK, VERSION, WIRE};
use crate::anthropic::AnthropicEndpoint;
use crate::endpoint::{invalid, restarted, stream_head};

/// Speaks Anthropic's messages to clients of Bedrock: `POST /model/{model}/invoke` and
/// `/invoke-with-response-stream`.
#[derive(Debug, Clone, Copy, Default)]
pub struct InvokeAnthropicEndpoint;

impl Endpoint for InvokeAnthropicEndpoint {
    fn wire(&self) -> &'static str {
        WIRE
    }

    fn accepts(&self, method: &Method, path: &str) -> bool {
        let ours = |(_, action): (String, &str)| matches!(action, "invoke" | "invoke-with-response-stream");
        *method == Method::POST && target::route(path).is_some_and(ours)
    }

    fn request(&self, request: &http::Request<Bytes>) -> Result<Request> {
        let route = target::route(request.uri().path());
        let (model, action) = route.ok_or_else(|| invalid("path", "must be /model/{model}/invoke"))?;
        let mut read = AnthropicEndpoint.request(request)?;
        match read.extra.remove("anthropic_version") {
            Some(version) if version == VERSION => {}
            _ => return Err(invalid("anthropic_version", format_args!("must be {VERSION}"))),
        }
        read.model = Some(model.into());
        read.stream = action == "invoke-with-response-stream";
        Ok(read)
    }

    fn whole(&self, request: &Request, answer: &Completion) -> Response<Bytes> {
        AnthropicEndpoint.whole(request, answer)
    }

    fn stream(&self, request: &Request) -> (Response<()>, Box<dyn Encoder>) {
        let (_, events) = AnthropicEndpoint.stream(request);
        let writer = Writer { events, text: BytesMut::new(), started: false, over: false };
        (stream_head(target::EVENT_STREAM), Box::new(writer))
    }

    fn error(&self, error: &Error) -> Response<Bytes> {
        messages::answer(error)
    }
}

/// Puts Anthropic's events into chunks.
struct Writer {
    events: Box<dyn Encoder>,
    /// What it wrote last, as server-sent events.
    text: BytesMut,
    started: bool,
    over: bool,
}

impl Writer {
    fn chunks(&mut self, out: &mut BytesMut) {
        let text = self.text.split();
        // What was written here has no fault and no end that is missing.
        let _ = Framer::new(Framing::Sse, usize::MAX).feed(&text, &mut |frame| {
            messages::event_message(CHUNK, &json!({"bytes": STANDARD.encode(frame.data)}), out);
            Ok(())
        });
    }

    fn fail(&mut self, error: &Error, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.over, true) {
            messages::exception_message(error, out);
        }
    }
}

impl Encoder for Writer {
    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            _ if self.over => return,
            Event::Notice(Notice::Restart { .. }) if self.started => return self.fail(&restarted(), out),
            Event::Start { .. } => self.started = true,
            _ => {}
        }
        self.events.event(event, &mut self.text);
        self.chunks(out);
    }

    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut) {
        match error {
            Some(error) => self.fail(error, out),
            None if self.over => {}
            None => {
                self.events.end(None, &mut self.text);
                self.chunks(out);
            }
        }
    }
}
