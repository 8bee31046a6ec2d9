//! Whether the beginning of an answer, the last message, can be gone on with.

use belvedere_core::message::{Message, Part, Role, ToolBy};
use belvedere_core::request::{Request, ResponseFormat};

use super::parameters::thinks;
use super::rule::Unless;

/// Why a target that goes on with answers can't do so with this one.
pub(super) fn refused(unless: &[Unless], request: &Request) -> Option<&'static str> {
    unfinished(request).or_else(|| unless.iter().find_map(|unless| unless.stands_against(request)))
}

/// Why the last message is not the beginning of an answer. Only text has an open end: thinking that was cut off is
/// begun anew, and behind a call comes its result.
fn unfinished(request: &Request) -> Option<&'static str> {
    let is_call = |part: &Part| matches!(part, Part::ToolCall { by: ToolBy::Client, .. });
    match request.messages.last() {
        Some(Message { role: Role::Assistant, parts, .. }) => {
            match parts.iter().rfind(|part| is_said(part)) {
                _ if parts.iter().any(is_call) => Some("behind a call of a tool comes its result"),
                Some(Part::Text { text, .. }) if !text.trim().is_empty() => None,
                _ => Some("the last message does not end in text"),
            }
        }
        _ => Some("the last message is not the assistant's"),
    }
}

/// True for a part that says something.
fn is_said(part: &Part) -> bool {
    !matches!(part, Part::Text { text, .. } if text.is_empty())
}

impl Unless {
    /// Why an answer can't be gone on with beside what is asked for.
    fn stands_against(self, request: &Request) -> Option<&'static str> {
        let format = request.response_format.as_ref();
        match (self, format) {
            (Unless::Thinks(when), _) if thinks(when, request) => Some("not while the model thinks"),
            (Unless::JsonObject, Some(ResponseFormat::JsonObject)) => {
                Some("the target does not take it together with a response_format of json_object")
            }
            (Unless::JsonSchema, Some(ResponseFormat::JsonSchema { .. })) => {
                Some("the target does not take it together with a response_format of json_schema")
            }
            _ => None,
        }
    }
}
