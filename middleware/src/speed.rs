//! A speed as people write it: `50/s`.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use belvedere_core::duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So many units in so much time. Its text is `50/s`, `600/m` or `1/250ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Speed {
    units: NonZeroU64,
    per: Duration,
}

impl Speed {
    /// `units` in every second.
    pub const fn per_second(units: NonZeroU64) -> Self {
        Speed { units, per: Duration::from_secs(1) }
    }

    /// How many units.
    pub const fn units(self) -> NonZeroU64 {
        self.units
    }

    /// In how much time; never zero.
    pub const fn per(self) -> Duration {
        self.per
    }
}

/// What a text that is no speed is told.
const EXPECTED: &str =
    "must be a speed: a whole number above 0, a slash and a time, such as \"50/s\" or \"1/250ms\"";

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || EXPECTED.to_owned();
        let (units, per) = text.split_once('/').ok_or_else(expected)?;
        let units = units.trim().parse().map_err(|_| expected())?;
        let per = per.trim();
        // `s` is one second.
        let one = if per.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "1" };
        let per = duration::parse(&format!("{one}{per}")).map_err(|_| expected())?;
        if per.is_zero() { Err(expected()) } else { Ok(Speed { units, per }) }
    }
}

impl TryFrom<String> for Speed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Speed> for String {
    fn from(speed: Speed) -> String {
        speed.to_string()
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = duration::text(self.per);
        let unit = per.strip_prefix('1').filter(|rest| rest.chars().all(|c| c.is_ascii_alphabetic()));
        write!(f, "{}/{}", self.units, unit.unwrap_or(&per))
    }
}

impl JsonSchema for Speed {
    fn schema_name() -> Cow<'static, str> {
        "Speed".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^\\s*[0-9]+\\s*/.+$",
            "description": "So many units in so much time, such as \"50/s\", \"600/m\" or \"1/250ms\".",
        })
    }
}
