//! The server's side of a wire, sans I/O: requests in, answers out. It lets a pipeline stand behind official SDKs.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use http::Method;

use crate::completion::Completion;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::request::Request;

/// What a server of a wire does: it reads requests and writes answers. The mirror of
/// [`Provider`](crate::provider::Provider).
///
/// For everything the wire can express, reading what the provider wrote gives the same request, and the provider
/// reads the same answer from what was written here.
pub trait Endpoint: Send + Sync + Debug + 'static {
    /// The wire's name, such as `openai.chat`.
    fn wire(&self) -> &'static str;

    /// True when a request with this method and path is for this endpoint. What stands before the wire's own path
    /// (`/v1`, a gateway's prefix) does not matter.
    fn accepts(&self, method: &Method, path: &str) -> bool;

    /// Reads a request. Whether a stream is wanted is [`Parameters::stream`](crate::request::Parameters::stream).
    ///
    /// # Errors
    /// `InvalidRequest` naming the field and what is allowed there.
    fn request(&self, request: &http::Request<Bytes>) -> Result<Request>;

    /// Writes a whole answer to `request`. What the wire has no place for is left out.
    fn whole(&self, request: &Request, answer: &Completion) -> http::Response<Bytes>;

    /// The head of a streamed answer to `request`, and what writes its body.
    fn stream(&self, request: &Request) -> (http::Response<()>, Box<dyn Encoder>);

    /// Writes an error: status, headers such as `retry-after`, and the wire's own error body.
    fn error(&self, error: &Error) -> http::Response<Bytes>;
}

/// Writes the body of a streamed answer, event by event.
pub trait Encoder: Send {
    /// Appends what stands for `event`; nothing for what the wire has no place for.
    fn event(&mut self, event: &Event, out: &mut BytesMut);

    /// Ends the body: with the wire's terminal signal, or with its error event. It is called once, at the end.
    fn end(&mut self, error: Option<&Error>, out: &mut BytesMut);
}
