//! What a stream's task reads and its reader takes.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context as Poller, Poll};

use belvedere::completion::Completion;
use belvedere::control::StreamController;
use belvedere::events::Ahead;
use belvedere::{EndKind, Error, ErrorKind, Event, Events, Result};
use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::runtime::lock;
use crate::slot::{Wake, panicked};

/// How far the task reads ahead, in events.
const EVENTS: usize = 256;
/// The same, in bytes of memory.
const BYTES: usize = 64 << 10;

/// How often the task looks for more before it wakes who waits: one wake is dearer than many looks.
const LOOKS: u8 = 32;

/// The middle between the task that reads and the thread that takes.
#[derive(Default)]
pub(crate) struct Feed {
    state: Mutex<State>,
    /// The task may read on.
    more: Notify,
}

#[derive(Default)]
struct State {
    stage: Stage,
    /// Who waits for something to happen.
    wakes: Vec<Wake>,
    controller: Option<StreamController>,
    /// Paused before there was a stream to pause.
    paused: bool,
    /// The task waits until something was taken.
    full: bool,
    /// Something has come that no reader was woken for.
    untold: bool,
    /// How often the task has looked for more before it wakes who waits.
    looks: u8,
    /// Its reader wants no more.
    cancelled: bool,
    /// The whole answer is wanted.
    collect: bool,
}

#[derive(Default)]
enum Stage {
    #[default]
    Opening,
    Open(Box<Events>),
    /// The task reads the rest.
    Collecting,
    Collected(Box<Result<Completion>>),
    /// The call failed; the error was told or was not.
    Failed(Box<Error>, bool),
    /// Cancelled before it was open.
    Cancelled,
}

impl State {
    /// Takes note of how far the task has read; gives who has to be woken.
    fn told(&mut self, ahead: Poll<Ahead>, looks_again: bool) -> Vec<Wake> {
        self.full = matches!(ahead, Poll::Ready(Ahead::Full | Ahead::Over));
        self.untold |= ahead.is_ready();
        self.looks = if looks_again { self.looks + 1 } else { 0 };
        match self.untold && !looks_again {
            true => {
                self.untold = false;
                std::mem::take(&mut self.wakes)
            }
            false => Vec::new(),
        }
    }
}

/// What a reader finds.
pub(crate) type Found<T> = Poll<Result<T>>;

impl Feed {
    /// Reads a call to its end, as its reader takes it.
    pub(crate) async fn run(self: Arc<Self>, opening: impl Future<Output = Result<Events>> + Send) {
        let opened = AssertUnwindSafe(opening).catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
        self.open(opened);
        let pumped = AssertUnwindSafe(self.pump()).catch_unwind().await;
        let collected = match pumped {
            Ok(Some(events)) => AssertUnwindSafe(events.collect()).catch_unwind().await,
            Ok(None) => return,
            Err(_) => return self.settle(Stage::Failed(Box::new(panicked()), false)),
        };
        let collected = collected.unwrap_or_else(|_| Err(panicked()));
        self.settle(Stage::Collected(Box::new(collected)));
    }

    fn open(&self, opened: Result<Events>) {
        let stage = match opened {
            Ok(mut events) => {
                let controller = events.controller();
                let mut state = lock(&self.state);
                if state.paused {
                    controller.pause();
                }
                state.controller = Some(controller);
                drop(state);
                Stage::Open(Box::new(events))
            }
            Err(error) => Stage::Failed(Box::new(error), false),
        };
        self.settle(stage);
    }

    /// Takes note of where it is now, and wakes who waits. What was cancelled stays so.
    fn settle(&self, stage: Stage) {
        let mut state = lock(&self.state);
        let before = match state.stage {
            Stage::Cancelled => stage,
            _ => std::mem::replace(&mut state.stage, stage),
        };
        let wakes = std::mem::take(&mut state.wakes);
        drop(state);
        drop(before);
        wakes.into_iter().for_each(Wake::wake);
    }

    /// Reads ahead until the end, or until the whole answer is wanted: then gives the rest.
    async fn pump(&self) -> Option<Events> {
        let mut more = pin!(self.more.notified());
        std::future::poll_fn(|cx| self.poll_pump(cx, more.as_mut())).await
    }

    fn poll_pump<'a>(
        &'a self,
        cx: &mut Poller<'_>,
        mut more: Pin<&mut Notified<'a>>,
    ) -> Poll<Option<Events>> {
        loop {
            let mut state = lock(&self.state);
            if state.collect && matches!(state.stage, Stage::Open(_)) {
                let Stage::Open(events) = std::mem::replace(&mut state.stage, Stage::Collecting) else {
                    return Poll::Ready(None);
                };
                return Poll::Ready(Some(*events));
            }
            let Stage::Open(events) = &mut state.stage else { return Poll::Ready(None) };
            let ahead = events.poll_ahead(cx, EVENTS, BYTES);
            let looks_again = ahead == Poll::Ready(Ahead::More) && state.looks < LOOKS;
            let wakes = state.told(ahead, looks_again);
            drop(state);
            wakes.into_iter().for_each(Wake::wake);
            if looks_again {
                // After the others that can run: one of them may bring more.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // At the end the reader may still want the whole answer.
            std::task::ready!(more.as_mut().poll(cx));
            more.set(self.more.notified());
        }
    }

    /// Whether the call is open.
    pub(crate) fn poll_open(&self, wake: Option<Wake>) -> Found<()> {
        let mut state = lock(&self.state);
        match &mut state.stage {
            Stage::Opening => {
                state.wakes.extend(wake);
                Poll::Pending
            }
            Stage::Failed(error, told) => {
                *told = true;
                Poll::Ready(Err(Error::clone(error)))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    /// The next event; `None` at the end.
    pub(crate) fn poll_next(&self, wake: Option<Wake>) -> Found<Option<Event>> {
        let mut state = lock(&self.state);
        let taken = match &mut state.stage {
            Stage::Opening | Stage::Collecting => Poll::Pending,
            Stage::Open(events) => events.take(),
            Stage::Failed(error, told @ false) => {
                *told = true;
                Poll::Ready(Some(Err(Error::clone(error))))
            }
            Stage::Failed(..) | Stage::Cancelled | Stage::Collected(_) => Poll::Ready(None),
        };
        // A task that waits for room is asked for more when nothing is left: then it reads the most for one wake. One that
        // does not know of the pause yet has to be told, because the end of the pause wakes it.
        let is_stopped = state.full || state.controller.as_ref().is_some_and(StreamController::is_paused);
        let asks = taken.is_pending() && is_stopped && matches!(state.stage, Stage::Open(_));
        if taken.is_pending() {
            state.wakes.extend(wake);
        }
        drop(state);
        if asks {
            self.more.notify_one();
        }
        taken.map(Option::transpose)
    }

    /// The whole answer.
    pub(crate) fn poll_collected(&self, wake: Option<Wake>) -> Found<Completion> {
        let mut state = lock(&self.state);
        let asks = !std::mem::replace(&mut state.collect, true);
        let found = match &state.stage {
            Stage::Collected(answer) => Poll::Ready(Result::clone(answer)),
            Stage::Failed(error, _) => Poll::Ready(Err(Error::clone(error))),
            Stage::Cancelled => Poll::Ready(Err(Error::new(ErrorKind::Cancelled, "the call was cancelled"))),
            _ => Poll::Pending,
        };
        if found.is_pending() {
            state.wakes.extend(wake);
        }
        drop(state);
        if asks {
            self.more.notify_one();
        }
        found
    }

    /// Ends the call. True: it had not begun to answer, and its task has to be ended.
    pub(crate) fn cancel(&self) -> bool {
        let mut state = lock(&self.state);
        state.cancelled = true;
        let controller = state.controller.clone();
        let is_opening = matches!(state.stage, Stage::Opening);
        if is_opening {
            state.stage = Stage::Cancelled;
        }
        let wakes = if is_opening { std::mem::take(&mut state.wakes) } else { Vec::new() };
        drop(state);
        wakes.into_iter().for_each(Wake::wake);
        if let Some(controller) = controller {
            controller.cancel();
        }
        is_opening
    }

    /// Pauses or goes on, now or once there is something to pause.
    pub(crate) fn set_paused(&self, paused: bool) {
        let mut state = lock(&self.state);
        state.paused = paused;
        let controller = state.controller.clone();
        drop(state);
        match controller {
            Some(controller) if paused => controller.pause(),
            Some(controller) => controller.resume(),
            None => {}
        }
        if !paused {
            // Who waits takes what was read before the pause; the task may have nothing new.
            let wakes = std::mem::take(&mut lock(&self.state).wakes);
            wakes.into_iter().for_each(Wake::wake);
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        let state = lock(&self.state);
        state.controller.as_ref().map_or(state.paused, StreamController::is_paused)
    }

    /// The stream's control; `None` before the call is open.
    pub(crate) fn controller(&self) -> Option<StreamController> {
        lock(&self.state).controller.clone()
    }

    /// How it ended; `None` while it has not.
    pub(crate) fn end(&self) -> Option<EndKind> {
        let of = |error: &Error| belvedere::events::End::of(error).kind();
        let state = lock(&self.state);
        // The task takes note of a cancel in its own time.
        let cancelled = state.cancelled.then_some(EndKind::Cancelled);
        match &state.stage {
            Stage::Opening | Stage::Collecting => None,
            Stage::Open(events) => events.end().or(cancelled),
            Stage::Collected(answer) => Some(answer.as_ref().as_ref().map_or_else(of, |_| EndKind::Finished)),
            Stage::Failed(error, _) => Some(of(error)),
            Stage::Cancelled => Some(EndKind::Cancelled),
        }
    }

    /// The answer as far as it was handed out.
    pub(crate) fn partial(&self) -> Completion {
        match &lock(&self.state).stage {
            Stage::Open(events) => events.partial(),
            Stage::Collected(answer) => match answer.as_ref() {
                Ok(answer) => answer.clone(),
                Err(error) => error.partial().cloned().unwrap_or_default(),
            },
            Stage::Failed(error, _) => error.partial().cloned().unwrap_or_default(),
            _ => Completion::default(),
        }
    }
}
