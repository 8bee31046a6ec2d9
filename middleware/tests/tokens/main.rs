//! Counts of tokens beside those of tiktoken.

mod texts;

use belvedere_core::tokens::TokenCounter;
use belvedere_middleware::tokens::{Encoding, Tiktoken};
use proptest::prelude::*;
use serde_json::Value;

const ENCODINGS: [Encoding; 2] = [Encoding::O200kBase, Encoding::Cl100kBase];

/// Made by Python's tiktoken 0.14.0 (`len(encoding.encode_ordinary(text))`): one line a text, with its count in each
/// encoding.
const VECTORS: &str = include_str!("vectors.jsonl");

#[test]
fn counts_are_those_of_pythons_tiktoken() {
    let mut rows = 0;
    for line in VECTORS.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = row["text"].as_str().unwrap();
        for encoding in ENCODINGS {
            assert_eq!(
                row[encoding.as_str()],
                Tiktoken::new(encoding).text(text),
                "{}: {text:?}",
                encoding.as_str()
            );
        }
        rows += 1;
    }
    assert_eq!(rows, 126);
}

/// The count of the crate that the vocabularies come from, whose matcher and merging are its own.
fn theirs(encoding: Encoding, text: &str) -> u64 {
    let encoder = match encoding {
        Encoding::O200kBase => tiktoken_rs::o200k_base_singleton(),
        _ => tiktoken_rs::cl100k_base_singleton(),
    };
    encoder.encode_ordinary(text).len() as u64
}

#[test]
fn counts_are_those_of_tiktoken_on_recorded_texts() {
    let texts = texts::recorded();
    if texts.is_empty() {
        println!("skipped: there are no recordings beside the checkout");
        return;
    }
    for encoding in ENCODINGS {
        let counter = Tiktoken::new(encoding);
        let (mut same, mut tokens) = (0, 0);
        for text in &texts {
            let count = theirs(encoding, text);
            assert_eq!(counter.text(text), count, "{}: {text:?}", encoding.as_str());
            (same, tokens) = (same + 1, tokens + count);
        }
        println!("{}: {same} of {} texts equal, {tokens} tokens", encoding.as_str(), texts.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn counts_are_those_of_tiktoken_on_random_texts(text in texts::random()) {
        for encoding in ENCODINGS {
            prop_assert_eq!(Tiktoken::new(encoding).text(&text), theirs(encoding, &text), "{}", encoding.as_str());
        }
    }
}
