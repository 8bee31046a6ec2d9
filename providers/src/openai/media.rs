//! Images and sound written by the model.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belvedere_core::SmolStr;
use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::message::{Media, MediaKind, MediaSource};
use bytes::Bytes;

use super::wire::Audio;

/// An image at an address; the bytes themselves when it is a data URL.
///
/// # Errors
/// `Malformed` when a data URL does not hold base64.
pub(crate) fn image(url: &str) -> Result<Media> {
    let source = match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((mime, text)) => MediaSource::Data { mime: mime.into(), data: decode(text)? },
        None => MediaSource::Url(url.to_owned()),
    };
    Ok(Media::new(MediaKind::Image, source))
}

/// Reads sound that comes as base64 cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Sound {
    /// Characters that make no whole byte group yet.
    rest: String,
    begun: bool,
}

impl Sound {
    /// The bytes that are new; `None` when there are none. The first medium carries the provider's id, by which
    /// the sound can be sent back.
    ///
    /// # Errors
    /// `Malformed` when it is not base64.
    pub(crate) fn take(&mut self, audio: &Audio<'_>, mime: &SmolStr) -> Result<Option<Media>> {
        self.rest.push_str(&audio.data.0);
        let whole = self.rest.len() / 4 * 4;
        let ready: String = self.rest.drain(..whole).collect();
        if ready.is_empty() && (self.begun || audio.id.get().is_none()) {
            return Ok(None);
        }
        let source = MediaSource::Data { mime: mime.clone(), data: decode(&ready)? };
        let mut media = Media::new(MediaKind::Audio, source);
        if let (false, Some(id)) = (self.begun, audio.id.get()) {
            media.extra.insert("id".into(), id.into());
        }
        self.begun = true;
        Ok(Some(media))
    }
}

fn decode(text: &str) -> Result<Bytes> {
    STANDARD
        .decode(text)
        .map(Bytes::from)
        .map_err(|_| Error::new(ErrorKind::Malformed, "media in the answer is not base64"))
}
