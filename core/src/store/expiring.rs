//! A map whose entries have an end.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::looks::Looks;
use super::order::Order;
use crate::clock::Instant;

/// How many ends one access looks at. Each access adds at most one, so what is over never piles up.
const SWEEP: usize = 8;
/// So many ends and ordered keys may wait beside twice the entries that are there, before those are forgotten that are of
/// no use.
const SPARE: usize = 64;

/// Keys and values; some have an end. What is over is never seen, and is swept away as the map is used.
pub(super) struct Expiring<V> {
    slots: HashMap<Arc<str>, Slot<V>, RandomState>,
    /// The keys in order, where they are asked for in order; those of entries that are gone among them.
    order: Option<Order>,
    /// When to look at which entry. Each entry with an end has one that is not much after it; who is looked at too early
    /// waits anew. So an entry whose end is moved on, as that of a rate is by each call, costs nothing.
    looks: Looks,
}

/// What is under a key.
pub(super) struct Slot<V> {
    pub(super) value: V,
    pub(super) end: Option<Instant>,
    /// The earliest moment at which it is looked at.
    look: Option<Instant>,
}

/// What becomes of an entry.
pub(super) enum Change<V> {
    Keep,
    Set(V, Option<Instant>),
    Delete,
}

impl<V> Expiring<V> {
    /// A map without an order.
    pub(super) fn new() -> Self {
        Expiring { slots: HashMap::default(), order: None, looks: Looks::default() }
    }

    /// A map that [`range`](Self::range) walks through.
    pub(super) fn ordered() -> Self {
        Expiring { order: Some(Order::default()), ..Expiring::new() }
    }

    /// What is there at `now`.
    pub(super) fn get(&self, now: Instant, key: &str) -> Option<&Slot<V>> {
        self.slots.get(key).filter(|slot| slot.lives(now))
    }

    /// Changes what is under a key, which `own` makes where it has to be kept, as `change` decides by what is there at
    /// `now`. What was there comes back, whether it was over or not.
    pub(super) fn change<R, E>(
        &mut self,
        now: Instant,
        key: &str,
        own: impl Fn() -> Arc<str>,
        change: impl FnOnce(Option<&Slot<V>>) -> Result<(R, Change<V>), E>,
    ) -> Result<(R, Option<Slot<V>>), E> {
        let Some(there) = self.slots.get_mut(key) else {
            let (result, change) = change(None)?;
            if let Change::Set(value, end) = change {
                self.insert(own(), value, end);
            }
            return Ok((result, None));
        };
        let (result, change) = change(Some(&*there).filter(|slot| slot.lives(now)))?;
        let before = match change {
            Change::Set(value, end) => {
                // Only an end that comes nearer has to be looked at sooner.
                let is_early = there.look.is_some_and(|look| end.is_none_or(|end| look <= end));
                let look = if is_early { there.look } else { end };
                if let Some(end) = end.filter(|_| !is_early) {
                    self.looks.add(end, own());
                }
                Some(std::mem::replace(there, Slot { value, end, look }))
            }
            Change::Delete => self.remove(key),
            Change::Keep => None,
        };
        Ok((result, before))
    }

    /// Puts back what [`change`](Self::change) gave, with no [`sweep`](Self::sweep) between.
    pub(super) fn restore(&mut self, key: &Arc<str>, before: Option<Slot<V>>) {
        let Some(slot) = before else {
            self.remove(key);
            return;
        };
        // Its look still waits, and its key in the order: only a sweep takes them away.
        self.slots.insert(key.clone(), slot);
    }

    fn insert(&mut self, key: Arc<str>, value: V, end: Option<Instant>) {
        if let Some(end) = end {
            self.looks.add(end, key.clone());
        }
        if let Some(order) = &mut self.order {
            order.push(key.clone());
        }
        self.slots.insert(key, Slot { value, end, look: end });
    }

    fn remove(&mut self, key: &str) -> Option<Slot<V>> {
        self.slots.remove(key)
    }

    /// The entries there at `now` whose keys begin with `prefix`, after `after`, in order.
    pub(super) fn range<'a>(
        &'a mut self,
        now: Instant,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a V)> {
        let (slots, order) = (&self.slots, &mut self.order);
        let keys = order.iter_mut().flat_map(move |order| order.range(prefix, after));
        keys.filter_map(move |key| {
            let slot = slots.get(key).filter(|slot| slot.lives(now))?;
            Some((key, &slot.value))
        })
    }

    /// Drops a few of the entries that are over, the earliest first.
    pub(super) fn sweep(&mut self, now: Instant) {
        for _ in 0..SWEEP {
            let Some(key) = self.looks.due(now) else { break };
            self.look(now, key);
        }
        let most = 2 * self.slots.len() + SPARE;
        if self.looks.len() > most {
            self.forget_looks();
        }
        if let Some(order) = self.order.as_mut().filter(|order| order.len() > most) {
            order.retain(|key| self.slots.contains_key(key));
        }
    }

    /// Looks at an entry: it is over, or looked at again at its end.
    fn look(&mut self, now: Instant, key: Arc<str>) {
        let Some(there) = self.slots.get_mut(&key) else { return };
        if !there.lives(now) {
            self.remove(&key);
        } else if there.look.is_some_and(|look| look <= now) {
            there.look = there.end;
            if let Some(end) = there.end {
                self.looks.add(end, key);
            }
        }
        // Else it was put anew since, and has an own look.
    }

    /// Forgets the looks at entries that are gone or have an earlier one.
    fn forget_looks(&mut self) {
        self.looks = Looks::default();
        for (key, slot) in &mut self.slots {
            slot.look = slot.end;
            if let Some(end) = slot.end {
                self.looks.add(end, key.clone());
            }
        }
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
