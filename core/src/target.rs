//! A target beyond its wire: what becomes of parameters it lacks, which it has of its own, and what may go to it.

mod overlay;
mod policy;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Notice};
use crate::events::Events;
use crate::http::Http;
use crate::provider::{Lack, Provider};
use crate::request::Request;
pub use overlay::Overlay;
pub use policy::{Modality, Policy, REGION, Tenants};

/// What becomes of a call whose request asks for something the target lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unsupported {
    /// It is refused before anything is sent; the error names all that is lacking.
    #[default]
    Strict,
    /// It goes on without it; each loss is a [`Notice::ParameterDropped`].
    Drop,
}

/// The settings of a target, applied to each request in this order: overlay, policy, and what the target lacks.
#[derive(Debug, Default)]
pub(crate) struct Target {
    unsupported: Unsupported,
    overlay: Overlay,
    policy: Policy,
}

impl<P: Provider> Http<P> {
    /// Sets what becomes of a call that asks for something the target lacks. Default: it is refused. The call's own
    /// [`Options::unsupported`](crate::request::Options::unsupported) wins.
    pub fn with_unsupported(mut self, unsupported: Unsupported) -> Self {
        self.target.unsupported = unsupported;
        self
    }

    /// Sets the parameters that this target has of its own, whatever a request says.
    pub fn with_overlay(mut self, overlay: Overlay) -> Self {
        self.target.overlay = overlay;
        self
    }

    /// Sets what may be sent to this target.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.target.policy = policy;
        self
    }
}

impl Target {
    /// Makes a request fit for the target, and says what it lost.
    ///
    /// # Errors
    /// `Unsupported` when the policy forbids the request, or when it lost something and that is not allowed.
    pub(crate) fn prepare(
        &self,
        provider: &impl Provider,
        call: &Call,
        request: &mut Request,
    ) -> Result<Vec<Lack>> {
        self.overlay.apply(request)?;
        self.policy.check(request, &call.scope)?;
        let lacks = provider.fit(request);
        match call.options.unsupported.unwrap_or(self.unsupported) {
            Unsupported::Strict if !lacks.is_empty() => Err(lacking(&lacks)),
            _ => Ok(lacks),
        }
    }
}

/// One error for all that is lacking.
fn lacking(lacks: &[Lack]) -> Error {
    let list: Vec<String> = lacks.iter().map(|lack| format!("{}: {}", lack.parameter, lack.reason)).collect();
    let names: Vec<&str> = lacks.iter().map(|lack| lack.parameter.as_str()).collect();
    let message = format!("{}; `unsupported: drop` sends the request without", list.join("; "));
    Error::new(ErrorKind::Unsupported, message).with("parameter", names.join(", "))
}

/// The events of an answer, behind a notice for each loss.
pub(crate) fn noted(lacks: Vec<Lack>, answer: BoxStream<'static, Result<Event>>) -> Events {
    if lacks.is_empty() {
        return Events::boxed(answer);
    }
    let notice = |lack: Lack| {
        let (parameter, reason) = (lack.parameter, lack.reason.into_owned());
        Ok(Event::Notice(Notice::ParameterDropped { parameter, reason }))
    };
    Events::new(futures_util::stream::iter(lacks.into_iter().map(notice)).chain(answer))
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
