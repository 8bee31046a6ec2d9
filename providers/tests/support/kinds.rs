//! The kinds of errors, in the words of the recordings.

use belvedere_core::error::ErrorKind;
use serde_json::Value;

/// The corpus's own word for a kind.
pub(crate) fn label(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ContextTooLong => "context_length",
        ErrorKind::ContentFiltered => "content_filter",
        ErrorKind::QuotaExhausted => "quota",
        other => other.category().name(),
    }
}

/// True when a kind is among the words of a recording.
pub(crate) fn is_among(kind: ErrorKind, acceptable: &Value) -> bool {
    acceptable.as_array().unwrap().iter().any(|word| word == label(kind))
}
