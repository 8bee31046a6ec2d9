//! How fast what came is let through.

use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::event::Event;
use belvedere_core::tokens::{TWELFTHS, twelfths_of};

use super::Speed;
use super::Throttle;

/// What an event costs, or many together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Bytes of text.
    pub(super) bytes: u64,
    /// Tokens of text by estimate, in twelfths: pieces of a text add up.
    pub(super) twelfths: u64,
    /// Events.
    pub(super) events: u64,
}

impl Cost {
    /// The cost of an event.
    pub(super) fn of(event: &Event) -> Self {
        Cost::text(event.delta().unwrap_or_default(), 1)
    }

    /// The cost of a text that makes so many events.
    pub(super) fn text(text: &str, events: u64) -> Self {
        Cost { bytes: text.len() as u64, twelfths: twelfths_of(text), events }
    }

    fn each(self) -> [u64; 3] {
        [self.bytes, self.twelfths, self.events]
    }

    /// With another cost.
    pub(super) fn plus(self, other: Cost) -> Self {
        self.zip(other, u64::saturating_add)
    }

    /// Without another cost.
    pub(super) fn minus(self, other: Cost) -> Self {
        self.zip(other, u64::saturating_sub)
    }

    fn zip(self, other: Cost, with: fn(u64, u64) -> u64) -> Self {
        Cost {
            bytes: with(self.bytes, other.bytes),
            twelfths: with(self.twelfths, other.twelfths),
            events: with(self.events, other.events),
        }
    }
}

/// One speed and how far ahead of it the stream is.
#[derive(Debug, Clone, Copy)]
struct Limit {
    units: u128,
    per: Duration,
    /// From when on the next event is let through: what was handed out is paid by then.
    free: Instant,
}

impl Limit {
    fn new(speed: Speed, parts: u64, now: Instant) -> Self {
        Limit { units: u128::from(speed.units().get()) * u128::from(parts), per: speed.per(), free: now }
    }

    /// How long a cost takes, rounded up: the limit is never exceeded.
    fn time(&self, cost: u64) -> Duration {
        let nanos = (u128::from(cost) * self.per.as_nanos()).div_ceil(self.units);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// What is let through in this time, rounded up: it takes at least as long to pay.
    fn within(&self, time: Duration) -> u64 {
        u64::try_from((time.as_nanos() * self.units).div_ceil(self.per.as_nanos().max(1))).unwrap_or(u64::MAX)
    }
}

/// The limits of one stream. Each event is handed out once those before it are paid, and is paid afterwards: in any
/// stretch of time no more comes through than the speed allows, and one event.
#[derive(Debug)]
pub(super) struct Pace([Option<Limit>; 3]);

impl Pace {
    pub(super) fn new(throttle: &Throttle, now: Instant) -> Self {
        let limit = |speed: Option<Speed>, parts| speed.map(|speed| Limit::new(speed, parts, now));
        Pace([limit(throttle.bytes, 1), limit(throttle.tokens, TWELFTHS), limit(throttle.events, 1)])
    }

    /// True where nothing is limited.
    pub(super) fn is_free(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// True where the number of events counts.
    pub(super) fn counts_events(&self) -> bool {
        matches!(self.0, [_, _, Some(_)])
    }

    fn costs(&self, cost: Cost) -> impl Iterator<Item = (&Limit, u64)> {
        self.0.iter().zip(cost.each()).filter_map(|(limit, cost)| Some((limit.as_ref()?, cost)))
    }

    /// From when on something of this cost is let through. What costs nothing by a limit does not wait for it.
    pub(super) fn free(&self, cost: Cost) -> Instant {
        let waits = self.costs(cost).filter(|(_, cost)| *cost > 0);
        waits.map(|(limit, _)| limit.free).max().unwrap_or(Instant::from_origin(Duration::ZERO))
    }

    /// Enters what was handed out.
    pub(super) fn spend(&mut self, now: Instant, cost: Cost) {
        for (limit, cost) in self.0.iter_mut().zip(cost.each()) {
            if let Some(limit) = limit {
                limit.free = limit.free.max(now) + limit.time(cost);
            }
        }
    }

    /// What is let through in this time, rounded up; what is not limited is all.
    pub(super) fn within(&self, time: Duration) -> Cost {
        let [bytes, twelfths, events] =
            self.0.map(|limit| limit.map_or(u64::MAX, |limit| limit.within(time)));
        Cost { bytes, twelfths, events }
    }

    /// In how many beats of a cadence a text goes out, at most, when it begins with one.
    pub(super) fn beats(&self, text: &str, interval: Duration) -> u64 {
        let (text, beat) = (Cost::text(text, 0), self.within(interval));
        1 + (text.bytes / beat.bytes.max(1)).max(text.twelfths / beat.twelfths.max(1))
    }

    /// How long it takes, at most, until what was handed out is paid.
    pub(super) fn debt(&self, now: Instant) -> Duration {
        self.0
            .iter()
            .flatten()
            .map(|limit| limit.free.since(now))
            .fold(Duration::ZERO, Duration::saturating_add)
    }

    /// How long it takes, at most, to hand out what costs this: events may wait for one limit after the other.
    pub(super) fn time(&self, cost: Cost) -> Duration {
        self.costs(cost).map(|(limit, cost)| limit.time(cost)).fold(Duration::ZERO, Duration::saturating_add)
    }
}
