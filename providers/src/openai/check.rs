//! Content that can't be written is refused, by its path. What a server lacks is in `capabilities`.

use belvedere_core::error::{Error, ErrorKind, Result};
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::request::{Request, Tool};

use super::hosts::{Host, MediaForm};

/// Checks the content of a chat request.
///
/// # Errors
/// `Unsupported` or `InvalidRequest`, with the path of what can't be sent.
pub(crate) fn chat(host: &Host, request: &Request) -> Result<()> {
    for (i, message) in request.messages.iter().enumerate() {
        for (j, part) in message.parts.iter().enumerate() {
            check_part(host, message, part, &format_args!("messages[{i}].content[{j}]"))?;
        }
    }
    Ok(())
}

fn unsupported(host: &Host, parameter: impl std::fmt::Display, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{parameter}: {why}")).with("host", host.name)
}

fn check_part(host: &Host, message: &Message, part: &Part, path: &std::fmt::Arguments<'_>) -> Result<()> {
    match part {
        Part::Media(media) => match refused(host, message.role, media) {
            Some(why) => Err(unsupported(host, path, why)),
            None => Ok(()),
        },
        Part::ToolResult { content, name, id, .. } => {
            if !content.iter().all(|part| matches!(part, Part::Text { .. })) {
                return Err(unsupported(host, path, "the result of a tool can only be text"));
            }
            if id.is_empty() && name.is_none() {
                let fault = format!("{path}: a result without an id needs the name of its function");
                return Err(Error::new(ErrorKind::InvalidRequest, fault));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Why a medium can't be sent.
fn refused(host: &Host, role: Role, media: &Media) -> Option<&'static str> {
    if role == Role::Assistant {
        return sound_id(media).is_none().then_some("a message of the model can't hold media");
    }
    match (media.kind, &media.source) {
        (MediaKind::Image, MediaSource::Id(_)) => Some("an image needs its bytes or an address"),
        (MediaKind::Audio, MediaSource::Url(_)) if host.media == MediaForm::Texts => None,
        (MediaKind::Audio, MediaSource::Url(_) | MediaSource::Id(_)) => Some("sound needs its bytes"),
        (MediaKind::Video, _) if !host.video => Some("the server takes no video"),
        (MediaKind::Video, MediaSource::Id(_)) => Some("a video needs its bytes or an address"),
        (MediaKind::File, MediaSource::Url(_)) if !host.file_url => Some("a file needs its bytes or an id"),
        _ => None,
    }
}

/// The provider's id of sound it wrote, by which the sound goes back.
pub(crate) fn sound_id(media: &Media) -> Option<&str> {
    match media.kind {
        MediaKind::Audio => media.extra.get("id")?.as_str(),
        _ => None,
    }
}

/// The names of custom tools, whose calls carry free text.
pub(crate) fn is_custom(tools: &[Tool], name: &str) -> bool {
    tools.iter().any(|tool| {
        let Tool::Provider(map) = tool else { return false };
        map.get("type").is_some_and(|kind| kind == "custom")
            && map.get("custom").and_then(|custom| custom.get("name")).is_some_and(|own| own == name)
    })
}
