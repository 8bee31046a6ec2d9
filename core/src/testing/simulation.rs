//! A whole machine in one thread: time, randomness, work and a network, all from one seed.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::clock::TestClock;
use super::entropy::SeededEntropy;
use super::spawner::TestSpawner;
use super::task::Task;
use super::transport::ScriptedTransport;
use crate::clock::Clock;
use crate::context::{Call, Context, Lent};
use crate::hooks::Hooks;
use crate::request::Options;
use crate::transport::Transport;

/// What is lent to a pipeline under test. The same seed and the same script give the same run (law W17).
///
/// ```
/// use belvedere_core::clock::Clock;
/// use belvedere_core::testing::Simulation;
/// use std::time::Duration;
///
/// let simulation = Simulation::new(1);
/// let clock = simulation.clock.clone();
/// // A year passes at once: when everybody waits, time moves to the next deadline.
/// simulation.run(clock.sleep(Duration::from_secs(365 * 86_400)));
/// assert_eq!(simulation.clock.pending_sleeps(), 0);
/// ```
#[derive(Debug)]
pub struct Simulation {
    /// The clock.
    pub clock: TestClock,
    /// The tasks.
    pub spawner: TestSpawner,
    /// The network; without replies until it is given some.
    pub network: ScriptedTransport,
    entropy: Arc<SeededEntropy>,
}

/// How many deadlines the tasks of an ended test get to end at.
const IDLE_ROUNDS: usize = 10_000;

impl Simulation {
    /// A machine with this seed.
    pub fn new(seed: u64) -> Self {
        let clock = TestClock::new();
        Simulation {
            network: ScriptedTransport::new(Arc::new(clock.clone())),
            spawner: TestSpawner::new(),
            entropy: Arc::new(SeededEntropy::new(seed)),
            clock,
        }
    }

    /// What it lends.
    pub fn lent(&self) -> Lent {
        self.lent_over(self.network.clone())
    }

    /// What it lends, with another network.
    pub fn lent_over(&self, transport: impl Transport) -> Lent {
        Lent {
            spawner: Arc::new(self.spawner.clone()),
            entropy: self.entropy.clone(),
            ..lent(&self.clock, transport, 0)
        }
    }

    /// The context of a new call with default options.
    pub fn context(&self) -> Context {
        self.context_with(Options::default())
    }

    /// The context of a new call.
    pub fn context_with(&self, options: Options) -> Context {
        let lent = self.lent();
        let call = Arc::new(Call::new(&lent, options));
        Context::new(Arc::new(lent), call)
    }

    /// Runs a future to its end, with the spawned tasks. Whenever all of them wait, time moves to the next
    /// deadline.
    ///
    /// # Panics
    /// When all wait and nobody sleeps: a wake was lost, or the future waits for what the test has to do.
    pub fn run<T>(&self, future: impl Future<Output = T> + Send) -> T {
        let mut task = Task::new(future);
        loop {
            if let Poll::Ready(value) = self.poll(&mut task) {
                return value;
            }
            match self.clock.next_deadline() {
                Some(deadline) => self.clock.advance(deadline.since(self.clock.now())),
                #[expect(clippy::panic, reason = "a test that can't go on fails")]
                None => panic!("everybody waits and nobody sleeps; open tasks: {:?}", self.spawner.names()),
            }
        }
    }

    /// Polls a task and the spawned tasks until all of them wait. Time stands still.
    pub fn poll<T>(&self, task: &mut Task<'_, T>) -> Poll<T> {
        loop {
            if task.is_woken()
                && let Poll::Ready(value) = task.poll()
            {
                return Poll::Ready(value);
            }
            if !self.spawner.run_until_idle() && !task.is_woken() {
                return Poll::Pending;
            }
        }
    }

    /// Lets time pass step by step, from deadline to deadline, and runs the spawned tasks at each.
    pub fn advance(&self, by: Duration) {
        let end = self.clock.now() + by;
        self.spawner.run_until_idle();
        while let Some(deadline) = self.clock.next_deadline().filter(|d| *d <= end) {
            self.clock.advance(deadline.since(self.clock.now()));
            self.spawner.run_until_idle();
        }
        self.clock.advance(end.since(self.clock.now()));
        self.spawner.run_until_idle();
    }

    /// Runs what was spawned to its end, and checks that nothing is left (law W4).
    ///
    /// # Panics
    /// When a task, a sleep or a connection is left.
    pub fn assert_idle(&self) {
        // Bounded: a task that ticks for ever is one that is left.
        for _ in 0..IDLE_ROUNDS {
            self.spawner.run_until_idle();
            match self.clock.next_deadline() {
                Some(deadline) if self.spawner.open() > 0 => {
                    self.clock.advance(deadline.since(self.clock.now()));
                }
                _ => break,
            }
        }
        assert_eq!(self.spawner.names(), Vec::<&str>::new(), "tasks are left");
        assert_eq!(self.clock.pending_sleeps(), 0, "sleeps are left");
        assert_eq!(self.network.open(), 0, "connections are left");
    }
}

/// A clock, a network and seeded randomness as a [`Lent`]. Spawned work is kept and never runs: where that matters,
/// take a [`Simulation`].
pub fn lent(clock: &TestClock, transport: impl Transport, seed: u64) -> Lent {
    Lent {
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(SeededEntropy::new(seed)),
        spawner: Arc::new(TestSpawner::new()),
        transport: Arc::new(transport),
        hooks: Hooks::default(),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::entropy::Entropy;
    use crate::spawner::Spawner;

    #[test]
    fn w17_the_same_seed_lends_the_same() {
        let ids = |seed| {
            let simulation = Simulation::new(seed);
            (simulation.context().call.id, simulation.context().call.id, simulation.entropy.next_u64())
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }

    #[test]
    fn time_moves_only_when_everybody_waits() {
        let simulation = Simulation::new(1);
        let clock = simulation.clock.clone();
        let began = clock.now();
        let (first, second) = (clock.clone(), clock.clone());
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = order.clone();
        simulation.spawner.spawn(
            "two seconds",
            Box::pin(async move {
                first.sleep(Duration::from_secs(2)).await;
                seen.lock().unwrap().push(first.now().since(began));
            }),
        );
        simulation.run(async { second.sleep(Duration::from_secs(3)).await });
        assert_eq!(clock.now().since(began), Duration::from_secs(3));
        assert_eq!(*order.lock().unwrap(), [Duration::from_secs(2)]);
        simulation.assert_idle();
    }

    #[test]
    fn advance_stops_at_each_deadline() {
        let simulation = Simulation::new(1);
        let clock = simulation.clock.clone();
        let began = clock.now();
        let ticks = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (inner, seen) = (clock.clone(), ticks.clone());
        simulation.spawner.spawn(
            "ticks",
            Box::pin(async move {
                loop {
                    inner.sleep(Duration::from_secs(1)).await;
                    seen.lock().unwrap().push(inner.now().since(began).as_secs());
                }
            }),
        );
        simulation.advance(Duration::from_millis(3_500));
        assert_eq!(*ticks.lock().unwrap(), [1, 2, 3]);
        assert_eq!(clock.now().since(began), Duration::from_millis(3_500));
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    #[should_panic(expected = "tasks are left")]
    fn w4_a_task_that_ticks_for_ever_is_left() {
        let simulation = Simulation::new(1);
        let clock = simulation.clock.clone();
        let ticks = async move {
            loop {
                clock.sleep(Duration::from_secs(1)).await;
            }
        };
        simulation.spawner.spawn("ticks", Box::pin(ticks));
        simulation.assert_idle();
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    #[should_panic(expected = "nobody sleeps")]
    fn a_lost_wake_fails_the_test() {
        Simulation::new(1).run(std::future::pending::<()>());
    }
}
