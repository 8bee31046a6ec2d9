//! Hard cases that several wires are put through.

use serde_json::{Value, json};

/// Every value with one of its fields deleted, null, empty or of another type, at any depth.
pub(crate) fn mutations(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let Value::Object(map) = value else { return all };
    for (key, inner) in map {
        let mut less = map.clone();
        less.remove(key);
        all.push(Value::Object(less));
        let other = if inner.is_object() { json!([7]) } else { json!({"odd": [1]}) };
        let changed = [Value::Null, json!(""), json!({}), json!([]), json!(-1.5), other];
        all.extend(changed.into_iter().chain(mutations(inner)).map(|new| {
            let mut more = map.clone();
            more.insert(key.clone(), new);
            Value::Object(more)
        }));
    }
    all
}
