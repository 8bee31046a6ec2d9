//! What one model costs.

use std::collections::BTreeMap;

use belvedere_core::usage::{Class, Price};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PerMillion;

/// What a model costs, in US dollars per million units of each class, as its provider's price list states it.
///
/// A class without a price is unknown, which is not free. These classes cost what another does where they have no price
/// of their own, because that is how providers' lists are meant:
///
/// - `reasoning` as `output`: thinking is billed as output (OpenAI, Anthropic, Google);
/// - `cache_read`, `image_input`, `video_input` and `tool_prompt` as `input`: a list that states no discount or surcharge
///   grants none.
///
/// Audio, pictures that are written, and what is written to a cache always need a price of their own.
///
/// Counts, prices and money are types of their own. A price can't be taken off a count:
///
/// ```compile_fail
/// use belvedere_core::usage::Price;
///
/// let tokens: u64 = 1_000;
/// let wrong = tokens - Price::from_picos(150_000);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelPrice {
    /// Text read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<PerMillion>,
    /// Text written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<PerMillion>,
    /// Input read from the prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<PerMillion>,
    /// Input written to the prompt cache, for five minutes or for a time unstated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_5m: Option<PerMillion>,
    /// Input written to the prompt cache for one hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<PerMillion>,
    /// Thinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<PerMillion>,
    /// Audio read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<PerMillion>,
    /// Audio written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<PerMillion>,
    /// Images read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_input: Option<PerMillion>,
    /// Images written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_output: Option<PerMillion>,
    /// Video read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_input: Option<PerMillion>,
    /// Input the provider added to run its own tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_prompt: Option<PerMillion>,
    /// Calls of the provider's web search: dollars per million calls, so `10000` for a cent each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_search_calls: Option<PerMillion>,
    /// Classes without a name of their own here, by the provider's word.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, PerMillion>,
    /// Prices of long prompts: more input tokens than this, cached ones included, and they hold for the whole call. A
    /// class left out keeps its price.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub above: BTreeMap<Above, ModelPrice>,
    /// Prices of other service tiers, by the provider's word: `batch`, `flex`, `priority`. A class left out is unknown
    /// there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ModelPrice>,
    /// The most tokens that an answer can have: what bounds the cost of a call without `max_tokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u64>,
}

/// A number of input tokens above which other prices hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(transparent)]
pub struct Above(pub u64);

impl Serialize for Above {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

// A key of an object is text in JSON and TOML, and may be a number in YAML.
impl<'de> Deserialize<'de> for Above {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Tokens;

        impl serde::de::Visitor<'_> for Tokens {
            type Value = Above;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of input tokens, such as 200000")
            }

            fn visit_u64<E: serde::de::Error>(self, tokens: u64) -> Result<Above, E> {
                Ok(Above(tokens))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Above, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                text.parse().map(Above).map_err(|_| wrong())
            }
        }

        d.deserialize_any(Tokens)
    }
}

impl ModelPrice {
    /// The price of a model that takes and gives text only.
    pub fn text(input: Price, output: Price) -> Self {
        ModelPrice { input: Some(input.into()), output: Some(output.into()), ..ModelPrice::default() }
    }

    /// The price that is stated for a class.
    pub fn stated(&self, class: &Class) -> Option<Price> {
        let stated = match class {
            Class::Input => self.input,
            Class::Output => self.output,
            Class::CacheRead => self.cache_read,
            Class::CacheWrite5m => self.cache_write_5m,
            Class::CacheWrite1h => self.cache_write_1h,
            Class::Reasoning => self.reasoning,
            Class::AudioInput => self.audio_input,
            Class::AudioOutput => self.audio_output,
            Class::ImageInput => self.image_input,
            Class::ImageOutput => self.image_output,
            Class::VideoInput => self.video_input,
            Class::ToolPrompt => self.tool_prompt,
            Class::WebSearchCalls => self.web_search_calls,
            Class::Other(name) => self.other.get(name).copied(),
            _ => None,
        };
        stated.map(PerMillion::price)
    }

    /// Reads what a line of the shipped table says of a model: `input=2.5 output=10 | above 200000 input=5`. `None` when
    /// a word is none of that form.
    pub(super) fn from_line(line: &str) -> Option<Self> {
        let mut sections = line.split('|').map(str::trim);
        let mut price = ModelPrice::default();
        price.read(sections.next()?)?;
        for section in sections {
            let (kind, fields) = section.split_once(' ')?;
            let mut part = ModelPrice::default();
            match kind {
                "above" => {
                    let (tokens, fields) = fields.split_once(' ')?;
                    part.read(fields)?;
                    price.above.insert(Above(tokens.parse().ok()?), part);
                }
                service => {
                    part.read(fields)?;
                    price.services.insert(service.to_owned(), part);
                }
            }
        }
        Some(price)
    }

    fn read(&mut self, fields: &str) -> Option<()> {
        for field in fields.split_whitespace() {
            let (name, value) = field.split_once('=')?;
            let place = match name {
                "input" => &mut self.input,
                "output" => &mut self.output,
                "cache_read" => &mut self.cache_read,
                "cache_write_5m" => &mut self.cache_write_5m,
                "cache_write_1h" => &mut self.cache_write_1h,
                "reasoning" => &mut self.reasoning,
                "audio_input" => &mut self.audio_input,
                "audio_output" => &mut self.audio_output,
                "max_output" => {
                    self.max_output = Some(value.parse().ok()?);
                    continue;
                }
                _ => return None,
            };
            *place = Some(PerMillion::parse(value)?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_reads_as_its_configuration_does() {
        let line =
            "input=3 output=15 cache_read=0.3 max_output=64000 | above 200000 input=6 | batch input=1.5";
        let json = r#"{"input": 3, "output": "15", "cache_read": 0.3, "max_output": 64000,
                       "above": {"200000": {"input": "6"}}, "services": {"batch": {"input": "1.50"}}}"#;
        let price = ModelPrice::from_line(line).unwrap();
        assert_eq!(price, serde_json::from_str(json).unwrap());
        assert_eq!(
            serde_json::from_value::<ModelPrice>(serde_json::to_value(&price).unwrap()).unwrap(),
            price
        );
        for wrong in ["input", "input=x", "colour=1", "input=1 | above x input=1", "input=1 | batch"] {
            assert_eq!(ModelPrice::from_line(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_misspelt_class_is_a_fault_and_not_a_free_one() {
        let error = serde_json::from_str::<ModelPrice>(r#"{"ouput": "1"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `ouput`"), "{error}");
        let error = serde_json::from_str::<ModelPrice>(r#"{"above": {"many": {}}}"#).unwrap_err().to_string();
        assert!(error.contains("a number of input tokens, such as 200000"), "{error}");
    }
}
