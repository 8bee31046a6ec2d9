//! Values of other kinds than their schemas tell: words beside objects, and what only reading a value tells.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tests::registry;
use crate::layer::Layer;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Unknown {
    /// Documented, so it has a branch of its own.
    #[default]
    Refuse,
    /// The same.
    Allow,
    /// A branch of another type.
    Assume {
        #[expect(dead_code, reason = "only its checks matter here")]
        price: u32,
    },
}

/// What only reading it tells: an even number.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(try_from = "u32")]
struct Even(#[expect(dead_code, reason = "only its checks matter here")] u32);

impl TryFrom<u32> for Even {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if number.is_multiple_of(2) { Ok(Even(number)) } else { Err("must be even") }
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Pairs {
    unknown: Unknown,
    often: Option<Unknown>,
    first: Even,
    second: Even,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its checks matter here")]
struct Step {
    width: Even,
    #[serde(default)]
    height: Even,
}

impl Layer for Pairs {}

fn fault_of_pairs(mut document: Value) -> String {
    let mut registry = registry();
    registry.layer::<Pairs>("pairs");
    document["type"] = "pairs".into();
    let document = json!({ "provider": { "type": "echo", "model": "m" }, "layers": [document] });
    registry
        .client_with(&document.into(), crate::testing::Simulation::new(1).lent())
        .map_or_else(|e| e.message().to_owned(), |_| String::new())
}

#[test]
fn a_word_beside_objects_is_told_all_that_is_allowed() {
    let allowed = "unknown value; allowed: refuse, allow, an object with `assume`";
    for (good, bad) in [("refuse", json!("deny")), ("allow", json!(3))] {
        assert_eq!(fault_of_pairs(json!({ "unknown": good, "often": good })), "");
        assert_eq!(fault_of_pairs(json!({ "unknown": bad })), format!("layers[0].unknown: {allowed}"));
        assert_eq!(fault_of_pairs(json!({ "often": bad })), format!("layers[0].often: {allowed}"));
    }
    assert_eq!(fault_of_pairs(json!({ "unknown": { "assume": { "price": 1 } } })), "");
    assert_eq!(
        fault_of_pairs(json!({ "unknown": { "assume": { "price": "1" } } })),
        "layers[0].unknown.assume.price: must be a whole number, is a string"
    );
}

#[test]
fn what_only_reading_tells_stands_beside_what_the_schema_tells() {
    let document = json!({
        "colour": true, "unknown": "deny", "first": 1, "second": 3,
        "steps": [{ "width": 5 }, { "width": "2", "height": 7 }, { "height": 2 }, { "width": 2, "height": 9 }],
    });
    let expected = "9 faults
  layers[0].colour: unknown field; allowed: first, often, second, steps, unknown
  layers[0].steps[1].width: must be a whole number, is a string
  layers[0].steps[2].width: is missing
  layers[0].unknown: unknown value; allowed: refuse, allow, an object with `assume`
  layers[0].first: must be even
  layers[0].second: must be even
  layers[0].steps[0].width: must be even
  layers[0].steps[1].height: must be even
  layers[0].steps[3].height: must be even";
    assert_eq!(fault_of_pairs(document), expected);
}
