//! The names a model goes by.

use std::iter::from_fn;

/// What the table calls a provider: the name a configuration gives it, or one that other tools use.
pub(super) fn provider(name: &str) -> &str {
    match name {
        "azure_ai" | "azure_openai" | "azure-openai" => "azure",
        "amazon-bedrock" | "aws" | "bedrock_converse" | "bedrock_mantle" => "bedrock",
        "cohere_chat" => "cohere",
        "fireworks_ai" | "fireworks-ai" => "fireworks",
        "gemini" | "google-ai-studio" | "google-gla" => "google",
        "google-vertex" | "google-vertex-anthropic" | "vertex_ai" => "vertex",
        "codestral" | "mistralai" => "mistral",
        "moonshotai" => "moonshot",
        "togetherai" | "together_ai" => "together",
        "x-ai" => "xai",
        "z-ai" | "zhipuai" => "zai",
        other => other,
    }
}

/// The names to look a model up by, the fullest first: as it is, then without what says where and when it runs.
///
/// ```
/// use belvedere_middleware::prices::names;
///
/// let all: Vec<&str> = names("models/gemini-2.5-flash-2025-06-17").collect();
/// assert_eq!(all, ["models/gemini-2.5-flash-2025-06-17", "gemini-2.5-flash-2025-06-17", "gemini-2.5-flash"]);
/// ```
pub fn names(model: &str) -> impl Iterator<Item = &str> {
    // The next form is looked for when it is asked for: most models are found by their own name.
    let mut last = None;
    from_fn(move || {
        last = match last {
            None => Some(model),
            Some(name) => Some(shorter(name)?),
        };
        last
    })
}

/// The regions that Amazon puts before a model ("Supported Regions and models for inference profiles").
const REGIONS: &[&str] =
    &["us.", "us-gov.", "eu.", "apac.", "ap.", "jp.", "au.", "ca.", "sa.", "me.", "il.", "global."];

/// The folders that resource names of Google, Amazon and Fireworks end with before the model.
const FOLDERS: &[&str] = &["models/", "inference-profile/", "foundation-model/", "endpoints/"];

fn shorter(name: &str) -> Option<&str> {
    let in_folder = || FOLDERS.iter().find_map(|folder| Some(name.rsplit_once(folder)?.1));
    let folder = name.contains('/').then(in_folder).flatten();
    let region = || REGIONS.iter().find_map(|region| name.strip_prefix(region));
    // Google writes `claude-sonnet-4@20250514`.
    let version = || Some(name.rsplit_once('@')?.0);
    // A fine-tuned model: `ft:gpt-4o-mini:organisation:name:id` costs what `ft:gpt-4o-mini` does.
    let tuned = || {
        let (base, _) = name.strip_prefix("ft:")?.split_once(':')?;
        name.get(.."ft:".len() + base.len())
    };
    let latest = || name.strip_suffix("-latest").or_else(|| name.strip_suffix(":latest"));
    folder.or_else(region).or_else(version).or_else(tuned).or_else(latest).or_else(|| undated(name))
}

/// The name without its date: `-2024-08-06`, `-20250929` or `-2507` at its end.
fn undated(name: &str) -> Option<&str> {
    let is_date = |tail: &str| match tail.as_bytes() {
        [b'-', date @ ..] if date.len() == 8 || date.len() == 4 => date.iter().all(u8::is_ascii_digit),
        [b'-', y @ .., b'-', _, _, b'-', _, _] if y.len() == 4 => {
            tail.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit())
        }
        _ => false,
    };
    ["-2024-08-06", "-20250929", "-2507"].iter().find_map(|form| {
        let (head, tail) = name.split_at_checked(name.len().checked_sub(form.len())?)?;
        (is_date(tail) && !head.is_empty()).then_some(head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_says_where_and_when() {
        for (model, last) in [
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4o", "gpt-4o"),
            ("models/gemini-2.5-flash", "gemini-2.5-flash"),
            ("publishers/anthropic/models/claude-haiku-4-5@20251001", "claude-haiku-4-5"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
            (
                "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-lite-v1:0",
                "amazon.nova-lite-v1:0",
            ),
            ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
            ("mistral-large-2411", "mistral-large"),
            ("ft:gpt-4o-mini-2024-07-18:acme::abc", "ft:gpt-4o-mini"),
            ("llama3.2:latest", "llama3.2"),
            ("-2507", "-2507"),
            ("日本-20250929", "日本"),
            ("日本語", "日本語"),
            ("", ""),
        ] {
            assert_eq!(names(model).last(), Some(last), "{model}");
        }
        let all: Vec<_> = names("us.anthropic.claude-opus-4@20250514").collect();
        assert_eq!(
            all,
            [
                "us.anthropic.claude-opus-4@20250514",
                "anthropic.claude-opus-4@20250514",
                "anthropic.claude-opus-4"
            ]
        );
    }
}
