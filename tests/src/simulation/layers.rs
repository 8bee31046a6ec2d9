//! The layers that take part, in their canonical order.
//!
//! A new layer is one row in [`LAYERS`]: its name, and a function that draws a configuration and says what the layer
//! promises. Nothing else builds it.

use serde_json::Value;

use super::dice::Dice;
use super::promise::{Promise, Rules};
use super::settings;

/// A layer that can stand in a simulated stack.
struct Plug {
    name: &'static str,
    /// Draws its settings.
    draw: fn(&Dice, &Frame) -> Drawn,
}

/// The settings of a layer, as a configuration document has them, and what it does.
pub(super) struct Drawn {
    pub(super) config: Value,
    /// What it does to waits.
    pub(super) promise: Promise,
    /// Of the targets that stand beside what is inside it.
    pub(super) beside: Vec<Promise>,
    pub(super) rules: Rules,
    /// It makes one answer of what several attempts said, or says something else.
    pub(super) repeats: bool,
    /// It may have read what its reader has not, or take time after the end.
    pub(super) reads_ahead: bool,
}

impl Drawn {
    /// A layer that does no more than this to waits.
    pub(super) fn new(config: Value, promise: Promise) -> Self {
        let (beside, rules) = (Vec::new(), Rules::default());
        Drawn { config, promise, beside, rules, repeats: promise.attempts > 1, reads_ahead: false }
    }
}

/// What is the same in all generations of a run, so that none is told by what it does not have.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// The layers, outermost first.
    pub(super) layers: Vec<&'static str>,
    /// The layers of each further target of the route.
    pub(super) targets: Vec<Vec<&'static str>>,
    /// What goes wrong with the store, if anything does.
    pub(super) store_fails: bool,
}

impl Frame {
    pub(super) fn has(&self, layer: &str) -> bool {
        self.layers.contains(&layer)
    }

    /// In the row, or in a target of the route.
    pub(super) fn has_any(&self, layer: &str) -> bool {
        self.has(layer) || self.targets.iter().flatten().any(|name| *name == layer)
    }
}

/// The layers, outermost first.
const LAYERS: &[Plug] = &[
    Plug { name: "throttle", draw: settings::throttle },
    Plug { name: "budget", draw: settings::budget },
    Plug { name: "limit", draw: settings::limit },
    Plug { name: "choose", draw: settings::choose },
    Plug { name: "degrade", draw: settings::degrade },
    Plug { name: "route", draw: settings::route },
    Plug { name: "repair", draw: settings::repair },
    Plug { name: "retry", draw: settings::retry },
    Plug { name: "breaker", draw: settings::breaker },
    Plug { name: "timeout", draw: settings::timeout },
];

/// Those that may stand in a target beside the first.
const OF_TARGETS: [&str; 2] = ["retry", "breaker"];

/// The settings of a layer of this name.
pub(super) fn settings_of(name: &str, dice: &Dice, frame: &Frame) -> Option<Drawn> {
    LAYERS.iter().find(|plug| plug.name == name).map(|plug| (plug.draw)(dice, frame))
}

/// A layer of a run.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) name: &'static str,
    /// What each generation has for it.
    pub(super) configs: Vec<Value>,
    /// What is inside of it may end in another way than what is outside.
    pub(super) repeats: bool,
    pub(super) reads_ahead: bool,
}

/// The layers of a run in all of its generations, outermost first, and what they promise together.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) chosen: Vec<Chosen>,
    pub(super) frame: Frame,
    pub(super) promise: Promise,
    pub(super) rules: Rules,
}

impl Layers {
    /// A random part of the layers with random settings, in so many generations.
    pub(super) fn draw(dice: &Dice, generations: usize) -> Self {
        let names = LAYERS.iter().map(|plug| plug.name);
        // Few, many or all of them: each is alone with each, and all are together.
        let share = dice.pick([1, 2, 2, 3, 4]);
        let layers: Vec<_> = names.filter(|_| dice.below(4) < share).collect();
        let mut frame = Frame { layers, targets: Vec::new(), store_fails: dice.one_in(2) };
        if frame.has("route") {
            let target = |_| {
                let drawn = OF_TARGETS.into_iter().filter(|_| dice.one_in(2));
                drawn.chain(frame.has("timeout").then_some("timeout")).collect()
            };
            frame.targets = (0..dice.within(1, 2)).map(target).collect();
        }
        let blank =
            |name: &&'static str| Chosen { name, configs: Vec::new(), repeats: false, reads_ahead: false };
        let mut chosen: Vec<Chosen> = frame.layers.iter().map(blank).collect();
        let mut drawn = (0..generations.max(1)).map(|_| one_generation(dice, &frame, &mut chosen));
        let first = drawn.next().unwrap_or((Promise::NONE, Rules::default()));
        let (promise, rules) =
            drawn.fold(first, |(promise, rules), (other, next)| (promise.or(other), rules.then(next)));
        let rules = if frame.store_fails { rules.with_shares() } else { rules };
        Layers { chosen, frame, promise, rules }
    }

    /// Where the first layer of this name stands.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.chosen.iter().position(|chosen| chosen.name == name)
    }

    /// Where the outermost layer stands inside of which ends are of their own.
    pub(super) fn divide(&self) -> Option<usize> {
        self.chosen.iter().position(|chosen| chosen.repeats)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Whether all generations go on with a checkpoint.
    pub(super) fn resumes(&self) -> bool {
        let repair = self.chosen.iter().find(|chosen| chosen.name == "repair");
        repair.is_some_and(|repair| repair.configs.iter().all(|config| config["policy"] != "fail"))
    }
}

/// Draws the settings of all layers once more.
fn one_generation(dice: &Dice, frame: &Frame, chosen: &mut [Chosen]) -> (Promise, Rules) {
    let (mut promise, mut rules, mut beside) = (Promise::NONE, Rules::default(), Vec::new());
    for layer in chosen {
        let Some(drawn) = settings_of(layer.name, dice, frame) else { continue };
        promise = promise.around(drawn.promise);
        rules = rules.and(drawn.rules);
        beside.extend(drawn.beside);
        layer.repeats |= drawn.repeats;
        layer.reads_ahead |= drawn.reads_ahead;
        layer.configs.push(drawn.config);
    }
    // A call may be answered by any target, and wait in all of them before.
    for other in beside {
        let added = promise.added + other.added;
        promise = Promise { added, ..promise.or(other) };
    }
    (promise, rules)
}
