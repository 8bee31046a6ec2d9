//! Results of functions, and which call each of them answers.

use std::borrow::Cow;

use belvedere_core::error::Result;
use belvedere_core::message::{Message, Part, ToolBy};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::part::{self, Further, Payload};
use crate::outgoing::{invalid, unsupported};

/// The result of a function.
#[derive(Debug)]
pub(super) struct FunctionResponse<'a> {
    id: &'a str,
    name: &'a str,
    response: Response<'a>,
    parts: Vec<part::Part<'a>>,
    further: Further<'a>,
}

/// A result as the object that the wire asks for.
#[derive(Debug)]
enum Response<'a> {
    Object(&'a RawValue),
    Failure(&'a RawValue),
    Text { key: &'static str, text: Cow<'a, str> },
    Nothing,
}

/// The client's calls so far, in their order.
#[derive(Debug, Default)]
pub(super) struct Calls<'a>(Vec<Call<'a>>);

#[derive(Debug)]
struct Call<'a> {
    id: &'a str,
    name: &'a str,
    answered: bool,
}

impl<'a> Calls<'a> {
    /// Takes the calls of a message in.
    pub(super) fn note(&mut self, message: &'a Message) {
        for part in &message.parts {
            if let Part::ToolCall { id, name, by: ToolBy::Client, .. } = part {
                self.0.push(Call { id, name, answered: false });
            }
        }
    }

    /// The name of the function whose result this is: by id, else by name, else the first without a result.
    fn name(&mut self, id: &str, name: Option<&'a str>) -> Option<&'a str> {
        let open = |call: &Call<'_>| !call.answered;
        let found = match (id, name) {
            ("", None) => self.0.iter().position(open),
            ("", Some(name)) => self.0.iter().position(|call| open(call) && call.name == name),
            (id, _) => self.0.iter().rposition(|call| call.id == id),
        };
        let call = found.and_then(|at| self.0.get_mut(at));
        let known = call.map(|call| {
            call.answered = true;
            call.name
        });
        name.or(known)
    }
}

impl<'a> FunctionResponse<'a> {
    /// The part for a result; `None` for a part that is none.
    ///
    /// # Errors
    /// `InvalidRequest` or `Unsupported` naming the path.
    pub(super) fn of(part: &'a Part, calls: &mut Calls<'a>, path: &str) -> Result<Option<part::Part<'a>>> {
        let Part::ToolResult { id, name, content, is_error, extra } = part else { return Ok(None) };
        let name = calls.name(id, name.as_deref()).ok_or_else(|| {
            invalid(&format!("{path}.name"), "is missing, and no earlier call has the result's id")
        })?;
        let mut texts: Vec<&str> = Vec::new();
        let mut parts = Vec::new();
        for (i, inner) in content.iter().enumerate() {
            let path = format!("{path}.content[{i}]");
            match inner {
                Part::Text { text, .. } => texts.push(text),
                Part::Media(media) => parts.push(part::Part::media(media, true, &path)?),
                _ => return Err(unsupported(&path, "is no part of a result on Google's wire")),
            }
        }
        let inner = |name: &str| matches!(name, "scheduling" | "willContinue");
        let known = ["scheduling", "willContinue", "thoughtSignature", "partMetadata"];
        let (own, further) = Further::of(extra, &known).split(inner);
        let response = Response::of(&texts, *is_error);
        let response = FunctionResponse { id, name, response, parts, further: own };
        Ok(Some(part::Part::new(Payload::FunctionResponse(response), further)))
    }
}

impl<'a> Response<'a> {
    fn of(texts: &[&'a str], is_error: bool) -> Self {
        let key = if is_error { "error" } else { "result" };
        match texts {
            [] if !is_error => Response::Nothing,
            [text] => match serde_json::from_str::<&RawValue>(text) {
                Ok(object) if object.get().starts_with('{') && is_error => Response::Failure(object),
                Ok(object) if object.get().starts_with('{') => Response::Object(object),
                _ => Response::Text { key, text: Cow::Borrowed(text) },
            },
            texts => Response::Text { key, text: Cow::Owned(texts.concat()) },
        }
    }
}

impl Serialize for Response<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Response::Object(object) => object.serialize(serializer),
            Response::Failure(object) => serializer.collect_map([("error", object)]),
            Response::Text { key, text } => serializer.collect_map([(key, text)]),
            Response::Nothing => serializer.collect_map::<&str, &str, _>([]),
        }
    }
}

impl Serialize for FunctionResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.id.is_empty() {
            map.serialize_entry("id", self.id)?;
        }
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("response", &self.response)?;
        if !self.parts.is_empty() {
            map.serialize_entry("parts", &self.parts)?;
        }
        self.further.write(&mut map)?;
        map.end()
    }
}
