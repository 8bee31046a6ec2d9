//! What goes with a request through the stack: what is lent, and what is known of the call.

mod attempt;
mod wire;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;
use smol_str::SmolStr;

use crate::cancel::Cancel;
use crate::checkpoint::Checkpoint;
use crate::clock::{Clock, Instant};
use crate::entropy::Entropy;
use crate::hooks::Hooks;
use crate::pause::Pause;
use crate::request::{Options, Scope};
use crate::spawner::Spawner;
use crate::transport::Transport;
pub use attempt::{Attempt, AttemptBudget, AttemptTicket};
pub use wire::Wire;

/// What goes with a request through the stack. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// Time, randomness, work and the network.
    pub lent: Arc<Lent>,
    /// The call.
    pub call: Arc<Call>,
    /// Signs of life of the attempt's wire; there when a layer asked for them by [`Context::with_wire`].
    pub wire: Option<Arc<Wire>>,
    /// The target of a route it goes to.
    pub target: Option<SmolStr>,
}

impl Context {
    /// The context of a call that begins.
    pub fn new(lent: Arc<Lent>, call: Arc<Call>) -> Self {
        Context { lent, call, wire: None, target: None }
    }

    /// Opens an attempt. A ticket that is dropped before its end closes it as what a layer said to [`Wire::set_end`],
    /// as a timeout when the deadline of the call has come, and else as Cancelled.
    pub fn attempt(&self, provider: SmolStr, model: Option<SmolStr>) -> AttemptTicket {
        AttemptTicket::open(self, provider, model)
    }

    /// The same context with a fresh [`Wire`], for a layer that has to know when the connection stands and when
    /// bytes came. A wire of a layer further out is told the same.
    pub fn with_wire(&self) -> (Context, Arc<Wire>) {
        let wire = Arc::new(Wire::within(self.wire.clone()));
        (Context { wire: Some(wire.clone()), ..self.clone() }, wire)
    }
}

/// Time, randomness, work and the network, which nothing else may ask for; and who hears what is done with them.
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
    /// Who hears what the pipeline does.
    pub hooks: Hooks,
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
    answered_by: Mutex<Option<SmolStr>>,
    is_late: AtomicBool,
    /// The bits of an `f64`; [`UNTOLD`] while nobody said.
    budget_used: AtomicU64,
    /// [`UNTOLD`] while nobody counted.
    input_tokens: AtomicU64,
}

/// Nothing that anybody says: the bits of a value that is no number, and more tokens than there are.
const UNTOLD: u64 = u64::MAX;

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
            answered_by: Mutex::default(),
            is_late: AtomicBool::new(false),
            budget_used: AtomicU64::new(UNTOLD),
            input_tokens: AtomicU64::new(UNTOLD),
        }
    }

    /// The attempts so far, in the order they began.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.lock().clone()
    }

    /// Reads the attempts so far where they are: no copy is made. No attempt goes on meanwhile, so it must not take long,
    /// and ask the call for nothing.
    pub fn with_attempts<T>(&self, read: impl FnOnce(&[Attempt]) -> T) -> T {
        read(&self.lock())
    }

    /// The target of a route that answers; `None` while none has, and where there is no route.
    pub fn answered_by(&self) -> Option<SmolStr> {
        self.answered_by.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says which target answers.
    pub fn set_answered_by(&self, target: SmolStr) {
        *self.answered_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    /// How much of its budget is used, this call's reservation included: 0 is nothing, 1 all of it. Of several
    /// budgets the one that is used most. `None` where no budget holds for it.
    pub fn budget_used(&self) -> Option<f64> {
        Some(f64::from_bits(self.budget_used.load(Ordering::Acquire))).filter(|used| !used.is_nan())
    }

    /// Says how much of a budget is used; the highest stands.
    pub fn set_budget_used(&self, used: f64) {
        let higher = self.budget_used().map_or(used, |known| known.max(used));
        self.budget_used.store(higher.to_bits(), Ordering::Release);
    }

    /// How many tokens its request has, where somebody counted them who knows the model's own way. `None`: layers
    /// estimate.
    pub fn input_tokens(&self) -> Option<u64> {
        Some(self.input_tokens.load(Ordering::Acquire)).filter(|tokens| *tokens != UNTOLD)
    }

    /// Says how many tokens its request has, to the layers further in: for a layer that counts better than by estimate.
    pub fn set_input_tokens(&self, tokens: u64) {
        self.input_tokens.store(tokens, Ordering::Release);
    }

    /// Says that its deadline has come. Attempts that are dropped from here on ended by that, and not as cancelled.
    pub(crate) fn set_late(&self) {
        self.is_late.store(true, Ordering::Release);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of a call: a UUID of version 7 (RFC 9562), so ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u128);

impl CallId {
    /// How long its text is.
    pub const TEXT: usize = 36;

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

    /// Its text, written into `text`: digits in groups (RFC 9562, section 4). It is part of keys, so it is written by hand,
    /// not by `format!`.
    pub fn encode(self, text: &mut [u8; CallId::TEXT]) -> &str {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut left = self.0;
        for (i, sign) in text.iter_mut().enumerate().rev() {
            *sign = match i {
                8 | 13 | 18 | 23 => b'-',
                _ => {
                    let digit = DIGITS.get((left & 0xf) as usize).copied().unwrap_or_default();
                    left >>= 4;
                    digit
                }
            };
        }
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; CallId::TEXT]))
    }
}

impl Serialize for CallId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
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

    use std::time::Duration;

    use super::*;

    #[derive(Debug)]
    struct Ones;

    impl Entropy for Ones {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn of_several_budgets_the_one_that_is_used_most_stands() {
        let simulation = crate::testing::Simulation::new(1);
        let call = simulation.context().call;
        assert_eq!(call.budget_used(), None);
        let used = [f64::NAN, 0.25, 0.75, 0.5].map(|used| {
            call.set_budget_used(used);
            call.budget_used()
        });
        assert_eq!(used, [None, Some(0.25), Some(0.75), Some(0.75)]);
    }

    #[test]
    fn a_count_of_nothing_is_a_count() {
        let call = crate::testing::Simulation::new(1).context().call;
        assert_eq!(call.input_tokens(), None);
        call.set_input_tokens(0);
        assert_eq!(call.input_tokens(), Some(0));
    }

    #[test]
    fn a_call_id_is_a_uuid_of_version_7_that_sorts_by_time() {
        let at = |ms| CallId::new(SystemTime::UNIX_EPOCH + Duration::from_millis(ms), &Ones);
        assert_eq!(at(0x0123_4567_89ab).to_string(), "01234567-89ab-7fff-bfff-ffffffffffff");
        assert!(at(1) < at(2));
    }
}
