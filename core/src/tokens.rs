//! Counting tokens before a provider does.

use std::fmt::Debug;

use crate::message::{Media, Message, Part};
use crate::request::{Request, Tool};

/// Counts the tokens a provider will count. It never fails, and its time is linear in the text.
///
/// A counter says how many tokens a text has; what a request adds around its texts is the same for all of them,
/// after OpenAI's cookbook ("How to count tokens with tiktoken").
pub trait TokenCounter: Send + Sync + Debug + 'static {
    /// The tokens of a text. Markers such as `<|endoftext|>` are plain text.
    fn text(&self, text: &str) -> u64;

    /// The tokens of a medium. Default: [`MEDIA_TOKENS`], or [`LOW_DETAIL_TOKENS`] where it asks for low detail.
    fn media(&self, media: &Media) -> u64 {
        match media.extra.get("detail").and_then(|detail| detail.as_str()) {
            Some("low") => LOW_DETAIL_TOKENS,
            _ => MEDIA_TOKENS,
        }
    }

    /// The tokens of a message, with what surrounds it.
    fn message(&self, message: &Message) -> u64 {
        let name = message.name.as_ref().map_or(0, |name| self.text(name).saturating_add(PER_NAME));
        let parts = message.parts.iter().map(|part| part_tokens(self, part));
        parts.fold(PER_MESSAGE.saturating_add(name), u64::saturating_add)
    }

    /// The tokens of a request: messages, inputs, tools and the schema of the answer, before the answer itself.
    fn request(&self, request: &Request) -> u64 {
        let messages = request.messages.iter().map(|message| self.message(message));
        let inputs = request.input.iter().map(|text| self.text(text));
        let tools = request.tools.iter().map(|tool| tool_tokens(self, tool));
        let schema = request.response_format.iter().map(|format| json_tokens(self, format));
        let primed = if request.messages.is_empty() { 0 } else { PER_ANSWER };
        messages.chain(inputs).chain(tools).chain(schema).fold(primed, u64::saturating_add)
    }
}

/// What a message costs around its text.
const PER_MESSAGE: u64 = 3;
/// What a name costs beside its text.
const PER_NAME: u64 = 1;
/// What primes the answer.
const PER_ANSWER: u64 = 3;
/// What a tool costs around its definition.
const PER_TOOL: u64 = 7;

/// What a medium counts as: an image of 1024 x 1024 in high detail (OpenAI, "Images and vision": 85 for the image,
/// 170 for each of its 4 tiles). For other media it is a stand-in.
pub const MEDIA_TOKENS: u64 = 765;
/// What an image in low detail counts as (same source).
pub const LOW_DETAIL_TOKENS: u64 = 85;

fn part_tokens<C: TokenCounter + ?Sized>(counter: &C, part: &Part) -> u64 {
    match part {
        Part::Text { text, .. } | Part::Refusal { text } => counter.text(text),
        // The signature is not read as text: it stands for the thinking.
        Part::Reasoning { text, .. } => counter.text(text),
        Part::ToolCall { name, input, .. } => {
            PER_MESSAGE.saturating_add(counter.text(name)).saturating_add(counter.text(input))
        }
        Part::ToolResult { content, .. } => {
            content.iter().map(|part| part_tokens(counter, part)).fold(0, u64::saturating_add)
        }
        Part::Media(media) => counter.media(media),
        Part::Opaque { data, .. } => json_tokens(counter, data),
    }
}

fn tool_tokens<C: TokenCounter + ?Sized>(counter: &C, tool: &Tool) -> u64 {
    PER_TOOL.saturating_add(json_tokens(counter, tool))
}

fn json_tokens<C: TokenCounter + ?Sized>(counter: &C, value: &impl serde::Serialize) -> u64 {
    // What has no JSON form is not sent either.
    serde_json::to_string(value).map_or(0, |json| counter.text(&json))
}

/// Estimates tokens from the kinds of characters, without any model's vocabulary.
///
/// An ASCII letter or space is a quarter of a token, a digit a third, an ASCII sign half of one; a letter of the
/// two-byte scripts (accents, Greek, Cyrillic, Hebrew, Arabic) half of one, of the three-byte scripts (Chinese,
/// Japanese, Korean, Indic) one; what takes four bytes (emoji) two. The sum is rounded up. How far
/// it is off depends on the model and on the text: leave a margin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate;

impl TokenCounter for Estimate {
    fn text(&self, text: &str) -> u64 {
        twelfths_of(text).div_ceil(TWELFTHS)
    }
}

/// The parts of a token that estimates are counted in, so that pieces of a text add up.
pub const TWELFTHS: u64 = 12;

/// What a text costs by estimate, in twelfths of a token.
pub fn twelfths_of(text: &str) -> u64 {
    text.bytes().map(|byte| u64::from(COSTS.get(usize::from(byte)).copied().unwrap_or_default())).sum()
}

/// What each byte costs.
const COSTS: [u8; 256] = {
    let mut costs = [0; 256];
    let mut rest: &mut [u8] = &mut costs;
    let mut byte = 0;
    while let Some((cost, after)) = rest.split_first_mut() {
        *cost = twelfths(byte);
        byte = byte.wrapping_add(1);
        rest = after;
    }
    costs
};

/// What a character costs, charged to its first byte.
const fn twelfths(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 4,
        b'a'..=b'z' | b'A'..=b'Z' | b' ' => 3,
        0..=0x7f => 6,
        // Bytes after the first of a character (RFC 3629).
        0x80..=0xbf => 0,
        0xc0..=0xdf => 6,
        0xe0..=0xef => 12,
        0xf0..=0xff => 24,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::message::{MediaKind, MediaSource, Role};
    use crate::request::Function;

    #[test]
    fn characters_count_by_their_kind() {
        let counts = ["", "a", "four", "four five", "2026", "{}", "Müller", "Привет", "你好", "안녕", "🦀"];
        assert_eq!(counts.map(|text| Estimate.text(text)), [0, 1, 1, 3, 2, 1, 2, 3, 2, 2, 2]);
    }

    #[test]
    fn x3_x4_hostile_text_is_plain_text() {
        assert_eq!(Estimate.text("<|endoftext|>"), 5);
        assert_eq!(Estimate.text(&"a".repeat(100_000)), 25_000);
    }

    #[test]
    fn x9_a_request_counts_all_that_is_sent() {
        assert_eq!(Estimate.request(&Request::default()), 0);
        let four = |n: usize| "four".repeat(n);
        let plain = Request::new(vec![Message::system(four(10)), Message::user(four(5))]);
        assert_eq!(Estimate.request(&plain), (3 + 10) + (3 + 5) + 3);
        let tool = Function::new("look_up", "finds", json!({"type": "object"}));
        assert!(Estimate.request(&plain.clone().with_tools([tool])) > Estimate.request(&plain) + PER_TOOL);
        let embedding = Request::embed([four(2), four(3)]);
        assert_eq!(Estimate.request(&embedding), 5);
    }

    #[test]
    fn x10_a_medium_has_its_own_price_and_not_that_of_its_bytes() {
        let data = MediaSource::Data { mime: "image/png".into(), data: Bytes::from(vec![0; 1 << 20]) };
        let mut media = Media::new(MediaKind::Image, data);
        let count =
            |media: &Media| Estimate.message(&Message::new(Role::User, vec![Part::Media(media.clone())]));
        assert_eq!(count(&media), 3 + MEDIA_TOKENS);
        media.extra.insert("detail".into(), json!("low"));
        assert_eq!(count(&media), 3 + LOW_DETAIL_TOKENS);
    }
}
