//! What answers a request.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::context::Context;
use crate::credentials::CredentialId;
use crate::error::{Error, ErrorKind, Result};
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
    /// The host it talks to, region included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<SmolStr>,
    /// Which credentials it talks with, as far as it has any.
    #[serde(skip)]
    pub credential: Option<CredentialId>,
}

impl Info {
    /// A name and a wire.
    pub fn new(name: impl Into<SmolStr>, wire: impl Into<SmolStr>) -> Self {
        Info {
            name: name.into(),
            wire: wire.into(),
            model: None,
            resumes: false,
            host: None,
            credential: None,
        }
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

/// Answers no request: the base of a pipeline whose `route` layer names all its targets.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

/// The name of [`Nowhere`].
const NOWHERE: &str = "nowhere";

impl Info {
    /// Whether nothing answers there: no provider, and no route to one.
    pub fn is_nowhere(&self) -> bool {
        self.name == NOWHERE
    }
}

#[async_trait]
impl Service for Nowhere {
    fn info(&self) -> Info {
        Info::new(NOWHERE, NOWHERE)
    }

    async fn call(&self, _: Context, _: Request) -> Result<Events> {
        let what = "there is no provider to ask; name one as `provider`, or as a target of `route`";
        Err(Error::new(ErrorKind::ConfigInvalid, what))
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
