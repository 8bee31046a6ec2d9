//! Why an answer ended, in the words of OpenAI-compatible servers.

use belvedere_core::event::{Finish, FinishReason};

use super::wire::Choice;

/// The end that a choice tells, if it does. An empty word counts as none.
pub(crate) fn of(choice: &Choice<'_>) -> Option<Finish> {
    let word = choice.finish_reason.get()?;
    Some(Finish {
        reason: Some(reason(word)),
        raw: Some(word.into()),
        stop_sequence: choice.stop_reason.get().map(Into::into),
    })
}

/// Our reason for a server's word. A word that is not in the table is `Other`, never `Stop`.
///
/// OpenAI's own five first, then those of servers that have more: `eos_token` and `stop_sequence` (Hugging Face),
/// `eos` (Together), `model_length` (Mistral), `sensitive` and `network_error` (Z.ai),
/// `insufficient_system_resource` (DeepSeek), `error` (OpenRouter, Mistral). Gateways in front of Anthropic hand on
/// its words: `end_turn`, `max_tokens`, `tool_use`.
pub(super) fn reason(word: &str) -> FinishReason {
    match word {
        "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" => FinishReason::Stop,
        "length" | "model_length" | "max_tokens" => FinishReason::Length,
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "content_filter" | "sensitive" => FinishReason::ContentFilter,
        "refusal" => FinishReason::Refusal,
        "error" | "network_error" | "insufficient_system_resource" => FinishReason::Error,
        _ => FinishReason::Other,
    }
}
