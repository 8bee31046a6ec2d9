//! Tool calls of an answer.

use belvedere_core::SmolStr;
use belvedere_core::message::extra_of;
use belvedere_core::request::Request;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::super::WIRE;
use super::super::check::is_custom;
use crate::endpoint::derived_id;

/// A tool call, or what is new of one.
#[derive(Debug, Default)]
pub(super) struct Call<'a> {
    /// Its place among the calls; only pieces of a stream have one.
    pub(super) index: Option<usize>,
    /// Id and name; only the first piece has them.
    pub(super) start: Option<(SmolStr, &'a str)>,
    /// True when its input is free text.
    pub(super) custom: bool,
    /// The input that is new; `None` when a piece has none.
    pub(super) input: Option<&'a str>,
    pub(super) extra: Option<&'a Map<String, Value>>,
}

impl Serialize for Call<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(index) = self.index {
            map.serialize_entry("index", &index)?;
        }
        let (kind, input) = match self.custom {
            true => ("custom", "input"),
            false => ("function", "arguments"),
        };
        if let Some((id, _)) = &self.start {
            map.serialize_entry("id", id)?;
            map.serialize_entry("type", kind)?;
        }
        let name = self.start.as_ref().map(|(_, name)| *name);
        if name.is_some() || self.input.is_some() {
            map.serialize_entry(kind, &Inner { name, key: input, input: self.input })?;
        }
        let extra = self.extra.into_iter().flat_map(|extra| extra_of(extra, WIRE));
        for (name, value) in extra.filter(|(name, _)| *name != "custom") {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct Inner<'a> {
    name: Option<&'a str>,
    key: &'static str,
    input: Option<&'a str>,
}

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = self.name {
            map.serialize_entry("name", name)?;
        }
        if let Some(input) = self.input {
            map.serialize_entry(self.key, input)?;
        }
        map.end()
    }
}

/// The id of a call; one derived from the answer's and the call's place when it has none, since results go back by
/// it.
pub(super) fn id(own: &SmolStr, answer: &str, at: usize) -> SmolStr {
    match own.is_empty() {
        true => derived_id("call_", &[answer, &at.to_string()]),
        false => own.clone(),
    }
}

/// True when the input of a call is free text, by the call's own mark or the tool it names.
pub(super) fn custom(request: &Request, name: &str, extra: Option<&Map<String, Value>>) -> bool {
    extra.and_then(|extra| extra.get("custom")).is_some_and(|custom| *custom == true)
        || is_custom(&request.tools, name)
}
