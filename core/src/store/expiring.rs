//! An ordered map whose entries have an end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::btree_map::{BTreeMap, Entry};
use std::ops::Bound;
use std::sync::Arc;

use crate::clock::Instant;

/// How many ends one access looks at. Each access adds at most one, so what is over never piles up.
const SWEEP: usize = 8;
/// So many ends may wait beside twice the entries that are there, before those are forgotten that are of no use.
const SPARE: usize = 64;

/// Keys and values; some have an end. What is over is never seen, and is swept away as the map is used.
pub(super) struct Expiring<V> {
    slots: BTreeMap<Arc<str>, Slot<V>>,
    /// When to look at which entry, earliest first. Each entry with an end has one that is not after it; who is looked
    /// at too early waits anew. So an entry whose end is moved on, as that of a rate is by each call, costs nothing.
    looks: BinaryHeap<Reverse<(Instant, Arc<str>)>>,
}

/// What is under a key.
pub(super) struct Slot<V> {
    pub(super) value: V,
    pub(super) end: Option<Instant>,
    /// The earliest moment at which it is looked at.
    look: Option<Instant>,
}

impl<V> Default for Expiring<V> {
    fn default() -> Self {
        Expiring { slots: BTreeMap::new(), looks: BinaryHeap::new() }
    }
}

impl<V> Expiring<V> {
    /// What is there at `now`.
    pub(super) fn get(&self, now: Instant, key: &str) -> Option<&Slot<V>> {
        self.slots.get(key).filter(|slot| slot.lives(now))
    }

    /// Puts a value under a key, which `own` makes where it has to be kept. What was there comes back, whether it was
    /// over or not.
    pub(super) fn insert(
        &mut self,
        key: &str,
        own: impl Fn() -> Arc<str>,
        value: V,
        end: Option<Instant>,
    ) -> Option<Slot<V>> {
        let Some(there) = self.slots.get_mut(key) else {
            let key = own();
            self.looks.extend(end.map(|end| Reverse((end, key.clone()))));
            self.slots.insert(key, Slot { value, end, look: end });
            return None;
        };
        // Only an end that comes nearer has to be looked at sooner.
        let is_early = there.look.is_some_and(|look| end.is_none_or(|end| look <= end));
        let look = if is_early { there.look } else { end };
        if !is_early {
            self.looks.extend(end.map(|end| Reverse((end, own()))));
        }
        Some(std::mem::replace(there, Slot { value, end, look }))
    }

    /// Takes away what is under a key.
    pub(super) fn remove(&mut self, key: &str) -> Option<Slot<V>> {
        self.slots.remove(key)
    }

    /// Puts back what [`insert`](Self::insert) or [`remove`](Self::remove) gave, with no [`sweep`](Self::sweep) between.
    pub(super) fn restore(&mut self, key: &Arc<str>, before: Option<Slot<V>>) {
        match before {
            // Its look still waits: only a sweep takes one away.
            Some(slot) => drop(self.slots.insert(key.clone(), slot)),
            None => drop(self.slots.remove(key)),
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
            match self.looks.peek() {
                Some(Reverse((look, _))) if *look <= now => {}
                _ => break,
            }
            if let Some(Reverse((_, key))) = self.looks.pop() {
                self.look(now, key);
            }
        }
        if self.looks.len() > 2 * self.slots.len() + SPARE {
            self.forget_looks();
        }
    }

    /// Looks at an entry: it is over, or looked at again at its end.
    fn look(&mut self, now: Instant, key: Arc<str>) {
        let Entry::Occupied(mut there) = self.slots.entry(key) else { return };
        if !there.get().lives(now) {
            there.remove();
            return;
        }
        // An earlier look of an entry that was since put anew: its own still waits.
        if there.get().look.is_some_and(|look| look > now) {
            return;
        }
        let end = there.get().end;
        there.get_mut().look = end;
        if let Some(end) = end {
            self.looks.push(Reverse((end, there.key().clone())));
        }
    }

    /// Forgets the looks at entries that are gone or have an earlier one.
    fn forget_looks(&mut self) {
        let looks = self.slots.iter_mut().filter_map(|(key, slot)| {
            slot.look = slot.end;
            Some(Reverse((slot.end?, key.clone())))
        });
        self.looks = looks.collect();
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many looks wait.
    #[cfg(test)]
    pub(super) fn looks(&self) -> usize {
        self.looks.len()
    }
}

impl<V> Slot<V> {
    fn lives(&self, now: Instant) -> bool {
        self.end.is_none_or(|end| now < end)
    }
}
