//! Takes out the content that a target lacks: media, and parts that only another wire can read.

use std::borrow::Cow;
use std::sync::Arc;

use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Lack;
use belvedere_core::request::Request;

use super::rule::{Field, Rule, Rules, Sources};

/// Fits the messages. One that has nothing left is taken out with its last part.
pub(super) fn fit(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    let fits = |message: &Message| {
        speaker_is_lost(rules, message).is_none()
            && message.parts.iter().all(|part| part_fits(rules, message.role, part))
    };
    if request.messages.iter().all(fits) {
        return;
    }
    let mut place = 0..;
    Arc::make_mut(&mut request.messages).retain_mut(|message| {
        let path = format!("messages[{}]", place.next().unwrap_or_default());
        if let Some(reason) = speaker_is_lost(rules, message) {
            lacks.push(Lack::new(format!("{path}.name"), reason));
            message.name = None;
        }
        let path = format!("{path}.content");
        let had = message.parts.len();
        strip(rules, message.role, &mut message.parts, false, &path, lacks);
        had == 0 || !message.parts.is_empty()
    });
}

/// Why the name of a message's speaker can't be sent. That of a tool is no speaker's.
fn speaker_is_lost(rules: &Rules, message: &Message) -> Option<&'static str> {
    match rules.get(Field::Speaker) {
        Rule::Lacks(reason) if message.name.is_some() && message.role != Role::Tool => Some(reason),
        _ => None,
    }
}

fn part_fits(rules: &Rules, role: Role, part: &Part) -> bool {
    let inner = match part {
        Part::ToolResult { content, .. } => content.as_slice(),
        _ => &[],
    };
    refused(rules, role, part, false).is_none()
        && inner.iter().all(|part| refused(rules, role, part, true).is_none())
}

fn strip(
    rules: &Rules,
    role: Role,
    parts: &mut Vec<Part>,
    in_result: bool,
    path: &str,
    lacks: &mut Vec<Lack>,
) {
    let mut place = 0..;
    parts.retain_mut(|part| {
        let path = format!("{path}[{}]", place.next().unwrap_or_default());
        if let Some(reason) = refused(rules, role, part, in_result) {
            lacks.push(Lack::new(path, reason));
            return false;
        }
        if let Part::ToolResult { content, .. } = part {
            strip(rules, role, content, true, &format!("{path}.content"), lacks);
        }
        true
    });
}

/// Why a part can't be sent.
fn refused(rules: &Rules, role: Role, part: &Part, in_result: bool) -> Option<Cow<'static, str>> {
    match part {
        Part::Media(media) => refused_medium(rules, role, media, in_result),
        Part::Opaque { wire, .. } if !wire.is_empty() && wire != rules.wire => {
            Some(format!("only the wire {wire} can read it").into())
        }
        _ => None,
    }
}

fn refused_medium(rules: &Rules, role: Role, media: &Media, in_result: bool) -> Option<Cow<'static, str>> {
    let place = match role {
        _ if in_result => Some(Field::ToolMedia),
        Role::System | Role::Developer => Some(Field::SystemMedia),
        Role::Assistant => Some(Field::OwnMedia),
        Role::User | Role::Tool => None,
    };
    if let Some(place) = place {
        match rules.get(place) {
            Rule::Lacks(reason) => return Some((*reason).into()),
            Rule::Kinds(kinds) if !kinds.contains(&media.kind) => {
                return Some(format!("a result of a tool can't hold {} here", plural(media.kind)).into());
            }
            Rule::SoundById => {
                let by_id =
                    media.kind == MediaKind::Audio && media.extra.get("id").is_some_and(|id| id.is_string());
                return (!by_id).then_some("a message of the model can't hold media here".into());
            }
            _ => {}
        }
    }
    match rules.get(Field::from(media.kind)) {
        Rule::Lacks(reason) => Some((*reason).into()),
        Rule::From(sources) if !sources.have(&media.source) => {
            Some(format!("{} are taken {sources}", plural(media.kind)).into())
        }
        _ => None,
    }
}

fn plural(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "images",
        MediaKind::Audio => "sounds",
        MediaKind::Video => "videos",
        MediaKind::File => "files",
    }
}

impl Sources {
    pub(super) fn have(self, source: &MediaSource) -> bool {
        match source {
            MediaSource::Data { .. } => self.data,
            MediaSource::Url(url) => self.url.is_some_and(|begin| url.starts_with(begin)),
            MediaSource::Id(_) => self.id,
        }
    }
}

impl std::fmt::Display for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = match self.url {
            Some("") | None => "by address".to_owned(),
            Some(begin) => format!("at {begin}"),
        };
        let ways = [(self.data, "as bytes"), (self.url.is_some(), &address), (self.id, "by id")];
        let ways: Vec<&str> = ways.iter().filter(|(has, _)| *has).map(|(_, way)| *way).collect();
        f.write_str(&ways.join(" or "))
    }
}
