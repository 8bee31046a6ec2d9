//! Who reads a log, how far each is, and who waits.

use std::task::Waker;

/// The readers of one log, by number. A number is used again once its reader has left.
#[derive(Debug, Default)]
pub(super) struct Readers {
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    /// Those that hold events: neither gone nor lost.
    holding: usize,
    /// The least offset of those that hold events, and how many stand there: so only the last of them has to look
    /// for the next one.
    floor: u64,
    at_floor: usize,
    waiting: usize,
}

#[derive(Debug)]
struct Slot {
    offset: u64,
    /// There while the reader waits for an event.
    waker: Option<Waker>,
    /// Fell too far behind: holds nothing any more.
    lost: bool,
}

impl Readers {
    /// Takes one more reader in, which stands at `offset`.
    pub(super) fn join(&mut self, offset: u64) -> usize {
        let slot = Some(Slot { offset, waker: None, lost: false });
        self.holding += 1;
        if self.holding == 1 || offset < self.floor {
            (self.floor, self.at_floor) = (offset, 1);
        } else if offset == self.floor {
            self.at_floor += 1;
        }
        if let Some(id) = self.free.pop()
            && let Some(place) = self.slots.get_mut(id)
        {
            *place = slot;
            return id;
        }
        self.slots.push(slot);
        self.slots.len() - 1
    }

    /// Lets a reader go.
    pub(super) fn leave(&mut self, id: usize) {
        let Some(slot) = self.slots.get_mut(id).and_then(Option::take) else { return };
        self.free.push(id);
        self.waiting -= usize::from(slot.waker.is_some());
        if !slot.lost {
            self.holding -= 1;
            self.left_floor(slot.offset);
        }
    }

    /// How many there are, the lost included.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Where a reader stands; `None` when it was lost.
    pub(super) fn offset(&self, id: usize) -> Option<u64> {
        self.slots.get(id)?.as_ref().filter(|slot| !slot.lost).map(|slot| slot.offset)
    }

    /// The offset before which nobody needs anything; `None` when nobody reads.
    pub(super) fn floor(&self) -> Option<u64> {
        (self.holding > 0).then_some(self.floor)
    }

    /// True when this reader is the only one that stands at the floor.
    pub(super) fn is_last(&self, offset: u64) -> bool {
        self.at_floor == 1 && offset == self.floor
    }

    /// How many wait for an event that is not there.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Moves a reader on by one event. True when the floor moved.
    pub(super) fn advance(&mut self, id: usize) -> bool {
        let Some(slot) = self.slots.get_mut(id).and_then(Option::as_mut) else { return false };
        self.waiting -= usize::from(slot.waker.take().is_some());
        let before = slot.offset;
        slot.offset += 1;
        if self.holding == 1 && !slot.lost {
            // A lone reader is its own floor: nothing has to be looked for.
            self.floor = slot.offset;
            return true;
        }
        // One that is lost holds nothing, also while it hands out what it had fetched.
        !slot.lost && self.left_floor(before)
    }

    /// Notes that a reader waits.
    pub(super) fn wait(&mut self, id: usize, waker: &Waker) {
        let Some(slot) = self.slots.get_mut(id).and_then(Option::as_mut) else { return };
        match &mut slot.waker {
            Some(there) => there.clone_from(waker),
            none => {
                *none = Some(waker.clone());
                self.waiting += 1;
            }
        }
    }

    /// Gives out the wakers of all who wait.
    pub(super) fn wake(&mut self, out: &mut Vec<Waker>) {
        if self.waiting > 0 {
            out.extend(self.slots.iter_mut().flatten().filter_map(|slot| slot.waker.take()));
            self.waiting = 0;
        }
    }

    /// Gives up on those that stand at the floor, before `end`. Their wakers are given out. False when nobody does.
    pub(super) fn lose_slowest(&mut self, end: u64, out: &mut Vec<Waker>) -> bool {
        let floor = self.floor;
        if self.holding == 0 || floor >= end {
            return false;
        }
        let slowest = |slot: &&mut Slot| !slot.lost && slot.offset == floor;
        for slot in self.slots.iter_mut().flatten().filter(slowest) {
            slot.lost = true;
            self.holding -= 1;
            self.waiting -= usize::from(slot.waker.is_some());
            out.extend(slot.waker.take());
        }
        self.find_floor();
        true
    }

    /// Counts one reader less at the floor, if it stood there. True when the floor moved.
    fn left_floor(&mut self, offset: u64) -> bool {
        if offset != self.floor {
            return false;
        }
        self.at_floor -= 1;
        self.at_floor == 0 && {
            self.find_floor();
            true
        }
    }

    fn find_floor(&mut self) {
        let offsets = || self.slots.iter().flatten().filter(|slot| !slot.lost).map(|slot| slot.offset);
        self.floor = offsets().min().unwrap_or_default();
        self.at_floor = offsets().filter(|offset| *offset == self.floor).count();
    }
}
