//! What of a log is in its store, as far as the log has to know.

use std::collections::VecDeque;
use std::task::Waker;

use super::state::After;

/// What a log writes to its store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Writes {
    /// Every event, so that other processes can attach.
    #[default]
    All,
    /// Only what does not fit into memory while the log reads on ([`Full::Spill`](super::Full::Spill)); it is
    /// deleted when it was read.
    Overflow,
}

/// Which batches are in the store, and what its writer is asked for.
#[derive(Debug)]
pub(super) struct Shelf {
    writes: Option<Writes>,
    /// The store failed: nothing more is written.
    failed: bool,
    written: u64,
    /// The batches that can be read back, in order and without gaps.
    batches: VecDeque<Batch>,
    /// The batches that nobody needs any more, by their first offset.
    stale: Vec<u64>,
    /// The log waits for room in memory.
    wanted: bool,
    started: bool,
    writer: Option<Waker>,
}

#[derive(Debug, Clone, Copy)]
struct Batch {
    first: u64,
    end: u64,
}

impl Shelf {
    pub(super) fn new(writes: Option<Writes>) -> Self {
        Shelf {
            writes,
            failed: false,
            written: 0,
            batches: VecDeque::new(),
            stale: Vec::new(),
            wanted: false,
            started: writes == Some(Writes::All),
            writer: None,
        }
    }

    /// True when every event goes to the store.
    pub(super) fn publishes(&self) -> bool {
        self.writes == Some(Writes::All) && !self.failed
    }

    /// True when events can be put there.
    pub(super) fn is_open(&self) -> bool {
        self.writes.is_some() && !self.failed
    }

    /// The offset from which on the events are still to be written, and stay in memory for it.
    pub(super) fn floor(&self) -> u64 {
        if self.publishes() { self.written } else { u64::MAX }
    }

    /// True when the event at this offset is still to be written.
    pub(super) fn needs(&self, offset: u64) -> bool {
        offset >= self.floor()
    }

    /// The offset after the last event that was written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// The offset of the first event that can be read back.
    pub(super) fn first(&self) -> Option<u64> {
        self.batches.front().map(|batch| batch.first)
    }

    /// The batch that has the event at `offset`, by its first offset.
    pub(super) fn find(&self, offset: u64) -> Option<u64> {
        let after = self.batches.partition_point(|batch| batch.first <= offset);
        let batch = self.batches.get(after.checked_sub(1)?)?;
        (offset < batch.end).then_some(batch.first)
    }

    /// Asks the writer to make room in memory.
    pub(super) fn want_room(&mut self, after: &mut After) {
        self.wanted = true;
        after.spawn_writer |= !std::mem::replace(&mut self.started, true);
        self.wake(&mut after.wake);
    }

    /// Whether room is wanted; the answer is given once.
    pub(super) fn take_wanted(&mut self) -> bool {
        std::mem::take(&mut self.wanted)
    }

    /// True while the log waits for room.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Notes a batch that is in the store now.
    pub(super) fn wrote(&mut self, first: u64, end: u64) {
        self.written = end;
        self.batches.push_back(Batch { first, end });
    }

    /// Notes that the store failed.
    pub(super) fn fail(&mut self) {
        self.failed = true;
    }

    /// Marks the overflow before `offset` for deletion. True when there was any.
    pub(super) fn trim_to(&mut self, offset: u64) -> bool {
        // What is published is for other processes, too, and goes when its time is over.
        if self.writes != Some(Writes::Overflow) {
            return false;
        }
        let before = self.stale.len();
        while let Some(batch) = self.batches.front().filter(|batch| batch.end <= offset) {
            self.stale.push(batch.first);
            self.batches.pop_front();
        }
        self.stale.len() > before
    }

    /// The batches to delete, given out once.
    pub(super) fn take_stale(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.stale)
    }

    /// The writer waits to be woken.
    pub(super) fn wait(&mut self, waker: &Waker) {
        match &mut self.writer {
            Some(there) => there.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Gives out the waker of the writer.
    pub(super) fn wake(&mut self, out: &mut Vec<Waker>) {
        out.extend(self.writer.take());
    }
}
