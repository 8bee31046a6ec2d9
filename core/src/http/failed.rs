//! An attempt that failed: what its error is, and another one where its credentials were refused and are renewed.

use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;
use smol_str::SmolStr;

use super::{Drive, Http, Sent, place, send};
use crate::context::{AttemptTicket, Context};
use crate::error::{Error, ErrorKind, Result};
use crate::events::{End, Events};
use crate::provider::{Lack, Provider};
use crate::request::Request;

/// A request that was refused, and the headers it was signed with.
type Refused = (Request, HeaderMap);

impl<P: Provider> Http<P> {
    /// Ends an attempt that failed. Where the provider did not take its credentials and they are renewed, the same
    /// request is sent once more.
    pub(super) async fn failed(
        &self,
        cx: &Context,
        outcome: Result<Box<Drive>>,
        ticket: AttemptTicket,
        lacks: Vec<Lack>,
        model: Option<SmolStr>,
    ) -> Result<Events> {
        let end = |ticket: &AttemptTicket, error| {
            let error = ticket.stamp(place(error, &self.info.name, model.as_deref()));
            ticket.end(End::of(&error));
            error
        };
        let (error, refused) = self.fault(cx, outcome).await;
        let error = end(&ticket, error);
        let again = match refused {
            Some(refused) => self.renewed(cx, refused).await,
            None => None,
        };
        let Some((request, outgoing)) = again else { return Err(error) };
        let ticket = cx.attempt(self.info.name.clone(), model.clone());
        let Sent { signed, response } = send(cx, outgoing);
        let response = response.await;
        match response.and_then(|response| self.read(cx, request, signed, response, &ticket)) {
            Ok(drive) if !drive.failed => Ok(drive.into_events(ticket, lacks)),
            outcome => Err(end(&ticket, self.fault(cx, outcome).await.0)),
        }
    }

    /// The error of an attempt; with the request, where the provider did not take its credentials and they are
    /// renewed. An error status is an error of the call, not of its stream: it is read here.
    async fn fault(&self, cx: &Context, outcome: Result<Box<Drive>>) -> (Error, Option<Refused>) {
        let mut drive = match outcome {
            Ok(drive) => drive,
            Err(error) => return (error, None),
        };
        let mut error = Error::new(ErrorKind::Unexpected, "an error status without an error");
        while let Some(item) = drive.next().await {
            if let Err(e) = item {
                error = e;
            }
        }
        let is_of_credentials = matches!(
            error.kind(),
            ErrorKind::Unauthorized | ErrorKind::QuotaExhausted | ErrorKind::RateLimited
        );
        let are_renewed = is_of_credentials && self.credentials.refused(cx, &drive.signed, &error);
        let is_refused = are_renewed && error.kind() == ErrorKind::Unauthorized;
        (error, is_refused.then_some((drive.request, drive.signed)))
    }

    /// The same request, signed anew; `None` where that makes no difference, and where the call has no attempt left.
    async fn renewed(
        &self,
        cx: &Context,
        (request, refused): Refused,
    ) -> Option<(Request, http::Request<Bytes>)> {
        let mut outgoing = self.outgoing(cx, &request).ok()?;
        self.credentials.sign(cx, &mut outgoing).await.ok()?;
        let is_other = outgoing.headers() != &refused && cx.call.attempt_budget.draw();
        is_other.then_some((request, outgoing))
    }
}
