//! Values that are almost as they should be.

use serde_json::{Value, json};

/// Every value with one of its fields or items deleted, null, empty, or of another type, at any depth.
pub(crate) fn mutations(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let changed = |inner: &Value| {
        let odd = [Value::Null, json!(""), json!({}), json!([]), json!(7), json!(true)];
        odd.into_iter().chain(mutations(inner)).collect::<Vec<_>>()
    };
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut less = map.clone();
                less.remove(key);
                all.push(Value::Object(less));
                for new in changed(inner) {
                    let mut more = map.clone();
                    more.insert(key.clone(), new);
                    all.push(Value::Object(more));
                }
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                for new in changed(inner) {
                    let mut more = items.clone();
                    more[at] = new;
                    all.push(Value::Array(more));
                }
            }
        }
        _ => {}
    }
    all
}
