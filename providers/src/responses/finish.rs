//! Why an answer ended, in the words of the wire.

use belvedere_core::SmolStr;
use belvedere_core::event::{Finish, FinishReason};

use super::wire::Response;

/// The end that a response tells: of its status, or of the reason why it is not complete. The wire has one word
/// for an answer that is done and for one that calls tools, so `calls` decides.
pub(super) fn of(response: &Response<'_>, calls: bool) -> Finish {
    let incomplete = response.incomplete_details.0.as_ref().and_then(|details| details.reason.get());
    let status = response.status.get();
    let raw = incomplete.filter(|_| status != Some("completed")).or(status);
    Finish { reason: raw.and_then(|raw| reason(raw, calls)), raw: raw.map(SmolStr::new), stop_sequence: None }
}

/// `None` for an answer that is still to be made: one that was asked for in the background. A word that is not in
/// the table is `Other`, never `Stop`.
fn reason(raw: &str, calls: bool) -> Option<FinishReason> {
    Some(match raw {
        "completed" | "complete" if calls => FinishReason::ToolCalls,
        "completed" | "complete" => FinishReason::Stop,
        "max_output_tokens" | "max_tokens" | "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        "failed" => FinishReason::Error,
        "queued" | "in_progress" => return None,
        _ => FinishReason::Other,
    })
}
