//! Takes out the content that a target lacks: media, and parts that only another wire can read.

use std::borrow::Cow;
use std::sync::Arc;

use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::Lack;
use belvedere_core::request::Request;
use serde_json::Value;

use super::rule::{Field, Rule, Rules, Sources};

/// Fits the messages. One that has nothing left is taken out with its last part.
pub(super) fn fit(rules: &Rules, request: &mut Request, lacks: &mut Vec<Lack>) {
    let fits = |message: &Message| {
        speaker_is_lost(rules, message).is_none()
            && all_fit(rules, Place::new(message.role, false), &message.parts)
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
        strip(rules, Place::new(message.role, false), &mut message.parts, &path, lacks);
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

/// Where a part stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    role: Role,
    in_result: bool,
    /// Directly behind a part that only this wire can read.
    behind_own: bool,
}

impl Place {
    fn new(role: Role, in_result: bool) -> Self {
        Place { role, in_result, behind_own: false }
    }

    /// This place, and from then on the one behind `part`.
    fn pass(&mut self, rules: &Rules, part: &Part) -> Place {
        let here = *self;
        self.behind_own = matches!(part, Part::Opaque { wire, .. } if wire.is_empty() || wire == rules.wire);
        here
    }
}

fn all_fit(rules: &Rules, mut place: Place, parts: &[Part]) -> bool {
    parts.iter().all(|part| {
        let here = place.pass(rules, part);
        let inner = match part {
            Part::ToolResult { content, .. } => content.as_slice(),
            _ => &[],
        };
        refused(rules, here, part).is_none() && all_fit(rules, Place::new(here.role, true), inner)
    })
}

fn strip(rules: &Rules, mut place: Place, parts: &mut Vec<Part>, path: &str, lacks: &mut Vec<Lack>) {
    let mut index = 0..;
    parts.retain_mut(|part| {
        let path = format!("{path}[{}]", index.next().unwrap_or_default());
        let here = place.pass(rules, part);
        if let Some(reason) = refused(rules, here, part) {
            lacks.push(Lack::new(path, reason));
            return false;
        }
        if let Part::ToolResult { content, .. } = part {
            strip(rules, Place::new(here.role, true), content, &format!("{path}.content"), lacks);
        }
        true
    });
}

/// Why a part can't be sent.
fn refused(rules: &Rules, place: Place, part: &Part) -> Option<Cow<'static, str>> {
    match part {
        Part::Media(media) => refused_medium(rules, place, media),
        Part::Opaque { wire, .. } if !wire.is_empty() && wire != rules.wire => {
            Some(format!("only the wire {wire} can read it").into())
        }
        _ => None,
    }
}

fn refused_medium(rules: &Rules, place: Place, media: &Media) -> Option<Cow<'static, str>> {
    const OF_MODEL: &str = "a message of the model can't hold it here";
    let field = match place.role {
        _ if place.in_result => Some(Field::ToolMedia),
        Role::System | Role::Developer => Some(Field::SystemMedia),
        Role::Assistant => Some(Field::OwnMedia),
        Role::User | Role::Tool => None,
    };
    match field.map(|field| rules.get(field)) {
        Some(Rule::Lacks(reason)) => return Some((*reason).into()),
        Some(Rule::Kinds(kinds)) if !kinds.contains(&media.kind) => {
            return Some(format!("a result of a tool can't hold {} here", plural(media.kind)).into());
        }
        Some(Rule::SoundById) => {
            let has_id = media.extra.get("id").is_some_and(Value::is_string);
            return (media.kind != MediaKind::Audio || !has_id).then_some(OF_MODEL.into());
        }
        Some(Rule::BehindOwn) => return (!place.behind_own).then_some(OF_MODEL.into()),
        _ => {}
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
