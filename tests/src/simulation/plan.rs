//! What a seed chooses.

use std::time::Duration;

use belvedere::pause::PausePolicy;

use super::dice::Dice;
use super::fault::{Fault, Position};
use super::layers::Layers;
use super::script::Cell;
use super::wire;

/// One run, before it begins.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) wire: usize,
    pub(super) layers: Layers,
    /// When another document is to hold, and whether it can.
    pub(super) reloads: Vec<(Duration, bool)>,
    pub(super) callers: Vec<Caller>,
    /// Observers take time after the end.
    pub(super) settles: bool,
    /// The machine is suspended, and its clocks are set.
    pub(super) clocks_jump: bool,
    /// When the client is closed, and how long it waits for its calls.
    pub(super) close: Option<(Duration, Duration)>,
}

/// Who makes a call, and how it reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) begins: Duration,
    pub(super) verb: Verb,
    pub(super) pace: Pace,
    pub(super) leaves: Leaves,
    /// The call's own deadline.
    pub(super) deadline: Option<Duration>,
    /// Keeps the stream after its end.
    pub(super) keeps: bool,
    /// Pauses the stream after so many events, for so long.
    pub(super) pauses: Option<(usize, Duration)>,
    /// What a pause does.
    pub(super) policy: PausePolicy,
    /// Whose call it is: quotas are kept by it.
    pub(super) tenant: u64,
    /// The most tokens it asks for.
    pub(super) max_tokens: Option<u64>,
    /// It leaves the model to the pipeline.
    pub(super) names_no_model: bool,
}

/// How a caller takes the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Event by event.
    Read,
    /// Event by event, looking at each before it takes it.
    Peek,
    /// Streamed, and folded by the client.
    Collect,
    /// Not streamed.
    Complete,
}

/// How fast a caller reads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// At once.
    AtOnce,
    /// With this much time before each event.
    Slow(Duration),
    /// Not for this long, after some events.
    Stops(usize, Duration),
}

/// When a caller leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// At the end.
    AtTheEnd,
    /// It drops the stream after so many events.
    DropsAfter(usize),
    /// It cancels the stream after so many events.
    CancelsAfter(usize),
    /// Somebody else cancels at this time.
    CancelledAt(Duration),
    /// Its task is dropped after so many polls.
    DroppedAfterPolls(u64),
}

impl Plan {
    /// What `seed` chooses.
    pub(super) fn draw(seed: u64) -> Self {
        let dice = Dice::new(seed, 0);
        let wire = dice.index(wire::all().len());
        let reloads = if dice.one_in(3) { dice.within(1, 2) } else { 0 };
        let reloads: Vec<_> = (0..reloads).map(|_| (dice.millis(0, 15_000), !dice.one_in(4))).collect();
        let sound = reloads.iter().filter(|(_, is_sound)| *is_sound).count();
        let layers = Layers::draw(&dice, 1 + sound);
        let callers = (0..dice.pick([1, 1, 2, 2, 3, 5])).map(|_| Caller::draw(&dice, &layers)).collect();
        let close = dice.one_in(8).then(|| (dice.millis(0, 60_000), dice.millis(0, 10_000)));
        let (settles, clocks_jump) = (dice.one_in(4), dice.one_in(3));
        Plan { seed, wire, layers, reloads, callers, settles, clocks_jump, close }
    }

    /// The levels of the stack, outermost first: one around each layer, and one inside of all.
    pub(super) fn levels(&self) -> impl Iterator<Item = usize> + use<> {
        0..=self.layers.chosen.len()
    }

    /// The fault of an attempt and where it happens; `None`: all goes well.
    pub(super) fn cell(&self, attempt: usize, dice: &Dice) -> Option<Cell> {
        if dice.one_in(if attempt == 0 { 5 } else { 2 }) {
            return None;
        }
        let cells: Vec<Cell> =
            Fault::all().flat_map(|fault| fault.positions().iter().map(move |at| (fault, *at))).collect();
        cells.get(dice.index(cells.len())).copied()
    }

    /// The longest that a call's caller waits for the pipeline, all its waits together. `scripted`: how long the
    /// wire is silent by plan.
    pub(super) fn bound(&self, caller: &Caller, scripted: Duration) -> Option<Duration> {
        let mut bound = caller.deadline.into_iter().chain(self.layers.promise.bound(scripted)).min()?;
        let paused = caller.pauses.map_or(Duration::ZERO, |(_, time)| time);
        if caller.policy == PausePolicy::Checkpoint {
            // The call that goes on with it has the same limits once more.
            bound *= 2;
        }
        // The connection is drained for a moment after the terminal signal, and observers may settle.
        Some(bound + paused + Duration::from_secs(1))
    }
}

impl Caller {
    fn draw(dice: &Dice, layers: &Layers) -> Self {
        let needs_deadline = !layers.promise.ends_every_call();
        // Only a repair goes on with a stream whose upstream was closed.
        let resumes = layers.resumes();
        let deadline = (needs_deadline || dice.one_in(4)).then(|| dice.millis(1, 90_000));
        Caller {
            begins: if dice.one_in(2) { Duration::ZERO } else { dice.millis(0, 5000) },
            verb: dice.pick([Verb::Read, Verb::Read, Verb::Read, Verb::Peek, Verb::Collect, Verb::Complete]),
            pace: match dice.below(5) {
                0 => Pace::Slow(dice.millis(1, 3000)),
                1 => Pace::Stops(dice.index(10), dice.millis(1000, 600_000)),
                _ => Pace::AtOnce,
            },
            leaves: match dice.below(10) {
                0 => Leaves::DropsAfter(dice.index(20)),
                1 => Leaves::CancelsAfter(dice.index(20)),
                2 => Leaves::CancelledAt(dice.millis(0, 20_000)),
                3 => Leaves::DroppedAfterPolls(dice.below(30)),
                _ => Leaves::AtTheEnd,
            },
            deadline,
            keeps: dice.one_in(3),
            pauses: dice
                .one_in(3)
                .then(|| (dice.index(12), Duration::from_secs(dice.pick([1, 30, 3600, 86_400])))),
            policy: match dice.below(3) {
                0 => PausePolicy::Spill,
                1 if resumes => PausePolicy::Checkpoint,
                _ => PausePolicy::Backpressure,
            },
            tenant: dice.below(2),
            max_tokens: (!dice.one_in(3)).then_some(1000),
            names_no_model: layers.has("choose") && dice.one_in(2),
        }
    }
}

/// What a caller does that the pipeline has to bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// The stream, or the call's future, is dropped.
    Drop,
    /// The caller cancels.
    Cancel,
    /// Somebody else cancels.
    CancelElsewhere,
    /// The call's own deadline passes.
    Deadline,
    /// The client is closed.
    Close,
    /// The caller does not read for a time.
    StopReading,
    /// The stream is paused and resumed.
    Pause,
}

impl Act {
    /// All of them, in the order of the table.
    pub const ALL: [Act; 7] = [
        Act::Drop,
        Act::Cancel,
        Act::CancelElsewhere,
        Act::Deadline,
        Act::Close,
        Act::StopReading,
        Act::Pause,
    ];

    /// Its name in tables and logs.
    pub fn name(self) -> &'static str {
        match self {
            Act::Drop => "drop",
            Act::Cancel => "cancel",
            Act::CancelElsewhere => "cancel from elsewhere",
            Act::Deadline => "deadline",
            Act::Close => "close of the client",
            Act::StopReading => "reader stops",
            Act::Pause => "pause and resume",
        }
    }

    /// Where it can happen.
    pub fn positions(self) -> &'static [Position] {
        use Position::{FirstToken, Middle, Preamble, Terminal};
        match self {
            // There is a stream to cancel, or to leave unread, once the head has come.
            Act::Cancel | Act::CancelElsewhere | Act::StopReading | Act::Pause => {
                &[Preamble, FirstToken, Middle, Terminal]
            }
            _ => &Position::ALL,
        }
    }

    /// Why it can't happen elsewhere; empty when it can happen everywhere.
    pub fn why_nowhere_else(self) -> &'static str {
        if self.positions().len() == Position::ALL.len() {
            ""
        } else {
            "the stream is there once the head has come"
        }
    }
}
