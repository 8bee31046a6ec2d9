//! Tokens in disjoint classes, and money as exact decimals.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an answer used, normalised into disjoint classes, beside the provider's own counters.
///
/// A class that is absent is *unknown*; a class that is present may be zero. The two differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Counts by class. No token is in two classes, so the sum is what the provider counted.
    pub classes: BTreeMap<Class, u64>,
    /// The provider's own counters under common names, without levelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// The provider's usage object as it came (the last one of a stream, merged where it comes in parts).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub raw: Map<String, Value>,
}

/// A class of billed units. The set is open: providers invent new ones.
///
/// Units are tokens, except for `*_calls`, which are calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// Text read, neither from a cache nor written to one.
    Input,
    /// Input read from the provider's prompt cache.
    CacheRead,
    /// Input written to the prompt cache, lifetime unstated or five minutes.
    #[serde(rename = "cache_write_5m")]
    CacheWrite5m,
    /// Input written to the prompt cache for one hour.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Text written that the caller sees.
    Output,
    /// Thinking, whether shown or not.
    Reasoning,
    /// Audio read.
    AudioInput,
    /// Audio written.
    AudioOutput,
    /// Images read.
    ImageInput,
    /// Images written.
    ImageOutput,
    /// Video read.
    VideoInput,
    /// Input the provider added to run its own tools.
    ToolPrompt,
    /// Calls of the provider's web search; calls, not tokens.
    WebSearchCalls,
    /// A class without a name of its own here, under the provider's word.
    #[serde(untagged)]
    Other(String),
}

impl Class {
    /// Its name, as documents write it.
    pub fn name(&self) -> &str {
        match self {
            Class::Input => "input",
            Class::CacheRead => "cache_read",
            Class::CacheWrite5m => "cache_write_5m",
            Class::CacheWrite1h => "cache_write_1h",
            Class::Output => "output",
            Class::Reasoning => "reasoning",
            Class::AudioInput => "audio_input",
            Class::AudioOutput => "audio_output",
            Class::ImageInput => "image_input",
            Class::ImageOutput => "image_output",
            Class::VideoInput => "video_input",
            Class::ToolPrompt => "tool_prompt",
            Class::WebSearchCalls => "web_search_calls",
            Class::Other(name) => name,
        }
    }

    /// True for token classes, false for call counts.
    pub fn is_tokens(&self) -> bool {
        match self {
            Class::WebSearchCalls => false,
            Class::Other(name) => !name.ends_with("_calls"),
            _ => true,
        }
    }

    /// True for what was written by the model.
    pub fn is_output(&self) -> bool {
        matches!(self, Class::Output | Class::Reasoning | Class::AudioOutput | Class::ImageOutput)
    }
}

/// The provider's own counters under common names. Whether cached tokens are part of
/// `input_tokens` differs from provider to provider: that is what `Usage::classes` levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Reported {
    /// Input tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Output tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Tokens read from the prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    /// Tokens written to the prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Thinking tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// The provider's own total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
}

impl Usage {
    /// The count of a class; `None` when it is unknown.
    pub fn get(&self, class: &Class) -> Option<u64> {
        self.classes.get(class).copied()
    }

    /// Sets a class; `None` leaves it unknown.
    pub fn set(&mut self, class: Class, count: Option<u64>) {
        if let Some(count) = count {
            self.classes.insert(class, count);
        }
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.reported.is_none() && self.raw.is_empty()
    }

    /// Everything read by the model, in tokens; `None` when no such class is known.
    pub fn input_tokens(&self) -> Option<u64> {
        self.sum(|class| class.is_tokens() && !class.is_output())
    }

    /// Everything written by the model, in tokens; `None` when no such class is known.
    pub fn output_tokens(&self) -> Option<u64> {
        self.sum(|class| class.is_tokens() && class.is_output())
    }

    /// All tokens; `None` when no class is known.
    pub fn total_tokens(&self) -> Option<u64> {
        self.sum(Class::is_tokens)
    }

    fn sum(&self, of: impl Fn(&Class) -> bool) -> Option<u64> {
        self.classes
            .iter()
            .filter(|(class, _)| of(class))
            .map(|(_, count)| *count)
            .fold(None, |sum, count| Some(sum.unwrap_or(0u64).saturating_add(count)))
    }

    /// The sum check: classes add up to the provider's own total, where it gives one.
    pub fn adds_up(&self) -> bool {
        match self.reported.as_ref().and_then(|r| r.total_tokens) {
            Some(total) => self.total_tokens() == Some(total),
            None => true,
        }
    }

    /// Adds another attempt's or another answer's usage. Counters of the two providers are not mixed:
    /// `reported` and `raw` are dropped.
    pub fn add(&mut self, other: &Usage) {
        for (class, count) in &other.classes {
            let sum = self.classes.entry(class.clone()).or_insert(0);
            *sum = sum.saturating_add(*count);
        }
        self.reported = None;
        self.raw = Map::new();
    }
}

/// An amount of money in nano-dollars (10^-9 USD). A ledger line is rounded to it once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// Nothing. Not the same as unknown, which is `None` of an `Option<Money>`.
    pub const ZERO: Money = Money(0);

    /// From nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Money(nanos)
    }

    /// In nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The sum, or `None` on overflow.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    /// The difference, or `None` on overflow.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }
}

/// US dollars, exact: `$0.000001234`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", Picos(u128::from(self.0.unsigned_abs()) * 1_000))
    }
}

/// A price in pico-dollars (10^-12 USD) for one unit, exact: prices are published as dollars per million
/// tokens with at most six decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(u64);

impl Price {
    /// From pico-dollars a unit.
    pub const fn from_picos(picos: u64) -> Self {
        Price(picos)
    }

    /// In pico-dollars a unit.
    pub const fn picos(self) -> u64 {
        self.0
    }

    /// From a decimal text in dollars per million units (`"0.15"`); `None` when it is not one, is negative,
    /// or has more than six decimals.
    pub fn per_million(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() || fraction.len() > 6 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return None;
        }
        // One dollar per million units is 10^12 / 10^6 = 10^6 pico-dollars a unit.
        let picos = format!("{fraction:0<6}").parse::<u64>().ok()?;
        whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(picos).map(Price)
    }

    /// The price of many units, still exact.
    pub fn of(self, units: u64) -> Picos {
        Picos(u128::from(self.0) * u128::from(units))
    }
}

/// An exact sum of prices, before its one rounding to [`Money`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picos(u128);

impl Picos {
    /// The sum, saturating.
    pub fn plus(self, other: Picos) -> Picos {
        Picos(self.0.saturating_add(other.0))
    }

    /// Rounds to nano-dollars, half up: once per ledger line.
    pub fn round(self) -> Money {
        Money(i64::try_from((self.0 + 500) / 1000).unwrap_or(i64::MAX))
    }
}

/// US dollars, exact: `$0.000000001234`.
impl fmt::Display for Picos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:012}", self.0 % 1_000_000_000_000);
        write!(f, "${}.{:0<2}", self.0 / 1_000_000_000_000, fraction.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_class_is_named_as_it_is_written() {
        let classes = [
            Class::Input,
            Class::CacheRead,
            Class::CacheWrite5m,
            Class::CacheWrite1h,
            Class::Output,
            Class::Reasoning,
            Class::AudioInput,
            Class::AudioOutput,
            Class::ImageInput,
            Class::ImageOutput,
            Class::VideoInput,
            Class::ToolPrompt,
            Class::WebSearchCalls,
            Class::Other("video_output".to_owned()),
        ];
        for class in classes {
            assert_eq!(serde_json::to_value(&class).unwrap(), class.name());
            assert_eq!(serde_json::from_value::<Class>(class.name().into()).unwrap(), class);
        }
    }

    #[test]
    fn absent_zero_and_known_are_three_things() {
        let mut usage = Usage::default();
        assert_eq!(usage.total_tokens(), None);
        usage.set(Class::Input, None);
        assert_eq!(usage.get(&Class::Input), None);
        usage.set(Class::Input, Some(0));
        assert_eq!((usage.get(&Class::Input), usage.total_tokens()), (Some(0), Some(0)));
        usage.set(Class::WebSearchCalls, Some(3));
        usage.set(Class::Reasoning, Some(5));
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (Some(0), Some(5)));
        assert_eq!(usage.total_tokens(), Some(5), "calls are not tokens");
    }

    #[test]
    fn the_sum_check_compares_with_the_providers_total() {
        let mut usage = Usage::default();
        usage.set(Class::Input, Some(7));
        assert!(usage.adds_up(), "no total reported: nothing to compare");
        usage.reported = Some(Reported { total_tokens: Some(8), ..Reported::default() });
        assert!(!usage.adds_up());
        usage.set(Class::Output, Some(1));
        assert!(usage.adds_up());
    }

    #[test]
    fn money_is_exact_and_rounded_once() {
        let price = Price::per_million("0.15").unwrap();
        assert_eq!(price.picos(), 150_000);
        assert_eq!(price.of(1_000_000).round().to_string(), "$0.15");
        assert_eq!(Price::per_million("0.0750001"), None, "seven decimals do not fit");
        assert_eq!(Price::per_million("-1"), None);
        // Three lines of 0.4 nano-dollars make 1.2, rounded to 1 together and to 0 one by one.
        let one = Price::from_picos(400).of(1);
        assert_eq!(one.to_string(), "$0.0000000004");
        assert_eq!(one.plus(one).plus(one).round(), Money::from_nanos(1));
        assert_eq!(Money::from_nanos(-1_500_000_000).to_string(), "-$1.50");
        assert_eq!(Money::from_nanos(1).to_string(), "$0.000000001");
    }

    #[test]
    fn classes_have_stable_names_and_an_open_end() {
        let json = serde_json::to_string(&Class::CacheWrite1h).unwrap();
        assert_eq!(json, "\"cache_write_1h\"");
        let other: Class = serde_json::from_str("\"video_output\"").unwrap();
        assert_eq!(other, Class::Other("video_output".into()));
        assert_eq!(serde_json::from_str::<Class>("\"cache_read\"").unwrap(), Class::CacheRead);
    }
}
