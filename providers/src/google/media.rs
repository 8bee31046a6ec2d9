//! Images, sound, video and documents, inside a part or at an address.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use belvedere_core::SmolStr;
use belvedere_core::message::{Media, MediaKind, MediaSource};
use serde_json::{Map, Value};

use super::WIRE;
use super::wire::Part;
use crate::lax::Text;

/// Where uploaded files are (<https://ai.google.dev/api/files>): a file's id is what follows, `files/abc`.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/";

/// Media types by the end of a file's name: what Gemini takes
/// (<https://ai.google.dev/gemini-api/docs/file-prompting-strategies> and the pages on each kind of media).
const TYPES: [(&str, &str); 27] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mp3"),
    ("aiff", "audio/aiff"),
    ("aac", "audio/aac"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("mov", "video/mov"),
    ("avi", "video/avi"),
    ("flv", "video/x-flv"),
    ("webm", "video/webm"),
    ("wmv", "video/wmv"),
    ("3gp", "video/3gpp"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("html", "text/html"),
    ("csv", "text/csv"),
    ("md", "text/md"),
];

/// The media of a part; `None` when it has none that can be read.
pub(super) fn of(part: &Part<'_>) -> Option<Media> {
    let text = |text: &Text<'_>| text.get().map(str::to_owned);
    if let Some(blob) = &part.inline_data.0 {
        let bytes = bytes(&blob.data.0)?;
        let mime = SmolStr::from(blob.mime_type.0.as_ref());
        let mut media = Media::new(kind(&mime), MediaSource::Data { mime, data: bytes.into() });
        media.name = text(&blob.display_name);
        return Some(media);
    }
    let file = part.file_data.0.as_ref()?;
    let mut media = at(file.file_uri.get()?, file.mime_type.get());
    media.name = text(&file.display_name);
    Some(media)
}

/// The medium at an address. A media type that the address does not tell is a further field.
pub(super) fn at(uri: &str, mime: Option<&str>) -> Media {
    let told = mime_of(uri);
    let source = match uri.strip_prefix(FILES).filter(|id| id.starts_with("files/")) {
        Some(id) => MediaSource::Id(id.to_owned()),
        None => MediaSource::Url(uri.to_owned()),
    };
    let mut media = Media::new(mime.or(told).map_or(MediaKind::File, kind), source);
    if let Some(mime) = mime.filter(|mime| told != Some(mime)) {
        let own = Map::from_iter([("mimeType".to_owned(), Value::from(mime))]);
        media.extra.insert(WIRE.into(), Value::Object(own));
    }
    media
}

/// The address of an uploaded file.
pub(super) fn address(id: &str) -> String {
    if id.contains("://") {
        return id.to_owned();
    }
    let id = id.strip_prefix("files/").unwrap_or(id);
    format!("{FILES}files/{id}")
}

/// The bytes of base64 in either alphabet, with or without its padding.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = match text.contains(['-', '_']) {
        true => &alphabet::URL_SAFE,
        false => &alphabet::STANDARD,
    };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

/// What a media type is.
pub(super) fn kind(mime: &str) -> MediaKind {
    match mime.split('/').next() {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ => MediaKind::File,
    }
}

/// The type of sound that is here.
pub(super) fn sound(media: &Media) -> Option<SmolStr> {
    match &media.source {
        MediaSource::Data { mime, .. } if media.kind == MediaKind::Audio => Some(mime.clone()),
        _ => None,
    }
}

/// The media type that an address tells by its end.
pub(super) fn mime_of(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next()?;
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    TYPES.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|(_, mime)| *mime)
}
