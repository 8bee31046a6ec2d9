//! The whole stack under a seed: scripted upstreams with faults, random callers, and the laws after every step.
//!
//! One seed is one run, and the same seed is the same run, byte for byte (law W17). `docs/simulation.md` says how it
//! works, how a failing seed is replayed, and how a layer is plugged in.

mod answer;
mod books;
mod caller;
mod campaign;
mod check;
mod dice;
mod fault;
mod layers;
mod plan;
mod promise;
mod quotas;
mod scene;
mod script;
mod settings;
mod signals;
mod tally;
mod upstream;
mod vault;
mod wire;
mod witness;
mod workshop;
mod world;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use belvedere::EndKind;

pub use campaign::{checked, known_seeds};
pub use fault::{Fault, Position};
pub use plan::Act;
pub use scene::Breach;
pub use tally::Tally;
pub use vault::{Asked, STORE_FAULTS};

use plan::Plan;
use world::World;

/// The key that signs every simulated request, and must show nowhere else.
const KEY: &str = "sk-simulated-0f3a9c-this-key-must-never-show";

/// The key of one of the upstreams.
fn key_of(upstream: usize) -> String {
    format!("{KEY}-{upstream}")
}

/// What no text may hold: whose key, prompt or answer it would be.
fn secrets_of(call: usize) -> [(&'static str, String); 3] {
    [("the key", KEY.to_owned()), ("the prompt", prompt(call)), ("the answer", format!("c{call}.a"))]
}

/// What a call asks; it must show nowhere but on the wire.
fn prompt(call: usize) -> String {
    format!("the prompt of call {call}, which must never show in any text")
}

/// One run, when it is over.
#[derive(Debug)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// The laws that were broken.
    pub breaches: Vec<Breach>,
    /// What happened, line by line; empty when nobody asked for it.
    pub log: String,
    /// The wire that was spoken.
    pub wire: &'static str,
    /// The layers that took part.
    pub layers: Vec<&'static str>,
    /// The faults that happened, and where.
    pub faults: Vec<(Fault, Position)>,
    /// What callers did, and where the wire stood.
    pub acts: Vec<(Act, Position)>,
    /// What else happened, by name.
    pub happened: BTreeSet<&'static str>,
    /// What went wrong with the store, and what it was asked for.
    pub store_faults: BTreeSet<(&'static str, Asked)>,
    /// How the calls ended.
    pub ends: Vec<EndKind>,
    /// How many steps it took.
    pub steps: u64,
    /// How much time passed in it.
    pub elapsed: Duration,
}

/// Runs a seed. `telling`: with its log.
pub fn run(seed: u64, telling: bool) -> Run {
    let plan = Plan::draw(seed);
    let wire = wire::all().get(plan.wire).map_or("", |wire| wire.name());
    let layers = plan.layers.frame.layers.clone();
    let head = if telling { opening(&plan, wire) } else { String::new() };
    let mut run = Run {
        seed,
        breaches: Vec::new(),
        log: head,
        wire,
        layers,
        faults: Vec::new(),
        acts: Vec::new(),
        happened: BTreeSet::new(),
        store_faults: BTreeSet::new(),
        ends: Vec::new(),
        steps: 0,
        elapsed: Duration::ZERO,
    };
    match World::new(plan, telling) {
        Ok(mut world) => {
            world.run();
            let mut state = world.scene.lock();
            run.breaches = std::mem::take(&mut state.breaches);
            run.log.push_str(&state.log);
            run.faults = std::mem::take(&mut state.faults);
            run.acts = std::mem::take(&mut state.acts);
            run.happened = std::mem::take(&mut state.happened);
            run.store_faults = std::mem::take(&mut state.store_faults);
            run.ends = state.calls.iter().map(|seen| world::end_of(seen.end)).collect();
            (run.steps, run.elapsed) = (state.step, state.elapsed);
        }
        Err(error) => {
            let what = format!("the client can't be built: {error}");
            run.breaches.push(Breach { law: "setup", what, step: 0 });
        }
    }
    run
}

/// The first lines of a log: what the seed has chosen.
fn opening(plan: &Plan, wire: &str) -> String {
    let mut text = format!("seed {} over {wire}\n", plan.seed);
    for chosen in &plan.layers.chosen {
        for (generation, config) in chosen.configs.iter().enumerate() {
            let _ = writeln!(text, "layer {} of generation {}: {config}", chosen.name, generation + 1);
        }
    }
    for (at, is_sound) in &plan.reloads {
        let _ = writeln!(
            text,
            "reload at {at:?}, of a document that is {}",
            if *is_sound { "sound" } else { "not" }
        );
    }
    for (call, caller) in plan.callers.iter().enumerate() {
        let _ = writeln!(text, "call {call}: {caller:?}");
    }
    text
}
