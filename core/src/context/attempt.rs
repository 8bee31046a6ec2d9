//! The attempts of a call: what each was, and how many more there may be.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Call, Context, Wire};
use crate::clock::{Clock, Instant};
use crate::error::{Error, ErrorKind, TimeoutPhase};
use crate::events::{End, EndKind};
use crate::usage::Usage;

/// One request to one provider, as it went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Attempt {
    /// The provider's name.
    pub provider: SmolStr,
    /// The model asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<SmolStr>,
    /// The target of a route that it went to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<SmolStr>,
    /// What it used, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Arc<Usage>>,
    /// How it ended; `None` while it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<EndKind>,
    /// What it failed with; in JSON `error`, and `phase` of a timeout.
    #[serde(flatten, with = "crate::error::form::error")]
    pub error: Option<ErrorKind>,
    /// The HTTP status, once there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, once it ended.
    #[serde(skip_serializing_if = "Option::is_none", with = "crate::duration::option")]
    pub elapsed: Option<Duration>,
}

/// What further attempts a call may make, over all layers together: whoever starts one draws on it first.
#[derive(Debug)]
pub struct AttemptBudget(AtomicU32);

/// At most this many attempts a call, where its options do not say.
const ATTEMPTS: u32 = 8;

impl AttemptBudget {
    /// A budget of this many attempts in all; the first needs no drawing.
    pub(super) fn new(attempts: Option<NonZeroU32>) -> Self {
        AttemptBudget(AtomicU32::new(attempts.map_or(ATTEMPTS, NonZeroU32::get) - 1))
    }

    /// How many further attempts are left.
    pub fn left(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Draws one further attempt. False: there is none left, and none must be started.
    #[must_use]
    pub fn draw(&self) -> bool {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok()
    }
}

/// An open attempt.
#[derive(Debug)]
pub struct AttemptTicket {
    call: Arc<Call>,
    wire: Option<Arc<Wire>>,
    index: usize,
    clock: Arc<dyn Clock>,
    began: Instant,
}

impl AttemptTicket {
    pub(super) fn open(cx: &Context, provider: SmolStr, model: Option<SmolStr>) -> Self {
        let clock = cx.lent.clock.clone();
        let began = clock.now();
        let mut attempts = cx.call.lock();
        let target = cx.target.clone();
        if attempts.is_empty() {
            // Most calls make one.
            attempts.reserve_exact(1);
        }
        attempts.push(Attempt { provider, model, target, ..Attempt::default() });
        let index = attempts.len() - 1;
        AttemptTicket { call: cx.call.clone(), wire: cx.wire.clone(), index, clock, began }
    }

    fn edit(&self, change: impl FnOnce(&mut Attempt)) {
        if let Some(attempt) = self.call.lock().get_mut(self.index) {
            change(attempt);
        }
    }

    /// Notes the HTTP status.
    pub fn status(&self, status: u16) {
        self.edit(|a| a.status = Some(status));
    }

    /// Notes the usage so far.
    pub fn usage(&self, usage: &Arc<Usage>) {
        self.edit(|a| a.usage = Some(usage.clone()));
    }

    /// Notes the end; the first one stays.
    pub fn end(&self, end: End<'_>) {
        self.close(end.kind(), end.error().map(Error::kind));
    }

    fn close(&self, end: EndKind, error: Option<ErrorKind>) {
        let elapsed = self.clock.now().since(self.began);
        self.edit(|a| {
            if a.end.is_none() {
                a.end = Some(end);
                a.error = error;
                a.elapsed = Some(elapsed);
            }
        });
    }

    /// How many attempts the call has made, this one included; for the error.
    pub fn stamp(&self, error: Error) -> Error {
        let attempts = u32::try_from(self.index + 1).unwrap_or(u32::MAX);
        error.with_attempts(attempts)
    }
}

impl Drop for AttemptTicket {
    fn drop(&mut self) {
        let told = self.wire.as_ref().and_then(|wire| wire.end());
        let (end, error) = told.unwrap_or_else(|| match self.call.is_late.load(Ordering::Acquire) {
            true => (EndKind::Failed, Some(ErrorKind::Timeout(TimeoutPhase::Total))),
            false => (EndKind::Cancelled, None),
        });
        self.close(end, error);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn w6_attempts_are_drawn_from_one_budget() {
        let budget = AttemptBudget::new(NonZeroU32::new(3));
        assert_eq!([(); 4].map(|()| budget.draw()), [true, true, false, false]);
        assert_eq!((budget.left(), AttemptBudget::new(None).left()), (0, 7));
    }
}
