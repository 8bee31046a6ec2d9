//! What the layers of a run promise together, for the laws to hold them to.

use std::time::Duration;

/// How many attempts a call makes at most, where its options do not say.
pub(super) const ATTEMPTS: u32 = 8;

/// The longest waits a stack allows. `None`: for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise {
    /// Until the first content of an attempt.
    pub(super) content: Option<Duration>,
    /// Between two signs of life of an attempt, once content has come.
    pub(super) silence: Option<Duration>,
    /// An attempt, in all.
    pub(super) whole: Option<Duration>,
    /// How many attempts there may be.
    pub(super) attempts: u32,
    /// What layers add by waiting themselves, all together.
    pub(super) added: Duration,
}

impl Promise {
    /// What no layer promises.
    pub(super) const NONE: Promise =
        Promise { content: None, silence: None, whole: None, attempts: 1, added: Duration::ZERO };

    /// Of a layer that adds to the waits.
    pub(super) fn adding(added: Duration) -> Self {
        Promise { added, ..Promise::NONE }
    }

    /// Of a layer that makes so many attempts, and waits this long before each further one.
    pub(super) fn repeating(attempts: u32, between: Duration) -> Self {
        let attempts = attempts.min(ATTEMPTS);
        Promise { attempts, added: between * ATTEMPTS, ..Promise::NONE }
    }

    /// Of one layer around another. All attempts together are bounded by the budget of the call.
    pub(super) fn around(self, inner: Promise) -> Self {
        Promise {
            content: inner.content.or(self.content),
            silence: inner.silence.or(self.silence),
            whole: inner.whole.or(self.whole),
            attempts: (self.attempts * inner.attempts).min(ATTEMPTS),
            added: self.added + inner.added,
        }
    }

    /// Where either of two may hold: of two generations, or of two targets.
    pub(super) fn or(self, other: Promise) -> Self {
        let longer = |one: Option<Duration>, other: Option<Duration>| Some(one?.max(other?));
        Promise {
            content: longer(self.content, other.content),
            silence: longer(self.silence, other.silence),
            whole: longer(self.whole, other.whole),
            attempts: self.attempts.max(other.attempts),
            added: self.added.max(other.added),
        }
    }

    /// True when no call under it can wait for ever.
    pub(super) fn ends_every_call(self) -> bool {
        self.whole.is_some() || (self.content.is_some() && self.silence.is_some())
    }

    /// The longest a call waits whose wires are silent by plan for `scripted`, all attempts together, and for ever at
    /// the end of each.
    pub(super) fn bound(self, scripted: Duration) -> Option<Duration> {
        let whole = self.whole.map(|whole| whole * self.attempts);
        let pair = self.content.zip(self.silence);
        let parts = pair.map(|(content, silence)| (content + silence) * self.attempts + scripted);
        Some(whole.into_iter().chain(parts).min()? + self.added)
    }
}

/// The bounds that the layers of a run declare, those of all its generations together: the loosest of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// Of circuits: how many probes go through at once, and how long one stands in the way of another.
    pub(super) probes: Option<(u32, Duration)>,
    /// How many requests of a tenant come through.
    pub(super) requests: Option<Flow>,
    /// How many tokens of a tenant come through.
    pub(super) tokens: Option<Flow>,
    /// What is reserved for an answer without `max_tokens`.
    pub(super) output: u64,
    /// How much a budget has, in its own unit, and what it charges.
    pub(super) budget: Option<Allowed>,
    /// How many retries an upstream gets that fails, and what each answer gives back.
    pub(super) retries: Option<(u32, f64)>,
    /// The last resorts.
    pub(super) canned: Vec<&'static str>,
    /// A layer may end an answer that is still coming, or read one on that its caller left.
    pub(super) drains: bool,
}

/// So many at once, and so many more in a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Flow {
    pub(super) burst: f64,
    pub(super) per_second: f64,
}

/// What a budget allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    pub(super) limit: i64,
    /// It is there once, so that its sums are those of the run.
    pub(super) is_once: bool,
    /// What a token that is read costs, and one that is written.
    pub(super) prices: (i64, i64),
}

impl Flow {
    /// Where both are counted, one beside the other.
    fn beside(self, other: Flow) -> Flow {
        Flow { burst: self.burst + other.burst, per_second: self.per_second + other.per_second }
    }
}

impl Rules {
    /// Those of another layer of the same stack, or of the same layer in another target.
    pub(super) fn and(self, other: Rules) -> Rules {
        Rules {
            probes: both(self.probes, other.probes, |a, b| (a.0.max(b.0), a.1.min(b.1))),
            requests: self.requests.or(other.requests),
            tokens: self.tokens.or(other.tokens),
            output: self.output.max(other.output),
            budget: self.budget.or(other.budget),
            retries: self.retries.or(other.retries),
            canned: self.canned.into_iter().chain(other.canned).collect(),
            drains: self.drains || other.drains,
        }
    }

    /// Those of the generation that follows. What was admitted under one counts under the next, and each has its own.
    pub(super) fn then(self, next: Rules) -> Rules {
        let flow = |one: Option<Flow>, other: Option<Flow>| Some(one?.beside(other?));
        Rules {
            requests: flow(self.requests, next.requests),
            tokens: flow(self.tokens, next.tokens),
            output: self.output.min(next.output),
            budget: both(self.budget, next.budget, |a, b| Allowed {
                limit: a.limit.max(b.limit),
                is_once: false,
                ..a
            }),
            retries: self.retries.zip(next.retries).map(|(a, b)| (a.0.max(b.0), a.1.max(b.1))),
            ..self.and(next)
        }
    }

    /// Where the store fails: what a process admits by its share, the store does not know of.
    pub(super) fn with_shares(mut self) -> Rules {
        self.requests = self.requests.map(|flow| flow.beside(flow));
        self.tokens = self.tokens.map(|flow| flow.beside(flow));
        self
    }
}

fn both<T: Copy>(one: Option<T>, other: Option<T>, join: impl Fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(join(one, other)),
        _ => one.or(other),
    }
}
