//! What the server does: a document, or built in code.

mod answer;
mod delivery;
mod fault;
mod when;

use std::path::Path;
use std::time::Duration;

use belvedere_core::config::Config;
use belvedere_core::error::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use answer::{Answer, Call};
pub use delivery::{Delivery, Split, Timing};
pub(super) use fault::error_of;
pub use fault::{Body, Failure, Fault, RetryForm};
pub(super) use when::Seen;
pub use when::When;

/// What a [`MockServer`](super::MockServer) does, request by request.
///
/// A request takes the first step that fits it and is not used up. Where there is none, it gets the default answer:
/// text that repeats what was said, or whatever the request demands (a tool call, JSON of a schema, vectors).
///
/// ```
/// use belvedere::mock::Script;
/// use serde_json::json;
///
/// let script = Script::from_json(json!({"steps": [
///     {"times": 2, "error": {"status": 503}},
///     {"when": {"model": "slow-*"}, "timing": {"first_token": "30s"}},
///     {"answer": {"text": "Hello."}},
/// ]}))?;
/// assert_eq!(script.steps.len(), 3);
/// # Ok::<(), belvedere::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Script {
    /// The steps, first come first served.
    pub steps: Vec<Step>,
}

/// What is done for one request, or for several.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Step {
    /// The requests it is for. Default: all.
    pub when: When,
    /// How many requests may take it; the next one goes on to a later step. Default: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub times: Option<u32>,
    /// What is said.
    pub answer: Answer,
    /// How long it takes.
    pub timing: Timing,
    /// In which bytes it comes.
    pub delivery: Delivery,
    /// What breaks on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// An error instead of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl Script {
    /// Reads a script from its JSON form.
    ///
    /// # Errors
    /// `ConfigInvalid` with the path, what is wrong there, and the keys that are known.
    pub fn from_json(document: Value) -> Result<Self> {
        let script: Script = serde_path_to_error::deserialize(document).map_err(|e| {
            let path = e.path().to_string();
            invalid(&path, &e.into_inner().to_string())
        })?;
        for (at, step) in script.steps.iter().enumerate() {
            step.check(&format!("steps[{at}]"))?;
        }
        Ok(script)
    }

    /// Reads a script from a document, such as [`Config::from_json`] or [`Config::from_yaml`] gives.
    ///
    /// # Errors
    /// As in [`from_json`](Script::from_json).
    pub fn from_config(document: &Config) -> Result<Self> {
        Script::from_json(document.document().clone())
    }

    /// Reads a script from a file: `.yaml`, `.yml`, `.toml` or `.json`.
    ///
    /// # Errors
    /// `ConfigInvalid` when the file can't be read, and as in [`from_json`](Script::from_json).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let script = Script::from_config(&Config::from_file(path)?);
        script.map_err(|e| e.with("file", path.display().to_string()))
    }
}

impl From<Step> for Script {
    fn from(step: Step) -> Self {
        Script { steps: vec![step] }
    }
}

impl<const N: usize> From<[Step; N]> for Script {
    fn from(steps: [Step; N]) -> Self {
        Script { steps: steps.into() }
    }
}

impl From<Vec<Step>> for Script {
    fn from(steps: Vec<Step>) -> Self {
        Script { steps }
    }
}

impl Step {
    /// Says `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Step { answer: Answer { text: Some(text.into()), ..Answer::default() }, ..Step::default() }
    }

    /// Calls the tool `name` with these arguments.
    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        let call = Call { name: Some(name.into()), input: Some(input), ..Call::default() };
        Step { answer: Answer { tool_calls: vec![call], ..Answer::default() }, ..Step::default() }
    }

    /// Refuses with this status, in the wire's own words.
    pub fn error(status: u16) -> Self {
        Failure { status, ..Failure::default() }.into()
    }

    /// Breaks on the way.
    pub fn fault(fault: Fault) -> Self {
        Step { fault: Some(fault), ..Step::default() }
    }

    /// Serves this many requests only.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Serves requests for this model only; `*` stands for any text.
    pub fn for_model(mut self, pattern: impl Into<String>) -> Self {
        self.when.model = Some(pattern.into());
        self
    }

    /// Takes this long before the first token.
    pub fn after(mut self, first_token: Duration) -> Self {
        self.timing.first_token = first_token;
        self
    }

    /// What no schema can say.
    fn check(&self, path: &str) -> Result<()> {
        if self.times == Some(0) {
            return Err(invalid(&format!("{path}.times"), "must be at least 1"));
        }
        self.answer.check(&format!("{path}.answer"))?;
        self.timing.check(&format!("{path}.timing"))?;
        self.delivery.check(&format!("{path}.delivery"))?;
        self.error.as_ref().map_or(Ok(()), |error| error.check(&format!("{path}.error")))
    }
}

impl From<Failure> for Step {
    fn from(failure: Failure) -> Self {
        Step { error: Some(failure), ..Step::default() }
    }
}

/// A fault of a script, at its path.
fn invalid(path: &str, what: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("{path}: {what}"))
}

#[cfg(test)]
mod tests;
