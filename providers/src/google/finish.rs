//! Why an answer ended, in Google's words and in ours.

use belvedere_core::SmolStr;
use belvedere_core::event::{Finish, FinishReason};
use serde_json::value::RawValue;

/// <https://ai.google.dev/api/generate-content#FinishReason> and Vertex AI's list beside it.
const REASONS: [(&str, FinishReason); 21] = [
    ("STOP", FinishReason::Stop),
    ("MAX_TOKENS", FinishReason::Length),
    ("SAFETY", FinishReason::ContentFilter),
    ("RECITATION", FinishReason::ContentFilter),
    ("BLOCKLIST", FinishReason::ContentFilter),
    ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
    ("SPII", FinishReason::ContentFilter),
    ("MODEL_ARMOR", FinishReason::ContentFilter),
    ("IMAGE_SAFETY", FinishReason::ContentFilter),
    ("IMAGE_PROHIBITED_CONTENT", FinishReason::ContentFilter),
    ("IMAGE_RECITATION", FinishReason::ContentFilter),
    ("ESCALATION", FinishReason::ContentFilter),
    ("PUP_LIMITED_DISABLED", FinishReason::ContentFilter),
    ("CONTINUATION", FinishReason::Pause),
    ("MALFORMED_FUNCTION_CALL", FinishReason::Error),
    ("MALFORMED_RESPONSE", FinishReason::Error),
    ("UNEXPECTED_TOOL_CALL", FinishReason::Error),
    ("TOO_MANY_TOOL_CALLS", FinishReason::Error),
    ("MISSING_THOUGHT_SIGNATURE", FinishReason::Error),
    ("OTHER", FinishReason::Other),
    ("IMAGE_OTHER", FinishReason::Other),
];

/// The numbers both enumerations share, for answers with `enum-encoding=int`.
const NUMBERS: [&str; 6] =
    ["FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER"];

/// The provider's word; `None` for null and an empty one.
pub(super) fn word(raw: Option<&RawValue>) -> Option<SmolStr> {
    let text = raw?.get();
    let word = match serde_json::from_str::<&str>(text) {
        Ok(word) => word,
        Err(_) => text.parse::<usize>().ok().map(|n| NUMBERS.get(n).copied().unwrap_or(text))?,
    };
    (!word.is_empty()).then(|| word.into())
}

/// Our reason for the provider's word. It says `STOP` also when the client has tools to run.
pub(super) fn reason(word: &str, has_calls: bool) -> FinishReason {
    let found = REASONS.iter().find(|(known, _)| *known == word);
    match found.map_or(FinishReason::Other, |(_, reason)| *reason) {
        FinishReason::Stop if has_calls => FinishReason::ToolCalls,
        reason => reason,
    }
}

/// The provider's word for an end: its own where it is one, else the nearest.
pub(super) fn word_for(finish: &Finish) -> &str {
    if let Some(own) = finish.raw.as_deref().filter(|raw| REASONS.iter().any(|(known, _)| known == raw)) {
        return own;
    }
    match finish.reason {
        Some(FinishReason::Length) => "MAX_TOKENS",
        Some(FinishReason::ContentFilter | FinishReason::Refusal) => "SAFETY",
        Some(FinishReason::Error) => "MALFORMED_RESPONSE",
        // A word yet unknown here may be Google's: they are all of this form.
        Some(FinishReason::Other) => finish.raw.as_deref().filter(|raw| is_word(raw)).unwrap_or("OTHER"),
        Some(FinishReason::Pause) => "OTHER",
        _ => "STOP",
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}
