//! What goes with a request through the stack: what is lent, and what is known of the call.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use tokio::sync::Notify;

use crate::cancel::Cancel;
use crate::checkpoint::Checkpoint;
use crate::clock::{Clock, Instant};
use crate::entropy::Entropy;
use crate::error::Error;
use crate::events::{End, EndKind};
use crate::pause::Pause;
use crate::request::{Options, Scope};
use crate::spawner::Spawner;
use crate::transport::Transport;
use crate::usage::Usage;

/// What goes with a request through the stack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// Time, randomness, work and the network.
    pub lent: Arc<Lent>,
    /// The call.
    pub call: Arc<Call>,
    /// Signs of life of the attempt's wire; there when a layer asked for them by [`Context::with_wire`].
    pub wire: Option<Arc<Wire>>,
}

impl Context {
    /// Opens an attempt. A ticket that is dropped before its end closes it as Cancelled, or as what a layer said to
    /// [`Wire::set_end`].
    pub fn attempt(&self, provider: SmolStr, model: Option<SmolStr>) -> AttemptTicket {
        let clock = self.lent.clock.clone();
        let began = clock.now();
        let mut attempts = self.call.lock();
        attempts.push(Attempt { provider, model, usage: None, end: None, status: None, elapsed: None });
        let index = attempts.len() - 1;
        AttemptTicket { call: self.call.clone(), wire: self.wire.clone(), index, clock, began }
    }

    /// The same context with a fresh [`Wire`], for a layer that has to know when the connection stands and when
    /// bytes came. A wire of a layer further out is told the same.
    pub fn with_wire(&self) -> (Context, Arc<Wire>) {
        let wire = Arc::new(Wire::within(self.wire.clone()));
        (Context { wire: Some(wire.clone()), ..self.clone() }, wire)
    }
}

/// Time, randomness, work and the network. Nothing else may ask for them.
#[derive(Debug, Clone)]
pub struct Lent {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Work that outlives a call.
    pub spawner: Arc<dyn Spawner>,
    /// The network.
    pub transport: Arc<dyn Transport>,
}

/// One call, made by the client before anything runs.
#[derive(Debug)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Whom it belongs to.
    pub scope: Scope,
    /// When it must be over, on [`Clock::now`].
    pub deadline: Option<Instant>,
    /// Its cancel signal.
    pub cancel: Cancel,
    /// Whether its caller paused it. Timers of the wire stand still meanwhile.
    pub pause: Pause,
    /// What further attempts it may make.
    pub attempt_budget: AttemptBudget,
    /// The broken or paused answer it goes on with, for the `repair` layer.
    pub resume: Option<Arc<Checkpoint>>,
    /// The caller's options.
    pub options: Options,
    attempts: Mutex<Vec<Attempt>>,
}

/// One request to one provider, as it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The provider's name.
    pub provider: SmolStr,
    /// The model asked for.
    pub model: Option<SmolStr>,
    /// What it used, as far as it is known.
    pub usage: Option<Arc<Usage>>,
    /// How it ended; `None` while it has not.
    pub end: Option<EndKind>,
    /// The HTTP status, once there was one.
    pub status: Option<u16>,
    /// How long it took, once it ended.
    #[serde(with = "crate::duration::option")]
    pub elapsed: Option<Duration>,
}

impl Call {
    /// A call with these options, beginning at `clock`'s now.
    pub fn new(lent: &Lent, options: Options) -> Self {
        let deadline = options.timeout.map(|t| lent.clock.now() + t);
        Call {
            id: CallId::new(lent.clock.wall(), lent.entropy.as_ref()),
            scope: options.scope.clone(),
            deadline,
            cancel: Cancel::new(),
            pause: Pause::new(),
            attempt_budget: AttemptBudget::new(options.attempts),
            resume: None,
            options,
            attempts: Mutex::default(),
        }
    }

    /// The attempts so far, in the order they began.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What further attempts a call may make, over all layers together: whoever starts one draws on it first.
#[derive(Debug)]
pub struct AttemptBudget(AtomicU32);

/// At most this many attempts a call, where its options do not say.
const ATTEMPTS: u32 = 8;

impl AttemptBudget {
    /// A budget of this many attempts in all; the first needs no drawing.
    fn new(attempts: Option<NonZeroU32>) -> Self {
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
        self.close(end.kind());
    }

    fn close(&self, end: EndKind) {
        let elapsed = self.clock.now().since(self.began);
        self.edit(|a| {
            if a.end.is_none() {
                a.end = Some(end);
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
        self.close(self.wire.as_ref().and_then(|wire| wire.end()).unwrap_or(EndKind::Cancelled));
    }
}

/// Signs of life of one attempt's wire, written by the driver and the transport, read by timers.
#[derive(Debug, Default)]
pub struct Wire {
    /// The wire of a layer further out.
    outer: Option<Arc<Wire>>,
    /// How far the connection is: it only ever grows.
    stage: AtomicU8,
    /// Nanoseconds on the clock of the last sign of life; 0 for none.
    last: AtomicU64,
    /// How the attempt ended, said by a layer that ends it.
    end: OnceLock<EndKind>,
    notify: Notify,
}

/// A new connection is being made for this request.
const DIALING: u8 = 1;
/// A connection is at hand.
const CONNECTED: u8 = 2;

impl Wire {
    /// A wire that tells all it is told to one further out, too.
    pub(crate) fn within(outer: Option<Arc<Wire>>) -> Self {
        Wire { outer, ..Wire::default() }
    }

    /// The transport makes a new connection for this request. A request that finds one in the pool never says so.
    pub fn set_dialing(&self) {
        self.reach(DIALING);
    }

    /// The transport has a connection at hand.
    pub fn set_connected(&self) {
        self.reach(CONNECTED);
    }

    fn reach(&self, stage: u8) {
        if self.stage.fetch_max(stage, Ordering::AcqRel) < stage {
            self.notify.notify_waiters();
        }
        if let Some(outer) = &self.outer {
            outer.reach(stage);
        }
    }

    /// Whether a connection is at hand.
    pub fn is_connected(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= CONNECTED
    }

    /// Waits until the transport makes a new connection, or has one at hand.
    pub async fn dialing(&self) {
        self.reached(DIALING).await;
    }

    /// Waits until a connection is at hand.
    pub async fn connected(&self) {
        self.reached(CONNECTED).await;
    }

    async fn reached(&self, stage: u8) {
        let mut notified = std::pin::pin!(self.notify.notified());
        loop {
            // Registered before the stage is read: a change between the two is not lost.
            notified.as_mut().enable();
            if self.stage.load(Ordering::Acquire) >= stage {
                return;
            }
            notified.as_mut().await;
            notified.set(self.notify.notified());
        }
    }

    /// Says how the attempt ended, for a layer that ends it by dropping it: a timeout is no cancel. The first word
    /// stays.
    pub fn set_end(&self, end: EndKind) {
        let _ = self.end.set(end);
    }

    /// How a layer ended this attempt: the one that asked for this wire, or one further out.
    fn end(&self) -> Option<EndKind> {
        self.end.get().copied().or_else(|| self.outer.as_ref()?.end())
    }

    /// Bytes came at `now`.
    pub fn touch(&self, now: Instant) {
        let nanos = u64::try_from(now.since_origin().as_nanos()).unwrap_or(u64::MAX);
        self.last.fetch_max(nanos, Ordering::AcqRel);
        if let Some(outer) = &self.outer {
            outer.touch(now);
        }
    }

    /// When bytes last came.
    pub fn last(&self) -> Option<Instant> {
        match self.last.load(Ordering::Acquire) {
            0 => None,
            nanos => Some(Instant::from_origin(Duration::from_nanos(nanos))),
        }
    }
}

/// The id of a call: a UUID of version 7 (RFC 9562), so ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u128);

impl CallId {
    /// An id from the wall clock and lent randomness.
    pub fn new(wall: SystemTime, entropy: &dyn Entropy) -> Self {
        let millis = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut random = [0; 16];
        entropy.fill(&mut random);
        let random = u128::from_le_bytes(random);
        let version = 7 << 76;
        let variant = 2 << 62;
        let low = (random & 0x0fff_3fff_ffff_ffff_ffff) & !(0xf << 76) & !(3 << 62);
        CallId(((millis & 0xffff_ffff_ffff) << 80) | version | variant | low)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            n >> 96,
            (n >> 80) & 0xffff,
            (n >> 64) & 0xffff,
            (n >> 48) & 0xffff,
            n & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[derive(Debug)]
    struct Ones;

    impl Entropy for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn a_call_id_is_a_uuid_of_version_7_that_sorts_by_time() {
        let at = |ms| CallId::new(SystemTime::UNIX_EPOCH + Duration::from_millis(ms), &Ones);
        assert_eq!(at(0x0123_4567_89ab).to_string(), "01234567-89ab-7fff-bfff-ffffffffffff");
        assert!(at(1) < at(2));
    }

    #[test]
    fn w6_attempts_are_drawn_from_one_budget() {
        let budget = AttemptBudget::new(NonZeroU32::new(3));
        assert_eq!([(); 4].map(|()| budget.draw()), [true, true, false, false]);
        assert_eq!((budget.left(), AttemptBudget::new(None).left()), (0, 7));
    }

    #[test]
    fn a_wire_only_gets_further_and_tells_the_wire_further_out() {
        use futures_util::FutureExt;
        let outer = Arc::new(Wire::default());
        let wire = Wire { outer: Some(outer.clone()), ..Wire::default() };
        assert_eq!(wire.dialing().now_or_never(), None);
        wire.set_dialing();
        assert_eq!(wire.dialing().now_or_never(), Some(()));
        assert_eq!((wire.connected().now_or_never(), wire.is_connected()), (None, false));
        wire.set_connected();
        wire.set_dialing();
        assert_eq!((wire.connected().now_or_never(), outer.is_connected()), (Some(()), true));
        wire.touch(Instant::from_origin(Duration::from_secs(7)));
        assert_eq!(outer.last(), Some(Instant::from_origin(Duration::from_secs(7))));
    }
}
