//! Random values for the properties of endpoints, and what is done with all of them.

use belvedere_core::completion::Completion;
use belvedere_core::event::Event;
use belvedere_core::request::{Function, Tool};
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::json;

/// A name or an id.
pub(crate) fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,12}"
}

/// A text that says something, with all that JSON has to escape.
pub(crate) fn text() -> impl Strategy<Value = String> {
    ".{1,20}"
}

/// A number that JSON carries exactly.
pub(crate) fn number() -> impl Strategy<Value = f64> {
    (-8i32..8).prop_map(|n| f64::from(n) / 4.0)
}

/// The arguments of a call, written as our JSON is.
pub(crate) fn arguments() -> impl Strategy<Value = String> {
    prop_oneof![Just("{}".to_owned()), text().prop_map(|text| json!({"a": text, "b": [1, null]}).to_string())]
}

/// A function of the client.
pub(crate) fn function() -> impl Strategy<Value = Tool> {
    (word(), proptest::option::of(text())).prop_map(|(name, description)| {
        let mut function = Function::new(name, "", json!({"type": "object", "properties": {}}));
        function.description = description;
        Tool::Function(function)
    })
}

/// The events of an answer.
pub(crate) fn events(answer: &Completion) -> Vec<Event> {
    let events = StreamExt::collect::<Vec<_>>(answer.clone().into_events()).now_or_never();
    events.into_iter().flatten().filter_map(Result::ok).collect()
}

/// Compares by JSON: what differs is seen at once.
pub(crate) fn assert_same<T: Serialize>(found: &T, wanted: &T) {
    assert_eq!(json!(found), json!(wanted));
}
