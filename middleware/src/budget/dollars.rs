//! An amount of money as people write it.

use std::borrow::Cow;
use std::fmt;

use belvedere_core::usage::{Money, Price};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// US dollars, 0 or more, exact: `50`, `0.5` or `"0.000001"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dollars(Money);

impl Dollars {
    /// From a decimal text with at most six decimals; `None` when it is none, or too much to count.
    pub fn parse(text: &str) -> Option<Self> {
        // A dollar is a million micro-dollars, as a dollar per million units is a million pico-dollars a unit.
        let micros = Price::per_million(text)?.picos();
        let nanos = i64::try_from(micros).ok()?.checked_mul(1_000)?;
        Some(Dollars(Money::from_nanos(nanos)))
    }

    /// The amount.
    pub const fn money(self) -> Money {
        self.0
    }
}

/// The decimal without the sign of the currency: `50.00`.
impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_start_matches('$'))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Whole(u64),
            // The shortest decimal that reads as this float is the one that was written.
            Decimal(f64),
            Text(String),
        }
        let read = Written::deserialize(d).ok().and_then(|written| match written {
            Written::Whole(dollars) => Dollars::parse(&dollars.to_string()),
            Written::Decimal(dollars) => Dollars::parse(&dollars.to_string()),
            Written::Text(text) => Dollars::parse(&text),
        });
        let expected = "must be US dollars, 0 or more, with at most six decimals, such as 50 or \"0.25\"";
        read.ok_or_else(|| serde::de::Error::custom(expected))
    }
}

impl JsonSchema for Dollars {
    fn schema_name() -> Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "number"],
            "pattern": "^[0-9]+(\\.[0-9]{0,6})?$",
            "minimum": 0,
            "description": "US dollars, with at most six decimals, such as 50 or \"0.25\".",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact_however_they_are_written() {
        for (json, nanos) in
            [("50", 50_000_000_000), ("0.1", 100_000_000), (r#""0.000001""#, 1_000), ("0", 0)]
        {
            let dollars: Dollars = serde_json::from_str(json).unwrap();
            assert_eq!(dollars.money().nanos(), nanos, "{json}");
            let again = serde_json::from_str(&serde_json::to_string(&dollars).unwrap()).unwrap();
            assert_eq!(dollars, again, "{json}");
        }
        for json in ["-1", "1e-7", r#""ten""#, "null", "1e30"] {
            let error = serde_json::from_str::<Dollars>(json).unwrap_err().to_string();
            assert!(error.starts_with("must be US dollars"), "{json}: {error}");
        }
    }
}
