//! What came and was not handed out yet, in order.

use std::collections::VecDeque;
use std::time::Duration;

use belvedere_core::clock::Instant;
use belvedere_core::event::Event;

use super::pace::Cost;

/// The events that are held, in order. Texts of one part that follow each other are one run.
#[derive(Debug, Default)]
pub(super) struct Held {
    items: VecDeque<Item>,
    cost: Cost,
    size: usize,
}

/// The first of what is held.
#[derive(Debug)]
pub(super) enum Item {
    /// Text that may be cut.
    Run(Run),
    /// Any other event.
    Event(Event),
}

/// Text of one part.
#[derive(Debug)]
pub(super) struct Run {
    kind: Kind,
    choice: u32,
    part: u32,
    text: String,
    /// How much of the text was handed out.
    taken: usize,
    /// What of the rest came when, in bytes.
    came: VecDeque<(usize, Instant)>,
    /// In how many events the rest goes out, at most.
    events: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// What it costs to hand all of it out, at most.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn front(&self) -> Option<&Item> {
        self.items.front()
    }

    /// True when nothing follows the first item.
    pub(super) fn is_single(&self) -> bool {
        self.items.len() == 1
    }

    /// Takes an event in. A text is handed out in at most `pieces` events.
    pub(super) fn push(&mut self, event: Event, now: Instant, pieces: impl FnOnce(&str) -> u64) {
        let (kind, choice, part, delta) = match event {
            Event::Text { choice, part, delta } => (Kind::Text, choice, part, delta),
            Event::Reasoning { choice, part, delta } => (Kind::Reasoning, choice, part, delta),
            other => return self.push_whole(other),
        };
        match self.items.back_mut() {
            Some(Item::Run(run)) if (run.kind, run.choice, run.part) == (kind, choice, part) => {
                run.append(&delta, now);
            }
            // An empty text may open its part, so it has to be an event.
            _ if delta.is_empty() => return self.push_whole(kind.event(choice, part, "")),
            _ => {
                let mut run = Run {
                    kind,
                    choice,
                    part,
                    text: String::new(),
                    taken: 0,
                    came: VecDeque::new(),
                    events: 0,
                };
                run.append(&delta, now);
                self.items.push_back(Item::Run(run));
            }
        }
        let cost = Cost::text(&delta, pieces(&delta));
        if let Some(Item::Run(run)) = self.items.back_mut() {
            run.events = run.events.saturating_add(cost.events);
        }
        self.cost = self.cost.plus(cost);
        self.size += delta.len();
    }

    fn push_whole(&mut self, event: Event) {
        self.cost = self.cost.plus(Cost::of(&event));
        self.size += event.size();
        self.items.push_back(Item::Event(event));
    }

    /// Takes the first event out, or so many bytes of the first text.
    pub(super) fn take(&mut self, bytes: usize) -> Option<(Event, Cost)> {
        let (event, cost, bound, size) = match self.items.front_mut()? {
            Item::Run(run) => {
                let event = run.take(bytes);
                let cost = Cost::of(&event);
                let events = if run.rest().is_empty() { run.events } else { run.events.min(1) };
                run.events -= events;
                let over = run.rest().is_empty();
                let size = event.delta().map_or(0, str::len);
                if over {
                    self.items.pop_front();
                }
                (event, cost, Cost { events, ..cost }, size)
            }
            Item::Event(_) => {
                let Some(Item::Event(event)) = self.items.pop_front() else { return None };
                let (cost, size) = (Cost::of(&event), event.size());
                (event, cost, cost, size)
            }
        };
        self.cost = self.cost.minus(bound);
        self.size = self.size.saturating_sub(size);
        Some((event, cost))
    }

    /// How many bytes of text have to go out now so that every text is out `window` after it came, when as much goes
    /// out at every `interval` from now on.
    pub(super) fn share(&self, now: Instant, window: Duration, interval: Duration) -> u64 {
        let runs = self.items.iter().filter_map(|item| match item {
            Item::Run(run) => Some(run),
            Item::Event(_) => None,
        });
        let (mut all, mut share) = (0_u64, 0);
        for (bytes, came) in runs.flat_map(|run| &run.came) {
            all = all.saturating_add(*bytes as u64);
            let left = (*came + window).since(now).as_nanos() / interval.as_nanos().max(1);
            share = share.max(all.div_ceil(u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1)));
        }
        share
    }
}

impl Run {
    /// What was not handed out yet.
    pub(super) fn rest(&self) -> &str {
        self.text.get(self.taken..).unwrap_or_default()
    }

    /// When the first of the rest came.
    pub(super) fn since(&self) -> Option<Instant> {
        self.came.front().map(|(_, came)| *came)
    }

    fn append(&mut self, delta: &str, now: Instant) {
        // What was handed out is let go once it is the greater part: so no byte is moved more than once or twice.
        if self.taken > self.text.len() / 2 {
            self.text.drain(..self.taken);
            self.taken = 0;
        }
        self.text.push_str(delta);
        match self.came.back_mut() {
            Some((bytes, came)) if *came == now => *bytes += delta.len(),
            _ => self.came.push_back((delta.len(), now)),
        }
    }

    fn take(&mut self, bytes: usize) -> Event {
        let piece = self.rest().get(..bytes).unwrap_or(self.rest());
        let (event, mut left) = (self.kind.event(self.choice, self.part, piece), piece.len());
        self.taken += left;
        while let Some((first, _)) = self.came.front_mut() {
            if *first > left {
                *first -= left;
                break;
            }
            left -= *first;
            self.came.pop_front();
        }
        event
    }
}

impl Kind {
    fn event(self, choice: u32, part: u32, delta: &str) -> Event {
        match self {
            Kind::Text => Event::Text { choice, part, delta: delta.into() },
            Kind::Reasoning => Event::Reasoning { choice, part, delta: delta.into() },
        }
    }
}
