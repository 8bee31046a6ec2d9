//! The quotas of each key in this process.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::store::{Bucket, Level, Rate, Take};
use foldhash::fast::RandomState;

use super::line::{Line, Place, Turn};
use super::rates::{Ask, Levels, Rates, Short, Unit, time_of};
use crate::quota::Key;

/// The quotas of each key: a bounded map. Keys that have all of their quota again are forgotten as room is needed; the
/// keys that find no room share one quota, so that nobody gets more by having many keys.
#[derive(Debug)]
pub(super) struct Keys {
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The latest moment seen: a clock that goes back is held where it was.
    now: Instant,
    slots: HashMap<Key, Slot, RandomState>,
    /// Of the keys that somebody waits for.
    lines: HashMap<Key, Line, RandomState>,
    /// That of all keys without room.
    rest: Slot,
    /// How many keys there may be before those that are full are looked for.
    sweep_at: usize,
    swept: Instant,
}

/// The quota of a key.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    requests: Bucket,
    tokens: Bucket,
    /// Tokens that were used beyond what was reserved, and are still to be taken.
    owed: u64,
    /// When the debt is paid at the latest.
    paid_at: Instant,
}

/// Below this many keys none is looked for.
const FEW: usize = 1024;
/// A full map is swept no more often.
const PAUSE: Duration = Duration::from_secs(1);

impl Keys {
    pub(super) fn new(most: NonZeroUsize) -> Self {
        let most = most.get();
        let state = State {
            now: Instant::default(),
            slots: HashMap::default(),
            lines: HashMap::default(),
            rest: Slot::default(),
            sweep_at: FEW.min(most),
            swept: Instant::default(),
        };
        Keys { most, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().slots.len()
    }

    /// Takes a request and tokens, or nothing.
    pub(super) fn take(&self, now: Instant, key: &Key, rates: &Rates, ask: Ask) -> Result<(), Short> {
        let mut state = self.lock();
        let (now, slot) = state.slot(self.most, now, key);
        slot.take(now, rates, ask)
    }

    /// Takes a request and tokens, behind all who wait for that. Who can have them in time gets a place in the line.
    pub(super) fn enter(
        self: &Arc<Self>,
        now: Instant,
        key: &Key,
        rates: &Rates,
        ask: Ask,
        left: Duration,
    ) -> Result<Option<Place>, Short> {
        let mut state = self.lock();
        let ahead = match state.lines.is_empty() {
            true => None,
            false => state.lines.get(key).map(Line::asked),
        };
        let (now, slot) = state.slot(self.most, now, key);
        let short = match ahead {
            None => slot.take(now, rates, ask).err(),
            Some(ahead) => slot.short(now, rates, ask, ahead),
        };
        match short {
            None => Ok(None),
            Some(Short::Until { wait, .. }) if wait <= left => {
                let id = state.lines.entry(key.clone()).or_default().join(ask);
                Ok(Some(Place { keys: self.clone(), key: key.clone(), ask, id }))
            }
            Some(short) => Err(short),
        }
    }

    /// Takes for who stands first in a line.
    pub(super) fn take_in_turn(&self, now: Instant, place: &Place, rates: &Rates) -> Turn {
        let mut state = self.lock();
        let line = state.lines.get(&place.key);
        let is_first = line.is_none_or(|line| line.is_first(place.id));
        let ahead = line.map(Line::asked).unwrap_or_default();
        let (now, slot) = state.slot(self.most, now, &place.key);
        match is_first {
            true => slot.take(now, rates, place.ask).map_or_else(Turn::First, |()| Turn::Taken),
            false => slot.short(now, rates, place.ask, ahead).map_or(Turn::Taken, Turn::Behind),
        }
    }

    /// Polls the line of a key; ready where there is none.
    pub(super) fn with_line(&self, key: &Key, poll: impl FnOnce(&mut Line) -> Poll<()>) -> Poll<()> {
        self.lock().lines.get_mut(key).map_or(Poll::Ready(()), poll)
    }

    /// Gives up a place in a line.
    pub(super) fn leave(&self, key: &Key, id: u64) {
        let mut state = self.lock();
        if state.lines.get_mut(key).is_some_and(|line| !line.leave(id)) {
            state.lines.remove(key);
        }
    }

    /// Takes note of what a store let through: the share of this process is that much smaller.
    pub(super) fn note(&self, now: Instant, key: &Key, rates: &Rates, ask: Ask) {
        let mut state = self.lock();
        let (now, slot) = state.slot(self.most, now, key);
        if let Some(rate) = rates.requests {
            take_up_to(&mut slot.requests, now, rate, 1);
        }
        if let Some(rate) = rates.tokens {
            take_up_to(&mut slot.tokens, now, rate, ask.tokens);
        }
    }

    /// Gives tokens back.
    pub(super) fn give(&self, now: Instant, key: &Key, rate: Rate, tokens: u64) {
        let mut state = self.lock();
        let (now, slot) = state.slot(self.most, now, key);
        slot.tokens.give(now, rate, tokens);
        if let Some(line) = state.lines.get_mut(key) {
            line.call_first();
        }
    }

    /// Takes what is there of these tokens. The rest is owed.
    pub(super) fn charge(&self, now: Instant, key: &Key, rate: Rate, tokens: u64) {
        let mut state = self.lock();
        let (now, slot) = state.slot(self.most, now, key);
        slot.owe(now, rate, tokens);
        slot.pay(now, rate);
    }

    /// Owes tokens to a store.
    pub(super) fn owe(&self, now: Instant, key: &Key, rate: Rate, tokens: u64) {
        let mut state = self.lock();
        let (now, slot) = state.slot(self.most, now, key);
        slot.owe(now, rate, tokens);
    }

    /// The tokens owed to a store. From here on they are the caller's to pay, or to owe again.
    pub(super) fn claim(&self, now: Instant, key: &Key) -> u64 {
        let mut state = self.lock();
        match state.slots.is_empty() {
            true => std::mem::take(&mut state.rest.owed),
            false => std::mem::take(&mut state.slot(self.most, now, key).1.owed),
        }
    }

    pub(super) fn levels(&self, now: Instant, key: &Key, rates: &Rates) -> Levels {
        let mut state = self.lock();
        state.now = state.now.max(now);
        // A reading makes no key.
        let slot = state.slots.get(key).copied().unwrap_or_default();
        let level = |mut bucket: Bucket, rate: Rate| level(&mut bucket, state.now, rate);
        Levels {
            requests: rates.requests.map(|rate| level(slot.requests, rate)),
            tokens: rates.tokens.map(|rate| {
                let Level { remaining, full_after } = level(slot.tokens, rate);
                let remaining = remaining.saturating_sub(slot.owed);
                Level { remaining, full_after: full_after + time_of(rate, slot.owed) }
            }),
        }
    }
}

impl State {
    /// The quota of a key, and the time.
    fn slot(&mut self, most: usize, now: Instant, key: &Key) -> (Instant, &mut Slot) {
        self.now = self.now.max(now);
        let now = self.now;
        if self.slots.contains_key(key) {
            // Found twice: a borrow that is given back on one path only is not understood.
            return (now, self.slots.entry(key.clone()).or_default());
        }
        if self.slots.len() >= self.sweep_at && (self.sweep_at < most || now.since(self.swept) >= PAUSE) {
            self.slots.retain(|_, slot| slot.full_at() > now);
            self.swept = now;
            self.sweep_at = self.slots.len().saturating_mul(2).clamp(FEW.min(most), most);
        }
        match self.slots.len() < most {
            true => (now, self.slots.entry(key.clone()).or_default()),
            false => (now, &mut self.rest),
        }
    }
}

impl Slot {
    fn take(&mut self, now: Instant, rates: &Rates, ask: Ask) -> Result<(), Short> {
        let mut next = *self;
        if let Some(rate) = rates.requests {
            check(next.requests.take(now, rate, 1), Unit::Requests, rate, 1)?;
        }
        if let Some(rate) = rates.tokens {
            next.pay(now, rate);
            if next.owed > 0 {
                let level = level(&mut next.tokens, now, rate);
                let wait = time_of(rate, next.owed.saturating_add(ask.tokens.min(rate.burst)));
                return Err(Short::Until { unit: Unit::Tokens, rate, wait, level });
            }
            check(next.tokens.take(now, rate, ask.tokens), Unit::Tokens, rate, ask.tokens)?;
        }
        *self = next;
        Ok(())
    }

    /// When there is what a call asks for behind those who wait for so many requests and tokens: the longer wait
    /// counts. `None` where nothing is limited.
    fn short(&self, now: Instant, rates: &Rates, ask: Ask, (requests, tokens): (u64, u64)) -> Option<Short> {
        let units = [
            (Unit::Requests, rates.requests, self.requests, requests, 1),
            (Unit::Tokens, rates.tokens, self.tokens, tokens.saturating_add(self.owed), ask.tokens),
        ];
        let shorts = units.into_iter().filter_map(|(unit, rate, mut bucket, ahead, asked)| {
            let rate = rate?;
            if asked > rate.burst {
                return Some((Duration::MAX, Short::Never { unit, rate, asked }));
            }
            let (level, all) = (level(&mut bucket, now, rate), ahead.saturating_add(asked));
            let wait = match all.checked_sub(rate.burst) {
                Some(beyond) => level.full_after + time_of(rate, beyond),
                None => level.full_after.saturating_sub(time_of(rate, rate.burst - all)),
            };
            Some((wait, Short::Until { unit, rate, wait, level }))
        });
        shorts.max_by_key(|(wait, _)| *wait).map(|(_, short)| short)
    }

    fn owe(&mut self, now: Instant, rate: Rate, tokens: u64) {
        self.owed = self.owed.saturating_add(tokens);
        self.paid_at = self.tokens.full_at().max(now) + time_of(rate, self.owed);
    }

    /// Pays what is owed with what is there.
    fn pay(&mut self, now: Instant, rate: Rate) {
        if self.owed > 0 {
            self.owed -= take_up_to(&mut self.tokens, now, rate, self.owed);
        }
    }

    /// When it is as if it had never been used.
    fn full_at(&self) -> Instant {
        let paid_at = if self.owed > 0 { self.paid_at } else { Instant::default() };
        self.requests.full_at().max(self.tokens.full_at()).max(paid_at)
    }
}

fn check(take: Take, unit: Unit, rate: Rate, asked: u64) -> Result<(), Short> {
    match take {
        Take::Taken(_) => Ok(()),
        Take::Wait(wait, level) => Err(Short::Until { unit, rate, wait, level }),
        Take::Never => Err(Short::Never { unit, rate, asked }),
    }
}

fn level(bucket: &mut Bucket, now: Instant, rate: Rate) -> Level {
    match bucket.take(now, rate, 0) {
        Take::Taken(level) | Take::Wait(_, level) => level,
        Take::Never => Level { remaining: 0, full_after: Duration::ZERO },
    }
}

/// Takes what is there of these units, and says how many that were.
fn take_up_to(bucket: &mut Bucket, now: Instant, rate: Rate, units: u64) -> u64 {
    let there = level(bucket, now, rate).remaining.min(units);
    match bucket.take(now, rate, there) {
        Take::Taken(_) => there,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use belvedere_core::request::Scope;

    use super::*;
    use crate::quota::Per;

    #[test]
    fn o6_a_million_keys_are_kept_within_bounds() {
        let keys = Keys::new(NonZeroUsize::new(5_000).unwrap());
        let requests = Rate::new(NonZeroU64::new(10).unwrap(), Duration::from_secs(1));
        let rates = Rates { requests: Some(requests), tokens: None };
        let mut scope = Scope::default();
        let mut most = 0;
        for n in 0..1_000_000_u64 {
            scope.tenant = Some(n.to_string().into());
            let now = Instant::from_origin(Duration::from_micros(n * 100));
            let _ = keys.take(now, &Key::of(&[Per::Tenant], &scope), &rates, Ask { input: 0, tokens: 0 });
            most = most.max(keys.len());
        }
        assert!((FEW..=5_000).contains(&most), "{most}");
    }
}
