//! A log against a model that is a list, under any order of joining, reading, leaving and feeding.

use proptest::prelude::*;

use super::tests_feed::{Feed, Item, answer, log, next, sizes};
use super::*;
use crate::error::ErrorKind;
use crate::event::Event;
use crate::testing::Simulation;

/// How many events the answer has.
const EVENTS: usize = 23;

/// The bound, in events.
const BOUND: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    /// The source gets so many more events; at the end of them, its end.
    Feed(usize),
    /// Somebody attaches at this offset.
    Attach(u64),
    /// One of the readers reads once.
    Read(usize),
    /// One of the readers leaves.
    Leave(usize),
    ReadOn(bool),
    Detach,
    Cancel,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..6usize).prop_map(Step::Feed),
        3 => (0..EVENTS as u64 + 2).prop_map(Step::Attach),
        20 => (0..8usize).prop_map(Step::Read),
        2 => (0..8usize).prop_map(Step::Leave),
        1 => any::<bool>().prop_map(Step::ReadOn),
        1 => Just(Step::Detach),
        1 => prop_oneof![9 => Just(Step::ReadOn(false)), 1 => Just(Step::Cancel)],
    ]
}

fn options() -> impl Strategy<Value = LogOptions> {
    let keep = prop_oneof![Just(Keep::All), Just(Keep::Unread)];
    let laggards = prop_oneof![Just(Laggards::Wait), Just(Laggards::End)];
    let full = prop_oneof![Just(Full::Wait), Just(Full::Close)];
    (keep, laggards, full).prop_map(|(keep, laggards, full)| LogOptions {
        bytes: sizes(BOUND),
        keep,
        laggards,
        full,
        store: None,
    })
}

/// What is known of the log from outside.
struct Model {
    simulation: Simulation,
    options: LogOptions,
    answer: Vec<Event>,
    feed: Feed,
    fed: usize,
    log: EventLog,
    readers: Vec<Cursor>,
    joined: bool,
    detached: bool,
    cancelled: bool,
}

impl Model {
    fn new(options: LogOptions) -> Self {
        let simulation = Simulation::new(1);
        let feed = Feed::new();
        let log = log(&simulation, &feed, options.clone());
        Model {
            simulation,
            options,
            answer: answer(EVENTS - 3),
            feed,
            fed: 0,
            log,
            readers: Vec::new(),
            joined: false,
            detached: false,
            cancelled: false,
        }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Feed(count) => self.feed(count),
            Step::Attach(offset) => self.attach(offset)?,
            Step::Read(at) if !self.readers.is_empty() => self.read(at % self.readers.len())?,
            Step::Leave(at) if !self.readers.is_empty() => {
                drop(self.readers.swap_remove(at % self.readers.len()));
            }
            Step::ReadOn(true) => self.log.read_on(),
            Step::ReadOn(false) => self.log.read_on_demand(),
            Step::Detach => {
                self.detached = true;
                self.log.detach();
            }
            Step::Cancel => {
                self.cancelled = true;
                self.log.cancel();
            }
            Step::Read(_) | Step::Leave(_) => {}
        }
        self.simulation.spawner.run_until_idle();
        self.check()
    }

    fn feed(&mut self, count: usize) {
        for _ in 0..count.min(EVENTS - self.fed) {
            self.feed.push(self.answer[self.fed].clone());
            self.fed += 1;
            if self.fed == EVENTS {
                self.feed.feed(Item::End);
            }
        }
    }

    fn attach(&mut self, offset: u64) -> Result<(), TestCaseError> {
        let slowest = self.readers.iter().map(Cursor::offset).min();
        match self.log.attach(offset) {
            Ok(cursor) => {
                prop_assert_eq!(cursor.offset(), offset);
                self.joined = true;
                self.readers.push(cursor);
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                // Nobody is refused without need: below the bound a log that keeps all has all of it.
                let over = self.log.end().is_some() && offset > self.log.offset();
                let outgrown = self.log.offset() >= BOUND as u64;
                let read = self.options.keep == Keep::Unread && slowest.is_none_or(|floor| offset < floor);
                prop_assert!(over || outgrown || read, "refused at {} of {:?}", offset, self.log);
            }
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> Result<(), TestCaseError> {
        let cursor = &mut self.readers[at];
        let offset = cursor.offset();
        match next(&self.simulation, cursor) {
            Some(Some(Ok(event))) => {
                prop_assert_eq!(&event, &self.answer[offset as usize]);
                prop_assert_eq!(cursor.offset(), offset + 1);
            }
            Some(Some(Err(error))) => {
                let lost = self.options.laggards == Laggards::End && offset < self.log.offset();
                let beyond = self.log.end().is_some() && offset > self.log.offset();
                let cancelled = self.log.end() == Some(EndKind::Cancelled);
                let expected = match error.kind() {
                    ErrorKind::Truncated => lost || beyond || self.log.is_closed(),
                    ErrorKind::Cancelled => cancelled && offset >= self.log.offset(),
                    _ => false,
                };
                prop_assert!(expected, "{} at {} of {:?}", error, offset, self.log);
                self.readers.swap_remove(at);
            }
            Some(None) => {
                prop_assert_eq!((offset, self.log.end()), (EVENTS as u64, Some(EndKind::Finished)));
                self.readers.swap_remove(at);
            }
            None => prop_assert!(self.may_wait(offset), "at {} of {:?}", offset, self.log),
        }
        Ok(())
    }

    /// Whether a reader at `offset` has a reason to wait: it has read what was fed, or is held up by another.
    fn may_wait(&self, offset: u64) -> bool {
        let laggard = self.options.laggards == Laggards::Wait
            && self.readers.iter().any(|other| other.offset() < offset)
            && self.log.bytes() >= sizes(BOUND);
        let starved = self.fed < EVENTS && self.feed.given() == self.fed as u64;
        self.log.end().is_none() && (starved || laggard)
    }

    /// What holds after every step.
    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.log.bytes() <= sizes(BOUND));
        prop_assert_eq!(self.log.offset(), self.feed.given());
        prop_assert_eq!(self.log.readers(), self.readers.len());
        prop_assert_eq!(
            self.feed.is_open(),
            self.log.end().is_none(),
            "a log that ended has closed its source"
        );
        let abandoned = self.joined && self.readers.is_empty() && !self.detached;
        prop_assert!(!(abandoned || self.cancelled) || self.log.end().is_some());
        prop_assert!(self.simulation.spawner.open() <= 1, "one task at most");
        Ok(())
    }
}

proptest! {
    #[test]
    fn any_order_of_joining_reading_leaving_and_feeding_gives_what_a_list_gives(
        options in options(),
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut model = Model::new(options);
        model.readers.push(model.log.reader().unwrap());
        model.joined = true;
        for step in steps {
            model.take(step)?;
        }
        // Whatever came before, everybody gets to an end.
        model.feed(EVENTS);
        let most = 4 * EVENTS * (model.readers.len() + 1);
        for turn in 0..most * model.readers.len() {
            if model.readers.is_empty() {
                break;
            }
            model.read(turn % model.readers.len())?;
            model.simulation.spawner.run_until_idle();
            model.check()?;
        }
        prop_assert!(model.readers.is_empty(), "left: {:?} of {:?}", model.readers, model.log);
        drop(model.log);
        model.simulation.assert_idle();
    }
}
