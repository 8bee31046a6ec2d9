//! The shapes of the wire, as far as they are read. Every field may be absent, null or of another type.
//!
//! Fields: OpenAI's API reference, "Responses" and "Streaming events"; what other servers add is named where it is
//! read.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::lax::{Int, JsonText, List, Object, Text};

/// A JSON value left as it came.
pub(super) type Raw<'a> = Option<&'a RawValue>;

/// One event of a stream.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Incoming<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) output_index: Int,
    pub(super) content_index: Int,
    pub(super) summary_index: Int,
    pub(super) item_id: Text<'a>,
    pub(super) delta: Text<'a>,
    pub(super) text: Text<'a>,
    pub(super) refusal: Text<'a>,
    pub(super) arguments: JsonText<'a>,
    pub(super) input: Text<'a>,
    pub(super) logprobs: Raw<'a>,
    pub(super) annotation: Raw<'a>,
    pub(super) part: Raw<'a>,
    pub(super) item: Raw<'a>,
    pub(super) response: Raw<'a>,
    pub(super) error: Raw<'a>,
}

/// A response: whole, or as far as it is when an event tells of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Response<'a> {
    pub(super) id: Text<'a>,
    pub(super) object: Text<'a>,
    pub(super) model: Text<'a>,
    pub(super) status: Text<'a>,
    pub(super) output: Raw<'a>,
    pub(super) usage: Raw<'a>,
    pub(super) error: Raw<'a>,
    pub(super) incomplete_details: Object<Incomplete<'a>>,
}

/// Why a response is not complete.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Incomplete<'a> {
    pub(super) reason: Text<'a>,
}

impl<'a> Response<'a> {
    /// The items, as they came.
    pub(super) fn items(&self) -> Vec<&'a RawValue> {
        self.output.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}

/// The type of an item, and what it calls.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Kind<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) id: Text<'a>,
    pub(super) name: Text<'a>,
}

/// An output item of a kind that parts are made of.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    pub(super) call_id: Text<'a>,
    pub(super) name: Text<'a>,
    pub(super) arguments: JsonText<'a>,
    pub(super) input: JsonText<'a>,
    pub(super) content: List<Content<'a>>,
    pub(super) summary: List<Content<'a>>,
    pub(super) encrypted_content: Text<'a>,
    /// All other fields that are not null, such as `id`, `status` and `phase`.
    pub(super) rest: Map<String, Value>,
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut item = Item::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "call_id" => item.call_id = map.next_value()?,
                "name" => item.name = map.next_value()?,
                "arguments" => item.arguments = map.next_value()?,
                "input" => item.input = map.next_value()?,
                "content" => item.content = map.next_value()?,
                "summary" => item.summary = map.next_value()?,
                "encrypted_content" => item.encrypted_content = map.next_value()?,
                "type" | "role" => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
                _ => {
                    let value: Value = map.next_value()?;
                    if !value.is_null() {
                        item.rest.insert(key.into_owned(), value);
                    }
                }
            }
        }
        Ok(item)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ItemVisitor)
    }
}

/// A piece of an item: text, refusal, or thinking.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct Content<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) text: Text<'a>,
    pub(super) refusal: Text<'a>,
    pub(super) annotations: Raw<'a>,
    pub(super) logprobs: Raw<'a>,
}

impl<'a> Content<'a> {
    /// What is said, in whichever field.
    pub(super) fn words(&self) -> &str {
        self.text.get().or(self.refusal.get()).unwrap_or_default()
    }
}
