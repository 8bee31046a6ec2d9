//! What all actors of a run write to: what happened, what was broken, and what each call has seen.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use belvedere::context::{Call, CallId, Context};
use belvedere::control::StreamController;
use belvedere::{EndKind, Events};

use super::answer::Answer;
use super::fault::Position;
use super::plan::Act;
use super::promise::Rules;
use super::quotas::{Circuits, Gauges};
use super::script::Cell;
use super::vault::Asked;

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The law's id, such as `W2`.
    pub law: &'static str,
    /// What was seen.
    pub what: String,
    /// The step of the run in which it was seen.
    pub step: u64,
}

/// The state of a run that its actors share. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Scene(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// Time that has passed, on a clock that nobody steps back.
    pub(super) elapsed: Duration,
    pub(super) step: u64,
    telling: bool,
    pub(super) log: String,
    pub(super) breaches: Vec<Breach>,
    /// The faults that have happened.
    pub(super) faults: Vec<Cell>,
    /// What callers have done, and where the wire stood.
    pub(super) acts: Vec<(Act, Position)>,
    /// What else has happened, by name.
    pub(super) happened: BTreeSet<&'static str>,
    /// What went wrong with the store, and what it was asked for.
    pub(super) store_faults: BTreeSet<(&'static str, Asked)>,
    /// What the layers of the run are held to.
    pub(super) rules: Rules,
    pub(super) gauges: Gauges,
    pub(super) circuits: Circuits,
    /// The latest reading of the clock that counts quotas.
    boot: Duration,
    /// The generation that new calls have.
    pub(super) generation: u64,
    /// How many retries there were.
    pub(super) retries: u64,
    pub(super) calls: Vec<Seen>,
    /// Streams that have ended and are kept.
    pub(super) kept: Vec<Events>,
}

/// What is known of one call.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What its attempts would have been answered, in the order they began.
    pub(super) truths: Vec<Arc<Answer>>,
    /// True once a fault of its wire may have kept the answer from being whole.
    pub(super) harmed: bool,
    /// True when an upstream leaves usage out.
    pub(super) lacks_usage: bool,
    /// Its requests that reached the network.
    pub(super) requests: usize,
    /// Where each of its open connections stands.
    pub(super) lines: Vec<(u64, Position)>,
    /// Where its latest connection stands, or stood last.
    pub(super) stands: Option<Position>,
    /// The bytes of text, thinking and arguments that have passed the outermost witness.
    pub(super) given: usize,
    /// How long its scripts wait, all together.
    pub(super) scripted: Duration,
    /// How long its caller waited for the pipeline.
    pub(super) waited: Duration,
    /// Since when it waits, while it does.
    pub(super) waits_since: Option<Duration>,
    /// The calls it has become: a checkpoint is gone on with by another.
    pub(super) calls: Vec<Arc<Call>>,
    /// The generation of its pipeline.
    generation: Option<(CallId, u64)>,
    /// How many further attempts were told of.
    pub(super) further: usize,
    /// A last resort answered it.
    pub(super) degraded: bool,
    pub(super) controller: Option<StreamController>,
    /// What each witness was told, by call and level; a level may be called more than once.
    pub(super) told: Vec<(CallId, usize, EndKind)>,
    /// How many witnesses were asked and have not been told an end.
    pub(super) untold: usize,
    /// How it ended for its caller.
    pub(super) end: Option<EndKind>,
    /// True when its own deadline ended it.
    pub(super) late: bool,
}

impl Scene {
    pub(super) fn new(calls: usize, rules: Rules, telling: bool) -> Self {
        let calls = (0..calls).map(|_| Seen::default()).collect();
        Scene(Arc::new(Mutex::new(State { telling, calls, rules, generation: 1, ..State::default() })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line into the log, when there is one.
    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        let mut state = self.lock();
        if state.telling {
            let line = line();
            let head = format!("{:>6} {:>12.6}s  ", state.step, state.elapsed.as_secs_f64());
            state.log.push_str(&head);
            state.log.push_str(&line);
            state.log.push('\n');
        }
    }

    /// Reports a broken law.
    pub(super) fn breach(&self, law: &'static str, what: impl fmt::Display) {
        let what = what.to_string();
        self.note(|| format!("BREACH of {law}: {what}"));
        let mut state = self.lock();
        let step = state.step;
        state.breaches.push(Breach { law, what, step });
    }

    /// Looks at what is known of a call, or changes it. A call that there is not gives the default.
    pub(super) fn of<T: Default>(&self, call: usize, look: impl FnOnce(&mut Seen) -> T) -> T {
        self.lock().calls.get_mut(call).map(look).unwrap_or_default()
    }

    /// A fault has happened to a call.
    pub(super) fn fault(&self, call: usize, cell: Cell) {
        let mut state = self.lock();
        if !state.faults.contains(&cell) {
            state.faults.push(cell);
        }
        if let Some(seen) = state.calls.get_mut(call) {
            seen.harmed |= !cell.0.is_harmless();
        }
        drop(state);
        self.note(|| format!("call {call} · fault: {} at {}", cell.0.name(), cell.1.name()));
    }

    /// A caller does something to a call that has not ended.
    pub(super) fn act(&self, call: usize, act: Act) {
        let at = self.of(call, |seen| seen.end.is_none().then_some(seen.stands)).flatten();
        if let Some(at) = at {
            self.lock().acts.push((act, at));
        }
        self.note(|| format!("call {call} · {} ({})", act.name(), at.map_or("nowhere", Position::name)));
    }

    /// Something has happened that tables count by name.
    pub(super) fn happened(&self, what: &'static str) {
        self.lock().happened.insert(what);
    }

    /// The store has failed.
    pub(super) fn store_fault(&self, fault: &'static str, asked: Asked) {
        self.lock().store_faults.insert((fault, asked));
        self.note(|| format!("store · fault: {fault} at {}", asked.name()));
    }
}

/// What witnesses see of quotas and generations.
impl Scene {
    /// Law W16: a call sees one generation, and a new one the latest.
    pub(super) fn asks(&self, call: usize, cx: &Context, level: usize, generation: u64) {
        let id = cx.call.id;
        let (first, latest) = {
            let mut state = self.lock();
            let latest = state.generation;
            let seen = state.calls.get_mut(call);
            (seen.map(|seen| seen.first_generation(id, generation)), latest)
        };
        if let Some(first) = first.filter(|first| *first != generation) {
            self.breach(
                "W16",
                format_args!("call {call}: generation {first} and {generation}, at level {level}"),
            );
        }
        if level == 0 && cx.call.resume.is_none() && generation != latest {
            self.breach("W16", format_args!("call {call}: generation {generation}, and {latest} holds"));
        }
    }

    /// Law W8: a call came through the limit.
    pub(super) fn admitted(&self, cx: &Context, max_tokens: Option<u64>) {
        let wrong = {
            let mut state = self.lock();
            let now = state.pass(cx);
            let State { gauges, rules, .. } = &mut *state;
            gauges.admit(tenant(cx), now, rules, max_tokens.unwrap_or(rules.output))
        };
        if let Some(wrong) = wrong {
            self.breach("W8", wrong);
        }
    }

    /// A call that came through has ended.
    pub(super) fn returned(&self, cx: &Context, max_tokens: Option<u64>) {
        let mut state = self.lock();
        let now = state.pass(cx);
        let State { gauges, rules, .. } = &mut *state;
        gauges.give_back(tenant(cx), now, max_tokens.unwrap_or(rules.output));
    }
}

fn tenant(cx: &Context) -> &str {
    cx.call.scope.tenant.as_deref().unwrap_or_default()
}

impl State {
    fn pass(&mut self, cx: &Context) -> Duration {
        self.at_boot(cx.lent.clock.boot().since_origin())
    }

    /// The time of quotas: a clock that goes back is held where it was.
    pub(super) fn at_boot(&mut self, boot: Duration) -> Duration {
        self.boot = self.boot.max(boot);
        self.boot
    }
}

impl Seen {
    /// The generation that this call was first seen at.
    fn first_generation(&mut self, id: CallId, generation: u64) -> u64 {
        match self.generation {
            Some((known, first)) if known == id => first,
            _ => {
                self.generation = Some((id, generation));
                generation
            }
        }
    }
}
