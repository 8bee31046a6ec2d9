//! The content of an input item: plain text, or a list of pieces.

use belvedere_core::error::Result;
use belvedere_core::message::{Media, MediaKind, MediaSource, Part, extra_of};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::WIRE;
use crate::openai::parts::{DataUrl, Text, sound_format};
use crate::outgoing::{Base64, unsupported};

/// Fields of an answer's text that belong to the text; its others belong to the item it was part of.
pub(super) const OF_TEXT: [&str; 2] = ["annotations", "logprobs"];

/// Further fields, by name.
pub(super) type Further<'a> = Vec<(&'a str, &'a Value)>;

/// The further fields that this wire is sent of an `extra`: all of its own, and of the common ones those it knows.
pub(super) fn further<'a>(extra: &'a Map<String, Value>, known: &[&str]) -> Further<'a> {
    let mut fields: Further<'a> = Vec::new();
    for (name, value) in extra_of(extra, WIRE) {
        let is_common = extra.get(name).is_some_and(|common| std::ptr::eq(common, value));
        if is_common && !known.contains(&name) {
            continue;
        }
        match fields.iter_mut().find(|(other, _)| *other == name) {
            Some(field) => field.1 = value,
            None => fields.push((name, value)),
        }
    }
    fields
}

pub(super) fn write<M: SerializeMap>(map: &mut M, fields: &Further<'_>) -> Result<(), M::Error> {
    fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
}

/// A piece of a content.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// What is said to the model.
    Input(&'a str, Further<'a>),
    /// What the model said.
    Output(&'a str, Further<'a>),
    Refusal(&'a str),
    Media(&'a Media),
}

impl<'a> Piece<'a> {
    /// The piece for a part of what is said to the model. `path` names the part in errors.
    ///
    /// # Errors
    /// `Unsupported` for what no content holds.
    pub(super) fn input(part: &'a Part, path: &str) -> Result<Self> {
        match part {
            Part::Text { text, extra } => Ok(Piece::Input(text, further(extra, &[]))),
            Part::Refusal { text } => Ok(Piece::Input(text, Vec::new())),
            Part::Media(media) => match refused(media) {
                Some(why) => Err(unsupported(path, why).with("parameter", path)),
                None => Ok(Piece::Media(media)),
            },
            _ => {
                let why = "is a part that the Responses wire has no place for here";
                Err(unsupported(path, why).with("parameter", path))
            }
        }
    }
}

/// Why a medium can't be sent.
fn refused(media: &Media) -> Option<&'static str> {
    match (media.kind, &media.source) {
        (MediaKind::Video, _) => Some("the Responses wire takes no video"),
        (MediaKind::Audio, MediaSource::Url(_) | MediaSource::Id(_)) => Some("sound needs its bytes"),
        _ => None,
    }
}

impl Serialize for Piece<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Piece::Input(text, fields) | Piece::Output(text, fields) => {
                let kind = if matches!(self, Piece::Input(..)) { "input_text" } else { "output_text" };
                map.serialize_entry("type", kind)?;
                map.serialize_entry("text", text)?;
                write(&mut map, fields)?;
            }
            Piece::Refusal(text) => {
                map.serialize_entry("type", "refusal")?;
                map.serialize_entry("refusal", text)?;
            }
            Piece::Media(media) => medium(&mut map, media)?,
        }
        map.end()
    }
}

fn medium<M: SerializeMap>(map: &mut M, media: &Media) -> Result<(), M::Error> {
    match (media.kind, &media.source) {
        (MediaKind::Image | MediaKind::Video, source) => {
            map.serialize_entry("type", "input_image")?;
            match source {
                MediaSource::Data { mime, data } => {
                    map.serialize_entry("image_url", &Text(DataUrl(mime, "image/png", data)))?;
                }
                MediaSource::Url(url) => map.serialize_entry("image_url", url)?,
                MediaSource::Id(id) => map.serialize_entry("file_id", id)?,
            }
        }
        (MediaKind::Audio, MediaSource::Data { mime, data }) => {
            map.serialize_entry("type", "input_audio")?;
            let sound = Sound { data: Base64(data), format: sound_format(mime) };
            map.serialize_entry("input_audio", &sound)?;
        }
        (_, source) => {
            map.serialize_entry("type", "input_file")?;
            match source {
                MediaSource::Data { mime, data } => {
                    map.serialize_entry("file_data", &Text(DataUrl(mime, "application/octet-stream", data)))?;
                }
                MediaSource::Url(url) => map.serialize_entry("file_url", url)?,
                MediaSource::Id(id) => map.serialize_entry("file_id", id)?,
            }
            if let Some(name) = &media.name {
                map.serialize_entry("filename", name)?;
            }
        }
    }
    write(map, &further(&media.extra, &["detail"]))
}

#[derive(serde::Serialize)]
struct Sound<'a> {
    data: Base64<'a>,
    format: &'a str,
}

/// A content: a plain text where one says it all, unless the item asks for a list.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) is_list: bool,
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.pieces.as_slice() {
            [] => serializer.serialize_str(""),
            [Piece::Input(text, fields) | Piece::Output(text, fields)]
                if fields.is_empty() && !self.is_list =>
            {
                serializer.serialize_str(text)
            }
            pieces => serializer.collect_seq(pieces),
        }
    }
}

/// Texts of a reasoning item, each with its type.
#[derive(Debug)]
pub(super) struct Texts<'a>(pub(super) &'static str, pub(super) Vec<&'a str>);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.1.iter().map(|text| json!({ "type": self.0, "text": text })))
    }
}
