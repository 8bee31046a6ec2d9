//! Writes messages in the form of chat completions.
//!
//! A message of ours may hold several results of tools, or results beside text; the wire has one message for each.

use belvedere_core::message::{Message, Part, Role, ToolBy, extra_of};
use belvedere_core::request::{Parameters, Request, Tool};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::json;

use super::check::{is_custom, sound_id};
use super::details;
use super::hosts::{CallIds, Carry, Host, Prefill};
use super::parts::{Content, PlainText};
use super::{WIRE, is_ours};

/// The messages of a request.
pub(crate) struct Messages<'a> {
    host: &'a Host,
    messages: &'a [Message],
    tools: &'a [Tool],
    /// The last message is the beginning of the answer.
    continues: bool,
}

impl<'a> Messages<'a> {
    pub(crate) fn new(host: &'a Host, request: &'a Request) -> Self {
        let Parameters { messages, tools, continue_final_message: continues, .. } = &**request;
        Messages { host, messages, tools, continues: *continues }
    }
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (i, message) in self.messages.iter().enumerate() {
            let results = message.parts.iter().filter(|part| matches!(part, Part::ToolResult { .. }));
            let mut only_results = !message.parts.is_empty();
            for part in message.parts.iter() {
                only_results &= matches!(part, Part::ToolResult { .. });
            }
            for part in results {
                let ids = self.host.call_ids;
                list.serialize_element(&ToolMessage { ids, message, part, only_results })?;
            }
            if !only_results {
                let is_open = self.continues && i + 1 == self.messages.len();
                list.serialize_element(&Spoken { host: self.host, message, tools: self.tools, is_open })?;
            }
        }
        list.end()
    }
}

/// The result of one tool call. Without an id it answers the `function_call` of the time before `tool_calls`.
struct ToolMessage<'a> {
    ids: CallIds,
    message: &'a Message,
    part: &'a Part,
    /// The fields of the whole message belong to it.
    only_results: bool,
}

impl Serialize for ToolMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let Part::ToolResult { id, name, content, extra, .. } = self.part else { return map.end() };
        if id.is_empty() {
            map.serialize_entry("role", "function")?;
            map.serialize_entry("name", name)?;
        } else {
            map.serialize_entry("role", "tool")?;
            map.serialize_entry("tool_call_id", &*self.ids.write(id))?;
            if let Some(name) = name {
                map.serialize_entry("name", name)?;
            }
        }
        map.serialize_entry("content", &PlainText(content))?;
        let own = extra_of(&self.message.extra, WIRE).filter(|_| self.only_results);
        for (name, value) in extra_of(extra, WIRE).chain(own) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A message that is not the result of a tool.
struct Spoken<'a> {
    host: &'a Host,
    message: &'a Message,
    tools: &'a [Tool],
    /// The answer goes on where it ends.
    is_open: bool,
}

impl Spoken<'_> {
    fn role(&self) -> &'static str {
        match self.message.role {
            Role::Developer if self.host.developer => "developer",
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        }
    }

    fn texts<'a>(&'a self, of: fn(&'a Part) -> Option<&'a str>) -> Option<String> {
        let texts: String = self.message.parts.iter().filter_map(of).collect();
        (!texts.is_empty()).then_some(texts)
    }

    /// What only the model's own messages have.
    fn assistant<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let parts = &self.message.parts;
        let own = |name: &str| self.message.extra.contains_key(name);
        let reasoning = || {
            self.texts(|part| match part {
                Part::Reasoning { text, .. } => Some(text),
                _ => None,
            })
        };
        let details = parts.iter().find_map(|part| match part {
            Part::Opaque { kind, data, wire } if kind == details::KIND && is_ours(wire) => Some(data),
            _ => None,
        });
        match (self.host.carry, details) {
            (Carry::Details, Some(data)) if !own(details::KIND) => {
                map.serialize_entry(details::KIND, data)?
            }
            (Carry::Details, None) if !own(details::KIND) && !own("reasoning") => {
                if let Some(text) = reasoning() {
                    map.serialize_entry("reasoning", &text)?;
                }
            }
            (Carry::Field(field), _) if !own(field) => {
                if let Some(text) = reasoning() {
                    map.serialize_entry(field, &text)?;
                }
            }
            _ => {}
        }
        let refusal = self.texts(|part| match part {
            Part::Refusal { text } => Some(text),
            _ => None,
        });
        if let Some(text) = refusal.filter(|_| self.host.refusal) {
            map.serialize_entry("refusal", &text)?;
        }
        if let Some(id) = self.sound() {
            map.serialize_entry("audio", &json!({ "id": id }))?;
        }
        self.calls(map)
    }

    fn sound(&self) -> Option<&str> {
        self.message.parts.iter().find_map(|part| match part {
            Part::Media(media) if self.message.role == Role::Assistant => sound_id(media),
            _ => None,
        })
    }

    fn calls<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let is_call =
            |part: &&Part| matches!(part, Part::ToolCall { id, by: ToolBy::Client, .. } if !id.is_empty());
        if self.message.parts.iter().any(|part| is_call(&part)) {
            let calls = self.message.parts.iter().filter(is_call);
            let call = |part| Call { ids: self.host.call_ids, part, tools: self.tools };
            map.serialize_entry("tool_calls", &calls.map(call).collect::<Vec<_>>())?;
        }
        for part in &self.message.parts {
            if let Part::ToolCall { id, name, input, by: ToolBy::Client, .. } = part
                && id.is_empty()
            {
                // There is only ever one of these in a message.
                return map.serialize_entry("function_call", &json!({ "name": name, "arguments": input }));
            }
        }
        Ok(())
    }
}

impl Serialize for Spoken<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", self.role())?;
        // Sound goes back by its id alone; its transcript is not sent a second time.
        if self.sound().is_none() {
            let content = Content { host: self.host, message: self.message, is_open: self.is_open };
            map.serialize_entry("content", &content)?;
        }
        if let Some(name) = &self.message.name {
            map.serialize_entry("name", name)?;
        }
        if self.message.role == Role::Assistant {
            self.assistant(&mut map)?;
        }
        if let (true, Prefill::Mark(mark)) = (self.is_open, self.host.prefill)
            && extra_of(&self.message.extra, WIRE).all(|(name, _)| name != mark)
        {
            map.serialize_entry(mark, &true)?;
        }
        for (name, value) in extra_of(&self.message.extra, WIRE) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A call the model made.
struct Call<'a> {
    ids: CallIds,
    part: &'a Part,
    tools: &'a [Tool],
}

impl Serialize for Call<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let Part::ToolCall { id, name, input, extra, .. } = self.part else { return map.end() };
        map.serialize_entry("id", &*self.ids.write(id))?;
        let custom = extra.get("custom").is_some_and(|custom| *custom == true) || is_custom(self.tools, name);
        if custom {
            map.serialize_entry("type", "custom")?;
            map.serialize_entry("custom", &json!({ "name": name, "input": input }))?;
        } else {
            map.serialize_entry("type", "function")?;
            // Models call tools without parameters with no text at all; servers want JSON back.
            let input = if input.trim().is_empty() { "{}" } else { input };
            map.serialize_entry("function", &json!({ "name": name, "arguments": input }))?;
        }
        for (name, value) in extra_of(extra, WIRE).filter(|(name, _)| *name != "custom") {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
