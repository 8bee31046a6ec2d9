//! Keeping keys and prompts out of what a provider says: providers echo both.

use std::collections::HashSet;

use smol_str::SmolStr;

use crate::message::Part;
use crate::request::Request;

/// An echo shorter than this may be chance: words people and providers share.
const ECHO: usize = 20;

/// The provider's sentence without the secrets that signed the request and without stretches of its texts.
pub(crate) fn message(message: &str, secrets: &[SmolStr], request: &Request) -> String {
    let mut text = message.to_owned();
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        text = text.replace(secret.as_str(), "***");
    }
    let mut windows = HashSet::new();
    for message in request.messages.iter() {
        message.parts.iter().for_each(|p| add_part(p, &mut windows));
    }
    request.input.iter().for_each(|t| add(t, &mut windows));
    without_echoes(&text, &windows)
}

fn add_part<'a>(part: &'a Part, windows: &mut HashSet<&'a [u8]>) {
    match part {
        Part::Text { text, .. } | Part::Reasoning { text, .. } | Part::Refusal { text } => add(text, windows),
        Part::ToolCall { input, .. } => add(input, windows),
        Part::ToolResult { content, .. } => content.iter().for_each(|p| add_part(p, windows)),
        Part::Media(_) | Part::Opaque { .. } => {}
    }
}

fn add<'a>(text: &'a str, windows: &mut HashSet<&'a [u8]>) {
    windows.extend(text.as_bytes().windows(ECHO));
}

/// Replaces every stretch of `text` that also stands in the request.
fn without_echoes(text: &str, windows: &HashSet<&[u8]>) -> String {
    let mut echoed = vec![false; text.len()];
    for (at, window) in text.as_bytes().windows(ECHO).enumerate() {
        if windows.contains(window) {
            echoed.iter_mut().skip(at).take(ECHO).for_each(|e| *e = true);
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, c) in text.char_indices() {
        let hidden = echoed.get(at..at + c.len_utf8()).is_some_and(|bytes| bytes.contains(&true));
        match (hidden, inside) {
            (true, false) => out.push_str("[request text]"),
            (true, true) => {}
            (false, _) => out.push(c),
        }
        inside = hidden;
    }
    out
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn keys_and_prompts_do_not_come_back() {
        let request = Request::from("my canary is 0123456789 and it must not leak, äöü included");
        let said =
            "Incorrect key sk-canary: could not read \"canary is 0123456789 and it must not leak, äöü\" at 3";
        let clean = message(said, &["sk-canary".into()], &request);
        assert_eq!(clean, "Incorrect key ***: could not read \"[request text]\" at 3");
    }

    #[test]
    fn words_in_common_are_no_echo() {
        let request = Request::from("what is the model `x`?");
        let said = "The model `x` does not exist.";
        assert_eq!(message(said, &[], &request), said);
    }
}
