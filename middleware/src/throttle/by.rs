//! How texts are cut.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use belvedere_core::duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cut;
use super::pace::Pace;

/// In which pieces text is handed out. Its text is `word`, `line` or a time between two pieces, such as `50ms`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum By {
    /// Word by word, each with the signs and spaces behind it.
    #[default]
    Word,
    /// Line by line, each with its line feed.
    Line,
    /// At a regular cadence, one piece in this time. Without a speed, as much as lets every text out within the
    /// window; with one, what the speed lets through.
    Cadence(Duration),
}

impl By {
    /// Held to what makes sense: a beat at least every window, and at most every millisecond.
    pub(super) fn within(self, window: Duration) -> Self {
        match self {
            By::Cadence(interval) => By::Cadence(interval.min(window).max(Duration::from_millis(1))),
            other => other,
        }
    }

    /// In how many pieces a text goes out, at most, where that counts.
    pub(super) fn pieces(self, text: &str, pace: &Pace) -> u64 {
        match self {
            _ if !pace.counts_events() => 1,
            By::Word => cut::count(text, cut::word),
            By::Line => cut::count(text, cut::line),
            By::Cadence(interval) => pace.beats(text, interval),
        }
    }
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "word" => Ok(By::Word),
            "line" => Ok(By::Line),
            other => match duration::parse(other) {
                Ok(interval) if !interval.is_zero() => Ok(By::Cadence(interval)),
                _ => Err("must be `word`, `line` or a time between two pieces, such as \"50ms\"".to_owned()),
            },
        }
    }
}

impl TryFrom<String> for By {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<By> for String {
    fn from(by: By) -> String {
        by.to_string()
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Word => f.write_str("word"),
            By::Line => f.write_str("line"),
            By::Cadence(interval) => f.write_str(&duration::text(*interval)),
        }
    }
}

impl JsonSchema for By {
    fn schema_name() -> Cow<'static, str> {
        "By".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`word`, `line`, or a time between two pieces, such as \"50ms\".",
        })
    }
}
