//! The order of layers, outermost first: one list for code, configuration and documentation.

use serde_json::Value;

use super::Findings;

/// The layers in their canonical order, outermost first. A layer that is not among them may stand anywhere.
pub const ORDER: [&str; 16] = [
    "observe",
    "throttle",
    "audit",
    "guard",
    "budget",
    "limit",
    "choose",
    "degrade",
    "cache",
    "context",
    "prompt_cache",
    "route",
    "repair",
    "retry",
    "breaker",
    "timeout",
];

/// Checks that the layers of a document stand in order, those of a route's targets too, that none stands twice, and
/// that retries have one owner.
pub(super) fn check(layers: &[Value], path: &str, findings: &mut Findings) {
    let mut seen: Vec<Place<'_>> = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let Some(name) = name_of(layer) else { continue };
        let Some(rank) = ORDER.iter().position(|known| *known == name) else { continue };
        let here = format!("{path}[{i}]");
        if let Some(first) = seen.iter().find(|other| other.name == name) {
            let first = first.index;
            findings.add(
                &here,
                format!(
                    "a second `{name}`; the first is {path}[{first}]; remove one, or set `order: as_written`"
                ),
            );
        } else if let Some(outer) = seen.iter().find(|other| other.rank > rank) {
            let (outer, first) = (outer.name, outer.index);
            findings.add(
                &here,
                format!(
                    "`{name}` stands inside `{outer}` ({path}[{first}]) and belongs outside of it; \
                     reorder them, or set `order: as_written`"
                ),
            );
        }
        for (at, inner) in layers_of_targets(layer, &here) {
            check(inner, &at, findings);
            // Outside of the route it would repeat what the target's own repeats already: attempts multiply.
            if let Some(retry) = seen.iter().find(|other| other.name == "retry")
                && let Some(j) = inner.iter().position(|layer| name_of(layer) == Some("retry"))
            {
                let what =
                    format!("a second owner of retries; the other is {path}[{}]; remove one", retry.index);
                findings.add(&format!("{at}[{j}]"), what);
            }
        }
        seen.push(Place { index: i, name, rank });
    }
}

/// Where a layer stands in its list, and in the canonical order.
struct Place<'a> {
    index: usize,
    name: &'a str,
    rank: usize,
}

fn name_of(layer: &Value) -> Option<&str> {
    layer.get("type").and_then(Value::as_str)
}

/// The lists of layers inside a layer, with their paths.
fn layers_of_targets<'a>(layer: &'a Value, path: &str) -> Vec<(String, &'a [Value])> {
    let targets = layer.get("targets").and_then(Value::as_array).into_iter().flatten().enumerate();
    let layers = |(i, target): (usize, &'a Value)| {
        let layers = target.get("layers").and_then(Value::as_array)?;
        Some((format!("{path}.targets[{i}].layers"), layers.as_slice()))
    };
    targets.filter_map(layers).collect()
}
