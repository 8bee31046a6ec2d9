//! Why an answer ended, in Converse's words and in ours.

use belvedere_core::event::FinishReason;

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>, `stopReason`; the last two
/// are words of Claude's that pass through.
pub(super) fn finish_reason(raw: &str) -> FinishReason {
    match raw {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "guardrail_intervened" | "content_filtered" => FinishReason::ContentFilter,
        "malformed_model_output" | "malformed_tool_use" => FinishReason::Error,
        "refusal" => FinishReason::Refusal,
        "pause_turn" => FinishReason::Pause,
        _ => FinishReason::Other,
    }
}

/// The mirror of [`finish_reason`].
pub(super) fn word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter => "content_filtered",
        FinishReason::Refusal => "refusal",
        FinishReason::Pause => "pause_turn",
        FinishReason::Error => "malformed_model_output",
        _ => "end_turn",
    }
}
