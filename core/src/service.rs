//! What answers a request.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::context::Context;
use crate::error::Result;
use crate::events::Events;
use crate::request::Request;

/// Answers requests. A provider behind a driver is a service; so is a service wrapped in a layer.
///
/// Dropping the future, or the stream it gave, cancels the call.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not answer requests",
    note = "implement `Service`, or wrap a wire protocol (`Provider`) in `Http`"
)]
pub trait Service: Send + Sync + Debug + 'static {
    /// Name and capabilities of this stack.
    fn info(&self) -> Info;

    /// Answers a request with a stream of events.
    ///
    /// # Errors
    /// What went wrong before the first event; what goes wrong later ends the stream.
    async fn call(&self, cx: Context, request: Request) -> Result<Events>;
}

/// Name and capabilities of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Info {
    /// The provider's name, such as `openai`.
    pub name: SmolStr,
    /// The wire protocol it speaks, such as `openai.chat`.
    pub wire: SmolStr,
    /// The model used when a request names none.
    pub model: Option<SmolStr>,
    /// Whether it goes on with a [`Checkpoint`](crate::checkpoint::Checkpoint): true where a `repair` layer stands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes: bool,
}

impl Info {
    /// A name and a wire.
    pub fn new(name: impl Into<SmolStr>, wire: impl Into<SmolStr>) -> Self {
        Info { name: name.into(), wire: wire.into(), model: None, resumes: false }
    }

    /// Sets the default model.
    pub fn with_model(mut self, model: Option<SmolStr>) -> Self {
        self.model = model;
        self
    }

    /// Says that it goes on with a checkpoint.
    pub fn with_resumes(mut self) -> Self {
        self.resumes = true;
        self
    }
}

/// A shared service: what layers take and give back. Cheap to clone.
///
/// It is used as the service it holds (`stack.call(..)`) and is no `Service` itself: a call through one would be
/// boxed twice.
#[derive(Debug, Clone)]
pub struct Stack(Arc<dyn Service>);

impl Stack {
    /// Shares a service.
    pub fn new(service: impl Service) -> Self {
        Stack(Arc::new(service))
    }
}

impl Deref for Stack {
    type Target = dyn Service;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl<S: Service> From<S> for Stack {
    fn from(service: S) -> Self {
        Stack::new(service)
    }
}
