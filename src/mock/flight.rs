//! One request, from its arrival to its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use belvedere_core::clock::Instant;
use http::{Method, StatusCode};

use super::state::State;
use super::stats::{Outcome, count};

/// One line of the server's log: a request that has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The wire, where there is one for it.
    pub wire: Option<&'static str>,
    /// The model that was asked for.
    pub model: Option<String>,
    /// The step of the script that served it; `None`: the default answer.
    pub step: Option<usize>,
    /// The status; `None` when the client went away before the head.
    pub status: Option<StatusCode>,
    /// Bytes of the body that were written.
    pub bytes: u64,
    /// From arrival to end.
    pub took: Duration,
    /// How it ended: `finished`, `cut` or `closed by client`.
    pub end: &'static str,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "---".to_owned(), |status| status.as_u16().to_string());
        write!(f, "{status} {} {}", self.method, self.path)?;
        for word in [self.wire, self.model.as_deref()].into_iter().flatten() {
            write!(f, " {word}")?;
        }
        if let Some(step) = self.step {
            write!(f, " step {step}")?;
        }
        write!(f, " {} bytes {:.1} ms {}", self.bytes, self.took.as_secs_f64() * 1e3, self.end)
    }
}

/// A request that has not ended. Dropped before its end, it was closed by the client.
#[derive(Debug)]
pub(super) struct Flight {
    state: Arc<State>,
    line: Line,
    arrived: Instant,
    last_byte: Instant,
    ended: bool,
}

impl Flight {
    pub(super) fn new(state: Arc<State>, method: Method, path: String) -> Self {
        let arrived = state.clock.now();
        state.stats.send_modify(|stats| {
            stats.requests += 1;
            stats.in_flight += 1;
            count(&mut stats.by_path, path.clone());
        });
        let line = Line {
            method,
            path,
            wire: None,
            model: None,
            step: None,
            status: None,
            bytes: 0,
            took: Duration::ZERO,
            end: "closed by client",
        };
        Flight { state, line, arrived, last_byte: arrived, ended: false }
    }

    pub(super) fn wire(&mut self, wire: &'static str) {
        self.line.wire = Some(wire);
        self.state.stats.send_modify(|stats| count(&mut stats.by_wire, wire.to_owned()));
    }

    pub(super) fn served(&mut self, model: Option<&str>, step: Option<usize>) {
        self.line.model = model.map(str::to_owned);
        self.line.step = step;
    }

    /// The head goes out.
    pub(super) fn head(&mut self, status: StatusCode) {
        self.line.status = Some(status);
        self.last_byte = self.state.clock.now();
        self.state.stats.send_modify(|stats| count(&mut stats.by_status, status.as_u16()));
    }

    /// Bytes of the body go out.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.line.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.last_byte = self.state.clock.now();
    }

    pub(super) fn finished(&mut self) {
        self.end(Outcome::Finished, "finished");
    }

    pub(super) fn cut(&mut self) {
        self.end(Outcome::Cut, "cut");
    }

    fn end(&mut self, outcome: Outcome, word: &'static str) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.line.end = word;
        self.line.took = self.state.clock.now().since(self.arrived);
        self.state.stats.send_modify(|stats| stats.ended(outcome));
        if let Some(log) = &self.state.log {
            log(&self.line);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let silence = self.state.clock.now().since(self.last_byte);
        self.end(Outcome::ClosedByClient(silence), "closed by client");
    }
}
