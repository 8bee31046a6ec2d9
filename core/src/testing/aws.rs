//! A message of Amazon's event stream in a script, written so that people can read it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::framing::aws_message;

/// One message of Amazon's event stream: its name in headers, and a payload of JSON.
///
/// ```
/// use belvedere_core::testing::AwsMessage;
///
/// let message: AwsMessage =
///     serde_json::from_str(r#"{ "event": "messageStart", "data": { "role": "assistant" } }"#)?;
/// assert_eq!(message.event.as_deref(), Some("messageStart"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AwsMessage {
    /// The event's type (`:event-type`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The exception's type (`:exception-type`), instead of an event's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
    /// The payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// What stands in base64 in the payload `{"bytes": ...}`, as that of `InvokeModel`'s chunks, instead of `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<Value>,
}

impl AwsMessage {
    /// The message as it goes over the wire, checksums included.
    pub(super) fn bytes(&self) -> Bytes {
        let payload = match (&self.data, &self.chunk) {
            (_, Some(chunk)) => json!({ "bytes": STANDARD.encode(chunk.to_string()) }).to_string(),
            (Some(data), None) => data.to_string(),
            (None, None) => String::new(),
        };
        let (kind, header) = match self.exception {
            Some(_) => ("exception", ":exception-type"),
            None => ("event", ":event-type"),
        };
        let name = self.exception.as_deref().or(self.event.as_deref());
        let mut headers = vec![(":message-type", kind), (":content-type", "application/json")];
        headers.extend(name.map(|name| (header, name)));
        let mut out = BytesMut::new();
        aws_message(&headers, payload.as_bytes(), &mut out);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::framing::Framer;
    use crate::provider::Framing;

    fn frame(json: Value) -> (Option<String>, String) {
        let message: AwsMessage = serde_json::from_value(json).unwrap();
        let mut frames = Vec::new();
        let mut framer = Framer::new(Framing::AwsEventStream, 1024);
        let each = &mut |frame: crate::provider::Frame<'_>| {
            frames.push((frame.name.map(str::to_owned), String::from_utf8_lossy(frame.data).into_owned()));
            Ok(())
        };
        framer.feed(&message.bytes(), each).unwrap();
        frames.pop().unwrap()
    }

    #[test]
    fn a_message_is_framed_as_the_wire_has_it() {
        let named = |name: &str, data: &str| (Some(name.to_owned()), data.to_owned());
        assert_eq!(frame(json!({"event": "ping", "data": {"p": "a"}})), named("ping", r#"{"p":"a"}"#));
        assert_eq!(
            frame(json!({"exception": "throttlingException", "data": {"message": "m"}})),
            named("throttlingException", r#"{"message":"m"}"#)
        );
        assert_eq!(frame(json!({"event": "chunk", "chunk": {}})), named("chunk", r#"{"bytes":"e30="}"#));
        assert!(serde_json::from_value::<AwsMessage>(json!({"name": "x"})).is_err(), "a misspelt script");
    }
}
