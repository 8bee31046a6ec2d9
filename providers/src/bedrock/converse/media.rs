//! Images, videos and sound in an answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::event::Event;
use belvedere_core::message::{Media, MediaKind, MediaSource};
use serde_json::{Map, Value, json};

use super::format;
use super::pieces::{field, join};
use super::wire::Medium;

/// True for a medium that comes as bytes, at once or in pieces; not for one that lies elsewhere or failed.
pub(super) fn is_here(medium: &Medium<'_>) -> bool {
    let here = medium.source.0.as_ref().is_none_or(|source| source.bytes.get().is_some());
    here && medium.error.is_none() && medium.format.get().is_some()
}

/// The bytes that came with the block.
pub(super) fn bytes(medium: &Medium<'_>) -> Option<Vec<u8>> {
    STANDARD.decode(medium.source.0.as_ref()?.bytes.get()?).ok()
}

/// What is new of a medium.
pub(super) fn event(part: u32, kind: MediaKind, mime: SmolStr, bytes: Vec<u8>) -> Event {
    let source = MediaSource::Data { mime, data: bytes.into() };
    Event::Media { choice: 0, part, media: Box::new(Media::new(kind, source)) }
}

/// A medium that began, and whose first piece has no bytes: it lies elsewhere or could not be made. Its field and the
/// value of it, as a whole answer has them.
pub(super) fn elsewhere(kind: MediaKind, mime: &str, pieces: Map<String, Value>) -> (SmolStr, Value) {
    let format = format::word_of(kind, mime).or_else(|| mime.rsplit('/').next());
    let mut value = json!({ "format": format });
    let (field, piece) = field(pieces).unwrap_or_default();
    join(&mut value, piece);
    (field.into(), value)
}
