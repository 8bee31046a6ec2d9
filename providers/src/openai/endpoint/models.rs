//! Lists of models.

use belvedere_core::completion::Completion;
use belvedere_core::event::Model;
use serde::Serialize;
use serde_json::{Value, json};

/// The body of a list.
#[derive(Debug, Serialize)]
pub(super) struct List {
    object: &'static str,
    data: Vec<Value>,
}

impl List {
    pub(super) fn of(answer: &Completion) -> Self {
        List { object: "list", data: answer.models.iter().map(model).collect() }
    }
}

/// A model. The provider's own object stays when it is one of this wire.
fn model(model: &Model) -> Value {
    let is = |key: &str, text: &str| model.raw.get(key).is_some_and(|value| value == text);
    if is("object", "model") && is("id", &model.id) {
        return model.raw.clone();
    }
    let mut own = json!({ "id": model.id, "object": "model", "created": 0, "owned_by": "" });
    if let (Some(name), Some(map)) = (&model.name, own.as_object_mut()) {
        map.insert("name".into(), name.as_str().into());
    }
    own
}
