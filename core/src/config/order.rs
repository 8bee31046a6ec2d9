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

/// Checks that the layers of a document stand in order and that none stands twice.
pub(super) fn check(layers: &[Value], path: &str, findings: &mut Findings) {
    let mut seen: Vec<(usize, &str, usize)> = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let Some(name) = layer.get("type").and_then(Value::as_str) else { continue };
        let Some(place) = ORDER.iter().position(|known| *known == name) else { continue };
        let here = format!("{path}[{i}]");
        if let Some((first, ..)) = seen.iter().find(|(_, other, _)| *other == name) {
            findings.add(
                &here,
                format!(
                    "a second `{name}`; the first is {path}[{first}]; remove one, or set `order: as_written`"
                ),
            );
        } else if let Some((first, outer, _)) = seen.iter().find(|(_, _, other)| *other > place) {
            findings.add(
                &here,
                format!(
                    "`{name}` stands inside `{outer}` ({path}[{first}]) and belongs outside of it; \
                     reorder them, or set `order: as_written`"
                ),
            );
        }
        seen.push((i, name, place));
    }
}
