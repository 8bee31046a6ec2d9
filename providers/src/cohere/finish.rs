//! Why an answer ended, in Cohere's words and ours.

use belvedere_core::event::{Finish, FinishReason};

/// Ours. The words of version 1 that gateways still send are among them.
pub(super) fn read(word: &str) -> FinishReason {
    match word.to_ascii_uppercase().as_str() {
        "COMPLETE" | "STOP_SEQUENCE" => FinishReason::Stop,
        "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
        "TOOL_CALL" => FinishReason::ToolCalls,
        "ERROR_TOXIC" => FinishReason::ContentFilter,
        "ERROR" | "TIMEOUT" => FinishReason::Error,
        _ => FinishReason::Other,
    }
}

/// Cohere's: its own where the answer is Cohere's. The wire asks for one.
pub(super) fn write(finish: Option<&Finish>) -> &str {
    let Some(finish) = finish else { return "COMPLETE" };
    let own = finish.raw.as_deref().filter(|word| Some(read(word)) == finish.reason);
    own.unwrap_or(match finish.reason {
        _ if finish.stop_sequence.is_some() => "STOP_SEQUENCE",
        Some(FinishReason::Length) => "MAX_TOKENS",
        Some(FinishReason::ToolCalls) => "TOOL_CALL",
        Some(FinishReason::ContentFilter) => "ERROR_TOXIC",
        Some(FinishReason::Error) => "ERROR",
        _ => "COMPLETE",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_and_written_back() {
        for word in ["COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TOOL_CALL", "ERROR_TOXIC", "TIMEOUT", "NEW"]
        {
            let finish = Finish { reason: Some(read(word)), raw: Some(word.into()), stop_sequence: None };
            assert_eq!(write(Some(&finish)), word);
        }
        let foreign =
            Finish { reason: Some(FinishReason::Length), raw: Some("length".into()), stop_sequence: None };
        assert_eq!(write(Some(&foreign)), "MAX_TOKENS");
        assert_eq!((read("complete"), read("USER_CANCEL")), (FinishReason::Stop, FinishReason::Other));
    }
}
