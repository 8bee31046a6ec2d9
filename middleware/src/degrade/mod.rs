//! Last resorts: what a call that failed is answered with.

mod reason;
mod service;

use std::collections::BTreeMap;

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::layer::Layer;
use belvedere_core::service::Stack;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use reason::Reason;
use service::DegradeService;

/// Answers a chat that failed with a last resort: a smaller model, then a text written beforehand.
///
/// It steps in only before the first content was handed out: a stream that breaks later ends with its error, because
/// a text that is joined to half an answer is no answer. It never steps in for a verdict of a guard (`Blocked`), a
/// cancel, or a request that is wrong in itself, and not for a call that goes on with a checkpoint.
///
/// A last resort is marked, so that nobody takes it for an answer of the model: the stream begins with
/// [`Notice::Degraded`](belvedere_core::event::Notice::Degraded), the hooks hear
/// [`Signal::Degraded`](belvedere_core::hooks::Signal::Degraded), and the call is answered by [`DEGRADED`], which no
/// cache keeps. The failed attempts stay in the list of the call's attempts.
///
/// The smaller model is one further attempt, drawn on the call's budget. A text that is not JSON is not given to a
/// request for JSON, and none is given where the answer must be a tool call or goes on with a prefix.
///
/// Place it inside `choose` and outside of `cache`, `route` and `retry`: it is asked when all of them gave up. It reads a
/// stream ahead up to its first content; from there on, an event costs nothing. With a `model` it clones the request.
///
/// ```
/// use belvedere_core::client::Client;
/// use belvedere_core::error::{Error, ErrorKind};
/// use belvedere_core::event::Notice;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
/// use belvedere_middleware::degrade::Degrade;
///
/// let degrade: Degrade = serde_json::from_str(r#"{"answer": "We are busy. Please try again in a minute."}"#)?;
/// let simulation = Simulation::new(1);
/// let busy = ScriptedService::always(Answer::refused(Error::new(ErrorKind::Overloaded, "busy")));
/// let client = Client::new(busy, simulation.lent()).layer(degrade);
/// let answer = simulation.run(client.complete("hi"))?;
/// assert_eq!(answer.text(), "We are busy. Please try again in a minute.");
/// assert_eq!(answer.notices, [Notice::Degraded { reason: "overloaded".into() }]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Degrade {
    /// The failures it steps in for. Default: those that are not the caller's fault and not the configuration's,
    /// [`Reason::USUAL`].
    pub when: Vec<Reason>,
    /// A smaller model to ask instead, first of all. Default `null`: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub model: Option<SmolStr>,
    /// Texts for some calls; the first that applies is the answer. Default: none.
    pub answers: Vec<Canned>,
    /// The text for all others. Default `null`: they fail with their error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// The target that a last resort counts as in [`Call::answered_by`](belvedere_core::context::Call::answered_by). It is
/// never the one that a cache asked for.
pub const DEGRADED: &str = "degraded";

/// A text for some calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Canned {
    /// The failures it is for. Default: all that the layer steps in for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Reason>,
    /// Tags that the call's scope must have, all of them, such as `task: support` or `language: de`. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub tags: BTreeMap<SmolStr, SmolStr>,
    /// The text.
    pub answer: String,
}

impl Canned {
    /// A text for every call.
    pub fn new(answer: impl Into<String>) -> Self {
        Canned { when: Vec::new(), tags: BTreeMap::new(), answer: answer.into() }
    }

    /// It is for calls with this tag.
    pub fn with_tag(mut self, name: impl Into<SmolStr>, value: impl Into<SmolStr>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// It is for these failures.
    pub fn with_when(mut self, when: impl IntoIterator<Item = Reason>) -> Self {
        self.when = when.into_iter().collect();
        self
    }
}

impl Default for Degrade {
    fn default() -> Self {
        Degrade { when: Reason::USUAL.to_vec(), model: None, answers: Vec::new(), answer: None }
    }
}

impl Degrade {
    /// Sets the failures it steps in for.
    pub fn with_when(mut self, when: impl IntoIterator<Item = Reason>) -> Self {
        self.when = when.into_iter().collect();
        self
    }

    /// Sets the smaller model.
    pub fn with_model(mut self, model: impl Into<SmolStr>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Adds a text for some calls, after those there are.
    pub fn with_canned(mut self, canned: Canned) -> Self {
        self.answers.push(canned);
        self
    }

    /// Sets the text for all others.
    pub fn with_answer(mut self, answer: impl Into<String>) -> Self {
        self.answer = Some(answer.into());
        self
    }

    /// The layer of a document.
    ///
    /// # Errors
    /// `ConfigInvalid` for what the schema can't say.
    pub fn checked(self) -> Result<Self> {
        let never = |canned: &Canned| canned.when.iter().any(|reason| !self.when.contains(reason));
        match self.answers.iter().position(never) {
            None => Ok(self),
            Some(i) => {
                let what = format!("answers[{i}].when: has a reason that the layer's `when` lacks");
                Err(Error::new(ErrorKind::ConfigInvalid, what))
            }
        }
    }

    fn does_nothing(&self) -> bool {
        self.when.is_empty() || (self.model.is_none() && self.answers.is_empty() && self.answer.is_none())
    }
}

impl Layer for Degrade {
    fn layer(&self, inner: Stack) -> Stack {
        if self.does_nothing() {
            return inner;
        }
        Stack::new(DegradeService::new(self.clone(), inner))
    }
}
