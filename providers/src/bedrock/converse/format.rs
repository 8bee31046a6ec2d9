//! Formats of media, which Converse names by words of its own
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>).

use belvedere_core::SmolStr;
use belvedere_core::message::MediaKind;

/// Kind, Converse's word, media type. The first row of a word or a type is the one that is written.
const FORMATS: [(MediaKind, &str, &str); 47] = [
    (MediaKind::Image, "png", "image/png"),
    (MediaKind::Image, "jpeg", "image/jpeg"),
    (MediaKind::Image, "jpeg", "image/jpg"),
    (MediaKind::Image, "gif", "image/gif"),
    (MediaKind::Image, "webp", "image/webp"),
    (MediaKind::File, "pdf", "application/pdf"),
    (MediaKind::File, "txt", "text/plain"),
    (MediaKind::File, "csv", "text/csv"),
    (MediaKind::File, "html", "text/html"),
    (MediaKind::File, "md", "text/markdown"),
    (MediaKind::File, "md", "text/x-markdown"),
    (MediaKind::File, "doc", "application/msword"),
    (MediaKind::File, "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (MediaKind::File, "xls", "application/vnd.ms-excel"),
    (MediaKind::File, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (MediaKind::Video, "mp4", "video/mp4"),
    (MediaKind::Video, "mov", "video/quicktime"),
    (MediaKind::Video, "mov", "video/mov"),
    (MediaKind::Video, "mkv", "video/x-matroska"),
    (MediaKind::Video, "mkv", "video/matroska"),
    (MediaKind::Video, "webm", "video/webm"),
    (MediaKind::Video, "flv", "video/x-flv"),
    (MediaKind::Video, "mpeg", "video/mpeg"),
    (MediaKind::Video, "mpg", "video/mpg"),
    (MediaKind::Video, "wmv", "video/x-ms-wmv"),
    (MediaKind::Video, "three_gp", "video/3gpp"),
    (MediaKind::Audio, "mp3", "audio/mpeg"),
    (MediaKind::Audio, "mp3", "audio/mp3"),
    (MediaKind::Audio, "mpeg", "audio/x-mpeg"),
    (MediaKind::Audio, "mpga", "audio/mpga"),
    (MediaKind::Audio, "wav", "audio/wav"),
    (MediaKind::Audio, "wav", "audio/x-wav"),
    (MediaKind::Audio, "wav", "audio/wave"),
    (MediaKind::Audio, "opus", "audio/opus"),
    (MediaKind::Audio, "aac", "audio/aac"),
    (MediaKind::Audio, "x-aac", "audio/x-aac"),
    (MediaKind::Audio, "flac", "audio/flac"),
    (MediaKind::Audio, "ogg", "audio/ogg"),
    (MediaKind::Audio, "mp4", "audio/mp4"),
    (MediaKind::Audio, "m4a", "audio/m4a"),
    (MediaKind::Audio, "m4a", "audio/x-m4a"),
    (MediaKind::Audio, "mka", "audio/x-matroska"),
    (MediaKind::Audio, "mkv", "audio/mkv"),
    (MediaKind::Audio, "pcm", "audio/pcm"),
    (MediaKind::Audio, "pcm", "audio/l16"),
    (MediaKind::Audio, "webm", "audio/webm"),
    (MediaKind::Audio, "wav", "audio/vnd.wave"),
];

/// The media type of a word of Converse's; one that is unknown gives a type of its own kind.
pub(super) fn mime_of(kind: MediaKind, word: &str) -> SmolStr {
    let row = FORMATS.iter().find(|(k, w, _)| *k == kind && *w == word);
    let family = match kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
        MediaKind::File => "application",
    };
    row.map_or_else(|| SmolStr::from(format!("{family}/{word}")), |(_, _, mime)| SmolStr::new_static(mime))
}

/// Converse's word for a media type, whose parameters do not matter; `None` when it takes no such medium.
pub(super) fn word_of(kind: MediaKind, mime: &str) -> Option<&'static str> {
    let mime = mime.split(';').next().unwrap_or_default().trim();
    FORMATS.iter().find(|(k, _, m)| *k == kind && m.eq_ignore_ascii_case(mime)).map(|(_, word, _)| *word)
}

/// Converse's word for a file, by the ending of its address.
pub(super) fn word_of_address(kind: MediaKind, address: &str) -> Option<&'static str> {
    let (_, ending) = address.rsplit_once('.')?;
    let ending = match ending.to_ascii_lowercase().as_str() {
        "jpg" => "jpeg".to_owned(),
        "3gp" => "three_gp".to_owned(),
        "htm" => "html".to_owned(),
        ending => ending.to_owned(),
    };
    FORMATS.iter().find(|(k, word, _)| *k == kind && *word == ending).map(|(_, word, _)| *word)
}
