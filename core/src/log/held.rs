//! The events of a log that are in memory.

use std::collections::VecDeque;

use crate::event::Event;

/// A run of events without gaps. Offsets count the events of the answer from 0.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Each with its size.
    events: VecDeque<(Event, usize)>,
    base: u64,
    bytes: usize,
}

impl Held {
    /// The offset of the first event that is held.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// The offset after the last event.
    pub(super) fn end(&self) -> u64 {
        self.base + self.events.len() as u64
    }

    /// How much memory the events take, by [`Event::size`].
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn push(&mut self, event: Event) {
        let size = event.size();
        self.bytes += size;
        self.events.push_back((event, size));
    }

    /// Counts an event that was handed straight on; only where nothing is held.
    pub(super) fn pass(&mut self) {
        self.base += 1;
    }

    pub(super) fn get(&self, offset: u64) -> Option<&Event> {
        let index = usize::try_from(offset.checked_sub(self.base)?).ok()?;
        self.events.get(index).map(|(event, _)| event)
    }

    pub(super) fn take_first(&mut self) -> Option<Event> {
        let (event, size) = self.events.pop_front()?;
        self.base += 1;
        self.bytes -= size;
        Some(event)
    }

    /// Lets go of everything before `offset`. True when that was something.
    pub(super) fn trim_to(&mut self, offset: u64) -> bool {
        let before = self.base;
        while self.base < offset && self.take_first().is_some() {}
        self.base > before
    }

    /// The events from `offset` on, as many as make a batch: at most `count`, and of `bytes` in all (but one at
    /// least).
    pub(super) fn batch(&self, offset: u64, count: usize, bytes: usize) -> Vec<Event> {
        let skip = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let mut room = bytes;
        let fits = |(event, size): &(Event, usize)| {
            let fits = room > 0;
            room = room.saturating_sub(*size);
            fits.then(|| event.clone())
        };
        self.events.iter().skip(skip).take(count).map_while(fits).collect()
    }
}
