//! What is asked: operation, messages, tools, parameters, and the options of one call.

mod form;
mod tool;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::message::Message;
use crate::pause::PausePolicy;
use crate::target::Unsupported;
pub use form::{ResponseFormat, Schema};
pub use tool::{Function, Tool, ToolChoice};

/// A request to a model. Cheap to clone: all of it is shared, and changed copy-on-write. Its messages, tools and inputs
/// stay shared even then.
///
/// It is one pointer wide, because every layer hands it on; its fields are those of [`Parameters`].
///
/// ```
/// use belvedere_core::request::Request;
///
/// let mut request = Request::from("Why is the sky blue?");
/// request.temperature = Some(0.2);
/// assert_eq!(request.messages.len(), 1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Request(Arc<Parameters>);

impl Deref for Request {
    type Target = Parameters;

    fn deref(&self) -> &Parameters {
        &self.0
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut Parameters {
        Arc::make_mut(&mut self.0)
    }
}

impl From<Parameters> for Request {
    fn from(parameters: Parameters) -> Self {
        Request(Arc::new(parameters))
    }
}

/// The fields of a [`Request`].
///
/// Parameters that are `None` are absent from the wire, which is not the same as zero. Field names are those of
/// OpenAI's chat completions; [`extra`](Parameters::extra) carries what only some wires know.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Parameters {
    /// What is asked for.
    #[serde(skip_serializing_if = "Operation::is_chat")]
    pub operation: Operation,
    /// The model; absent: the provider's configured one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<SmolStr>,
    /// The conversation (chat).
    #[serde(skip_serializing_if = "slice_is_empty")]
    pub messages: Arc<Vec<Message>>,
    /// The texts to embed (embed).
    #[serde(skip_serializing_if = "slice_is_empty")]
    pub input: Arc<Vec<String>>,
    /// The tools the model may call.
    #[serde(skip_serializing_if = "slice_is_empty")]
    pub tools: Arc<Vec<Tool>>,
    /// Which tool it must or may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several tools at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// At most this many tokens in the answer, thinking included where the provider counts it so.
    #[serde(skip_serializing_if = "Option::is_none", alias = "max_completion_tokens")]
    pub max_tokens: Option<u64>,
    /// Sampling temperature, in the provider's range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Sample among the k likeliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Stop sequences; a single string is accepted.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub stop: Vec<String>,
    /// Seed for best-effort determinism.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// How many answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Penalty for presence, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Penalty for frequency, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Whether to return log probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// How many alternatives with each log probability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// The form the answer must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    /// How much the model should think.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    /// An id of the end user, for the provider's abuse checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<SmolStr>,
    /// Dimensions of an embedding, where the model can choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// True: the last message, the assistant's, is the beginning of the answer, and the answer goes on where it ends
    /// ("prefill"). A target that can't do that lacks it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub continue_final_message: bool,
    /// True when the answer should come as it is made. Set by `Client::stream` and `Client::complete`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    /// Options of this call. The client moves them into [`Call::options`](crate::context::Call::options), where
    /// layers and drivers read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Box<Options>>,
    /// Further fields of the body, sent as they are.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn slice_is_empty<T>(list: &Arc<Vec<T>>) -> bool {
    list.is_empty()
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        Many(Vec<String>),
        One(String),
        None(()),
    }
    Ok(match OneOrMany::deserialize(d)? {
        OneOrMany::Many(list) => list,
        OneOrMany::One(text) => vec![text],
        OneOrMany::None(()) => Vec::new(),
    })
}

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// The next message of a conversation.
    #[default]
    Chat,
    /// Vectors for texts.
    Embed,
    /// The models on offer.
    Models,
}

impl Operation {
    fn is_chat(&self) -> bool {
        *self == Operation::Chat
    }
}

/// How much the model should think. What a target lacks of it is its wire's business.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Reasoning {
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// In tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
}

/// How much effort, in the words providers share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Effort {
    /// No thinking.
    None,
    /// As little as possible.
    Minimal,
    /// Little.
    Low,
    /// The usual.
    Medium,
    /// Much.
    High,
    /// As much as there is.
    Xhigh,
}

impl Effort {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Effort::None => "none",
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Xhigh => "xhigh",
        }
    }
}

/// Options of one call. They steer the pipeline and are not part of the wire's body, except where they say so.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Options {
    /// The whole call must end within this; `None`: no limit of its own.
    #[serde(skip_serializing_if = "Option::is_none", with = "crate::duration::option")]
    pub timeout: Option<Duration>,
    /// Whom the call belongs to.
    #[serde(skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// Further headers. They can't replace the credentials.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Sent as `Idempotency-Key`, where the provider has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// True: each frame of the wire is also given as it came, as `Event::Raw`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub raw: bool,
    /// What becomes of parameters that the target lacks; `None`: as the target is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<Unsupported>,
    /// At most this many attempts in all, whoever makes them: retries, repairs and hedges draw on one budget.
    /// `None`: 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<NonZeroU32>,
    /// What a pause of its stream does; `None`: as the client is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<PausePolicy>,
    /// The id under which readers can attach to its stream, which then goes on when its own reader leaves. `None`:
    /// it ends with its reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<SmolStr>,
}

/// Header values may be secrets: only their names print.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("scope", &self.scope)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("idempotency_key", &self.idempotency_key)
            .field("raw", &self.raw)
            .field("unsupported", &self.unsupported)
            .field("attempts", &self.attempts)
            .field("pause", &self.pause)
            .field("stream_id", &self.stream_id)
            .finish()
    }
}

/// Whom a call belongs to: what budgets, limits, caches and records are kept by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Scope {
    /// The tenant; nothing is ever shared between two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<SmolStr>,
    /// The project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<SmolStr>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<SmolStr>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SmolStr>,
    /// Free tags.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<SmolStr, SmolStr>,
}

impl Scope {
    /// True when nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Scope::default()
    }
}

impl Request {
    /// A chat request with these messages.
    pub fn new(messages: impl Into<Vec<Message>>) -> Self {
        let mut parameters = Parameters::default();
        *Arc::make_mut(&mut parameters.messages) = messages.into();
        parameters.into()
    }

    /// An embedding request for these texts.
    pub fn embed<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Parameters {
            operation: Operation::Embed,
            input: Arc::new(texts.into_iter().map(Into::into).collect()),
            ..Parameters::default()
        }
        .into()
    }

    /// Sets the model.
    pub fn with_model(mut self, model: impl Into<SmolStr>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets the tools.
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = Function>) -> Self {
        self.tools = Arc::new(tools.into_iter().map(Tool::Function).collect());
        self
    }

    /// Sets the token limit of the answer.
    pub fn with_max_tokens(mut self, max_tokens: u64) -> Self {
        self.max_tokens = Some(max_tokens);
        self
    }

    /// Sets the form the answer must have.
    pub fn with_response_format(mut self, format: ResponseFormat) -> Self {
        self.response_format = Some(format);
        self
    }

    /// Sets the options of this call.
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = Some(Box::new(options));
        self
    }

    /// The whole call must end within this.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.options.get_or_insert_default().timeout = Some(timeout);
        self
    }

    /// Says whom the call belongs to.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.options.get_or_insert_default().scope = scope;
        self
    }
}

impl From<&str> for Request {
    fn from(text: &str) -> Self {
        Request::new([Message::user(text)])
    }
}

impl From<String> for Request {
    fn from(text: String) -> Self {
        Request::new([Message::user(text)])
    }
}

impl From<Vec<Message>> for Request {
    fn from(messages: Vec<Message>) -> Self {
        Request::new(messages)
    }
}

impl From<Message> for Request {
    fn from(message: Message) -> Self {
        Request::new([message])
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
