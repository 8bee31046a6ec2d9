//! Finding what looks like a secret in text: one detector for all that is written down (cassettes, records, audits).
//!
//! It knows the shapes that issuers document (prefix, alphabet, least length) and, for all others, long random-looking
//! words that are introduced as a key, token, secret or password. A fingerprint is never the secret: a finding says
//! what kind of secret starts where.

/// A stretch of text that looks like a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// What it looks like.
    pub kind: &'static str,
    /// Where it starts, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
}

/// A documented shape: what it starts with, and how many characters of its alphabet follow at least.
struct Shape {
    kind: &'static str,
    prefix: &'static str,
    follow: usize,
}

const fn shape(kind: &'static str, prefix: &'static str, follow: usize) -> Shape {
    Shape { kind, prefix, follow }
}

/// Longer prefixes first. Sources: each issuer's documentation of its token format; GitHub, "About authentication",
/// "Token formats"; AWS IAM, "Unique identifiers"; RFC 7519 for JSON web tokens (`eyJ` is base64 of `{"`).
const SHAPES: [Shape; 19] = [
    shape("Anthropic key", "sk-ant-", 20),
    shape("OpenRouter key", "sk-or-", 20),
    shape("OpenAI key", "sk-proj-", 20),
    shape("API key", "sk-", 20),
    shape("AWS access key id", "AKIA", 16),
    shape("AWS session key id", "ASIA", 16),
    shape("AWS Bedrock key", "ABSK", 40),
    shape("Google API key", "AIza", 35),
    shape("Google OAuth token", "ya29.", 20),
    shape("GitHub token", "github_pat_", 22),
    shape("GitHub token", "ghp_", 30),
    shape("GitHub token", "gho_", 30),
    shape("GitHub token", "ghu_", 30),
    shape("GitHub token", "ghs_", 30),
    shape("Slack token", "xox", 20),
    shape("Hugging Face token", "hf_", 30),
    shape("Groq key", "gsk_", 30),
    shape("xAI key", "xai-", 40),
    shape("JSON web token", "eyJ", 60),
];

/// What a private key begins with (RFC 7468).
const PEM: (&str, &str) = ("-----BEGIN ", "PRIVATE KEY-----");

/// Words that introduce a secret, in lower case.
const WORDS: [&str; 8] =
    ["api_key", "api-key", "apikey", "access_token", "secret", "password", "bearer ", "authorization"];

/// The least length of a random-looking word, in characters.
const WORD: usize = 24;

/// Entropy above which a word looks random, in bits a character. English words have about 3, hexadecimal digits 4.
const RANDOM: f64 = 3.2;

/// How far behind its introduction a random-looking word may begin, in bytes.
const NEAR: usize = 8;

/// Everything in `text` that looks like a secret, in order of their beginnings.
///
/// ```
/// use belvedere_core::secrets::find;
///
/// let found = find("key: AKIAABCDEFGHIJKLMNOP.");
/// assert_eq!((found[0].kind, found[0].start), ("AWS access key id", 5));
/// assert!(find("I asked for a token of 24 letters").is_empty());
/// ```
pub fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = words(text).filter_map(|(start, word)| shaped(start, word)).collect();
    let begins = |(at, _): (usize, &str)| text.get(at..).and_then(|rest| rest.lines().next());
    found.extend(text.match_indices(PEM.0).filter_map(|(at, begin)| {
        let line = begins((at, begin))?;
        let end = line.find(PEM.1)? + PEM.1.len();
        Some(Found { kind: "private key", start: at, end: at + end })
    }));
    found.extend(
        introduced(text)
            .filter(|new| !found.iter().any(|f| f.start < new.end && new.start < f.end))
            .collect::<Vec<_>>(),
    );
    found.sort_by_key(|f| f.start);
    found
}

/// The words of a text as keys are written, with where they start.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || "-_.+/=~".contains(c);
    let mut rest = 0;
    std::iter::from_fn(move || {
        let tail = text.get(rest..)?;
        let start = rest + tail.find(is_key)?;
        let word = text.get(start..)?;
        let word = word.get(..word.find(|c| !is_key(c)).unwrap_or(word.len()))?;
        rest = start + word.len();
        Some((start, word))
    })
}

/// The documented shape a word has. Names and their value stand together in headers and queries: `key=sk-...`.
fn shaped(start: usize, word: &str) -> Option<Found> {
    let begin = word.rfind('=').filter(|at| at + 1 < word.len()).map_or(0, |at| at + 1);
    let value = word.get(begin..)?.trim_end_matches(['.', '=']);
    let fits = |shape: &&Shape| {
        value.strip_prefix(shape.prefix).is_some_and(|rest| {
            rest.len() >= shape.follow && rest.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        })
    };
    let shape = SHAPES.iter().find(fits)?;
    Some(Found { kind: shape.kind, start: start + begin, end: start + begin + value.len() })
}

/// Random-looking words right behind a word that introduces a secret.
fn introduced(text: &str) -> impl Iterator<Item = Found> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for introduction in WORDS {
        for (at, _) in lower.match_indices(introduction) {
            let from = at + introduction.len();
            let Some(tail) = text.get(from..) else { continue };
            let Some((start, word)) = words(tail).find(|(_, word)| word.len() > 1) else { continue };
            let value = word.trim_start_matches('=').trim_end_matches(['.', '=']);
            let start = from + start + (word.len() - word.trim_start_matches('=').len());
            if start <= from + NEAR && value.len() >= WORD && is_random(value) {
                found.push(Found { kind: "key or token", start, end: start + value.len() });
            }
        }
    }
    found.sort_by_key(|f| f.start);
    found.dedup_by_key(|f| f.start);
    found.into_iter()
}

/// Letters and digits mixed, and too many different ones for a word.
fn is_random(word: &str) -> bool {
    let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
    mixed && entropy(word) >= RANDOM
}

/// Shannon's entropy of the bytes of a word, in bits a byte (Shannon 1948, section 6).
fn entropy(word: &str) -> f64 {
    let mut counts = [0u32; 256];
    for byte in word.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let share = |count: &u32| f64::from(*count) / f64::from(u32::try_from(word.len()).unwrap_or(u32::MAX));
    counts.iter().filter(|count| **count > 0).map(share).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text).into_iter().map(|found| found.kind).collect()
    }

    /// Keys are put together here, so that nothing that looks like one stands in this file.
    fn key(prefix: &str, length: usize) -> String {
        let letters = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz".chars().cycle();
        format!("{prefix}{}", letters.take(length).collect::<String>())
    }

    #[test]
    fn documented_shapes_are_found_wherever_they_stand() {
        for (prefix, kind) in [
            ("sk-ant-api03-", "Anthropic key"),
            ("sk-proj-", "OpenAI key"),
            ("sk-", "API key"),
            ("AKIA", "AWS access key id"),
            ("AIza", "Google API key"),
            ("ghp_", "GitHub token"),
            ("gsk_", "Groq key"),
            ("xai-", "xAI key"),
        ] {
            let key = key(prefix, 60);
            for text in [
                key.clone(),
                format!("Bearer {key}"),
                format!("{{\"k\":\"{key}\"}}"),
                format!("https://x.example/?key={key}&a=b"),
                format!("your key {key}."),
            ] {
                let found = find(&text);
                assert_eq!(found.len(), 1, "{text}: {found:?}");
                assert_eq!((found[0].kind, &text[found[0].start..found[0].end]), (kind, key.as_str()));
            }
        }
        assert_eq!(kinds(&format!("eyJ{}", key("", 80))), ["JSON web token"]);
        assert_eq!(kinds(&format!("-----BEGIN RSA {}\nMII", "PRIVATE KEY-----")), ["private key"]);
    }

    #[test]
    fn random_words_count_where_a_secret_is_introduced() {
        let random = key("", 40);
        for text in [
            format!("api_key={random}"),
            format!("\"secret\": \"{random}\""),
            format!("Authorization: Bearer {random}"),
            format!("password: {random}"),
        ] {
            assert_eq!(kinds(&text), ["key or token"], "{text}");
        }
        assert_eq!(kinds(&format!("the digest is {random}")), [""; 0]);
    }

    #[test]
    fn ordinary_text_and_the_ids_of_providers_are_no_secrets() {
        for text in [
            "sk-learn is a library; ask-and-answer-sessions-are-long-hyphenated-words",
            "max_tokens: 100, total_tokens: 12345",
            "The secret of the sky is Rayleigh scattering, as the password was not told.",
            "{\"id\":\"chatcmpl-AbCdEf0123456789AbCdEf0123456789\",\"system_fingerprint\":\"fp_0123456789\"}",
            "toolu_01A09q90qw90lq917835lq9, resp_0123456789abcdef0123456789abcdef",
            "authorization: <scrubbed>",
            "secret: internationalization-considerations",
            "",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
    }
}
