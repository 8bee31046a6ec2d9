//! The layers that take part, in their canonical order.
//!
//! A new layer is one row in [`LAYERS`]: its name, and a function that draws a configuration and says what the layer
//! promises. Nothing else knows it.

use std::sync::Arc;
use std::time::Duration;

use belvedere::layer::Layer;
use belvedere::middleware::repair::Repair;
use belvedere::middleware::throttle::Throttle;
use belvedere::middleware::timeout::Timeout;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::dice::Dice;

/// How many attempts a call makes at most, where its options do not say.
pub(super) const ATTEMPTS: u32 = 8;

/// A layer that can stand in a simulated stack.
struct Plug {
    name: &'static str,
    /// Draws its settings.
    draw: fn(&Dice) -> Drawn,
}

/// The settings of a layer, as a configuration document has them, and what it does to waits.
struct Drawn {
    config: Value,
    layer: Option<Arc<dyn Layer>>,
    effect: Effect,
}

/// What a layer does to the waits of a call.
enum Effect {
    /// It ends a call that takes longer.
    Limits { content: Option<Duration>, silence: Option<Duration>, whole: Option<Duration> },
    /// It makes up to so many attempts of one call, and waits this long between them, all together.
    Repeats(u32, Duration),
    /// It hands out later than it reads, by this much.
    Delays(Duration),
}

/// The longest waits a stack allows. `None`: for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise {
    /// Until the first content of an attempt.
    content: Option<Duration>,
    /// Between two signs of life of an attempt, once content has come.
    silence: Option<Duration>,
    /// An attempt, in all.
    whole: Option<Duration>,
    attempts: u32,
    added: Duration,
}

/// The layers, outermost first.
const LAYERS: &[Plug] = &[
    Plug { name: "throttle", draw: throttle },
    Plug { name: "repair", draw: repair },
    Plug { name: "timeout", draw: timeout },
];

/// A layer of a run.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) name: &'static str,
    pub(super) config: Value,
    pub(super) layer: Arc<dyn Layer>,
    /// How many attempts it may make of one call.
    pub(super) attempts: u32,
    /// It may have read what its reader has not.
    pub(super) reads_ahead: bool,
}

/// A random part of the layers with random settings, outermost first, and what they promise together.
pub(super) fn draw(dice: &Dice) -> (Vec<Chosen>, Promise) {
    let none = Promise { content: None, silence: None, whole: None, attempts: 1, added: Duration::ZERO };
    let (mut chosen, mut promise) = (Vec::new(), none);
    for plug in LAYERS {
        if dice.one_in(3) {
            continue;
        }
        let drawn = (plug.draw)(dice);
        let Some(layer) = drawn.layer else { continue };
        let (mut attempts, mut reads_ahead) = (1, false);
        match drawn.effect {
            Effect::Limits { content, silence, whole } => {
                promise = Promise { content, silence, whole, ..promise }
            }
            Effect::Repeats(times, between) => {
                attempts = times;
                promise.attempts *= times;
                promise.added += between;
            }
            Effect::Delays(time) => {
                reads_ahead = true;
                promise.added += time;
            }
        }
        chosen.push(Chosen { name: plug.name, config: drawn.config, layer, attempts, reads_ahead });
    }
    (chosen, promise)
}

impl Promise {
    /// True when no call under it can wait for ever.
    pub(super) fn ends_every_call(self) -> bool {
        self.whole.is_some() || (self.content.is_some() && self.silence.is_some())
    }

    /// The longest a call waits whose wires are silent by plan for `scripted`, all attempts together, and for ever at
    /// the end of each.
    pub(super) fn bound(self, scripted: Duration) -> Option<Duration> {
        let whole = self.whole.map(|whole| whole * self.attempts);
        let pair = self.content.zip(self.silence);
        let parts = pair.map(|(content, silence)| (content + silence) * self.attempts + scripted);
        Some(whole.into_iter().chain(parts).min()? + self.added)
    }
}

fn of_config<L: Layer + DeserializeOwned>(config: &Value) -> Option<Arc<dyn Layer>> {
    serde_json::from_value::<L>(config.clone()).ok().map(|layer| Arc::new(layer) as Arc<dyn Layer>)
}

fn throttle(dice: &Dice) -> Drawn {
    let speed = |slowest: u64| (!dice.one_in(3)).then(|| format!("{}/s", dice.within(slowest, slowest * 50)));
    let config = json!({
        "tokens": speed(20), "bytes": speed(100), "events": speed(20),
        "by": dice.pick([None, Some("word"), Some("line"), Some("40ms")]),
        "window": dice.pick(["1ms", "100ms", "1s"]),
    });
    // Far more than the longest simulated answers take at the slowest speeds.
    Drawn { layer: of_config::<Throttle>(&config), config, effect: Effect::Delays(Duration::from_secs(600)) }
}

fn repair(dice: &Dice) -> Drawn {
    let (further, backoff) = (dice.within(0, 3), dice.pick(["0s", "100ms", "5s"]));
    let policy = dice.pick(["fail", "restart", "continue", "continue", "continue"]);
    let config = json!({ "policy": policy, "attempts": further, "backoff": backoff });
    // Asking a target for less than it was asked for is not counted as a further attempt; the call's budget bounds all.
    let attempts = if policy == "fail" { 1 } else { ATTEMPTS };
    let effect = Effect::Repeats(attempts, Duration::from_secs(61) * attempts);
    Drawn { layer: of_config::<Repair>(&config), config, effect }
}

fn timeout(dice: &Dice) -> Drawn {
    let limit = |longest| (!dice.one_in(4)).then(|| dice.millis(1, longest));
    let (connect, content) = (limit(500), limit(30_000));
    let (silence, whole) = (limit(15_000), limit(120_000));
    let text = |limit: Option<Duration>| limit.map(|time| format!("{}ms", time.as_millis()));
    let config = json!({
        "connect": text(connect), "first_event": text(content), "idle": text(silence), "total": text(whole),
    });
    Drawn { layer: of_config::<Timeout>(&config), config, effect: Effect::Limits { content, silence, whole } }
}
