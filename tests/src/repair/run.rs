//! One run: a recorded stream breaks, the pipeline repairs it, and what the caller got is held to the laws.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use belvedere::client::Client;
use belvedere::clock::Clock;
use belvedere::context::Call;
use belvedere::layer_fn;
use belvedere::middleware::repair::{Policy, Repair};
use belvedere::middleware::timeout::Timeout;
use belvedere::testing::{Fault as Wire, Piece, Reply, Simulation, Task};
use belvedere::{Error, Event, Request};
use futures_util::StreamExt;

use super::checks::{Verdict, check};
use super::known::{Break, Known};
use super::target::{Asked, Further, Target};

/// How a stream breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// The body ends.
    Cut,
    /// Nothing comes any more.
    Stall,
    /// The connection is reset.
    Reset,
}

impl Fault {
    pub(super) const ALL: [Fault; 3] = [Fault::Cut, Fault::Stall, Fault::Reset];
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trial {
    /// `continue`, and the other attempt ends well.
    Once,
    /// `continue`, and the other attempt breaks, too.
    Twice,
    /// `continue`, and the target refuses each request that shows the beginning of an answer.
    Refused,
    /// `continue`, and there is no connection any more.
    Gone,
    /// `restart`.
    Restart,
    /// `fail`.
    Fail,
}

impl Trial {
    fn policy(self) -> Policy {
        match self {
            Trial::Once | Trial::Twice | Trial::Refused | Trial::Gone => Policy::Continue,
            Trial::Restart => Policy::Restart,
            Trial::Fail => Policy::Fail,
        }
    }

    fn further(self, at: Break) -> Further {
        match self {
            // A place that depends on nothing but the first: any byte of the answer.
            Trial::Twice => Further::Breaks(at.at.wrapping_mul(7919)),
            Trial::Refused => Further::Refused,
            Trial::Gone => Further::Gone,
            _ => Further::Answered,
        }
    }

    /// Whether it can end as one valid answer.
    pub(super) fn can_end_well(self) -> bool {
        !matches!(self, Trial::Fail | Trial::Gone)
    }
}

/// What the caller of a run got, and what had happened.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) events: Vec<Event>,
    pub(super) error: Option<Error>,
    pub(super) call: Arc<Call>,
    pub(super) asked: Asked,
    /// What was left when all was over: connections, sleeps, tasks.
    pub(super) left: [usize; 3],
}

/// Silence of this long is a stall.
const IDLE: Duration = Duration::from_secs(20);

/// Breaks the stream here, in this way.
///
/// # Errors
/// When everybody waits and nothing can happen any more.
pub(super) fn run(known: &Known, at: Break, fault: Fault, trial: Trial) -> Result<Got, String> {
    let simulation = Simulation::new(1);
    let reply = Reply::ok(known.content_type, known.body.get(..at.at).unwrap_or_default().to_vec());
    let reply = match fault {
        Fault::Cut => reply,
        Fault::Stall => reply.with(Piece::Stall(true)),
        Fault::Reset => reply.with(Piece::Error(Wire::Reset)),
    };
    let target = Target::new(simulation.network.clone(), known, reply, trial.further(at));
    let call = Arc::new(Mutex::new(None));
    let slot = call.clone();
    let client = Client::new(known.service.clone(), simulation.lent_over(target.clone()))
        .layer(layer_fn("seen", move |cx, request, next| {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.call.clone());
            async move { next.call(cx, request).await }
        }))
        .layer(repair(trial.policy()))
        .layer(timeout());
    let read = wait(&simulation, read(&client, known.request.clone(), &target));
    let (events, error) = read.ok_or("everybody waits, and nobody sleeps")?;
    drop(client);
    let call = call.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or("no call was made")?;
    simulation.spawner.run_until_idle();
    let left = [simulation.network.open(), simulation.clock.pending_sleeps(), simulation.spawner.open()];
    let asked = std::mem::take(&mut *target.asked());
    Ok(Got { events, error, call, asked, left })
}

fn repair(policy: Policy) -> Repair {
    let mut repair = Repair::default();
    repair.policy = policy;
    repair
}

fn timeout() -> Timeout {
    let mut timeout = Timeout::off();
    (timeout.first_event, timeout.idle) = (Some(3 * IDLE), Some(IDLE));
    timeout
}

/// Runs to the end; `None` when nothing can happen any more.
fn wait<T>(simulation: &Simulation, future: impl Future<Output = T> + Send) -> Option<T> {
    let mut task = Task::new(future);
    loop {
        if let Poll::Ready(value) = simulation.poll(&mut task) {
            return Some(value);
        }
        let deadline = simulation.clock.next_deadline()?;
        simulation.clock.advance(deadline.since(simulation.clock.now()));
    }
}

async fn read(client: &Client, request: Request, target: &Target) -> (Vec<Event>, Option<Error>) {
    let mut got = Vec::new();
    let mut events = match client.stream(request).await {
        Ok(events) => events,
        Err(error) => return (got, Some(error)),
    };
    while let Some(item) = events.next().await {
        match item {
            Ok(event) => got.push(event),
            Err(error) => return (got, Some(error)),
        }
        target.handed().store(got.len(), Ordering::Release);
    }
    (got, None)
}

/// Runs, and holds what came to the laws.
pub(super) fn judged(known: &Known, at: Break, fault: Fault, trial: Trial) -> Verdict {
    match run(known, at, fault, trial) {
        Ok(got) => check(known, at, trial, &got),
        Err(stuck) => Verdict::stuck(stuck),
    }
}
