//! An ordered map whose entries have an end.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::clock::Instant;

/// How many entries one access sweeps away at most. Each access adds at most one, so what is over never piles up.
const SWEEP: usize = 8;

/// Keys and values; some have an end. What is over is never seen, and is swept away as the map is used.
pub(super) struct Expiring<V> {
    slots: BTreeMap<Arc<str>, Slot<V>>,
    /// The same ends, earliest first.
    ends: BTreeSet<(Instant, Arc<str>)>,
}

struct Slot<V> {
    value: V,
    end: Option<Instant>,
}

impl<V> Default for Expiring<V> {
    fn default() -> Self {
        Expiring { slots: BTreeMap::new(), ends: BTreeSet::new() }
    }
}

impl<V> Expiring<V> {
    /// The value that is there at `now`, and its end.
    pub(super) fn get(&self, now: Instant, key: &str) -> Option<(&V, Option<Instant>)> {
        self.slots.get(key).filter(|slot| slot.lives(now)).map(|slot| (&slot.value, slot.end))
    }

    pub(super) fn insert(&mut self, key: Arc<str>, value: V, end: Option<Instant>) {
        // A counter keeps its end: it is found once, and nothing moves.
        if let Some(slot) = self.slots.get_mut(&key).filter(|slot| slot.end == end) {
            slot.value = value;
            return;
        }
        self.remove(&key);
        self.ends.extend(end.map(|end| (end, key.clone())));
        self.slots.insert(key, Slot { value, end });
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some((key, slot)) = self.slots.remove_entry(key)
            && let Some(end) = slot.end
        {
            self.ends.remove(&(end, key));
        }
    }

    /// The entries there at `now` whose keys begin with `prefix`, after `after`, in order.
    pub(super) fn range<'a>(
        &'a self,
        now: Instant,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a V)> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        self.slots
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter(move |(_, slot)| slot.lives(now))
            .map(|(key, slot)| (key, &slot.value))
    }

    /// Drops a few of the entries that are over, the earliest first.
    pub(super) fn sweep(&mut self, now: Instant) {
        for _ in 0..SWEEP {
            match self.ends.first() {
                Some((end, _)) if *end <= now => {}
                _ => return,
            }
            if let Some((_, key)) = self.ends.pop_first() {
                self.slots.remove(&key);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}

impl<V> Slot<V> {
    fn lives(&self, now: Instant) -> bool {
        self.end.is_none_or(|end| now < end)
    }
}
