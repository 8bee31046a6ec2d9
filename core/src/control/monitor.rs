//! Counting what a stream hands out: one writer, any number of readers, no lock.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::bound::{Bound, Properties};
use super::progress::{Progress, StreamState};
use crate::clock::Instant;
use crate::event::{Event, Notice};
use crate::events::EndKind;
use crate::tokens::{TWELFTHS, twelfths_of};

/// How long no event is a stall.
const STALL: Duration = Duration::from_secs(2);
/// The window of the current rate: this many buckets of this length.
const BUCKETS: u64 = 10;
const BUCKET: Duration = Duration::from_millis(500);
/// A power of two above `BUCKETS`: a slot is free again before its turn comes.
const SLOTS: usize = 16;
/// The clock is read when the stream had to wait, and else once in so many events.
const READ_CLOCK_EVERY: u8 = 32;
/// A stream is quick once so many readings in a row were less than `QUICK_GAP` apart. Then the clock, which costs as
/// much as all the rest, is read once in `QUICK_EVERY` events that had to be waited for.
const QUICK_AFTER: u8 = 64;
const QUICK_GAP: Duration = Duration::from_millis(1);
const QUICK_EVERY: u8 = 8;

/// The counters. Written by the stream alone, so plain stores do.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    events: AtomicU64,
    bytes: AtomicU64,
    /// Estimated tokens, in twelfths.
    twelfths: AtomicU64,
    /// What the provider counted, plus one; 0: nothing.
    counted: AtomicU64,
    properties: AtomicU64,
    buffered: AtomicU64,
    /// Nanoseconds since the start of the call, plus one; 0: not yet.
    first: AtomicU64,
    last: AtomicU64,
    ended_at: AtomicU64,
    /// How long the call had been paused when `first` and `last` were written, in nanoseconds.
    paused_at_first: AtomicU64,
    paused_at_last: AtomicU64,
    stalls: AtomicU32,
    longest_gap: AtomicU64,
    end: AtomicU8,
    /// Twelfths of tokens by time: the number of the bucket above, its count below.
    window: [AtomicU64; SLOTS],
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX - 1)
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn set(counter: &AtomicU64, value: u64) {
    counter.store(value, Ordering::Relaxed);
}

fn add(counter: &AtomicU64, more: u64) {
    set(counter, get(counter).saturating_add(more));
}

/// A moment that was written as nanoseconds plus one.
fn moment(counter: &AtomicU64) -> Option<Duration> {
    get(counter).checked_sub(1).map(Duration::from_nanos)
}

/// The number of the bucket a moment falls in.
fn bucket(at: Duration) -> u64 {
    nanos(at) / nanos(BUCKET)
}

impl Monitor {
    pub(super) fn buffered(&self) -> u64 {
        get(&self.buffered)
    }

    pub(super) fn set_buffered(&self, bytes: usize) {
        set(&self.buffered, bytes as u64);
    }

    /// The first end stays.
    pub(super) fn set_end(&self, end: EndKind, at: Duration) {
        if self.end().is_some() {
            return;
        }
        set(&self.ended_at, nanos(at) + 1);
        let code = ENDS.iter().position(|known| *known == end).map_or(0, |at| at + 1);
        self.end.store(u8::try_from(code).unwrap_or(0), Ordering::Release);
    }

    pub(super) fn end(&self) -> Option<EndKind> {
        let code = usize::from(self.end.load(Ordering::Acquire));
        ENDS.get(code.checked_sub(1)?).copied()
    }

    /// Counts into the bucket of this number.
    fn count(&self, bucket: u64, twelfths: u64) {
        let Some(slot) = usize::try_from(bucket).ok().and_then(|n| self.window.get(n % SLOTS)) else {
            return;
        };
        let old = get(slot);
        let here = bucket & u64::from(u32::MAX);
        let count = if old >> 32 == here { old & u64::from(u32::MAX) } else { 0 };
        set(slot, (here << 32) | count.saturating_add(twelfths).min(u64::from(u32::MAX)));
    }

    /// Tokens a second over the window that ends at `at`.
    fn rate(&self, at: Duration) -> f64 {
        let newest = bucket(at);
        let oldest = newest.saturating_sub(BUCKETS - 1);
        let inside = |slot: &AtomicU64| {
            let value = get(slot);
            let number = value >> 32;
            let recent = (oldest..=newest).any(|n| n & u64::from(u32::MAX) == number);
            if recent { value & u64::from(u32::MAX) } else { 0 }
        };
        let twelfths: u64 = self.window.iter().map(inside).sum();
        let from = BUCKET * u32::try_from(oldest).unwrap_or(u32::MAX);
        per_second(twelfths as f64 / TWELFTHS as f64, at.saturating_sub(from))
    }

    pub(super) fn progress(
        &self,
        now: Instant,
        began: Instant,
        paused: Duration,
        is_paused: bool,
        bound: Bound,
    ) -> Progress {
        let end = self.end();
        let elapsed = moment(&self.ended_at).unwrap_or(now.since(began));
        let first = moment(&self.first);
        let estimated = get(&self.twelfths).div_ceil(TWELFTHS);
        let counted = get(&self.counted).checked_sub(1).filter(|_| end == Some(EndKind::Finished));
        let tokens = counted.unwrap_or(estimated);
        let since = |counter: &AtomicU64| paused.saturating_sub(Duration::from_nanos(get(counter)));
        let lasting = match (end, moment(&self.last)) {
            (None, Some(last)) => elapsed.saturating_sub(last).saturating_sub(since(&self.paused_at_last)),
            (None, None) => elapsed.saturating_sub(paused),
            (Some(_), _) => Duration::ZERO,
        };
        let flowing = first.map_or(Duration::ZERO, |first| {
            elapsed.saturating_sub(first).saturating_sub(since(&self.paused_at_first))
        });
        let fraction = bound.fraction(tokens, get(&self.properties));
        Progress {
            state: match end {
                Some(end) => StreamState::Ended(end),
                None if is_paused => StreamState::Paused,
                None if first.is_none() => StreamState::Waiting,
                None => StreamState::Running,
            },
            events: get(&self.events),
            bytes: get(&self.bytes),
            tokens,
            tokens_counted: counted.is_some(),
            buffered: get(&self.buffered),
            elapsed,
            paused: paused.min(elapsed),
            first_event: first,
            rate: self.rate(elapsed),
            mean_rate: per_second(tokens as f64, flowing),
            fraction: if end == Some(EndKind::Finished) { fraction.map(|_| 1.0) } else { fraction },
            stalls: self.stalls.load(Ordering::Relaxed) + u32::from(lasting >= STALL),
            longest_gap: Duration::from_nanos(get(&self.longest_gap)).max(lasting),
        }
    }
}

/// How ends are written down: by their place, plus one.
const ENDS: [EndKind; 4] = [EndKind::Finished, EndKind::Truncated, EndKind::Failed, EndKind::Cancelled];

fn per_second(count: f64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count / time.as_secs_f64() }
}

/// The writer's own state.
#[derive(Debug)]
pub(super) struct Writer {
    waited: bool,
    /// Events since the clock was read.
    unread: u8,
    /// Readings in a row that found the stream quick.
    quick: u8,
    at: Duration,
    /// The number of the bucket that `at` is in.
    bucket: u64,
    /// There where the answer follows a schema.
    properties: Option<Properties>,
    /// The answer is of several attempts: what the provider counted is not what was handed out.
    mixed: bool,
}

impl Writer {
    pub(super) fn new(bound: Bound) -> Self {
        let properties = matches!(bound, Bound::Properties(_)).then(Properties::default);
        Writer { waited: true, unread: 0, quick: 0, at: Duration::ZERO, bucket: 0, properties, mixed: false }
    }

    /// The next event has to be waited for.
    pub(super) fn waits(&mut self) {
        self.waited = true;
    }

    /// Counts an event. `time` gives now, the start of the call, and how long it has been paused.
    pub(super) fn event(
        &mut self,
        monitor: &Monitor,
        event: &Event,
        time: impl FnOnce() -> (Instant, Instant, Duration),
    ) {
        add(&monitor.events, 1);
        let first = event.is_content() && get(&monitor.first) == 0;
        self.unread += 1;
        if first || self.is_due() {
            let (now, began, paused) = time();
            self.read(monitor, now.since(began), paused);
            if first {
                set(&monitor.first, nanos(self.at) + 1);
                set(&monitor.paused_at_first, nanos(paused));
            }
        }
        match event {
            Event::Text { delta, .. } => {
                self.delta(monitor, delta);
                if let Some(properties) = &mut self.properties {
                    set(&monitor.properties, properties.feed(delta));
                }
            }
            Event::Usage(usage) if !self.mixed => {
                set(&monitor.counted, usage.output_tokens().map_or(0, |tokens| tokens.saturating_add(1)));
            }
            Event::Notice(Notice::Restart { .. }) => self.restart(monitor),
            Event::Notice(Notice::Continued { .. }) => self.mix(monitor),
            event => {
                if let Some(delta) = event.delta() {
                    self.delta(monitor, delta);
                }
            }
        }
    }

    /// Whether the clock has to be read for this event.
    fn is_due(&self) -> bool {
        let every = if self.quick < QUICK_AFTER { 1 } else { QUICK_EVERY };
        (self.waited && self.unread >= every) || self.unread >= READ_CLOCK_EVERY
    }

    fn delta(&self, monitor: &Monitor, delta: &str) {
        let twelfths = twelfths_of(delta);
        add(&monitor.bytes, delta.len() as u64);
        add(&monitor.twelfths, twelfths);
        monitor.count(self.bucket, twelfths);
    }

    /// Takes note of the time, and of how long it was to here from the last reading.
    fn read(&mut self, monitor: &Monitor, at: Duration, paused: Duration) {
        let is_quick = at.saturating_sub(self.at) < QUICK_GAP;
        self.quick = if is_quick { self.quick.saturating_add(1) } else { 0 };
        (self.waited, self.unread) = (false, 0);
        (self.at, self.bucket) = (at, bucket(at));
        let paused_since = paused.saturating_sub(Duration::from_nanos(get(&monitor.paused_at_last)));
        let last = moment(&monitor.last).unwrap_or_default();
        let gap = self.at.saturating_sub(last).saturating_sub(paused_since);
        if gap >= STALL {
            monitor.stalls.fetch_add(1, Ordering::Relaxed);
        }
        set(&monitor.longest_gap, get(&monitor.longest_gap).max(nanos(gap)));
        set(&monitor.last, nanos(self.at) + 1);
        set(&monitor.paused_at_last, nanos(paused));
    }

    /// What was counted of a void answer counts no more.
    fn restart(&mut self, monitor: &Monitor) {
        self.mix(monitor);
        for counter in [&monitor.bytes, &monitor.twelfths, &monitor.properties] {
            set(counter, 0);
        }
        self.properties = self.properties.as_ref().map(|_| Properties::default());
    }

    fn mix(&mut self, monitor: &Monitor) {
        self.mixed = true;
        set(&monitor.counted, 0);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const MICROSECOND: Duration = Duration::from_micros(1);

    /// Hands out so many events, each waited for this long; gives how often the clock was read.
    fn hand_out(
        monitor: &Monitor,
        writer: &mut Writer,
        now: &mut Instant,
        events: u32,
        after: Duration,
    ) -> u32 {
        let mut readings = 0;
        for _ in 0..events {
            writer.waits();
            *now = *now + after;
            let event = Event::Text { choice: 0, part: 0, delta: "four".into() };
            writer.event(monitor, &event, || {
                readings += 1;
                (*now, Instant::default(), Duration::ZERO)
            });
        }
        readings
    }

    #[test]
    fn the_clock_is_read_for_each_wait_unless_the_stream_is_quick() {
        let (monitor, mut writer, mut now) =
            (Monitor::default(), Writer::new(Bound::Unknown), Instant::default());
        let mut hand_out = |events, after| hand_out(&monitor, &mut writer, &mut now, events, after);
        assert_eq!(hand_out(500, Duration::from_millis(5)), 500, "200 events a second");
        assert_eq!(hand_out(64 + 800, MICROSECOND), 64 + 100, "a million");
        assert_eq!(hand_out(8 + 100, Duration::from_secs(1)), 1 + 100, "and a few again");
    }

    #[test]
    fn a_stall_of_a_quick_stream_is_one_stall() {
        let (monitor, mut writer, mut now) =
            (Monitor::default(), Writer::new(Bound::Unknown), Instant::default());
        let mut hand_out = |events, after| hand_out(&monitor, &mut writer, &mut now, events, after);
        hand_out(1000, MICROSECOND);
        hand_out(1, 3 * STALL);
        hand_out(1000, MICROSECOND);
        assert_eq!(monitor.stalls.load(Ordering::Relaxed), 1);
        let longest = Duration::from_nanos(get(&monitor.longest_gap));
        assert!(longest >= 3 * STALL && longest < 3 * STALL + 8 * MICROSECOND, "{longest:?}");
    }
}
