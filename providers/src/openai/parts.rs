//! Writes the content of a message: plain text, or a list of parts.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role, ToolBy, extra_of};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::hosts::{Carry, Host, MediaForm};
use super::{WIRE, is_ours};

/// The content of a message. One plain text is a string; anything else is a list, and nothing at all is null
/// beside tool calls or a refusal and an empty string elsewhere.
pub(crate) struct Content<'a> {
    pub(crate) host: &'a Host,
    pub(crate) message: &'a Message,
    /// The answer goes on where it ends: servers want one text then, where the rest allows it.
    pub(crate) is_open: bool,
}

impl Content<'_> {
    /// True for what is part of the content; the rest has fields of its own, or no place on this wire.
    fn holds(&self, part: &Part) -> bool {
        let assistant = self.message.role == Role::Assistant;
        match part {
            Part::Text { text, .. } => !text.is_empty(),
            Part::Media(_) => !assistant,
            Part::Opaque { wire, .. } => !assistant && is_ours(wire),
            Part::Refusal { .. } => !self.host.refusal,
            Part::Reasoning { .. } => assistant && self.host.carry == Carry::Items,
            _ => false,
        }
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let held = || self.message.parts.iter().filter(|part| self.holds(part));
        let mut first = held();
        match (first.next(), first.next()) {
            (None, _) => {
                // An empty text that stands alone is sent as it is.
                let is_text = |part: &Part| matches!(part, Part::Text { .. });
                let elsewhere = |part: &Part| {
                    matches!(part, Part::ToolCall { by: ToolBy::Client, .. } | Part::Refusal { .. })
                };
                let parts = &self.message.parts;
                match parts.iter().any(elsewhere) && !parts.iter().any(is_text) {
                    true => serializer.serialize_none(),
                    false => serializer.serialize_str(""),
                }
            }
            (Some(Part::Text { text, extra }), None) if is_plain(extra) => serializer.serialize_str(text),
            _ if self.is_open && held().all(is_plain_text) => {
                serializer.serialize_str(&held().filter_map(Part::as_text).collect::<String>())
            }
            _ => serializer.collect_seq(held().map(|part| Item { part, form: self.host.media })),
        }
    }
}

/// The text of a tool's result: a string when it is one plain text.
pub(crate) struct PlainText<'a>(pub(crate) &'a [Part]);

impl Serialize for PlainText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [] => serializer.serialize_str(""),
            [Part::Text { text, extra }] if is_plain(extra) => serializer.serialize_str(text),
            parts => serializer.collect_seq(parts.iter().map(|part| Item { part, form: MediaForm::Objects })),
        }
    }
}

fn is_plain_text(part: &Part) -> bool {
    matches!(part, Part::Text { extra, .. } if is_plain(extra))
}

/// True when no further field goes along with a text.
fn is_plain(extra: &Map<String, Value>) -> bool {
    extra_of(extra, WIRE).next().is_none()
}

/// One part of a content.
struct Item<'a> {
    part: &'a Part,
    form: MediaForm,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.part {
            Part::Text { text, extra } => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
                entries(&mut map, extra, |_| true)?;
            }
            Part::Refusal { text } => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
            }
            Part::Reasoning { text, signature, wire, .. } => {
                map.serialize_entry("type", "thinking")?;
                map.serialize_entry("thinking", &[json!({ "type": "text", "text": text })])?;
                if let Some(signature) = signature.as_ref().filter(|_| is_ours(wire)) {
                    map.serialize_entry("signature", signature)?;
                }
            }
            Part::Media(media) => match self.form {
                MediaForm::Texts => as_text(&mut map, media)?,
                MediaForm::Objects => medium(&mut map, media)?,
            },
            // A part in the server's own words.
            Part::Opaque { data: Value::Object(own), .. } => entries(&mut map, own, |_| true)?,
            _ => {}
        }
        map.end()
    }
}

fn entries<M: SerializeMap>(
    map: &mut M,
    fields: &Map<String, Value>,
    want: impl Fn(&str) -> bool,
) -> Result<(), M::Error> {
    extra_of(fields, WIRE)
        .filter(|(name, _)| want(name))
        .try_for_each(|(name, value)| map.serialize_entry(name, value))
}

/// `cache_control` stands beside the medium; its other fields, such as `detail`, stand inside.
fn medium<M: SerializeMap>(map: &mut M, media: &Media) -> Result<(), M::Error> {
    let kind = match media.kind {
        MediaKind::Image => "image_url",
        MediaKind::Video => "video_url",
        MediaKind::Audio => "input_audio",
        MediaKind::File => "file",
    };
    map.serialize_entry("type", kind)?;
    map.serialize_entry(kind, &Inner(media))?;
    entries(map, &media.extra, |name| name == "cache_control")
}

/// Mistral's forms of sound and documents, each one text; its pictures are OpenAI's.
fn as_text<M: SerializeMap>(map: &mut M, media: &Media) -> Result<(), M::Error> {
    let kind = match (media.kind, &media.source) {
        (MediaKind::Audio, _) => "input_audio",
        (MediaKind::File, MediaSource::Id(_)) => "file",
        (MediaKind::File, _) => "document_url",
        _ => return medium(map, media),
    };
    map.serialize_entry("type", kind)?;
    match &media.source {
        MediaSource::Id(id) => map.serialize_entry("file_id", id)?,
        MediaSource::Url(url) => map.serialize_entry(kind, url)?,
        MediaSource::Data { data, .. } if media.kind == MediaKind::Audio => {
            map.serialize_entry(kind, &Text(Base64Display::new(data, &STANDARD)))?;
        }
        MediaSource::Data { mime, data } => {
            map.serialize_entry(kind, &Text(DataUrl(mime, "application/pdf", data)))?;
        }
    }
    if let ("document_url", Some(name)) = (kind, &media.name) {
        map.serialize_entry("document_name", name)?;
    }
    entries(map, &media.extra, |_| true)
}

struct Inner<'a>(&'a Media);

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Inner(media) = self;
        let mut map = serializer.serialize_map(None)?;
        match (media.kind, &media.source) {
            (MediaKind::Audio, MediaSource::Data { mime, data }) => {
                map.serialize_entry("data", &Text(Base64Display::new(data, &STANDARD)))?;
                map.serialize_entry("format", sound_format(mime))?;
            }
            (MediaKind::File, MediaSource::Data { mime, data }) => {
                map.serialize_entry("file_data", &Text(DataUrl(mime, "application/octet-stream", data)))?;
            }
            (MediaKind::File, MediaSource::Id(id)) => map.serialize_entry("file_id", id)?,
            (MediaKind::File, MediaSource::Url(url)) => map.serialize_entry("file_data", url)?,
            (_, MediaSource::Data { mime, data }) => {
                let common = if media.kind == MediaKind::Video { "video/mp4" } else { "image/png" };
                map.serialize_entry("url", &Text(DataUrl(mime, common, data)))?;
            }
            (_, MediaSource::Url(text) | MediaSource::Id(text)) => map.serialize_entry("url", text)?,
        }
        if let (MediaKind::File, Some(name)) = (media.kind, &media.name) {
            map.serialize_entry("filename", name)?;
        }
        entries(&mut map, &media.extra, |name| name != "cache_control")?;
        map.end()
    }
}

/// OpenAI's words for sound: `wav` and `mp3`; others as their media type says.
pub(crate) fn sound_format(mime: &str) -> &str {
    match mime.rsplit('/').next().unwrap_or_default() {
        "" | "x-wav" | "wave" => "wav",
        "mpeg" => "mp3",
        other => other,
    }
}

/// Written piece by piece: no copy of a large medium is made.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A data URL (RFC 2397): media type, the one to take when that is unknown, bytes.
pub(crate) struct DataUrl<'a>(pub(crate) &'a str, pub(crate) &'a str, pub(crate) &'a [u8]);

impl std::fmt::Display for DataUrl<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mime = if self.0.is_empty() { self.1 } else { self.0 };
        write!(f, "data:{mime};base64,{}", Base64Display::new(self.2, &STANDARD))
    }
}
