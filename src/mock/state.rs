//! What all connections of a server share.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use belvedere_core::clock::Clock;
use belvedere_core::endpoint::Endpoint;
use bytes::Bytes;
use http::Request;
use tokio::sync::watch;

use super::Log;
use super::script::{Script, Seen, Step};
use super::stats::Stats;

pub(super) struct State {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) endpoints: Vec<Arc<dyn Endpoint>>,
    pub(super) log: Option<Log>,
    pub(super) stats: watch::Sender<Stats>,
    running: Mutex<Running>,
    /// How many requests are kept.
    keep: usize,
    kept: Mutex<VecDeque<Request<Bytes>>>,
}

/// The script, and how often each of its steps was taken.
#[derive(Debug)]
struct Running {
    script: Script,
    taken: Vec<u32>,
}

impl State {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        endpoints: Vec<Arc<dyn Endpoint>>,
        log: Option<Log>,
        keep: usize,
        script: Script,
    ) -> Self {
        let running = Mutex::new(Running::new(script));
        let stats = watch::Sender::new(Stats::default());
        State { clock, endpoints, log, stats, running, keep, kept: Mutex::default() }
    }

    /// Keeps a request, and lets go of the oldest one where there are too many.
    pub(super) fn keep(&self, request: &Request<Bytes>) {
        if self.keep == 0 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.keep {
            kept.pop_front();
        }
        kept.push_back(request.clone());
    }

    /// The requests that are kept.
    pub(super) fn kept(&self) -> Vec<Request<Bytes>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Begins another script.
    pub(super) fn play(&self, script: Script) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Running::new(script);
    }

    pub(super) fn script(&self) -> Script {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).script.clone()
    }

    /// Takes the first step that fits and is not used up; where there is none, the default one.
    pub(super) fn take(&self, seen: Seen<'_>) -> (Option<usize>, Step) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Running { script, taken } = &mut *running;
        let mut steps = script.steps.iter().zip(taken).enumerate();
        let next = steps.find(|(_, (step, taken))| {
            step.times.is_none_or(|times| **taken < times) && step.when.fits(seen)
        });
        match next {
            Some((at, (step, taken))) => {
                *taken = taken.saturating_add(1);
                (Some(at), step.clone())
            }
            None => (None, Step::default()),
        }
    }
}

impl Running {
    fn new(script: Script) -> Self {
        Running { taken: vec![0; script.steps.len()], script }
    }
}

/// The log is a function, which prints nothing.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("clock", &self.clock)
            .field("endpoints", &self.endpoints)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
