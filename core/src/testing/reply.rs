//! What a scripted network answers, as data: the wire faults of the scenario corpus.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::aws::AwsMessage;
use crate::error::{Error, ErrorKind};

/// One reply of a [`ScriptedTransport`](super::ScriptedTransport).
///
/// ```
/// use belvedere_core::testing::Reply;
///
/// let reply: Reply = serde_json::from_str(
///     r#"{
///         "status": 200,
///         "headers": { "content-type": "text/event-stream" },
///         "connect_after": "10ms",
///         "head_after": "200ms",
///         "body": [{ "text": "data: {}\n\n" }, { "wait": "5s" }, { "base64": "8J8=" }, { "error": "reset" }],
///         "cut": [3, 7]
///     }"#,
/// )?;
/// assert_eq!(reply.status, 200);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Reply {
    /// How long it takes until a connection stands. Default 0.
    #[serde(skip_serializing_if = "Delay::is_zero")]
    pub connect_after: Delay,
    /// No connection comes about: after `connect_after`, this happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_error: Option<Fault>,
    /// How long the head takes once the connection stands. Default 0.
    #[serde(skip_serializing_if = "Delay::is_zero")]
    pub head_after: Delay,
    /// No head comes: after `head_after`, this happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_error: Option<Fault>,
    /// The HTTP status. Default 200.
    pub status: u16,
    /// The response headers.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, piece by piece; each piece is a chunk of its own.
    pub body: Vec<Piece>,
    /// Where the body is cut into further chunks, in bytes from its beginning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<usize>,
    /// Cuts the body after every so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<NonZeroUsize>,
}

impl Default for Reply {
    fn default() -> Self {
        Reply {
            connect_after: Delay::default(),
            connect_error: None,
            head_after: Delay::default(),
            head_error: None,
            status: 200,
            headers: BTreeMap::new(),
            body: Vec::new(),
            cut: Vec::new(),
            every: None,
        }
    }
}

/// A piece of a body, or what happens instead of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Piece {
    /// Text.
    Text(String),
    /// Bytes that need not be text.
    #[serde(with = "crate::message::base64_bytes")]
    Base64(Bytes),
    /// A message of Amazon's event stream.
    Aws(AwsMessage),
    /// Nothing comes for this long.
    Wait(Delay),
    /// The connection breaks.
    Error(Fault),
    /// With `true`, nothing comes any more, and the connection stays open.
    Stall(bool),
}

/// How a connection fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The host name is not known.
    Dns,
    /// The host refuses the connection.
    Refused,
    /// The TLS handshake fails.
    Tls,
    /// The peer resets the connection.
    Reset,
    /// The peer closes the connection before the message is complete.
    Closed,
}

impl Fault {
    /// The error a transport makes of it.
    pub fn error(self) -> Error {
        Error::new(
            ErrorKind::Network,
            match self {
                Fault::Dns => "the host name could not be resolved",
                Fault::Refused => "the connection was refused",
                Fault::Tls => "the TLS handshake failed",
                Fault::Reset => "the connection was reset",
                Fault::Closed => "the connection was closed before the message was complete",
            },
        )
    }
}

/// A virtual delay: a duration with units in JSON, or `"never"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// After this long.
    After(Duration),
    /// Not at all.
    Never,
}

impl Delay {
    fn is_zero(&self) -> bool {
        *self == Delay::default()
    }
}

impl Default for Delay {
    fn default() -> Self {
        Delay::After(Duration::ZERO)
    }
}

impl From<Duration> for Delay {
    fn from(duration: Duration) -> Self {
        Delay::After(duration)
    }
}

impl Serialize for Delay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Delay::After(duration) => crate::duration::serialize(duration, serializer),
            Delay::Never => serializer.serialize_str("never"),
        }
    }
}

impl<'de> Deserialize<'de> for Delay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "never" => Ok(Delay::Never),
            text => crate::duration::parse(text).map(Delay::After).map_err(serde::de::Error::custom),
        }
    }
}

impl Reply {
    /// Status 200 with this body.
    pub fn ok(content_type: &str, body: impl Into<Bytes>) -> Self {
        Reply::status(200).with_header("content-type", content_type).with_bytes(body)
    }

    /// An empty reply with this status.
    pub fn status(status: u16) -> Self {
        Reply { status, ..Reply::default() }
    }

    /// No connection: after no time, this happens.
    pub fn fault(fault: Fault) -> Self {
        Reply { connect_error: Some(fault), ..Reply::default() }
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds bytes to the body.
    pub fn with_bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.with(Piece::Base64(bytes.into()))
    }

    /// Adds a piece to the body.
    pub fn with(mut self, piece: Piece) -> Self {
        self.body.push(piece);
        self
    }

    /// Cuts the body here, too.
    pub fn with_cut(mut self, at: usize) -> Self {
        self.cut.push(at);
        self
    }

    /// Cuts the body after every so many bytes.
    pub fn with_every(mut self, bytes: NonZeroUsize) -> Self {
        self.every = Some(bytes);
        self
    }

    /// The body as what happens, in order: pieces cut into chunks.
    pub(crate) fn chunks(&self) -> Vec<Piece> {
        let mut chunks = Vec::new();
        let mut from = 0;
        for piece in &self.body {
            let mut bytes = match piece {
                Piece::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
                Piece::Base64(bytes) => bytes.clone(),
                Piece::Aws(message) => message.bytes(),
                Piece::Stall(false) => continue,
                other => {
                    chunks.push(other.clone());
                    continue;
                }
            };
            let end = from + bytes.len();
            while let Some(cut) = self.next_cut(from).filter(|cut| *cut < end) {
                chunks.push(Piece::Base64(bytes.split_to(cut - from)));
                from = cut;
            }
            from = end;
            chunks.push(Piece::Base64(bytes));
        }
        chunks
    }

    /// The first cut after this byte.
    fn next_cut(&self, after: usize) -> Option<usize> {
        let listed = self.cut.iter().copied().filter(|cut| *cut > after).min();
        let regular = self.every.map(|every| (after / every.get() + 1) * every.get());
        listed.into_iter().chain(regular).min()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn cut(reply: &Reply) -> Vec<String> {
        let text = |piece| match piece {
            Piece::Base64(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            other => format!("{other:?}"),
        };
        reply.chunks().into_iter().map(text).collect()
    }

    #[test]
    fn cuts_count_over_all_pieces() {
        let reply = Reply::default().with_bytes("abcd").with(Piece::Stall(true)).with_bytes("efgh");
        assert_eq!(cut(&reply), ["abcd", "Stall(true)", "efgh"]);
        assert_eq!(cut(&reply.clone().with_cut(6).with_cut(1)), ["a", "bcd", "Stall(true)", "ef", "gh"]);
        let every = NonZeroUsize::new(3).unwrap();
        assert_eq!(cut(&reply.with_every(every).with_cut(99)), ["abc", "d", "Stall(true)", "ef", "gh"]);
    }

    #[test]
    fn the_json_form_is_strict_and_comes_back() {
        let json = r#"{"connect_after":"10ms","head_after":"never","status":503,"headers":{"retry-after":"7"},
            "body":[{"text":"x"},{"base64":"AAE="},{"wait":"5s"},{"error":"reset"},{"stall":true}],"every":1}"#;
        let reply: Reply = serde_json::from_str(json).unwrap();
        assert_eq!(reply.connect_after, Delay::After(Duration::from_millis(10)));
        assert_eq!(reply.head_after, Delay::Never);
        assert_eq!(reply.body.get(1), Some(&Piece::Base64(Bytes::from_static(&[0, 1]))));
        let again: Reply = serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap();
        assert_eq!(again, reply);
        assert!(serde_json::from_str::<Reply>(r#"{"boddy":[]}"#).is_err(), "a misspelt script is an error");
    }
}
