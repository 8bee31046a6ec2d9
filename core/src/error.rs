//! The one error type: what happened, where, whether waiting can help, and what was already received.

pub(crate) mod form;
mod kind;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::completion::Completion;
use crate::context::Attempt;
pub use kind::{Category, ErrorKind, Status, TimeoutPhase};

/// The result of everything in Belvedere that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a call, a stream or a configuration.
///
/// One pointer wide and cheap to clone. Layers read [`kind`](Error::kind), [`status`](Error::status) and
/// [`retry_after`](Error::retry_after) and never match on text. No key, header, prompt or answer text is ever
/// part of what it prints; the partial answer travels beside the text, in [`partial`](Error::partial).
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    status: Status,
    message: String,
    operation: Option<&'static str>,
    context: Vec<(&'static str, String)>,
    retry_after: Option<RetryAfter>,
    provider: Option<ProviderError>,
    partial: Option<Arc<Completion>>,
    attempts: u32,
    history: Vec<Attempt>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// When the provider said to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// The moment, relative or absolute.
    pub when: RetryWhen,
    /// True when the delay was found in message text only: then it is a hint, never a promise.
    pub hint: bool,
}

/// A delay from now, or a wall-clock date still to be compared with the lent clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryWhen {
    /// After this long.
    In(Duration),
    /// At this wall-clock time; the driver turns it into a delay.
    At(SystemTime),
}

/// A hint found in message text is capped to this.
pub const RETRY_HINT_CAP: Duration = Duration::from_secs(120);

/// What the provider itself said, field by field, as far as it said it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderError {
    /// The HTTP status of the answer that carried the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's error type (`invalid_request_error`, `overloaded_error`, ...).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<SmolStr>,
    /// The provider's error code, as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<SmolStr>,
    /// The provider's sentence. Known secrets and echoes of the request are removed by the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The request parameter it complains about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<SmolStr>,
    /// The provider's request id, for its support desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<SmolStr>,
}

impl RetryAfter {
    /// A delay the provider stated in a header or a structured body.
    pub fn after(delay: Duration) -> Self {
        RetryAfter { when: RetryWhen::In(delay), hint: false }
    }

    /// A date the provider stated in a header.
    pub fn at(date: SystemTime) -> Self {
        RetryAfter { when: RetryWhen::At(date), hint: false }
    }

    /// A delay found in message text only, capped to [`RETRY_HINT_CAP`].
    pub fn hint(delay: Duration) -> Self {
        RetryAfter { when: RetryWhen::In(delay.min(RETRY_HINT_CAP)), hint: true }
    }
}

impl Error {
    /// An error of `kind`; `message` says what happened, without any text of the request or the answer.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Inner {
            kind,
            status: kind.status(),
            message: message.into(),
            operation: None,
            context: Vec::new(),
            retry_after: None,
            provider: None,
            partial: None,
            attempts: 0,
            history: Vec::new(),
            source: None,
        }))
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Names the operation that failed (`"Http::call"`); the first name given stays.
    pub fn with_operation(self, operation: &'static str) -> Self {
        self.edit(|e| e.operation = e.operation.or(Some(operation)))
    }

    /// Adds a fact about where it happened (`("path", "layers[3].retry.attempts")`).
    pub fn with(self, key: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.edit(|e| e.context.push((key, value)))
    }

    /// Sets when the provider said to come back.
    pub fn with_retry_after(self, retry_after: RetryAfter) -> Self {
        self.edit(|e| e.retry_after = Some(retry_after))
    }

    /// Sets what the provider itself said.
    pub fn with_provider(self, provider: ProviderError) -> Self {
        self.edit(|e| e.provider = Some(provider))
    }

    /// Attaches what was received before the failure.
    pub fn with_partial(self, partial: Completion) -> Self {
        self.edit(|e| e.partial = Some(Arc::new(partial)))
    }

    /// Sets how many attempts were made.
    pub fn with_attempts(self, attempts: u32) -> Self {
        self.edit(|e| e.attempts = attempts)
    }

    /// Lists the attempts of the call, and counts them.
    pub fn with_history(self, history: Vec<Attempt>) -> Self {
        self.edit(|e| {
            e.attempts = u32::try_from(history.len()).unwrap_or(u32::MAX);
            e.history = history;
        })
    }

    /// Attaches the cause. Its text is part of `Debug` only.
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.edit(|e| e.source = Some(Arc::new(source)))
    }

    /// Turns a temporary error into a persistent one: whoever owns retries has given up.
    /// A permanent error stays permanent.
    pub fn into_persistent(self) -> Self {
        self.edit(|e| {
            if e.status == Status::Temporary {
                e.status = Status::Persistent;
            }
        })
    }

    /// Resolves a retry date against the wall clock, and cleans the provider's message by `clean`.
    pub(crate) fn settle(self, wall: SystemTime, clean: impl FnOnce(&str) -> String) -> Self {
        self.edit(|e| {
            if let Some(RetryAfter { when: RetryWhen::At(date), hint }) = e.retry_after {
                let delay = date.duration_since(wall).unwrap_or_default();
                e.retry_after = Some(RetryAfter { when: RetryWhen::In(delay), hint });
            }
            if let Some(message) = e.provider.as_mut().and_then(|p| p.message.as_mut()) {
                *message = clean(message);
            }
        })
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What a caller does about it.
    pub fn category(&self) -> Category {
        self.0.kind.category()
    }

    /// Whether waiting can help.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// What happened, in one sentence, without the context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The operation that failed.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The facts about where it happened, in the order they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// How long the provider asked to wait, once known as a delay. See [`Error::retry_after_is_hint`].
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.retry_after?.when {
            RetryWhen::In(delay) => Some(delay),
            RetryWhen::At(_) => None,
        }
    }

    /// The provider's answer to "when", unresolved.
    pub fn retry_when(&self) -> Option<RetryAfter> {
        self.0.retry_after
    }

    /// True when the delay was found in message text only.
    pub fn retry_after_is_hint(&self) -> bool {
        self.0.retry_after.is_some_and(|r| r.hint)
    }

    /// What the provider itself said.
    pub fn provider(&self) -> Option<&ProviderError> {
        self.0.provider.as_ref()
    }

    /// The answer as far as it was received before the failure.
    pub fn partial(&self) -> Option<&Completion> {
        self.0.partial.as_deref()
    }

    /// How many attempts were made; 0 when none reached a provider.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The attempts of the call, in the order they began, each with what it used and how it ended. A client's errors
    /// have it.
    pub fn history(&self) -> &[Attempt] {
        &self.0.history
    }
}

/// One line: kind, message, then what the provider said and where.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        write!(f, "{}: {}", e.kind, e.message)?;
        if let Some(p) = &e.provider {
            let mut facts = Vec::new();
            facts.extend(p.status.map(|s| format!("status {s}")));
            facts.extend(p.r#type.as_ref().map(|t| format!("type {t}")));
            facts.extend(p.code.as_ref().map(|c| format!("code {c}")));
            facts.extend(p.param.as_ref().map(|c| format!("param {c}")));
            facts.extend(p.request_id.as_ref().map(|c| format!("request id {c}")));
            if !facts.is_empty() {
                write!(f, " [{}]", facts.join(", "))?;
            }
            if let Some(m) = &p.message {
                write!(f, ": {}", one_line(m))?;
            }
        }
        if let Some(delay) = self.retry_after() {
            write!(f, "; retry after {}", humantime::format_duration(delay))?;
        }
        for (key, value) in &e.context {
            write!(f, "; {key}: {value}")?;
        }
        Ok(())
    }
}

/// A provider's message on one line, cut at 500 characters.
fn one_line(text: &str) -> String {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(500) {
        Some((at, _)) => format!("{}...", flat.get(..at).unwrap_or_default()),
        None => flat,
    }
}

/// Many lines: everything but the partial answer, of which only the size is told.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &e.kind).field("status", &e.status).field("message", &e.message);
        if let Some(operation) = e.operation {
            out.field("operation", &operation);
        }
        for (key, value) in &e.context {
            out.field(key, value);
        }
        if let Some(provider) = &e.provider {
            out.field("provider", provider);
        }
        if let Some(r) = &e.retry_after {
            out.field("retry_after", r);
        }
        if let Some(p) = &e.partial {
            out.field("partial_choices", &p.choices.len());
        }
        if e.attempts > 0 {
            out.field("attempts", &e.attempts);
        }
        if let Some(source) = &e.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

/// The JSON form that every language sees: `category`, `kind`, then what is known.
impl Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let e = &self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("category", &self.category())?;
        map.serialize_entry("kind", e.kind.name())?;
        if let Some(phase) = e.kind.phase() {
            map.serialize_entry("phase", &phase)?;
        }
        map.serialize_entry("status", &e.status)?;
        map.serialize_entry("message", &e.message)?;
        if let Some(provider) = &e.provider {
            map.serialize_entry("provider", provider)?;
        }
        if let Some(delay) = self.retry_after() {
            map.serialize_entry("retry_after_s", &delay.as_secs_f64())?;
            if self.retry_after_is_hint() {
                map.serialize_entry("retry_after_is_hint", &true)?;
            }
        }
        if e.attempts > 0 {
            map.serialize_entry("attempts", &e.attempts)?;
        }
        // One attempt is the error itself.
        if e.history.len() > 1 {
            map.serialize_entry("history", &e.history)?;
        }
        if let Some(partial) = &e.partial {
            map.serialize_entry("partial", partial)?;
        }
        map.end()
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
