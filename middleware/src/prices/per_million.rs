//! A price as people write it.

use std::borrow::Cow;
use std::fmt;

use belvedere_core::usage::Price;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A price in US dollars per million units, exact: `"0.15"` or `0.15`. Units are tokens, or calls of a tool.
///
/// At most six decimals, so that the price of one unit is a whole number of pico-dollars.
///
/// ```
/// use belvedere_middleware::prices::PerMillion;
///
/// let price: PerMillion = serde_json::from_str("0.15")?;
/// assert_eq!(price, serde_json::from_str(r#""0.150""#)?);
/// assert_eq!(price.price().picos(), 150_000);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PerMillion(Price);

impl PerMillion {
    /// From a decimal text such as `0.15`; `None` when it is none, is negative, or has more than six decimals.
    pub fn parse(text: &str) -> Option<Self> {
        Price::per_million(text).map(PerMillion)
    }

    /// The price of one unit.
    pub const fn price(self) -> Price {
        self.0
    }
}

impl From<Price> for PerMillion {
    fn from(price: Price) -> Self {
        PerMillion(price)
    }
}

/// The decimal without trailing zeros: `0.15`, `10`.
impl fmt::Display for PerMillion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A million pico-dollars a unit are a dollar per million units.
        let (whole, fraction) = (self.0.picos() / 1_000_000, self.0.picos() % 1_000_000);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{fraction:06}").trim_end_matches('0'))
    }
}

impl Serialize for PerMillion {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PerMillion {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Decimal)
    }
}

struct Decimal;

impl Visitor<'_> for Decimal {
    type Value = PerMillion;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("US dollars per million units, 0 or more, with at most six decimals, such as \"0.15\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PerMillion, E> {
        PerMillion::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<PerMillion, E> {
        PerMillion::parse(&number.to_string())
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<PerMillion, E> {
        PerMillion::parse(&number.to_string())
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    // The shortest decimal that reads as this float is the one that was written.
    fn visit_f64<E: Error>(self, number: f64) -> Result<PerMillion, E> {
        PerMillion::parse(&number.to_string())
            .ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

impl JsonSchema for PerMillion {
    fn schema_name() -> Cow<'static, str> {
        "PerMillion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number"],
            "pattern": "^[0-9]+(\\.[0-9]{0,6})?$",
            "minimum": 0,
            "description": "US dollars per million units, with at most six decimals, such as \"0.15\".",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_kept_exact_as_text_and_as_numbers() {
        let read = |json: &str| serde_json::from_str::<PerMillion>(json).map(|price| price.to_string());
        for (json, text) in [
            ("\"0.15\"", "0.15"),
            ("0.15", "0.15"),
            ("15", "15"),
            ("0.0028", "0.0028"),
            ("0.000001", "0.000001"),
            ("\"37.50\"", "37.5"),
            ("0", "0"),
        ] {
            assert_eq!(read(json).unwrap(), text);
        }
        for json in ["-1", "-0.5", "\"0.0000001\"", "1e-7", "\"ten\"", "\"\"", "null", "1e40"] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains("with at most six decimals, such as \"0.15\""), "{json}: {error}");
        }
    }
}
