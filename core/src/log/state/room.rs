//! What is kept, and what happens at the bound.

use super::{State, truncated};
use crate::log::{Full, Laggards};

impl State {
    /// The offset before which no reader needs anything, now or later.
    fn needed_from(&self) -> u64 {
        match self.readers.floor() {
            _ if self.keeps_all() => 0,
            Some(floor) => floor,
            None if self.orphaned || self.passed => u64::MAX,
            // Kept for who attaches later.
            None => 0,
        }
    }

    /// Lets go of what nobody needs any more, after somebody moved on.
    pub(in crate::log) fn moved(&mut self) {
        let needed = self.needed_from();
        self.held.trim_to(needed.min(self.shelf.floor()));
        if self.shelf.trim_to(needed) {
            self.shelf.wake(&mut self.after.wake);
        }
        if std::mem::take(&mut self.blocked) {
            self.wake_blocked();
        }
    }

    /// Wakes who waits for room: the task, or the lone reader.
    fn wake_blocked(&mut self) {
        if self.driven {
            self.wake_driver();
        } else {
            self.readers.wake(&mut self.after.wake);
        }
    }

    /// Whether there is room for one more event, which a reader demands or not; makes room where the rules allow it.
    pub(super) fn has_room(&mut self, demand: bool) -> bool {
        while self.held.bytes() >= self.rules.bytes && !self.held.is_empty() {
            if !self.make_room(demand) {
                self.blocked = self.over.is_none();
                return false;
            }
        }
        true
    }

    /// Does one thing for more room. False when there is nothing to be done but to wait.
    fn make_room(&mut self, demand: bool) -> bool {
        let base = self.held.base();
        if self.rules.full == Full::Spill && self.is_eager() && self.shelf.is_open() {
            // What the store has can be read back from there; the rest of it is asked for.
            return self.held.trim_to(self.shelf.written()) || self.want_room();
        }
        if self.shelf.floor() <= base {
            return self.want_room();
        }
        if self.keeps_all() && self.readers.floor().is_some_and(|floor| floor > base) {
            self.passed = true;
            self.moved();
            return true;
        }
        if !demand {
            if self.rules.full == Full::Close {
                self.closed = true;
                self.finish(Err(truncated("the source was closed while nobody read")));
            }
            return false;
        }
        if self.rules.laggards == Laggards::Wait {
            return false;
        }
        // What a lost reader would still have read is not kept for others either.
        self.passed |= self.keeps_all();
        let lost = self.readers.lose_slowest(self.held.end(), &mut self.after.wake);
        self.moved();
        lost
    }

    /// Asks the writer to make room.
    fn want_room(&mut self) -> bool {
        self.shelf.want_room(&mut self.after);
        false
    }
}
