//! Secrets by reference: `{env: NAME}` and `{file: PATH}` become the text they stand for.

use serde_json::Value;

use super::Findings;

/// Replaces every reference below `value`. What can't be found is a finding, and the reference becomes an empty
/// string so that the rest is checked all the same.
pub(super) fn resolve(
    value: &mut Value,
    env: &dyn Fn(&str) -> Option<String>,
    path: &str,
    findings: &mut Findings,
) {
    match value {
        Value::Object(map) => {
            let only = match map.iter().next() {
                Some((key, Value::String(name))) if map.len() == 1 => Some((key.clone(), name.clone())),
                _ => None,
            };
            match only.as_ref().map(|(key, name)| (key.as_str(), name.as_str())) {
                Some(("env", name)) => {
                    let text = env(name).filter(|text| !text.is_empty());
                    if text.is_none() {
                        findings.add(path, format!("the environment variable {name} is not set"));
                    }
                    *value = Value::String(text.unwrap_or_default());
                }
                Some(("file", name)) => {
                    let text = std::fs::read_to_string(name);
                    if let Err(e) = &text {
                        findings.add(path, format!("the file {name} can't be read: {}", e.kind()));
                    }
                    *value = Value::String(text.unwrap_or_default().trim_end().to_owned());
                }
                _ => {
                    for (key, inner) in map.iter_mut() {
                        resolve(inner, env, &super::check::join(path, key), findings);
                    }
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                resolve(item, env, &format!("{path}[{i}]"), findings);
            }
        }
        _ => {}
    }
}
