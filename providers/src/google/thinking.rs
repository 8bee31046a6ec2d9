//! How much a model should think, as its family takes it.

use belvedere_core::request::{Effort, Reasoning};
use serde_json::{Map, Value};

/// How a family of models is told.
#[derive(Debug, Clone, Copy)]
enum Scale {
    /// Tokens for none, minimal, low, medium, high and xhigh effort.
    Budget([u64; 6]),
    /// A word for each of them.
    Level([&'static str; 6]),
}

/// Families by the beginning of a model's name, the more special first. Figures and words:
/// <https://ai.google.dev/gemini-api/docs/thinking> for what each takes, and the table of
/// <https://ai.google.dev/gemini-api/docs/openai#thinking> for what an effort is. Where thinking can't be turned off,
/// the least there is stands for none.
const FAMILIES: [(&str, Scale); 5] = [
    ("gemini-2.5-pro", Scale::Budget([128, 1024, 1024, 8192, 24_576, 32_768])),
    ("gemini-2", Scale::Budget([0, 1024, 1024, 8192, 24_576, 24_576])),
    ("gemini-3-pro", Scale::Level(["low", "low", "low", "high", "high", "high"])),
    ("gemini-3.1-pro", Scale::Level(["low", "low", "low", "medium", "high", "high"])),
    ("", Scale::Level(["minimal", "minimal", "low", "medium", "high", "high"])),
];

/// The `thinkingConfig` for `model`. Thoughts are shown unless thinking is off.
pub(super) fn config(model: &str, reasoning: &Reasoning) -> Map<String, Value> {
    let mut config = Map::new();
    let name = model.rsplit('/').next().unwrap_or(model);
    let scale = FAMILIES.iter().find(|(family, _)| name.starts_with(family)).map(|(_, scale)| *scale);
    match (reasoning.max_tokens, reasoning.effort, scale) {
        (Some(tokens), _, _) => {
            config.insert("thinkingBudget".into(), tokens.into());
        }
        (None, Some(effort), Some(Scale::Budget(tokens))) => {
            config.extend(tokens.get(rank(effort)).map(|n| ("thinkingBudget".to_owned(), (*n).into())));
        }
        (None, Some(effort), Some(Scale::Level(words))) => {
            config.extend(words.get(rank(effort)).map(|word| ("thinkingLevel".to_owned(), (*word).into())));
        }
        (None, _, _) => {}
    }
    let off = match reasoning.max_tokens {
        Some(tokens) => tokens == 0,
        None => reasoning.effort == Some(Effort::None),
    };
    if !off {
        config.insert("includeThoughts".into(), true.into());
    }
    config
}

fn rank(effort: Effort) -> usize {
    match effort {
        Effort::None => 0,
        Effort::Minimal => 1,
        Effort::Low => 2,
        Effort::Medium => 3,
        Effort::High => 4,
        _ => 5,
    }
}

/// What a `thinkingConfig` asks for, the mirror of [`config`]. What has no place in it is left in the map.
pub(super) fn read(config: &mut Map<String, Value>) -> Reasoning {
    let mut reasoning = Reasoning::default();
    if let Some(tokens) = config.get("thinkingBudget").and_then(Value::as_u64) {
        reasoning.max_tokens = Some(tokens);
        config.remove("thinkingBudget");
    }
    let word = config.get("thinkingLevel").and_then(Value::as_str).map(str::to_ascii_lowercase);
    reasoning.effort = match word.as_deref() {
        Some("minimal") => Some(Effort::Minimal),
        Some("low") => Some(Effort::Low),
        Some("medium") => Some(Effort::Medium),
        Some("high") => Some(Effort::High),
        _ => None,
    };
    if reasoning.effort.is_some() {
        config.remove("thinkingLevel");
    }
    let off = reasoning.max_tokens == Some(0);
    match config.get("includeThoughts").and_then(Value::as_bool) {
        Some(true) if !off => {
            config.remove("includeThoughts");
        }
        // Shown is what we ask for unless told otherwise.
        None if !off => {
            config.insert("includeThoughts".into(), false.into());
        }
        Some(false) if off => {
            config.remove("includeThoughts");
        }
        _ => {}
    }
    reasoning
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(model: &str, effort: Option<Effort>, max_tokens: Option<u64>) -> Value {
        let mut reasoning = Reasoning::default();
        (reasoning.effort, reasoning.max_tokens) = (effort, max_tokens);
        Value::Object(config(model, &reasoning))
    }

    #[test]
    fn each_family_is_told_in_its_way() {
        let shown = |key: &str, value: Value| json!({key: value, "includeThoughts": true});
        assert_eq!(of("gemini-2.5-flash", Some(Effort::Low), None), shown("thinkingBudget", json!(1024)));
        assert_eq!(
            of("models/gemini-2.5-pro", Some(Effort::Xhigh), None),
            shown("thinkingBudget", json!(32_768))
        );
        assert_eq!(
            of("gemini-3-pro-preview", Some(Effort::Medium), None),
            shown("thinkingLevel", json!("high"))
        );
        assert_eq!(of("gemini-3-flash", Some(Effort::Medium), None), shown("thinkingLevel", json!("medium")));
        assert_eq!(of("gemini-flash-latest", Some(Effort::High), Some(7)), shown("thinkingBudget", json!(7)));
    }

    #[test]
    fn what_is_off_is_not_shown() {
        assert_eq!(of("gemini-2.5-flash", Some(Effort::None), None), json!({"thinkingBudget": 0}));
        assert_eq!(of("gemini-2.5-pro", Some(Effort::None), None), json!({"thinkingBudget": 128}));
        assert_eq!(of("gemini-4", Some(Effort::None), None), json!({"thinkingLevel": "minimal"}));
        assert_eq!(of("gemini-4", None, Some(0)), json!({"thinkingBudget": 0}));
        assert_eq!(of("gemini-4", None, None), json!({"includeThoughts": true}));
    }

    #[test]
    fn reading_is_the_mirror() {
        for config in [
            json!({"thinkingBudget": 0}),
            json!({"thinkingBudget": 9, "includeThoughts": true}),
            json!({"thinkingLevel": "low", "includeThoughts": true}),
            json!({"includeThoughts": true}),
        ] {
            let mut left = config.as_object().unwrap().clone();
            let reasoning = read(&mut left);
            assert!(left.is_empty(), "{left:?}");
            assert_eq!(Value::Object(super::config("gemini-3-flash", &reasoning)), config);
        }
    }
}
