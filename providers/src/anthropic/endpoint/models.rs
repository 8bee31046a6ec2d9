//! Lists of models.

use belvedere_core::completion::Completion;
use belvedere_core::event::Model;
use serde::Serialize;
use serde_json::{Value, json};

/// The body of a list, which is all there is.
#[derive(Debug, Serialize)]
pub(super) struct List<'a> {
    data: Vec<Value>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

impl<'a> List<'a> {
    pub(super) fn of(answer: &'a Completion) -> Self {
        let models = &answer.models;
        List {
            data: models.iter().map(model).collect(),
            has_more: false,
            first_id: models.first().map(|model| model.id.as_str()),
            last_id: models.last().map(|model| model.id.as_str()),
        }
    }
}

/// A model. The provider's own object stays when it is one of this wire.
fn model(model: &Model) -> Value {
    let is = |key: &str, text: &str| model.raw.get(key).is_some_and(|value| value == text);
    if is("type", "model") && is("id", &model.id) {
        return model.raw.clone();
    }
    let name = model.name.as_deref().unwrap_or(&model.id);
    json!({ "type": "model", "id": model.id, "display_name": name, "created_at": "1970-01-01T00:00:00Z" })
}
