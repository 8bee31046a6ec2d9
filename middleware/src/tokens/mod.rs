//! Counting tokens as the provider will: exactly where its vocabulary is public, by calibrated estimate elsewhere.
//!
//! [`counter`] chooses by model. [`Counted`] remembers what it has counted, for conversations that grow. Layers on the
//! way of every call count with [`Estimate`](belvedere_core::tokens::Estimate), unless they are given a counter: it needs
//! no vocabulary.

mod calibrated;
mod counted;
mod encoding;
mod merge;
mod split;
mod tiktoken;
mod vocabulary;

use std::sync::Arc;

use belvedere_core::tokens::TokenCounter;

pub use calibrated::{Calibrated, Family};
pub use counted::Counted;
pub use encoding::Encoding;
pub use tiktoken::Tiktoken;

/// The best counter for a model: tiktoken's encoding where it has one, else the estimate of its family.
///
/// ```
/// use belvedere_middleware::tokens::counter;
///
/// assert_eq!(counter("gpt-4").text("tiktoken is great!"), 6, "exact");
/// assert_eq!(counter("claude-sonnet-4-5").text("tiktoken is great!"), 6, "estimated");
/// ```
pub fn counter(model: &str) -> Arc<dyn TokenCounter> {
    match Encoding::for_model(model) {
        Some(encoding) => Arc::new(Tiktoken::new(encoding)),
        None => Arc::new(Calibrated::for_model(model)),
    }
}
