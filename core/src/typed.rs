//! Typed structured output: a Rust type is the schema of the answer.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::completion::Completion;
use crate::error::{Error, ErrorKind, Result};
use crate::message::json_fault;
use crate::request::Schema;

/// An answer read into `T`, beside the answer it was read from.
#[derive(Debug, Clone)]
pub struct Typed<T> {
    /// The value.
    pub value: T,
    /// The answer.
    pub completion: Completion,
}

/// The strict schema of `T`: references inlined, and every object closed with all its fields required, which is
/// the subset that providers hold a model to. Bounds and formats of numbers are left out: some providers refuse
/// them, and reading the answer checks them anyway.
pub(crate) fn schema_of<T: JsonSchema>() -> Schema {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let name: String =
        T::schema_name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(64).collect();
    close(&mut schema);
    Schema::new(name, schema)
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                let names = properties.keys().cloned().map(Value::String).collect();
                map.insert("required".into(), Value::Array(names));
                map.insert("additionalProperties".into(), Value::Bool(false));
            }
            if map.get("type").is_some_and(is_number) {
                map.retain(|name, _| !OF_NUMBERS.contains(&name.as_str()));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What schemas of Rust's number types say beside their type.
const OF_NUMBERS: [&str; 5] = ["format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

/// True for the type of a number, alone or beside others (`["integer", "null"]`).
fn is_number(kind: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(is_number),
        kind => kind == "integer" || kind == "number",
    }
}

/// Reads the text of an answer into `T`.
///
/// # Errors
/// `Malformed` when the text is not JSON of that shape, with the answer as `partial`; `ContentFiltered` is not
/// made up here: a refusal is `Malformed` as well, and `partial` tells which words were used.
pub(crate) fn read<T: DeserializeOwned>(completion: Completion) -> Result<Typed<T>> {
    let text = completion.text();
    match serde_json::from_str(&text) {
        Ok(value) => Ok(Typed { value, completion }),
        Err(e) => {
            let refused = completion.refusal().is_some();
            let what = if refused { "the model declined" } else { "the answer does not fit the schema" };
            Err(Error::new(ErrorKind::Malformed, format!("{what}: {}", json_fault(&e)))
                .with_partial(completion))
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[derive(JsonSchema, serde::Deserialize, Debug, PartialEq)]
    struct City {
        name: String,
        mayor: Option<Person>,
    }

    #[derive(JsonSchema, serde::Deserialize, Debug, PartialEq)]
    struct Person {
        age: u32,
    }

    #[test]
    fn a_type_is_a_closed_schema_without_references() {
        let schema = schema_of::<City>();
        assert_eq!(schema.name, "City");
        let text = schema.schema.unwrap().to_string();
        assert!(!text.contains("$ref"), "{text}");
        assert_eq!(text.matches("\"additionalProperties\":false").count(), 2);
        assert!(text.contains("\"required\":[\"mayor\",\"name\"]"), "{text}");
        assert!(text.contains(r#""age":{"type":"integer"}"#), "{text}");
    }

    #[test]
    fn a_refusal_is_an_error_that_keeps_the_answer() {
        let mut completion = Completion::of_text("I can't");
        completion.choices[0].parts = vec![crate::message::Part::Refusal { text: "I can't".into() }];
        let error = read::<City>(completion).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert_eq!(error.partial().unwrap().refusal().as_deref(), Some("I can't"));
        assert!(!error.to_string().contains("can't"), "no answer text in the error");
    }

    #[test]
    fn an_answer_becomes_a_value() {
        let typed: Typed<City> = read(Completion::of_text(r#"{"name":"Ulm","mayor":{"age":50}}"#)).unwrap();
        assert_eq!(typed.value, City { name: "Ulm".into(), mayor: Some(Person { age: 50 }) });
    }
}
