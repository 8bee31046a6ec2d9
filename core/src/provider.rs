//! Wire protocols, sans I/O: pure encoding and decoding, identical on every target.

use std::borrow::Cow;
use std::fmt::Debug;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::error::Result;
use crate::event::Event;
use crate::request::Request;
use crate::service::Info;

/// A wire protocol. It knows no clock, no client and no task: bytes in, events out.
///
/// [`Http`](crate::http::Http) drives it: framing, signing, limits, truncation and cancellation are done there,
/// once, for every protocol.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a wire protocol",
    note = "implement `Provider` to speak a wire; see `CONTRIBUTING.md`, \"A wire\""
)]
pub trait Provider: Send + Sync + Debug + 'static {
    /// Name and capabilities.
    fn info(&self) -> Info;

    /// The address all requests go to, such as `https://api.openai.com/v1`. Credentials are bound to its origin.
    fn base_url(&self) -> &http::Uri;

    /// Takes out of a request what the target lacks, and says what it was. What can be mapped is mapped by
    /// [`encode`](Provider::encode) and is not lacking. By default nothing is.
    ///
    /// The driver refuses a request that lost something, unless dropping was allowed: then each loss is a
    /// [`Notice::ParameterDropped`](crate::event::Notice::ParameterDropped).
    fn fit(&self, _request: &mut Request) -> Vec<Lack> {
        Vec::new()
    }

    /// The HTTP request for `request`, without credentials.
    ///
    /// # Errors
    /// `Unsupported` or `InvalidRequest` when the wire can't express the request; the parameter is named.
    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>>;

    /// How to read the response whose head this is, by what was asked and what came. A status that is not
    /// success has a decoder, too: one that ends in the error it stands for.
    ///
    /// # Errors
    /// `Malformed` when the content type is none the wire knows.
    fn decode(&self, request: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)>;
}

/// A part of a request that a target lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lack {
    /// Where it stands in the request, such as `top_k` or `messages[2].content[0]`.
    pub parameter: SmolStr,
    /// Why it can't be sent, and what could be done instead.
    pub reason: Cow<'static, str>,
}

impl Lack {
    /// A lack of `parameter`.
    pub fn new(parameter: impl Into<SmolStr>, reason: impl Into<Cow<'static, str>>) -> Self {
        Lack { parameter: parameter.into(), reason: reason.into() }
    }
}

/// How a body is cut into frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// Server-sent events (WHATWG HTML, "Server-sent events").
    Sse,
    /// One frame a line (NDJSON).
    Lines,
    /// The whole body is one frame.
    Json,
    /// Each element of one JSON array is a frame.
    JsonArray,
    /// Amazon's binary event stream (`application/vnd.amazon.eventstream`). A frame is named by its event type,
    /// its exception type, or the code of an error; of an error without a payload the data is its message.
    AwsEventStream,
}

/// One frame of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event name it carries, where the framing has one.
    pub name: Option<&'a str>,
    /// Its payload.
    pub data: &'a [u8],
}

/// Reads the frames of one response into events.
///
/// It emits `Event::Finish` for each choice once the provider's terminal signal was seen, after everything else
/// that belongs to the answer. After an `Err` it is not called again.
pub trait Decoder: Send {
    /// Reads one frame; appends events to `out`.
    ///
    /// # Errors
    /// The error the frame stands for, or `Malformed` when it is none of the wire's.
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<()>;

    /// The body ended.
    ///
    /// # Errors
    /// `Truncated` when the provider's terminal signal is missing.
    fn eof(&mut self, out: &mut Vec<Event>) -> Result<()>;
}
