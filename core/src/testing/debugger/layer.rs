//! The layer that records the calls of a client.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Recording;
use super::timeline::Timeline;
use crate::clock::Instant;
use crate::context::{Call, CallId, Context, Lent};
use crate::error::Result;
use crate::event::Event;
use crate::events::{Closing, End, Events, Observer, watch};
use crate::layer::Layer;
use crate::request::Request;
use crate::service::{Info, Service, Stack};
use crate::testing::cassette::{Recorder, Scrub};

/// Records the last calls of a client: every chunk, event, state and time, within bounds. In a configuration its type
/// is `debugger`, in builds with the feature `testing`.
///
/// Place it outermost: it shows what the caller sees, beside everything that went over the wire for it. Clones share
/// the recordings, so keep one and give the other to the client. It costs a copy of every event's text, so it belongs
/// into tests and to a developer's machine.
///
/// ```
/// use belvedere_core::client::Client;
/// use belvedere_core::testing::debugger::DebuggerLayer;
/// use belvedere_core::testing::{Answer, ScriptedService, Simulation};
///
/// let simulation = Simulation::new(1);
/// let service = ScriptedService::new([Answer::text("Hello.")]);
/// let debugger = DebuggerLayer::default();
/// let client = Client::new(service, simulation.lent()).layer(debugger.clone());
/// simulation.run(client.complete("hi"))?;
/// let dump = debugger.recordings()[0].to_string();
/// assert!(dump.contains("event   text               6  Hello."), "{dump}");
/// # Ok::<(), belvedere_core::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DebuggerLayer {
    /// How many calls are kept, the newest ones. Default 16.
    pub calls: usize,
    /// How many bytes of memory the chunks of a call may take, and as many again its events. The oldest are let go.
    /// The requests are kept whole. Default 262144 (256 KiB).
    pub bytes: usize,
    /// What is taken out beside credentials.
    pub scrub: Scrub,
    /// Where the timelines of all kept calls are written whenever one ends. Default `null`: nowhere.
    pub path: Option<PathBuf>,
    #[serde(skip)]
    kept: Arc<Kept>,
}

impl Default for DebuggerLayer {
    fn default() -> Self {
        DebuggerLayer {
            calls: 16,
            bytes: 256 << 10,
            scrub: Scrub::default(),
            path: None,
            kept: Arc::default(),
        }
    }
}

impl DebuggerLayer {
    /// The kept calls, oldest first, also those that still run.
    pub fn recordings(&self) -> Vec<Recording> {
        let tapes: Vec<Arc<Tape>> = self.kept.lock().iter().cloned().collect();
        tapes.iter().map(|tape| tape.recording(&self.scrub)).collect()
    }

    /// The newest call.
    pub fn last(&self) -> Option<Recording> {
        let tape = self.kept.lock().back().cloned();
        tape.map(|tape| tape.recording(&self.scrub))
    }

    /// Begins to record a call, and gives its context with a network that is recorded.
    fn begin(&self, cx: &Context) -> (Arc<Tape>, Context) {
        let clock = cx.lent.clock.clone();
        let began = clock.now();
        let timeline = Arc::new(Timeline::begin(began, self.bytes));
        let network = cx.lent.transport.clone();
        let recorder = Recorder::bounded(network, clock, self.scrub.clone(), self.bytes, timeline.clone());
        let tape = Arc::new(Tape { id: cx.call.id, began, timeline, recorder: recorder.clone() });
        let mut kept = self.kept.lock();
        kept.push_back(tape.clone());
        while kept.len() > self.calls {
            kept.pop_front();
        }
        let lent = Lent { transport: Arc::new(recorder), ..Lent::clone(&cx.lent) };
        (tape, Context { lent: Arc::new(lent), ..cx.clone() })
    }

    fn save(&self) {
        let Some(path) = &self.path else { return };
        let dumps: Vec<String> = self.recordings().iter().map(Recording::to_string).collect();
        // A debugger that can't write is no reason to fail the call it looks at.
        let _ = std::fs::write(path, dumps.join("\n"));
    }
}

impl fmt::Debug for DebuggerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DebuggerLayer")
            .field("calls", &self.calls)
            .field("bytes", &self.bytes)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The tapes of the last calls, oldest first.
#[derive(Default)]
struct Kept(Mutex<VecDeque<Arc<Tape>>>);

impl Kept {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Tape>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call while it is recorded.
struct Tape {
    id: CallId,
    began: Instant,
    timeline: Arc<Timeline>,
    recorder: Recorder,
}

impl Tape {
    fn recording(&self, scrub: &Scrub) -> Recording {
        Recording::of(self.id, self.began, &self.timeline, &self.recorder, scrub)
    }
}

impl Layer for DebuggerLayer {
    fn layer(&self, inner: Stack) -> Stack {
        Stack::new(DebuggerService { debugger: self.clone(), inner })
    }

    fn adopt(&mut self, previous: &dyn Layer) {
        if let Some(previous) = (previous as &dyn Any).downcast_ref::<DebuggerLayer>() {
            self.kept = previous.kept.clone();
        }
    }
}

/// A service whose calls are recorded.
#[derive(Debug)]
struct DebuggerService {
    debugger: DebuggerLayer,
    inner: Stack,
}

#[async_trait]
impl Service for DebuggerService {
    fn info(&self) -> Info {
        self.inner.info()
    }

    async fn call(&self, cx: Context, request: Request) -> Result<Events> {
        let (tape, cx) = self.debugger.begin(&cx);
        let call = cx.call.clone();
        let witness = Witness { debugger: self.debugger.clone(), tape, call, lent: cx.lent.clone() };
        watch(&cx, (*self.inner).call(cx.clone(), request), witness).await
    }
}

/// Notes the events of a call and its end.
struct Witness {
    debugger: DebuggerLayer,
    tape: Arc<Tape>,
    call: Arc<Call>,
    lent: Arc<Lent>,
}

impl Witness {
    fn now(&self) -> Instant {
        let now = self.lent.clock.now();
        self.tape.timeline.look(now, self.call.pause.is_paused(), self.call.pause.spent(now));
        now
    }
}

impl Observer for Witness {
    fn event(&mut self, event: &Event) {
        let now = self.now();
        let secrets = || self.tape.recorder.so_far().into_iter().flat_map(|take| take.secrets).collect();
        self.tape.timeline.event(now, event, &self.debugger.scrub, secrets);
    }

    fn end(self: Box<Self>, end: End<'_>) -> Closing {
        let now = self.now();
        self.tape.timeline.end(now, end);
        self.debugger.save();
        Closing::Done
    }
}
