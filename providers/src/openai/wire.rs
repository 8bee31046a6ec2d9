//! What comes over the wire: chunks of a stream and whole answers, in one shape.
//!
//! Every field is optional, nullable and borrowed. What is rare stays raw and is read only when it is there.
//! Fields: OpenAI's API reference, "The chat completion object" and "The chat completion chunk object", plus
//! those of compatible servers, named where they are read.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::lax::{Int, JsonText, List, Object, Text, absent};

/// A JSON value left as it came.
pub(crate) type Raw<'a> = Option<&'a RawValue>;

/// One chunk of a stream, or a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Chunk<'a> {
    pub(crate) id: Text<'a>,
    pub(crate) model: Text<'a>,
    /// `None` when the frame has no such field at all: then it may be an error in another shape.
    pub(crate) choices: Option<List<Choice<'a>>>,
    pub(crate) usage: Raw<'a>,
    pub(crate) error: Raw<'a>,
    /// Groq's own place for usage.
    pub(crate) x_groq: Object<Groq<'a>>,
    /// Perplexity's sources: addresses only, and with titles.
    pub(crate) citations: Raw<'a>,
    pub(crate) search_results: Raw<'a>,
    /// What Azure's content filter found in the prompt.
    pub(crate) prompt_filter_results: Raw<'a>,
}

/// Groq's extension of a chunk.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Groq<'a> {
    pub(crate) usage: Raw<'a>,
    pub(crate) error: Raw<'a>,
}

/// One choice of a chunk or of a whole answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Choice<'a> {
    pub(crate) index: Int,
    pub(crate) delta: Object<Delta<'a>>,
    pub(crate) message: Object<Delta<'a>>,
    pub(crate) finish_reason: Text<'a>,
    /// The stop sequence that was hit (vLLM).
    pub(crate) stop_reason: Text<'a>,
    pub(crate) logprobs: Raw<'a>,
    /// Moonshot's place for usage.
    pub(crate) usage: Raw<'a>,
    pub(crate) error: Raw<'a>,
    /// What Azure's content filter found in the answer.
    pub(crate) content_filter_results: Raw<'a>,
}

/// What is new of a message, or all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Delta<'a> {
    pub(crate) content: Content<'a>,
    pub(crate) refusal: Text<'a>,
    pub(crate) reasoning_content: Text<'a>,
    pub(crate) reasoning: Text<'a>,
    pub(crate) reasoning_text: Text<'a>,
    pub(crate) thinking: Text<'a>,
    /// OpenRouter's form of reasoning.
    pub(crate) reasoning_details: List<Detail<'a>>,
    pub(crate) tool_calls: List<Call<'a>>,
    // Boxed, as they are large and rare.
    pub(crate) function_call: Object<Box<Function<'a>>>,
    pub(crate) annotations: Raw<'a>,
    pub(crate) audio: Object<Box<Audio<'a>>>,
    pub(crate) images: List<Item<'a>>,
    /// Tools that Groq ran.
    pub(crate) executed_tools: Raw<'a>,
}

impl Delta<'_> {
    /// The thinking, under whichever name the server has for it. Some send it under two names at once.
    pub(crate) fn thinking(&self) -> Option<&str> {
        [&self.reasoning_content, &self.reasoning, &self.reasoning_text, &self.thinking]
            .into_iter()
            .find_map(Text::get)
    }
}

/// A fragment of a tool call, or all of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Call<'a> {
    pub(crate) index: Int,
    pub(crate) id: Text<'a>,
    pub(crate) function: Object<Function<'a>>,
    pub(crate) custom: Object<Custom<'a>>,
    /// What Google has a call carry back, its signature among it.
    pub(crate) extra_content: Raw<'a>,
}

/// Name and arguments of a call.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Function<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) arguments: JsonText<'a>,
}

/// Name and input of a call of a custom tool, whose input is free text.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Custom<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) input: Text<'a>,
}

/// An entry of `reasoning_details` (OpenRouter, "Reasoning tokens").
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Detail<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: Text<'a>,
    pub(crate) id: Text<'a>,
    pub(crate) format: Text<'a>,
    pub(crate) index: Int,
    pub(crate) text: Text<'a>,
    pub(crate) summary: Text<'a>,
    pub(crate) data: Text<'a>,
    pub(crate) signature: Text<'a>,
}

/// Sound written by the model.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Audio<'a> {
    pub(crate) id: Text<'a>,
    pub(crate) data: Text<'a>,
    pub(crate) transcript: Text<'a>,
}

/// An item of a content that is a list (Mistral; images of OpenRouter).
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct Item<'a> {
    pub(crate) text: Text<'a>,
    pub(crate) refusal: Text<'a>,
    pub(crate) thinking: Content<'a>,
    pub(crate) signature: Text<'a>,
    pub(crate) image_url: Image<'a>,
    /// The documents that a `reference` names (Mistral, "Citations and references").
    pub(crate) reference_ids: Raw<'a>,
}

/// A message's content: text, or a list of items.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// Text; empty when there is none.
    Text(Text<'a>),
    /// Items.
    Items(Vec<Item<'a>>),
}

impl Default for Content<'_> {
    fn default() -> Self {
        Content::Text(Text::default())
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of items")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Content::Text(Text(text.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Content::Text(Text(text.to_owned().into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<ItemOrText<'de>>()? {
            items.extend(item.0);
        }
        Ok(Content::Items(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        Item::deserialize(MapAccessDeserializer::new(object)).map(|item| Content::Items(vec![item]))
    }

    absent!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64 => Content::default());
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

/// An item, which some servers write as plain text.
struct ItemOrText<'a>(Option<Item<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for ItemOrText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(ItemOrText(match Content::deserialize(deserializer)? {
            Content::Text(text) if text.get().is_some() => Some(Item { text, ..Item::default() }),
            Content::Text(_) => None,
            Content::Items(items) => items.into_iter().next(),
        }))
    }
}

/// The address of an image: text, or an object with a `url`.
#[derive(Debug, Default)]
pub(crate) struct Image<'a>(pub(crate) Text<'a>);

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Address<'a> {
    url: Text<'a>,
}

struct ImageVisitor;

impl<'de> Visitor<'de> for ImageVisitor {
    type Value = Image<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Image(Text(text.into())))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Image(Text(text.to_owned().into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        Address::deserialize(MapAccessDeserializer::new(object)).map(|address| Image(address.url))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        crate::lax::skip_list(list).map(|()| Image::default())
    }

    absent!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64 => Image::default());
}

impl<'de: 'a, 'a> Deserialize<'de> for Image<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ImageVisitor)
    }
}
