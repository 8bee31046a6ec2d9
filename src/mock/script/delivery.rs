//! How an answer comes: when, and in which bytes.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use belvedere_core::duration;
use belvedere_core::error::Result;
use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid;

/// How long it takes. An answer that is not streamed takes all of it before its head.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Timing {
    /// Before the head of the response. Default none.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub latency: Duration,
    /// Between two bytes of the head; HTTP/1.1 only. Default none.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub head_byte: Duration,
    /// Between the head and the first token. Default none.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub first_token: Duration,
    /// Between two tokens. Default none.
    #[serde(with = "duration")]
    #[schemars(with = "duration::Text")]
    pub per_token: Duration,
    /// The same as a rate, instead of `per_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub tokens_per_second: Option<f64>,
    /// A sign of life after each such time of silence inside a stream: Anthropic's `ping` event, an SSE comment,
    /// or white space between two lines. Default none.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration::option")]
    #[schemars(with = "Option<duration::Text>")]
    pub keep_alive: Option<Duration>,
}

impl Timing {
    /// The time between two tokens.
    pub(crate) fn pace(&self) -> Duration {
        let rate = self.tokens_per_second.map(|rate| Duration::try_from_secs_f64(rate.recip()));
        rate.and_then(std::result::Result::ok).unwrap_or(self.per_token)
    }

    pub(super) fn check(&self, path: &str) -> Result<()> {
        if let Some(rate) = self.tokens_per_second {
            let here = format!("{path}.tokens_per_second");
            if !(rate > 0.0 && rate.is_finite()) {
                return Err(invalid(&here, "must be more than 0"));
            }
            if self.per_token > Duration::ZERO {
                return Err(invalid(&here, "says the same as per_token; use one of the two"));
            }
        }
        if self.keep_alive == Some(Duration::ZERO) {
            return Err(invalid(&format!("{path}.keep_alive"), "must be more than 0"));
        }
        Ok(())
    }
}

/// In which bytes an answer comes. It is done to what the wire has written, so it serves every wire.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Delivery {
    /// Where the body is cut into pieces that are written one by one.
    pub split: Split,
    /// Whether lines end in CR LF. Not for a binary body. Default `false`.
    pub crlf: bool,
    /// The content type, instead of the right one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Further headers of the response.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// Where a body is cut into pieces. Each piece is flushed by itself, and is a chunk or frame of its own in HTTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Split {
    /// Between events only.
    #[default]
    Events,
    /// Inside each character that is longer than one byte.
    Characters,
    /// After each so many bytes; 1 is one byte at a time.
    Bytes(NonZeroUsize),
}

impl Delivery {
    /// The headers, names and values checked.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let kind = self.content_type.as_ref().map(|kind| ("content-type", kind));
        let all = self.headers.iter().map(|(name, value)| (name.as_str(), value)).chain(kind);
        all.filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
    }

    pub(super) fn check(&self, path: &str) -> Result<()> {
        for (name, value) in &self.headers {
            if name.parse::<HeaderName>().is_err() || value.parse::<HeaderValue>().is_err() {
                return Err(invalid(&format!("{path}.headers.{name}"), "is no header that HTTP allows"));
            }
        }
        match &self.content_type {
            Some(kind) if kind.parse::<HeaderValue>().is_err() => {
                Err(invalid(&format!("{path}.content_type"), "is no value that a header can have"))
            }
            _ => Ok(()),
        }
    }
}
