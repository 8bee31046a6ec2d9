//! The media type of a picture whose bytes come without one.

use belvedere_core::SmolStr;
use belvedere_core::message::{Media, MediaKind, MediaSource, Part};
use bytes::Bytes;

/// The first bytes of the formats that models take (WHATWG MIME Sniffing, section 6.1).
const SIGNATURES: [(&str, &[u8]); 4] = [
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
];

/// A picture; its media type is empty when the bytes do not tell.
pub(super) fn part(data: Bytes) -> Part {
    let known = SIGNATURES.iter().find(|(_, signature)| data.starts_with(signature));
    let mime = known.map(|(mime, _)| SmolStr::new_static(mime)).unwrap_or_default();
    Part::Media(Media::new(MediaKind::Image, MediaSource::Data { mime, data }))
}
