//! What Azure's content filter found: kept beside the text, and never sent back.
//!
//! Reference: "Content filtering" and "Content streaming" of Azure OpenAI. Each chunk tells of its own text; with
//! the asynchronous filter a chunk without text tells of text that came earlier.

use serde_json::{Map, Value};

use super::answer::filled;
use super::wire::Raw;

/// The name in a part's `extra`. It is no wire's, so it goes nowhere.
const NAME: &str = "azure.content_filter";

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    /// The latest findings, as text: what a server repeats in every chunk costs no second reading.
    latest: String,
    answer: Map<String, Value>,
    prompt: Option<Value>,
}

impl Filters {
    /// Findings about the answer, by category. One that made the filter act stays.
    pub(crate) fn add(&mut self, raw: Raw<'_>) {
        let Some(text) = filled(raw).filter(|text| *text != self.latest) else { return };
        text.clone_into(&mut self.latest);
        let Ok(found) = serde_json::from_str::<Map<String, Value>>(text) else { return };
        let acted = |value: &Value| value.get("filtered").is_some_and(|filtered| *filtered == true);
        for (category, value) in found {
            if !self.answer.get(&category).is_some_and(acted) {
                self.answer.insert(category, value);
            }
        }
    }

    /// Findings about the prompt.
    pub(crate) fn add_prompt(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let found: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        self.prompt = (!found.is_empty()).then_some(Value::Array(found));
    }

    /// The fields of a part's `extra` that tell them; `None` when there are none.
    pub(crate) fn take(&mut self) -> Option<Map<String, Value>> {
        let mut fields = Map::new();
        if !self.answer.is_empty() {
            fields.insert("content_filter_results".into(), Value::Object(std::mem::take(&mut self.answer)));
        }
        if let Some(prompt) = self.prompt.take() {
            fields.insert("prompt_filter_results".into(), prompt);
        }
        (!fields.is_empty()).then(|| Map::from_iter([(NAME.to_owned(), Value::Object(fields))]))
    }
}
