//! A request whose credentials were refused, and are renewed.

use bytes::Bytes;
use http::HeaderMap;

use super::Http;
use crate::context::Context;
use crate::error::Error;
use crate::provider::Provider;
use crate::request::Request;

/// Why an attempt failed.
pub(super) struct Failed {
    pub(super) error: Error,
    /// The request and what it was signed with, where the provider did not take that and it is renewed.
    pub(super) refused: Option<Box<(Request, HeaderMap)>>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Failed { error, refused: None }
    }
}

impl<P: Provider> Http<P> {
    /// The same request, signed anew; `None` where that makes no difference, and where the call has no attempt left.
    pub(super) async fn renewed(
        &self,
        cx: &Context,
        (request, refused): (Request, HeaderMap),
    ) -> Option<(Request, http::Request<Bytes>)> {
        let mut outgoing = self.outgoing(cx, &request).ok()?;
        self.credentials.sign(cx, &mut outgoing).await.ok()?;
        let is_other = outgoing.headers() != &refused && cx.call.attempt_budget.draw();
        is_other.then_some((request, outgoing))
    }
}
