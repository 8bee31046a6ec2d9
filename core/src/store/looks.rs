//! When to look at which entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Instant;

/// Keys by the tick in which their entry is looked at. Most entries live equally long, so a key is added at the end of
/// the list of one tick: that costs no more for a million of them than for ten.
pub(super) struct Looks {
    ticks: BTreeMap<u64, Vec<Arc<str>>>,
    /// The first of the ticks; none is before it.
    next: u64,
    len: usize,
}

/// How many ticks a second has: what is over stays no longer than one.
const TICKS: u64 = 64;
/// How long a tick is, in nanoseconds.
const TICK: u32 = 15_625_000;

/// The tick of a moment, its part of the second rounded as `round` does.
fn tick(at: Instant, round: fn(u32, u32) -> u32) -> u64 {
    let at = at.since_origin();
    at.as_secs().saturating_mul(TICKS).saturating_add(round(at.subsec_nanos(), TICK).into())
}

impl Looks {
    /// Looks at a key within a tick after `at`.
    pub(super) fn add(&mut self, at: Instant, key: Arc<str>) {
        let tick = tick(at, u32::div_ceil);
        self.ticks.entry(tick).or_default().push(key);
        self.next = self.next.min(tick);
        self.len += 1;
    }

    /// Takes a key that is to be looked at now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Arc<str>> {
        // Asked at each use of the map, when there is hardly ever one.
        if self.next > tick(now, u32::wrapping_div) {
            return None;
        }
        let mut first = self.ticks.first_entry()?;
        let key = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
            self.next = self.ticks.first_key_value().map_or(u64::MAX, |(tick, _)| *tick);
        }
        self.len -= usize::from(key.is_some());
        key
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Default for Looks {
    fn default() -> Self {
        Looks { ticks: BTreeMap::new(), next: u64::MAX, len: 0 }
    }
}
