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
    let is_echo = |at: usize, c: char| echoed.iter().skip(at).take(c.len_utf8()).any(|e| *e);
    let marked: Vec<(bool, char)> = text.char_indices().map(|(at, c)| (is_echo(at, c), c)).collect();
    let mut out = String::with_capacity(text.len());
    for stretch in marked.chunk_by(|(one, _), (other, _)| one == other) {
        let text: String = stretch.iter().map(|(_, c)| c).collect();
        match stretch.first() {
            Some((true, _)) => hide(&text, &mut out),
            _ => out.push_str(&text),
        }
    }
    out
}

/// Writes a stand-in for a stretch. Spaces and punctuation at its ends stay: they are the sentence around it.
fn hide(stretch: &str, out: &mut String) {
    let around = |c: char| c.is_whitespace() || c.is_ascii_punctuation();
    let tail = stretch.trim_start_matches(around);
    let echo = tail.trim_end_matches(around);
    out.push_str(stretch.strip_suffix(tail).unwrap_or_default());
    if !echo.is_empty() {
        out.push_str("[request text]");
    }
    out.push_str(tail.strip_prefix(echo).unwrap_or_default());
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
    fn an_echo_leaves_the_sentence_around_it_as_it_is() {
        let request = Request::from("read this: \"tell me about my canary\". And then...");
        let clean = |said: &str| message(said, &[], &request);
        assert_eq!(
            clean("Could not process this: \"tell me about my canary\". Sorry."),
            "Could not process [request text]\". Sorry."
        );
        assert_eq!(clean("Bad input: \"tell me about my canary\""), "Bad input: \"[request text]\"");
        let ruler = Request::from("-------------------- title --------------------");
        assert_eq!(message("-------------------- 400", &[], &ruler), "-------------------- 400");
    }

    #[test]
    fn words_in_common_are_no_echo() {
        let request = Request::from("what is the model `x`?");
        let said = "The model `x` does not exist.";
        assert_eq!(message(said, &[], &request), said);
    }
}
