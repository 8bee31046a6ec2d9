//! Whether a conversation ends in the beginning of the answer.

use belvedere_core::message::{Message, Part, Role};

/// True when the last message is the assistant's and ends in text. On a wire without a field for it that alone asks
/// the model to go on with the message. One that ends in a call of a server's tool asks for its result instead.
pub(crate) fn is_begun(messages: &[Message]) -> bool {
    let last = messages.last().filter(|message| message.role == Role::Assistant);
    last.is_some_and(|message| matches!(message.parts.last(), Some(Part::Text { .. })))
}
