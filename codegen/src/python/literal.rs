//! JSON values as Python writes them.

use serde_json::Value;

/// The text of a value: `True`, `"text"`, `["a", 1]`.
pub(super) fn of(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(of).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let fields = map.iter().map(|(name, value)| format!("{name:?}: {}", of(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// The text of a value that can't be changed, as a default must be: `("a", "b")`. `None`: it has no such form.
pub(super) fn fixed(value: &Value) -> Option<String> {
    match value {
        Value::Object(_) => None,
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(fixed).collect::<Option<_>>()?;
            Some(match items.as_slice() {
                [one] => format!("({one},)"),
                items => format!("({})", items.join(", ")),
            })
        }
        other => Some(of(other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_python_does() {
        assert_eq!(of(&json!({"a": [true, null, 0.5, "x\"y"]})), r#"{"a": [True, None, 0.5, "x\"y"]}"#);
        assert_eq!(fixed(&json!(["a"])).unwrap(), "(\"a\",)");
        assert_eq!(fixed(&json!([])).unwrap(), "()");
        assert_eq!(fixed(&json!([{}])), None);
    }
}
