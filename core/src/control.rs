//! Control of a stream from any thread or task: pause, resume, cancel, progress, checkpoint.

mod bound;
mod monitor;
mod partial;
mod progress;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Poller, Poll};

use futures_util::task::AtomicWaker;

use crate::cancel::{Cancel, Waiter};
use crate::checkpoint::Checkpoint;
use crate::clock::{Clock, Instant};
use crate::completion::{Completion, Fold};
use crate::context::{Attempt, Call, Context};
use crate::event::Event;
use crate::events::EndKind;
use crate::log::EventLog;
use crate::pause::{Pause, PausePolicy};
use crate::request::Request;
use bound::Bound;
use monitor::{Monitor, Writer};
use partial::{Partial, Teller};
pub use progress::{Metrics, Progress, StreamState};

/// How much a paused stream buffers by default, in bytes of memory, with what its connection takes.
pub const PAUSE_BUFFER: usize = 32 << 10;

/// Controls a stream from any thread or task. Cheap to clone; outlives the stream.
///
/// - [`pause`](StreamController::pause): the stream yields nothing more, and the upstream stays open. While somebody
///   waits for its next event, it reads on into a bounded buffer; then the
///   [`PausePolicy`] acts. Timers of the wire stand still.
/// - [`resume`](StreamController::resume): what was buffered comes first. An upstream that died meanwhile ends the
///   stream after that, with the error it would have had, or is repaired where a `repair` layer stands.
/// - [`cancel`](StreamController::cancel): closes the upstream connection at once. The partial answer and its usage
///   are kept: [`Events::partial`](crate::events::Events::partial), and inside the `Cancelled` error of
///   [`collect`](crate::events::Events::collect).
///
/// A snapshot of [`progress`](StreamController::progress) takes no lock that the stream holds while it reads.
#[derive(Clone)]
pub struct StreamController(Arc<Shared>);

/// What a stream and its controllers share.
struct Shared {
    cancel: Cancel,
    pause: Pause,
    /// None where the stream was not made by a client: then all times are zero.
    clock: Option<Arc<dyn Clock>>,
    began: Instant,
    /// The call, and those that went on with it.
    calls: Mutex<Vec<Arc<Call>>>,
    /// Where a pause reads into, unless it is the stream's own buffer.
    log: Mutex<Option<EventLog>>,
    asked: Option<Asked>,
    bound: Bound,
    /// The length that was told by [`StreamController::expect_tokens`]; 0: none was.
    expected: AtomicU64,
    monitor: Monitor,
    partial: Partial,
    /// Who waits until all that was read ahead is handed out.
    drained: AtomicWaker,
}

/// What was asked, for a checkpoint. The call has the options.
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// The policy that the caller named; the options of the call have the one that holds.
    pub(crate) pause: Option<PausePolicy>,
}

impl Shared {
    fn now(&self) -> Instant {
        self.clock.as_ref().map_or(Instant::default(), |clock| clock.now())
    }

    fn attempts(&self) -> Vec<Attempt> {
        match lock(&self.calls).as_slice() {
            [call] => call.attempts(),
            calls => calls.iter().flat_map(|call| call.attempts()).collect(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StreamController {
    /// Pauses the stream. Idempotent.
    pub fn pause(&self) {
        let log = lock(&self.0.log);
        self.0.pause.pause(self.0.now());
        if let Some(log) = &*log {
            log.read_on();
        }
    }

    /// Goes on with a paused stream, and wakes who waits for it. Idempotent.
    pub fn resume(&self) {
        let log = lock(&self.0.log);
        if let Some(log) = &*log {
            log.read_on_demand();
        }
        self.0.pause.resume(self.0.now());
    }

    /// From now on a pause reads into this log. `call` is the one whose events it has.
    pub(crate) fn set_log(&self, log: &EventLog, call: Option<Arc<Call>>) {
        let mut place = lock(&self.0.log);
        lock(&self.0.calls).extend(call);
        if self.is_paused() {
            log.read_on();
        }
        *place = Some(log.clone());
    }

    /// Reads what was handed out.
    pub(crate) fn with_fold<T>(&self, read: impl FnOnce(&Fold) -> T) -> T {
        self.0.partial.read(read)
    }

    /// Ready once all that was read ahead is handed out; else the task is woken when it is.
    pub(crate) fn poll_drained(&self, cx: &mut Poller<'_>) -> Poll<()> {
        // Registered before it is looked at: what is handed out between the two is not lost.
        self.0.drained.register(cx.waker());
        if self.0.monitor.buffered() > 0 { Poll::Pending } else { Poll::Ready(()) }
    }

    /// True while the stream is paused.
    pub fn is_paused(&self) -> bool {
        self.0.pause.is_paused()
    }

    /// Ends the call: the upstream connection closes and the stream yields no further item. Idempotent; without
    /// effect on a stream that has ended.
    pub fn cancel(&self) {
        self.0.cancel.cancel();
    }

    /// Says how long the answer is expected to be, for [`Progress::fraction`].
    pub fn expect_tokens(&self, tokens: u64) {
        self.0.expected.store(tokens, Ordering::Relaxed);
    }

    /// How far the stream is.
    pub fn progress(&self) -> Progress {
        let shared = &self.0;
        let now = shared.now();
        let expected = shared.expected.load(Ordering::Relaxed);
        let bound = if expected > 0 { Bound::Tokens(expected) } else { shared.bound };
        let paused = shared.pause.is_paused();
        let mut progress = shared.monitor.progress(now, shared.began, shared.pause.spent(now), paused, bound);
        if let (true, Some(log)) = (paused, &*lock(&shared.log)) {
            progress.buffered = log.bytes() as u64;
        }
        progress
    }

    /// How the stream went: its progress, with the attempts and the usage of its call. Complete once it has ended.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            progress: self.progress(),
            attempts: self.0.attempts(),
            usage: self.0.partial.read(|fold| fold.completion().usage.clone()),
        }
    }

    /// The stream as data, to be gone on with later, elsewhere. `None` when it has finished, when it is no chat, or
    /// when it was not made by a client.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        if self.0.monitor.end() == Some(EndKind::Finished) {
            return None;
        }
        let Asked { request, pause } = self.0.asked.as_ref()?;
        let mut options = lock(&self.0.calls).first().map(|call| call.options.clone()).unwrap_or_default();
        options.pause = *pause;
        let request = request.clone().with_options(options);
        let (partial, open) = self.0.partial.read(|fold| (fold.completion().clone(), fold.open().to_vec()));
        Some(Checkpoint::new(request, partial, open))
    }
}

impl fmt::Debug for StreamController {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamController").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

/// The stream's own side of its control.
pub(crate) struct Control {
    shared: Arc<Shared>,
    cancel: Waiter,
    writer: Writer,
    teller: Teller,
    /// Bytes of what was read ahead in a pause and not handed out.
    held: usize,
    /// How many bytes are read ahead in a pause.
    limit: usize,
}

impl Control {
    /// Control of a stream without a call: it has no clock and nothing to check-point.
    pub(crate) fn detached() -> Box<Self> {
        Control::new(Shared {
            cancel: Cancel::new(),
            pause: Pause::new(),
            clock: None,
            began: Instant::default(),
            calls: Mutex::default(),
            log: Mutex::default(),
            asked: None,
            bound: Bound::Unknown,
            expected: AtomicU64::new(0),
            monitor: Monitor::default(),
            partial: Partial::default(),
            drained: AtomicWaker::new(),
        })
    }

    /// Control of the stream of a call that began at `began`.
    pub(crate) fn of_call(cx: &Context, began: Instant, asked: Option<Asked>) -> Box<Self> {
        let bound = asked.as_ref().map_or(Bound::Unknown, |asked| Bound::of(&asked.request));
        Control::new(Shared {
            cancel: cx.call.cancel.clone(),
            pause: cx.call.pause.clone(),
            clock: Some(cx.lent.clock.clone()),
            began,
            calls: Mutex::new(vec![cx.call.clone()]),
            log: Mutex::default(),
            asked,
            bound,
            expected: AtomicU64::new(0),
            monitor: Monitor::default(),
            partial: Partial::default(),
            drained: AtomicWaker::new(),
        })
    }

    fn new(shared: Shared) -> Box<Self> {
        let cancel = shared.cancel.waiter();
        let writer = Writer::new(shared.bound);
        Box::new(Control {
            shared: Arc::new(shared),
            cancel,
            writer,
            teller: Teller::default(),
            held: 0,
            limit: PAUSE_BUFFER,
        })
    }

    pub(crate) fn controller(&self) -> StreamController {
        StreamController(self.shared.clone())
    }

    pub(crate) fn cancel(&self) {
        self.shared.cancel.cancel();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_given()
    }

    /// Ready once the call is cancelled; else the task is woken when it is.
    pub(crate) fn poll_cancelled(&mut self, cx: &mut Poller<'_>) -> Poll<()> {
        self.cancel.listen(cx)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.shared.pause.is_paused()
    }

    /// Ready while the call is not paused; else the task is woken when it goes on.
    pub(crate) fn poll_running(&self, cx: &mut Poller<'_>) -> Poll<()> {
        self.shared.pause.poll_running(cx)
    }

    /// How many bytes are read ahead in a pause; 0 where a log does that.
    pub(crate) fn with_buffer(mut self: Box<Self>, bytes: usize) -> Box<Self> {
        self.limit = bytes;
        self
    }

    /// Takes note of an event that is kept until the pause is over.
    pub(crate) fn hold(&mut self, event: &Event) {
        self.held += event.size();
        self.shared.monitor.set_buffered(self.held);
    }

    /// Bytes of what is kept.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Whether as much is kept as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.held >= self.shared.pause.room(self.limit)
    }

    /// The caller is left waiting for the next event.
    pub(crate) fn waits(&mut self) {
        self.writer.waits();
    }

    /// Takes note of an event that is handed out.
    pub(crate) fn delivered(&mut self, event: &Event) {
        let Control { shared, writer, teller, held, .. } = self;
        if *held > 0 {
            *held = held.saturating_sub(event.size());
            shared.monitor.set_buffered(*held);
            if *held == 0 {
                shared.drained.wake();
            }
        }
        teller.event(&shared.partial, event);
        let now = || {
            let now = shared.now();
            (now, shared.began, shared.pause.spent(now))
        };
        writer.event(&shared.monitor, event, now);
    }

    /// Takes note of the end; the first one stays.
    pub(crate) fn ended(&mut self, end: EndKind) {
        self.shared.monitor.set_end(end, self.shared.now().since(self.shared.began));
        self.held = 0;
        self.shared.monitor.set_buffered(0);
        // Controllers outlive the stream; what a pause read into does not.
        *lock(&self.shared.log) = None;
    }

    /// The attempts of its call, and of those that went on with it.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.shared.attempts()
    }

    /// The answer as far as it was handed out.
    pub(crate) fn partial(&self) -> Completion {
        self.shared.partial.read(|fold| fold.completion().clone())
    }

    /// The same, leaving nothing behind.
    pub(crate) fn take_partial(&mut self) -> Completion {
        self.teller.take(&self.shared.partial).into_completion()
    }
}

/// A stream that is dropped before its end was cancelled.
impl Drop for Control {
    fn drop(&mut self) {
        self.ended(EndKind::Cancelled);
    }
}

#[cfg(test)]
#[path = "control/tests.rs"]
mod tests;
