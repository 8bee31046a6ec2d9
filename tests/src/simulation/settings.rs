//! Random settings of each layer, and what the layer promises with them.

use std::time::Duration;

use serde_json::{Value, json};

use super::dice::Dice;
use super::layers::{Drawn, Frame, settings_of};
use super::promise::{ATTEMPTS, Allowed, Flow, Promise, Rules};
use super::workshop::{STORE, target};

/// The text of a last resort: it has no part of any answer.
const LAST_RESORT: &str = "{\"sorry\": \"nobody is there\"}";

/// How often a layer may ask its store while a caller waits, at most.
const STORE_OPERATIONS: u32 = 60;

fn millis(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

pub(super) fn throttle(dice: &Dice, _: &Frame) -> Drawn {
    let speed = |slowest: u64| (!dice.one_in(3)).then(|| format!("{}/s", dice.within(slowest, slowest * 50)));
    let config = json!({
        "tokens": speed(20), "bytes": speed(100), "events": speed(20),
        "by": dice.pick([None, Some("word"), Some("line"), Some("40ms")]),
        "window": dice.pick(["1ms", "100ms", "1s"]),
    });
    // Far more than the longest simulated answers take at the slowest speeds.
    Drawn { reads_ahead: true, ..Drawn::new(config, Promise::adding(Duration::from_secs(600))) }
}

pub(super) fn budget(dice: &Dice, _: &Frame) -> Drawn {
    let patience = dice.millis(20, 1000);
    let in_tokens = dice.one_in(2);
    let (prices, unit) = if in_tokens { ((1, 1), "tokens") } else { ((1000, 2000), "usd") };
    let tokens = dice.pick([0, 1500, 5000, 20_000, 1_000_000, 1_000_000]);
    let (amount, limit) = match in_tokens {
        true => (json!(tokens), tokens),
        // A dollar for a million tokens that are read, two for as many that are written.
        false => (json!(format!("{}.{:06}", tokens / 1_000_000, tokens % 1_000_000)), tokens * 1000),
    };
    let every = dice.pick(["never", "never", "30s", "1h", "1d"]);
    let abandoned = dice.pick(["close", "close", "drain"]);
    let config = json!({
        "store": STORE,
        "per": per(dice),
        "limit": { unit: amount, "every": every },
        "soft": dice.pick([None, Some(0.5)]),
        "top_up": dice.pick([5, 50, 500]),
        "max_output": 1000,
        "unknown_price": { "assume": { "input": 1, "output": 2 } },
        "on_store_failure": dice.pick(["closed", "closed", "open"]),
        "abandoned": abandoned,
        "drain_for": "20s",
        "keep": dice.pick([None, Some("0s"), Some("30d")]),
        "store_timeout": millis(patience),
    });
    let limit = i64::from(limit);
    let budget = Allowed { limit, is_once: every == "never", prices };
    let rules = Rules { budget: Some(budget), drains: abandoned == "drain", ..Rules::default() };
    let promise = Promise::adding(patience * STORE_OPERATIONS);
    Drawn { rules, reads_ahead: true, ..Drawn::new(config, promise) }
}

fn per(dice: &Dice) -> &'static [&'static str] {
    dice.pick([&[], &["tenant"]])
}

pub(super) fn limit(dice: &Dice, _: &Frame) -> Drawn {
    let (wait, patience) = (dice.pick([0, 2000, 30_000]), dice.millis(20, 1000));
    let wait = Duration::from_millis(wait);
    let counts = dice.pick([(true, false), (true, true), (false, true)]);
    let (requests, seconds) = (dice.within(1, 4), dice.within(1, 60));
    let (tokens, output) = (dice.pick([900, 2500, 10_000]), dice.within(1, 1200));
    let burst = dice.pick([None, Some(1), Some(3)]).filter(|_| counts.0);
    let speed = |units: u64| format!("{units}/{seconds}s");
    let in_store = dice.one_in(2);
    let on_failure = dice.pick(["closed", "degraded", "degraded", "open"]);
    let config = json!({
        "store": in_store.then_some(STORE),
        "per": per(dice),
        "requests": counts.0.then(|| speed(requests)),
        "tokens": counts.1.then(|| speed(tokens)),
        "burst": burst,
        "wait": millis(wait),
        "output": output,
        "on_store_failure": on_failure,
        "store_timeout": millis(patience),
    });
    let flow = |is_on: bool, burst: u64, units: u64| {
        // Who is let through when the store fails is bounded by nothing.
        let (burst, per_second) = (burst as f64, units as f64 / seconds as f64);
        (is_on && on_failure != "open").then_some(Flow { burst, per_second })
    };
    let rules = Rules {
        requests: flow(counts.0, burst.unwrap_or(requests), requests),
        tokens: flow(counts.1, tokens, tokens),
        output: output.min(tokens),
        ..Rules::default()
    };
    let promise = Promise::adding(wait + patience * STORE_OPERATIONS);
    Drawn { rules, reads_ahead: in_store, ..Drawn::new(config, promise) }
}

pub(super) fn choose(dice: &Dice, frame: &Frame) -> Drawn {
    let experiment = json!({
        "name": dice.pick(["a", "b"]),
        "arms": [{ "model": "simulated-1" }, { "model": "simulated-2" }],
        "by": dice.pick(["call", "session"]),
    });
    let config = json!({
        "rules": [{ "complexity_threshold": 0.1, "preferred": "simulated-3", "fallback": "simulated-2" }],
        "experiment": dice.one_in(2).then_some(experiment),
        "near_budget": frame.has("budget").then(|| json!({ "above": 0.5, "model": "simulated-2" })),
        "override": dice.one_in(2),
    });
    Drawn::new(config, Promise::NONE)
}

pub(super) fn degrade(dice: &Dice, _: &Frame) -> Drawn {
    let (model, answer) = (dice.pick([None, Some("simulated-2")]), dice.pick([None, Some(LAST_RESORT)]));
    let config = json!({ "model": model, "answer": answer });
    let attempts = if model.is_some() { 2 } else { 1 };
    let rules = Rules { canned: answer.into_iter().collect(), ..Rules::default() };
    let repeats = model.is_some() || answer.is_some();
    Drawn { rules, repeats, ..Drawn::new(config, Promise::repeating(attempts, Duration::ZERO)) }
}

pub(super) fn route(dice: &Dice, frame: &Frame) -> Drawn {
    let (mut targets, mut beside, mut rules) = (Vec::new(), Vec::new(), Rules::default());
    for (index, names) in frame.targets.iter().enumerate() {
        let (mut layers, mut promise) = (Vec::new(), Promise::NONE);
        for name in names {
            let Some(drawn) = settings_of(name, dice, frame) else { continue };
            promise = promise.around(drawn.promise);
            rules = rules.and(Rules { retries: None, ..drawn.rules });
            layers.push(typed(name, drawn.config));
        }
        let when = dice.pick([None, None, Some(["overloaded", "rate_limited", "timeout"])]);
        targets.push(target(index + 1, layers, dice.below(4), when));
        beside.push(promise);
    }
    let hedge = json!({ "quantile": 0.5, "max": 1.0, "min_samples": dice.within(1, 2) });
    let ejection = json!({
        "consecutive": dice.within(1, 3), "min_calls": 2, "failure_rate": 0.4, "base": "2s", "max": "10s",
    });
    let config = json!({
        "strategy": dice.pick(["priority", "priority", "weighted", "least_latency", "cost"]),
        "sticky": dice.pick([None, None, Some("session")]),
        "hedge": dice.one_in(2).then_some(hedge),
        "ejection": dice.one_in(2).then_some(ejection),
        "targets": targets,
    });
    let promise = Promise::repeating(ATTEMPTS, Duration::ZERO);
    Drawn { beside, rules, ..Drawn::new(config, promise) }
}

/// The document of a layer.
pub(super) fn typed(name: &str, mut config: Value) -> Value {
    if let Value::Object(map) = &mut config {
        map.insert("type".to_owned(), name.into());
    }
    config
}

pub(super) fn repair(dice: &Dice, _: &Frame) -> Drawn {
    let (further, backoff) = (dice.within(0, 3), dice.pick(["0s", "100ms", "5s"]));
    let policy = dice.pick(["fail", "restart", "continue", "continue", "continue"]);
    let config = json!({ "policy": policy, "attempts": further, "backoff": backoff });
    // Asking a target for less than it was asked for is not counted as a further attempt; the call's budget bounds all.
    let attempts = if policy == "fail" { 1 } else { ATTEMPTS };
    Drawn::new(config, Promise::repeating(attempts, Duration::from_secs(61)))
}

pub(super) fn retry(dice: &Dice, _: &Frame) -> Drawn {
    let attempts = dice.within(1, 5);
    let backoff = dice.pick([0, 100, 2000]);
    let (longest, wait) = (Duration::from_secs(dice.within(1, 8)), Duration::from_secs(dice.within(0, 90)));
    let retries = dice.pick([None, Some(0), Some(2), Some(100)]);
    let ratio = dice.pick([0.0, 0.3, 1.0]);
    let mut config = json!({
        "attempts": attempts,
        "backoff": millis(Duration::from_millis(backoff)),
        "max_backoff": millis(longest),
        "max_wait": millis(wait),
        "budget": retries.map(|retries| json!({ "retries": retries, "ratio": ratio })),
    });
    if let (true, Value::Object(map)) = (dice.one_in(4), &mut config) {
        map.insert("on".to_owned(), json!(["network", "overloaded", "circuit_open", "rate_limited"]));
    }
    let attempts = u32::try_from(attempts).unwrap_or(ATTEMPTS);
    let rules = Rules { retries: retries.map(|retries| (retries, ratio)), ..Rules::default() };
    Drawn { rules, ..Drawn::new(config, Promise::repeating(attempts, longest + wait)) }
}

pub(super) fn breaker(dice: &Dice, _: &Frame) -> Drawn {
    let (probes, lease) = (dice.within(1, 2), dice.pick([500, 10_000, 60_000]));
    let config = json!({
        "failures": dice.pick([None, Some(1), Some(1), Some(2), Some(3)]),
        "rate": dice.pick([None, Some(0.3)]),
        "min_calls": dice.within(1, 4),
        "window": dice.pick(["5s", "60s"]),
        "slow": dice.pick([None, Some("2s")]).map(|after| json!({ "after": after, "rate": 0.5 })),
        "open_for": dice.pick(["100ms", "1s", "20s"]),
        "probes": probes,
        "probe_lease": format!("{lease}ms"),
        "cooldown": dice.pick(["0s", "5s", "60s"]),
    });
    let probes = u32::try_from(probes).unwrap_or(1);
    let rules = Rules { probes: Some((probes, Duration::from_millis(lease))), ..Rules::default() };
    Drawn { rules, ..Drawn::new(config, Promise::NONE) }
}

pub(super) fn timeout(dice: &Dice, _: &Frame) -> Drawn {
    let limit = |longest| (!dice.one_in(4)).then(|| dice.millis(1, longest));
    let (connect, content) = (limit(500), limit(30_000));
    let (silence, whole) = (limit(15_000), limit(120_000));
    let text = |limit: Option<Duration>| limit.map(millis);
    let config = json!({
        "connect": text(connect), "first_event": text(content), "idle": text(silence), "total": text(whole),
    });
    Drawn::new(config, Promise { content, silence, whole, ..Promise::NONE })
}
