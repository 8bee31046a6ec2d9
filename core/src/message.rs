//! Messages and their parts. OpenAI-style messages are accepted as they are; one type serves both directions.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::error::{Error, ErrorKind, Result};

/// One message of a conversation.
///
/// Its JSON form is `{role, content: [parts]}`. Reading also accepts what people have: `content` as a string,
/// OpenAI's parts (`image_url`, `input_audio`, `file`), `tool_calls`, and the roles `developer`, `tool` and
/// `function`. An unknown part is an error that names its path, never an empty message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    #[serde(rename = "content")]
    pub parts: Vec<Part>,
    /// The speaker's name, where the wire has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<SmolStr>,
    /// Fields only some wires know (`cache_control`, ...), sent as they are where the wire takes them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions of the application.
    System,
    /// Instructions of the application, in OpenAI's newer word; a wire without it sends `system`.
    Developer,
    /// The person, or whoever asks.
    User,
    /// The model.
    Assistant,
    /// The result of a tool.
    Tool,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Fields only some wires know.
        #[serde(flatten)]
        extra: Map<String, Value>,
    },
    /// The model's thinking, carried back where the provider wants it.
    Reasoning {
        /// The text; may be empty when only the signature is given.
        text: String,
        /// The provider's signature or encrypted form.
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        /// The wire that can read the signature, such as `anthropic.messages`; empty: unknown. Another wire
        /// leaves the signature out.
        #[serde(skip_serializing_if = "SmolStr::is_empty")]
        wire: SmolStr,
        /// Fields only some wires know.
        #[serde(flatten)]
        extra: Map<String, Value>,
    },
    /// The model declined, in words.
    Refusal {
        /// The words.
        text: String,
    },
    /// A call of a tool.
    ToolCall {
        /// The call's id; empty where the provider gives none.
        id: SmolStr,
        /// The tool's name.
        name: SmolStr,
        /// The arguments as JSON text, exactly as received; see [`arguments`].
        input: String,
        /// Who has to run it.
        #[serde(default, skip_serializing_if = "ToolBy::is_client")]
        by: ToolBy,
        /// Fields only some wires know.
        #[serde(flatten)]
        extra: Map<String, Value>,
    },
    /// The result of a tool call.
    ToolResult {
        /// The id of the call it answers.
        id: SmolStr,
        /// The tool's name, where the wire asks for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<SmolStr>,
        /// What the tool returned.
        content: Vec<Part>,
        /// True when the tool failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        /// Fields only some wires know.
        #[serde(flatten)]
        extra: Map<String, Value>,
    },
    /// Image, audio, video or a document.
    Media(Media),
    /// A part only its provider understands, carried back as it is.
    Opaque {
        /// The provider's word for it.
        kind: SmolStr,
        /// The provider's object.
        data: Value,
        /// The wire that can read it, such as `anthropic.messages`; empty: unknown. Another wire refuses the part
        /// or drops it with a notice.
        #[serde(skip_serializing_if = "SmolStr::is_empty")]
        wire: SmolStr,
    },
}

/// Image, audio, video or a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where its bytes are.
    pub source: MediaSource,
    /// Its file name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Fields only some wires know (`detail`, ...).
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// A document.
    File,
}

/// Where the bytes of a medium are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Here.
    Data {
        /// Media type, such as `image/png`; empty when unknown.
        mime: SmolStr,
        /// The bytes; base64 in JSON.
        #[serde(with = "base64_bytes")]
        data: Bytes,
    },
    /// At an address the provider fetches.
    Url(String),
    /// Uploaded to the provider before, under this id.
    Id(String),
}

/// Who runs a tool call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolBy {
    /// The client.
    #[default]
    Client,
    /// The provider itself (web search, code execution).
    Provider,
}

impl ToolBy {
    /// True for [`ToolBy::Client`].
    pub fn is_client(&self) -> bool {
        matches!(self, ToolBy::Client)
    }
}

/// The further fields that `wire` is sent of an `extra`.
///
/// A field whose name is that of a wire (they have a dot: `google.generate`) holds an object whose fields only that
/// wire gets. All others go to every wire that has a place for them. Of two with one name the wire's own is sent.
///
/// ```
/// use belvedere_core::message::extra_of;
/// use serde_json::json;
///
/// let extra = json!({"cache_control": 1, "x": 2, "google.generate": {"x": 3}, "openai.chat": {"y": 4}});
/// let sent: Vec<_> = extra_of(extra.as_object().unwrap(), "google.generate").collect();
/// assert_eq!(sent, [("cache_control", &json!(1)), ("x", &json!(3))]);
/// ```
pub fn extra_of<'a>(
    extra: &'a Map<String, Value>,
    wire: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> + Clone {
    let own = extra.get(wire).and_then(Value::as_object);
    let is_own = move |name: &String| own.is_some_and(|own| own.contains_key(name));
    let common = extra.iter().filter(move |(name, _)| !name.contains('.') && !is_own(name));
    common.chain(own.into_iter().flatten()).map(|(name, value)| (name.as_str(), value))
}

/// The arguments of a tool call as a JSON value. Empty text counts as `{}`.
///
/// # Errors
/// `Malformed` when the text is not JSON, as when the model was cut off. The text itself is not in the error.
pub fn arguments(input: &str) -> Result<Value> {
    if input.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_str(input).map_err(|e| {
        Error::new(ErrorKind::Malformed, format!("tool arguments are not JSON: {}", json_fault(&e)))
    })
}

/// What is wrong with a JSON text and where, without quoting from it.
pub(crate) fn json_fault(e: &serde_json::Error) -> String {
    let what = match e.classify() {
        serde_json::error::Category::Io => "unreadable",
        serde_json::error::Category::Syntax => "syntax error",
        serde_json::error::Category::Data => "unexpected shape",
        serde_json::error::Category::Eof => "ends too early",
    };
    format!("{what} at line {} column {}", e.line(), e.column())
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Part::Text { text: text.into(), extra: Map::new() }
    }

    /// A reasoning part without a signature.
    pub fn reasoning(text: impl Into<String>) -> Self {
        Part::Reasoning { text: text.into(), signature: None, wire: SmolStr::default(), extra: Map::new() }
    }

    /// A part that only `wire` understands.
    pub fn opaque(wire: impl Into<SmolStr>, kind: impl Into<SmolStr>, data: Value) -> Self {
        Part::Opaque { kind: kind.into(), data, wire: wire.into() }
    }

    /// The text of a text part.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Part::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

impl Media {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        match &self.source {
            MediaSource::Data { data, .. } => data.len() + size_of::<Media>(),
            MediaSource::Url(text) | MediaSource::Id(text) => text.len() + size_of::<Media>(),
        }
    }

    /// A medium without a name.
    pub fn new(kind: MediaKind, source: MediaSource) -> Self {
        Media { kind, source, name: None, extra: Map::new() }
    }
}

impl Message {
    /// A message of `role` with these parts.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Message { role, parts, name: None, extra: Map::new() }
    }

    /// A user's message.
    pub fn user(text: impl Into<String>) -> Self {
        Message::new(Role::User, vec![Part::text(text)])
    }

    /// An instruction.
    pub fn system(text: impl Into<String>) -> Self {
        Message::new(Role::System, vec![Part::text(text)])
    }

    /// The model's words.
    pub fn assistant(text: impl Into<String>) -> Self {
        Message::new(Role::Assistant, vec![Part::text(text)])
    }

    /// The result of the tool call `id`.
    pub fn tool(id: impl Into<SmolStr>, text: impl Into<String>) -> Self {
        let result = Part::ToolResult {
            id: id.into(),
            name: None,
            content: vec![Part::text(text)],
            is_error: false,
            extra: Map::new(),
        };
        Message::new(Role::Tool, vec![result])
    }

    /// The text parts, joined with nothing between.
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(Part::as_text).collect()
    }

    /// Reads a message from its JSON form or an OpenAI-style one.
    ///
    /// # Errors
    /// `InvalidRequest` naming the path below `path` and what is allowed there.
    pub fn from_json(value: Value, path: &str) -> Result<Self> {
        crate::message_json::message(value, path)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Message::from_json(value, "message").map_err(|e| serde::de::Error::custom(e.message()))
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        crate::message_json::part(value, "part").map_err(|e| serde::de::Error::custom(e.message()))
    }
}

/// Bytes as base64 text in JSON.
pub(crate) mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(data: &Bytes, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(data))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(d)?;
        STANDARD.decode(text).map(Bytes::from).map_err(serde::de::Error::custom)
    }
}
