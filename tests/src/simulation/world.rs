//! The machine of a run: it chooses who goes next and when time moves, and checks the laws after every step.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use belvedere::client::Client;
use belvedere::clock::Clock;
use belvedere::context::Lent;
use belvedere::credentials::{ApiKeys, Secret};
use belvedere::hooks::{Hooks, Signal};
use belvedere::http::{Http, Limits};
use belvedere::service::Stack;
use belvedere::testing::{SeededEntropy, Task, TestClock, TestSpawner};
use belvedere::{EndKind, Result};

use super::caller::Caller;
use super::check;
use super::dice::Dice;
use super::key_of;
use super::plan::{Act, Leaves, Plan};
use super::scene::Scene;
use super::script::FRAME_LIMIT;
use super::signals::Ear;
use super::upstream::Upstream;
use super::vault::Vault;
use super::wire::{self, Shared, Wire};
use super::witness::Witness;
use super::workshop::{self, Stage, upstream};

/// More steps than a run takes that comes to an end.
const STEPS: u64 = 200_000;

/// A run in progress.
pub(super) struct World {
    pub(super) clock: TestClock,
    pub(super) spawner: TestSpawner,
    pub(super) scene: Scene,
    pub(super) plan: Arc<Plan>,
    pub(super) client: Client,
    pub(super) stage: Stage,
    dice: Dice,
    actors: Vec<Actor>,
    /// How much later than due timers were, and how far clocks were set back: waits may be longer by this.
    pub(super) slack: Duration,
}

/// Something that is polled.
struct Actor {
    /// The call it makes, if it does.
    call: Option<usize>,
    task: Option<Task<'static, ()>>,
    polls: u64,
}

impl World {
    /// The machine of a plan, with everybody at the start.
    ///
    /// # Errors
    /// When the client of the plan can't be built.
    pub(super) fn new(plan: Plan, telling: bool) -> Result<Self> {
        let (dice, plan) = (Dice::new(plan.seed, 1), Arc::new(plan));
        let scene = Scene::new(plan.callers.len(), plan.layers.rules.clone(), telling);
        let (clock, spawner) = (TestClock::new(), TestSpawner::new());
        let unknown =
            || belvedere::Error::new(belvedere::ErrorKind::Unexpected, "the plan's wire is not there");
        let wire = wire::all().get(plan.wire).ok_or_else(unknown)?;
        let lent = lent(&plan, &scene, &clock, &spawner, &dice, wire);
        let stage = stage(&plan, &scene, &clock, &dice, &wire.provider)?;
        let client = workshop::client(&plan, &stage, lent)?;
        let (actors, slack) = (Vec::new(), Duration::ZERO);
        let mut world = World { clock, spawner, scene, plan, client, stage, dice, actors, slack };
        world.cast();
        Ok(world)
    }

    /// Puts everybody on the stage.
    fn cast(&mut self) {
        for call in 0..self.plan.callers.len() {
            let (client, clock, scene) = (self.client.clone(), self.clock.clone(), self.scene.clone());
            self.enter(Some(call), Caller { client, clock, scene, plan: self.plan.clone(), call }.run());
            if let Some(Leaves::CancelledAt(time)) = self.plan.callers.get(call).map(|caller| caller.leaves) {
                let (clock, scene) = (self.clock.clone(), self.scene.clone());
                self.enter(None, async move {
                    clock.sleep(time).await;
                    if let Some(controller) = scene.of(call, |seen| seen.controller.clone()) {
                        scene.act(call, Act::CancelElsewhere);
                        controller.cancel();
                    }
                });
            }
        }
        for (at, is_sound) in self.plan.reloads.clone() {
            let reloads = reload(self, at, is_sound);
            self.enter(None, reloads);
        }
        if let Some((after, deadline)) = self.plan.close {
            let (clock, scene, client) = (self.clock.clone(), self.scene.clone(), self.client.clone());
            let calls = self.plan.callers.len();
            self.enter(None, async move {
                clock.sleep(after).await;
                (0..calls).for_each(|call| scene.act(call, Act::Close));
                let cancelled = client.close(deadline).await;
                scene.note(|| format!("closed; {cancelled} calls were cancelled"));
            });
        }
    }

    fn enter(&mut self, call: Option<usize>, work: impl Future<Output = ()> + Send + 'static) {
        self.actors.push(Actor { call, task: Some(Task::new(work)), polls: 0 });
    }

    /// Runs to the end.
    pub(super) fn run(&mut self) {
        while self.step() {
            let step = self.scene.lock().step;
            check::step(self);
            if step >= STEPS {
                return self.scene.breach("liveness", format_args!("no end after {STEPS} steps"));
            }
            if !self.scene.lock().breaches.is_empty() {
                return;
            }
        }
        check::end(self);
    }

    /// One step: a poll of somebody, a round of the spawned tasks, or time. False when all is over.
    fn step(&mut self) -> bool {
        self.scene.lock().step += 1;
        let alive: Vec<usize> = (0..self.actors.len()).filter(|at| self.task(*at).is_some()).collect();
        // A poll that nobody asked for does no harm.
        let curious = self.dice.one_in(64);
        let ready: Vec<usize> = alive
            .iter()
            .copied()
            .filter(|at| curious || self.task(*at).is_some_and(|task| task.is_woken()))
            .collect();
        // One more than there are: the spawned tasks take their turn, too.
        match ready.get(self.dice.index(ready.len() + 1)).copied() {
            Some(at) => self.poll(at),
            None if self.spawner.run_until_idle() || !ready.is_empty() => {}
            None if alive.is_empty() && self.spawner.open() == 0 => return false,
            None => return self.pass_time(),
        }
        true
    }

    fn task(&self, at: usize) -> Option<&Task<'static, ()>> {
        self.actors.get(at)?.task.as_ref()
    }

    fn poll(&mut self, at: usize) {
        let Some(actor) = self.actors.get_mut(at) else { return };
        let leaves = actor.call.and_then(|call| self.plan.callers.get(call)).map(|caller| caller.leaves);
        if let (Some(call), Some(Leaves::DroppedAfterPolls(many))) = (actor.call, leaves)
            && actor.polls >= many
        {
            self.scene.act(call, Act::Drop);
            actor.task = None;
            check::dropped(&self.scene, &self.plan, call);
            return;
        }
        actor.polls += 1;
        if actor.task.as_mut().is_some_and(|task| task.poll().is_ready()) {
            actor.task = None;
        }
    }

    /// Nobody can go on: time moves to the next deadline. False when there is none.
    fn pass_time(&mut self) -> bool {
        let now = self.clock.now();
        let Some(deadline) = self.clock.next_deadline() else {
            self.scene.breach(
                "liveness",
                format_args!("everybody waits and nobody sleeps; tasks: {:?}", self.spawner.names()),
            );
            return false;
        };
        if self.plan.clocks_jump && self.dice.one_in(12) {
            self.disturb_clocks();
            return true;
        }
        let mut by = deadline.since(now);
        if self.dice.one_in(16) {
            // A busy machine: the timer is late.
            let late = self.dice.millis(1, 50);
            self.scene.happened("late timer");
            (by, self.slack) = (by + late, self.slack + late);
        }
        self.clock.advance(by);
        self.scene.lock().elapsed += by;
        true
    }

    /// What happens to clocks. No wait may become longer by it than the clock itself was set back (law W15).
    fn disturb_clocks(&mut self) {
        let by = self.dice.millis(1, 3_600_000);
        match self.dice.below(4) {
            0 => {
                self.clock.suspend(by);
                self.scene.happened("suspend");
                self.scene.note(|| format!("the machine was suspended for {by:?}"));
            }
            1 => {
                self.clock.jump_wall(self.clock.wall() + by);
                self.scene.happened("wall clock forwards");
            }
            2 => {
                self.clock.jump_wall(self.clock.wall() - by);
                self.scene.happened("wall clock backwards");
            }
            _ => {
                let by = by / 1000;
                self.clock.step_back(by);
                self.slack += by;
                self.scene.happened("monotonic clocks backwards");
                self.scene.note(|| format!("the monotonic clocks went back by {by:?}"));
            }
        }
    }
}

/// Lets another document hold at this time, or one that can't: then nothing changes (law W16).
fn reload(world: &World, at: Duration, is_sound: bool) -> impl Future<Output = ()> + Send + use<> {
    let World { plan, stage, client, clock, scene, .. } = world;
    let (plan, stage, client) = (plan.clone(), stage.clone(), client.clone());
    let (clock, scene) = (clock.clone(), scene.clone());
    async move {
        clock.sleep(at).await;
        let before = client.generation();
        let reloaded = workshop::reload(&plan, &stage, &client, is_sound);
        let expected = if is_sound { before + 1 } else { before };
        if reloaded.is_ok() != is_sound || client.generation() != expected {
            scene.breach("W16", format_args!("a reload from generation {before}: {reloaded:?}"));
        }
        scene.lock().generation = client.generation();
        scene.note(|| format!("generation {expected} holds"));
    }
}

/// What the documents of a plan name: an upstream for each target, the store, and who watches.
fn stage(
    plan: &Arc<Plan>,
    scene: &Scene,
    clock: &TestClock,
    dice: &Dice,
    provider: &Shared,
) -> Result<Stage> {
    let targets = plan.layers.frame.targets.len();
    let mut upstreams = Vec::with_capacity(targets + 1);
    for index in 0..=targets {
        let mut limits = Limits::default();
        limits.frame = FRAME_LIMIT;
        let key = ApiKeys::bearer(&[Secret::new(key_of(index))])?;
        let service = Http::new(provider.named(upstream(index).into()), key).with_limits(limits);
        upstreams.push(Stack::new(service));
    }
    let fails = plan.layers.frame.store_fails.then(|| Dice::new(plan.seed, 2));
    let settles = plan.settles.then(|| dice.millis(1, 50));
    let counts = plan.layers.place("limit").map(|at| at + 1);
    let witness = Witness { level: 0, generation: 1, counts, scene: scene.clone(), settles };
    let buffer = dice.pick([0, 300, 2000, 32 << 10]);
    let vault = Vault::new(scene, clock, fails, plan.layers.rules.budget);
    Ok(Stage { vault, upstreams, witness, buffer })
}

/// What is lent to the client of a plan.
fn lent(
    plan: &Arc<Plan>,
    scene: &Scene,
    clock: &TestClock,
    spawner: &TestSpawner,
    dice: &Dice,
    wire: &'static Wire,
) -> Lent {
    let targets = plan.layers.frame.targets.len();
    let network = Upstream {
        plan: plan.clone(),
        wire,
        scene: scene.clone(),
        clock: clock.clone(),
        lines: AtomicU64::new(0),
        providers: (0..=targets).map(|index| upstream(index).into()).collect(),
    };
    let ear = Ear { scene: scene.clone(), canned: plan.layers.rules.canned.clone() };
    Lent {
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(SeededEntropy::new(dice.number())),
        spawner: Arc::new(spawner.clone()),
        transport: Arc::new(network),
        hooks: Hooks::default().with(move |signal: &Signal| ear.hear(signal)),
    }
}

/// How a call ended for its caller, where the caller was dropped: as Cancelled.
pub(super) fn end_of(seen: Option<EndKind>) -> EndKind {
    seen.unwrap_or(EndKind::Cancelled)
}
